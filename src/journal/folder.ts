/** The state folder: ours alone, for everything in it is believed. */
import { dirname, join } from "node:path";
import { codeOf, fault } from "./fault.ts";
import type { Files } from "./files.ts";

/** Stay where they are when the log starts anew: earlier archives, and the control repository that can be made again. */
const stays: ReadonlySet<string> = new Set(["archive", "control.git"]);

/** Make the state folder, for us only. Idempotent; throws when something unsafe is in its place. */
export const createFolder = (files: Files, folder: string): void => {
  makeFolder(files, folder);
  requireFolder(files, folder);
};

/** Make one folder that nobody else gets in, unless there is one. */
export const makeFolder = (files: Files, folder: string): void => {
  try {
    files.mkdir(folder, 0o700);
  } catch (error) {
    if (codeOf(error) === "EEXIST") return;
    throw fault(`${folder} cannot be made`, error);
  }
};

/**
 * Throw unless `folder` is a folder, no link, that nobody but its owner can write in; and the owner is us. Root may use
 * anybody's, as in containers, where the repository belongs to a user outside.
 */
export const requireFolder = (files: Files, folder: string): void => {
  const seen = files.lstat(folder);
  if (seen === undefined) throw new Error(`There is no folder ${folder}: make it with "lanes init".`);
  if (seen.isSymbolicLink()) throw unsafe(`${folder} is a symbolic link: put the folder itself there.`);
  if (!seen.isDirectory()) throw unsafe(`${folder} is not a folder: move it away, then try again.`);
  if ((seen.mode & 0o022) !== 0)
    throw unsafe(`Others can write in ${folder}: run "chmod go-w ${folder}", then try again.`);
  const self = process.getuid?.();
  if (self !== undefined && self !== 0 && seen.uid !== self)
    throw unsafe(`${folder} belongs to another user (uid ${seen.uid}): run this as that user.`);
};

/** What is in the folder's place cannot be ours. The code `EUNSAFE` is our own, for shells. */
const unsafe = (sentence: string): Error => Object.assign(new Error(sentence), { code: "EUNSAFE" });

/** Move what is in the state folder into `archive/<name>`, the log last: until then nothing has begun anew. */
export const archiveFolder = (files: Files, folder: string, log: string, name: string): string => {
  requireFolder(files, folder);
  const target = join(folder, "archive", name);
  if (dirname(target) !== join(folder, "archive")) throw new RangeError(`"${name}" is not a name for an archive.`);
  makeFolder(files, dirname(target));
  try {
    files.mkdir(target, 0o700);
    const names = files.readdir(folder).filter((entry) => !stays.has(entry) && entry !== log);
    for (const entry of names) files.rename(join(folder, entry), join(target, entry));
    if (files.lstat(join(folder, log)) !== undefined) files.rename(join(folder, log), join(target, log));
  } catch (error) {
    throw fault(`${folder} could not be moved to ${target}`, error);
  }
  return target;
};
