/** Builders for the core's tests: definitions, records and states, made by the fold itself. */
import type { Entry, Event, LogRecord, Outcome } from "../../src/core/event.ts";
import { fold } from "../../src/core/fold.ts";
import type { Limits } from "../../src/core/schedule.ts";
import {
  emptyState,
  type Identity,
  type Lane,
  type LaneSpec,
  type LaneState,
  type State,
} from "../../src/core/state.ts";

/** The clock of all tests stands here: ms since 1970. */
export const now: number = Date.UTC(2026, 0, 2, 3, 4, 5);

/** When the record at a position was written: one second after the one before. */
export const timeOf = (position: number): number => now - 3_600_000 + position * 1000;

export const limits: Limits = { maxRuns: 2 };

export const process: Identity = { pid: 4242, start: "77", boot: "b0" };

export const specOf = (over: Partial<LaneSpec> = {}): LaneSpec => ({
  name: "",
  tasks: [],
  parallel: true,
  priority: "normal",
  command: ["true"],
  dependsOn: [],
  paths: [],
  env: [],
  commit: "agent",
  retries: 0,
  kind: "work",
  ...over,
});

/** A definition without a command, for lanes that nothing can start. */
export const idleSpec = (over: Partial<LaneSpec> = {}): LaneSpec => {
  const { command: _, ...spec } = specOf();
  return { ...spec, ...over };
};

export const added = (key: string, over: Partial<LaneSpec> = {}): Event => ({
  type: "lane.added",
  key,
  spec: specOf({ name: key, ...over }),
});

export const recordOf = (position: number, events: readonly Event[], over: Partial<LogRecord> = {}): LogRecord => ({
  v: 1,
  id: `r${position}`,
  at: timeOf(position),
  by: "human",
  on: "box",
  events,
  ...over,
});

/** Fold one more record of these events; whether it takes effect is the caller's question. */
export const tell = (state: State, events: readonly Event[], over: Partial<LogRecord> = {}): Outcome => {
  const position = state.position + 1;
  return fold(state, { position, record: recordOf(position, events, over) });
};

/** Fold an entry that is no proper record, as a foreign hand may have written it. */
export const tellForeign = (state: State, record: unknown): Outcome =>
  fold(state, { position: state.position + 1, record } as Entry);

/** The state after these records, each a list of events. A record that is void is a mistake of the test. */
export const stateOf = (...records: readonly (readonly Event[])[]): State => {
  const state = emptyState();
  for (const events of records) {
    const { effective, reason } = tell(state, events);
    if (!effective) throw new Error(`the test's record ${state.position} is void: ${reason ?? ""}`);
  }
  return state;
};

export const laneOf = (state: State, id: string): Lane => {
  const lane = state.lanes.get(id);
  if (!lane) throw new Error(`the test has no lane ${id}`);
  return lane;
};

/** Put a lane into a state that no event leads to yet. */
export const force = (state: State, id: string, change: Partial<Lane>): State => {
  state.lanes.set(id, { ...laneOf(state, id), ...change });
  return state;
};

const queued = (key: string): readonly Event[] => [{ type: "lane.queued", key, why: "" }];
const asked = (key: string, n = 1): readonly Event[] => [{ type: "run.asked", key, n, base: "base0" }];
const started = (key: string, n = 1): readonly Event[] => [{ type: "run.started", key, n, process, at: now - 60_000 }];
const exited = (key: string, code: number, n = 1): Event => ({ type: "run.exited", key, n, code, at: now - 1000 });
const running = (key: string): readonly (readonly Event[])[] => [queued(key), asked(key), started(key)];
const ready = (key: string): readonly (readonly Event[])[] => [
  ...running(key),
  [exited(key, 0), { type: "lane.readied", key, head: "head1", results: [] }],
];
const mergeQueued = (key: string): readonly (readonly Event[])[] => [...ready(key), [{ type: "merge.asked", key }]];
const merging = (key: string): readonly (readonly Event[])[] => [
  ...mergeQueued(key),
  [
    {
      type: "merge.started",
      key,
      target: "main",
      onto: "onto1",
      head: "head1",
      candidate: "candidate1",
      check: "make",
    },
  ],
];
const failed = (key: string): readonly (readonly Event[])[] => [
  ...running(key),
  [exited(key, 3), { type: "lane.failed", key, why: "exit code 3" }],
];

