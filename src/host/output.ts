/** What a run wrote: hostile text, read as it is. Of much output only the beginning and the end are there. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

import { readPart, unless } from "./file.ts";
import { folderOf } from "./run-folder.ts";
import type { RunArea } from "./run-folder.ts";

/** At most so much is read in one call. */
const outputBytesMax = 256 * 1024;

/** A file of the output, as assets/launcher.sh keeps it: `from` is the first byte's place in all that was printed. */
interface Part {
  readonly path: string;
  readonly from: number;
  readonly to: number;
}

/** The last `bytes` of the output (at most 256 KiB), from the first whole character on; empty when there is none. */
export const readTail = (area: RunArea, run: string, bytes: number): string => {
  const wanted = Math.min(Math.max(0, bytes), outputBytesMax);
  const parts = partsIn(folderOf(area, run));
  const end = parts.at(-1)?.to ?? 0;
  const start = Math.max(end - wanted, beginOfEnd(parts));
  const found = readParts(parts, start, end);
  const whole = found.length === wanted ? found.subarray(cutAhead(found)) : found;
  return whole.toString("utf8");
};

/**
 * Output from byte `from` of all that was printed on, at most 256 KiB. `next` is where to go on; it stays behind a character
 * of which only a part was written so far. A line tells of output that was not kept. A log that became shorter is gone on
 * with from its new end.
 */
export const readOutput = (
  area: RunArea,
  run: string,
  from: number,
): { readonly text: string; readonly next: number } => {
  const parts = partsIn(folderOf(area, run));
  const asked = Math.min(Math.max(0, from), parts.at(-1)?.to ?? 0);
  const part = parts.find(({ to }) => asked < to);
  const start = Math.max(asked, part?.from ?? 0);
  const until = start + outputBytesMax;
  const found = readParts(parts, start, until);
  const isLast = start + found.length >= (parts.at(-1)?.to ?? 0);
  const whole = isLast || found.length === outputBytesMax ? found.subarray(0, found.length - cutBehind(found)) : found;
  const gap = start > asked ? `\n[lanes: ${start - asked} bytes of output were not kept]\n` : "";
  return { text: gap + whole.toString("utf8"), next: start + whole.length };
};

/** How much a run has printed so far, in bytes. */
export const printedBytes = (folder: string): number => partsIn(folder).at(-1)?.to ?? 0;

/** The files of the output in their order; a name that only looks like one is none. */
const partsIn = (folder: string): readonly Part[] => {
  const names = unless(["ENOENT", "ENOTDIR", "EACCES"], () => readdirSync(folder)) ?? [];
  const found = names.flatMap((name): Part[] => {
    const [, offset] = /^log(?:\.(\d{1,15}))?$/.exec(name) ?? [undefined, undefined];
    if (name !== "log" && offset === undefined) return [];
    const path = join(folder, name);
    const size = unless(["ENOENT", "EACCES", "ELOOP"], () => statSync(path).size) ?? 0;
    const from = Number(offset ?? 0);
    return [{ path, from, to: from + size }];
  });
  return found.toSorted((a, b) => a.from - b.from);
};

/** Where what is kept of the end begins, without a gap. */
const beginOfEnd = (parts: readonly Part[]): number => {
  let begin = parts.at(-1)?.from ?? 0;
  for (const { from, to } of parts.toReversed()) if (to >= begin) begin = Math.min(begin, from);
  return begin;
};

/** Bytes `start` to `end` as far as the files follow each other without a gap. */
const readParts = (parts: readonly Part[], start: number, end: number): Buffer => {
  const pieces: Buffer[] = [];
  let at = start;
  for (const { path, from, to } of parts) {
    if (to <= at || at >= end) continue;
    if (from > at) break;
    const piece = readPart(path, (size) => ({ from: at - from, to: Math.min(size, end - from) }));
    pieces.push(piece);
    at += piece.length;
    if (at < to) break;
  }
  return Buffer.concat(pieces);
};

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
