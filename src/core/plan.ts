/** The reconciler's brain: wanted × observed × now → steps that bring the world nearer. Each step is safe to repeat. */
import { runOf } from "./id.ts";
import type { RunSeen } from "./observed.ts";
import { type Claim, claimsOf, deadlockIn, yielded } from "./lease.ts";
import { checkOf, checkRunOf, checkRunsMax, nextToMerge } from "./queue.ts";
import { isFrozen, isGoing, isHeld, isLive, isManual, type Limits, startable, weightOf } from "./schedule.ts";
import type { Lane, LaneState, State } from "./state.ts";

/** What the engine looked at before planning. */
export interface Observed {
  /** Runs by name: those that `runsToSee` asked for. */
  readonly runs: ReadonlyMap<string, RunSeen>;
  /** Lanes whose wait before the next run is over: after a failure, or for the end of a limit. */
  readonly rested: ReadonlySet<string>;
}

/** What planning depends on besides the state. */
export interface Policy extends Limits {
  /** The configured check of the target. */
  readonly check: string | undefined;
  readonly requireCheck: boolean;
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
  | { readonly type: "build"; readonly lane: string }
  /** Send a lane back from the queue: a check is required and there is none. */
  | { readonly type: "refuse-unchecked"; readonly lane: string }
  | { readonly type: "pass-unchecked"; readonly lane: string; readonly candidate: string }
  | {
      readonly type: "test";
      readonly lane: string;
      readonly candidate: string;
      readonly run: string;
      readonly check: string;
    }
  | {
      readonly type: "judge";
      readonly lane: string;
      readonly candidate: string;
      readonly run: string;
      readonly seen: RunSeen;
    }
  | { readonly type: "land"; readonly lane: string; readonly candidate: string }
  | { readonly type: "remove"; readonly lane: string }
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
      (lane.state === "ready" && lane.spec.kind === "probe" && lane.detail === "") ||
      (lane.state === "queued" && claimsOf(state).length > 0),
  ) ||
  claimsOf(state).some(({ token }) => token === undefined);

const watched: ReadonlySet<LaneState> = new Set(["starting", "merging", "merge-queued", "landed-pending"]);

/** The runs whose folders have to be looked at before planning. */
export const runsToSee = (state: State): readonly string[] => {
  const names: string[] = [];
  for (const lane of state.lanes.values()) {
    const { run, merge } = lane;
    if (run && isLive(lane)) names.push(runOf(lane.id, run.n));
    if (lane.state === "merging" && merge?.gate !== undefined && merge.tested === undefined) {
      for (let k = 1; k <= checkRunsMax; k += 1) names.push(checkRunOf(lane.id, merge.gate.built, k));
    }
  }
  return names;
};

/** What to do now. Doing it twice, or half of it before a crash, costs only a repeat. */
export const plan = (state: State, observed: Observed, now: number, policy: Policy): readonly Action[] => {
  const actions: Action[] = [];
  for (const lane of state.lanes.values()) actions.push(...ofLane(lane, observed, policy));
  for (const lane of startable(state, now, policy)) actions.push({ type: "take", lane: lane.id });
  const next = nextToMerge(state);
  if (next) {
    actions.push({ type: mayLand(next, policy) ? "build" : "refuse-unchecked", lane: next.id });
  }
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

/** Is there a check, or may a lane do without? */
export const mayLand = (lane: Lane, policy: Policy): boolean =>
  !policy.requireCheck || checkOf(lane, policy.check) !== undefined;

const ofLane = (lane: Lane, observed: Observed, policy: Policy): readonly Action[] => {
  if (lane.removal !== undefined) return [{ type: "remove", lane: lane.id }];
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
  if (lane.state === "merging") return ofMerge(lane, observed);
  if (lane.state === "landed-pending" && lane.merge?.candidate !== undefined) {
    return [{ type: "land", lane: lane.id, candidate: lane.merge.candidate }];
  }
  return [];
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

const ofMerge = (lane: Lane, observed: Observed): readonly Action[] => {
  const { id, merge } = lane;
  if (merge?.candidate === undefined) return [];
  const { candidate } = merge;
  if (merge.tested !== undefined) return [{ type: "land", lane: id, candidate }];
  const { gate } = merge;
  if (!gate) return [{ type: "pass-unchecked", lane: id, candidate }];
  // The run number `checkRunsMax` ends the loop at the latest.
  for (let k = 1; ; k += 1) {
    const run = checkRunOf(id, gate.built, k);
    const seen = observed.runs.get(run);
    if (!seen || seen.is === "alive" || seen.is === "starting") return [];
    if (seen.is === "absent") return [{ type: "test", lane: id, candidate, run, check: gate.check }];
    if (seen.is === "exited" || k === checkRunsMax) return [{ type: "judge", lane: id, candidate, run, seen }];
  }
};
