/** `stop`, `cancel`, `stop-all`: agents are ended; the command waits until it is so. */
import type { Command } from "../core/command.ts";
import { isNo, type No } from "../core/observed.ts";
import { stoppable } from "../core/decide.ts";
import { checkRunsOf } from "../core/queue.ts";
import type { Engine } from "../engine/engine.ts";
import { type Call, flagOf } from "./call.ts";
import { type Answer, exit, worst } from "./exit.ts";
import { laneJson, lanesJson, laneWhy, momentOf, type Report, tell } from "./report.ts";
import { codeOf, type Goal, isSettled } from "./settle.ts";
import { recorded, waitFor } from "./wait.ts";
import { lanesNamed, wish } from "./wish.ts";

/** `stop LANE…`: end their runs; worktrees stay as they are. */
export const stop = async (call: Call, engine: Engine): Promise<Answer> => {
  const ids = [...new Set(call.words)];
  const report = await end(call, engine, "stop", { type: "stop", lanes: ids }, ids);
  return isNo(report) ? report : tell(call, report);
};

/** `cancel LANE…`: end their runs and give the lanes up. */
export const cancel = async (call: Call, engine: Engine): Promise<Answer> => {
  const ids = [...new Set(call.words)];
  const report = await end(call, engine, "cancel", { type: "cancel", lanes: ids }, ids);
  return isNo(report) ? report : tell(call, report);
};

/** `stop-all`: end everything that runs or is about to. */
export const stopAll = async (call: Call, engine: Engine): Promise<Answer> => {
  const report = await stopEverything(call, engine);
  return isNo(report) ? report : tell(call, report);
};

/** The same as a step of `reset`. */
export const stopEverything = async (call: Call, engine: Engine): Promise<Report | No> => {
  const busy = [...engine.state().lanes.values()].filter(stoppable);
  if (busy.length === 0) return { code: exit.done, lines: ["nothing runs"], json: { lanes: [] } };
  const report = await end(
    call,
    engine,
    "stop",
    { type: "stop-all" },
    busy.map(({ id }) => id),
  );
  return isNo(report) ? report : { ...report, json: { lanes: "lanes" in report.json ? report.json.lanes : [] } };
};

/** Record the wish, see to it, and say how the lanes stand. */
export const end = async (
  call: Call,
  engine: Engine,
  goal: Extract<Goal, "stop" | "cancel" | "freeze">,
  command: Command,
  ids: readonly string[],
): Promise<Report | No> => {
  const checks = goal === "freeze" ? [] : ids.flatMap((id) => checkRunsOf(engine.state().lanes.get(id)));
  const refused = await wish(call, engine, command);
  if (refused) return refused;
  await engine.end(checks);
  const cut = await seeToIt(call, engine, goal, ids);
  if (cut) return cut;
  const lanes = lanesNamed(engine.state(), ids);
  if (isNo(lanes)) return lanes;
  const moment = await momentOf(call, engine);
  return {
    code: flagOf(call, "detach") ? exit.done : worst(lanes.map((lane) => codeOf(goal, lane))),
    lines: lanes.map((lane) => laneWhy(moment, lane)),
    json: lanesJson(lanes.map((lane) => laneJson(engine, moment, lane))),
  };
};

/** Runs are ended, frozen and woken by the engine; what only waits was changed by the record itself. */
export const seeToIt = async (
  call: Call,
  engine: Engine,
  goal: Goal,
  ids: readonly string[],
): Promise<No | undefined> => {
  const moment = await momentOf(call, engine);
  const open = ids.filter((id) => {
    const lane = moment.state.lanes.get(id);
    return lane !== undefined && !isSettled(moment, goal, lane);
  });
  if (open.length === 0) return undefined;
  const lives = await engine.ensure();
  if (flagOf(call, "detach")) return lives ? undefined : recorded;
  return waitFor(call, engine, goal, open);
};
