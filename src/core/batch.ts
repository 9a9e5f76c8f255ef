/** Lanes that are tested together: which ones, on what, and which of them spoils a batch. A single lane is a batch of one. */
import {
  checkOf,
  checkRunOf,
  checkRunsMax,
  type Gatekeeping,
  lessonsOf,
  mayLand,
  notOnTarget,
  type Predicted,
  queueOrder,
  strategyOf,
  targetOf,
} from "./queue.ts";
import { nextToUndo } from "./undo.ts";
import type { Batch, Gate, Lane, LaneState, Lessons, Merge, State, Strategy } from "./state.ts";

/** Most lanes that are tested together, and most where failures are frequent. */
export const batchMax = { calm: 8, rough: 4 } as const;

/** Failures are frequent when there are more than this among the last twenty results: a quarter. */
const roughAbove = 5;

/** What the queue is allowed. */
export interface QueuePolicy extends Gatekeeping {
  /** Checks at the same time; one when absent. */
  readonly checkSlots?: number;
  /** How lanes land that do not say. */
  readonly strategy?: Strategy | undefined;
}

/** A lane whose merge was built: the record of that tells all of it at once. */
export interface Member extends Lane {
  readonly merge: Merge & Required<Pick<Merge, "target" | "onto" | "head" | "candidate">>;
}

/** A batch under way, put together from what its lanes know. */
export interface Stack {
  /** Position of the record that began it. */
  readonly id: number;
  /** In stacking order; fewer than `size` when some have left. */
  readonly lanes: readonly [Member, ...Member[]];
  readonly size: number;
  readonly lead: string;
  /** What is tested and lands. */
  readonly commit: string;
  readonly tree: string;
  readonly target: string;
  /** What it is stacked on: the target's tip, or the commit of the batch `on`. */
  readonly onto: string;
  readonly on: number | undefined;
  readonly slot: number;
  readonly gate: Gate | undefined;
  readonly tested: "passed" | "unchecked" | undefined;
}

/** Batches whose lanes are in one of these states, the lowest of the stack first. */
export const stacksOf = (state: State, within: ReadonlySet<LaneState> = underTest): readonly Stack[] => {
  const groups = new Map<number, [Member, ...Member[]]>();
  for (const lane of state.lanes.values()) {
    if (!within.has(lane.state) || !isMember(lane)) continue;
    const { id } = batchOf(lane);
    const group = groups.get(id);
    if (group) group.push(lane);
    else groups.set(id, [lane]);
  }
  return [...groups.values()].map(stackOf).toSorted((a, b) => a.id - b.id);
};

const underTest: ReadonlySet<LaneState> = new Set<LaneState>(["merging"]);

const isMember = (lane: Lane): lane is Member => lane.merge?.candidate !== undefined;

/** A merge that an older program began has no batch of its own: it is one by itself. */
const batchOf = ({ id: lead, merge }: Member): Batch =>
  merge.batch ?? {
    id: merge.gate?.built ?? merge.position,
    place: 0,
    size: 1,
    lead,
    commit: merge.candidate,
    tree: "",
    slot: 0,
  };

const stackOf = (found: readonly [Member, ...Member[]]): Stack => {
  const lanes = found.toSorted((a, b) => batchOf(a).place - batchOf(b).place) as [Member, ...Member[]];
  const { merge } = lanes[0];
  const { id, size, lead, commit, tree, slot, on } = batchOf(lanes[0]);
  const { target, onto, gate, tested } = merge;
  return { id, lanes, size, lead, commit, tree, target, onto, on, slot, gate, tested };
};

/** Is this batch the lowest of its stack, so that its result stands by itself? */
export const isLowest = (stacks: readonly Stack[], { on }: Stack): boolean =>
  on === undefined || !stacks.some(({ id }) => id === on);

/** Why a batch can never land as it was built; undefined when it can. */
export const faultOf = (state: State, stacks: readonly Stack[], stack: Stack): string | undefined => {
  if (stack.lanes.length < stack.size) return "a lane that was tested with it has left the queue";
  if (stack.on === undefined) return undefined;
  const below = stacks.find(({ id }) => id === stack.on);
  if (below) return faultOf(state, stacks, below) === undefined ? undefined : stackedOnNothing;
  const landed = [...state.lanes.values()].some((lane) => lane.landed?.merge === stack.onto);
  return landed ? undefined : stackedOnNothing;
};

const stackedOnNothing = "what it was stacked on did not land";

/** The runs of a batch's check, in the order of the tries. */
export const runsOfStack = ({ lead, gate }: Stack): readonly string[] =>
  gate === undefined ? [] : Array.from({ length: checkRunsMax }, (_, k) => checkRunOf(lead, gate.built, k + 1));

