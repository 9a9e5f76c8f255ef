/**
 * Which lanes may collide, as functions of what each of them changes. Only a merge says whether two lanes conflict; here is
 * decided for which pairs nobody has to try. Intersecting paths is not enough: one lane in eight that collides does so without
 * a common path.
 */

/** A path that a lane adds, changes or takes away, compared with its target. A rename is two of them. */
export interface Change {
  readonly path: string;
  readonly kind: "added" | "changed" | "gone";
}

/** What a lane, merged with its target, changes there. */
export interface Footprint {
  readonly lane: string;
  readonly changes: readonly Change[];
  /** Folders of the target in which nothing is left: git takes them for renamed, and moves what others add there. */
  readonly vanished: readonly string[];
  /**
   * It began before the target, and changes what the target has moved or taken away since: where git looks for that now depends
   * on every file that somebody adds.
   */
  readonly isUprooted?: boolean;
}

/** Two lanes, by the order of their names. */
export type Pair = readonly [a: string, b: string];

/** The folders above a path, the nearest first; the top of the repository is none. */
export const foldersAbove = (path: string): readonly string[] => {
  const folders: string[] = [];
  for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) folders.push(path.slice(0, end));
  return folders;
};

/** Lanes by something that they touch. */
type Index = Map<string, Set<string>>;

const note = (index: Index, key: string, lane: string): void => {
  const lanes = index.get(key) ?? new Set();
  lanes.add(lane);
  index.set(key, lanes);
};

/**
 * The pairs that have to be merged to know. All others merge cleanly: they have no path in common, none of them has a file
 * where the other has a folder, none adds to a folder that the other emptied, and none adds anything where the other is uprooted.
 */
export const suspects = (footprints: readonly Footprint[]): readonly Pair[] => {
  const [touching, emptying]: [Index, Index] = [new Map(), new Map()];
  const adding = new Set<string>();
  for (const { lane, changes, vanished } of footprints) {
    if (changes.some(({ kind }) => kind === "added")) adding.add(lane);
    for (const { path } of changes) note(touching, path, lane);
    for (const folder of vanished) note(emptying, folder, lane);
  }
  const found = new Map<string, Pair>();
  const meet = (lane: string, others: ReadonlySet<string> | undefined): void => {
    for (const other of others ?? []) {
      if (other === lane) continue;
      const pair: Pair = lane < other ? [lane, other] : [other, lane];
      found.set(pair.join("\n"), pair);
    }
  };
  for (const { lane, changes, isUprooted } of footprints) {
    if (isUprooted) meet(lane, adding);
    for (const { path, kind } of changes) {
      meet(lane, touching.get(path));
      for (const folder of foldersAbove(path)) {
        meet(lane, touching.get(folder));
        if (kind === "added") meet(lane, emptying.get(folder));
      }
    }
  }
  return [...found.values()].toSorted(byName);
};

const byName = (a: Pair, b: Pair): number => compare(a[0], b[0]) || compare(a[1], b[1]);

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Paths that two lanes add and that differ only in case: git merges them, and some file systems cannot hold both. */
export const caseClashes = (a: Footprint, b: Footprint): readonly string[] =>
  caseTwins(b, foldedPaths(a.changes.flatMap(({ path, kind }) => (kind === "added" ? [path] : []))));

/** Paths by their lower case. */
export type Folded = ReadonlyMap<string, readonly string[]>;

/** These paths by their lower case. */
export const foldedPaths = (paths: readonly string[]): Folded => {
  const folded = new Map<string, string[]>();
  for (const path of paths) {
    const known = folded.get(path.toLowerCase());
    if (known) known.push(path);
    else folded.set(path.toLowerCase(), [path]);
  }
  return folded;
};

/** What a lane adds beside one of these paths that differs only in case, and which it does not take away: `README and readme`. */
export const caseTwins = ({ changes }: Footprint, others: Folded): readonly string[] => {
  const gone = new Set(changes.flatMap(({ path, kind }) => (kind === "gone" ? [path] : [])));
  return changes.flatMap(({ path, kind }) =>
    kind === "added"
      ? (others.get(path.toLowerCase()) ?? []).flatMap((twin) =>
          twin === path || gone.has(twin) ? [] : [`${twin} and ${path}`],
        )
      : [],
  );
};

/**
 * An order in which as few lanes as possible meet a conflict: again and again the one that collides with the fewest of those
 * that are left, the first by the given order among equals. Each lane that lands makes the others meet it, so those that
 * collide with many go last.
 */
export const gentleOrder = (lanes: readonly string[], conflicts: readonly Pair[]): readonly string[] => {
  const left = new Map(lanes.map((lane) => [lane, new Set<string>()]));
  for (const [a, b] of conflicts) {
    if (!left.has(a) || !left.has(b)) continue;
    left.get(a)?.add(b);
    left.get(b)?.add(a);
  }
  const order: string[] = [];
  while (left.size > 0) {
    let [next, least] = ["", Number.POSITIVE_INFINITY];
    for (const [lane, against] of left) if (against.size < least) [next, least] = [lane, against.size];
    order.push(next);
    left.delete(next);
    for (const against of left.values()) against.delete(next);
  }
  return order;
};

/** Two that do not merge, or of which nobody knows. `b` is a lane, or absent for the target. */
export interface Collision {
  readonly a: string;
  readonly b?: string;
  /** `unknown`: git itself failed on them, or what would merge them is a program of the repository's own. */
  readonly is: "conflict" | "unknown";
  readonly paths: readonly string[];
  /** Git's words: `contents`, `modify/delete`, …; `case` where names differ in case alone. */
  readonly kinds: readonly string[];
  /** Why nobody knows. */
  readonly why?: string;
}
