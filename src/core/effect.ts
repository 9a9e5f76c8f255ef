/** What each fact does to the state: one row per event. Adding an event case makes the compiler point here. */
import type { Event, EventType, LogRecord, Patched } from "./event.ts";
import {
  exitCode,
  isIdentity,
  isPhase,
  isStrategy,
  isTime,
  isTold,
  isYes,
  list,
  shown,
  specFault,
  text,
  time,
} from "./foreign.ts";
import { idFault } from "./id.ts";
import { foreignKey, foreignMax, patchable } from "./patchable.ts";
import { type Claim, claimsOf, deadlockIn, granted, patternsFault, ttlDefaultMs, ttlMs, yielded } from "./lease.ts";
import { frozenMs, isLive, isManual, weightOf } from "./schedule.ts";
import { checkOfBatch, noLessons } from "./queue.ts";
import {
  type Batch,
  type Halts,
  type Lane,
  type LaneSpec,
  type LaneState,
  type Lessons,
  type Merge,
  mayMove,
  type Run,
  type State,
  type Step,
  type Undoing,
} from "./state.ts";

/** What one record would change; committed by the fold only when all of its events are legal. */
export interface Draft {
  readonly state: State;
  /** The lane that changes. Nearly every record is about one, and replaying a log is what a map for each would slow down. */
  lane: Lane | undefined;
  /** The lanes before that one, when a record is about several. */
  lanes: Map<string, Lane> | undefined;
  /** Lower-case id → id of the lanes that this record adds. */
  names: Map<string, string> | undefined;
  repo:
    | Partial<Pick<State, "target" | "initialised" | "phase" | "engine" | "foreign" | "claims" | "lessons">>
    | undefined;
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

/** A copy of a lane, to be changed until it is put into the draft. */
type Fresh = { -readonly [F in keyof Lane]: Lane[F] };

/** Field by field: V8 takes this path sixteen times as fast as a spread, and replaying a log is mostly this. */
const copyOf = (lane: Lane): Fresh => ({
  id: lane.id,
  spec: lane.spec,
  state: lane.state,
  detail: lane.detail,
  paths: lane.paths,
  addedAt: lane.addedAt,
  since: lane.since,
  rev: lane.rev,
  queuedAt: lane.queuedAt,
  run: lane.run,
  failures: lane.failures,
  retryAt: lane.retryAt,
  halts: lane.halts,
  stopping: lane.stopping,
  pausing: lane.pausing,
  merge: lane.merge,
  landed: lane.landed,
  undoing: lane.undoing,
  undone: lane.undone,
  resolving: lane.resolving,
  approved: lane.approved,
  spoiled: lane.spoiled,
  note: lane.note,
  results: lane.results,
  progress: lane.progress,
  worktree: lane.worktree,
  removal: lane.removal,
  saves: lane.saves,
  restoring: lane.restoring,
});

/** What else changes in a lane, and the lane as it was; a string is the reason why not. */
type Change = (fresh: Fresh, lane: Lane) => Fault;

const laneIn = ({ lane, lanes, state }: Draft, key: string): Lane | undefined =>
  lane?.id === key ? lane : (lanes?.get(key) ?? state.lanes.get(key));

const put = (draft: Draft, fresh: Lane): void => {
  const { lane } = draft;
  if (lane !== undefined && lane.id !== fresh.id) {
    draft.lanes ??= new Map();
    draft.lanes.set(lane.id, lane);
  }
  draft.lane = fresh;
};

/** Change a lane in the draft without moving it; a string is the reason why not. */
const touch = (draft: Draft, key: string, position: number, change: Change): Fault => {
  const lane = laneIn(draft, key);
  if (!lane) return `no lane ${shown(key)}`;
  const fresh = copyOf(lane);
  const fault = change(fresh, lane);
  if (fault !== undefined) return fault;
  fresh.rev = position;
  put(draft, fresh);
  return undefined;
};

/** Move a lane along the state table; what is said about the old state does not outlive it. */
const move = (
  draft: Draft,
  key: string,
  to: LaneState,
  record: LogRecord,
  position: number,
  change?: Change,
): Fault => {
  const lane = laneIn(draft, key);
  if (!lane) return `no lane ${shown(key)}`;
  if (!mayMove(lane.state, to)) return `lane ${key} is ${lane.state} and cannot become ${to}`;
  const fresh = copyOf(lane);
  fresh.state = to;
  fresh.since = record.at;
  fresh.detail = "";
  fresh.paths = none;
  fresh.resolving = undefined;
  if (settled.has(to)) {
    fresh.stopping = undefined;
    fresh.pausing = undefined;
    fresh.retryAt = undefined;
    if (to !== "queued") fresh.halts = undefined;
  }
  const fault = change?.(fresh, lane);
  if (fault !== undefined) return fault;
  fresh.rev = position;
  put(draft, fresh);
  return undefined;
};

const none: readonly string[] = [];

const haltsOf = (given: Halts | undefined): Halts | undefined =>
  given && Number.isSafeInteger(given.n) ? { n: given.n, head: text(given.head) } : undefined;

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
  change: (fresh: Fresh) => void,
): Fault =>
  move(draft, key, to, record, position, (fresh) => {
    if (isLive(fresh)) return `a run of lane ${key} has not ended`;
    change(fresh);
    return undefined;
  });

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
  const fault = move(draft, key, to, record, position, (fresh, lane) => {
    fresh.detail = detail;
    if (to === "failed") {
      fresh.failures = lane.failures + 1;
      if (lane.spec.rollback === true) fresh.spoiled = true;
      if (!lane.stopping && isTime(retryAt)) fresh.retryAt = retryAt;
    }
    fresh.run = over(lane.run, record.at);
    // Somebody may have opened it before the run began.
    if (lane.state === "starting" && lane.run?.base !== "") fresh.worktree = true;
    return undefined;
  });
  if (fault !== undefined || before?.stopping?.then !== "cancel") return fault;
  return settle(draft, key, "cancelled", record, position, (fresh) => {
    fresh.detail = detail;
  });
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
  halts: undefined,
  stopping: undefined,
  pausing: undefined,
  merge: undefined,
  landed: undefined,
  undoing: undefined,
  undone: undefined,
  resolving: undefined,
  approved: undefined,
  spoiled: undefined,
  note: undefined,
  results: [],
  progress: undefined,
  worktree: false,
  removal: undefined,
  saves: undefined,
  restoring: undefined,
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
  return lane?.state === "cancelled" && !lane.worktree && !lane.restoring ? undefined : `lane ${id} exists`;
};

