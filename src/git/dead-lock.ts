/** Lock files of git whose owner is dead. */
import { lstat, readdir, readlink, rm } from "node:fs/promises";
import { join } from "node:path";

import { missing } from "./absent.ts";
import type { Checkout } from "./checkout.ts";
import { readText } from "./text.ts";

/**
 * Remove `index.lock` of a worktree in which our own git died, unless a living process may own it: one that has it open, or
 * any git that stands in the worktree. Where processes cannot be looked at, only a lock of more than ten seconds goes.
 */
export const dropDeadLock = async (checkout: Checkout): Promise<void> => {
  const lock = join(checkout.admin, "index.lock");
  const seen = await missing(lstat(lock), undefined);
  if (seen === undefined) return;
  const held = await isHeld(lock, [checkout.path]);
  if (held === undefined && Date.now() - seen.mtimeMs < staleMs) return;
  if (held !== true) await rm(lock, { force: true });
};

const staleMs = 10_000;

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
  const name = await visible(readText(`/proc/${pid}/comm`), "");
  const cwd = await visible(readlink(`/proc/${pid}/cwd`), "");
  if (name.startsWith("git") && places.some((place) => cwd === place || cwd.startsWith(`${place}/`))) return true;
  const open = await visible(readdir(`/proc/${pid}/fd`), []);
  const files = await Promise.all(open.map((fd) => visible(readlink(`/proc/${pid}/fd/${fd}`), "")));
  return files.includes(lock);
};

/** What `/proc` shows of a process; `otherwise` when it is gone or another user's. */
const visible = async <Answer>(answer: Promise<Answer>, otherwise: Answer): Promise<Answer> => {
  try {
    return await answer;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ESRCH" || code === "EACCES" || code === "EPERM") return otherwise;
    throw error;
  }
};