const merged = (key: string): readonly (readonly Event[])[] => [
  ...merging(key),
  [{ type: "merge.tested", key, candidate: "candidate1", result: "passed" }],
  [
    {
      type: "merge.landed",
      key,
      merge: "candidate1",
      target: "main",
      before: "onto1",
      head: "head1",
      tested: "passed",
    },
  ],
];

type Way = (key: string) => readonly (readonly Event[])[];

/** The records that bring a lane which was just added into each state that events lead to. */
export const wayTo: { readonly [S in LaneState]: Way } = {
  planned: () => [],
  queued: (key) => [queued(key)],
  starting: (key) => [queued(key), asked(key)],
  running,
  waiting: (key) => [
    ...running(key),
    [exited(key, 0), { type: "lane.waiting", key, why: "1 file not committed", paths: ["left.txt"] }],
  ],
  paused: (key) => [...running(key), [exited(key, 143), { type: "lane.paused", key, why: "stopped" }]],
  "finished-empty": (key) => [
    ...running(key),
    [exited(key, 0), { type: "lane.emptied", key, why: "the run ended without a commit" }],
  ],
  failed,
  lost: (key) => [...running(key), [{ type: "lane.lost", key, why: "its run is gone and left no exit code" }]],
  parked: (key) => [...failed(key), [{ type: "lane.parked", key, why: "3 quick failures in a row" }]],
  ready,
  "merge-queued": mergeQueued,
  merging,
  conflicted: (key) => [
    ...merging(key),
    [{ type: "merge.conflicted", key, why: "2 files do not merge", paths: ["a.txt", "b.txt"] }],
  ],
  "checks-failed": (key) => [
    ...merging(key),
    [{ type: "merge.check-failed", key, candidate: "candidate1", why: "exit code 1" }],
  ],
  "landed-pending": (key) => [
    ...merging(key),
    [{ type: "merge.held", key, why: "c.txt is in the way", paths: ["c.txt"] }],
  ],
  merged,
  undone: (key) => [
    ...merged(key),
    [{ type: "merge.undo-asked", key }],
    [{ type: "merge.undone", key, commit: "onto1", how: "back" }],
  ],
  cancelled: (key) => [[{ type: "lane.cancelled", key, why: "cancelled" }]],
};

/** States that events lead to. */
export const reachable: readonly (keyof typeof wayTo)[] = Object.keys(wayTo) as (keyof typeof wayTo)[];

/** A repository with one lane in a state. */
export const laneIn = (to: keyof typeof wayTo, over: Partial<LaneSpec> = {}, key = "a"): State =>
  stateOf([{ type: "repo.initialised", target: "main" }], [added(key, over)], ...wayTo[to](key));

/** A repository with one lane whose run stands still: wished for by its 6th record, seen by its 7th. */
export const frozenLane = (over: Partial<LaneSpec> = {}): State => {
  const state = laneIn("running", over);
  tell(state, [{ type: "lane.freeze-asked", key: "a" }]);
  tell(state, [{ type: "lane.frozen", key: "a", n: 1 }]);
  return state;
};

/** One more lane in a state. */
export const withLane = (state: State, to: keyof typeof wayTo, over: Partial<LaneSpec> = {}, key = "b"): State => {
  for (const events of [[added(key, over)], ...wayTo[to](key)]) {
    const { effective, reason } = tell(state, events);
    if (!effective) throw new Error(`the test's record is void: ${reason ?? ""}`);
  }
  return state;
};
