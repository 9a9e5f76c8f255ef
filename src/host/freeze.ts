/** Letting a run's whole tree stand still, and letting it go on: SIGSTOP and SIGCONT to everyone who is found. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import type { Identity } from "../core/state.ts";
import { cannotWrite, readPart, unless, writeWhole } from "./file.ts";
import { bootId, inFrozenGroup } from "./identity.ts";
import { isOutOfReach, isStill, type ProcessRow } from "./process-table.ts";
import { folderOf, markOf, readRunFolder } from "./run-folder.ts";
import type { RunArea } from "./run-folder.ts";
import { searchOf, type Search } from "./run-tree.ts";
import { signal } from "./signal.ts";

/** So long a tree has to come to a stand, or to go on; and the wait between looks at those who were signalled already. */
const freezeMsMax = 5000;
const thawMsMax = 1000;
const lookMs = 10;
/** So long a process is left to come to a stand before its children. */
const parentMsMax = 250;
/** Most of the notes on a frozen run that are read, in bytes. */
const noteBytesMax = 1 << 20;

/**
 * Let the run stand still; resolves with the numbers of processes that would not, or that came faster than they could be
 * stopped. The launcher goes on: it does nothing but wait for the agent, and writes down how that ends.
 */
export const freezeRun = async (area: RunArea, run: string): Promise<readonly number[]> => {
  const search = frozenSearch(area, run);
  const deadline = performance.now() + freezeMsMax;
  /** When each was seen first. */
  const known = new Map<string, number>();
  for (let wasStill = false; ;) {
    const tree = search();
    const now = performance.now();
    const awake = awakeIn(tree);
    const fresh = tree.filter((row) => !known.has(nameOf(row)));
    // Who was awake may have started somebody behind the look: the next one, at a tree that stands still, is sure.
    if (awake.length === 0 && fresh.length === 0 && wasStill) return [];
    if (now >= deadline) return awake.map(({ pid }) => pid);
    if (fresh.length > 0) note(area, run, tree);
    for (const row of fresh) known.set(nameOf(row), now);
    // A shell that sees its child stop before it stops itself takes it for stopped by the user; and who was started by vfork
    // holds up its parent. So parents come first, but they are not waited for for ever.
    const parents = new Set(awake.map(({ pid }) => pid));
    const isDue = (row: ProcessRow): boolean =>
      !parents.has(row.parent) || now - (known.get(nameOf(row)) ?? now) >= parentMsMax;
    for (const row of awake.filter(isDue)) signal(row, "SIGSTOP");
    wasStill = awake.length === 0;
    if (fresh.length === 0 && !wasStill) await sleep(lookMs);
  }
};

/** Who of a tree goes on. */
const awakeIn = (tree: readonly ProcessRow[]): readonly ProcessRow[] => {
  const moving = tree.filter(({ pid }) => !isStill(pid) && !inFrozenGroup(pid));
  const held = heldUp(tree, new Set(moving.map(({ pid }) => pid)));
  return moving.filter((row) => !held.has(row));
};

/** Who is out of reach for signals because of a child that stands still: they do not go on before it does, and then would stop. */
const heldUp = (tree: readonly ProcessRow[], moving: ReadonlySet<number>): ReadonlySet<ProcessRow> => {
  const parents = new Set(tree.filter(({ pid }) => !moving.has(pid)).map(({ parent }) => parent));
  return new Set(tree.filter(({ pid }) => moving.has(pid) && parents.has(pid) && isOutOfReach(pid)));
};

/** Let the run go on; resolves with the numbers of processes that stand still all the same, by somebody else's doing or their own. */
export const thawRun = async (area: RunArea, run: string): Promise<readonly number[]> => {
  const search = frozenSearch(area, run);
  const deadline = performance.now() + thawMsMax;
  for (;;) {
    const tree = search();
    const held = heldUp(tree, new Set(tree.filter(({ stopped }) => !stopped).map(({ pid }) => pid)));
    const still = tree.filter((row) => row.stopped || held.has(row));
    if (still.length === 0 || performance.now() >= deadline) return still.map(({ pid }) => pid);
    // Children first: a shell with job control that wakes before them would take them for stopped.
    for (const row of byDepth(still, tree).toReversed()) signal(row, "SIGCONT");
    await sleep(lookMs);
  }
};

/** A search that also knows whom an earlier process found when it froze the run, though nothing else tells any more. */
export const frozenSearch = (area: RunArea, run: string): Search =>
  searchOf(markOf(area, run), readRunFolder(folderOf(area, run))?.begun, noted(area, run));

const noteOf = (area: RunArea, run: string): string => join(folderOf(area, run), "frozen");

/** Written before anybody is stopped: whoever comes next knows whom to wake. A folder that is gone or full does not keep the run from standing still. */
const note = (area: RunArea, run: string, tree: readonly ProcessRow[]): void => {
  if (readRunFolder(folderOf(area, run)) === undefined) return;
  const text = [bootId(), ...tree.map(nameOf), ""].join("\n");
  unless([...cannotWrite, "ENOENT"], () => writeWhole(noteOf(area, run), text));
};

const noted = (area: RunArea, run: string): readonly Pick<Identity, "pid" | "start">[] => {
  const text = readPart(noteOf(area, run), (size) => ({ from: 0, to: Math.min(size, noteBytesMax) })).toString("utf8");
  const [boot, ...lines] = text.split("\n");
  if (boot !== bootId()) return [];
  return lines.flatMap((line) => {
    const [, pid, start] = /^(\d{1,15}) (.+)$/.exec(line) ?? [];
    return start === undefined ? [] : [{ pid: Number(pid), start }];
  });
};

const nameOf = ({ pid, start }: ProcessRow): string => `${pid} ${start}`;

/** Parents before their children. */
const byDepth = (rows: readonly ProcessRow[], tree: readonly ProcessRow[]): readonly ProcessRow[] => {
  const byPid = new Map(tree.map((row) => [row.pid, row]));
  const depthOf = (row: ProcessRow): number => {
    let depth = 0;
    // Parents come before their children, but a table that was read while it changed may hold a circle.
    for (let at = byPid.get(row.parent); at !== undefined && depth < tree.length; at = byPid.get(at.parent)) depth += 1;
    return depth;
  };
  const depths = new Map(rows.map((row) => [row, depthOf(row)]));
  return rows.toSorted((a, b) => (depths.get(a) ?? 0) - (depths.get(b) ?? 0));
};
