/** Finding and ending git processes that a killed engine of ours left behind in a worktree. */
import { readdir } from "node:fs/promises";

import { missing } from "./absent.ts";
import { writesVariable } from "./call.ts";
import { send } from "./run.ts";
import { readText } from "./text.ts";

/**
 * End every process that an earlier process of ours started to write `worktree`, and wait until it is gone. They get
 * `patienceMs` to end by themselves. They are known by a mark in their environment; where there is no /proc nothing is found.
 * Rejects when one will not die.
 */
export const endWriters = async (worktree: string, patienceMs = 0): Promise<void> => {
  const patientUntil = performance.now() + patienceMs;
  const until = patientUntil + dyingMs;
  while (performance.now() < until) {
    const pids = await writersOf(worktree);
    if (pids.length === 0) return;
    if (performance.now() >= patientUntil) for (const pid of pids) send(pid, "SIGKILL");
    await new Promise((resolve) => setTimeout(resolve, roundMs));
  }
  throw new Error(`a git process that an earlier engine left in ${worktree} does not end`);
};

const roundMs = 20;
/** A killed process that waits for a disk takes this long at most. */
const dyingMs = 10_000;

/** Processes that a process of ours started to write `worktree`. */
export const writersOf = async (worktree: string): Promise<readonly number[]> => {
  const mark = `\0${writesVariable}=${worktree}\0`;
  const names = (await missing(readdir("/proc"), [])).filter(
    (name) => /^\d+$/.test(name) && Number(name) !== process.pid,
  );
  const marked = await Promise.all(names.map(async (name) => (await environmentOf(name)).includes(mark)));
  return names.filter((_, index) => marked[index]).map(Number);
};

const environmentOf = async (pid: string): Promise<string> => {
  try {
    return `\0${await readText(`/proc/${pid}/environ`, "latin1")}`;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Gone, or of another user: not ours.
    if (code === "ENOENT" || code === "ESRCH" || code === "EACCES" || code === "EPERM") return "";
    throw error;
  }
};
