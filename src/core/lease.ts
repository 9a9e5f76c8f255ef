/**
 * Leases: which lane has a right to which paths, who waits for whom, and who gives way when all wait for each other. Functions
 * of data; the fold grants, so that everybody who reads the log sees the same holders.
 */
import { covers, type Glob, globFault, overlap, readGlob } from "./glob.ts";

/** A lane's request for paths and named resources, granted whole or not at all. */
export interface Claim {
  /** Position of the request: its name, and its age. */
  readonly id: number;
  readonly lane: string;
  /** Patterns of paths; `@name` is a resource that is no path, such as a port or a test database. */
  readonly paths: readonly string[];
  /** Shared claims do not keep each other out. */
  readonly shared: boolean;
  /** So long it holds without a sign of life, in ms. */
  readonly ttlMs: number;
  /** When it was asked for, granted or renewed last, in ms since 1970. */
  readonly at: number;
  /** Position of its grant, the fencing token; undefined while it waits. */
  readonly token: number | undefined;
  /** Position of the record that gave it its place among those that wait: its request, or the last time that it gave way. */
  readonly place: number;
  /** Asked for at the lane's start, for its `paths`; or by somebody. */
  readonly source: "start" | "person";
}

/** So long a claim holds without a sign of life when nobody says how long, in ms. */
export const ttlDefaultMs = 1_800_000;
/** Shortest and longest time that may be asked for, in ms. */
export const ttlMs = { least: 1000, most: 604_800_000 } as const;
/** Most patterns of one claim. */
export const patternsMax = 100;

/** Why these cannot be the patterns of a claim; undefined when they can. */
export const patternsFault = (paths: readonly string[]): string | undefined => {
  if (paths.length === 0) return "names no paths";
  if (paths.length > patternsMax) return `names more than ${patternsMax} patterns`;
  for (const path of paths) {
    const fault = path.startsWith("@") ? resourceFault(path) : globFault(path);
    if (fault !== undefined) return fault;
  }
  return undefined;
};

const resourceFault = (path: string): string | undefined =>
  /^@[\w.-]{1,100}$/.test(path) ? undefined : "a resource is @ and a name of letters, digits, '.', '_' and '-'";

/** A claim that nobody has asked for yet. */
export const wished = (lane: string, paths: readonly string[]): Claim => ({
  id: 0,
  lane,
  paths,
  shared: false,
  ttlMs: ttlDefaultMs,
  at: 0,
  token: undefined,
  place: 0,
  source: "start",
});

/** The first claim of another lane that these paths, wanted alone, run into; `claims` that wait count as much as those that hold. */
export const obstacleOf = (lane: string, paths: readonly string[], claims: readonly Claim[]): Claim | undefined => {
  if (paths.length === 0 || claims.length === 0) return undefined;
  const meets = comparer();
  const wish = wished(lane, paths);
  return claims.find((claim) => meets(wish, claim));
};

/** A claim that waits, and the claims that it waits for: they hold, or come before it. */
export interface Waiting {
  readonly claim: Claim;
  readonly behind: readonly Claim[];
}

/** The claims of a state. */
export const claimsOf = ({ claims }: { readonly claims: readonly Claim[] | undefined }): readonly Claim[] =>
  claims ?? none;

const none: readonly Claim[] = [];

/** What paths a claim means, read once for many comparisons. */
type Reach = readonly (Glob | string)[];

const reachOf = ({ paths }: Claim): Reach => paths.map((path) => (path.startsWith("@") ? path : readGlob(path)));

const reachesMeet = (a: Reach, b: Reach): boolean =>
  a.some((one) =>
    b.some((other) => (typeof one === "string" || typeof other === "string" ? one === other : overlap(one, other))),
  );

/** Compares claims of one list, reading each claim's patterns once. */
const comparer = (): ((a: Claim, b: Claim) => boolean) => {
  const reaches = new Map<Claim, Reach>();
  const reach = (claim: Claim): Reach => {
    const known = reaches.get(claim) ?? reachOf(claim);
    reaches.set(claim, known);
    return known;
  };
  return (a, b) => a.lane !== b.lane && !(a.shared && b.shared) && reachesMeet(reach(a), reach(b));
};

/** The first of these paths that another lane has a lease of, and this one has not, and whose. What both share both may change. */
export const trespass = (
  lane: string,
  paths: readonly string[],
  claims: readonly Claim[],
): { readonly path: string; readonly claim: Claim } | undefined => {
  const held = claims.filter(({ token }) => token !== undefined);
  if (held.every((claim) => claim.lane === lane)) return undefined;
  const reaches = held.map((claim) => ({ claim, globs: reachOf(claim).filter((one) => typeof one !== "string") }));
  for (const path of paths) {
    const over = reaches.filter(({ globs }) => globs.some((glob) => covers(glob, path)));
    const [first] = over;
    if (first && over.every(({ claim }) => claim.lane !== lane)) return { path, claim: first.claim };
  }
  return undefined;
};

/** Do the two keep each other out? */
export const collide = (a: Claim, b: Claim): boolean => comparer()(a, b);

