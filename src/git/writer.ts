/** Finding and ending git processes that a killed engine of ours left behind in a worktree. */
import { closeSync, openSync, readSync } from "node:fs";

import { namesIn } from "./absent.ts";
import { writesVariable } from "./call.ts";
import { send } from "./run.ts";

/**
 * End every process that an earlier process of ours started to write `worktree`, and wait until it is gone. They get
 * `patienceMs` to end by themselves. They are known by a mark in their environment; where there is no /proc nothing is found.
 * Rejects when one will not die.
 */
export const endWriters = async (worktree: string, patienceMs = 0): Promise<void> => {
  const patientUntil = performance.now() + patienceMs;
  const until = patientUntil + dyingMs;
  while (performance.now() < until) {
    const pids = writersOf(worktree);
    if (pids.length === 0) return;
    if (performance.now() >= patientUntil) for (const pid of pids) send(pid, "SIGKILL");
    await new Promise((resolve) => setTimeout(resolve, roundMs));
  }
  throw new Error(`a git process that an earlier engine left in ${worktree} does not end`);
};

const roundMs = 20;
/** A killed process that waits for a disk takes this long at most. */
const dyingMs = 10_000;

/** Processes that a process of ours started to write `worktree`. At once: a lane that opens asks it of a thousand processes. */
export const writersOf = (worktree: string): readonly number[] => {
  const mark = `\0${writesVariable}=${worktree}\0`;
  bytes[0] = 0;
  return namesIn("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((name) => bytes.subarray(0, 1 + readEnvironment(name, bytes.subarray(1))).includes(mark))
    .map(Number);
};

/** A larger environment is none of our calls': they get a cleaned copy of ours. Filled anew for each process, by one look at a time. */
const bytes = Buffer.allocUnsafeSlow(1024 * 1024);

/** The environment that a process was started with, into `into`; answers its length. */
const readEnvironment = (pid: string, into: Buffer): number => {
  let file: number | undefined;
  try {
    file = openSync(`/proc/${pid}/environ`, "r");
    let size = 0;
    for (let got = -1; got !== 0 && size < into.length; size += got)
      got = readSync(file, into, size, into.length - size, null);
    return size;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Gone, or of another user: not ours.
    if (code === "ENOENT" || code === "ESRCH" || code === "EACCES" || code === "EPERM") return 0;
    throw error;
  } finally {
    if (file !== undefined) closeSync(file);
  }
};
