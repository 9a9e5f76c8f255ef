/** What is predicted of merges, as everybody sees it: who collides with whom, and in which order lanes would best land. */
import { type Collision, gentleOrder, type Pair } from "./conflict.ts";

/** A forecast, and what it was made from. */
export interface ForecastSeen {
  /** When it was made, in ms since 1970. */
  readonly at: number;
  /** Branch that the lanes land on, and its commit. */
  readonly target: string;
  readonly head: string;
  /** Lanes that were looked at, with the tips of their branches. */
  readonly lanes: readonly (readonly [lane: string, head: string])[];
  /** Those of them whose uncommitted work was looked at too. */
  readonly uncommitted: readonly string[];
  /** False: lanes were not yet compared with each other. */
  readonly isWhole: boolean;
  readonly collisions: readonly Collision[];
}

/** Name of the target in pairs. */
export const targetName = "target";

/** Two that collide. `a` and `b`: lanes or `target`, by their names. */
export interface PairRow {
  readonly a: string;
  readonly b: string;
  readonly state: Collision["is"];
  readonly paths: readonly string[];
  readonly kinds: readonly string[];
  /** Why nobody knows; empty otherwise. */
  readonly why: string;
}

/** The pairs of a forecast, or those of one lane (or `target`), by their names. */
export const pairRows = (forecast: ForecastSeen | undefined, of?: string): readonly PairRow[] =>
  (forecast?.collisions ?? [])
    .map(({ a: one, b: other = targetName, is, paths, kinds, why = "" }): PairRow => {
      const [a, b] = one < other ? [one, other] : [other, one];
      return { a, b, state: is, paths, kinds, why };
    })
    .filter(({ a, b }) => of === undefined || a === of || b === of)
    .toSorted((x, y) => compare(x.a, y.a) || compare(x.b, y.b) || compare(x.kinds.join(), y.kinds.join()));

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Whom each lane collides with, each once, in the order of names; `target` for the target. Lanes that collide with nobody are left out. */
export const meetings = (
  forecast: { readonly collisions: readonly Pick<Collision, "a" | "b" | "is">[] } | undefined,
): ReadonlyMap<string, readonly string[]> => {
  const met = new Map<string, Set<string>>();
  const note = (one: string, other: string): void => {
    met.set(one, (met.get(one) ?? new Set()).add(other));
  };
  for (const { a, b, is } of forecast?.collisions ?? []) {
    if (is === "unknown") continue;
    note(a, b ?? targetName);
    if (b !== undefined) note(b, a);
  }
  return new Map([...met].map(([lane, others]) => [lane, [...others].toSorted(compare)]));
};

const pairsAmong = (forecast: ForecastSeen | undefined, lanes: ReadonlySet<string>): readonly Pair[] =>
  (forecast?.collisions ?? []).flatMap(({ a, b, is }): readonly Pair[] =>
    is === "conflict" && b !== undefined && lanes.has(a) && lanes.has(b) ? [[a, b]] : [],
  );

/** With how many others of these lanes each is predicted to collide; those with none are left out. */
const predictedAmong = (forecast: ForecastSeen | undefined, lanes: readonly string[]): ReadonlyMap<string, number> => {
  const among = {
    collisions: pairsAmong(forecast, new Set(lanes)).map(([a, b]) => ({ a, b, is: "conflict" as const })),
  };
  return new Map([...meetings(among)].map(([lane, others]) => [lane, others.length]));
};

/** The same of the lanes that stand in the merge queue: what its order goes by. */
export const predictedIn = (
  forecast: ForecastSeen | undefined,
  state: { readonly lanes: ReadonlyMap<string, { readonly id: string; readonly state: string }> },
): ReadonlyMap<string, number> =>
  predictedAmong(
    forecast,
    [...state.lanes.values()].flatMap((lane) =>
      lane.state === "merge-queued" || lane.state === "merging" ? [lane.id] : [],
    ),
  );

/** The order in which these lanes would best land: as few as possible meet a conflict. */
export const suggestedOrder = (forecast: ForecastSeen | undefined, lanes: readonly string[]): readonly string[] =>
  gentleOrder(lanes, pairsAmong(forecast, new Set(lanes)));

/** One line on a pair: `docs and api: src/a.ts (contents)`. */
export const pairLine = ({ a, b, state, paths, kinds, why }: PairRow): string => {
  const where = paths.length > pathsMax ? [...paths.slice(0, pathsMax), `and ${paths.length - pathsMax} more`] : paths;
  const what = state === "unknown" ? `unknown, ${why}` : kinds.join(", ");
  return `${a} and ${b}: ${where.join(", ")}${where.length === 0 ? what : ` (${what})`}`;
};

const pathsMax = 5;
