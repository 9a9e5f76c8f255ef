/** The mutex that polite foreign scripts know, held around the replacement of the tracker file. Nothing relies on it. */
import { lstatSync } from "node:fs";
import { codeOf } from "./fault.ts";

/** Tries and pause: about a quarter of a second in all, then we go on without it. */
const retries = { retries: 10, factor: 1, minTimeout: 25, maxTimeout: 25 };

/** Who holds longer than this is taken for dead by everybody. */
const staleMs = 5000;

/**
 * Do `act` while holding the lock folder `path`, or without it when it cannot be had in 250 ms. proper-lockfile lets
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
