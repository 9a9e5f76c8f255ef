/** What a run wrote: hostile text, read as it is. */
import { join } from "node:path";

import { readPart } from "./file.ts";
import { folderOf } from "./run-folder.ts";
import type { RunArea } from "./run-folder.ts";

/** At most so much is read in one call. */
const outputBytesMax = 256 * 1024;

/** The last `bytes` of the output (at most 256 KiB), from the first whole character on; empty when there is none. */
export const readTail = (area: RunArea, run: string, bytes: number): string => {
  const wanted = Math.min(Math.max(0, bytes), outputBytesMax);
  const part = readPart(logOf(area, run), (size) => ({ from: Math.max(0, size - wanted), to: size }));
  const whole = part.length === wanted ? part.subarray(cutAhead(part)) : part;
  return whole.toString("utf8");
};

/**
 * Output from byte `from` on, at most 256 KiB. `next` is where to go on; it stays behind a character of which only a
 * part was written so far. A log that became shorter is gone on with from its new end.
 */
export const readOutput = (
  area: RunArea,
  run: string,
  from: number,
): { readonly text: string; readonly next: number } => {
  let start = Math.max(0, from);
  const part = readPart(logOf(area, run), (size) => {
    start = Math.min(start, size);
    return { from: start, to: Math.min(size, start + outputBytesMax) };
  });
  const whole = part.subarray(0, part.length - cutBehind(part));
  return { text: whole.toString("utf8"), next: start + whole.length };
};

const logOf = (area: RunArea, run: string): string => join(folderOf(area, run), "log");

/** Bytes at the start that are the rest of a UTF-8 character (10xxxxxx, at most 3). */
const cutAhead = (bytes: Buffer): number => {
  const count = bytes.subarray(0, 4).findIndex((byte) => (byte & 0xc0) !== 0x80);
  return Math.max(0, count);
};

/** Bytes at the end that are the begin of a UTF-8 character of which more is to come. */
const cutBehind = (bytes: Buffer): number => {
  for (let count = 1; count <= Math.min(3, bytes.length); count += 1) {
    const byte = bytes[bytes.length - count] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > count ? count : 0;
  }
  return 0;
};
