/** Files of git that may not be there. */
import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readSync } from "node:fs";

/** The answer of a file operation, or `otherwise` when the file is not there. Every other fault is thrown on. */
export const missing = async <Answer, Otherwise>(
  answer: Promise<Answer>,
  otherwise: Otherwise,
): Promise<Answer | Otherwise> => {
  try {
    return await answer;
  } catch (error) {
    return none(error, otherwise);
  }
};

const none = <Otherwise>(error: unknown, otherwise: Otherwise): Otherwise => {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "ENOENT" || code === "ENOTDIR") return otherwise;
  throw error;
};

/** Files that git writes about a worktree are a line long; of what is longer, more is not read. */
const smallBytesMax = 64 * 1024;

/**
 * Text of one of git's small files, or undefined when there is none, or something that is no file. At once: a look at hundreds of
 * worktrees asks for a thousand of them, and each would cost ten times as much through the pool of threads.
 */
export const smallText = (path: string): string | undefined => {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    return none(error, undefined);
  }
  try {
    const seen = fstatSync(file);
    if (!seen.isFile()) return undefined;
    const bytes = Buffer.allocUnsafe(Math.min(seen.size, smallBytesMax));
    return bytes.toString("utf8", 0, readSync(file, bytes, 0, bytes.length, 0));
  } finally {
    closeSync(file);
  }
};

/** Names in a folder of git's, at once; none when it is not there. */
export const namesIn = (folder: string): readonly string[] => {
  try {
    return readdirSync(folder);
  } catch (error) {
    return none(error, []);
  }
};

/** Is there a real directory (not a link to one) at `path`? */
export const isDirectory = (path: string): boolean =>
  lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
