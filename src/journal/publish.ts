/** Publication: readers see the old file or the new one, whole. */
import { constants } from "node:fs";
import { basename, dirname, join } from "node:path";
import { appearanceOf, editedName, sumAt } from "./edited.ts";
import type { EditedFile } from "./edited.ts";
import { fault } from "./fault.ts";
import { writeAll } from "./files.ts";
import type { Files } from "./files.ts";
import { makeFolder, requireFolder } from "./folder.ts";
import { guarded } from "./guard.ts";
import { readPublished } from "./published.ts";
import { adopt, keepRejected, sweep, temporaryName } from "./rejected.ts";

/** What this process published last under a name, and what the file looked like. */
interface Published {
  readonly text: string;
  readonly appearance: string;
}

interface Replacement {
  /** The new file, written and synced. */
  readonly temporary: string;
  readonly path: string;
}

/**
 * A publisher for the files in the state folder. Calls take effect in their order. Names are file names, or paths of
 * them below the state folder.
 */
export const createPublisher = (
  files: Files,
  folder: string,
  edited: EditedFile,
): ((name: string, text: string, synced: boolean) => Promise<void>) => {
  const last = new Map<string, Published>();
  let queue: Promise<void> = Promise.resolve();

  const publish = async (name: string, text: string, synced: boolean): Promise<void> => {
    requireFolder(files, folder);
    const path = join(folder, name);
    const known = last.get(name);
    const seen = files.lstat(path);
    if (known?.text === text && seen !== undefined && known.appearance === appearanceOf(seen)) {
      // Within one tick of the file system's clock an edit of the same length leaves no trace in its look.
      if (name !== editedName || edited.holds(text)) return;
    }
    if (known === undefined) prepare(files, folder, path);
    if (known === undefined && !synced && readPublished(files, path) === text) {
      last.set(name, { text, appearance: appearanceOf(seen) });
      return;
    }
    const temporary = await writeTemporary(files, path, text, synced);
    const appearance = appearanceOf(files.lstat(temporary));
    try {
      const lock = join(folder, "locks", "tracker.lck");
      if (name === editedName) await guarded(lock, () => edited.replace(temporary, text));
      else replace(files, folder, { temporary, path });
    } catch (error) {
      if (files.lstat(temporary) !== undefined) files.unlink(temporary);
      throw fault(`${path} could not be published`, error);
    }
    last.set(name, { text, appearance });
  };

  return (name, text, synced) => {
    const turn = queue.then(() => publish(name, text, synced));
    queue = turn.then(nothing, nothing);
    return turn;
  };
};

/** The caller hears of a failure; the next publication does not depend on it. */
const nothing = (): void => undefined;

/** Folders that a publication needs; and what killed processes left behind goes. */
const prepare = (files: Files, folder: string, path: string): void => {
  const missing: string[] = [];
  for (let at = dirname(path); at.length > folder.length; at = dirname(at)) missing.unshift(at);
  for (const each of [...missing, join(folder, "locks"), join(folder, "rejected")]) makeFolder(files, each);
  sweep(files, dirname(path));
  adopt(files, folder, (at) => sumAt(files, at));
};

const createFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** Write a file of ours beside `path`, to be renamed to it, and sync it unless a power cut may take it; answers where. */
export const writeTemporary = async (files: Files, path: string, text: string, synced = true): Promise<string> => {
  const temporary = join(dirname(path), temporaryName(basename(path)));
  try {
    const file = files.open(temporary, createFlags, 0o600);
    try {
      writeAll(files, file, Buffer.from(text));
      if (synced) await files.fsync(file);
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
