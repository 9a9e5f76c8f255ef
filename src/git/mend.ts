/** Taking back what a dying `read-tree` wrote: git was killed, or the disk was full, before it could write its index. */
import { lstat, readFile, readlink, rm, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";

import { missing } from "./absent.ts";
import { call, must } from "./call.ts";
import type { Context } from "./call.ts";
import type { Checkout } from "./checkout.ts";
import { dropDeadLocks } from "./dead-lock.ts";
import { namesIn, onDisk } from "./obstacle.ts";
import { refreshed } from "./move.ts";
import type { Move } from "./move.ts";
import { treePlace } from "./place.ts";
import type { Place } from "./place.ts";
import { endWriters } from "./writer.ts";

/**
 * Bring the files of an interrupted move back to its beginning, wherever git's index still is at the beginning. Before the
 * move began they were as `onto` has them, so a file that is gone, or is a beginning of what `commit` has, was written by us.
 * Answers the paths that somebody else changed since; then nothing is taken back. A move that reached the index is left.
 */
export const mend = async (context: Context, checkout: Checkout, move: Move): Promise<readonly string[]> => {
  await endWriters(checkout.path, patienceMs);
  await dropDeadLocks([join(checkout.admin, "index")], [checkout.path]);
  await refreshed(context, checkout);
  const place = treePlace(context.layout, checkout.path, checkout.admin);
  const suspects = await suspectsIn(context, place, move);
  const ours = await Promise.all(suspects.map((row) => context.wide(() => isOurs(context, place, row))));
  const foreign = suspects.filter((_, index) => ours[index] !== true);
  if (foreign.length > 0) return foreign.map(({ path }) => Buffer.from(path, "latin1").toString());
  for (const row of suspects.filter(({ before }) => before === absent)) await unlink(checkout.path, row.path);
  const rewritten = suspects.filter(({ before }) => before !== absent).map(({ path }) => `${path}\0`);
  const input = Buffer.from(rewritten.join(""), "latin1");
  if (input.length > 0) await must(context, place, ["checkout-index", "--force", "-q", "-z", "--stdin"], { input });
  return [];
};

/** How long a git process of an earlier landing may take to end by itself. */
const patienceMs = 10_000;

/** A path that the move changes. `before` and `after`: mode and object, as git writes them. Paths are bytes as latin1. */
interface Row {
  readonly path: string;
  readonly before: string;
  readonly after: string;
}

const absent = "000000 ";

/** Rows whose index entry is still the old one while the file is not. */
const suspectsIn = async (context: Context, place: Place, move: Move): Promise<readonly Row[]> => {
  const rows = parseRaw(
    await must(context, place, ["diff-tree", "-r", "-z", "--raw", "--no-renames", move.onto, move.commit]),
  );
  const staged = namesIn(await must(context, place, ["ls-files", "-s", "-z"]));
  const index = new Map(
    staged.map((entry) => [entry.slice(entry.indexOf("\t") + 1), entry.slice(0, entry.indexOf(" 0\t"))]),
  );
  const edited = new Set(namesIn(await must(context, place, ["diff-files", "--name-only", "-z"])));
  const suspects = rows.filter((row) =>
    row.before === absent ? !index.has(row.path) : index.get(row.path) === row.before && edited.has(row.path),
  );
  const there = await Promise.all(suspects.map((row) => missing(lstat(onDisk(place.cwd, row.path)), undefined)));
  return suspects.filter((row, at) => row.before !== absent || there[at] !== undefined);
};

/** Parse `diff-tree --raw -z`: `:mode mode object object letter NUL path NUL`. */
const parseRaw = (output: Buffer): readonly Row[] => {
  const fields = namesIn(output);
  const rows: Row[] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [from, to, old, fresh] = (fields[at] ?? "").slice(1).split(" ");
    const before = from === "000000" ? absent : `${from} ${old}`;
    rows.push({ path: fields[at + 1] ?? "", before, after: to === "000000" ? absent : `${to} ${fresh}` });
  }
  return rows;
};

/** Is what stands at the path nothing, or a beginning of what the move writes there? */
const isOurs = async (context: Context, place: Place, row: Row): Promise<boolean> => {
  const file = onDisk(place.cwd, row.path);
  const seen = await missing(lstat(file), undefined);
  if (seen === undefined) return true;
  const [mode, object] = row.after.split(" ");
  if (mode === undefined || object === undefined || object === "") return false;
  if (seen.isSymbolicLink()) {
    const link = await must(context, place, ["cat-file", "blob", object]);
    return mode === "120000" && (await readlink(file, { encoding: "buffer" })).equals(link);
  }
  if (!seen.isFile() || !mode.startsWith("100")) return false;
  const path = Buffer.from(row.path, "latin1").toString();
  const wanted = await call(context, place, ["cat-file", "--filters", `--path=${path}`, object]);
  const have = await readFile(file);
  return wanted.code === 0 && wanted.stdout.subarray(0, have.length).equals(have);
};

/** Remove a file that we wrote, and the folders that it leaves empty. */
const unlink = async (top: string, path: string): Promise<void> => {
  await rm(onDisk(top, path), { force: true });
  for (let folder = dirname(path); folder !== "."; folder = dirname(folder)) {
    if (!(await removedEmpty(onDisk(top, folder)))) return;
  }
};

const removedEmpty = async (folder: Buffer): Promise<boolean> => {
  try {
    await rmdir(folder);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOTEMPTY" && code !== "EEXIST" && code !== "ENOENT") throw error;
    return code === "ENOENT";
  }
};