/** The lane's current run, if it is the n-th and has not ended; else why not. */
const liveRun = ({ id, run }: Lane, n: number): Run | string => {
  if (!run || run.n !== n) return `lane ${id} has no run ${shown(n)}`;
  return run.endedAt === undefined ? run : `run ${n} has ended`;
};

/** Why the lane's run can neither be frozen nor resumed; undefined when it can. */
const unpausable = (lane: Lane): Fault => {
  if (!isLive(lane)) return `nothing runs in lane ${lane.id}`;
  return lane.stopping && `lane ${lane.id} is being stopped`;
};

/** The merge that is under way, if it is about this candidate; else why not. */
const mergeOf = (lane: Lane, candidate: string): Merge | string => {
  if (lane.state !== "merging" || !lane.merge) return `lane ${lane.id} is not being merged`;
  return lane.merge.candidate === text(candidate) ? lane.merge : `lane ${lane.id} has another candidate`;
};

/** The undoing that is under way, when the candidate is the one that was built for it; else why not. */
const undoingOf = (lane: Lane, candidate: unknown): Undoing | string => {
  const { id, undoing } = lane;
  if (!undoing || undoing.refused) return `lane ${id} is not being taken back`;
  return undoing.candidate === candidate ? undoing : `lane ${id} has another candidate`;
};

/** Change the undoing that is under way. */
const undo = (
  draft: Draft,
  event: { readonly key: string; readonly candidate?: string },
  position: number,
  change: (undoing: Undoing) => Undoing,
): Fault =>
  touch(draft, event.key, position, (fresh, lane) => {
    const undoing = undoingOf(lane, event.candidate ?? lane.undoing?.candidate);
    if (typeof undoing === "string") return undoing;
    fresh.undoing = change(undoing);
    return undefined;
  });

/** The undoing as it was asked for. */
const undoAskedFor = ({ position, at, cause, check, rebuilt }: Undoing): Undoing => ({
  ...(cause === undefined ? {} : { cause }),
  ...(check === undefined ? {} : { check }),
  position,
  at,
  rebuilt,
});

/** Only the reason changes with the state. */
const because =
  (event: { readonly why: string }) =>
  (fresh: Fresh): void => {
    fresh.detail = text(event.why);
  };

/** The reason and the files that it speaks of. */
const inWay =
  (event: { readonly why: string; readonly paths: readonly string[] }): Change =>
  (fresh) => {
    fresh.detail = text(event.why);
    fresh.paths = list(event.paths);
    return undefined;
  };

/** The lane whose run has this port; undefined when it is free for `lane`. */
const holderOf = (draft: Draft, port: number, lane: string): string | undefined =>
  [...draft.state.lanes.keys()].find((id) => {
    const other = laneIn(draft, id);
    return id !== lane && other?.run?.port === port && isLive(other);
  });

/** A run that nobody saw end is over when its lane is lost, failed or begun anew. */
const over = (run: Run | undefined, at: number): Run | undefined =>
  run === undefined || run.endedAt !== undefined ? run : { ...run, endedAt: at };

/** The merge as it was asked for, without what came of it so far. */
const askedFor = ({
  position,
  requestedAt,
  rebuilt,
  cause,
  check,
  strategy,
  override,
  first,
  alone,
}: Merge): Merge => ({
  ...drop({ cause, check, strategy, override, first, alone }),
  position,
  requestedAt,
  rebuilt,
});

