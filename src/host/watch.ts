/** Noticing that a run started, stood still or ended, or wrote output: hints from the file system, and a look every second. */
import { mkdirSync, readdirSync, statSync, watch } from "node:fs";
import type { FSWatcher } from "node:fs";
import { join } from "node:path";

import type { Identity } from "../core/state.ts";
import type { Release } from "../port.ts";
import { cannotWrite, unless } from "./file.ts";
import { isAlive } from "./identity.ts";
import { printedBytes } from "./output.ts";
import { readRunFolder, runsOf } from "./run-folder.ts";
import type { RunArea } from "./run-folder.ts";
import { isThere } from "./signal.ts";

/** At most one call so often. */
const callMs = 50;
/** The look that finds what no hint told: a launcher that was killed, a file system or user without watches left. */
const lookMs = 1000;
/** Of so many looks one is at everything; the others trust the watches, and only ask whether launchers are there: so many in turn. */
const wholeEvery = 10;
const launchersPerLook = 50;

/**
 * Call `changed` with the names of runs soon after they began, stood still, went on or ended, never missing the last change.
 * With `only`, of that run alone, and of its output too. Keeps no process alive.
 */
export const watchRuns = (area: RunArea, changed: (runs: readonly string[]) => void, only?: string): Release => {
  const moved = new Set<string>();
  let last = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  let looks = 0;
  const call = (): void => {
    timer = undefined;
    last = performance.now();
    // First the watches: what is written from now on gives another hint.
    for (const run of folders.adopt()) moved.add(run);
    folders.renew(moved);
    const told = [...moved];
    moved.clear();
    if (told.length > 0) changed(told);
  };
  const hint = (run?: string): void => {
    if (run !== undefined) moved.add(run);
    timer ??= setTimeout(call, Math.min(callMs, Math.max(0, last + callMs - performance.now()))).unref();
  };
  const folders = watchFolders(runsOf(area), only, hint);
  folders.look(true);
  const look = setInterval(() => {
    looks += 1;
    for (const run of folders.look(looks % wholeEvery === 0)) hint(run);
  }, lookMs).unref();
  return () => {
    clearInterval(look);
    clearTimeout(timer);
    folders.close();
  };
};

interface WatchedFolders {
  /** Watch runs that are new, and name them. Cheap: one listing of `runs/`. */
  adopt(): readonly string[];
  /** These were told of: what is known of them is old. */
  renew(runs: ReadonlySet<string>): void;
  /** The runs that look otherwise than before; at those that have no watch, or at all. */
  look(all: boolean): readonly string[];
  close(): void;
}

/** A folder that is looked at, and its watch, when the system gave us one. */
interface Watched {
  readonly inode: number;
  readonly watcher: FSWatcher | undefined;
}

interface WatchedRun extends Watched {
  look: Look;
  /** Of the folder when it was looked at; empty when it had changed just before: it may change again without another time. */
  stamp: string;
}

/** What a run shows without a search for its processes. */
interface Look {
  readonly is: "ended" | "starting" | "alive" | "gone";
  /** Bytes that it printed, where somebody wants to know. */
  readonly printed: number;
  readonly launcher?: Identity;
}

