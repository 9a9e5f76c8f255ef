/** The reconciler's brain: wanted × observed × now → steps that bring the world nearer. Each step is safe to repeat. */
import { runOf } from "./id.ts";
import type { RunSeen } from "./observed.ts";
import { type Claim, claimsOf, deadlockIn, yielded } from "./lease.ts";
import { faultOf, isLowest, nextBatch, type QueuePolicy, runsOfStack, type Stack, stacksOf } from "./batch.ts";
import { checkStep, checkTimeoutMs, failureOf } from "./check.ts";
import { checkRunsOf, lessonsOf, mayLand, type Predicted } from "./queue.ts";
import { isFrozen, isGoing, isHeld, isLive, isManual, type Limits, startable, weightOf } from "./schedule.ts";
import type { Lane, LaneState, State } from "./state.ts";
import { isUndoing, nextToUndo } from "./undo.ts";

/** What the engine looked at before planning. */
export interface Observed {
  /** Runs by name: those that `runsToSee` asked for. */
  readonly runs: ReadonlyMap<string, RunSeen>;
  /** Lanes whose wait before the next run is over: after a failure, or for the end of a limit. */
  readonly rested: ReadonlySet<string>;
  /** Predicted conflicts of the lanes in the merge queue, as far as somebody knows them. */
  readonly predicted?: Predicted;
}

/** What planning depends on besides the state. */
export interface Policy extends Limits, QueuePolicy {
  /** A check that runs longer is ended, in ms; half an hour when absent. */
  readonly checkTimeoutMs?: number;
  /** Must every commit that the target gets have passed its check? Yes when absent. */
  readonly strict?: boolean;
}

/** One idempotent step. `lane` is its id; type and lane together name the step. */
export type Action =
  /** Take a queued lane: record that its next run was asked for. */
  | { readonly type: "take"; readonly lane: string }
  /** Make branch and worktree and start the launcher of the run that was asked for. */
  | { readonly type: "start"; readonly lane: string; readonly n: number }
  | {
      readonly type: "note-start";
      readonly lane: string;
      readonly n: number;
      readonly seen: Extract<RunSeen, { is: "alive" | "exited" }>;
    }
  | {
      readonly type: "finish";
      readonly lane: string;
      readonly n: number;
      readonly seen: Extract<RunSeen, { is: "exited" }>;
    }
  | { readonly type: "lose"; readonly lane: string; readonly n: number }
  | { readonly type: "stop"; readonly lane: string; readonly n: number }
  /** Let every process of the run stand still, or go on. */
  | { readonly type: "freeze"; readonly lane: string; readonly n: number }
  | { readonly type: "thaw"; readonly lane: string; readonly n: number }
  | { readonly type: "requeue"; readonly lane: string }
  /** Ask for the merge of a probe that is ready. */
  | { readonly type: "ask-merge"; readonly lane: string }
  /** Build these lanes as one batch, on the target's tip or on the batch `on`. `lane`: the first of them. */
  | {
      readonly type: "build";
      readonly lane: string;
      readonly lanes: readonly string[];
      readonly slot: number;
      readonly on: number | undefined;
    }
  /** A batch that can never land as it is: its lanes take their places in the queue again. */
  | { readonly type: "rebuild"; readonly lane: string; readonly batch: number; readonly why: string }
  /** Send a lane back from the queue: a check is required and there is none. */
  | { readonly type: "refuse-unchecked"; readonly lane: string }
  /** The steps of a batch name its first lane. */
  | { readonly type: "pass-unchecked"; readonly lane: string; readonly batch: number }
  | {
      readonly type: "test";
      readonly lane: string;
      readonly batch: number;
      readonly run: string;
      readonly check: string;
    }
  /** A check that has used up its time is ended with everything that it started. */
  | { readonly type: "end-check"; readonly lane: string; readonly run: string }
  | {
      readonly type: "judge";
      readonly lane: string;
      readonly batch: number;
      readonly run: string;
      readonly seen: RunSeen;
      /** An earlier run of it failed on the same tree. */
      readonly again: boolean;
      /** It was ended because it took too long. */
      readonly late: boolean;
    }
  | { readonly type: "land"; readonly lane: string; readonly batch: number }
  /** Build what takes a landing back: a commit, or the place where the target was. */
  | { readonly type: "undo-build"; readonly lane: string }
  | {
      readonly type: "undo-test";
      readonly lane: string;
      readonly candidate: string;
      readonly run: string;
      readonly check: string;
    }
  | {
      readonly type: "undo-judge";
      readonly lane: string;
      readonly candidate: string;
      readonly run: string;
      readonly seen: RunSeen;
      readonly late: boolean;
    }
  | { readonly type: "undo-land"; readonly lane: string; readonly candidate: string }
  | { readonly type: "remove"; readonly lane: string }
  | { readonly type: "restore"; readonly lane: string; readonly n?: number }
  /** Lanes wait for each other's leases: this one gives way. */
  | { readonly type: "yield"; readonly lane: string; readonly lanes: readonly string[] }
  /** A lease whose time is over, and whose lane shows no sign of life. */
  | { readonly type: "expire"; readonly lane: string; readonly claim: number; readonly why: string };

