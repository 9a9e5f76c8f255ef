/** Noticing that a run started, wrote output or ended: hints from the file system, and a look every second. */
import { existsSync, mkdirSync, readdirSync, statSync, watch } from "node:fs";
import type { FSWatcher } from "node:fs";
import { join } from "node:path";

import type { Release } from "../port.ts";
import { cannotWrite, unless } from "./file.ts";
import { isAlive } from "./identity.ts";
import { printedBytes } from "./output.ts";
import { readRunFolder, runsOf } from "./run-folder.ts";
import type { RunArea } from "./run-folder.ts";

/** At most one call so often. */
const callMs = 50;
/** The look that finds what no hint told: a launcher that was killed, a file system or user without watches left. */
const lookMs = 1000;

/** Call `changed` soon after something changed, never missing the last change. Keeps no process alive. */
export const watchRuns = (area: RunArea, changed: () => void): Release => {
  let last = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  const hint = (): void => {
    timer ??= setTimeout(call, Math.min(callMs, Math.max(0, last + callMs - performance.now()))).unref();
  };
  const folders = watchFolders(area, hint);
  const call = (): void => {
    timer = undefined;
    last = performance.now();
    // First the watches: what is written from now on gives another hint.
    folders.adopt();
    changed();
  };
  let before = folders.look();
  const look = setInterval(() => {
    const now = folders.look();
    if (now !== before) hint();
    before = now;
  }, lookMs).unref();
  return () => {
    clearInterval(look);
    clearTimeout(timer);
    folders.close();
  };
};

interface WatchedFolders {
  /** Watch runs that are new. Cheap: one listing of `runs/`. */
  adopt(): void;
  /** Adopt, forget what ended or moved, and say how the unfinished runs look. */
  look(): string;
  close(): void;
}

const watchFolders = (area: RunArea, hint: () => void): WatchedFolders => {
  const runs = runsOf(area);
  const open = new Map<string, Watched>();
  let ended = new Set<string>();
  // Made early, so that the first run is noticed; not where there is no state, or nothing can be written.
  unless(["ENOENT", "EEXIST", ...cannotWrite], () => mkdirSync(runs, { mode: 0o700 }));
  const drop = (path: string): void => {
    open.get(path)?.watcher?.close();
    open.delete(path);
  };
  const adopt = (): void => {
    if (!open.has(runs)) keep(open, runs, hint);
    for (const path of runFolders(runs)) {
      if (open.has(path) || ended.has(path)) continue;
      if (existsSync(join(path, "exit"))) ended.add(path);
      else keep(open, path, hint);
    }
  };
  const look = (): string => {
    // The archive may have moved a folder away, and another may have taken its place.
    for (const [path, { inode }] of open) if (inodeOf(path) !== inode) drop(path);
    const present = new Set(runFolders(runs));
    ended = new Set([...ended].filter((path) => present.has(path)));
    adopt();
    const looks = [...open.keys()].filter((path) => path !== runs).map((path) => [path, lookOf(path)] as const);
    for (const [path, seen] of looks) if (seen === "ended") ended.add(path);
    for (const path of ended) drop(path);
    return JSON.stringify([looks, [...ended]]);
  };
  return { adopt, look, close: () => [...open.keys()].forEach(drop) };
};

/** A folder that is looked at, and its watch, when the system gave us one. */
interface Watched {
  readonly inode: number;
  readonly watcher: FSWatcher | undefined;
}

const keep = (open: Map<string, Watched>, path: string, hint: () => void): void => {
  const inode = inodeOf(path);
  if (inode === undefined) return;
  // Gone meanwhile, or no watches left (ENOSPC, EMFILE; see inotify(7)): the look has to do.
  const watcher = unless(["ENOENT", "ENOSPC", "EMFILE", "EACCES"], () => watch(path, { persistent: false }, hint));
  watcher?.on("error", () => watcher.close());
  open.set(path, { inode, watcher });
};

const inodeOf = (path: string): number | undefined => unless(["ENOENT", "ENOTDIR"], () => statSync(path).ino);

const runFolders = (runs: string): readonly string[] =>
  (unless(["ENOENT"], () => readdirSync(runs)) ?? []).map((name) => join(runs, name));

/** What a run shows without a search for its processes. */
const lookOf = (path: string): string => {
  const folder = readRunFolder(path);
  if (folder === undefined || folder.ended !== undefined) return "ended";
  const size = printedBytes(path);
  if (folder.begun === undefined) return `starting ${size}`;
  return `${isAlive(folder.begun.launcher) ? "alive" : "gone"} ${size}`;
};