/** States from which a lane comes back as it was kept; `planned`: one that the log did not know. */
const restorable: ReadonlySet<LaneState> = new Set(["cancelled", "merged", "planned"]);

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
    const before = laneIn(draft, key);
    put(draft, newLane(key, spec, record.at, position, before));
    if (before) forget(draft, key);
    draft.names ??= new Map();
    draft.names.set(key.toLowerCase(), key);
    return undefined;
  },
  "lane.queued": (draft, event, record, position) =>
    settle(draft, event.key, "queued", record, position, (fresh) => {
      fresh.detail = text(event.why);
      fresh.merge = undefined;
      fresh.landed = undefined;
      fresh.queuedAt = position;
      if (event.note !== undefined) fresh.note = text(event.note) || undefined;
    }),
  "lane.approved": (draft, event, record, position) =>
    touch(draft, event.key, position, (fresh, { id, state }) => {
      const head = text(event.head);
      if (head === "") return "names no commit";
      if (state === "merged" || state === "cancelled") return `lane ${id} is ${state}`;
      fresh.approved = { head, at: record.at };
      return undefined;
    }),
  "lane.rolled-back": (draft, event, _record, position) =>
    touch(draft, event.key, position, (fresh, { id, state }) => {
      if (state !== "starting") return `lane ${id} is ${state}`;
      fresh.progress = `what its last run did is kept in ${text(event.saved)}`;
      fresh.spoiled = undefined;
      return undefined;
    }),
  "lane.held": (draft, event, _record, position) =>
    touch(draft, event.key, position, (fresh) => {
      if (fresh.state !== "queued") return `lane ${fresh.id} is ${fresh.state}`;
      fresh.detail = text(event.why);
      return undefined;
    }),
  "lane.unqueued": (draft, event, record, position) => move(draft, event.key, "planned", record, position),
  "lane.opened": (draft, event, record, position) =>
    move(draft, event.key, "running", record, position, (fresh, lane) => {
      if (lane.state !== "starting" || !isManual(lane)) return `nobody works by hand in lane ${lane.id}`;
      fresh.worktree = true;
      return undefined;
    }),
  "lane.stop-asked": (draft, event, record, position) =>
    touch(draft, event.key, position, (fresh) => {
      const { then } = event;
      if (then !== "pause" && then !== "cancel" && then !== "queue") return `cannot ${shown(then)}`;
      if (!isLive(fresh)) return `nothing runs in lane ${fresh.id}`;
      fresh.stopping = { then, at: record.at };
      fresh.pausing = undefined;
      return undefined;
    }),
  "lane.freeze-asked": (draft, event, record, position) =>
    touch(draft, event.key, position, (fresh) => {
      const fault = unpausable(fresh);
      if (fault !== undefined) return fault;
      fresh.pausing = { to: "freeze", at: record.at };
      return undefined;
    }),
  "lane.resume-asked": (draft, event, record, position) =>
    touch(draft, event.key, position, (fresh) => {
      const fault = unpausable(fresh);
      if (fault !== undefined) return fault;
      fresh.pausing = { to: "resume", at: record.at };
      return undefined;
    }),
  "lane.frozen": (draft, event, record, position) => {
    const change: Change = (fresh, lane) => {
      const run = liveRun(lane, event.n);
      if (typeof run === "string") return run;
      if (lane.state !== "paused") fresh.run = { ...run, frozenMs: frozenMs(lane, record.at) };
      fresh.pausing = undefined;
      return unpausable(lane);
    };
    // Frozen while it was to be resumed: it has been standing still since the first time.
    return laneIn(draft, event.key)?.state === "paused"
      ? touch(draft, event.key, position, change)
      : move(draft, event.key, "paused", record, position, change);
  },
  "lane.thawed": (draft, event, record, position) => {
    const before = laneIn(draft, event.key);
    const change: Change = (fresh, lane) => {
      const run = liveRun(lane, event.n);
      if (typeof run === "string") return run;
      if (lane.state !== "paused" && !lane.pausing) return `lane ${lane.id} is not frozen`;
      if (lane.state === "paused") fresh.run = { ...run, frozenMs: frozenMs(lane, record.at) };
      fresh.pausing = undefined;
      fresh.detail = text(event.why) || fresh.detail;
      return undefined;
    };
    return before?.state === "paused"
      ? move(draft, event.key, "running", record, position, change)
      : touch(draft, event.key, position, change);
  },
  "lane.waiting": (draft, event, record, position) =>
    move(draft, event.key, "waiting", record, position, (fresh) => {
      if (!isLive(fresh)) {
        fresh.stopping = undefined;
        fresh.pausing = undefined;
        fresh.halts = haltsOf(event.halts);
      }
      fresh.detail = text(event.why);
      fresh.paths = list(event.paths);
      fresh.retryAt = !isLive(fresh) && isTime(event.retryAt) ? event.retryAt : undefined;
      return undefined;
    }),
  "lane.readied": (draft, event, record, position) =>
    settle(draft, event.key, "ready", record, position, (fresh) => {
      fresh.failures = 0;
      fresh.results = list(event.results);
    }),
  "lane.emptied": (draft, event, record, position) =>
    settle(draft, event.key, "finished-empty", record, position, because(event)),
  "lane.failed": (draft, event, record, position) => fall(draft, event, "failed", record, position),
  "lane.lost": (draft, event, record, position) => fall(draft, event, "lost", record, position),
  "lane.parked": (draft, event, record, position) =>
    settle(draft, event.key, "parked", record, position, because(event)),
  "lane.paused": (draft, event, record, position) =>
    settle(draft, event.key, "paused", record, position, because(event)),
  "lane.cancelled": (draft, event, record, position) => {
    const fault = settle(draft, event.key, "cancelled", record, position, (fresh) => {
      fresh.detail = text(event.why);
      fresh.merge = undefined;
    });
    if (fault === undefined) giveBack(draft, ({ lane }) => lane === event.key, record, position);
    return fault;
  },
  "lane.progressed": (draft, event) => {
    const lane = laneIn(draft, event.key);
    if (!lane) return `no lane ${shown(event.key)}`;
    // Progress keeps the lane's rev: an agent that talks a lot must not make a person's wishes come late.
    const fresh = copyOf(lane);
    fresh.progress = text(event.text);
    put(draft, fresh);
    return undefined;
  },
  "run.asked": (draft, event, record, position) =>
    move(draft, event.key, "starting", record, position, (fresh, lane) => {
      const next = (lane.run?.n ?? 0) + 1;
      if (event.n !== next) return `the next run of lane ${lane.id} is ${next}, not ${shown(event.n)}`;
      const port = Number.isSafeInteger(event.port) ? Number(event.port) : undefined;
      const other = port === undefined ? undefined : holderOf(draft, port, lane.id);
      if (other !== undefined) return `port ${port} is lane ${other}'s`;
      const { cli, session, resumes } = event;
      fresh.run = {
        n: next,
        base: text(event.base),
        askedAt: record.at,
        ...(port === undefined ? {} : { port }),
        ...(text(cli) === "" ? {} : { cli: text(cli) }),
        ...(text(session) === "" ? {} : { session: text(session) }),
        ...(isYes(resumes) ? { resumes: true as const } : {}),
      };
      return undefined;
    }),
  "run.started": (draft, event, record, position) =>
    move(draft, event.key, "running", record, position, (fresh, lane) => {
      const run = liveRun(lane, event.n);
      if (typeof run === "string") return run;
      const { process } = event;
      if (!isIdentity(process)) return "names no process";
      const mode = text(event.mode) === "" ? {} : { mode: text(event.mode) };
      fresh.spoiled = undefined;
      fresh.worktree = true;
      fresh.run = { ...run, process, startedAt: time(event.at, record.at), ...mode };
      return undefined;
    }),
  "agent.reported": (draft, event) => {
    const lane = laneIn(draft, event.key);
    if (!lane) return `no lane ${shown(event.key)}`;
    const run = liveRun(lane, event.n);
    if (typeof run === "string") return run;
    if (!isTold(event.told)) return "tells nothing";
    // Like progress: the lane keeps its rev.
    const fresh = copyOf(lane);
    fresh.run = { ...run, told: event.told };
    put(draft, fresh);
    return undefined;
  },
  "run.exited": (draft, event, record, position) =>
    touch(draft, event.key, position, (fresh, lane) => {
      const run = liveRun(lane, event.n);
      if (typeof run === "string") return run;
      const ended: { -readonly [F in keyof Run]: Run[F] } = { ...run };
      ended.endedAt = time(event.at, record.at);
      ended.code = exitCode(event.code);
      if (event.signal !== undefined) ended.signal = text(event.signal);
      fresh.run = ended;
      return undefined;
    }),
  "merge.asked": (draft, event, record, position) =>
    move(draft, event.key, "merge-queued", record, position, (fresh, lane) => {
      if (lane.state === "merging" || lane.state === "landed-pending") return `lane ${lane.id} is being merged`;
      if (event.check !== undefined && typeof event.check !== "string") return "its check is no text";
      if (event.strategy !== undefined && !isStrategy(event.strategy)) return `cannot land by ${shown(event.strategy)}`;
      fresh.landed = undefined;
      fresh.merge = {
        ...(record.cause === undefined ? {} : { cause: text(record.cause) }),
        ...drop({ check: event.check, strategy: event.strategy, override: text(event.override) || undefined }),
        ...(event.first === true ? { first: true } : {}),
        position,
        requestedAt: record.at,
        rebuilt: lane.merge?.rebuilt ?? 0,
      };
      return undefined;
    }),
  "merge.withdrawn": (draft, event, record, position) =>
    move(draft, event.key, "ready", record, position, (fresh, { id, state }) => {
      if (state !== "merge-queued") return `lane ${id} is not in the merge queue`;
      fresh.merge = undefined;
      fresh.detail = text(event.why);
      acquit(draft, id);
      return undefined;
    }),
  "merge.started": (draft, event, record, position) =>
    move(draft, event.key, "merging", record, position, (fresh, { merge }) => {
      if (!merge) return "nobody asked for this merge";
      const { behind: _, ...known } = merge;
      const started: { -readonly [F in keyof Merge]: Merge[F] } = known;
      const batch = event.batch === undefined ? undefined : batchFrom(event.batch, event.key, position);
      started.target = text(event.target);
      started.onto = text(event.onto);
      started.head = text(event.head);
      started.candidate = text(event.candidate);
      started.startedAt = record.at;
      if (event.since !== undefined) started.since = text(event.since);
      if (event.check !== undefined) {
        const lead = batch === undefined || batch.lead === event.key ? {} : { lead: batch.lead };
        started.gate = { check: text(event.check), built: position, ...lead };
      }
      if (batch !== undefined) {
        started.batch = batch;
        taken(draft, batch, merge.position);
      }
      fresh.merge = started;
      return undefined;
    }),
  "merge.put-off": (draft, event, _record, position) =>
    touch(draft, event.key, position, (fresh, { id, state, merge }) => {
      if (!merge || state !== "merge-queued") return `lane ${id} is not in the merge queue`;
      fresh.merge = { ...merge, behind: text(event.behind) };
      fresh.detail = text(event.why);
      return undefined;
    }),
  "check.ended": (draft, event) => {
    const { tree, check, ms } = event;
    const [lanes, passed] = [Math.min(lessonsMax.results, time(event.lanes, 0)), isYes(event.passed)];
    const known = lessonsIn(draft);
    // Of several that failed together nobody knows yet which ones did.
    const results = passed ? Array.from({ length: lanes }, () => true) : lanes === 1 ? [false] : [];
    const ran = isTime(ms) && ms > 0 && !isYes(event.cached) ? [ms] : [];
    const proved = passed && text(tree) !== "" ? [{ tree: text(tree), check: text(check) }] : [];
    learn(draft, {
      results: [...known.results, ...results].slice(-lessonsMax.results),
      durations: [...known.durations, ...ran].slice(-lessonsMax.durations),
      passed: isYes(event.cached) ? known.passed : [...known.passed, ...proved].slice(-lessonsMax.passed),
      flaky: known.flaky + (isYes(event.flaky) ? 1 : 0),
    });
    return undefined;
  },
  "batch.split": (draft, event) => {
    const lanes = list(event.lanes);
    const unknown = lanes.find((id) => !laneIn(draft, id));
    if (lanes.length === 0) return "names no lanes";
    if (unknown !== undefined) return `no lane ${shown(unknown)}`;
    const before = lessonsIn(draft).suspects;
    const on = before !== undefined && lanes.every((id) => before.lanes.includes(id)) ? before.on : none;
    learn(draft, { suspects: { lanes, tree: text(event.tree), on } });
    return undefined;
  },
  "merge.tested": (draft, event, _record, position) =>
    touch(draft, event.key, position, (fresh, lane) => {
      const merge = mergeOf(lane, event.candidate);
      if (typeof merge === "string") return merge;
      const { result } = event;
      if (result !== "passed" && result !== "unchecked") return `cannot have ${shown(result)}`;
      fresh.merge = { ...merge, tested: result };
      return undefined;
    }),
  "merge.check-failed": (draft, event, record, position) =>
    move(draft, event.key, "checks-failed", record, position, (fresh, lane) => {
      const merge = mergeOf(lane, event.candidate);
      if (typeof merge === "string") return merge;
      fresh.detail = text(event.why);
      acquit(draft, lane.id);
      return undefined;
    }),
  "merge.conflicted": (draft, event, record, position) => {
    acquit(draft, event.key);
    return move(draft, event.key, "conflicted", record, position, inWay(event));
  },
  "merge.resolving": (draft, event, record, position) =>
    touch(draft, event.key, position, (fresh, { id, state }) => {
      if (state !== "conflicted") return `lane ${id} is ${state}`;
      const { target, onto, saved } = event;
      fresh.resolving = { target: text(target), onto: text(onto), saved: text(saved), at: record.at };
      return undefined;
    }),
  "merge.resolve-dropped": (draft, event, _record, position) =>
    touch(draft, event.key, position, (fresh, { id, resolving }) => {
      if (!resolving) return `no conflict stands in lane ${id}`;
      fresh.resolving = undefined;
      return undefined;
    }),
  "merge.held": (draft, event, record, position) =>
    move(draft, event.key, "landed-pending", record, position, inWay(event)),
  "merge.requeued": (draft, event, record, position) =>
    move(draft, event.key, "merge-queued", record, position, (fresh, { id, state, merge }) => {
      if (!merge || (state !== "merging" && state !== "landed-pending")) return `lane ${id} is not being merged`;
      fresh.detail = text(event.why);
      fresh.merge = { ...askedFor(merge), rebuilt: merge.rebuilt + 1, ...(isYes(event.alone) ? { alone: true } : {}) };
      return undefined;
    }),
  "merge.landed": (draft, event, record, position) => {
    const fault = move(draft, event.key, "merged", record, position, (fresh, { merge }) => {
      fresh.merge = undefined;
      fresh.undone = undefined;
      fresh.note = undefined;
      fresh.landed = {
        merge: text(event.merge),
        target: text(event.target),
        before: text(event.before),
        head: text(event.head),
        tested: event.tested === "passed" ? "passed" : "unchecked",
        at: record.at,
        gate: merge?.gate,
        ...drop({
          since: merge?.since,
          override: merge?.override,
          step: stepFrom(event.step),
          strategy: strategyOf(event.strategy),
        }),
      };
      return undefined;
    });
    if (fault === undefined) clear(draft, event.key);
    if (fault === undefined) giveBack(draft, ({ lane }) => lane === event.key, record, position);
    return fault;
  },
  "merge.undo-asked": (draft, event, record, position) =>
    touch(draft, event.key, position, (fresh, { id, state, landed, undoing }) => {
      const { check } = event;
      if (state !== "merged" || !landed) return `nothing of lane ${id} has landed`;
      if (undoing && !undoing.refused) return `lane ${id} is being taken back`;
      if (check !== undefined && typeof check !== "string") return "its check is no text";
      const cause = text(record.cause) || undefined;
      fresh.undoing = undoAskedFor({ position, at: record.at, rebuilt: 0, ...drop({ cause, check }) });
      return undefined;
    }),
  "merge.undo-started": (draft, event, _record, position) => {
    const { how, onto, candidate, check } = event;
    if (how !== "revert" && how !== "back") return `cannot be taken back by ${shown(how)}`;
    const gate = check === undefined ? undefined : { check: text(check), built: position };
    return undo(draft, { key: event.key }, position, (undoing) => ({
      ...undoAskedFor(undoing),
      how,
      onto: text(onto),
      candidate: text(candidate),
      ...drop({ gate }),
    }));
  },
  "merge.undo-tested": (draft, event, _record, position) =>
    undo(draft, event, position, (undoing) => ({ ...undoing, tested: "passed" })),
  "merge.undo-held": (draft, event, _record, position) =>
    undo(draft, { key: event.key }, position, (undoing) => ({ ...undoing, held: text(event.why) })),
  "merge.undo-requeued": (draft, event, _record, position) =>
    undo(draft, { key: event.key }, position, (undoing) => ({
      ...undoAskedFor(undoing),
      rebuilt: undoing.rebuilt + 1,
    })),
  "merge.undo-refused": (draft, event, _record, position) =>
    undo(draft, { key: event.key }, position, (undoing) => ({
      ...undoing,
      refused: { why: text(event.why), paths: list(event.paths), code: exitCode(event.code) },
    })),
  "merge.undone": (draft, event, record, position) =>
    move(draft, event.key, "undone", record, position, (fresh, { id, landed, undoing }) => {
      if (!landed || !undoing || undoing.refused) return `lane ${id} is not being taken back`;
      const { merge, before, head, target, since = before } = landed;
      const how = event.how === "back" ? "back" : "revert";
      fresh.landed = undefined;
      fresh.undoing = undefined;
      fresh.undone = { merge, before, head, since, commit: text(event.commit), target, how, at: record.at };
      // Whoever let it land may think otherwise now.
      fresh.approved = undefined;
      return undefined;
    }),
  "worktree.removal-asked": (draft, event, record, position) =>
    touch(draft, event.key, position, (fresh) => {
      const { id, state } = fresh;
      if (state !== "merged" && state !== "cancelled") return `lane ${id} is ${state}: its worktree is in use`;
      fresh.removal = text(record.cause) || record.id;
      if (isYes(event.save)) fresh.saves = true;
      return undefined;
    }),
  "worktree.removed": (draft, event, _record, position) =>
    touch(draft, event.key, position, (fresh) => {
      fresh.removal = undefined;
      fresh.saves = undefined;
      fresh.worktree = false;
      const where = [
        ...(event.saved === undefined ? [] : [`its work is kept in ${text(event.saved)}: lanes restore ${fresh.id}`]),
        ...(event.kept === undefined ? [] : [`its ignored files are in ${text(event.kept)}`]),
      ];
      if (where.length > 0) fresh.detail = where.join("; ");
      return undefined;
    }),
  "worktree.kept": (draft, event, _record, position) =>
    touch(draft, event.key, position, (fresh) => {
      fresh.removal = undefined;
      fresh.saves = undefined;
      fresh.detail = text(event.why);
      return undefined;
    }),
  "lane.restore-asked": (draft, event, record, position) =>
    touch(draft, event.key, position, (fresh) => {
      const { id, state, worktree, removal } = fresh;
      if (worktree || removal !== undefined) return `lane ${id} has a worktree`;
      if (!restorable.has(state)) return `lane ${id} is ${state}`;
      const cause = text(record.cause) || record.id;
      fresh.restoring = Number.isSafeInteger(event.n) ? { n: Number(event.n), cause } : { cause };
      return undefined;
    }),
  "lane.restored": (draft, event, record, position) =>
    touch(draft, event.key, position, (fresh) => {
      if (!fresh.restoring) return `nobody wants lane ${fresh.id} back`;
      fresh.restoring = undefined;
      fresh.worktree = true;
      fresh.detail = text(event.why);
      fresh.paths = none;
      // Not along the table: nothing else leads a lane out of `cancelled`.
      if (fresh.state !== "cancelled" && fresh.state !== "planned") return undefined;
      fresh.state = isYes(event.ready) ? "ready" : "waiting";
      fresh.since = record.at;
      return undefined;
    }),
  "lane.restore-failed": (draft, event, _record, position) =>
    touch(draft, event.key, position, (fresh) => {
      fresh.restoring = undefined;
      fresh.detail = text(event.why);
      return undefined;
    }),
  "trash.dropped": () => undefined,
  "tracker.patched": (draft, event, _record, position) => {
    if (!Array.isArray(event.changes)) return "names no changes";
    for (const change of event.changes) {
      const fault = patch(draft, change, position);
      if (fault !== undefined) return fault;
    }
    return undefined;
  },
  "tracker.rejected": () => undefined,
  "lease.asked": (draft, event, record, position) => {
    const { key, start } = event;
    const [paths, claims] = [list(event.paths), claimsIn(draft)];
    const lane = laneIn(draft, key);
    if (!lane) return `no lane ${shown(key)}`;
    if (lane.state === "merged" || lane.state === "cancelled") return `lane ${key} is ${lane.state}`;
    const fault = patternsFault(paths);
    if (fault !== undefined) return fault;
    if (claims.length >= claimsMax) return `more than ${claimsMax} claims`;
    const claim: Claim = {
      id: position,
      lane: key,
      paths,
      shared: isYes(event.shared),
      ttlMs: Math.min(ttlMs.most, Math.max(ttlMs.least, time(event.ttlMs, ttlDefaultMs))),
      at: record.at,
      token: undefined,
      place: position,
      source: isYes(start) ? "start" : "person",
    };
    const next = granted([...claims, claim], position, record.at);
    if (isYes(start) && next.at(-1)?.token === undefined) return "its paths are leased to others";
    draft.repo = { ...draft.repo, claims: next };
    return undefined;
  },
  "lease.renewed": (draft, event, record) => {
    const claim = claimOf(draft, event);
    if (typeof claim === "string") return claim;
    if (claim.token === undefined || claim.token !== event.token) return `claim ${claim.id} has another token`;
    const claims = claimsIn(draft).map((other) => (other === claim ? { ...claim, at: record.at } : other));
    draft.repo = { ...draft.repo, claims };
    return undefined;
  },
  "lease.released": (draft, event, record, position) => letGo(draft, event, record, position),
  "lease.broken": (draft, event, record, position) => letGo(draft, event, record, position),
  "lease.expired": (draft, event, record, position) => letGo(draft, event, record, position),
  "lease.yielded": (draft, event, record, position) => {
    const claims = claimsIn(draft);
    const circle = deadlockIn(claims);
    const given = circle && yielded(claims, circle, (id) => weightOf(laneIn(draft, id)), position);
    if (given?.lane !== event.key) return `lane ${shown(event.key)} keeps nobody waiting for ever`;
    draft.repo = { ...draft.repo, claims: granted(given.claims, position, record.at) };
    return undefined;
  },
};

