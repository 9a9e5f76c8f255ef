/** `add-lane ID JSON`: a lane from its definition, typed, piped or in a file. */
import { branchOf, idFault } from "../core/id.ts";
import { parseSpec } from "../core/lane-spec.ts";
import { isNo, type No } from "../core/observed.ts";
import { attempt, isFault, json } from "../core/parse.ts";
import type { LaneSpec } from "../core/state.ts";
import type { Engine } from "../engine/engine.ts";
import { warnOf } from "./ask.ts";
import type { Call } from "./call.ts";
import { type Answer, exit, faultNo, no } from "./exit.ts";
import { warnOfOverlap } from "./overlap.ts";
import { readText } from "./read-text.ts";
import { tell, worktreePath } from "./report.ts";
import { wish } from "./wish.ts";

/** Add one lane. A command in it was typed by a person: it is trusted. */
export const addLane = async (call: Call, engine: Engine): Promise<Answer> => {
  const [id = "", definition = ""] = call.words;
  const fault = idFault(id);
  if (fault !== undefined) return no(fault, "choose another id", exit.data);
  const spec = await specFrom(call, engine, id, definition);
  if (isNo(spec)) return spec;
  const refused = await wish(call, engine, { type: "add", lanes: [{ id, spec }] });
  if (refused) return refused;
  warnOfOverlap(call, engine.state(), [{ id, paths: spec.paths }]);
  const isAble = spec.command !== undefined || spec.agent !== undefined;
  return tell(call, {
    code: exit.done,
    lines: [
      `added ${id}`,
      isAble ? `next: lanes exec-lane ${id}` : `it names no command and no agent yet: it can be planned with, not run`,
    ],
    json: { lane: id, branch: branchOf(id), worktree: worktreePath(engine, id), spec },
  });
};

const specFrom = async (call: Call, engine: Engine, id: string, definition: string): Promise<LaneSpec | No> => {
  const text = await readText(call.shell, definition, "the definition");
  if (isNo(text)) return text;
  const parsed = attempt(() => {
    const value = attempt(() => ({ json: json(text.text) }));
    return isFault(value) ? value : parseSpec(id, value.json);
  });
  if (isFault(parsed)) return faultNo(`lane ${id}`, parsed);
  const settings = await engine.settings();
  if (isNo(settings)) return settings;
  await warnOf(call, engine);
  for (const warning of parsed.warnings) call.output.say(`warning: ${warning}`);
  const { spec } = parsed;
  const { agent, agents = {} } = settings.config;
  if (spec.command === undefined && spec.agent === undefined && agent !== undefined) return { ...spec, agent };
  if (spec.agent !== undefined && spec.agent !== "manual" && spec.command === undefined && !(spec.agent in agents)) {
    call.output.say(
      `warning: agent "${spec.agent}" is not in the roster (agents in lanes.config.json) that may be used now`,
    );
  }
  return spec;
};
