/** Where a call happens: never what a worktree's own `.git` file says. */
import { join, resolve } from "node:path";

import { worktreeOf } from "../core/id.ts";
import type { Layout } from "../port.ts";
import { isDirectory, namesIn, smallText } from "./absent.ts";

/** Git directory, common directory and worktree of a call, all given to git explicitly. */
export interface Place {
  readonly cwd: string;
  readonly gitDir: string;
  readonly common: string;
  readonly workTree?: string;
  /** File that says where history ends, when it is not the one in `common`. */
  readonly shallow?: string;
}

/** For refs and objects: no worktree is involved. */
export const refsPlace = (layout: Layout): Place => ({
  cwd: layout.common,
  gitDir: layout.common,
  common: layout.common,
});

/** For calls in a worktree: `admin` is its folder in the git directory. */
export const treePlace = (layout: Layout, path: string, admin: string): Place => ({
  cwd: path,
  gitDir: admin,
  common: layout.common,
  workTree: path,
});

/** The absolute path of a lane's worktree. */
export const lanePath = (layout: Layout, lane: string): string => join(layout.home, worktreeOf(lane));

/**
 * Git's admin folder of the worktree at `path`, or undefined when git does not know it.
 * Found by the way back (`gitdir` in the admin folder), since git picks another name when one is taken.
 */
export const adminOf = async (common: string, path: string): Promise<string | undefined> => {
  const wanted = join(path, ".git");
  const likely = join(common, "worktrees", path.slice(path.lastIndexOf("/") + 1));
  if (pointsTo(likely) === wanted) return likely;
  const before = remembered.get(wanted);
  if (before?.startsWith(`${common}/`) === true && pointsTo(before) === wanted) return before;
  const found = adminsIn(common).find((admin) => pointsTo(admin) === wanted);
  if (remembered.size >= rememberedMax) remembered.clear();
  if (found !== undefined) remembered.set(wanted, found);
  return found;
};

/** A worktree that was moved keeps the admin folder's old name: without this, each look at one of them would look at all. */
const remembered = new Map<string, string>();
const rememberedMax = 2000;

/** All admin folders of linked worktrees. */
export const adminsIn = (common: string): readonly string[] => {
  const folder = join(common, "worktrees");
  return namesIn(folder).map((name) => join(folder, name));
};

/** The `.git` file that an admin folder belongs to; git ≥ 2.48 may write it relative to the folder. */
export const pointsTo = (admin: string): string | undefined => {
  const text = smallText(join(admin, "gitdir"));
  return text === undefined ? undefined : resolve(admin, text.replace(/\n$/, ""));
};

/** Is there a real directory (not a link to one) at `path`? */
export const isFolder = async (path: string): Promise<boolean> => isDirectory(path);
