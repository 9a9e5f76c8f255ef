/** How a run ended, from evidence: exit, commits and the state of the worktree. An agent's own words count for nothing. */
import type { Event } from "./event.ts";
import { frozenMs, isFrozen, isHeld } from "./schedule.ts";
import type { AgentTold, Lane } from "./state.ts";

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
  /** Set when the agent was not reached: the setup command failed. */
  readonly setupFailed?: true;
  /** Files that a probe or a lane left in `docs/_generated/`. */
  readonly results: readonly string[];
  /** What its agent told of itself, where its output is read. */
  readonly told?: AgentTold;
}

/** A run that lived less than this did not really start. */
export const quickMs = 10_000;

/** Quick failures in a row that make a crash loop. */
const crashLoop = 3;

/** The facts that follow from the end of a run. */
export const verdict = (lane: Lane, ended: Ended, now: number): readonly Event[] => {
  const exited: Event = {
    type: "run.exited",
    key: lane.id,
    n: ended.n,
    code: ended.code,
    ...(ended.signal === undefined ? {} : { signal: ended.signal }),
    at: ended.endedAt,
  };
  return [...awake(lane), ...reported(lane, ended.n, ended.told), exited, ...outcome(lane, ended, now)];
};

/** What the agent told last, before its run is over. */
const reported = (lane: Lane, n: number, told: AgentTold | undefined): readonly Event[] =>
  told ? [{ type: "agent.reported", key: lane.id, n, told }] : [];

const outcome = (lane: Lane, ended: Ended, now: number): readonly Event[] => {
  const { id: key } = lane;
  if (lane.stopping) return stopped(lane, (what) => left(what, ended));
  if (ended.told && isHalted(ended.told) && overdue(lane, ended) === undefined)
    return [halted(lane, ended, ended.told)];
  if (ended.code !== 0 || ended.signal !== undefined || overdue(lane, ended) !== undefined)
    return failed(lane, ended, now);
  if (ended.uncommitted !== undefined)
    return [{ type: "lane.waiting", key, why: ended.uncommitted, paths: ended.dirty }];
  if (ended.elsewhere !== undefined) return [{ type: "lane.waiting", key, why: ended.elsewhere, paths: [] }];
  if (ended.dirty.length > 0)
    return [{ type: "lane.waiting", key, why: `${files(ended.dirty.length)} not committed`, paths: ended.dirty }];
  if (ended.commits === 0)
    return [{ type: "lane.emptied", key, why: `the run ended without a commit${denials(ended)}` }];
  return [{ type: "lane.readied", key, head: ended.head, results: ended.results }];
};

/** Does it stand at something that no other try gets over: a limit of the provider, or a login that is missing? */
export const isHalted = ({ status, kind }: AgentTold): boolean =>
  status === "blocked" && (kind === "limit" || kind === "login");

/** Whatever its exit code: it waits for a login, or for the end of a limit, and goes on by itself only at a moment that was reported. */
const halted = (lane: Lane, ended: Ended, told: AgentTold): Event => {
  const { id: key } = lane;
  const waiting = { type: "lane.waiting", key, paths: ended.dirty } as const;
  if (told.kind !== "limit") return { ...waiting, why: left(`needs a login: ${told.doing}`, ended) };
  const { resetAt } = told;
  if (resetAt === undefined || resetAt <= ended.endedAt)
    return { ...waiting, why: left(`limit reached, nobody said until when: ${told.doing}`, ended) };
  const { halts: before } = lane;
  const halts = { n: before?.head === ended.head ? before.n + 1 : 1, head: ended.head };
  const isFutile = halts.n >= haltsMax;
  const again = isFutile ? `, ${halts.n} times in a row without a commit` : "";
  const until = new Date(resetAt).toISOString().slice(0, 16);
  const why = left(`limit reached until ${until}Z: ${told.doing}${again}`, ended);
  // Values of variables are lent for one run: another one would start without them.
  return isFutile || lane.spec.env.length > 0
    ? { ...waiting, why, halts }
    : { ...waiting, why, halts, retryAt: resetAt + jitterMs(lane) };
};

