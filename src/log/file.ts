/** A file of lines that never grows beyond its cap: full, it becomes `<path>.1`, and the one before that goes. */
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { randomBytes } from "node:crypto";
import { basename, dirname, join } from "node:path";

/** Bytes of one file; two are kept. */
const bytesMax = 1024 * 1024;
/** A file that was set aside this long ago belongs to a process that was killed, in ms. */
const abandonedMs = 60_000;

/** Takes whole lines. */
export interface RotatingFile {
  /** Append a line; nothing where the disk, or what stands in the file's place, does not allow it. */
  write(line: string): void;
}

/** No link is followed, and a pipe in its place does not block. */
const flags = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** The file at `path`, opened anew for each line: several processes write it, and any of them may put it aside. */
export const createRotatingFile = (path: string, cap: number = bytesMax): RotatingFile => ({
  write: (line) =>
    unlessSystem(() => {
      const seen = lstatSync(path, { throwIfNoEntry: false });
      if (seen?.isFile() === true && seen.size + Buffer.byteLength(line) > cap) unlessSystem(() => rotate(path, cap));
      append(path, line);
    }),
});

const append = (path: string, line: string): void => {
  const file = openSync(path, flags, 0o600);
  try {
    const seen = fstatSync(file);
    const { mode, size } = seen;
    if (!seen.isFile()) return;
    if ((mode & 0o077) !== 0) fchmodSync(file, 0o600);
    // The disk was full in the middle of a line: the next one begins anew.
    const last = Buffer.alloc(1, "\n");
    if (size > 0) readSync(file, last, 0, 1, size - 1);
    writeSync(file, last.toString("latin1") === "\n" ? line : `\n${line}`);
  } finally {
    closeSync(file);
  }
};

/**
 * Put the full file aside. Two processes may find it full at the same time, and the later one take the young file that the first has begun:
 * so each takes what is there under a name of its own, and looks at what it got before the older file goes.
 */
const rotate = (path: string, cap: number): void => {
  sweep(path);
  const aside = `${path}.${randomBytes(8).toString("hex")}`;
  renameSync(path, aside);
  try {
    if (lstatSync(aside).size > cap / 2) renameSync(aside, `${path}.1`);
    else append(path, readFileSync(aside, "utf8"));
  } finally {
    rmSync(aside, { force: true });
  }
};

const sweep = (path: string): void => {
  const [folder, name] = [dirname(path), basename(path)];
  for (const entry of readdirSync(folder)) {
    const isAside = entry.startsWith(`${name}.`) && /^[0-9a-f]{16}$/.test(entry.slice(name.length + 1));
    if (!isAside) continue;
    const left = join(folder, entry);
    const { ctimeMs } = lstatSync(left);
    if (Date.now() - ctimeMs > abandonedMs) rmSync(left, { force: true });
  }
};

/** The repository is gone, the disk full, the place taken: nobody is left to tell. */
const unlessSystem = (act: () => void): void => {
  try {
    act();
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
  }
};
