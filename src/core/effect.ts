/** What each fact does to the state: one row per event. Adding an event case makes the compiler point here. */
import type { Event, EventType, LogRecord } from "./event.ts";
import { exitCode, isIdentity, isPhase, isTime, list, shown, specFault, text, time } from "./foreign.ts";
import { idFault } from "./id.ts";
import { isLive, isManual } from "./schedule.ts";
import { type Lane, type LaneSpec, type LaneState, type Merge, mayMove, type Run, type State } from "./state.ts";

/** What one record would change; committed by the fold only when all of its events are legal. */
export interface Draft {
  readonly state: State;
  readonly lanes: Map<string, Lane>;
  /** Lower-case id → id of the lanes that this record adds. */
  names: Map<string, string> | undefined;
  repo: Partial<Pick<State, "target" | "initialised" | "phase" | "engine">> | undefined;
}

/** Why an event is illegal; undefined when it took effect in the draft. */
export type Fault = string | undefined;

/** Applies one kind of event to the draft. */
export type Effect<K extends EventType> = (
  draft: Draft,
  event: Extract<Event, { readonly type: K }>,
  record: LogRecord,
  position: number,
) => Fault;

type Change = Partial<Omit<Lane, "id" | "rev">>;

const laneIn = ({ lanes, state }: Draft, key: string): Lane | undefined => lanes.get(key) ?? state.lanes.get(key);

type Fresh = { -readonly [F in keyof Lane]: Lane[F] };

/** Change a lane in the draft without moving it; a string is the reason why not. */
const touch = (draft: Draft, key: string, position: number, change: (lane: Lane) => Change | string): Fault => {
  const lane = laneIn(draft, key);
  if (!lane) return `no lane ${shown(key)}`;
  const changed = change(lane);
  if (typeof changed === "string") return changed;
  // A clone and then an assignment: several spreads in one literal take V8 five times as long.
  const fresh: Fresh = { ...lane };
  Object.assign(fresh, changed);
  fresh.rev = position;
  draft.lanes.set(key, fresh);
  return undefined;
};

/** Move a lane along the state table; what is said about the old state does not outlive it. */
const move = (
  draft: Draft,
  key: string,
  to: LaneState,
  record: LogRecord,
  position: number,
  change?: (lane: Lane) => Change | string,
): Fault => {
  const lane = laneIn(draft, key);
  if (!lane) return `no lane ${shown(key)}`;
  if (!mayMove(lane.state, to)) return `lane ${key} is ${lane.state} and cannot become ${to}`;
  const changed = change?.(lane);
  if (typeof changed === "string") return changed;
  const fresh: Fresh = { ...lane };
  fresh.state = to;
  fresh.since = record.at;
  fresh.detail = "";
  fresh.paths = [];
  if (settled.has(to)) {
    fresh.stopping = undefined;
    fresh.retryAt = undefined;
  }
  if (changed) Object.assign(fresh, changed);
  fresh.rev = position;
  draft.lanes.set(key, fresh);
  return undefined;
};

/** States in which nothing runs: a wish to stop has come true or has nothing left to stop. */
const settled: ReadonlySet<LaneState> = new Set([
  "queued",
  "paused",
  "finished-empty",
  "failed",
  "lost",
  "parked",
  "ready",
  "cancelled",
]);

/** Move a lane to a state in which nothing runs, if nothing does. */
const settle = (
  draft: Draft,
  key: string,
  to: LaneState,
  record: LogRecord,
  position: number,
  changed: Change,
): Fault =>
  move(draft, key, to, record, position, (lane) => (isLive(lane) ? `a run of lane ${key} has not ended` : changed));

