/** The merge queue as people see it: who is where, what holds it, and how long it may take. */
import { capOf, nextBatch, type Stack, stacksOf } from "./batch.ts";
import { lessonsOf, notOnTarget, queueOrder, targetOf, type Predicted } from "./queue.ts";
import type { Lane, LaneState, State } from "./state.ts";

/** How far an entry is. */
export type QueuePhase = "waiting" | "building" | "testing" | "landing" | "held";

/** One entry of the merge queue. Times are ms since 1970. */
export interface QueueEntry {
  /** From 1. */
  readonly position: number;
  readonly lane: string;
  readonly target: string;
  readonly phase: QueuePhase;
  /** Whom it waits for or lands with: the first lane of the batch that is tested or in front of it; empty when nobody is. */
  readonly holder: string;
  /** All lanes of its batch, in stacking order; itself alone before it is built. */
  readonly lanes: readonly string[];
  readonly requestedAt: number;
  /** About how long until its check has ended, in ms, by what checks took so far; undefined when none has run. */
  readonly estimatedMs: number | undefined;
}

/** All entries: what is held up at the landing, what is being tested, and who waits, in order. */
export const queueEntries = (state: State, now: number, slots = 1, predicted?: Predicted): readonly QueueEntry[] => {
  const [stacks, held] = [stacksOf(state), stacksOf(state, pending)];
  const building = new Set(nextBatch(state, { ...open, checkSlots: slots }, predicted)?.lanes.map(({ id }) => id));
  const own = new Map([...held, ...stacks].flatMap((stack) => stack.lanes.map(({ id }) => [id, stack] as const)));
  const lanes = [...held.flatMap((stack) => stack.lanes), ...queueOrder(state, predicted)];
  const waiting = lanes.filter(({ id }) => !own.has(id)).map(({ id }) => id);
  const rounds = roundsOf(state, stacks.length, slots);
  return lanes.map((lane, index): QueueEntry => {
    const stack = own.get(lane.id);
    return {
      position: index + 1,
      lane: lane.id,
      target: lane.merge?.target ?? targetOf(state, lane),
      phase: phaseOf(lane, building),
      holder: stack?.lead ?? holderOf(state, stacks, lane),
      lanes: stack?.lanes.map(({ id }) => id) ?? [lane.id],
      requestedAt: lane.merge?.requestedAt ?? lane.since,
      estimatedMs: stack ? leftOf(state, stack, now) : rounds(waiting.indexOf(lane.id)),
    };
  });
};

const pending: ReadonlySet<LaneState> = new Set<LaneState>(["landed-pending"]);

/** Where it is not known what the check is: batches are as large as they may be. */
const open = { check: "?", requireCheck: false } as const;

const phaseOf = ({ id, state, merge }: Lane, building: ReadonlySet<string>): QueuePhase => {
  if (state === "landed-pending") return "held";
  if (state === "merging") return merge?.tested === undefined ? "testing" : "landing";
  return building.has(id) ? "building" : "waiting";
};

/** A dependency, a lane that it conflicts with, or what is being tested. */
const holderOf = (state: State, stacks: readonly Stack[], lane: Lane): string =>
  notOnTarget(state, lane)[0] ?? lane.merge?.behind ?? stacks[0]?.lead ?? "";

/** The middle of what checks took, in ms; undefined when none has run. */
export const usualMs = (state: State): number | undefined => {
  const durations = lessonsOf(state).durations.toSorted((a, b) => a - b);
  return durations[Math.floor(durations.length / 2)];
};

/** What is left of a check that runs. */
const leftOf = (state: State, { tested, lanes }: Stack, now: number): number | undefined => {
  if (tested !== undefined) return 0;
  const usual = usualMs(state);
  return usual === undefined ? undefined : Math.max(0, usual - Math.max(0, now - (lanes[0].merge?.startedAt ?? now)));
};

/** Checks before the n-th that waits, and its own: batches of the usual size, as many at once as there are slots. */
const roundsOf = (state: State, running: number, slots: number): ((place: number) => number | undefined) => {
  const [usual, cap] = [usualMs(state), capOf(lessonsOf(state))];
  return (place) =>
    usual === undefined ? undefined : usual * Math.ceil((running + Math.floor(place / cap) + 1) / slots);
};
