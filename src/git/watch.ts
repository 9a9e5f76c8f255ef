/** Hints that refs, HEADs or indexes moved. Watches git's admin folders only, never the files of a worktree. */
import { lstatSync, watch as watchFolder } from "node:fs";
import type { FSWatcher } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";

import type { Release } from "../port.ts";
import { missing } from "./absent.ts";
import type { Context } from "./call.ts";
import { adminOf, lanePath } from "./place.ts";

/**
 * Tell, at most every 25 ms, which lanes moved; an empty list when only the target or the refs as a whole did. Folders that
 * are not there yet, or went and came back, are watched as soon as they appear. Never keeps the process alive.
 */
export const watch = (context: Context, lanes: readonly string[], changed: Changed): Release => {
  const moved = new Set<string>();
  const watched = new Map<string, Watched>();
  let timer: NodeJS.Timeout | undefined;
  let over = false;
  const flush = (): void => {
    timer = undefined;
    const told = [...moved].filter((lane) => lane !== everything);
    // Folders of worktrees come and go with `worktrees`, which speaks for everything.
    void arm(moved.has(everything) ? lanes : told);
    moved.clear();
    changed(told);
  };
  const note = (lane: string): void => {
    moved.add(lane);
    timer ??= setTimeout(flush, debounceMs).unref();
  };
  const arm = async (some: readonly string[]): Promise<void> => {
    const folders = await foldersOf(context, some);
    if (!over) rearm(watched, folders, new Set(some), note);
  };
  void arm(lanes);
  return () => {
    over = true;
    clearTimeout(timer);
    for (const { watcher } of watched.values()) watcher.close();
  };
};

type Changed = (lanes: readonly string[]) => void;

const debounceMs = 25;
/** Stands for the target and the refs as a whole; no lane can be called so. */
const everything = "";

interface Watched {
  readonly lane: string;
  readonly watcher: FSWatcher;
  /** Of the folder when the watch began: one of the same name that came later is another. */
  readonly inode: number;
}

/**
 * Each folder to watch with the lane that it speaks for. `pack-refs` removes folders below `refs/heads`, admin folders and
 * their `logs` stay; `worktrees` tells of lanes that come, ours of worktrees that somebody deletes, `hooks` and `info` of what an agent may have set up.
 */
const foldersOf = async (context: Context, lanes: readonly string[]): Promise<Map<string, string>> => {
  const { common } = context.layout;
  const { worktrees } = context.layout;
  const shared = [
    worktrees,
    common,
    ...["logs", "worktrees", "reftable", "hooks", "info"].map((name) => join(common, name)),
  ];
  const branches = await branchFolders(join(common, "refs", "heads"));
  const folders = new Map([...shared, ...branches].map((folder) => [folder, everything]));
  for (const lane of lanes) {
    const admin = await adminOf(common, lanePath(context.layout, lane));
    if (admin === undefined) continue;
    folders.set(admin, lane);
    folders.set(join(admin, "logs"), lane);
  }
  return folders;
};

/** The target may be `release/2`: its folder is watched too. Lanes have better places than theirs. */
const branchFolders = async (heads: string): Promise<readonly string[]> => {
  const entries = await missing(readdir(heads, { withFileTypes: true }), []);
  const below = entries
    .filter((entry) => entry.isDirectory() && entry.name !== "lane")
    .map((entry) => join(heads, entry.name));
  return [heads, ...below.slice(0, branchFoldersMax)];
};

const branchFoldersMax = 100;

/** See to it that these folders are watched, and of the lanes in question no others. */
const rearm = (
  watched: Map<string, Watched>,
  folders: ReadonlyMap<string, string>,
  asked: ReadonlySet<string>,
  note: (lane: string) => void,
): void => {
  for (const [folder, { lane, watcher, inode }] of watched) {
    if (lane !== everything && !asked.has(lane)) continue;
    if (folders.has(folder) && inodeOf(folder) === inode) continue;
    watcher.close();
    watched.delete(folder);
  }
  for (const [folder, lane] of folders) {
    const inode = inodeOf(folder);
    if (inode === undefined || watched.has(folder)) continue;
    const watcher = open(folder, () => note(lane));
    if (watcher !== undefined) watched.set(folder, { lane, watcher, inode });
  }
};

const inodeOf = (folder: string): number | undefined => {
  const seen = lstatSync(folder, { throwIfNoEntry: false });
  return seen?.isDirectory() === true ? seen.ino : undefined;
};

/** Without a watch there is still the engine's regular look: running out of watches, or a folder that just went, is no fault. */
const tolerable: ReadonlySet<string> = new Set(["ENOENT", "ENOTDIR", "ENOSPC", "EMFILE", "ENFILE", "EACCES", "EPERM"]);

const open = (folder: string, note: () => void): FSWatcher | undefined => {
  try {
    const watcher = watchFolder(folder, { persistent: false }, (_event, name) => {
      if (name?.endsWith(".lock") !== true) note();
    });
    // The folder was removed under the watch: the next change arms it anew.
    watcher.on("error", note);
    return watcher;
  } catch (error) {
    if (tolerable.has((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
};