/** A merge needs no word. */
const strategyOf = (value: unknown): "squash" | "rebase" | undefined =>
  value === "squash" || value === "rebase" ? value : undefined;

/** Only the fields that are set. */
const drop = <T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };

/** How much of each kind of lesson is remembered: the newest. */
const lessonsMax = { results: 20, durations: 20, passed: 100, taken: 64, runs: 4, slots: 64 } as const;

const lessonsIn = ({ repo, state }: Draft): Lessons =>
  (repo && "lessons" in repo ? repo.lessons : state.lessons) ?? noLessons;

const learn = (draft: Draft, more: Partial<Lessons>): void => {
  draft.repo = { ...draft.repo, lessons: { ...lessonsIn(draft), ...more } };
};

/** A request was taken, and its check runs in this slot. */
const taken = (draft: Draft, batch: Batch, request: number): void => {
  const known = lessonsIn(draft);
  const more = { taken: [...known.taken, request].slice(-lessonsMax.taken) };
  if (batch.place > 0) return learn(draft, more);
  const slots = Array.from({ length: Math.max(known.slots.length, batch.slot + 1) }, (_, slot) => {
    const runs = known.slots[slot] ?? [];
    return slot === batch.slot ? [...runs, checkOfBatch(batch.lead, batch.id)].slice(-lessonsMax.runs) : runs;
  });
  learn(draft, { ...more, slots });
};

