/** Following the log: the file system's word when it comes, and a look every half second where it never does. */
import { watch } from "node:fs";
import type { FSWatcher } from "node:fs";
import { basename, dirname } from "node:path";
import type { Release } from "../port.ts";
import { codeOf } from "./fault.ts";
import { identityOf } from "./files.ts";
import type { Files } from "./files.ts";

/** Bind mounts, network file systems and exhausted inotify limits report nothing: look by ourselves this often. */
const lookEveryMs = 500;

/**
 * Call `changed` soon after the log at `path` grew, shrank, came or went, and once at the start; many changes at once are
 * one call, and after the last of them there is always one. Does not keep the process alive.
 */
export const followLog = (files: Files, path: string, changed: () => void): Release => {
  let last: string | undefined;
  let scheduled: NodeJS.Immediate | undefined;
  let watcher: FSWatcher | undefined;

  const look = (): boolean => {
    scheduled = undefined;
    const now = appearance(files, path);
    if (now === last) return false;
    last = now;
    changed();
    return true;
  };
  const soon = (): void => {
    scheduled ??= setImmediate(look);
  };
  const arm = (): void => {
    watcher?.close();
    watcher = watchFolder(path, soon, () => {
      watcher = undefined;
    });
  };

  arm();
  soon();
  const timer = setInterval(() => {
    // The watcher missed this one: it watches a folder that is gone, or there is none.
    if (look() || watcher === undefined) arm();
  }, lookEveryMs).unref();

  return () => {
    clearInterval(timer);
    clearImmediate(scheduled);
    watcher?.close();
  };
};

/** Changes whenever the log does. Where one may not even look, reading will say so: that is a change too. */
const appearance = (files: Files, path: string): string => {
  try {
    const seen = files.lstat(path);
    return seen === undefined ? "none" : `${identityOf(seen)} ${seen.size}`;
  } catch (error) {
    const code = codeOf(error);
    if (code === undefined) throw error;
    return code;
  }
};

/** A hint may be missing: no folder yet, or no watches left. */
const withoutHint: ReadonlySet<string | undefined> = new Set(["ENOENT", "ENOTDIR", "ENOSPC", "EMFILE", "EACCES"]);

const watchFolder = (path: string, touched: () => void, ended: () => void): FSWatcher | undefined => {
  const name = basename(path);
  try {
    const watcher = watch(dirname(path), { persistent: false }, (_kind, file) => {
      if (file === null || file === name) touched();
    });
    watcher.on("error", () => {
      watcher.close();
      ended();
    });
    return watcher;
  } catch (error) {
    if (withoutHint.has(codeOf(error))) return undefined;
    throw error;
  }
};
