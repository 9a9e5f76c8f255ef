/** What was found in the place of a published file and is not ours: kept for a person to look at, never believed. */
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

/** A name that no other process or call has: dot files, so that nobody takes them for published ones. */
export const temporaryName = (name: string): string => `.${name}.${process.pid}-${process.hrtime.bigint()}.tmp`;

/** Remove temporary files that killed processes left in `folder`. */
export const sweep = (files: Files, folder: string): void => {
  for (const entry of files.readdir(folder)) {
    if (!entry.startsWith(".") || !entry.endsWith(".tmp")) continue;
    const seen = files.lstat(join(folder, entry));
    if (seen?.isDirectory() === false && Date.now() - seen.mtimeMs > abandonedMs) remove(files, join(folder, entry));
  }
};

/** Another process may have been faster. */
const remove = (files: Files, path: string): void => {
  try {
    files.unlink(path);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
};
