/** What a new worktree needs besides its commit: ignored files of the user's checkout that `.worktreeinclude` names. */
import { constants, lstatSync } from "node:fs";
import { copyFile, lstat, mkdir, realpath, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";

import type { Furnished } from "../port.ts";
import { isDirectory, missing, smallText } from "./absent.ts";
import { call, must } from "./call.ts";
import type { Context } from "./call.ts";
import { namesIn, onDisk } from "./obstacle.ts";
import { adminOf, isFolder, lanePath, type Place, treePlace } from "./place.ts";

/** In a worktree's admin folder: it has been furnished. What somebody deleted since stays deleted. */
export const furnishedMark = "lanekeeper-furnished";
/** In a worktree's admin folder: which setup command has succeeded in it. */
export const setupMark = "lanekeeper-setup";

/**
 * Copy the files that checkout and lane ignore and that the patterns of `.worktreeinclude` in the user's checkout match (as in `.gitignore`) into a lane's
 * worktree, once. Files that are there stay; nothing is read or written through a link, nothing outside the two. Idempotent.
 */
export const furnish = async (context: Context, lane: string): Promise<Furnished> => {
  const path = lanePath(context.layout, lane);
  const admin = (await isFolder(path)) ? await adminOf(context.layout.common, path) : undefined;
  if (admin === undefined) throw new Error(`the worktree of ${lane} is gone`);
  const mark = join(admin, furnishedMark);
  const place = treePlace(context.layout, path, admin);
  const rows = namesIn(await must(context, place, ["ls-files", "--stage", "-z"]));
  const submodules = rows.filter((row) => row.startsWith("160000 ")).map((row) => row.slice(row.indexOf("\t") + 1));
  const known = {
    setupMark: join(admin, setupMark),
    isSetUp: (smallText(join(admin, setupMark)) ?? "") !== "",
    submodules,
  };
  if (smallText(mark) !== undefined) return { ...known, copied: 0, left: [] };
  const { copied, left } = await include(context, path, place, submodules);
  await writeFile(mark, "");
  return { ...known, copied, left };
};

/** Most files that are copied, and their size together. */
const filesMax = 5000;
const bytesMax = 1024 * 1024 * 1024;

const include = async (
  context: Context,
  path: string,
  place: Place,
  submodules: readonly string[],
): Promise<Pick<Furnished, "copied" | "left">> => {
  const checkout = context.layout.checkout ?? "";
  const names = checkout === "" ? [] : await wanted(context, checkout);
  const ways = names.filter(
    (name) => isFree(path, name) && !submodules.some((module) => name.startsWith(`${module}/`)),
  );
  // By the rules of the lane's commit too: what they do not ignore would be committed with its work.
  const fit = new Set(await ignored(context, place, ways));
  const left: string[] = [];
  let [copied, bytes] = [0, 0];
  for (const name of names) {
    const size = fit.has(name) ? await sizeOf(checkout, name) : undefined;
    if (size === undefined || copied >= filesMax || bytes + size > bytesMax || !(await makeWay(path, name))) {
      left.push(Buffer.from(name, "latin1").toString());
      continue;
    }
    if (!(await copyNew(onDisk(checkout, name), onDisk(path, name)))) continue;
    copied += 1;
    bytes += size;
  }
  return { copied, left };
};

/** Ignored files of the checkout that the patterns match, as bytes (latin1); ours are never among them. */
const wanted = async (context: Context, checkout: string): Promise<readonly string[]> => {
  const { layout } = context;
  const file = join(checkout, ".worktreeinclude");
  if ((await missing(lstat(file), undefined))?.isFile() !== true) return [];
  const place = treePlace(layout, checkout, layout.common);
  const args = ["ls-files", "-z", "--others", "--ignored", `--exclude-from=${file}`];
  const ours = [layout.worktrees, layout.state].map((folder) => `${relative(checkout, folder)}/`);
  const matched = namesIn(await must(context, place, args)).filter(
    (name) => !ours.some((start) => name.startsWith(start)),
  );
  // What is not ignored would be uncommitted work in the lane.
  return ignored(context, place, matched);
};

/** Those of the names that the rules of a worktree ignore. */
const ignored = async (context: Context, place: Place, names: readonly string[]): Promise<readonly string[]> => {
  if (names.length === 0) return [];
  const input = Buffer.from(names.map((name) => `${name}\0`).join(""), "latin1");
  // Exit code 1: none of them is.
  const ran = await call(context, place, ["check-ignore", "-z", "--stdin"], { input });
  return namesIn(ran.stdout);
};

/** The size of a regular file that no link leads to. */
const sizeOf = async (top: string, name: string): Promise<number | undefined> => {
  const path = onDisk(top, name);
  const seen = await missing(lstat(path), undefined);
  if (seen?.isFile() !== true) return undefined;
  const folder = join(top, Buffer.from(dirname(name), "latin1").toString());
  return (await missing(realpath(folder), undefined)) === folder ? seen.size : undefined;
};

/** The folders above a file, outermost first. */
const foldersOf = (top: string, name: string): readonly string[] => {
  const parts = name.split("/").slice(0, -1);
  return parts.map((_, at) => join(top, Buffer.from(parts.slice(0, at + 1).join("/"), "latin1").toString()));
};

/** Is every folder above a file a real one, or not there yet? Of what is beyond a link git answers nothing, and for the rest neither. */
const isFree = (top: string, name: string): boolean =>
  foldersOf(top, name).every(
    (folder) => isDirectory(folder) || lstatSync(folder, { throwIfNoEntry: false }) === undefined,
  );

/** Make the folders above a file, one by one. False when something else stands there. */
const makeWay = async (top: string, name: string): Promise<boolean> => {
  for (const folder of foldersOf(top, name)) {
    if ((await missing(lstat(folder), undefined)) === undefined) await mkdir(folder);
    if (!isDirectory(folder)) return false;
  }
  return true;
};

/** False when there is something already. */
const copyNew = async (from: Buffer, to: Buffer): Promise<boolean> => {
  try {
    await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
};
