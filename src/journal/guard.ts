/** The mutex that polite foreign scripts know, held around the replacement of the tracker file. Nothing relies on it. */
import type { Files } from "./files.ts";
import { codeOf } from "./fault.ts";

/** Tries and pause: about a quarter of a second in all, then we go on without it. */
const retries = { retries: 10, factor: 1, minTimeout: 25, maxTimeout: 25 };

/** Who holds longer than this is taken for dead by everybody. */
const staleMs = 5000;

/**
 * Do `act` while holding the lock folder `path`, or without it when it cannot be had in 250 ms. proper-lockfile lets
 * several in at once after a stall or with a wrong clock, so that `act` must be right without it.
 */
export const guarded = async (files: Files, path: string, act: () => void): Promise<void> => {
  const release = await acquire(files, path);
  try {
    act();
  } finally {
    await release();
  }
};

const acquire = async (files: Files, path: string): Promise<() => Promise<void>> => {
  const { lock } = await import("proper-lockfile");
  let lost = false;
  const onCompromised = (): void => {
    lost = true;
  };
  let unlock: () => Promise<void>;
  try {
    unlock = await lock(path, { lockfilePath: path, realpath: false, stale: staleMs, retries, onCompromised });
  } catch (error) {
    // Held by another, or a file, a full folder, a link in its place: whatever the system says, it is only a courtesy.
    if (codeOf(error) === undefined) throw error;
    return async () => {};
  }
  const ours = files.lstat(path)?.ino;
  return async () => {
    // Its release would remove the lock of whoever took it over from us.
    if (!lost && files.lstat(path)?.ino === ours) await unlock().catch(unlessSystem);
  };
};

const unlessSystem = (error: unknown): void => {
  if (codeOf(error) === undefined) throw error;
};
