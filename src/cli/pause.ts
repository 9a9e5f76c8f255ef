/** `pause`, `resume`: agents stand still and go on; the command waits until it is so. */
import { quote } from "../core/id.ts";
import { isNo } from "../core/observed.ts";
import type { Engine } from "../engine/engine.ts";
import { type Call, flagOf } from "./call.ts";
import { type Answer, exit, no, worst } from "./exit.ts";
import { start } from "./launch.ts";
import { laneJson, lanesJson, laneWhy, momentOf, tell } from "./report.ts";
import { codeOf } from "./settle.ts";
import { end, seeToIt } from "./stop.ts";
import { lanesNamed } from "./wish.ts";

/** `pause LANE… [--how freeze|stop]`: freeze what runs where it is, or end it. */
export const pause = async (call: Call, engine: Engine): Promise<Answer> => {
  const lanes = [...new Set(call.words)];
  const how = call.options["how"] ?? "freeze";
  if (how === "checkpoint" || how === "soft")
    return no(`pause --how ${how} is not there yet`, "pause --how takes freeze or stop", exit.usage);
  if (how !== "freeze" && how !== "stop")
    return no(`unknown way to pause ${quote(String(how))}`, "pause --how takes freeze or stop", exit.usage);
  const report = await end(call, engine, how, { type: "pause", lanes, how }, lanes);
  return isNo(report) ? report : tell(call, report);
};

/** `resume LANE…`: frozen runs go on where they are; lanes that were paused by a stop are queued again, and not waited for. */
export const resume = async (call: Call, engine: Engine): Promise<Answer> => {
  const ids = [...new Set(call.words)];
  const cut =
    (await start(call, engine, { type: "resume", lanes: ids })) ?? (await seeToIt(call, engine, "resume", ids));
  if (cut) return cut;
  const lanes = lanesNamed(engine.state(), ids);
  if (isNo(lanes)) return lanes;
  const moment = await momentOf(call, engine);
  return tell(call, {
    code: flagOf(call, "detach") ? exit.done : worst(lanes.map((lane) => codeOf("resume", lane))),
    lines: lanes.map((lane) => laneWhy(moment, lane)),
    json: lanesJson(lanes.map((lane) => laneJson(engine, moment, lane))),
  });
};
