/** When waiting is over, and what came of it: pure rules, so that no script waits for something that never comes. */
import { nextBatch } from "../core/batch.ts";
import { notOnTarget } from "../core/queue.ts";
import { isLive, isManual, type Limits, startable, unmetDependencies, waitOf } from "../core/schedule.ts";
import type { Lane, State } from "../core/state.ts";
import { stateTable } from "../core/state.ts";
import { isUndoing, nextToUndo } from "../core/undo.ts";
import { exit } from "./exit.ts";

/** What is waited for: work that is there, work on the target, a probe's report on the target, an end of the run, … */
export type Goal = "run" | "merge" | "probe" | "stop" | "cancel" | "freeze" | "resume" | "remove" | "restore" | "undo";

/** The moment that the rules are asked about. */
export interface Moment {
  readonly state: State;
  readonly now: number;
  readonly limits: Limits;
}

/** Will nothing more happen to this lane by itself that brings it nearer to the goal? */
export const isSettled = (moment: Moment, goal: Goal, lane: Lane): boolean => {
  switch (goal) {
    case "run":
      return !stirs(moment, lane, new Map());
    case "merge":
      return !isLanding(moment.state, lane, new Map());
    case "probe":
      return !stirs(moment, lane, new Map()) && !isLanding(moment.state, lane, new Map()) && !isProbeReady(lane);
    case "stop":
      return !isLive(lane) && lane.state !== "queued" && lane.retryAt === undefined;
    case "cancel":
      return lane.state === "cancelled" || (!isLive(lane) && lane.stopping === undefined);
    case "freeze":
    case "resume":
      return lane.pausing === undefined && lane.stopping === undefined;
    case "remove":
      return lane.removal === undefined;
    case "restore":
      return lane.restoring === undefined;
    case "undo":
      return !isUndoing(lane) || lane.undoing?.held !== undefined;
  }
};

/** The exit code that a settled lane stands for. */
export const codeOf = (goal: Goal, lane: Lane): number => {
  const { state } = lane;
  if (goal === "remove" || goal === "restore") return lane.worktree === (goal === "restore") ? exit.done : exit.refused;
  if (goal === "undo") return state === "undone" ? exit.done : (lane.undoing?.refused?.code ?? exit.refused);
  if (goal === "stop") return isLive(lane) ? exit.refused : exit.done;
  if (goal === "freeze") return state === "paused" ? exit.done : exit.refused;
  if (goal === "resume") return state === "paused" ? exit.refused : exit.done;
  if (goal === "cancel") return state === "cancelled" ? exit.done : exit.refused;
  if (state === "merged") return exit.done;
  if (state === "conflicted") return exit.conflict;
  if (failedStates.has(state)) return exit.failed;
  if (goal === "run" && (stateTable[state].seed === "completed" || isOpened(lane))) return exit.done;
  return exit.refused;
};

const failedStates: ReadonlySet<Lane["state"]> = new Set([
  "failed",
  "lost",
  "parked",
  "finished-empty",
  "checks-failed",
]);

/** Is this a lane in which a person works, with its worktree there? */
export const isOpened = (lane: Lane): boolean =>
  isManual(lane) && (lane.state === "waiting" || (lane.state === "running" && lane.worktree));

/** Should the engine do something about this lane now, so that its silence would be odd? */
export const isDue = ({ state, now, limits }: Moment, lane: Lane): boolean =>
  lane.removal !== undefined ||
  lane.restoring !== undefined ||
  lane.stopping !== undefined ||
  lane.pausing !== undefined ||
  lane.state === "starting" ||
  isProbeReady(lane) ||
  (lane.retryAt !== undefined && lane.retryAt <= now) ||
  (lane.state === "merging" && lane.merge?.tested !== undefined) ||
  nextBatch(state, unchecked)?.lanes[0].id === lane.id ||
  isUndoDue(state, lane) ||
  (lane.state === "queued" && startable(state, now, limits).some(({ id }) => id === lane.id));

/** Who is first does not depend on what its check is. */
const unchecked = { check: undefined, requireCheck: false } as const;

/** Is it this lane's turn to be taken back, with no check of it under way? */
const isUndoDue = (state: State, lane: Lane): boolean =>
  nextToUndo(state)?.id === lane.id &&
  (lane.undoing?.gate === undefined || lane.undoing.tested !== undefined) &&
  ![...state.lanes.values()].some((other) => other.state === "merging");

/** What was found out about lanes so far in one question. */
type Known = Map<string, boolean>;

/** Does this lane move on its way to `ready` without anybody's help? */
const stirs = (moment: Moment, lane: Lane, known: Known): boolean => {
  if (lane.stopping !== undefined || lane.pausing !== undefined || lane.retryAt !== undefined) return true;
  if (lane.state === "starting") return true;
  if (lane.state === "running") return !isManual(lane);
  return lane.state === "queued" && once(known, lane.id, () => startsSome(moment, lane, known));
};

const startsSome = (moment: Moment, lane: Lane, known: Known): boolean => {
  const { state, now, limits } = moment;
  const moves = (id: string): boolean => {
    const other = state.lanes.get(id);
    return other !== undefined && stirs(moment, other, known);
  };
  const unmet = unmetDependencies(state, lane);
  if (unmet.length > 0) return unmet.every(moves);
  const wait = waitOf(state, lane, now, limits);
  return wait?.why !== "turn" || wait.lanes.every(moves);
};

/** Is this lane on its way through the merge queue, with nothing before it that stands still? */
const isLanding = (state: State, lane: Lane, known: Known): boolean => {
  if (lane.state === "merging") return true;
  if (lane.state !== "merge-queued") return false;
  return once(known, lane.id, () =>
    notOnTarget(state, lane).every((id) => {
      const other = state.lanes.get(id);
      return other !== undefined && isLanding(state, other, known);
    }),
  );
};

/** The answer about one lane, found once; a lane that depends on itself never moves. */
const once = (known: Known, id: string, find: () => boolean): boolean => {
  const before = known.get(id);
  if (before !== undefined) return before;
  known.set(id, false);
  const found = find();
  known.set(id, found);
  return found;
};

/** The engine asks for the merge of a probe by itself; one that came back from the queue says why in its detail. */
const isProbeReady = (lane: Lane): boolean =>
  lane.spec.kind === "probe" && lane.state === "ready" && lane.detail === "";
