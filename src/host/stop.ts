/** Ending a run's whole tree: ask, wait, freeze, kill, verify. */
import { setTimeout as sleep } from "node:timers/promises";

import type { Identity } from "../core/state.ts";
import { frozenSearch } from "./freeze.ts";
import { isAlive } from "./identity.ts";
import { processRow } from "./process-table.ts";
import type { ProcessRow } from "./process-table.ts";
import { folderOf, readRunFolder } from "./run-folder.ts";
import type { RunArea, RunFolder } from "./run-folder.ts";
import type { Search } from "./run-tree.ts";
import { isSame, signal } from "./signal.ts";

/** How often known processes are looked at, and how often the whole process table is searched for new ones. */
const lookMs = 50;
const searchMs = 500;
/** A folder without start file belongs to a launcher that is at it; so long it is waited for. */
const startMsMax = 1000;
/** Rounds of freezing and killing, the time that the killed have in each, and the searches until a freeze is complete. */
const killRoundsMax = 3;
const killMsMax = 1000;
const freezesMax = 10;
/** So long a launcher has to write its exit file when the agent is gone. */
const exitMsMax = 2000;

/** End the run; resolves with the numbers of processes that would not die (in the kernel, or not ours to signal). */
export const stopRun = async (area: RunArea, run: string, graceMs: number): Promise<readonly number[]> => {
  const begun = (await begunFolder(folderOf(area, run)))?.begun;
  const search = frozenSearch(area, run);
  await ask(search, performance.now() + graceMs);
  const left = await kill(search);
  if (begun !== undefined) await letFinish(area, run, begun.launcher, left.length === 0);
  const keeper = begun?.keeper && isAlive(begun.keeper) ? processRow(begun.keeper.pid) : undefined;
  // It ends by itself: what was printed last is in the output then.
  if (keeper !== undefined && left.length === 0) await gone([keeper], performance.now() + killMsMax);
  return left.map((row) => row.pid);
};

const begunFolder = async (path: string): Promise<RunFolder | undefined> => {
  const deadline = performance.now() + startMsMax;
  for (;;) {
    const folder = readRunFolder(path);
    if (folder === undefined || folder.begun !== undefined || folder.ageMs > startMsMax || performance.now() > deadline)
      return folder;
    await sleep(lookMs);
  }
};

/** SIGTERM once to everyone who is found until the deadline, and SIGCONT, because who is stopped cannot obey. */
const ask = async (search: Search, deadline: number): Promise<void> => {
  const asked = new Set<string>();
  for (;;) {
    const tree = search();
    for (const row of tree.filter(({ pid, start }) => !asked.has(`${pid} ${start}`))) {
      asked.add(`${row.pid} ${row.start}`);
      signal(row, "SIGTERM");
      signal(row, "SIGCONT");
    }
    if (tree.length === 0 || performance.now() >= deadline) return;
    await gone(tree, Math.min(deadline, performance.now() + searchMs));
  }
};

const kill = async (search: Search): Promise<readonly ProcessRow[]> => {
  for (let round = 0; round < killRoundsMax; round += 1) {
    const tree = freeze(search);
    if (tree.length === 0) return [];
    for (const row of tree) signal(row, "SIGKILL");
    await gone(tree, performance.now() + killMsMax);
  }
  return search();
};

/** Stop all of the tree, so that nobody starts a new process while the others are killed. */
const freeze = (search: Search): readonly ProcessRow[] => {
  let tree: readonly ProcessRow[] = [];
  for (let look = 0; look < freezesMax; look += 1) {
    const now = search();
    const known = new Set(tree.map((row) => row.pid));
    tree = now;
    if (now.every((row) => known.has(row.pid))) break;
    for (const row of now) signal(row, "SIGSTOP");
  }
  return tree;
};

/** Wait until none of them lives, or until the deadline. */
const gone = async (tree: readonly ProcessRow[], deadline: number): Promise<void> => {
  while (tree.some(isSame) && performance.now() < deadline) await sleep(lookMs);
};

/** The launcher writes how the run ended. One that does not is killed, unless it still waits for who would not die. */
const letFinish = async (area: RunArea, run: string, launcher: Identity, alone: boolean): Promise<void> => {
  const row = isAlive(launcher) ? processRow(launcher.pid) : undefined;
  if (row === undefined || row.start !== launcher.start) return;
  signal(row, "SIGCONT");
  if (!alone) return;
  await gone([row], performance.now() + exitMsMax);
  if (readRunFolder(folderOf(area, run))?.ended === undefined) signal(row, "SIGKILL");
  await gone([row], performance.now() + killMsMax);
};