/** The search for the one that spoils a batch ends: it was found, or somebody left. */
const acquit = (draft: Draft, lane: string): void => {
  const { suspects, ...known } = lessonsIn(draft);
  if (suspects?.lanes.includes(lane)) draft.repo = { ...draft.repo, lessons: known };
};

/** One of the suspects has landed: it is none of those that spoil the rest. */
const clear = (draft: Draft, lane: string): void => {
  const { suspects, ...known } = lessonsIn(draft);
  if (!suspects?.lanes.includes(lane)) return;
  const lanes = suspects.lanes.filter((id) => id !== lane);
  const left = { lanes, tree: suspects.tree, on: [...suspects.on, lane] };
  draft.repo = { ...draft.repo, lessons: lanes.length === 0 ? known : { ...known, suspects: left } };
};

const stepFrom = (step: Step | null | undefined): Step | undefined => {
  const [from, to] = [text(step?.from), text(step?.to)];
  return from === "" || to === "" ? undefined : { from, to };
};

/** A batch as a record tells it; every field is checked, since the log may hold anything. */
const batchFrom = (batch: Omit<Batch, "id"> | null, key: string, id: number): Batch => ({
  id,
  place: time(batch?.place, 0),
  size: time(batch?.size, 1),
  lead: text(batch?.lead) || key,
  commit: text(batch?.commit),
  tree: text(batch?.tree),
  slot: Math.min(lessonsMax.slots, Math.max(0, Math.floor(time(batch?.slot, 0)))),
  ...(isTime(batch?.on) ? { on: batch.on } : {}),
});

