/** What a kill -9 in the middle of opening a lane leaves, and how it is taken over (git.md section 5). */
import { lstat, readFile, rm, rmdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";

import type { No } from "../core/observed.ts";
import { missing } from "./absent.ts";
import { call } from "./call.ts";
import type { Context } from "./call.ts";
import { seeAdmin } from "./head.ts";
import { adminOf, isFolder, refsPlace } from "./place.ts";
import { failedTo } from "./ref.ts";

/**
 * Bring an unfinished worktree into a state from which opening goes on: listed and without files, or not listed at all.
 * A No when it is not ours to repair.
 */
export const repairAdmin = async (context: Context, lane: string, path: string): Promise<No | undefined> => {
  const { common } = context.layout;
  await dropHalfMade(common, lane, path);
  const admin = await adminOf(common, path);
  if (admin === undefined) return undefined;
  const lock = await missing(readFile(join(admin, "locked"), "utf8"), undefined);
  if (lock !== undefined) return locked(path, lock);
  if ((await missing(lstat(path), undefined)) === undefined) return unlist(context, path);
  return (await isFolder(path)) ? relink(admin, path) : replaced(path);
};

const locked = (path: string, why: string): No => {
  const refused = `the worktree ${path} is locked${why.trim() === "" ? "" : `: ${why.trim()}`}`;
  return { refused, hint: `git worktree unlock ${path}`, code: 4, paths: [path] };
};

/** Whatever follows a link here could reach files outside: git must not touch it. */
const replaced = (path: string): No => ({
  refused: `${path} is no folder any more`,
  hint: "move it away, then open the lane again",
  code: 4,
  paths: [path],
});

/** The worktree's folder is gone: remove this entry from git's list, and no other (`prune` would take all). */
const unlist = async (context: Context, path: string): Promise<No | undefined> => {
  const ran = await call(context, refsPlace(context.layout), ["worktree", "remove", "--force", "--force", path]);
  return ran.code === 0 ? undefined : failedTo(`forget the worktree ${path}`, ran);
};

/** Write the `.git` file of a worktree that has none. One that is there and names another place is not ours to change: a No. */
export const relink = async (admin: string, path: string): Promise<No | undefined> => {
  const file = join(path, ".git");
  const text = await missing(readFile(file, "utf8"), undefined);
  if (text === undefined) await writeFile(file, `gitdir: ${admin}\n`, { flag: "wx" });
  const named = text === undefined ? admin : resolve(path, text.replace(/^gitdir: /, "").trimEnd());
  if (named === admin) return undefined;
  const hint = "move the folder away, then open the lane again";
  return { refused: `${file} names another place than git does`, hint, code: 4, paths: [file] };
};

/**
 * `worktree add` was killed before it was done: its admin folder says "initializing", or has not even got its first file.
 * There is no index, so there are no files: the folder and the `.git` file can be made again.
 */
export const dropHalfMade = async (common: string, lane: string, path: string): Promise<void> => {
  const admin = (await adminOf(common, path)) ?? join(common, "worktrees", lane);
  const { names } = seeAdmin(admin);
  if (names.has("index") || !(await isFolder(admin))) return;
  const lock = await missing(readFile(join(admin, "locked"), "utf8"), undefined);
  const listed = names.has("gitdir");
  const begun = listed ? lock?.startsWith("initializing") === true : [...names].every((name) => name === "locked");
  if (!begun || (listed && (await adminOf(common, path)) !== admin)) return;
  const link = await missing(readFile(join(path, ".git"), "utf8"), undefined);
  if (link?.trim() === `gitdir: ${admin}`) await rm(join(path, ".git"));
  await rm(admin, { recursive: true });
  await removeIfEmpty(path);
};

const removeIfEmpty = async (path: string): Promise<void> => {
  try {
    await rmdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT" && code !== "ENOTEMPTY" && code !== "EEXIST" && code !== "ENOTDIR") throw error;
  }
};

/**
 * Remove lock files that a killed opener left on a lane in which nobody has worked: in its admin folder (no other process
 * writes there before the index exists), and on refs that do not exist yet. Its processes must have ended.
 */
export const clearLocks = async (files: readonly string[]): Promise<void> => {
  for (const file of files) await rm(`${file}.lock`, { force: true });
};
