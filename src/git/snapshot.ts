/** A worktree as trees: what is staged, what is on disk, and what of a conflict is not resolved. Its own index and files are only read. */
import { randomBytes } from "node:crypto";
import { copyFile, lstat, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";

import { missing } from "./absent.ts";
import { line, must } from "./call.ts";
import type { Context, More } from "./call.ts";
import type { Setting } from "./environment.ts";
import { namesIn, onDisk } from "./obstacle.ts";
import { treePlace } from "./place.ts";
import type { Place } from "./place.ts";

/** A worktree of git and its admin folder. */
export interface Tree {
  readonly path: string;
  readonly admin: string;
}

/** Everything is on disk before a call ends, and no setting of the user's stops or changes what is kept. */
export const keeping: readonly Setting[] = [
  ["core.fsync", "all"],
  ["core.fsyncMethod", "batch"],
  ["core.safecrlf", "false"],
  ["core.splitIndex", "false"],
  ["i18n.commitEncoding", "UTF-8"],
];

/** Trees of one moment. */
export interface Snapshot {
  /** What the index holds; of a file in conflict our side, where there is one. */
  readonly staged: string;
  /** What is on disk, untracked files included, ignored ones not. */
  readonly files: string;
  /** All sides of the files in conflict, below `1/`, `2/` and `3/`; undefined when there are none. */
  readonly conflicts: string | undefined;
  /** Repositories inside the worktree, relative to it: their files are in no tree of ours. */
  readonly nested: readonly string[];
  /** An index of `files`, with what git knows of the files on disk. Whoever asked for it removes it. */
  readonly index: string;
}

/**
 * Take the trees of a worktree, by an index of our own beside git's. `head`: what the index is made from when there is none.
 * Files that git was told not to look at (`assume-unchanged`, `skip-worktree`) are looked at when they are on disk.
 */
export const snapshot = async (context: Context, tree: Tree, head: string): Promise<Snapshot> => {
  const place = treePlace(context.layout, tree.path, tree.admin);
  const index = join(tree.admin, `lanekeeper-save-${randomBytes(6).toString("hex")}`);
  const more: More = { env: { GIT_INDEX_FILE: index }, settings: keeping };
  try {
    if (!(await copyIndex(join(tree.admin, "index"), index))) await must(context, place, ["read-tree", head], more);
    const conflicts = await parted(context, place, index, more);
    const staged = await line(context, place, ["write-tree"], more);
    await lookAgain(context, tree.path, place, more);
    const nested = await repositories(context, tree.path, place, more);
    // Git takes a repository for a submodule, and stops at one without a commit.
    const input = ["./", ...nested.map((name) => `:(top,literal,exclude)${name}`)].map((name) => `${name}\0`).join("");
    const args = ["add", "--all", "--sparse", "--pathspec-from-file=-", "--pathspec-file-nul"];
    await must(context, place, args, { ...more, input });
    const files = await line(context, place, ["write-tree"], more);
    return { staged, files, conflicts, nested, index };
  } catch (error) {
    await dropIndex(index);
    throw error;
  }
};

/** Remove an index that `snapshot` made. */
export const dropIndex = async (index: string): Promise<void> => {
  for (const file of [index, `${index}.lock`]) await rm(file, { force: true });
};

/**
 * Copy an index. False when there is none. What was written in the same tick as the index looks unchanged, and git looks closer by the
 * time of the index file: the copy must not be younger.
 */
export const copyIndex = async (from: string, to: string): Promise<boolean> => {
  const seen = await missing(stat(from), undefined);
  if (seen === undefined) return false;
  await copyFile(from, to);
  const seconds = Math.floor(seen.mtimeMs / 1000) - 1;
  await utimes(to, seconds, seconds);
  return true;
};

/** One stage of one file in the index. */
interface Stage {
  readonly mode: string;
  readonly object: string;
  readonly stage: string;
  readonly path: string;
}

/** Rows of `ls-files --stage -z`, paths as bytes (latin1). */
const stages = (output: Buffer): readonly Stage[] =>
  namesIn(output).map((row) => {
    const [mode = "", object = "", stage = ""] = row.slice(0, row.indexOf("\t")).split(" ");
    return { mode, object, stage, path: row.slice(row.indexOf("\t") + 1) };
  });

/** Put the sides of each conflict into a tree of their own and one side in their place: a tree cannot hold three. */
const parted = async (context: Context, place: Place, index: string, more: More): Promise<string | undefined> => {
  const unmerged = stages(await must(context, place, ["ls-files", "--unmerged", "-z"], more));
  if (unmerged.length === 0) return undefined;
  const aside = `${index}-conflicts`;
  const apart: More = { ...more, env: { GIT_INDEX_FILE: aside } };
  try {
    const rows = unmerged.map(({ mode, object, stage, path }) => `${mode} ${object} 0\t${stage}/${path}\0`);
    await must(context, place, ["update-index", "-z", "--index-info"], { ...apart, input: latin1(rows) });
    const tree = await line(context, place, ["write-tree"], apart);
    const ours = new Map<string, Stage>();
    for (const stage of unmerged) if (better(stage, ours.get(stage.path))) ours.set(stage.path, stage);
    const none = "0".repeat(unmerged[0]?.object.length ?? 40);
    const taken = [...ours.values()].flatMap(({ mode, object, path }) => [
      `0 ${none}\t${path}\0`,
      `${mode} ${object} 0\t${path}\0`,
    ]);
    await must(context, place, ["update-index", "-z", "--index-info"], { ...more, input: latin1(taken) });
    return tree;
  } finally {
    await dropIndex(aside);
  }
};

/** Our side before theirs, theirs before the one that both come from. */
const better = ({ stage }: Stage, than: Stage | undefined): boolean =>
  than === undefined || "231".indexOf(stage) < "231".indexOf(than.stage);

const latin1 = (rows: readonly string[]): Buffer => Buffer.from(rows.join(""), "latin1");

/** Files of the index that git was told not to look at, and that are on disk; as bytes (latin1). */
const hidden = async (context: Context, path: string, place: Place, more: More): Promise<readonly string[]> => {
  const rows = namesIn(await must(context, place, ["ls-files", "-v", "-z"], more));
  // A small letter: assumed to be unchanged. `S`: not wanted on disk.
  const names = rows.filter((row) => /^[a-zS]/.test(row)).map((row) => row.slice(2));
  const there = await Promise.all(names.map((name) => missing(lstat(onDisk(path, name)), undefined)));
  return names.filter((_, at) => there[at] !== undefined);
};

/** Files that git was told not to look at and that are not as HEAD has them; as text. */
export const hiddenIn = async (context: Context, tree: Tree): Promise<readonly string[]> => {
  const place = treePlace(context.layout, tree.path, tree.admin);
  const names = await hidden(context, tree.path, place, {});
  if (names.length === 0) return [];
  const { files, index } = await snapshot(context, tree, "HEAD");
  await dropIndex(index);
  const args = ["diff-tree", "-r", "--name-only", "-z", "--no-renames", "HEAD", files];
  const changed = await must(context, place, args);
  return namesIn(changed).map((name) => Buffer.from(name, "latin1").toString());
};

const lookAgain = async (context: Context, path: string, place: Place, more: More): Promise<void> => {
  const names = await hidden(context, path, place, more);
  if (names.length === 0) return;
  const input = latin1(names.map((name) => `${name}\0`));
  for (const flag of ["--no-assume-unchanged", "--no-skip-worktree"])
    await must(context, place, ["update-index", flag, "-z", "--stdin"], { ...more, input });
};

/** Repositories that stand in the worktree: such that git lists as one untracked name, and submodules that were fetched. */
const repositories = async (context: Context, path: string, place: Place, more: More): Promise<readonly string[]> => {
  const untracked = namesIn(await must(context, place, ["ls-files", "--others", "--exclude-standard", "-z"], more));
  const tracked = stages(await must(context, place, ["ls-files", "--stage", "-z"], more));
  const modules = tracked.filter(({ mode }) => mode === "160000").map((entry) => entry.path);
  const fetched = await Promise.all(modules.map((name) => missing(lstat(onDisk(path, `${name}/.git`)), undefined)));
  const found = [
    ...untracked.filter((name) => name.endsWith("/")).map((name) => name.slice(0, -1)),
    ...modules.filter((_, at) => fetched[at] !== undefined),
  ];
  return found.map((name) => Buffer.from(name, "latin1").toString()).toSorted();
};