/** So many runs that ended at a limit with nothing new, and a person is called: what ends there each time costs and brings nothing. */
const haltsMax = 5;

/** Lanes that wait for the same moment do not all start at it: a minute to a minute and a half later, each lane its own. */
const jitterMs = ({ id }: Lane): number => {
  let sum = 7;
  for (let at = 0; at < id.length; at += 1) sum = (sum * 31 + id.charCodeAt(at)) % 30_000;
  return 60_000 + sum;
};

const denials = ({ told }: Ended): string =>
  told === undefined || told.denied === 0 ? "" : `; ${told.denied} uses of tools were not allowed`;

/** A frozen run whose end is recorded stands still no more. */
export const awake = (lane: Lane): readonly Event[] =>
  lane.run && isFrozen(lane) ? [{ type: "lane.thawed", key: lane.id, n: lane.run.n, why: "" }] : [];

/** What a stop was for. `said`: a word, with what is to be said besides. */
const stopped = ({ id: key, stopping }: Lane, said: (what: string) => string): readonly Event[] => {
  const paused: Event = { type: "lane.paused", key, why: said("stopped") };
  switch (stopping?.then) {
    case "cancel":
      return [paused, { type: "lane.cancelled", key, why: said("cancelled") }];
    case "queue":
      return [paused, { type: "lane.queued", key, why: "tried again" }];
    case "pause":
    case undefined:
      return [paused];
  }
};

/** The facts when a run is gone and nobody saw how it ended. */
export const lostVerdict = (lane: Lane, at: number, told?: AgentTold): readonly Event[] => {
  const { id: key, run } = lane;
  const last = [...awake(lane), ...reported(lane, run?.n ?? 0, told)];
  if (!lane.stopping) return [...last, { type: "lane.lost", key, why: "its run is gone and left no exit code" }];
  const exited: Event = { type: "run.exited", key, n: run?.n ?? 0, code: -1, at };
  return [...last, exited, ...stopped(lane, (what) => what)];
};

const failed = (lane: Lane, ended: Ended, now: number): readonly Event[] => {
  const { id: key } = lane;
  const why = left(failure(lane, ended), ended);
  const failures = lane.failures + 1;
  // Values of variables are lent for one run: another one would start without them. Who wants it to rest wants no other run.
  if (failures <= lane.spec.retries && lane.spec.env.length === 0 && !isHeld(lane))
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
const overdue = (lane: Lane, ended: Ended): string | undefined =>
  lane.spec.timeoutMs !== undefined && ended.ranMs - frozenMs(lane, ended.endedAt) >= lane.spec.timeoutMs
    ? `stopped after its time limit of ${Math.round(lane.spec.timeoutMs / 1000)} s`
    : undefined;

/** Exit code of a run whose setup command failed. */
export const setupFailedCode = 97;

const failure = (lane: Lane, ended: Ended): string =>
  overdue(lane, ended) ??
  (ended.setupFailed ? `its setup command failed (lanes log ${lane.id})` : undefined) ??
  missing(lane, ended) ??
  `${ended.signal === undefined ? `exit code ${ended.code}` : `killed by ${ended.signal}`}${isHeld(lane) && isFrozen(lane) ? " while it was frozen" : ""}`;

/** 127: the shell found no such program. */
const missing = ({ run }: Lane, { code }: Ended): string | undefined =>
  code === 127 && run?.cli !== undefined ? `exit code 127: ${run.cli} was not found on PATH` : undefined;

const left = (what: string, ended: Ended): string =>
  ended.dirty.length === 0 ? what : `${what}, ${files(ended.dirty.length)} not committed`;

const files = (n: number): string => `${n} file${n === 1 ? "" : "s"}`;
