/** Which lanes may run now, and what every other one waits for. */
import type { PortRange } from "./config.ts";
import type { Event } from "./event.ts";
import { type Claim, claimsOf, obstacleOf, patternsFault, patternsMax, ttlDefaultMs, wished } from "./lease.ts";
import { type Lane, type LaneState, type Priority, stateTable, type State } from "./state.ts";

/** What the box and the person allow. */
export interface Limits {
  /** Runs at the same time; lanes in which a person works do not count, nor frozen ones. */
  readonly maxRuns: number;
}

/** Waiting this long lifts a lane by one priority, so that nothing starves. */
export const ageingMs = 300_000;

const weight: Readonly<Record<Priority, number>> = { high: 2, normal: 1, low: 0 };

/** How much a lane's priority weighs; least for a lane that is not there. */
export const weightOf = (lane: Lane | undefined): number => (lane ? weight[lane.spec.priority] : -1);

/** Does a person work in this lane, instead of an agent that we start? */
export const isManual = (lane: Lane): boolean => lane.spec.agent === "manual";

/** Is there a process that we started and that has not ended, as far as the journal knows? */
export const isLive = (lane: Lane): boolean =>
  lane.run !== undefined && lane.run.endedAt === undefined && !isManual(lane);

/** Does its run stand still until somebody resumes it? Paused with a run that has not ended: a lane paused by a stop has none. */
export const isFrozen = (lane: Lane): boolean => lane.state === "paused" && isLive(lane);

/** Is there a run that goes on: one that has not ended and is not frozen? */
export const isGoing = (lane: Lane): boolean => isLive(lane) && !isFrozen(lane);

/** Shall its run stand still, as people wish now? */
export const isHeld = (lane: Lane): boolean => (lane.pausing ? lane.pausing.to === "freeze" : isFrozen(lane));

/** A port of this range that no living run has: the lane's own of its last run, or the lowest; undefined when all are taken. */
export const portFor = (state: State, lane: Lane, { from, to }: PortRange): number | undefined => {
  const taken = new Set<number | undefined>();
  for (const other of state.lanes.values()) if (other.id !== lane.id && isLive(other)) taken.add(other.run?.port);
  const own = lane.run?.port;
  if (own !== undefined && own >= from && own <= to && !taken.has(own)) return own;
  for (let port = from; port <= to; port += 1) if (!taken.has(port)) return port;
  return undefined;
};

/** How long the current run stood still until `now`, or was to, in ms: time that no limit counts. */
export const frozenMs = (lane: Lane, now: number): number => {
  const from = isFrozen(lane) ? lane.since : lane.pausing?.to === "freeze" ? lane.pausing.at : now;
  return (lane.run?.frozenMs ?? 0) + Math.max(0, now - from);
};

/** Why a lane does not go on by itself: a sentence's end, and the lanes at the root of it. */
export interface Wait {
  readonly why: "dependency" | "blocked" | "turn" | "lease" | "slot";
  readonly lanes: readonly string[];
  readonly text: string;
}

/** The queued lanes that may start now, in order: priority with ageing, then first come, first served. */
export const startable = (state: State, now: number, limits: Limits): readonly Lane[] => {
  const lanes = [...state.lanes.values()];
  let free = limits.maxRuns - lanes.filter(isGoing).length;
  let alone = lanes.some((lane) => isActive(lane) && !lane.spec.parallel);
  const chosen: Lane[] = [];
  // Who comes first and waits for paths keeps them for itself: those that come later do not get them.
  const claims = [...claimsOf(state)];
  for (const lane of queue(lanes, now)) {
    if (unmetDependencies(state, lane).length > 0) continue;
    const paths = pathsToLease(state, lane);
    const isTaken = obstacleOf(lane.id, paths, claims) !== undefined;
    if (paths.length > 0) claims.push(wished(lane.id, paths));
    if (isTaken) continue;
    if (!lane.spec.parallel && alone) continue;
    if (!isManual(lane)) {
      if (free <= 0) continue;
      free -= 1;
    }
    if (!lane.spec.parallel) alone = true;
    chosen.push(lane);
  }
  return chosen;
};

/** The paths that a lane claims when it starts: those of its definition that can be claimed, unless it has them from an earlier start. */
const pathsToLease = (state: State, { id, spec }: Lane): readonly string[] => {
  if (spec.paths.length === 0 || spec.kind === "probe") return [];
  if (claimsOf(state).some(({ lane, source }) => lane === id && source === "start")) return [];
  return spec.paths.filter((path) => patternsFault([path]) === undefined).slice(0, patternsMax);
};

/** The lane's own paths are leased with its start. Where somebody else got them meanwhile, the record is void and it waits on. */
export const leaseAtStart = (state: State, lane: Lane): readonly Event[] => {
  const paths = pathsToLease(state, lane);
  if (paths.length === 0) return [];
  return [{ type: "lease.asked", key: lane.id, paths, shared: false, ttlMs: ttlDefaultMs, start: true }];
};

/** Whose turn it is: worked out once for all rows of one moment, since it walks the whole queue. */
export interface Turn {
  /** Ids that may start now. */
  readonly next: ReadonlySet<string>;
  /** The lane that keeps other sequential ones waiting. */
  readonly holder: Lane | undefined;
  /** Leases, who waits for one, and what those that may start now are going to lease. */
  readonly claims: readonly Claim[];
}

/** Whose turn it is in this moment. */
export const turnOf = (state: State, now: number, limits: Limits): Turn => {
  const next = startable(state, now, limits);
  const holder = holderIn([...state.lanes.values()].filter(isActive)) ?? holderIn(next);
  const claims = [...claimsOf(state), ...next.map((lane) => wished(lane.id, pathsToLease(state, lane)))];
  return { next: new Set(next.map(({ id }) => id)), holder, claims };
};