/** Move a lane whose run went wrong. A wish to cancel it holds, however the run ended; one to stop it forbids another try. */
const fall = (
  draft: Draft,
  event: { readonly key: string; readonly why: string; readonly retryAt?: number },
  to: "failed" | "lost",
  record: LogRecord,
  position: number,
): Fault => {
  const { key, retryAt } = event;
  const detail = text(event.why);
  const before = laneIn(draft, key);
  const fault = move(draft, key, to, record, position, (lane) => ({
    detail,
    retryAt: to === "lost" || lane.stopping || !isTime(retryAt) ? undefined : retryAt,
    failures: to === "lost" ? lane.failures : lane.failures + 1,
    run: over(lane.run, record.at),
    // Somebody may have opened it before the run began.
    worktree: lane.worktree || (lane.state === "starting" && lane.run?.base !== ""),
  }));
  if (fault !== undefined || before?.stopping?.then !== "cancel") return fault;
  return settle(draft, key, "cancelled", record, position, { detail });
};

/** A lane at its beginning. One that was cancelled before keeps counting its runs: a run's name is never used twice. */
const newLane = (id: string, spec: LaneSpec, at: number, rev: number, before: Lane | undefined): Lane => ({
  id,
  spec,
  state: "planned",
  detail: "",
  paths: [],
  addedAt: at,
  since: at,
  rev,
  queuedAt: undefined,
  run: before?.run && { n: before.run.n, base: "", askedAt: before.run.askedAt, endedAt: before.run.endedAt ?? at },
  failures: 0,
  retryAt: undefined,
  stopping: undefined,
  merge: undefined,
  landed: undefined,
  results: [],
  progress: undefined,
  worktree: false,
  removal: undefined,
});

/** May a lane be added under this name? A cancelled lane without a worktree makes room for another. */
const nameFault = (draft: Draft, id: string): Fault => {
  const fault = idFault(id);
  if (fault !== undefined) return fault;
  const folded = id.toLowerCase();
  const taken = draft.names?.get(folded) ?? draft.state.names.get(folded);
  if (taken === undefined) return undefined;
  if (taken !== id) return `differs from lane ${taken} only in case`;
  const lane = laneIn(draft, id);
  return lane?.state === "cancelled" && !lane.worktree ? undefined : `lane ${id} exists`;
};

/** The lane's current run, if it is the n-th and has not ended; else why not. */
const liveRun = ({ id, run }: Lane, n: number): Run | string => {
  if (!run || run.n !== n) return `lane ${id} has no run ${shown(n)}`;
  return run.endedAt === undefined ? run : `run ${n} has ended`;
};

/** The merge that is under way, if it is about this candidate; else why not. */
const mergeOf = (lane: Lane, candidate: string): Merge | string => {
  if (lane.state !== "merging" || !lane.merge) return `lane ${lane.id} is not being merged`;
  return lane.merge.candidate === text(candidate) ? lane.merge : `lane ${lane.id} has another candidate`;
};

/** A run that nobody saw end is over when its lane is lost, failed or begun anew. */
const over = (run: Run | undefined, at: number): Run | undefined =>
  run === undefined || run.endedAt !== undefined ? run : { ...run, endedAt: at };

/** The merge as it was asked for, without what came of it so far. */
const askedFor = ({ position, requestedAt, rebuilt, cause, check }: Merge): Merge => ({
  ...(cause === undefined ? {} : { cause }),
  ...(check === undefined ? {} : { check }),
  position,
  requestedAt,
  rebuilt,
});

