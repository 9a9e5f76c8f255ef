/** `tracker [get|patch|export]`: the state for scripts, and the one way to write into it that says whether it worked. */
import { idFault, quote } from "../core/id.ts";
import { isNo } from "../core/observed.ts";
import { isFault } from "../core/parse.ts";
import { parseDoc } from "../core/patch.ts";
import type { Engine } from "../engine/engine.ts";
import { bundleOf } from "./bundle.ts";
import { type Call, textOf } from "./call.ts";
import { type Answer, exit, faultNo, no } from "./exit.ts";
import { readText } from "./read-text.ts";
import { tell } from "./report.ts";
import { callingLane } from "./shell.ts";
import { prepareOnce } from "./wish.ts";

/** Read the tracker, set fields of it, or export what a bug report needs. */
export const tracker = async (call: Call, engine: Engine): Promise<Answer> => {
  const [action = "get", definition] = call.words;
  if (action !== "patch" && definition !== undefined)
    return no(`lanes tracker ${action} takes nothing more`, "lanes tracker --help shows how", exit.usage);
  switch (action) {
    case "get":
      call.output.printJson(await engine.tracker());
      return exit.done;
    case "patch":
      return patch(call, engine, definition);
    case "export":
      call.output.printJson(await bundleOf(call, engine));
      return exit.done;
    default:
      return no(`unknown action ${quote(action)}`, "lanes tracker takes get, patch or export", exit.usage);
  }
};

/** What a caller may name a patch. */
const patchId = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/;

const patch = async (call: Call, engine: Engine, definition: string | undefined): Promise<Answer> => {
  if (definition === undefined)
    return no("the fields to set are missing", `lanes tracker patch '{"lanes": {…}}'`, exit.usage);
  const id = textOf(call, "id");
  if (id !== undefined && !patchId.test(id))
    return no(`${quote(id)} cannot name a patch`, "use letters, digits and . _ : -, 128 at most", exit.usage);
  const read = await readText(call.shell, definition, "the patch");
  if (isNo(read)) return read;
  const parsed = parseDoc(read.text);
  if (isFault(parsed)) return faultNo("the patch", parsed);
  const unprepared = await prepareOnce(call, engine);
  if (unprepared) return unprepared;
  const lane = callingLane(call.shell);
  const answer = await engine.patch(parsed.doc, {
    ...(id === undefined ? {} : { id }),
    ...(lane === undefined || idFault(lane) !== undefined ? {} : { lane }),
  });
  if ("refused" in answer) return answer;
  await engine.rescue();
  const { position, changed, repeated = false } = answer;
  const line = repeated
    ? `${id ?? "it"} took effect before, at position ${position}: nothing of this one was looked at`
    : changed
      ? `in effect at position ${position}`
      : "nothing to change: it is so already";
  return tell(call, { code: exit.done, lines: [line], json: { position, changed, repeated } });
};
