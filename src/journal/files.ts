/** The journal's own file layer: every call that can fail, so that a test can make the Nth one fail. */
import * as fs from "node:fs";
import type { Stats } from "node:fs";

/** Calls on files that the journal makes. `write` and `read` may be short; `lstat` answers undefined when nothing is there. */
export interface Files {
  open(path: string, flags: number, mode?: number): number;
  close(file: number): void;
  /** Bytes read into `into`, starting at byte `from` of the file. */
  read(file: number, into: Uint8Array, from: number): number;
  /** Bytes written by one system call. */
  write(file: number, bytes: Uint8Array): number;
  fdatasync(file: number): Promise<void>;
  fsync(file: number): Promise<void>;
  fstat(file: number): Stats;
  lstat(path: string): Stats | undefined;
  mkdir(path: string, mode: number): void;
  rename(from: string, to: string): void;
  link(from: string, to: string): void;
  unlink(path: string): void;
  readdir(path: string): string[];
}

const settled = (call: (done: (error: Error | null) => void) => void): Promise<void> =>
  new Promise((resolve, reject) => {
    call((error) => (error === null ? resolve() : reject(error)));
  });

/** The real thing. Small calls are synchronous, a few µs each; syncs may take milliseconds and are not. */
export const realFiles: Files = {
  open: (path, flags, mode) => fs.openSync(path, flags, mode),
  close: (file) => fs.closeSync(file),
  read: (file, into, from) => fs.readSync(file, into, 0, into.length, from),
  write: (file, bytes) => fs.writeSync(file, bytes, 0, bytes.length),
  fdatasync: (file) => settled((done) => fs.fdatasync(file, done)),
  fsync: (file) => settled((done) => fs.fsync(file, done)),
  fstat: (file) => fs.fstatSync(file),
  lstat: (path) => fs.lstatSync(path, { throwIfNoEntry: false }),
  mkdir: (path, mode) => fs.mkdirSync(path, mode),
  rename: (from, to) => fs.renameSync(from, to),
  link: (from, to) => fs.linkSync(from, to),
  unlink: (path) => fs.unlinkSync(path),
  readdir: (path) => fs.readdirSync(path),
};

/** Bytes `from` … `from + length` of a file, fewer where the file ends before that. */
export const readRange = (files: Files, file: number, from: number, length: number): Buffer => {
  const bytes = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const got = files.read(file, bytes.subarray(filled), from + filled);
    if (got === 0) break;
    filled += got;
  }
  return bytes.subarray(0, filled);
};

/** Write all of `bytes`, going on after short writes: for files that nobody else writes at the same time. */
export const writeAll = (files: Files, file: number, bytes: Uint8Array): void => {
  let written = 0;
  while (written < bytes.length) written += files.write(file, bytes.subarray(written));
};

/** Which file on disk this is, as long as somebody holds it open: `device:inode`. */
export const identityOf = (stats: Stats): string => `${stats.dev}:${stats.ino}`;