/** Is there anything for an engine to do or to watch over, now or later, without a new wish? A frozen lane stays so without one. */
export const needsEngine = (state: State, now: number, limits: Limits): boolean =>
  startable(state, now, limits).length > 0 ||
  [...state.lanes.values()].some(
    (lane) =>
      isGoing(lane) ||
      lane.pausing !== undefined ||
      lane.stopping !== undefined ||
      watched.has(lane.state) ||
      lane.retryAt !== undefined ||
      lane.removal !== undefined ||
      lane.restoring !== undefined ||
      isUndoing(lane) ||
      (lane.state === "ready" && lane.spec.kind === "probe" && lane.detail === "") ||
      (lane.state === "queued" && claimsOf(state).length > 0),
  ) ||
  claimsOf(state).some(({ token }) => token === undefined);

const watched: ReadonlySet<LaneState> = new Set(["starting", "merging", "merge-queued", "landed-pending"]);

/** The runs whose folders have to be looked at before planning. */
export const runsToSee = (state: State): readonly string[] => {
  const names: string[] = [];
  for (const lane of state.lanes.values()) {
    const { run, undoing } = lane;
    if (run && isLive(lane)) names.push(runOf(lane.id, run.n));
    if (isUndoing(lane) && undoing?.tested === undefined) names.push(...checkRunsOf(lane));
  }
  for (const stack of stacksOf(state)) if (stack.tested === undefined) names.push(...runsOfStack(stack));
  return names;
};

/** What to do now. Doing it twice, or half of it before a crash, costs only a repeat. */
export const plan = (state: State, observed: Observed, now: number, policy: Policy): readonly Action[] => {
  const actions: Action[] = [];
  for (const lane of state.lanes.values()) actions.push(...ofLane(lane, observed, policy));
  for (const lane of startable(state, now, policy)) actions.push({ type: "take", lane: lane.id });
  const undo = nextToUndo(state);
  if (undo) actions.push(...ofUndo(state, undo, observed, policy));
  actions.push(...ofMerges(state, observed, policy));
  for (const action of ofClaims(state, now))
    if (!actions.some(({ lane }) => lane === action.lane)) actions.push(action);
  return actions;
};

/** Leases that are over, and who gives way where lanes wait for each other. */
const ofClaims = (state: State, now: number): readonly Action[] => {
  if (claimsOf(state).length === 0) return [];
  const actions = claimsOf(state).flatMap((claim): Action[] => {
    const why = overdue(claim, state.lanes.get(claim.lane), now);
    return why === undefined ? [] : [{ type: "expire", lane: claim.lane, claim: claim.id, why }];
  });
  const lanes = deadlockIn(claimsOf(state));
  const given = lanes && yielded(claimsOf(state), lanes, (id) => weightOf(state.lanes.get(id)), state.position);
  return lanes && given ? [...actions, { type: "yield", lane: given.lane, lanes }] : actions;
};

/** Work that waits to land keeps its lease. */
const kept: ReadonlySet<LaneState> = new Set([
  "waiting",
  "ready",
  "merge-queued",
  "merging",
  "conflicted",
  "checks-failed",
  "landed-pending",
]);