/** Most claims of a repository. */
const claimsMax = 1000;

const claimsIn = ({ repo, state }: Draft): readonly Claim[] => repo?.claims ?? claimsOf(state);

const claimOf = (draft: Draft, { key, id }: { readonly key: string; readonly id: number }): Claim | string =>
  claimsIn(draft).find((claim) => claim.id === id && claim.lane === key) ??
  `lane ${shown(key)} has no claim ${shown(id)}`;

/** Claims go, and whoever waited for nobody else gets what is free. */
const giveBack = (draft: Draft, which: (claim: Claim) => boolean, record: LogRecord, position: number): void => {
  const claims = claimsIn(draft);
  if (!claims.some(which)) return;
  const left = claims.filter((claim) => !which(claim));
  draft.repo = { ...draft.repo, claims: granted(left, position, record.at) };
};

const letGo = (
  draft: Draft,
  event: { readonly key: string; readonly id: number },
  record: LogRecord,
  position: number,
): Fault => {
  const claim = claimOf(draft, event);
  if (typeof claim === "string") return claim;
  giveBack(draft, (other) => other === claim, record, position);
  return undefined;
};

/** Set one field that an edit of the tracker set: part of a lane's definition, or one that means nothing here. */
const patch = (draft: Draft, change: Patched | null, position: number): Fault => {
  const at = list(change?.at);
  const [kind, key = "", field = ""] = at;
  if (!change || !isPlace(at)) return "a change has no place";
  if (kind !== "lanes" || !patchable.has(field)) return keep(draft, at, change.to);
  return touch(draft, key, position, (fresh) => {
    const { [field as keyof LaneSpec]: _, ...rest } = fresh.spec;
    const spec = change.to === undefined ? rest : { ...rest, [field]: change.to };
    const fault = specFault(spec);
    if (fault === undefined) fresh.spec = spec as LaneSpec;
    return fault;
  });
};

