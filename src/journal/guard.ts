/** The mutex that polite foreign scripts know, held around the replacement of the tracker file. Nothing relies on it. */
import { lstatSync } from "node:fs";
import { codeOf } from "./fault.ts";

/**
 * Tries and pause: about half a second in all, then we go on without it. Scripts that write one after another leave it free for
 * a millisecond at a time: who looks rarely never gets it, and who goes on without it may meet one of them.
 */
const retries = { retries: 100, factor: 1, minTimeout: 5, maxTimeout: 5 };

/** Who holds longer than this is taken for dead by everybody. */
const staleMs = 5000;

/**
 * Do `act` while holding the lock folder `path`, or without it when it cannot be had in half a second. proper-lockfile lets
 * several in at once after a stall or with a wrong clock, so that `act` must be right without it.
 */
export const guarded = async (path: string, act: () => void): Promise<void> => {
  const release = await acquire(path);
  try {
    act();
  } finally {
    await release();
  }
};

type Unlock = () => Promise<void>;

const acquire = async (path: string): Promise<Unlock> => {
  // CommonJS: in the built program only its default export is there.
  const { default: lockfile } = await import("proper-lockfile");
  let lost = false;
  const onCompromised = (): void => {
    lost = true;
  };
  const taken = await unlessSystem(async () => {
    const unlock = await lockfile.lock(path, {
      lockfilePath: path,
      realpath: false,
      stale: staleMs,
      retries,
      onCompromised,
    });
    return { unlock, inode: lstatSync(path).ino };
  });
  return async () => {
    await unlessSystem(async () => {
      // Its release would remove the lock of whoever took it over from us.
      if (taken !== undefined && !lost && lstatSync(path).ino === taken.inode) await taken.unlock();
    });
  };
};

/** Held by another; a file, a full folder, a link in its place; gone: whatever the system says, it is only a courtesy. */
const unlessSystem = async <Answer>(act: () => Promise<Answer>): Promise<Answer | undefined> => {
  try {
    return await act();
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return undefined;
  }
};
