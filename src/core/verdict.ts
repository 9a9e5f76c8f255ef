/** How a run ended, from evidence: exit, commits and the state of the worktree. An agent's own words count for nothing. */
import type { Event } from "./event.ts";
import type { Lane } from "./state.ts";

/** What the process table and git showed when a run was over. */
export interface Ended {
  readonly n: number;
  readonly code: number;
  readonly signal?: string;
  /** In ms since 1970. */
  readonly endedAt: number;
  /** How long it ran, whatever was done to the clock meanwhile. */
  readonly ranMs: number;
  /** Tip of the lane's branch. */
  readonly head: string;
  /** Commits since the run's base. */
  readonly commits: number;
  /** Paths that are not committed. */
  readonly dirty: readonly string[];
  /** Set when the engine was to commit what was left and could not: why. */
  readonly uncommitted?: string;
  /** Set when the worktree is not on the lane's branch any more: where it is. */
  readonly elsewhere?: string;
  /** Files that a probe or a lane left in `docs/_generated/`. */
  readonly results: readonly string[];
}

/** A run that lived less than this did not really start. */
export const quickMs = 10_000;

/** Quick failures in a row that make a crash loop. */
const crashLoop = 3;

/** The facts that follow from the end of a run. */
export const verdict = (lane: Lane, ended: Ended, now: number): readonly Event[] => {
  const { id: key } = lane;
  const exited: Event = {
    type: "run.exited",
    key,
    n: ended.n,
    code: ended.code,
    ...(ended.signal === undefined ? {} : { signal: ended.signal }),
    at: ended.endedAt,
  };
  if (lane.stopping) {
    const paused: Event = { type: "lane.paused", key, why: left("stopped", ended) };
    return lane.stopping.then === "pause"
      ? [exited, paused]
      : [exited, paused, { type: "lane.cancelled", key, why: left("cancelled", ended) }];
  }
  if (ended.code !== 0 || ended.signal !== undefined || overdue(lane, ended) !== undefined) {
    return [exited, ...failed(lane, ended, now)];
  }
  if (ended.uncommitted !== undefined)
    return [exited, { type: "lane.waiting", key, why: ended.uncommitted, paths: ended.dirty }];
  if (ended.elsewhere !== undefined) return [exited, { type: "lane.waiting", key, why: ended.elsewhere, paths: [] }];
  if (ended.dirty.length > 0) {
    return [
      exited,
      { type: "lane.waiting", key, why: `${files(ended.dirty.length)} not committed`, paths: ended.dirty },
    ];
  }
  if (ended.commits === 0) return [exited, { type: "lane.emptied", key, why: "the run ended without a commit" }];
  return [exited, { type: "lane.readied", key, head: ended.head, results: ended.results }];
};

/** The facts when a run is gone and nobody saw how it ended. */
export const lostVerdict = (lane: Lane, at: number): readonly Event[] => {
  const { id: key, run } = lane;
  if (!lane.stopping) return [{ type: "lane.lost", key, why: "its run is gone and left no exit code" }];
  const exited: Event = { type: "run.exited", key, n: run?.n ?? 0, code: -1, at };
  const paused: Event = { type: "lane.paused", key, why: "stopped" };
  return lane.stopping.then === "pause"
    ? [exited, paused]
    : [exited, paused, { type: "lane.cancelled", key, why: "cancelled" }];
};

const failed = (lane: Lane, ended: Ended, now: number): readonly Event[] => {
  const { id: key } = lane;
  const why = left(failure(lane, ended), ended);
  const failures = lane.failures + 1;
  // Values of variables are lent for one run: another one would start without them.
  if (failures <= lane.spec.retries && lane.spec.env.length === 0)
    return [{ type: "lane.failed", key, why, retryAt: now + backoffMs(failures) }];
  const looping = failures >= crashLoop && ended.ranMs < quickMs;
  if (!looping) return [{ type: "lane.failed", key, why }];
  return [
    { type: "lane.failed", key, why },
    { type: "lane.parked", key, why: `${why}; ${failures} quick failures in a row` },
  ];
};

/** Wait before the next automatic run, in ms: 1 s, 4 s, 16 s, … at most 5 min. */
export const backoffMs = (failures: number): number => Math.min(300_000, 1000 * 4 ** (failures - 1));

/** Did it run longer than its lane allows? However it ended: an agent may catch the signal and say that all is well. */
const overdue = ({ spec }: Lane, ended: Ended): string | undefined =>
  spec.timeoutMs !== undefined && ended.ranMs >= spec.timeoutMs
    ? `stopped after its time limit of ${Math.round(spec.timeoutMs / 1000)} s`
    : undefined;

const failure = (lane: Lane, ended: Ended): string =>
  overdue(lane, ended) ?? (ended.signal === undefined ? `exit code ${ended.code}` : `killed by ${ended.signal}`);

const left = (what: string, ended: Ended): string =>
  ended.dirty.length === 0 ? what : `${what}, ${files(ended.dirty.length)} not committed`;

const files = (n: number): string => `${n} file${n === 1 ? "" : "s"}`;