/** A field of the repository, or one of a lane or an agent. */
const isPlace = (at: readonly string[]): boolean =>
  (at.length === 1 || (at.length === 3 && (at[0] === "lanes" || at[0] === "agents"))) && !at.includes("__proto__");

const foreignIn = (draft: Draft): Readonly<Record<string, unknown>> =>
  (draft.repo && "foreign" in draft.repo ? draft.repo.foreign : draft.state.foreign) ?? {};

/** Keep a foreign field, or let go of it. */
const keep = (draft: Draft, at: readonly string[], to: unknown): Fault => {
  const { [foreignKey(at)]: _, ...others } = foreignIn(draft);
  if (to !== undefined && Object.keys(others).length >= foreignMax) return `more than ${foreignMax} foreign fields`;
  draft.repo = { ...draft.repo, foreign: to === undefined ? others : { ...others, [foreignKey(at)]: to } };
  return undefined;
};

/** What was kept for the lane that bore this name before says nothing about the new one. */
const forget = (draft: Draft, lane: string): void => {
  const foreign = Object.entries(foreignIn(draft));
  const others = foreign.filter(([at]) => !at.startsWith(foreignKey(["lanes", lane]).slice(0, -1)));
  if (others.length < foreign.length) draft.repo = { ...draft.repo, foreign: Object.fromEntries(others) };
};
