/** What a verb found or did, as text for people and as JSON for scripts. */
import { join } from "node:path";

import { branchOf, runOf } from "../core/id.ts";
import { isFrozen, isManual } from "../core/schedule.ts";
import { detailOf, nextStep, whyLine } from "../core/select.ts";
import type { Lane } from "../core/state.ts";
import type { Engine } from "../engine/engine.ts";
import { ageOf } from "./age.ts";
import type { Call } from "./call.ts";
import type { Moment } from "./settle.ts";

/** The outcome of one step. */
export interface Report {
  readonly code: number;
  readonly lines: readonly string[];
  /** What to do next, for people who do one step at a time. */
  readonly hints?: readonly string[];
  readonly json: object;
}

/** Print a report in the form that was asked for; answers its code. */
export const tell = (call: Call, { code, lines, hints = [], json }: Report): number => {
  if (call.globals.json) call.output.printJson(json);
  else for (const line of [...lines, ...hints]) call.output.print(line);
  return code;
};

/** The state as this process knows it, now. */
export const momentOf = async (call: Call, engine: Engine): Promise<Moment> => ({
  limits: await engine.limits(),
  state: engine.state(),
  now: call.shell.now(),
});

/** One line on a lane: its state, why, and what to do next; of a frozen one also for how long. */
export const laneWhy = ({ state, now, limits }: Moment, lane: Lane): string =>
  whyLine(state, lane, now, limits, isFrozen(lane) && now - lane.since >= 1000 ? ageOf(lane.since, now) : "");

/** One line on how a step ended for a lane: with the way out where it did not end well. */
export const laneOutcome = (moment: Moment, lane: Lane, code: number): string => {
  if (code !== 0) return laneWhy(moment, lane);
  const detail = detailOf(moment.state, lane, moment.now, moment.limits);
  return `${lane.id} is ${lane.state}${detail === "" ? "" : `: ${detail}`}`;
};

/** A lane for scripts. `worktree` is absolute; `run` is the current run, or the next one of a lane that is queued. */
export const laneJson = (engine: Engine, { state, now, limits }: Moment, lane: Lane): object => ({
  lane: lane.id,
  branch: branchOf(lane.id),
  worktree: worktreePath(engine, lane.id),
  run: runName(lane),
  state: lane.state,
  detail: detailOf(state, lane, now, limits),
  next: nextStep(state, lane),
});

/** Where a lane's worktree is, or will be. */
export const worktreePath = (engine: Engine, lane: string): string => join(engine.layout.worktrees, lane);

const runName = (lane: Lane): string | null => {
  if (isManual(lane)) return null;
  const n = (lane.run?.n ?? 0) + (lane.state === "queued" ? 1 : 0);
  return n === 0 ? null : runOf(lane.id, n);
};

/** JSON for one lane or several: `lanes` always, and the fields of a single one beside it. */
export const lanesJson = (lanes: readonly object[]): object => ({
  ...(lanes.length === 1 ? lanes[0] : {}),
  lanes,
});

/** `1 lane`, `2 lanes`. */
export const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? "" : "s"}`;
