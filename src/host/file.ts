/** Files that may not be there, and files that readers must see whole. */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { randomBytes } from "node:crypto";
import { dirname } from "node:path";

/** Codes of errno(3) that say: there is nothing that we could read. A process that ends while it is looked at gives ESRCH. */
const nothingThere: readonly string[] = ["ENOENT", "ENOTDIR", "ESRCH", "EACCES", "EPERM"];

/** Is `error` a system error with one of these codes? */
export const hasCode = (error: unknown, codes: readonly string[]): boolean =>
  error instanceof Error && "code" in error && typeof error.code === "string" && codes.includes(error.code);

/** What `act` returns, or undefined when it fails with one of these codes; any other failure is thrown on. */
export const unless = <T>(codes: readonly string[], act: () => T): T | undefined => {
  try {
    return act();
  } catch (error) {
    if (hasCode(error, codes)) return undefined;
    throw error;
  }
};

/** Codes that say: we cannot leave anything here, the disk being full, broken or not for us to write, or too much being open. */
export const cannotWrite: readonly string[] = [
  "EROFS",
  "EACCES",
  "EPERM",
  "ENOSPC",
  "EDQUOT",
  "EIO",
  "EMFILE",
  "ENFILE",
];

/** Text of a file of the system, or undefined when it is not there or not ours to read. */
export const readIfThere = (path: string): string | undefined => unless(nothingThere, () => readFileSync(path, "utf8"));

/** Text of a small file that others may have put there: at most 4 KiB of a regular file, empty when there is none. */
export const readSmall = (path: string): string =>
  readPart(path, (size) => ({ from: 0, to: Math.min(size, 4096) })).toString("utf8");

/** Replace a file so that a reader sees the old or the new one; 0600, in a folder that is made when it is missing. */
export const writeWhole = (path: string, text: string): void => {
  makeFolder(dirname(path));
  // Nobody can guess the name, and what stands there already is never written through.
  const fresh = `${path}.${randomBytes(8).toString("hex")}.new`;
  try {
    writeFileSync(fresh, text, { flag: "wx", mode: 0o600 });
    renameSync(fresh, path);
  } catch (error) {
    rmSync(fresh, { force: true });
    throw error;
  }
};

/**
 * Make a folder that only this user can look into, with those above it. Idempotent. One by one: on a read-only file system
 * Node's recursive call says ENOENT.
 */
export const makeFolder = (path: string): void => {
  try {
    makeOne(path);
  } catch (error) {
    if (!hasCode(error, ["ENOENT"]) || dirname(path) === path) throw error;
    makeFolder(dirname(path));
    makeOne(path);
  }
};

const makeOne = (path: string): void => {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (!hasCode(error, ["EEXIST"]) || !statSync(path).isDirectory()) throw error;
  }
};

/** Bytes `from` to `to` of a regular file, chosen by its size; none of a link, a pipe, a device or what is not there. */
export const readPart = (path: string, range: (size: number) => { from: number; to: number }): Buffer => {
  // To find out costs less than an error: most runs that are looked at have not ended.
  if (unless(nothingThere, () => lstatSync(path, { throwIfNoEntry: false })) === undefined) return Buffer.alloc(0);
  const descriptor = unless([...nothingThere, "ELOOP", "ENXIO"], () =>
    openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK),
  );
  if (descriptor === undefined) return Buffer.alloc(0);
  try {
    const seen = fstatSync(descriptor);
    if (!seen.isFile()) return Buffer.alloc(0);
    const { from, to } = range(seen.size);
    const bytes = Buffer.alloc(Math.max(0, to - from));
    return bytes.subarray(0, readSync(descriptor, bytes, 0, bytes.length, from));
  } finally {
    closeSync(descriptor);
  }
};