/** What a lane waits for before it can start; undefined when it is not queued or next in line. */
export const waitOf = (state: State, lane: Lane, now: number, limits: Limits, turn?: Turn): Wait | undefined => {
  if (lane.state !== "queued" && lane.state !== "planned") return undefined;
  const dependencies = unmetDependencies(state, lane);
  if (dependencies.length > 0) {
    const roots = stuckRoots(state, lane);
    return roots.length > 0
      ? {
          why: "blocked",
          lanes: roots,
          text: `blocked by ${roots.map((id) => `${id} (${stateOf(state, id)})`).join(", ")}`,
        }
      : { why: "dependency", lanes: dependencies, text: `waits for ${dependencies.join(", ")}` };
  }
  if (lane.state === "planned") return undefined;
  const { next, holder, claims } = turn ?? turnOf(state, now, limits);
  if (next.has(lane.id)) return undefined;
  const obstacle = obstacleOf(lane.id, pathsToLease(state, lane), claims);
  if (obstacle) return { why: "lease", lanes: [obstacle.lane], text: `waits for ${leaseText(obstacle)}` };
  if (holder && !lane.spec.parallel)
    return { why: "turn", lanes: [holder.id], text: `waits for its turn after ${holder.id}` };
  return { why: "slot", lanes: [], text: `waits for one of ${limits.maxRuns} run slots` };
};

/** A claim in a few words: `src/**, docs (leased to a)`. */
const leaseText = ({ paths, lane }: Claim): string =>
  `${paths.slice(0, 2).join(", ")}${paths.length > 2 ? ", …" : ""} (leased to ${lane})`;

/** The lane whose turn it is among those that never run together. */
const holderIn = (lanes: readonly Lane[]): Lane | undefined => lanes.find((lane) => !lane.spec.parallel);

/** Queued lanes, first to start first. */
const queue = (lanes: readonly Lane[], now: number): readonly Lane[] =>
  lanes.filter((lane) => lane.state === "queued").toSorted((a, b) => rank(b, now) - rank(a, now) || age(a) - age(b));

const rank = (lane: Lane, now: number): number =>
  weight[lane.spec.priority] + Math.floor(Math.max(0, now - lane.since) / ageingMs);

const age = (lane: Lane): number => lane.queuedAt ?? lane.rev;

const active: ReadonlySet<LaneState> = new Set(["starting", "running", "waiting"]);

/** Does this lane use its turn, so that another sequential lane has to wait? A frozen one is in the middle of its work. */
const isActive = (lane: Lane): boolean => active.has(lane.state) || isFrozen(lane);

/** Is the work of a dependency there to build on? */
const isDone = (lane: Lane | undefined): boolean => lane !== undefined && stateTable[lane.state].seed === "completed";

/** Dependencies whose work is not there yet. */
export const unmetDependencies = (state: State, lane: Lane): readonly string[] =>
  lane.spec.dependsOn.filter((id) => !isDone(state.lanes.get(id)));

/** States that only a person or a retry ends. */
const isStuck = (lane: Lane | undefined): boolean =>
  lane === undefined ||
  (stateTable[lane.state].seed === "failed" && lane.retryAt === undefined) ||
  lane.state === "undone";

/** The lanes at the root of a chain of dependencies that will not move by themselves. */
const stuckRoots = (state: State, lane: Lane): readonly string[] => {
  const roots = new Set<string>();
  const visited = new Set<string>();
  const open = [...lane.spec.dependsOn];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (visited.has(id)) continue;
    visited.add(id);
    const other = state.lanes.get(id);
    if (isStuck(other)) roots.add(id);
    else if (other && !isDone(other)) open.push(...other.spec.dependsOn);
  }
  return [...roots].toSorted();
};

const stateOf = (state: State, id: string): string => state.lanes.get(id)?.state ?? "unknown";

/**
 * A cycle among the dependencies of these lanes, as the chain of ids that closes it; undefined when there is none.
 * Only what `from` leads to is looked at. Depth first, without recursion: chains may be long.
 */
export const cycleIn = (
  dependencies: ReadonlyMap<string, readonly string[]>,
  from: Iterable<string> = dependencies.keys(),
): readonly string[] | undefined => {
  const done = new Set<string>();
  for (const id of from) {
    const found = cycleFrom(id, dependencies, done);
    if (found) return found;
  }
  return undefined;
};

const cycleFrom = (
  first: string,
  dependencies: ReadonlyMap<string, readonly string[]>,
  done: Set<string>,
): readonly string[] | undefined => {
  const chain = new Set<string>();
  const open: { readonly id: string; readonly left: Iterator<string> }[] = [];
  const enter = (id: string): void => {
    chain.add(id);
    open.push({ id, left: (dependencies.get(id) ?? []).values() });
  };
  if (!done.has(first)) enter(first);
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    const next = top.left.next();
    if (next.done === true) {
      chain.delete(top.id);
      done.add(top.id);
      open.pop();
    } else if (chain.has(next.value)) {
      const ids = [...chain];
      return [...ids.slice(ids.indexOf(next.value)), next.value];
    } else if (!done.has(next.value)) enter(next.value);
  }
  return undefined;
};

/** Ids in waves: each wave depends only on earlier ones. Dependencies outside the map count as done; cycles must be refused before. */
export const waves = (dependencies: ReadonlyMap<string, readonly string[]>): readonly (readonly string[])[] => {
  const left = new Map(dependencies);
  const result: string[][] = [];
  while (left.size > 0) {
    const wave = [...left].filter(([, needs]) => !needs.some((id) => left.has(id))).map(([id]) => id);
    if (wave.length === 0) break;
    for (const id of wave) left.delete(id);
    result.push(wave.toSorted());
  }
  return result;
};
