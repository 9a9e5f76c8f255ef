/**
 * Which lanes would conflict with the target, and which with each other, long before they are merged: each lane is merged with
 * the target, and of those that merge the ones whose changes can meet are merged as the queue would: one lands, and the other is
 * merged with that. Everything is made in the control repository.
 */
import {
  type Change,
  caseClashes,
  caseTwins,
  type Collision,
  type Folded,
  foldedPaths,
  type Footprint,
  foldersAbove,
  type Pair,
  suspects,
} from "../core/conflict.ts";
import type { Forecast, Git } from "../port.ts";
import { createCourt, type Judge, type Question } from "./attribute.ts";
import { must } from "./call.ts";
import type { Context } from "./call.ts";
import { controlPlace } from "./control.ts";
import { type Diff, diffBatch, diffName, digestOf, noDiff, type Trees, treesOf, vanishedIn } from "./diff-batch.ts";
import { type Fork, type Forks, forksOf } from "./fork.ts";
import { sweepForecasts, writeCommits } from "./landed.ts";
import { limit } from "./limit.ts";
import { mergeBatch, type Merged, type Two } from "./merge-batch.ts";
import type { Place } from "./place.ts";
import { objectName } from "./ref.ts";
import { workingHead } from "./working-head.ts";

/** What is compared: the target's tip, and the tips of lanes by id. */
export interface Tips {
  readonly target: string;
  readonly lanes: ReadonlyMap<string, string>;
}

/** Compares tips. It remembers what it found, by the contents of what the lanes change: nothing is merged twice. */
export type Comparer = (
  tips: Tips,
  /** Told what is known of lanes and the target before lanes are compared with each other. */
  first?: (collisions: readonly Collision[]) => void,
) => Promise<readonly Collision[]>;

/** So many lanes that moved are looked at from two sides at once. */
const fewMax = 4;

/** Results that are remembered. */
const rememberedMax = 50_000;

/** A lane that merges with the target. */
interface Clean {
  readonly lane: string;
  readonly head: string;
  /** The target with the lane merged in. */
  readonly tree: string;
}

/** The target and where lanes left it. */
interface Ground extends Forks {
  readonly tip: string;
  /** The target's tree. */
  readonly base: string;
}

interface Standing extends Clean {
  readonly footprint: Footprint;
  /** Does it hold all of the target, or nothing that the target did matters to it? Then its head merges as what lands would. */
  readonly isFresh: boolean;
  /** Does it only edit files that the target left alone? Two of those meet in the same way wherever they began. */
  readonly isPlain: boolean;
  /** Equal as long as its merges with other lanes come out the same, wherever the target moves. */
  readonly key: string;
  /** Paths that the target changed since the lane left it, too. */
  readonly shared: readonly string[];
}

/** A forecaster for one repository. Its calls let everything else go first. */
export const createForecaster = (shared: Context): Git["forecast"] => {
  // Few at once: it takes no core from anybody who waits.
  const context: Context = { ...shared, isGentle: true, wide: limit(2) };
  const compare = createComparer(context);
  let swept: Promise<void> | undefined;
  return async ({ target, lanes, dirty }, first = () => undefined) => {
    await (swept ??= controlPlace(context).then(sweepForecasts));
    const heads = new Map(lanes);
    const wanted = dirty.filter((lane) => lanes.has(lane));
    const working = await Promise.all(
      wanted.map((lane) => context.wide(() => workingHead(context, lane, lanes.get(lane) ?? ""))),
    );
    const uncommitted: string[] = [];
    for (const [index, lane] of wanted.entries()) {
      const head = working[index];
      if (head === undefined || head === lanes.get(lane)) continue;
      heads.set(lane, head);
      uncommitted.push(lane);
    }
    const told = (collisions: readonly Collision[]): Forecast => ({ collisions, uncommitted });
    return told(await compare({ target, lanes: heads }, (collisions) => first(told(collisions))));
  };
};