/** Every fact and what it does. */
export const effects: { readonly [K in EventType]: Effect<K> } = {
  "repo.initialised": (draft, event) => {
    if (text(event.target) === "") return "names no branch";
    draft.repo = { ...draft.repo, initialised: true, target: event.target };
    return undefined;
  },
  "phase.entered": (draft, event) => {
    if (!isPhase(event.phase)) return `there is no phase ${shown(event.phase)}`;
    draft.repo = { ...draft.repo, phase: event.phase };
    return undefined;
  },
  "plan.written": () => undefined,
  "engine.elected": (draft, event, record, position) => {
    const { process } = event;
    if (!isIdentity(process)) return "names no process";
    const engine = { token: position, process, version: text(event.version), at: record.at, retired: false };
    draft.repo = { ...draft.repo, engine };
    return undefined;
  },
  "engine.retired": (draft) => {
    const engine = draft.repo?.engine ?? draft.state.engine;
    if (!engine) return "no engine was elected";
    draft.repo = { ...draft.repo, engine: { ...engine, retired: true } };
    return undefined;
  },
  "lane.added": (draft, event, record, position) => {
    const { key, spec } = event;
    const fault = nameFault(draft, key) ?? specFault(spec);
    if (fault !== undefined) return fault;
    draft.lanes.set(key, newLane(key, spec, record.at, position, laneIn(draft, key)));
    draft.names ??= new Map();
    draft.names.set(key.toLowerCase(), key);
    return undefined;
  },
  "lane.queued": (draft, event, record, position) =>
    settle(draft, event.key, "queued", record, position, {
      detail: text(event.why),
      merge: undefined,
      landed: undefined,
      queuedAt: position,
    }),
  "lane.unqueued": (draft, event, record, position) => move(draft, event.key, "planned", record, position),
  "lane.opened": (draft, event, record, position) =>
    move(draft, event.key, "running", record, position, (lane) =>
      lane.state === "starting" && isManual(lane) ? { worktree: true } : `nobody works by hand in lane ${lane.id}`,
    ),
  "lane.stop-asked": (draft, event, record, position) =>
    touch(draft, event.key, position, (lane) => {
      const { then } = event;
      if (then !== "pause" && then !== "cancel") return `cannot ${shown(then)}`;
      return isLive(lane) ? { stopping: { then, at: record.at } } : `nothing runs in lane ${lane.id}`;
    }),
  "lane.waiting": (draft, event, record, position) =>
    move(draft, event.key, "waiting", record, position, (lane) => ({
      stopping: isLive(lane) ? lane.stopping : undefined,
      detail: text(event.why),
      paths: list(event.paths),
    })),
  "lane.readied": (draft, event, record, position) =>
    settle(draft, event.key, "ready", record, position, { failures: 0, results: list(event.results) }),
  "lane.emptied": (draft, event, record, position) =>
    settle(draft, event.key, "finished-empty", record, position, { detail: text(event.why) }),
  "lane.failed": (draft, event, record, position) => fall(draft, event, "failed", record, position),
  "lane.lost": (draft, event, record, position) => fall(draft, event, "lost", record, position),
  "lane.parked": (draft, event, record, position) =>
    settle(draft, event.key, "parked", record, position, { detail: text(event.why) }),
  "lane.paused": (draft, event, record, position) =>
    settle(draft, event.key, "paused", record, position, { detail: text(event.why) }),
  "lane.cancelled": (draft, event, record, position) =>
    settle(draft, event.key, "cancelled", record, position, { detail: text(event.why), merge: undefined }),
  "lane.progressed": (draft, event) => {
    const lane = laneIn(draft, event.key);
    if (!lane) return `no lane ${shown(event.key)}`;
    // Progress keeps the lane's rev: an agent that talks a lot must not make a person's wishes come late.
    const fresh: Fresh = { ...lane };
    fresh.progress = text(event.text);
    draft.lanes.set(event.key, fresh);
    return undefined;
  },
  "run.asked": (draft, event, record, position) =>
    move(draft, event.key, "starting", record, position, (lane) => {
      const next = (lane.run?.n ?? 0) + 1;
      return event.n === next
        ? { run: { n: next, base: text(event.base), askedAt: record.at } }
        : `the next run of lane ${lane.id} is ${next}, not ${shown(event.n)}`;
    }),
  "run.started": (draft, event, record, position) =>
    move(draft, event.key, "running", record, position, (lane) => {
      const run = liveRun(lane, event.n);
      if (typeof run === "string") return run;
      const { process } = event;
      if (!isIdentity(process)) return "names no process";
      const { n, base, askedAt } = run;
      return { worktree: true, run: { n, base, askedAt, process, startedAt: time(event.at, record.at) } };
    }),
  "run.exited": (draft, event, record, position) =>
    touch(draft, event.key, position, (lane) => {
      const run = liveRun(lane, event.n);
      if (typeof run === "string") return run;
      const ended = { ...run, endedAt: time(event.at, record.at), code: exitCode(event.code) };
      return { run: event.signal === undefined ? ended : { ...ended, signal: text(event.signal) } };
    }),
  "merge.asked": (draft, event, record, position) =>
    move(draft, event.key, "merge-queued", record, position, (lane) => {
      if (lane.state === "merging" || lane.state === "landed-pending") return `lane ${lane.id} is being merged`;
      if (event.check !== undefined && typeof event.check !== "string") return "its check is no text";
      return {
        landed: undefined,
        merge: {
          ...(record.cause === undefined ? {} : { cause: text(record.cause) }),
          ...(event.check === undefined ? {} : { check: event.check }),
          position,
          requestedAt: record.at,
          rebuilt: lane.merge?.rebuilt ?? 0,
        },
      };
    }),
  "merge.withdrawn": (draft, event, record, position) =>
    move(draft, event.key, "ready", record, position, ({ id, state }) =>
      state === "merge-queued" ? { merge: undefined, detail: text(event.why) } : `lane ${id} is not in the merge queue`,
    ),
  "merge.started": (draft, event, record, position) =>
    move(draft, event.key, "merging", record, position, ({ merge }) => {
      if (!merge) return "nobody asked for this merge";
      const started: { -readonly [F in keyof Merge]: Merge[F] } = { ...merge };
      started.target = text(event.target);
      started.onto = text(event.onto);
      started.head = text(event.head);
      started.candidate = text(event.candidate);
      started.startedAt = record.at;
      if (event.check !== undefined) started.gate = { check: text(event.check), built: position };
      return { merge: started };
    }),
  "merge.tested": (draft, event, _record, position) =>
    touch(draft, event.key, position, (lane) => {
      const merge = mergeOf(lane, event.candidate);
      if (typeof merge === "string") return merge;
      const { result } = event;
      if (result !== "passed" && result !== "unchecked") return `cannot have ${shown(result)}`;
      return { merge: { ...merge, tested: result } };
    }),
  "merge.check-failed": (draft, event, record, position) =>
    move(draft, event.key, "checks-failed", record, position, (lane) => {
      const merge = mergeOf(lane, event.candidate);
      return typeof merge === "string" ? merge : { detail: text(event.why) };
    }),
  "merge.conflicted": (draft, event, record, position) =>
    move(draft, event.key, "conflicted", record, position, () => ({
      detail: text(event.why),
      paths: list(event.paths),
    })),
  "merge.held": (draft, event, record, position) =>
    move(draft, event.key, "landed-pending", record, position, () => ({
      detail: text(event.why),
      paths: list(event.paths),
    })),
  "merge.requeued": (draft, event, record, position) =>
    move(draft, event.key, "merge-queued", record, position, ({ id, state, merge }) =>
      merge && (state === "merging" || state === "landed-pending")
        ? { detail: text(event.why), merge: { ...askedFor(merge), rebuilt: merge.rebuilt + 1 } }
        : `lane ${id} is not being merged`,
    ),
  "merge.landed": (draft, event, record, position) =>
    move(draft, event.key, "merged", record, position, ({ merge }) => ({
      merge: undefined,
      landed: {
        merge: text(event.merge),
        target: text(event.target),
        before: text(event.before),
        head: text(event.head),
        tested: event.tested === "passed" ? "passed" : "unchecked",
        at: record.at,
        gate: merge?.gate,
      },
    })),
  "worktree.removal-asked": (draft, event, record, position) =>
    touch(draft, event.key, position, ({ id, state }) =>
      state === "merged" || state === "cancelled"
        ? { removal: text(record.cause) || record.id }
        : `lane ${id} is ${state}: its worktree is in use`,
    ),
  "worktree.removed": (draft, event, _record, position) =>
    touch(draft, event.key, position, () => ({ removal: undefined, worktree: false })),
  "worktree.kept": (draft, event, _record, position) =>
    touch(draft, event.key, position, () => ({ removal: undefined, detail: text(event.why) })),
};