/**
 * Those that wait, by their places, and for whom. A claim keeps its place: nobody who comes later and collides overtakes it, but
 * a lane for which it waits already, since it loses nothing more by that. A claim that gave way overtakes nobody.
 */
export const waitingIn = (claims: readonly Claim[]): readonly Waiting[] => {
  const meets = comparer();
  const held = claims.filter(({ token }) => token !== undefined);
  const waiting: Waiting[] = [];
  for (const claim of claims.filter(({ token }) => token === undefined).toSorted((a, b) => a.place - b.place)) {
    const overtakes = ({ behind }: Waiting): boolean =>
      claim.place === claim.id && behind.some(({ lane }) => lane === claim.lane);
    const before = waiting.filter((other) => !overtakes(other) && meets(claim, other.claim));
    const holders = held.filter((other) => meets(claim, other));
    waiting.push({ claim, behind: [...holders, ...before.map((other) => other.claim)] });
  }
  return waiting;
};

/** The claims after everybody got what is free, oldest first; `token`: position of the record that made it so. */
export const granted = (claims: readonly Claim[], token: number, at: number): readonly Claim[] => {
  // A lane that got one claim may get its next one past those that wait for the first.
  for (let now = claims; ;) {
    const free = new Set(waitingIn(now).flatMap(({ claim, behind }) => (behind.length === 0 ? [claim] : [])));
    if (free.size === 0) return now;
    now = now.map((claim) => (free.has(claim) ? { ...claim, token, at } : claim));
  }
};

/**
 * Lanes that wait for each other for ever; undefined when there are none. Found by reduction (Coffman, Elphick and Shoshani,
 * "System Deadlocks", 1971): a lane that has, or can have, all it asked for gives everything back some day; who is left then
 * never gets on. Of those, the circle in which each waits for what the next one holds, when there is such a circle. Lanes that
 * are going to block each other after a grant are found after it.
 */
export const deadlockIn = (claims: readonly Claim[]): readonly string[] | undefined => {
  let left = claims;
  for (;;) {
    const waiting = waitingIn(left).filter(({ behind }) => behind.length > 0);
    const stuck = new Set(waiting.map(({ claim }) => claim.lane));
    const rest = left.filter(({ lane }) => stuck.has(lane));
    if (rest.length === left.length) {
      const lanes = circleIn(waiting) ?? [...stuck].toSorted();
      return inWay(left, lanes).length > 0 ? lanes : undefined;
    }
    left = rest;
  }
};

/** The claims that one of these lanes holds and another one of them waits for. */
const inWay = (claims: readonly Claim[], lanes: readonly string[]): readonly Claim[] => {
  const meets = comparer();
  const among = claims.filter(({ lane }) => lanes.includes(lane));
  const waiting = among.filter(({ token }) => token === undefined);
  return among.filter((claim) => claim.token !== undefined && waiting.some((other) => meets(claim, other)));
};

const circleIn = (waiting: readonly Waiting[]): readonly string[] | undefined => {
  const next = new Map<string, Set<string>>();
  for (const { claim, behind } of waiting) {
    const lanes = next.get(claim.lane) ?? new Set();
    for (const { lane, token } of behind) if (token !== undefined) lanes.add(lane);
    next.set(claim.lane, lanes);
  }
  const done = new Set<string>();
  const walk = (lane: string, way: readonly string[]): readonly string[] | undefined => {
    const seen = way.indexOf(lane);
    if (seen !== -1) return way.slice(seen);
    if (done.has(lane)) return undefined;
    done.add(lane);
    for (const other of next.get(lane) ?? []) {
      const circle = walk(other, [...way, lane]);
      if (circle) return circle;
    }
    return undefined;
  };
  for (const lane of [...next.keys()].toSorted()) {
    const circle = walk(lane, []);
    if (circle) return circle;
  }
  return undefined;
};

/**
 * The claims after one of these lanes gave way, and which: of those that hold what another one of them waits for, the one of the
 * lowest `weight`, then the youngest. It gives back all that anybody waits for, and all its claims that wait take a place behind
 * the others, so that it holds nobody of them up any more; they keep their age, so that it is not always the same who gives
 * way. `position`: of the record that says so.
 */
export const yielded = (
  claims: readonly Claim[],
  circle: readonly string[],
  weight: (lane: string) => number,
  position: number,
): { readonly lane: string; readonly claims: readonly Claim[] } | undefined => {
  const lane = inWay(claims, circle).toSorted((a, b) => weight(a.lane) - weight(b.lane) || b.id - a.id)[0]?.lane;
  if (lane === undefined) return undefined;
  const wanted = new Set(inWay(claims, [...new Set(claims.map((one) => one.lane))]));
  const back = (claim: Claim): Claim => ({ ...claim, token: undefined, place: position });
  const isBack = (claim: Claim): boolean => claim.lane === lane && (claim.token === undefined || wanted.has(claim));
  return { lane, claims: claims.map((claim) => (isBack(claim) ? back(claim) : claim)) };
};
