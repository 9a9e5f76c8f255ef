/** A lane with what is uncommitted in it, as a commit of the control repository. */
import { copyFile, lstat, mkdtemp, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";

import { refOf } from "../core/id.ts";
import { missing } from "./absent.ts";
import { call, line } from "./call.ts";
import type { Context } from "./call.ts";
import { controlPlace } from "./control.ts";
import { seeAdmin } from "./head.ts";
import { writeCommits } from "./landed.ts";
import { adminOf, isFolder, lanePath, treePlace } from "./place.ts";
import { allUncommitted } from "./status.ts";

/** Uncommitted files that are looked at in one lane, and their size: a build that nobody ignores is not copied for a forecast. */
const pathsMax = 2000;
const bytesMax = 64 * 1024 * 1024;

/**
 * A commit on top of `head` with all that is uncommitted in the lane, untracked files included: the same state, the same
 * commit. `head` itself where there is nothing. Undefined where it cannot be told: a merge or rebase is going on, the worktree is
 * on another branch, there is too much, or files went while they were read. The lane's index and the user's objects stay as they are.
 */
export const workingHead = async (context: Context, lane: string, head: string): Promise<string | undefined> => {
  const { layout } = context;
  const path = lanePath(layout, lane);
  const admin = (await isFolder(path)) ? await adminOf(layout.common, path) : undefined;
  if (admin === undefined) return head;
  const seen = seeAdmin(admin);
  if (seen.busy !== undefined || seen.head !== refOf(lane)) return undefined;
  const place = treePlace(layout, path, admin);
  const files = await allUncommitted(context, place);
  if (files.length === 0) return head;
  if (files.length > pathsMax || (await sizeOf(path, files)) > bytesMax) return undefined;
  const control = await controlPlace(context);
  const folder = await mkdtemp(join(control.gitDir, "work."));
  try {
    const index = join(folder, "index");
    await copyIndex(join(admin, "index"), index);
    const env = { GIT_INDEX_FILE: index, GIT_OBJECT_DIRECTORY: join(control.gitDir, "objects") };
    const input = files.map((file) => `${file}\0`).join("");
    const added = await call(context, place, ["update-index", "--add", "--remove", "-z", "--stdin"], { env, input });
    if (added.code !== 0) return undefined;
    const tree = await line(context, place, ["write-tree"], { env });
    const [commit] = await writeCommits(context, control, [{ tree, parents: [head] }]);
    return commit;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

/**
 * Git takes what is as old as the index for possibly changed since (racy-git.txt): a copy that were newer than its original would
 * hide an edit of the same moment.
 */
const copyIndex = async (from: string, to: string): Promise<void> => {
  const seen = await missing(stat(from), undefined);
  if (seen === undefined) return;
  await copyFile(from, to);
  const second = Math.floor(seen.mtimeMs / 1000);
  await utimes(to, second, second);
};

const sizeOf = async (folder: string, files: readonly string[]): Promise<number> => {
  let size = 0;
  for (const file of files) size += (await missing(lstat(join(folder, file)), undefined))?.size ?? 0;
  return size;
};
