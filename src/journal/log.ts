/** Appending to the log: one record, one write, synced before it is said to be kept. No lock. */
import { constants } from "node:fs";
import type { LogRecord } from "../core/event.ts";
import { fault } from "./fault.ts";
import { identityOf, readRange } from "./files.ts";
import type { Files } from "./files.ts";
import { requireFolder } from "./folder.ts";
import { encode, newline } from "./line.ts";
import { sharedSync, syncFolder } from "./sync.ts";

/** Times that a record is written before giving up: short writes, and lines that a foreign torn write spoiled. */
const writesMax = 5;

/** Foreign bytes since our look that are searched for our line; past that it is written again, which does no harm. */
const searchBytesMax = 64 * 1024 * 1024;

/** The log is opened for reading too, to see that our line stands. No link is followed, a FIFO does not block. */
const appendFlags =
  constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;

interface OpenLog {
  readonly file: number;
  readonly identity: string;
  /** Appends that still need the file. */
  users: number;
  /** Size of the file at which it is known to end with a whole line: ours. */
  whole: number;
  /** No longer the log, or not to be trusted after a failed sync: closed with the last user. */
  retired: boolean;
  readonly sync: () => Promise<void>;
}

interface Found {
  readonly log: OpenLog;
  readonly size: number;
}

/**
 * A writer for the log `path` in `folder`. The line is written when the call returns, so that it can be read back while
 * the disk works; the promise resolves when the line is whole and on disk. When it rejects, the outcome is unknown: the
 * record may yet be found in the log, so the caller tries again with the same id.
 */
export const createWriter = (files: Files, folder: string, path: string): ((record: LogRecord) => Promise<void>) => {
  let held: OpenLog | undefined;

  const retire = (log: OpenLog): void => {
    log.retired = true;
    if (held === log) held = undefined;
    closeIfIdle(files, log);
  };

  const current = (): Found => {
    const seen = files.lstat(path);
    if (held !== undefined && seen !== undefined && held.identity === identityOf(seen))
      return { log: held, size: seen.size };
    if (held !== undefined) retire(held);
    held = openLog(files, folder, path);
    return { log: held, size: files.fstat(held.file).size };
  };

  /** Have the disk take what was just written to `log`. */
  const sync = async (log: OpenLog): Promise<void> => {
    log.users += 1;
    try {
      await log.sync();
    } catch (error) {
      // The system reports a failed write-back once per open file; the next sync would call lost bytes kept.
      retire(log);
      throw fault(`${path} could not be synced`, error);
    } finally {
      log.users -= 1;
      closeIfIdle(files, log);
    }
  };

  /** Write the line until it stands whole in the log. What the disk then still works on goes into `syncs`. */
  const place = (line: Buffer, syncs: Promise<void>[]): void => {
    for (let write = 0; write < writesMax; write += 1) {
      const { log, size } = current();
      try {
        const torn = size > 0 && size !== log.whole && readRange(files, log.file, size - 1, 1)[0] !== newline;
        // After a torn line, or a short write of our own: end that line and write the record anew, whole.
        const bytes = torn ? Buffer.concat([Buffer.of(newline), line]) : line;
        files.write(log.file, bytes);
        // The disk works while we look: of many writers, those that are quick come into its next round together.
        syncs.push(sync(log));
        if (!stands(files, log.file, size, line, bytes.length)) continue;
        log.whole = size + bytes.length;
        return;
      } catch (error) {
        throw fault(`${path} could not be appended to`, error);
      }
    }
    throw new Error(`${path} could not be appended to: ${writesMax} writes were cut short. Try again.`);
  };

  return async (record) => {
    const line = encode(record);
    const syncs: Promise<void>[] = [];
    try {
      place(line, syncs);
    } catch (error) {
      await Promise.allSettled(syncs);
      throw error;
    }
    await Promise.all(syncs);
  };
};

const closeIfIdle = (files: Files, log: OpenLog): void => {
  if (log.retired && log.users === 0) files.close(log.file);
};

const openLog = (files: Files, folder: string, path: string): OpenLog => {
  requireFolder(files, folder);
  let file: number;
  try {
    file = files.open(path, appendFlags, 0o600);
  } catch (error) {
    throw fault(`${path} cannot be opened for writing`, error);
  }
  const stats = files.fstat(file);
  if (!stats.isFile()) {
    files.close(file);
    throw new Error(`${path} is not a regular file: move it away, then try again.`);
  }
  let named = false;
  const sync = sharedSync(async () => {
    await files.fdatasync(file);
    if (!named) await syncFolder(files, folder);
    named = true;
  });
  return { file, identity: identityOf(stats), users: 0, whole: 0, retired: false, sync };
};

/**
 * Is `line` a line of its own at or after byte `from`? The write may have been short, and another process may have left a
 * torn line that ours is glued to.
 */
const stands = (files: Files, file: number, from: number, line: Buffer, written: number): boolean => {
  const start = Math.max(0, from - 1);
  if (isLine(readRange(files, file, start, from - start + written), line, start)) return true;
  const { size } = files.fstat(file);
  return size - start <= searchBytesMax && isLine(readRange(files, file, start, size - start), line, start);
};

const isLine = (bytes: Buffer, line: Buffer, start: number): boolean => {
  for (let at = bytes.indexOf(line); at !== -1; at = bytes.indexOf(line, at + 1))
    if (at === 0 ? start === 0 : bytes[at - 1] === newline) return true;
  return false;
};
