/** Files that git does not track where a landing would write: git itself overwrites ignored ones without a word (git.md section 4). */
import { lstat, readdir } from "node:fs/promises";
import type { Stats } from "node:fs";

import { missing } from "./absent.ts";
import { must } from "./call.ts";
import type { Context } from "./call.ts";
import type { Checkout } from "./checkout.ts";
import { treePlace } from "./place.ts";

/**
 * Untracked and ignored files of a checkout that stand where going from commit `from` to `to` adds files: at the path, above
 * it, or below it. Paths are kept as bytes on the way and come back as text.
 */
export const obstacles = async (
  context: Context,
  checkout: Checkout,
  from: string,
  to: string,
): Promise<readonly string[]> => {
  const place = treePlace(context.layout, checkout.path, checkout.admin);
  const args = ["diff-tree", "-r", "-z", "--name-only", "--no-renames", "--diff-filter=A", from, to];
  const added = namesIn(await must(context, place, args));
  const standing = await standingAt(checkout.path, added);
  if (standing.size === 0) return [];
  const tracked = new Set(namesIn(await must(context, place, ["ls-files", "-z"])));
  const found: string[] = [];
  for (const [path, seen] of standing) {
    if (tracked.has(path)) continue;
    if (!seen.isDirectory()) found.push(path);
    else found.push(...(await untrackedBelow(checkout.path, path, tracked)));
  }
  return [...new Set(found)].map((path) => Buffer.from(path, "latin1").toString()).toSorted();
};

/** Fields that end with NUL, one character a byte (latin1): not every file name is text. */
export const namesIn = (output: Buffer): readonly string[] =>
  output
    .toString("latin1")
    .split("\0")
    .filter((name) => name !== "");

/** The file that a path of `namesIn` means, below `top`. */
export const onDisk = (top: string, path: string): Buffer =>
  Buffer.concat([Buffer.from(`${top}/`), Buffer.from(path, "latin1")]);

/** What is on disk at the paths, and what is above them without being a folder. */
const standingAt = async (top: string, paths: readonly string[]): Promise<Map<string, Stats>> => {
  const folders = new Map<string, Promise<Stats | undefined>>();
  const look = (path: string): Promise<Stats | undefined> => missing(lstat(onDisk(top, path)), undefined);
  const standing = new Map<string, Stats>();
  for (const path of paths) {
    let open = true;
    for (let end = path.indexOf("/"); end > 0 && open; end = path.indexOf("/", end + 1)) {
      const folder = path.slice(0, end);
      const seen = await remembered(folders, folder, look);
      if (seen !== undefined && !seen.isDirectory()) standing.set(folder, seen);
      open = seen?.isDirectory() === true;
    }
    const seen = open ? await look(path) : undefined;
    if (seen !== undefined) standing.set(path, seen);
  }
  return standing;
};

const remembered = <Value>(known: Map<string, Value>, key: string, make: (key: string) => Value): Value => {
  const value = known.get(key) ?? make(key);
  known.set(key, value);
  return value;
};

/** Everything below a folder that git does not track and that is not a folder itself. */
const untrackedBelow = async (
  top: string,
  folder: string,
  tracked: ReadonlySet<string>,
): Promise<readonly string[]> => {
  const found: string[] = [];
  for (const entry of await readdir(onDisk(top, folder), { withFileTypes: true, encoding: "buffer" })) {
    const path = `${folder}/${entry.name.toString("latin1")}`;
    if (entry.isDirectory()) found.push(...(await untrackedBelow(top, path, tracked)));
    else if (!tracked.has(path)) found.push(path);
  }
  return found;
};
