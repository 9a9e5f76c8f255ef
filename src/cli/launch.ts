/** `launch`, `retry`, `handoff`: lanes are started, and the command returns. */
import type { Command } from "../core/command.ts";
import { decide, isRefusal } from "../core/decide.ts";
import { isNo, type No } from "../core/observed.ts";
import { isManual } from "../core/schedule.ts";
import type { Engine } from "../engine/engine.ts";
import { begunBy, placesOf } from "../engine/trusted.ts";
import { needTrust } from "./ask.ts";
import { type Call, flagOf, textOf } from "./call.ts";
import { type Answer, exit, no, worst } from "./exit.ts";
import { warnOfOverlap } from "./overlap.ts";
import { laneJson, lanesJson, laneOutcome, momentOf, type Report, tell, worktreePath } from "./report.ts";
import { codeOf, isOpened } from "./settle.ts";
import { recorded } from "./wait.ts";
import { lanesNamed, wish } from "./wish.ts";

/** `launch LANE…`: start and return. */
export const launch = async (call: Call, engine: Engine): Promise<Answer> => {
  const report = await startLanes(call, engine, { type: "launch", lanes: [...new Set(call.words)] });
  return isNo(report) ? report : tell(call, report);
};

/** `retry LANE…`: run again what ended badly, and return. */
export const retry = async (call: Call, engine: Engine): Promise<Answer> => {
  const report = await startLanes(call, engine, { type: "retry", lanes: [...new Set(call.words)] });
  return isNo(report) ? report : tell(call, report);
};

/** `handoff LANE… [--note TEXT]`: back to the agent, which is told what is to be done. */
export const handoff = async (call: Call, engine: Engine): Promise<Answer> => {
  const note = textOf(call, "note");
  if (note?.trim() === "") return no("the note is empty", "leave --note out, or say something", exit.usage);
  const given = note === undefined ? {} : { note };
  const report = await startLanes(call, engine, { type: "handoff", lanes: [...new Set(call.words)], ...given });
  return isNo(report) ? report : tell(call, report);
};

/** Start lanes and say what will run. */
const startLanes = async (
  call: Call,
  engine: Engine,
  command: Extract<Command, { type: "launch" | "retry" | "handoff" }>,
): Promise<Report | No> => {
  const refused = await start(call, engine, command);
  return refused ?? startedReport(call, engine, command.lanes);
};

/** Record the wish and see to it that somebody carries it out, with the environment of this shell. */
export const start = async (
  call: Call,
  engine: Engine,
  command: Extract<Command, { type: "launch" | "retry" | "handoff" | "resume" }>,
): Promise<No | undefined> => {
  const first = decide(engine.state(), command);
  if (isRefusal(first)) return first;
  const untrusted = await needTrust(call, engine, placesOf(engine.state(), command));
  if (untrusted) return untrusted;
  const begun = begunBy(engine.state(), command);
  warnOfOverlap(
    call,
    engine.state(),
    begun.flatMap((id) => {
      const lane = engine.state().lanes.get(id);
      return lane ? [{ id, paths: lane.spec.paths }] : [];
    }),
  );
  if (begun.length > 0) await engine.lend(begun);
  const refused = await wish(call, engine, command);
  if (refused) return refused;
  return (await engine.ensure()) || !isLast(call) ? undefined : recorded;
};

/** Does this call end after the wish? The others wait, and notice a silent engine while they do. */
const isLast = (call: Call): boolean =>
  ["launch", "retry", "handoff", "resume"].includes(call.verb) || flagOf(call, "detach");

/** How it stands with lanes that were started: with their outcome, when the call waited for it. */
export const startedReport = async (call: Call, engine: Engine, ids: readonly string[]): Promise<Report | No> => {
  const moment = await momentOf(call, engine);
  const lanes = lanesNamed(engine.state(), ids);
  if (isNo(lanes)) return lanes;
  const codes = lanes.map((lane) => (isLast(call) ? exit.done : codeOf("run", lane)));
  const [only] = lanes;
  const path =
    lanes.length === 1 && only && isManual(only) && isOpened(only) ? worktreePath(engine, only.id) : undefined;
  const ready = lanes.filter((lane) => lane.state === "ready").map(({ id }) => id);
  return {
    code: worst(codes),
    lines: path === undefined ? lanes.map((lane, at) => laneOutcome(moment, lane, codes[at] ?? exit.done)) : [path],
    hints: ready.length === 0 ? [] : [`next: lanes merge ${ready.join(" ")}`],
    json: lanesJson(lanes.map((lane) => laneJson(engine, moment, lane))),
  };
};