const watchFolders = (runs: string, only: string | undefined, hint: (run?: string) => void): WatchedFolders => {
  // Made early, so that the first run is noticed; not where there is no state, or nothing can be written.
  unless(["ENOENT", "EEXIST", ...cannotWrite], () => mkdirSync(runs, { mode: 0o700 }));
  const open = new Map<string, WatchedRun>();
  let ended = new Set<string>();
  let root: Watched | undefined;
  let turn: string[] = [];

  const drop = (run: string): void => {
    open.get(run)?.watcher?.close();
    open.delete(run);
  };
  const close = (): void => {
    root?.watcher?.close();
    root = undefined;
    for (const run of open.keys()) drop(run);
  };
  /** The runs of interest that have a folder. Of one among hundreds only its own is asked for. */
  const present = (): readonly string[] =>
    only === undefined ? foldersIn(runs) : inodeOf(join(runs, only)) === undefined ? [] : [only];
  const isWanted = (run: string): boolean => only === undefined || run === only;
  /** Output is of interest where one run is watched: elsewhere it would wake whoever waits for ends a thousand times a second. */
  const isTold = (file: string | null): boolean => only !== undefined || file === null || !/^(log|pipe)/.test(file);
  const lookAt = (run: string): Look => lookOf(join(runs, run), only !== undefined);

  const adopt = (): readonly string[] => {
    root ??= watched(runs, (_event, run) => (run === null || isWanted(run)) && hint());
    const fresh: string[] = [];
    for (const run of present()) {
      if (open.has(run) || ended.has(run)) continue;
      fresh.push(run);
      const found = watched(join(runs, run), (_event, file) => isTold(file) && hint(run));
      const look = lookAt(run);
      if (found && look.is !== "ended") open.set(run, { ...found, look, stamp: "" });
      else {
        found?.watcher?.close();
        ended.add(run);
      }
    }
    return fresh;
  };

  /** Does it look otherwise than before? What ended, or is another folder now, is let go. */
  const differs = (run: string, entry: WatchedRun): boolean => {
    const { inode, stamp } = stampOf(join(runs, run));
    if (stamp !== "" && stamp === entry.stamp && isLaunched(entry)) return false;
    const before = entry.look;
    const isMoved = inode !== entry.inode;
    Object.assign(entry, { look: lookAt(run), stamp });
    if (isMoved || entry.look.is === "ended") drop(run);
    if (!isMoved && entry.look.is === "ended") ended.add(run);
    return isMoved || entry.look.is !== before.is || entry.look.printed !== before.printed;
  };

  /** The next runs whose launchers are asked for. */
  const inTurn = (): readonly string[] => {
    if (turn.length === 0)
      turn = [...open].flatMap(
        ([
          run,
          {
            look: { launcher },
          },
        ]) => (launcher ? [run] : []),
      );
    return turn.splice(0, launchersPerLook);
  };

  const look = (all: boolean): readonly string[] => {
    // The archive may have moved all of it away, and another may have taken its place.
    const isMoved = root !== undefined && inodeOf(runs) !== root.inode;
    const lost = isMoved ? [...open.keys()] : [];
    if (isMoved) {
      close();
      ended = new Set();
    } else if (all) {
      const there = new Set(present());
      ended = new Set([...ended].filter((run) => there.has(run)));
    }
    const fresh = all || root?.watcher === undefined ? adopt() : [];
    const asked = new Set(all ? [] : inTurn());
    const told = [...open].filter(([run, entry]) => {
      const isTrusted = !all && entry.watcher !== undefined && (!asked.has(run) || isLaunched(entry));
      return !isTrusted && differs(run, entry);
    });
    return [...lost, ...fresh, ...told.map(([run]) => run)];
  };
  const renew = (told: ReadonlySet<string>): void => {
    for (const [run, entry] of open) if (told.has(run)) differs(run, entry);
  };
  return { adopt, renew, look, close };
};

const watched = (path: string, told: (event: string, file: string | null) => void): Watched | undefined => {
  const inode = inodeOf(path);
  if (inode === undefined) return undefined;
  // Gone meanwhile, or no watches left (ENOSPC, EMFILE; see inotify(7)): the look has to do.
  const watcher = unless(["ENOENT", "ENOSPC", "EMFILE", "EACCES"], () => watch(path, { persistent: false }, told));
  watcher?.on("error", () => watcher.close());
  return { inode, watcher };
};

/** Is there a process with the number of its launcher? */
const isLaunched = ({ look: { launcher } }: WatchedRun): boolean => launcher !== undefined && isThere(launcher.pid);

/** A folder's time moves in steps of the kernel's clock, and some file systems keep whole seconds. */
const steadyMs = 2500;

/** Inode of a folder and what changes with each file that comes into it. */
const stampOf = (path: string): { readonly inode: number | undefined; readonly stamp: string } => {
  const seen = unless(["ENOENT", "ENOTDIR"], () => statSync(path));
  const isSteady = seen !== undefined && Math.abs(Date.now() - seen.mtimeMs) > steadyMs;
  return { inode: seen?.ino, stamp: isSteady ? `${seen.ino} ${seen.mtimeMs}` : "" };
};

const inodeOf = (path: string): number | undefined => unless(["ENOENT", "ENOTDIR"], () => statSync(path).ino);

const foldersIn = (runs: string): readonly string[] => unless(["ENOENT"], () => readdirSync(runs)) ?? [];

const lookOf = (path: string, isPrinting: boolean): Look => {
  const folder = readRunFolder(path);
  const printed = isPrinting ? printedBytes(path) : 0;
  if (folder === undefined || folder.ended !== undefined) return { is: "ended", printed };
  if (folder.begun === undefined) return { is: "starting", printed };
  const { launcher } = folder.begun;
  return isAlive(launcher) ? { is: "alive", printed, launcher } : { is: "gone", printed };
};