/** A comparer for one repository. */
export const createComparer = (context: Context): Comparer => {
  const withTarget = new Map<string, Merged>();
  const together = new Map<string, Merged>();
  let rooted: Ground = { tip: "", base: "", forks: new Map(), trees: new Map() };
  let stood: ReadonlyMap<string, Standing> = new Map();
  const court = createCourt(context);
  const namesAt = namesOf(context);

  const mergeWithTarget = async (place: Place, tip: string, lanes: Tips["lanes"]) => {
    const asked = [...lanes].map(([lane, head]) => ({ lane, head: objectName(head), key: `${tip} ${head}` }));
    const fresh = asked.filter(({ key }) => !withTarget.has(key));
    const merged = await mergeBatch(
      context,
      place,
      fresh.map(({ head }) => [tip, head]),
      await court.options(tip),
    );
    for (const [index, { key }] of fresh.entries()) withTarget.set(key, merged[index] ?? unseen);
    return asked.map(({ lane, head, key }) => ({ lane, head, merged: withTarget.get(key) ?? unseen }));
  };

  const mergePairs = async (place: Place, judge: Judge, tip: string, standing: readonly Standing[]) => {
    const byLane = new Map(standing.map((each) => [each.lane, each]));
    const of = (lane: string): Standing => byLane.get(lane) as Standing;
    const keyOf = ([a, b]: Pair): string => [judge.key, ...[of(a).key, of(b).key].toSorted()].join(" ");
    const pairs = suspects(standing.map(({ footprint }) => footprint));
    const open = new Map(pairs.filter((pair) => !together.has(keyOf(pair))).map((pair) => [keyOf(pair), pair]));
    const landed = await landedOf(context, place, tip, [...new Set([...open.values()].flat())].map(of));
    const merges = [...open].flatMap(([key, [a, b]]) => waysOf(of(a), of(b), landed).map((two) => ({ key, two })));
    const done = await mergeBatch(
      context,
      place,
      merges.map(({ two }) => two),
      await court.options(tip),
    );
    const found = new Map<string, Merged>();
    for (const [index, { key }] of merges.entries()) found.set(key, worse(found.get(key), done[index] ?? unseen));
    for (const [key, merged] of found) together.set(key, merged);
    return pairs.map(([a, b]) => ({ a: of(a), b: of(b), merged: together.get(keyOf([a, b])) ?? unseen }));
  };

  /** Lanes that stand as they stood before are not compared with the target again. */
  const stand = async (place: Place, ground: Ground, lanes: readonly Clean[]): Promise<readonly Standing[]> => {
    const nameOf = ({ lane, head, tree }: Clean): string => [lane, ground.tip, head, tree].join(" ");
    const fresh = await standingOf(
      context,
      place,
      ground,
      lanes.filter((lane) => !stood.has(nameOf(lane))),
    );
    const all = new Map([...stood, ...fresh.map((each) => [nameOf(each), each] as const)]);
    stood = new Map(lanes.flatMap((lane) => [[nameOf(lane), all.get(nameOf(lane))]] as [string, Standing][]));
    return [...stood.values()];
  };

  /** The target, and where those heads began that were not looked at on it before. */
  const groundOf = async (place: Place, tip: string, heads: readonly string[]): Promise<Ground> => {
    if (rooted.tip !== tip) {
      const trees = await treesOf(context, place, [tip]);
      rooted = { tip, base: trees.get(tip) ?? "", forks: new Map(), trees };
    }
    const { base, forks: before } = rooted;
    const { forks, trees } = await forksOf(
      context,
      place,
      tip,
      heads.filter((head) => !before.has(head)),
    );
    const all = new Map([...before, ...forks]);
    const kept = new Map(heads.map((head) => [head, all.get(head)]));
    rooted = { tip, base, forks: kept, trees: new Map([...trees, [tip, base]]) };
    return rooted;
  };

  return async ({ target, lanes }, first = () => undefined) => {
    forgetUnknown(withTarget);
    forgetUnknown(together);
    const place = await controlPlace(context);
    const tip = objectName(target);
    const heads = [...new Set(lanes.values())].map(objectName);
    const merging = mergeWithTarget(place, tip, lanes);
    // Where many lanes are new, what is known of them and the target comes first; of a few, both at once.
    const isSmall = rooted.tip === tip && heads.filter((head) => !rooted.forks.has(head)).length <= fewMax;
    const [onTarget, early] = await Promise.all([merging, isSmall ? groundOf(place, tip, heads) : undefined]);
    const clean = onTarget.flatMap(({ lane, head, merged }): readonly Clean[] =>
      merged.is === "clean" ? [{ lane, head, tree: merged.tree }] : [],
    );
    const failed = onTarget.filter(({ merged }) => merged.is !== "clean");
    first(failed.map(({ lane, merged }) => collisionOf(lane, undefined, merged)));
    const judge = await court.judge(place, tip);
    const standing = await stand(place, early ?? (await groundOf(place, tip, heads)), clean);
    const pairs = await mergePairs(place, judge, tip, standing);
    const questions: readonly Question[] = [
      ...failed.map(({ lane, merged }) => ({ a: lane, b: undefined, merged, shared: [] })),
      ...standing.map(({ lane, tree, shared }) => ({
        a: lane,
        b: undefined,
        merged: { is: "clean", tree } as const,
        shared,
      })),
      ...pairs.map(({ a, b, merged }) => ({ a: a.lane, b: b.lane, merged, shared: sharedBy(a, b) })),
    ];
    const judged = await judge.look(questions);
    const collisions = judged.flatMap(({ a, b, merged }) => (merged.is === "clean" ? [] : [collisionOf(a, b, merged)]));
    return [...collisions, ...clashesWith(await namesAt(place, tip), standing), ...clashesIn(standing)];
  };
};