/** Why a lease is over; undefined while it is not. Its time alone is no reason: a run that lives, or work that is about to land, keeps it. */
const overdue = ({ token, at, ttlMs, source }: Claim, lane: Lane | undefined, now: number): string | undefined => {
  const age = now - at;
  if (token === undefined || age <= ttlMs) return undefined;
  if (source === "person" && age > 3 * ttlMs) return "it was not renewed";
  return lane && (isLive(lane) || kept.has(lane.state) || lane.state === "queued")
    ? undefined
    : "nothing runs in its lane";
};

const ofLane = (lane: Lane, observed: Observed, policy: Policy): readonly Action[] => {
  if (lane.removal !== undefined) return [{ type: "remove", lane: lane.id }];
  if (lane.restoring) {
    const { n } = lane.restoring;
    return [{ type: "restore", lane: lane.id, ...(n === undefined ? {} : { n }) }];
  }
  if (isManual(lane) && lane.state === "starting") return [{ type: "start", lane: lane.id, n: lane.run?.n ?? 1 }];
  if (isLive(lane) && lane.run) return ofRun(lane, lane.run.n, observed.runs.get(runOf(lane.id, lane.run.n)));
  if (
    (lane.state === "failed" || lane.state === "waiting") &&
    lane.retryAt !== undefined &&
    observed.rested.has(lane.id)
  )
    return [{ type: "requeue", lane: lane.id }];
  // A detail says why it was taken out of the queue again, by a person or by git: it is not put back behind their backs.
  if (lane.state === "ready" && lane.spec.kind === "probe" && lane.detail === "" && mayLand(lane, policy)) {
    return [{ type: "ask-merge", lane: lane.id }];
  }
  const { undoing } = lane;
  if (undoing?.held !== undefined && undoing.candidate !== undefined)
    return [{ type: "undo-land", lane: lane.id, candidate: undoing.candidate }];
  return [];
};

/** The next landing that is to be taken back: it waits for the merge that is under way, and all others wait for it. */
const ofUndo = (state: State, lane: Lane, observed: Observed, policy: Policy): readonly Action[] => {
  const { id, undoing, removal } = lane;
  if (removal !== undefined) return [];
  if (undoing?.candidate === undefined) {
    const isMerging = [...state.lanes.values()].some((other) => other.state === "merging");
    return isMerging ? [] : [{ type: "undo-build", lane: id }];
  }
  const { candidate, gate, tested } = undoing;
  if (!gate || tested !== undefined) return [{ type: "undo-land", lane: id, candidate }];
  const rules = { limitMs: policy.checkTimeoutMs ?? checkTimeoutMs, again: true };
  const step = checkStep(checkRunsOf(lane), observed.runs, rules);
  switch (step.is) {
    case "wait":
      return [];
    case "begin":
      return [{ type: "undo-test", lane: id, candidate, run: step.run, check: gate.check }];
    case "end":
      return [{ type: "end-check", lane: id, run: step.run }];
    case "judge":
      return [{ type: "undo-judge", lane: id, candidate, run: step.run, seen: step.seen, late: step.late }];
  }
};

const ofRun = (lane: Lane, n: number, seen: RunSeen | undefined): readonly Action[] => {
  const { id } = lane;
  if (!seen) return [];
  switch (seen.is) {
    case "absent":
      return lane.state === "starting" && !lane.stopping
        ? [{ type: "start", lane: id, n }]
        : [{ type: "lose", lane: id, n }];
    case "starting":
      return [];
    case "alive": {
      if (lane.state === "starting") return [{ type: "note-start", lane: id, n, seen }];
      return lane.stopping || isLate(lane, seen.ageMs)
        ? [{ type: "stop", lane: id, n }]
        : ofPause(lane, n, seen.frozen === true);
    }
    case "exited":
      return lane.state === "starting"
        ? [{ type: "note-start", lane: id, n, seen }]
        : [{ type: "finish", lane: id, n, seen }];
    case "vanished":
      // As long as something of the run lives it may still write: it is neither lost nor to be started again.
      if (seen.survivors.length > 0) {
        return lane.stopping || isLate(lane, seen.ageMs) ? [{ type: "stop", lane: id, n }] : ofPause(lane, n, true);
      }
      return [{ type: "lose", lane: id, n }];
  }
};

