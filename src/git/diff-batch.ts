/** Many comparisons of trees by one process. */
import { createHash } from "node:crypto";

import { type Change, foldersAbove } from "../core/conflict.ts";
import { call, must } from "./call.ts";
import type { Context } from "./call.ts";
import type { Place } from "./place.ts";

/** What one tree changes in another. */
export interface Diff {
  readonly changes: readonly Change[];
  /** Modes and contents before and after, by path. */
  readonly rows: ReadonlyMap<string, string>;
  /** The same for the same changes of the same contents. */
  readonly key: string;
  /** The same for the same paths that came or went, with the same contents: what guesses about renames go by. */
  readonly shape: string;
}

/** Two trees: what the second one changes in the first. */
export type Trees = readonly [from: string, to: string];

/** No change at all. */
export const noDiff: Diff = { changes: [], rows: new Map(), key: "", shape: "" };

/** Name of a comparison in the answer of `diffBatch`. */
export const diffName = ([from, to]: Trees): string => `${from} ${to}`;

const flags = ["--stdin", "-r", "-z", "--raw", "--no-abbrev", "--no-renames", "--no-ext-diff", "--no-textconv"];

/** The differences of these pairs of trees, by `diffName`. */
export const diffBatch = async (
  context: Context,
  place: Place,
  pairs: readonly Trees[],
): Promise<ReadonlyMap<string, Diff>> => {
  const names = [...new Set(pairs.filter(([from, to]) => from !== to).map(diffName))];
  if (names.length === 0) return new Map();
  const said = await must(context, place, ["diff-tree", ...flags], { input: `${names.join("\n")}\n` });
  return parseDiffs(said.toString(), names);
};

/** Parse `diff-tree --stdin -z --raw`: `tree tree LF`, then `:mode mode oid oid status NUL path NUL` for each path. */
const parseDiffs = (text: string, names: readonly string[]): ReadonlyMap<string, Diff> => {
  const found = new Map(names.map((name) => [name, { changes: [] as Change[], rows: new Map<string, string>() }]));
  const fields = text.split("\0");
  let current: { changes: Change[]; rows: Map<string, string> } | undefined;
  for (let at = 0; at < fields.length; at += 1) {
    let raw = fields[at] ?? "";
    // Only what begins a diff ends with a line break; several stand in a row where nothing changed. Names stand in fields of their own.
    for (let end = raw.indexOf("\n"); end !== -1 && !raw.startsWith(":"); end = raw.indexOf("\n")) {
      current = found.get(raw.slice(0, end));
      raw = raw.slice(end + 1);
    }
    if (!raw.startsWith(":")) continue;
    const path = fields[at + 1] ?? "";
    at += 1;
    const status = raw.at(-1);
    const kind = status === "A" ? "added" : status === "D" ? "gone" : "changed";
    current?.changes.push({ path, kind });
    current?.rows.set(path, raw);
  }
  return new Map([...found].map(([name, { changes, rows }]) => [name, diffOf(changes, rows)]));
};

const diffOf = (changes: readonly Change[], rows: ReadonlyMap<string, string>): Diff => {
  const moved = changes.flatMap(({ path, kind }) => (kind === "changed" ? [] : [path]));
  return { changes, rows, key: digestOf([...rows.keys()], rows), shape: digestOf(moved, rows) };
};

/** A short name for what happens to these paths; empty for none. */
export const digestOf = (paths: readonly string[], rows: ReadonlyMap<string, string>): string => {
  if (paths.length === 0) return "";
  const hash = createHash("sha256");
  for (const path of paths) hash.update(`${rows.get(path) ?? ""}\0${path}\0`);
  return hash.digest("base64url");
};

/** Folders above what `to` took away that are not there any more, by `to`. */
export const vanishedIn = async (
  context: Context,
  place: Place,
  diffs: ReadonlyMap<string, readonly Change[]>,
): Promise<ReadonlyMap<string, readonly string[]>> => {
  const questions = [...diffs].flatMap(([tree, changes]) => {
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

/** The trees of these commits, by commit. */
export const treesOf = async (
  context: Context,
  place: Place,
  commits: readonly string[],
): Promise<ReadonlyMap<string, string>> => {
  if (commits.length === 0) return new Map();
  const input = commits.map((commit) => `${commit}^{tree}\n`).join("");
  const said = (await must(context, place, ["cat-file", "--batch-check=%(objectname)"], { input })).toString();
  const rows = said.split("\n");
  return new Map(
    commits.flatMap((commit, index) => {
      const tree = rows[index] ?? "";
      return /^[0-9a-f]+$/.test(tree) ? [[commit, tree] as const] : [];
    }),
  );
};