/** Lanes to be built as one batch now. */
export interface Wanted {
  /** In stacking order. Those that conflict with one before them are left out when it is built. */
  readonly lanes: readonly [Lane, ...Lane[]];
  readonly slot: number;
  /** The batch that it is stacked on; undefined: on the target's tip. */
  readonly on: number | undefined;
}

/** What is to be built next; undefined while all slots are taken, a landing is taken back, or no lane may land. */
export const nextBatch = (state: State, policy: QueuePolicy, predicted?: Predicted): Wanted | undefined => {
  const stacks = stacksOf(state);
  if (nextToUndo(state)) return undefined;
  if (stacks.some((stack) => faultOf(state, stacks, stack) !== undefined)) return undefined;
  const suspects = suspectsIn(state);
  const half = halfOf(state, suspects);
  // While the one that spoils a batch is looked for, nothing is stacked on a result that is in doubt.
  if (stacks.length > 0 && suspects.some((lane) => inQueue.has(lane.state))) return undefined;
  const slot = freeSlot(stacks, policy.checkSlots ?? 1);
  if (slot === undefined) return undefined;
  if (half) return { lanes: half, slot, on: undefined };
  const below = stacks.at(-1);
  const lanes = companyOf(state, stacks, policy, queueOrder(state, predicted));
  const [first, ...others] = lanes;
  if (first === undefined || (below && below.target !== targetOf(state, first))) return undefined;
  return { lanes: [first, ...others], slot, on: below?.id };
};

const inQueue: ReadonlySet<LaneState> = new Set(["merge-queued", "merging"]);

/** Lanes that failed together, in stacking order. */
const suspectsIn = (state: State): readonly Lane[] => {
  const ids = lessonsOf(state).suspects?.lanes ?? [];
  const lanes = [...state.lanes.values()].filter(({ id }) => ids.includes(id));
  return lanes.toSorted((a, b) => ids.indexOf(a.id) - ids.indexOf(b.id));
};

/** The first half of what is known to fail as a whole: when it passes the fault is in the other, and no run is spent on that. */
const halfOf = (state: State, suspects: readonly Lane[]): [Lane, ...Lane[]] | undefined => {
  const isFree = (lane: Lane): boolean =>
    lane.state === "merge-queued" && notOnTarget(state, lane).every((id) => suspects.some((other) => other.id === id));
  if (!suspects.every(isFree)) return undefined;
  const [first, ...others] = suspects.slice(0, Math.max(1, Math.floor(suspects.length / 2)));
  return first && [first, ...others];
};

const freeSlot = (stacks: readonly Stack[], slots: number): number | undefined => {
  const taken = new Set(stacks.map(({ slot }) => slot));
  const free = Array.from({ length: slots }, (_, slot) => slot).find((slot) => !taken.has(slot));
  return stacks.length < slots ? free : undefined;
};

/** The first lane that may land, and those that may with it: the same target and the same check. What is not checked, lands as other commits than its own, or would hold others up, lands alone. */
const companyOf = (
  state: State,
  stacks: readonly Stack[],
  policy: QueuePolicy,
  order: readonly Lane[],
): readonly Lane[] => {
  const ahead = new Set(stacks.flatMap(({ lanes }) => lanes.map(({ id }) => id)));
  const chosen: Lane[] = [];
  let max = 1;
  for (const lane of order) {
    if (chosen.length >= max) break;
    if (lane.state !== "merge-queued" || isBehind(lane, ahead)) continue;
    if (notOnTarget(state, lane).some((id) => !ahead.has(id))) continue;
    const [first] = chosen;
    const isAlone =
      checkOf(lane, policy.check) === undefined ||
      strategyOf(lane, policy.strategy) !== "merge" ||
      lane.merge?.alone === true;
    if (first === undefined) max = isAlone ? 1 : capOf(lessonsOf(state));
    else if (isAlone) continue;
    else if (!mayLand(lane, policy) || !isAlike(state, policy, first, lane)) continue;
    chosen.push(lane);
    ahead.add(lane.id);
  }
  return chosen;
};

const isBehind = ({ merge }: Lane, ahead: ReadonlySet<string>): boolean =>
  merge?.behind !== undefined && ahead.has(merge.behind);

const isAlike = (state: State, { check }: QueuePolicy, a: Lane, b: Lane): boolean =>
  targetOf(state, a) === targetOf(state, b) && checkOf(a, check) === checkOf(b, check);

/** How many lanes may be tested together, by what the last results were. */
export const capOf = ({ results }: Lessons): number =>
  results.filter((passed) => !passed).length > roughAbove ? batchMax.rough : batchMax.calm;

/** Did this tree pass this check before? Nothing else is asked: the same tree is the same work. */
export const hasPassed = ({ passed }: Lessons, tree: string, check: string): boolean =>
  passed.some((known) => known.tree === tree && known.check === check);
