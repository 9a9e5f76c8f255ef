/** Reading a published file, which anybody may have replaced by anything. */
import { constants } from "node:fs";
import { codeOf } from "./fault.ts";
import { readRange } from "./files.ts";
import type { Files } from "./files.ts";

/** Largest file that is read. */
export const fileBytesMax: number = 16 * 1024 * 1024;

/** A FIFO must not block us, nor a link lead us elsewhere. */
const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

const unreadable: ReadonlySet<string | undefined> = new Set(["ENOENT", "ENOTDIR", "ELOOP", "EACCES", "ENXIO"]);

/** Text of the file at `path`; undefined when there is no regular file of at most 16 MiB that we may read. */
export const readPublished = (files: Files, path: string): string | undefined =>
  readWhole(files, path, fileBytesMax)?.toString("utf8");

/** Bytes of the file at `path`; undefined when there is no regular file of at most `bytesMax` that we may read. */
export const readWhole = (files: Files, path: string, bytesMax: number): Buffer | undefined => {
  let file: number;
  try {
    file = files.open(path, readFlags);
  } catch (error) {
    if (unreadable.has(codeOf(error))) return undefined;
    throw error;
  }
  try {
    const stats = files.fstat(file);
    if (!stats.isFile() || stats.size > bytesMax) return undefined;
    return readRange(files, file, 0, stats.size);
  } finally {
    files.close(file);
  }
};
