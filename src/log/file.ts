/** A file of lines that never grows beyond its cap: full, it becomes `<path>.1`, and the one before that goes. */
import { closeSync, constants, fchmodSync, fstatSync, lstatSync, openSync, renameSync, writeSync } from "node:fs";

/** Bytes of one file; two are kept. */
export const bytesMax: number = 1024 * 1024;

/** Takes whole lines. */
export interface RotatingFile {
  /** Append a line; nothing where the disk, or what stands in the file's place, does not allow it. */
  write(line: string): void;
}

/** No link is followed, and a pipe in its place does not block. */
const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** The file at `path`, opened anew for each line: several processes write it, and any of them may put it aside. */
export const createRotatingFile = (path: string, cap: number = bytesMax): RotatingFile => ({
  write: (line) =>
    unlessSystem(() => {
      const seen = lstatSync(path, { throwIfNoEntry: false });
      if (seen?.isFile() === true && seen.size + line.length > cap) renameSync(path, `${path}.1`);
      const file = openSync(path, flags, 0o600);
      try {
        const { mode } = fstatSync(file);
        if ((mode & 0o077) !== 0) fchmodSync(file, 0o600);
        writeSync(file, line);
      } finally {
        closeSync(file);
      }
    }),
});

/** The repository is gone, the disk full, the place taken: nobody is left to tell. */
const unlessSystem = (act: () => void): void => {
  try {
    act();
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
  }
};
