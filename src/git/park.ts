/**
 * Making a worktree clean without touching its files: HEAD and index become the commit that keeps it. Then git itself, asked to remove
 * it without force, refuses when anything was written since.
 */
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import type { No } from "../core/observed.ts";
import { missing } from "./absent.ts";
import { line, must } from "./call.ts";
import type { Context } from "./call.ts";
import { seeAdmin } from "./head.ts";
import { namesIn } from "./obstacle.ts";
import { treePlace } from "./place.ts";
import { takeLane } from "./save.ts";
import { copyIndex, hiddenIn } from "./snapshot.ts";
import type { Tree } from "./snapshot.ts";
import { uncommitted } from "./status.ts";

/** In the admin folder of a worktree that is being removed; says how it was before it was parked, when it was. */
export const removingMark = "lanekeeper-removing";

/** The index as it was. */
const indexCopy = "lanekeeper-index";

/** A worktree that may be removed: its work is kept. */
export interface Parked {
  /** Git refuses without: it has submodules, or a killed removal deleted a part. */
  readonly force: boolean;
  readonly saved: string;
}

/** What the mark says. */
interface Mark {
  /** What HEAD said: a ref, or a commit. */
  readonly head: string;
  readonly commit: string;
  readonly saved: string;
}

/** Keep a lane and park its worktree. `nested`: repositories in it that are still there. Killed in between, `parkedAt` sets it right. */
export const park = async (
  context: Context,
  lane: string,
  tree: Tree,
): Promise<(Parked & { readonly nested: readonly string[] }) | No> => {
  const taken = await takeLane(context, lane);
  if ("refused" in taken) return taken;
  const { saved, snapshot } = taken;
  const { nested, ref, commit } = saved;
  // Git has not written its index, and there is no file: nothing is in it.
  if (snapshot === undefined) return { force: true, saved: ref, nested };
  const seen = seeAdmin(tree.admin);
  await copyIndex(join(tree.admin, "index"), join(tree.admin, indexCopy));
  const mark: Mark = { head: seen.detached ?? seen.head ?? "", commit, saved: ref };
  await writeFile(join(tree.admin, removingMark), JSON.stringify(mark));
  await context.step("park:marked");
  await rename(snapshot.index, join(tree.admin, "index"));
  await context.step("park:index");
  await setHead(context, tree, commit);
  await context.step("park:parked");
  const modules = await submodules(context, tree);
  return { force: modules.length > 0, saved: ref, nested };
};

/** Take a clean worktree off its branch, so that another lane may have it. `unpark` and `parkedAt` know it; nothing was kept of it. */
export const parkClean = async (context: Context, tree: Tree): Promise<void> => {
  const place = treePlace(context.layout, tree.path, tree.admin);
  const { head, detached } = seeAdmin(tree.admin);
  const commit = await line(context, place, ["rev-parse", "--verify", "HEAD^{commit}"]);
  const mark: Mark = { head: detached ?? head ?? "", commit, saved: "" };
  await writeFile(join(tree.admin, removingMark), JSON.stringify(mark));
  await setHead(context, tree, commit);
  await context.step("park:clean");
};

/** Where HEAD stands: on a ref, or on a commit. */
const setHead = async (context: Context, tree: Tree, to: string): Promise<void> => {
  const place = treePlace(context.layout, tree.path, tree.admin);
  if (to.startsWith("refs/")) await must(context, place, ["symbolic-ref", "HEAD", to]);
  else await must(context, place, ["update-ref", "--no-deref", "HEAD", to]);
};

/** Submodules in the index: with one, git does not remove the worktree without force. */
const submodules = async (context: Context, tree: Tree): Promise<readonly string[]> => {
  const place = treePlace(context.layout, tree.path, tree.admin);
  const rows = (await must(context, place, ["ls-files", "--stage", "-z"])).toString().split("\0");
  return rows.filter((row) => row.startsWith("160000 "));
};

/**
 * A worktree that a killed removal left parked, with nothing written since but what that deleted. One with news, or half parked, is set
 * right again, and undefined is answered.
 */
export const parkedAt = async (context: Context, tree: Tree): Promise<Parked | undefined> => {
  const mark = await markOf(tree);
  if (mark === undefined) return undefined;
  if (seeAdmin(tree.admin).detached === mark.commit) {
    const dirty = await uncommitted(context, treePlace(context.layout, tree.path, tree.admin));
    const half = dirty.length > 0;
    const gone = dirty.every((entry) => entry.index === "." && entry.worktree === "D");
    if (gone && (await hiddenIn(context, tree)).length === 0)
      return { force: half || (await submodules(context, tree)).length > 0, saved: mark.saved };
  }
  await unpark(context, tree);
  return undefined;
};

/**
 * HEAD and index as they were; what somebody did in between stays: commits, and whatever is in the index by now. Nothing happens when it
 * is not parked.
 */
export const unpark = async (context: Context, tree: Tree): Promise<void> => {
  const mark = await markOf(tree);
  if (mark === undefined) return;
  const { detached, head } = seeAdmin(tree.admin);
  const isParked = detached === mark.commit;
  // Killed between the two, the index is parked and HEAD is not.
  const mayBeHalf = isParked || (detached ?? head ?? "") === mark.head;
  const copy = join(tree.admin, indexCopy);
  // The index first: while HEAD stands where it was parked, a repetition knows what is still to do.
  if (mayBeHalf && (await stagedSince(context, tree, mark.commit)).length === 0)
    await missing(rename(copy, join(tree.admin, "index")), undefined);
  if (isParked && mark.head !== "") await setHead(context, tree, mark.head);
  // What it held was kept before it was parked.
  await rm(copy, { force: true });
  await rm(join(tree.admin, removingMark), { force: true });
};

/** Files of which the index has another version than a commit. */
const stagedSince = async (context: Context, tree: Tree, commit: string): Promise<readonly string[]> => {
  const place = treePlace(context.layout, tree.path, tree.admin);
  const args = ["diff-index", "--cached", "--name-only", "-z", "--no-renames", "--ignore-submodules=none", commit];
  return namesIn(await must(context, place, args));
};

const markOf = async (tree: Tree): Promise<Mark | undefined> => {
  const text = await missing(readFile(join(tree.admin, removingMark), "utf8"), "");
  if (!text.startsWith("{")) return undefined;
  try {
    return JSON.parse(text) as Mark;
  } catch (error) {
    // Cut short: nothing was changed yet.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
};
