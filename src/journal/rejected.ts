/** What was found in the place of a published file and is not ours: kept for a person to look at, never believed. */
import { randomBytes } from "node:crypto";
import { extname, join } from "node:path";
import { codeOf } from "./fault.ts";
import type { Files } from "./files.ts";

/** Files of one name that are kept, and how much they may take together; the oldest go first, the newest stays. */
const keptMax = 500;
const keptBytesMax = 512 * 1024 * 1024;

/** A temporary file older than this belongs to a process that was killed. */
const abandonedMs = 60_000;

/** Move `from` to `rejected/<name>.<time>.<extension>` and let go of the oldest of that name. Answers the path below `folder`. */
export const keepRejected = (
  files: Files,
  folder: string,
  from: string,
  name: string,
  stamp: string = newStamp(),
): string => {
  const rejected = join(folder, "rejected");
  const extension = extname(name);
  const stem = name.slice(0, name.length - extension.length);
  const kept = `${stem}.${stamp}${extension}`;
  files.rename(from, join(rejected, kept));
  let [count, bytes] = [0, 0];
  const others = files.readdir(rejected).filter((entry) => entry.startsWith(`${stem}.`) && entry.endsWith(extension));
  for (const entry of others.toSorted().toReversed()) {
    const seen = files.lstat(join(rejected, entry));
    if (seen === undefined || seen.isDirectory()) continue;
    count += 1;
    bytes += seen.blocks * 512;
    if (entry !== kept && (count > keptMax || bytes > keptBytesMax)) remove(files, join(rejected, entry));
  }
  return `rejected/${kept}`;
};

/** Names of what is kept of `name`, oldest first. */
export const keptOf = (files: Files, folder: string, name: string): readonly string[] => {
  const rejected = join(folder, "rejected");
  if (files.lstat(rejected)?.isDirectory() !== true) return [];
  const extension = extname(name);
  const start = `${name.slice(0, name.length - extension.length)}.`;
  return files
    .readdir(rejected)
    .filter((entry) => entry.startsWith(start) && entry.endsWith(extension))
    .toSorted();
};

/** When something was found, as part of a file's name: sortable, and no other process or call has it. */
const newStamp = (): string =>
  `${new Date().toISOString().replaceAll(":", "-")}-${process.pid}-${process.hrtime.bigint()}`;

/** An edit that was found and is waiting for somebody to take it over: `rejected/.<name>.<stamp>.edit`. */
export interface Found {
  readonly stamp: string;
  readonly path: string;
}

/** Put an edit at `from` where it waits, under a name that says when it was found. */
export const setAside = (files: Files, folder: string, from: string, name: string): void => {
  files.rename(from, join(folder, "rejected", `.${name}.${newStamp()}.edit`));
};

/** Edits of `name` that wait, oldest first. */
export const waiting = (files: Files, folder: string, name: string): readonly Found[] => {
  const rejected = join(folder, "rejected");
  if (files.lstat(rejected) === undefined) return [];
  const [start, end] = [`.${name}.`, ".edit"];
  return files
    .readdir(rejected)
    .filter((entry) => entry.startsWith(start) && entry.endsWith(end))
    .toSorted()
    .map((entry) => ({ stamp: entry.slice(start.length, -end.length), path: join(rejected, entry) }));
};

/**
 * A name that no other process or call has, and nobody can guess. It says when it was made, for the time of the file itself may be that of an
 * older one that is linked here; and it is a dot file, so that nobody takes it for a published one.
 */
export const temporaryName = (name: string, sum?: string): string =>
  `.${name}.${Date.now()}-${randomBytes(8).toString("hex")}${sum === undefined ? "" : `.${sum}`}.tmp`;

/** Names as they are made now, and as versions before made them. */
const temporary = /^\.(.+?)\.(\d+)-(?:[0-9a-f]{16}|\d+-\d+)(?:\.(\d+-[0-9a-f]+))?\.tmp$/;

/** Remove temporary files that killed processes left in `folder`. */
export const sweep = (files: Files, folder: string): void => {
  for (const { entry } of abandonedIn(files, folder)) remove(files, join(folder, entry));
};

/** What a killed process had linked aside and not yet judged may be an edit: it waits like others, unless it has the sum that it had then. */
export const adopt = (files: Files, folder: string, sumAt: (path: string) => string | undefined): void => {
  const rejected = join(folder, "rejected");
  for (const { entry, name, sum } of abandonedIn(files, rejected)) {
    const path = join(rejected, entry);
    if (sum !== undefined && sumAt(path) === sum) remove(files, path);
    else setAside(files, folder, path, name);
  }
};

interface Abandoned {
  readonly entry: string;
  /** What it was a temporary file for. */
  readonly name: string;
  /** Sum of what we had published when it was linked aside. */
  readonly sum: string | undefined;
}

const abandonedIn = (files: Files, folder: string): Abandoned[] =>
  files.readdir(folder).flatMap((entry) => {
    const [, name = "", madeAt, sum] = temporary.exec(entry) ?? [];
    return Date.now() - Number(madeAt) > abandonedMs ? [{ entry, name, sum }] : [];
  });

/** Another process may have been faster. */
export const remove = (files: Files, path: string): void => {
  try {
    files.unlink(path);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
};
