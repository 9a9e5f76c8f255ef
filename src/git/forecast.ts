/**
 * Which lanes would conflict with the target, and which with each other, long before they are merged: each lane is merged
 * with the target, and of those that merge the ones whose changes can meet are merged with each other, on top of the target.
 * So lanes that began at different commits are compared as they would land. Everything is made in the control repository.
 */
import { createHash } from "node:crypto";

import { type Change, caseClashes, type Footprint, foldersAbove, type Pair, suspects } from "../core/conflict.ts";
import { call, line, must } from "./call.ts";
import type { Context } from "./call.ts";
import { controlPlace } from "./control.ts";
import { mergeBatch, type Merged } from "./merge-batch.ts";
import type { Place } from "./place.ts";
import { objectName } from "./ref.ts";

/** What is asked about: the target's tip, and the tips of lanes by id. */
export interface ForecastAsk {
  readonly target: string;
  readonly lanes: ReadonlyMap<string, string>;
}

/** A pair that does not merge, or of which nobody knows. `b` is a lane, or undefined for the target. */
export interface Collision {
  readonly a: string;
  readonly b: string | undefined;
  readonly is: "conflict" | "case" | "unknown";
  readonly paths: readonly string[];
  readonly kinds: readonly string[];
  readonly why: string;
}

/** A forecaster remembers what it found, by the contents of what the lanes change: nothing is merged twice. */
export type Forecast = (ask: ForecastAsk) => Promise<readonly Collision[]>;

/** Results that are remembered. */
const rememberedMax = 50_000;

interface Standing {
  readonly lane: string;
  readonly footprint: Footprint;
  /** Hash of what the lane changes: equal for equal changes, wherever the target moved. */
  readonly key: string;
  readonly tree: string;
}

/** A forecaster for one repository. */
export const createForecast = (context: Context): Forecast => {
  const withTarget = new Map<string, Merged>();
  const together = new Map<string, Merged>();

  return async ({ target, lanes }) => {
    forgetUnknown(withTarget);
    forgetUnknown(together);
    const place = await controlPlace(context);
    const tip = objectName(target);
    const collisions: Collision[] = [];
    const asked = [...lanes].map(([lane, head]) => ({ lane, key: `${tip} ${objectName(head)}` }));
    const fresh = asked.filter(({ key }) => !withTarget.has(key));
    const merged = await mergeBatch(
      context,
      place,
      fresh.map(({ key }) => key.split(" ") as unknown as [string, string]),
    );
    for (const [index, { key }] of fresh.entries()) withTarget.set(key, merged[index] ?? unseen);
    const clean: { readonly lane: string; readonly tree: string }[] = [];
    for (const { lane, key } of asked) {
      const found = withTarget.get(key) ?? unseen;
      if (found.is === "clean") clean.push({ lane, tree: found.tree });
      else collisions.push(collisionOf(lane, undefined, found));
    }
    const standing = await standingOf(context, place, tip, clean);
    const byLane = new Map(standing.map((each) => [each.lane, each]));
    const pairs = suspects(standing.map(({ footprint }) => footprint));
    const keyOf = ([a, b]: Pair): string => [byLane.get(a)?.key, byLane.get(b)?.key].toSorted().join(" ");
    const open = new Map(pairs.filter((pair) => !together.has(keyOf(pair))).map((pair) => [keyOf(pair), pair]));
    const commits = await virtualCommits(context, place, tip, byLane, new Set([...open.values()].flat()));
    const tried = await mergeBatch(
      context,
      place,
      [...open.values()].map(([a, b]) => [commits.get(a) ?? "", commits.get(b) ?? ""]),
    );
    for (const [index, key] of [...open.keys()].entries()) together.set(key, tried[index] ?? unseen);
    for (const pair of pairs) {
      const found = together.get(keyOf(pair)) ?? unseen;
      if (found.is !== "clean") collisions.push(collisionOf(pair[0], pair[1], found));
    }
    return [...collisions, ...clashesIn(standing)];
  };
};

const unseen: Merged = { is: "unknown", why: "git gave no answer" };

/** What git failed on is forgotten after this look, and tried again in the next one. */
const forgetUnknown = (known: Map<string, Merged>): void => {
  if (known.size >= rememberedMax) known.clear();
  for (const [key, { is }] of known) if (is === "unknown") known.delete(key);
};

const collisionOf = (a: string, b: string | undefined, found: Merged): Collision =>
  found.is === "conflict"
    ? { a, b, is: "conflict", paths: found.paths, kinds: found.kinds, why: "" }
    : { a, b, is: "unknown", paths: [], kinds: [], why: found.is === "unknown" ? found.why : "" };

/** Lanes that add paths which differ in case alone, each two of them once. */
const clashesIn = (standing: readonly Standing[]): readonly Collision[] => {
  const folded = new Map<string, Standing[]>();
  for (const each of standing)
    for (const { path, kind } of each.footprint.changes)
      if (kind === "added") folded.set(path.toLowerCase(), [...(folded.get(path.toLowerCase()) ?? []), each]);
  const seen = new Map<string, Collision>();
  for (const lanes of folded.values())
    for (const [index, one] of lanes.entries())
      for (const other of lanes.slice(index + 1)) {
        const [a, b] = one.lane < other.lane ? [one, other] : [other, one];
        const paths = a === b ? [] : caseClashes(a.footprint, b.footprint);
        if (paths.length > 0)
          seen.set(`${a.lane}\n${b.lane}`, { a: a.lane, b: b.lane, is: "case", paths, kinds: ["case"], why: "" });
      }
  return [...seen.values()];
};

