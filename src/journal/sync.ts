/** Getting what was written onto the disk. */
import { constants } from "node:fs";
import { codeOf } from "./fault.ts";
import type { Files } from "./files.ts";

/**
 * Calls that overlap share a sync: each is covered by one that started after it asked. When one fails, those that wait
 * behind it fail with it.
 */
export const sharedSync = (sync: () => Promise<void>): (() => Promise<void>) => {
  let running: Promise<void> | undefined;
  let waiting: Promise<void> | undefined;
  const start = (): Promise<void> => {
    waiting = undefined;
    const mine = sync().finally(() => {
      if (running === mine) running = undefined;
    });
    running = mine;
    return mine;
  };
  return () => {
    if (waiting !== undefined) return waiting;
    if (running === undefined) return start();
    waiting = running.then(start);
    return waiting;
  };
};

/** A new file survives a power cut only when its folder is synced too. Whoever opens the log does it, once. */
export const syncFolder = async (files: Files, folder: string): Promise<void> => {
  const open = files.open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await files.fsync(open);
  } catch (error) {
    // Some file systems cannot sync a folder; there is nothing more that we could do.
    if (codeOf(error) !== "EINVAL") throw error;
  } finally {
    files.close(open);
  }
};
