/** What was found in the place of a published file and is not ours: kept for a person to look at, never believed. */
import { randomBytes } from "node:crypto";
import { extname, join } from "node:path";
import { codeOf } from "./fault.ts";
import type { Files } from "./files.ts";

/** Files of one name that are kept; the oldest go first. */
const keptMax = 20;

/** A temporary file older than this belongs to a process that was killed. */
const abandonedMs = 60_000;

/** Move `from` to `rejected/<name>.<time>.<extension>` and let go of the oldest of that name. */
export const keepRejected = (files: Files, folder: string, from: string, name: string): void => {
  const rejected = join(folder, "rejected");
  const extension = extname(name);
  const stem = name.slice(0, name.length - extension.length);
  files.rename(from, join(rejected, `${stem}.${new Date().toISOString().replaceAll(":", "-")}${extension}`));
  const kept = files
    .readdir(rejected)
    .filter((entry) => entry.startsWith(`${stem}.`) && entry.endsWith(extension))
    .filter((entry) => files.lstat(join(rejected, entry))?.isDirectory() === false)
    .toSorted();
  for (const entry of kept.slice(0, -keptMax)) remove(files, join(rejected, entry));
};

/**
 * A name that no other process or call has, and nobody can guess. It says when it was made, for the time of the file itself may be that of an
 * older one that is linked here; and it is a dot file, so that nobody takes it for a published one.
 */
export const temporaryName = (name: string): string => `.${name}.${Date.now()}-${randomBytes(8).toString("hex")}.tmp`;

/** Names as they are made now, and as versions before made them. */
const temporary = /^\.(.+)\.(\d+)-(?:[0-9a-f]{16}|\d+-\d+)\.tmp$/;

/** Remove temporary files that killed processes left in `folder`. */
export const sweep = (files: Files, folder: string): void => {
  for (const { entry } of abandonedIn(files, folder)) remove(files, join(folder, entry));
};

/** What a killed process had set aside and not yet judged may be an edit: keep it. */
export const adopt = (files: Files, folder: string): void => {
  const rejected = join(folder, "rejected");
  for (const { entry, name } of abandonedIn(files, rejected)) keepRejected(files, folder, join(rejected, entry), name);
};

interface Abandoned {
  readonly entry: string;
  /** What it was a temporary file for. */
  readonly name: string;
}

const abandonedIn = (files: Files, folder: string): Abandoned[] =>
  files.readdir(folder).flatMap((entry) => {
    const [, name = "", madeAt] = temporary.exec(entry) ?? [];
    return Date.now() - Number(madeAt) > abandonedMs ? [{ entry, name }] : [];
  });

/** Another process may have been faster. */
const remove = (files: Files, path: string): void => {
  try {
    files.unlink(path);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
};
