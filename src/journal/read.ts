/** Reading the log: whole lines from a cursor on. */
import { constants } from "node:fs";
import { dirname } from "node:path";
import type { Entry } from "../core/event.ts";
import type { Cursor } from "../port.ts";
import { fault, LogReplaced } from "./fault.ts";
import { identityOf, readRange } from "./files.ts";
import type { Files } from "./files.ts";
import { requireFolder } from "./folder.ts";
import { eachLine, lineBytesMax, newline } from "./line.ts";

/** Read at once when there is much to read; what fits the processor's cache is parsed fastest. */
const chunkBytes = 64 * 1024;

/** A log that is replaced is noticed after this long at the latest while it still brings new lines, in ms; at once when it does not. */
const lookMs = 50;

/** New lines of a moment fit into this, as a rule. */
const nearBytes = 16 * 1024;

/** No link is followed, and a FIFO in the log's place does not block. */
const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * A reader of the log at `path`. It holds the file open, so that its inode stays what it is: reading the new bytes costs
 * one lstat and one pread. Throws `LogReplaced` when the log is no longer the one that the cursor came from.
 */
export const createReader = (
  files: Files,
  path: string,
): ((from: Cursor, each: (entry: Entry, byte: number) => void) => Cursor) => {
  let held: { readonly file: number; readonly identity: string } | undefined;

  const reopen = (): string => {
    if (held !== undefined) files.close(held.file);
    held = undefined;
    const file = openLog(files, path);
    held = { file, identity: identityOf(files.fstat(file)) };
    return held.identity;
  };

  let lookedAt = Number.NEGATIVE_INFINITY;
  const near = Buffer.allocUnsafe(nearBytes);

  /** The few new lines of a log that was there a moment ago, by one read; undefined when it takes more than that. */
  const readNear = (from: Cursor, each: (entry: Entry, byte: number) => void): Cursor | undefined => {
    if (!held || from.byte === 0 || from.file !== held.identity || process.uptime() * 1000 - lookedAt > lookMs)
      return undefined;
    const got = files.read(held.file, near, from.byte - 1);
    const chunk = near.subarray(0, got);
    const whole = chunk.lastIndexOf(newline) + 1;
    if (got === nearBytes || whole <= 1 || chunk[0] !== newline) return undefined;
    return {
      byte: from.byte - 1 + whole,
      position: eachLine(chunk.subarray(0, whole), from.position, (entry, at) => each(entry, from.byte - 1 + at)),
      file: held.identity,
    };
  };

  return (from, each) => {
    const next = readNear(from, each);
    if (next) return next;
    lookedAt = process.uptime() * 1000;
    const seen = files.lstat(path);
    if (seen === undefined && from.byte === 0) return from;
    if (seen === undefined) throw new LogReplaced(`${path} is gone.`);
    const identity = held?.identity === identityOf(seen) ? held.identity : reopen();
    if (from.byte > 0 && (from.file ?? identity) !== identity) throw new LogReplaced(`${path} is another file now.`);
    if (seen.size < from.byte) throw new LogReplaced(`${path} is shorter than before.`);
    if (seen.size === from.byte || held === undefined) return from;
    return { ...scan({ files, path, file: held.file, size: seen.size, each }, from), file: identity };
  };
};

/** The log open for reading. Throws when something else is in its place. */
const openLog = (files: Files, path: string): number => {
  requireFolder(files, dirname(path));
  let file: number;
  try {
    file = files.open(path, readFlags);
  } catch (error) {
    throw fault(`${path} cannot be read`, error);
  }
  if (files.fstat(file).isFile()) return file;
  files.close(file);
  throw new Error(`${path} is not a regular file: move it away, then try again.`);
};

/** An open log, how much of it is looked at, and who is told. */
export interface Scan {
  readonly files: Files;
  readonly path: string;
  readonly file: number;
  readonly size: number;
  readonly each: (entry: Entry, byte: number) => void;
}

/** Every whole line of an open log from a cursor on. Nothing about the folder around it is asked. */
export const scan = (log: Scan, from: Cursor): Cursor => {
  let { position } = from;
  // The newline before the cursor is read again: an empty line is no position, and any other byte tells a foreign file.
  let byte = Math.max(0, from.byte - 1);
  let want = chunkBytes;
  while (byte < log.size) {
    const chunk = readRange(log.files, log.file, byte, Math.min(want, log.size - byte));
    if (byte < from.byte && chunk[0] !== newline) throw new LogReplaced(`${log.path} has other lines than before.`);
    const whole = chunk.lastIndexOf(newline) + 1;
    if (whole > 0) {
      const base = byte;
      position = eachLine(chunk.subarray(0, whole), position, (entry, at) => log.each(entry, base + at));
      byte += whole;
      want = chunkBytes;
    } else if (chunk.length < want) break;
    else if (want === chunkBytes) want = lineBytesMax + 1;
    else {
      const next = endOfLine(log, byte + chunk.length);
      if (next === undefined) break;
      position += 1;
      log.each({ position, damaged: `it is longer than ${lineBytesMax} bytes` }, byte);
      byte = next;
    }
  }
  return { byte: Math.max(byte, from.byte), position };
};

/** The byte after the next newline, found without keeping what lies before it. */
const endOfLine = ({ files, file, size }: Scan, from: number): number | undefined => {
  for (let byte = from; byte < size; byte += chunkBytes) {
    const at = readRange(files, file, byte, Math.min(chunkBytes, size - byte)).indexOf(newline);
    if (at !== -1) return byte + at + 1;
  }
  return undefined;
};
