/** `approve LANE…`: a person lets lanes land exactly as they are now. */
import { isNo } from "../core/observed.ts";
import type { Engine } from "../engine/engine.ts";
import { type Call, textOf } from "./call.ts";
import { type Answer, exit, no } from "./exit.ts";
import { tell } from "./report.ts";
import { lanesNamed, wish } from "./wish.ts";

/** Record the heads that git shows now; with `--head` only that one. */
export const approve = async (call: Call, engine: Engine): Promise<Answer> => {
  const lanes = lanesNamed(engine.state(), call.words);
  if (isNo(lanes)) return lanes;
  const ids = lanes.map(({ id }) => id);
  const seen = textOf(call, "head")?.toLowerCase();
  if (seen !== undefined && (ids.length > 1 || !/^[0-9a-f]{4,64}$/.test(seen)))
    return no("--head takes one lane's commit by name", "lanes approve LANE --head 3f2a91c", exit.usage);
  const command = { type: "approve", lanes: ids, heads: new Map<string, string>() } as const;
  const refused = await wish(call, engine, { ...command, ...(seen === undefined ? {} : { seen }) });
  if (refused) return refused;
  const approved = ids.map((id) => ({ lane: id, head: engine.state().lanes.get(id)?.approved?.head ?? "" }));
  return tell(call, {
    code: exit.done,
    lines: approved.map(({ lane, head }) => `approved ${lane} at ${head.slice(0, 7)}`),
    hints: [`to land: lanes merge ${ids.join(" ")}`],
    json: { approved },
  });
};
