/** Lock files of git whose owner is dead. */
import { lstatSync, unlinkSync } from "node:fs";
import { lstat, readdir, readlink, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";

import { missing } from "./absent.ts";
import { adminsIn, pointsTo } from "./place.ts";
import type { Place } from "./place.ts";
import { readText } from "./text.ts";

/**
 * Remove the locks of `files` (`index`, `HEAD`, a ref) where a git died in a worktree, unless a living process may own one:
 * one that has it open, or any git that stands in one of `places`. Where processes cannot be looked at, only a lock whose
 * time is ten seconds off goes.
 */
export const dropDeadLocks = async (files: readonly string[], places: readonly string[]): Promise<void> => {
  for (const lock of files.map((file) => `${file}.lock`)) {
    const seen = await missing(lstat(lock), undefined);
    if (seen === undefined) continue;
    const held = await isHeld(lock, places);
    if (held === false || (held === undefined && isStale(seen.mtimeMs))) await rm(lock, { force: true });
  }
};

const staleMs = 10_000;

/**
 * Remove the lock file that stopped a git call, when it was left behind: its time is ten seconds off, no process has it open,
 * and no git stands in a worktree that it is for (git.md section 5). The path removed, or undefined. Where processes cannot
 * be looked at, nothing is. One call at a time: whoever comes second sees the lock of the first.
 */
export const dropStaleLock = async (place: Place, home: string, stderr: string): Promise<string | undefined> => {
  const path = lockIn(stderr, place);
  const seen = path === undefined ? undefined : await missing(lstat(path), undefined);
  if (path === undefined || seen?.isFile() !== true || !isStale(seen.mtimeMs)) return undefined;
  const places = dirname(path) === place.gitDir && place.workTree !== undefined ? [place.workTree] : [];
  if (place.gitDir === place.common || places.length === 0) places.push(home, ...(await worktreesOf(place.common)));
  if ((await isHeld(path, [...places, place.gitDir])) !== false) return undefined;
  // In one go, so that a lock that somebody takes meanwhile stays.
  const now = lstatSync(path, { throwIfNoEntry: false });
  if (now?.ino !== seen.ino || now.mtimeMs !== seen.mtimeMs) return undefined;
  unlinkSync(path);
  return path;
};

/** A time in the future says as little of a living owner as one that is long ago. */
const isStale = (mtimeMs: number): boolean => Math.abs(Date.now() - mtimeMs) > staleMs;

/** The lock that git names, if it is one of this place. */
const lockIn = (stderr: string, place: Place): string | undefined => {
  const named = /Unable to create '(.+\.lock)': File exists/.exec(stderr)?.[1];
  const settings = /could not lock config file (.+): File exists/.exec(stderr)?.[1];
  if (named === undefined && settings === undefined) return undefined;
  const path = resolve(place.cwd, named ?? `${settings}.lock`);
  return [place.gitDir, place.common].some((folder) => path.startsWith(`${folder}/`)) ? path : undefined;
};

/** Worktrees that share a git directory, as their admin folders have it. */
const worktreesOf = async (common: string): Promise<readonly string[]> => {
  const files = adminsIn(common).map(pointsTo);
  return files.filter((file) => file !== undefined).map(dirname);
};

/**
 * May a living process own this lock file: one that has it open, or any git that stands in one of `places` or below? Undefined
 * where processes cannot be looked at.
 */
export const isHeld = async (lock: string, places: readonly string[]): Promise<boolean | undefined> => {
  const pids = (await missing(readdir("/proc"), [])).filter((name) => /^\d+$/.test(name));
  if (pids.length === 0) return undefined;
  return (await Promise.all(pids.map((pid) => mayOwn(pid, lock, places)))).includes(true);
};

const mayOwn = async (pid: string, lock: string, places: readonly string[]): Promise<boolean> => {
  const name = await visible(readText(`/proc/${pid}/comm`), "", "");
  // A git of another user may stand anywhere.
  const cwd = await visible(readlink(`/proc/${pid}/cwd`), "", places[0] ?? "");
  if (name.startsWith("git") && places.some((place) => cwd === place || cwd.startsWith(`${place}/`))) return true;
  const open = await visible(readdir(`/proc/${pid}/fd`), [], []);
  const files = await Promise.all(open.map((fd) => visible(readlink(`/proc/${pid}/fd/${fd}`), "", "")));
  return files.includes(lock);
};

/** What `/proc` shows of a process; `gone` when it ended, `hidden` when it is another user's. */
const visible = async <Answer>(answer: Promise<Answer>, gone: Answer, hidden: Answer): Promise<Answer> => {
  try {
    return await answer;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ESRCH") return gone;
    if (code === "EACCES" || code === "EPERM") return hidden;
    throw error;
  }
};
