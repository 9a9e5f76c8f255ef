/** What each fact does to the state: one row per event. Adding an event case makes the compiler point here. */
import type { Event, EventType, LogRecord } from "./event.ts";
import { type Lane, type LaneSpec, type LaneState, type Merge, mayMove, type Run, type State } from "./state.ts";

/** What one record would change; committed by the fold only when all of its events are legal. */
export interface Draft {
  readonly state: State;
  readonly lanes: Map<string, Lane>;
  repo: Partial<Pick<State, "target" | "initialised" | "phase" | "engine">>;
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

/** Change a lane in the draft without moving it; a string is the reason why not. */
const touch = (draft: Draft, key: string, position: number, change: (lane: Lane) => Change | string): Fault => {
  const lane = draft.lanes.get(key) ?? draft.state.lanes.get(key);
  if (!lane) return `no lane ${String(key)}`;
  const changed = change(lane);
  if (typeof changed === "string") return changed;
  draft.lanes.set(key, { ...lane, ...changed, rev: position });
  return undefined;
};

/** Move a lane along the state table; what is said about the old state does not outlive it. */
const move = (
  draft: Draft,
  key: string,
  to: LaneState,
  record: LogRecord,
  position: number,
  change: (lane: Lane) => Change | string = () => ({}),
): Fault =>
  touch(draft, key, position, (lane) => {
    if (!mayMove(lane.state, to)) return `lane ${key} is ${lane.state} and cannot become ${to}`;
    const changed = change(lane);
    return typeof changed === "string" ? changed : { state: to, since: record.at, detail: "", paths: [], ...changed };
  });

// A record is foreign until proven otherwise: a field of the wrong type becomes an empty one.
const text = (value: unknown): string => (typeof value === "string" ? value : "");
const list = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
const number = (value: unknown, otherwise: number): number => (Number.isFinite(value) ? (value as number) : otherwise);

/** Does a value from the log have the fields of a lane's definition that the rest of the program walks through? */
const isSpec = (value: unknown): value is LaneSpec => {
  if (typeof value !== "object" || value === null) return false;
  const spec = value as Partial<LaneSpec>;
  return [spec.tasks, spec.dependsOn, spec.paths, spec.env].every((item) => Array.isArray(item));
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
  run: before?.run,
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
const nameFault = ({ state, lanes }: Draft, id: string): Fault => {
  const twin = [...lanes.keys()].find((name) => name.toLowerCase() === id.toLowerCase());
  const taken = twin ?? state.names.get(id.toLowerCase());
  if (taken === undefined) return undefined;
  if (taken !== id) return `differs from lane ${taken} only in case`;
  const lane = state.lanes.get(id);
  return lane?.state === "cancelled" && !lane.worktree ? undefined : `lane ${id} exists`;
};

/** The lane's current run, if it is the n-th and has not ended; else why not. */
const liveRun = (lane: Lane, n: number): Run | string =>
  lane.run?.n !== n
    ? `lane ${lane.id} has no run ${n}`
    : lane.run.endedAt === undefined
      ? lane.run
      : `run ${n} has ended`;

/** The lane's merge, if it is about this candidate; else why not. */
const mergeOf = (lane: Lane, candidate: string): Merge | string =>
  lane.merge?.candidate === candidate ? lane.merge : `lane ${lane.id} has another candidate`;

/** A run that nobody saw end is over when its lane is lost or failed. */
const over = (run: Run | undefined, at: number): Run | undefined =>
  run === undefined || run.endedAt !== undefined ? run : { ...run, endedAt: at };

const idle = { stopping: undefined, retryAt: undefined } as const;

/** Every fact and what it does. */
export const effects: { readonly [K in EventType]: Effect<K> } = {
  "repo.initialised": (draft, event) => {
    draft.repo = { ...draft.repo, initialised: true, target: text(event.target) };
    return undefined;
  },
  "phase.entered": (draft, event) => {
    draft.repo = { ...draft.repo, phase: event.phase };
    return undefined;
  },
  "plan.written": () => undefined,
  "engine.elected": (draft, event, record, position) => {
    const { process, version } = event;
    draft.repo = { ...draft.repo, engine: { token: position, process, version, at: record.at, retired: false } };
    return undefined;
  },
  "engine.retired": (draft) => {
    const { engine } = draft.state;
    if (!engine) return "no engine was elected";
    draft.repo = { ...draft.repo, engine: { ...engine, retired: true } };
    return undefined;
  },
  "lane.added": (draft, event, record, position) => {
    const fault = isSpec(event.spec) ? nameFault(draft, event.key) : "has no definition";
    if (fault !== undefined) return fault;
    draft.lanes.set(event.key, newLane(event.key, event.spec, record.at, position, draft.state.lanes.get(event.key)));
    return undefined;
  },
  "lane.queued": (draft, event, record, position) =>
    move(draft, event.key, "queued", record, position, () => ({
      ...idle,
      detail: text(event.why),
      merge: undefined,
      landed: undefined,
      queuedAt: position,
    })),
  "lane.unqueued": (draft, event, record, position) => move(draft, event.key, "planned", record, position),
  "lane.opened": (draft, event, record, position) =>
    move(draft, event.key, "running", record, position, () => ({ worktree: true })),
  "lane.stop-asked": (draft, event, record, position) =>
    touch(draft, event.key, position, (lane) =>
      lane.run && lane.run.endedAt === undefined
        ? { stopping: { then: event.then, at: record.at } }
        : `nothing runs in lane ${lane.id}`,
    ),
  "lane.waiting": (draft, event, record, position) =>
    move(draft, event.key, "waiting", record, position, () => ({
      ...idle,
      detail: text(event.why),
      paths: list(event.paths),
    })),
  "lane.readied": (draft, event, record, position) =>
    move(draft, event.key, "ready", record, position, () => ({ ...idle, failures: 0, results: list(event.results) })),
  "lane.emptied": (draft, event, record, position) =>
    move(draft, event.key, "finished-empty", record, position, () => ({ ...idle, detail: text(event.why) })),
  "lane.failed": (draft, event, record, position) =>
    move(draft, event.key, "failed", record, position, (lane) => ({
      ...idle,
      detail: text(event.why),
      run: over(lane.run, record.at),
      failures: lane.failures + 1,
      retryAt: event.retryAt,
    })),
  "lane.lost": (draft, event, record, position) =>
    move(draft, event.key, "lost", record, position, (lane) => ({
      ...idle,
      detail: text(event.why),
      run: over(lane.run, record.at),
    })),
  "lane.parked": (draft, event, record, position) =>
    move(draft, event.key, "parked", record, position, () => ({ ...idle, detail: text(event.why) })),
  "lane.paused": (draft, event, record, position) =>
    move(draft, event.key, "paused", record, position, () => ({ ...idle, detail: text(event.why) })),
  "lane.cancelled": (draft, event, record, position) =>
    move(draft, event.key, "cancelled", record, position, () => ({
      ...idle,
      detail: text(event.why),
      merge: undefined,
    })),
  "lane.progressed": (draft, event, _record, position) =>
    touch(draft, event.key, position, () => ({ progress: text(event.text) })),
  "run.asked": (draft, event, record, position) =>
    move(draft, event.key, "starting", record, position, (lane) =>
      event.n === (lane.run?.n ?? 0) + 1
        ? { run: { n: event.n, base: text(event.base), askedAt: record.at } }
        : `the next run of lane ${lane.id} is ${(lane.run?.n ?? 0) + 1}, not ${event.n}`,
    ),
  "run.started": (draft, event, record, position) =>
    move(draft, event.key, "running", record, position, (lane) => {
      const run = liveRun(lane, event.n);
      if (typeof run === "string") return run;
      return { worktree: true, run: { ...run, process: event.process, startedAt: number(event.at, record.at) } };
    }),
  "run.exited": (draft, event, record, position) =>
    touch(draft, event.key, position, (lane) => {
      const run = liveRun(lane, event.n);
      if (typeof run === "string") return run;
      const ended = { ...run, endedAt: number(event.at, record.at), code: number(event.code, -1) };
      return { run: event.signal === undefined ? ended : { ...ended, signal: text(event.signal) } };
    }),
  "merge.asked": (draft, event, record, position) =>
    move(draft, event.key, "merge-queued", record, position, (lane) => ({
      landed: undefined,
      merge: {
        ...(record.cause === undefined ? {} : { cause: record.cause }),
        ...(event.check === undefined ? {} : { check: text(event.check) }),
        position,
        requestedAt: record.at,
        rebuilt: lane.merge?.rebuilt ?? 0,
      },
    })),
  "merge.withdrawn": (draft, event, record, position) =>
    move(draft, event.key, "ready", record, position, () => ({ merge: undefined, detail: text(event.why) })),
  "merge.started": (draft, event, record, position) =>
    move(draft, event.key, "merging", record, position, (lane) => {
      if (!lane.merge) return `nobody asked to merge lane ${lane.id}`;
      const { target, onto, head, candidate } = event;
      return { merge: { ...lane.merge, target, onto, head, candidate, startedAt: record.at } };
    }),
  "merge.tested": (draft, event, _record, position) =>
    touch(draft, event.key, position, (lane) => {
      const merge = mergeOf(lane, event.candidate);
      return typeof merge === "string" ? merge : { merge: { ...merge, tested: event.result } };
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
    move(draft, event.key, "merge-queued", record, position, ({ merge }) =>
      merge
        ? {
            detail: text(event.why),
            merge: {
              ...(merge.cause === undefined ? {} : { cause: merge.cause }),
              ...(merge.check === undefined ? {} : { check: merge.check }),
              position: merge.position,
              requestedAt: merge.requestedAt,
              rebuilt: merge.rebuilt + 1,
            },
          }
        : "nobody asked for this merge",
    ),
  "merge.landed": (draft, event, record, position) =>
    move(draft, event.key, "merged", record, position, () => ({
      merge: undefined,
      landed: {
        merge: text(event.merge),
        target: text(event.target),
        before: text(event.before),
        head: text(event.head),
        tested: event.tested,
        at: record.at,
      },
    })),
  "worktree.removal-asked": (draft, event, record, position) =>
    touch(draft, event.key, position, () => ({ removal: record.cause ?? record.id })),
  "worktree.removed": (draft, event, _record, position) =>
    touch(draft, event.key, position, () => ({ removal: undefined, worktree: false })),
  "worktree.kept": (draft, event, _record, position) =>
    touch(draft, event.key, position, () => ({ removal: undefined, detail: text(event.why) })),
};