/** The paths of a commit, by their lower case; the last answer is remembered. */
const namesOf = (context: Context): ((place: Place, commit: string) => Promise<Folded>) => {
  let last: { readonly commit: string; readonly names: Folded } | undefined;
  return async (place, commit) => {
    if (last?.commit !== commit) {
      const said = (await must(context, place, ["ls-tree", "-r", "-z", "--name-only", commit])).toString();
      last = { commit, names: foldedPaths(said.split("\0").filter(Boolean)) };
    }
    return last.names;
  };
};

/** Lanes that add a path from which one of the target's differs in case alone. */
const clashesWith = (names: Folded, standing: readonly Standing[]): readonly Collision[] =>
  standing.flatMap(({ lane, footprint }): readonly Collision[] => {
    const paths = caseTwins(footprint, names);
    return paths.length === 0 ? [] : [{ a: lane, is: "conflict", paths, kinds: ["case"] }];
  });

const unseen: Merged = { is: "unknown", why: "git gave no answer" };

/** Of two ways to the same end the one that is less good counts. */
const worse = (before: Merged | undefined, merged: Merged): Merged =>
  before === undefined || before.is === "clean" || (before.is === "unknown" && merged.is === "conflict")
    ? merged
    : before;

/** What git failed on is forgotten after this look, and tried again in the next one. */
const forgetUnknown = (known: Map<string, Merged>): void => {
  if (known.size >= rememberedMax) known.clear();
  for (const [key, { is }] of known) if (is === "unknown") known.delete(key);
};

/** Git tells files apart that cannot both have their name by the commit they are from, which means nothing to people. */
const plainPath = (path: string): string => path.replace(/~[0-9a-f]{40,64}(_\d+)?$/, "");

const collisionOf = (a: string, b: string | undefined, found: Merged): Collision => {
  const pair = { a, ...(b === undefined ? {} : { b }) };
  return found.is === "conflict"
    ? { ...pair, is: "conflict", paths: [...new Set(found.paths.map(plainPath))], kinds: found.kinds }
    : {
        ...pair,
        is: "unknown",
        paths: found.is === "unknown" ? (found.paths ?? []) : [],
        kinds: [],
        why: found.is === "unknown" ? found.why : unseen.why,
      };
};

/** Paths that both of these change. */
const sharedBy = (a: Standing, b: Standing): readonly string[] => {
  const paths = new Set(a.footprint.changes.map(({ path }) => path));
  return b.footprint.changes.flatMap(({ path }) => (paths.has(path) ? [path] : []));
};

/** Lanes that add paths which differ in case alone, each two of them once. */
const clashesIn = (standing: readonly Standing[]): readonly Collision[] => {
  const folded = new Map<string, Standing[]>();
  for (const each of standing)
    for (const { path, kind } of each.footprint.changes) {
      if (kind !== "added") continue;
      const lanes = folded.get(path.toLowerCase());
      if (lanes) lanes.push(each);
      else folded.set(path.toLowerCase(), [each]);
    }
  const seen = new Map<string, Collision>();
  for (const lanes of folded.values())
    for (const [index, one] of lanes.entries())
      for (const other of lanes.slice(index + 1)) {
        const [a, b] = one.lane < other.lane ? [one, other] : [other, one];
        const name = `${a.lane}\n${b.lane}`;
        if (a === b || seen.has(name)) continue;
        const paths = caseClashes(a.footprint, b.footprint);
        if (paths.length > 0) seen.set(name, { a: a.lane, b: b.lane, is: "conflict", paths, kinds: ["case"] });
      }
  return [...seen.values()];
};

/** How two lanes may land: one after the other, in both orders; one merge of their heads stands for both where that is the same. */
const waysOf = (a: Standing, b: Standing, landed: ReadonlyMap<string, string>): readonly Two[] => {
  const after = (one: Standing, other: Standing): Two => [landed.get(one.lane) ?? one.head, other.head];
  return (a.isFresh && b.isFresh) || (a.isPlain && b.isPlain) ? [[a.head, b.head]] : [after(a, b), after(b, a)];
};

/** The commits by which these lanes would land, by lane; of a fresh one its head will do. */
const landedOf = async (
  context: Context,
  place: Place,
  tip: string,
  lanes: readonly Standing[],
): Promise<ReadonlyMap<string, string>> => {
  const old = lanes.filter(({ isFresh }) => !isFresh);
  const made = await writeCommits(
    context,
    place,
    old.map(({ tree, head }) => ({ tree, parents: [tip, head] })),
  );
  return new Map(old.map(({ lane }, index) => [lane, made[index] ?? ""]));
};