/** Carry out a wish to pause or to resume. A lane that is to stand still and whose agent somebody else woke is frozen again. */
const ofPause = (lane: Lane, n: number, isStill: boolean): readonly Action[] => {
  if (lane.pausing) return [{ type: lane.pausing.to === "freeze" ? "freeze" : "thaw", lane: lane.id, n }];
  return isFrozen(lane) && !isStill ? [{ type: "freeze", lane: lane.id, n }] : [];
};

/** Has a run used up the time that its lane allows? It uses none while it is frozen, or is to be. */
const isLate = (lane: Lane, ageMs: number | undefined): boolean =>
  lane.spec.timeoutMs !== undefined &&
  ageMs !== undefined &&
  !isFrozen(lane) &&
  !isHeld(lane) &&
  ageMs - (lane.run?.frozenMs ?? 0) >= lane.spec.timeoutMs;

/** Steps of the merge queue: what is under way, then what is to be built next. */
const ofMerges = (state: State, observed: Observed, policy: Policy): readonly Action[] => {
  const stacks = stacksOf(state);
  const actions = stacks.flatMap((stack) => ofStack(state, stacks, stack, observed, policy));
  for (const held of stacksOf(state, pending)) actions.push(faulty(state, [], held) ?? stepOf("land", held));
  const next = nextBatch(state, policy, observed.predicted);
  if (!next) return actions;
  const { lanes, slot, on } = next;
  const lane = lanes[0].id;
  if (mayLand(lanes[0], policy)) actions.push({ type: "build", lane, lanes: lanes.map(({ id }) => id), slot, on });
  else actions.push({ type: "refuse-unchecked", lane });
  return actions;
};

const pending: ReadonlySet<LaneState> = new Set<LaneState>(["landed-pending"]);

const stepOf = <T extends "land" | "pass-unchecked">(
  type: T,
  { id, lanes }: Stack,
): { readonly type: T; readonly lane: string; readonly batch: number } => ({ type, lane: lanes[0].id, batch: id });

const faulty = (state: State, stacks: readonly Stack[], stack: Stack): Action | undefined => {
  const why = faultOf(state, stacks, stack);
  return why === undefined ? undefined : { type: "rebuild", lane: stack.lanes[0].id, batch: stack.id, why };
};

const ofStack = (
  state: State,
  stacks: readonly Stack[],
  stack: Stack,
  observed: Observed,
  policy: Policy,
): readonly Action[] => {
  const fault = faulty(state, stacks, stack);
  if (fault) return [fault];
  const lowest = isLowest(stacks, stack);
  if (stack.tested !== undefined) return lowest ? [stepOf("land", stack)] : [];
  const { gate } = stack;
  if (!gate) return [stepOf("pass-unchecked", stack)];
  return ofCheck(state, stack, gate.check, lowest, observed, policy);
};

/** Run the check, end it, judge it, or wait. */
const ofCheck = (
  state: State,
  stack: Stack,
  check: string,
  lowest: boolean,
  observed: Observed,
  policy: Policy,
): readonly Action[] => {
  const [lane, batch] = [stack.lanes[0].id, stack.id];
  const rules = { limitMs: policy.checkTimeoutMs ?? checkTimeoutMs, again: lowest && isTriedAgain(state, stack) };
  const step = checkStep(runsOfStack(stack), observed.runs, rules);
  switch (step.is) {
    case "wait":
      return [];
    case "begin":
      return [{ type: "test", lane, batch, run: step.run, check }];
    case "end":
      return [{ type: "end-check", lane, run: step.run }];
    case "judge": {
      const { run, seen, again, late } = step;
      // What is stacked on another batch may fail because of that: it is judged when that has landed.
      const isKnown = lowest || failureOf(seen, late) === undefined;
      return isKnown ? [{ type: "judge", lane, batch, run, seen, again, late }] : [];
    }
  }
};

/** A check that failed runs once more, to know whether it is flaky. Of several lanes the search is that, and a lane that was found by it failed before. */
const isTriedAgain = (state: State, { lanes, size }: Stack): boolean =>
  size === 1 && lessonsOf(state).suspects?.lanes.includes(lanes[0].id) !== true;
