/** Publication: readers see the old file or the new one, whole. */
import { constants } from "node:fs";
import type { Stats } from "node:fs";
import { basename, dirname, join } from "node:path";
import { crc32 } from "node:zlib";
import { codeOf, fault } from "./fault.ts";
import { identityOf, writeAll } from "./files.ts";
import type { Files } from "./files.ts";
import { makeFolder, requireFolder } from "./folder.ts";
import { guarded } from "./guard.ts";
import { readPublished } from "./published.ts";
import { adopt, keepRejected, sweep, temporaryName } from "./rejected.ts";

/** The file that people and scripts edit: what is found in its place is never destroyed unseen. */
const edited = "tracker.json";

/** What this process published last under a name, and what the file looked like. */
interface Published {
  readonly text: string;
  readonly appearance: string;
}

interface Replacement {
  /** The new file, written and synced. */
  readonly temporary: string;
  readonly path: string;
  readonly text: string;
  readonly known: Published | undefined;
}

/**
 * A publisher for the files in the state folder. Calls take effect in their order. Names are file names, or paths of
 * them below the state folder.
 */
export const createPublisher = (files: Files, folder: string): ((name: string, text: string) => Promise<void>) => {
  const last = new Map<string, Published>();
  let queue: Promise<void> = Promise.resolve();

  const publish = async (name: string, text: string): Promise<void> => {
    requireFolder(files, folder);
    const path = join(folder, name);
    const known = last.get(name);
    const seen = files.lstat(path);
    if (known?.text === text && seen !== undefined && known.appearance === appearanceOf(seen)) return;
    if (known === undefined) prepare(files, folder, path);
    const temporary = await writeTemporary(files, path, text);
    const appearance = appearanceOf(files.lstat(temporary));
    try {
      const replacement = { temporary, path, text, known };
      const lock = join(folder, "locks", "tracker.lck");
      if (name === edited) await guarded(lock, () => replaceEdited(files, folder, replacement));
      else replace(files, folder, replacement);
    } catch (error) {
      if (files.lstat(temporary) !== undefined) files.unlink(temporary);
      throw fault(`${path} could not be published`, error);
    }
    last.set(name, { text, appearance });
  };

  return (name, text) => {
    const turn = queue.then(() => publish(name, text));
    queue = turn.then(nothing, nothing);
    return turn;
  };
};

/** The caller hears of a failure; the next publication does not depend on it. */
const nothing = (): void => undefined;

const appearanceOf = (stats: Stats | undefined): string =>
  stats === undefined ? "" : `${identityOf(stats)} ${stats.size} ${stats.mtimeMs}`;

/** Folders that a publication needs; and what killed processes left behind goes. */
const prepare = (files: Files, folder: string, path: string): void => {
  const missing: string[] = [];
  for (let at = dirname(path); at.length > folder.length; at = dirname(at)) missing.unshift(at);
  for (const each of [...missing, join(folder, "locks"), join(folder, "rejected")]) makeFolder(files, each);
  sweep(files, dirname(path));
  adopt(files, folder);
};

const createFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** Write and sync a file of ours beside `path`, to be renamed to it; answers where. */
export const writeTemporary = async (files: Files, path: string, text: string): Promise<string> => {
  const temporary = join(dirname(path), temporaryName(basename(path)));
  try {
    const file = files.open(temporary, createFlags, 0o600);
    try {
      writeAll(files, file, Buffer.from(text));
      await files.fsync(file);
    } finally {
      files.close(file);
    }
  } catch (error) {
    if (files.lstat(temporary) !== undefined) files.unlink(temporary);
    throw fault(`${path} could not be published`, error);
  }
  return temporary;
};

/** Rename a written file to its place; a folder that is in the way is put aside. */
export const replace = (
  files: Files,
  folder: string,
  { temporary, path }: Pick<Replacement, "temporary" | "path">,
): void => {
  if (files.lstat(path)?.isDirectory() === true) keepRejected(files, folder, path, basename(path));
  files.rename(temporary, path);
};

/**
 * Link the present file aside, replace it, and only then judge what was there: so an edit that came between our look and
 * the rename is found too. What no process of ours published goes to `rejected/`.
 */
const replaceEdited = (files: Files, folder: string, { temporary, path, text, known }: Replacement): void => {
  const name = basename(path);
  const witness = join(folder, "rejected", temporaryName(name));
  const sumPath = join(folder, `.${name}.sum`);
  const sum = readPublished(files, sumPath);
  const ours = (at: string): boolean => {
    const seen = files.lstat(at);
    if (seen === undefined || known?.appearance === appearanceOf(seen)) return true;
    const found = readPublished(files, at);
    return found !== undefined && sumOf(found) === sum;
  };
  const linked = linkAside(files, path, witness);
  if (linked === "refused" && !ours(path)) keepRejected(files, folder, path, name);
  writeSum(files, sumPath, sumOf(text));
  files.rename(temporary, path);
  if (linked !== "linked") return;
  if (ours(witness)) files.unlink(witness);
  else keepRejected(files, folder, witness, name);
};

/** Length and checksum of what was published last, by whichever process: the next one knows it for no edit. */
const sumOf = (text: string): string => `${text.length} ${crc32(text).toString(16)}`;

const writeSum = (files: Files, path: string, sum: string): void => {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
  const file = files.open(path, flags, 0o600);
  try {
    writeAll(files, file, Buffer.from(sum));
  } finally {
    files.close(file);
  }
};

/** A folder is in the way, or this file system has no hard links. */
const noLink: ReadonlySet<string | undefined> = new Set(["EPERM", "EMLINK", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"]);

const linkAside = (files: Files, path: string, witness: string): "linked" | "absent" | "refused" => {
  try {
    files.link(path, witness);
    return "linked";
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT") return "absent";
    if (noLink.has(code)) return "refused";
    throw error;
  }
};