/** What each lane changes in the target, and what the target changed since the lane left it. */
const standingOf = async (
  context: Context,
  place: Place,
  { tip, base, forks, trees: known }: Ground,
  lanes: readonly Clean[],
): Promise<readonly Standing[]> => {
  if (lanes.length === 0) return [];
  const old = lanes.filter(({ head }) => !isFreshAt(tip, forks.get(head)));
  const roots = old.flatMap(({ head }) => forks.get(head) ?? []);
  const commits = [...new Set([...roots, ...old.map(({ head }) => head)])];
  const trees = await treesOf(
    context,
    place,
    commits.filter((commit) => !known.has(commit)),
  );
  const treeOf = (commit: string): string => known.get(commit) ?? trees.get(commit) ?? "";
  const since = (lane: Clean): readonly { readonly own: Trees; readonly others: Trees }[] =>
    (forks.get(lane.head) ?? []).map((root) => ({
      own: [treeOf(root), treeOf(lane.head)],
      others: [treeOf(root), base],
    }));
  const wanted = [
    ...lanes.map(({ tree }): Trees => [base, tree]),
    ...old.flatMap((lane) => since(lane).flatMap(({ own, others }) => [own, others])),
  ];
  const diffs = await diffBatch(context, place, wanted);
  const diffOf = (pair: Trees): Diff => diffs.get(diffName(pair)) ?? noDiff;
  const empty = await vanishedIn(
    context,
    place,
    new Map(lanes.map(({ tree }) => [tree, diffOf([base, tree]).changes])),
  );
  return lanes.map((lane): Standing => {
    const relative = diffOf([base, lane.tree]);
    const fork = forks.get(lane.head);
    const isFresh = isFreshAt(tip, fork);
    const past = isFresh ? [] : since(lane).map(({ own, others }) => ({ own: diffOf(own), others: diffOf(others) }));
    const apart = past.map(({ own, others }) => apartOf(own, others));
    const told = new Set(relative.rows.keys());
    const both = [...new Set(apart.flatMap(({ shared }) => shared))];
    const isFree = fork !== undefined && apart.every((one) => one.isFree);
    return {
      ...lane,
      isFresh: isFresh || isFree,
      isPlain: fork !== undefined && relative.shape === "" && apart.every((one) => one.isPlain),
      key: [lane.head, relative.key, ...(fork ? apart.map(({ key }) => key) : [tip])].join("."),
      shared: both,
      footprint: {
        lane: lane.lane,
        // What both did alike shows in no comparison with the target, and yet the lane has it changed.
        changes: [...relative.changes, ...both.flatMap((path) => (told.has(path) ? [] : [changed(path)]))],
        vanished: [...(empty.get(lane.tree) ?? []), ...apart.flatMap(({ left }) => left)],
        isUprooted: fork === undefined || apart.some(({ isUprooted }) => isUprooted),
      },
    };
  });
};

const changed = (path: string): Change => ({ path, kind: "changed" });

/** A lane and the target since they parted. */
interface Apart {
  /** Paths that both changed. */
  readonly shared: readonly string[];
  /** Folders from which both took something. */
  readonly left: readonly string[];
  readonly isUprooted: boolean;
  /** The target only edited files, and others than the lane changed. */
  readonly isFree: boolean;
  /** The lane only edited files, and others than the target changed. */
  readonly isPlain: boolean;
  readonly key: string;
}

const apartOf = (own: Diff, others: Diff): Apart => {
  const shared = own.changes.flatMap(({ path }) => (others.rows.has(path) ? [path] : []));
  const gone = new Set(others.changes.flatMap(({ path, kind }) => (kind === "gone" ? [path] : [])));
  const left = own.changes.flatMap(({ path, kind }) => (kind === "gone" && gone.has(path) ? foldersAbove(path) : []));
  return {
    shared,
    left: [...new Set(left)],
    isUprooted: gone.size > 0 && isUprootedBy(own.changes, gone),
    isFree: shared.length === 0 && others.shape === "",
    isPlain: shared.length === 0 && own.shape === "",
    key: `${others.shape},${digestOf(shared, others.rows)}`,
  };
};

const isFreshAt = (tip: string, fork: Fork): boolean => fork?.length === 1 && fork[0] === tip;

/** Does `own` change what is `gone` from the target, or add to a folder from which the target took something? */
const isUprootedBy = (own: readonly Change[], gone: ReadonlySet<string>): boolean => {
  const folders = new Set([...gone].flatMap(foldersAbove));
  return own.some(
    ({ path, kind }) =>
      gone.has(path) || (kind === "added" && foldersAbove(path).some((folder) => folders.has(folder))),
  );
};