/** What each lane changes in the target, by one process for all; and the folders that it empties, by another. */
const standingOf = async (
  context: Context,
  place: Place,
  target: string,
  lanes: readonly { readonly lane: string; readonly tree: string }[],
): Promise<readonly Standing[]> => {
  if (lanes.length === 0) return [];
  const base = await line(context, place, ["rev-parse", `${target}^{tree}`]);
  const trees = [...new Set(lanes.map(({ tree }) => tree))];
  const args = [
    "diff-tree",
    "--stdin",
    "-r",
    "-z",
    "--raw",
    "--no-abbrev",
    "--no-renames",
    "--no-ext-diff",
    "--no-textconv",
  ];
  const input = trees.map((tree) => `${base} ${tree}\n`).join("");
  const diffs = parseDiffs((await must(context, place, args, { input })).toString(), trees);
  const empty = await vanishedIn(context, place, diffs);
  return lanes.map(({ lane, tree }) => {
    const { changes, key } = diffs.get(tree) ?? { changes: [], key: "" };
    return { lane, tree, key, footprint: { lane, changes, vanished: empty.get(tree) ?? [] } };
  });
};

interface Diff {
  readonly changes: readonly Change[];
  readonly key: string;
}

/** Parse `diff-tree --stdin -z --raw`: `tree tree LF`, then `:mode mode oid oid status NUL path NUL` for each path. */
const parseDiffs = (text: string, trees: readonly string[]): ReadonlyMap<string, Diff> => {
  const found = new Map<string, { changes: Change[]; key: string }>(
    trees.map((tree) => [tree, { changes: [], key: "" }]),
  );
  const fields = text.split("\0");
  let current: { changes: Change[]; key: string } | undefined;
  for (let at = 0; at < fields.length; at += 1) {
    let raw = fields[at] ?? "";
    // Only what begins a diff ends with a line break; several stand in a row where nothing changed. Names stand in fields of their own.
    for (let end = raw.indexOf("\n"); end !== -1 && !raw.startsWith(":"); end = raw.indexOf("\n")) {
      current = found.get(raw.slice(0, end).split(" ")[1] ?? "");
      raw = raw.slice(end + 1);
    }
    if (!raw.startsWith(":")) continue;
    const path = fields[at + 1] ?? "";
    at += 1;
    const status = raw.at(-1);
    current?.changes.push({ path, kind: status === "A" ? "added" : status === "D" ? "gone" : "changed" });
    if (current) current.key += `${raw}\0${path}\0`;
  }
  for (const diff of found.values()) diff.key = createHash("sha256").update(diff.key).digest("base64url");
  return found;
};

/** Folders above what is gone that are not there any more, by tree. */
const vanishedIn = async (
  context: Context,
  place: Place,
  diffs: ReadonlyMap<string, Diff>,
): Promise<ReadonlyMap<string, readonly string[]>> => {
  const questions = [...diffs].flatMap(([tree, { changes }]) => {
    const folders = new Set(changes.flatMap(({ path, kind }) => (kind === "gone" ? foldersAbove(path) : [])));
    return [...folders].map((folder) => ({ tree, folder }));
  });
  if (questions.length === 0) return new Map();
  const input = questions.map(({ tree, folder }) => `${tree}:${folder}\0`).join("");
  const ran = await call(context, place, ["cat-file", "--batch-check=%(objecttype)", "-z"], { input });
  // A name with a line break in it answers with two lines: then every folder counts as empty, which only means more merges.
  const answers = ran.stdout.toString().trimEnd().split("\n");
  const gone = questions.filter((_, index) => answers.length !== questions.length || answers[index] !== "tree");
  const byTree = new Map<string, string[]>();
  for (const { tree, folder } of gone) byTree.set(tree, [...(byTree.get(tree) ?? []), folder]);
  return byTree;
};

/** A commit for each of these lanes that is the target with the lane merged in, and has the target as its only parent. */
const virtualCommits = async (
  context: Context,
  place: Place,
  target: string,
  standing: ReadonlyMap<string, Standing>,
  lanes: ReadonlySet<string>,
): Promise<ReadonlyMap<string, string>> => {
  const env = {
    GIT_AUTHOR_NAME: "lanekeeper",
    GIT_AUTHOR_EMAIL: "lanekeeper@localhost",
    GIT_AUTHOR_DATE: "@0 +0000",
    GIT_COMMITTER_NAME: "lanekeeper",
    GIT_COMMITTER_EMAIL: "lanekeeper@localhost",
    GIT_COMMITTER_DATE: "@0 +0000",
  };
  const made = await Promise.all(
    [...lanes].map((lane) =>
      context.wide(async () => {
        const tree = standing.get(lane)?.tree ?? "";
        return [
          lane,
          await line(context, place, ["commit-tree", tree, "-p", target, "-m", "forecast"], { env }),
        ] as const;
      }),
    ),
  );
  return new Map(made);
};
