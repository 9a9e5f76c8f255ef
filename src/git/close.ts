/** Closing a lane: its worktree goes when nothing in it could be lost. */
import { lstat, realpath, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import { branchOf, refOf } from "../core/id.ts";
import { missing } from "./absent.ts";
import { call, endOf, must } from "./call.ts";
import type { Context } from "./call.ts";
import { seeAdmin } from "./head.ts";
import type { AdminSeen } from "./head.ts";
import { relink, repairAdmin } from "./leftover.ts";
import { keepIgnored } from "./keep-ignored.ts";
import { adminOf, isFolder, lanePath, refsPlace, treePlace } from "./place.ts";
import { contains } from "./read.ts";
import { changeRefs, commitOf, laneRefs } from "./ref.ts";
import { uncommitted } from "./status.ts";
import { openLane } from "./worktree.ts";
import { endWriters } from "./writer.ts";

/**
 * Remove a lane's worktree when it is clean, not busy, and its commits are on the target or there are none; then its branch,
 * when that is on the target. Otherwise both stay and `why` says so. Only `git worktree remove` deletes. Idempotent.
 */
export const closeLane = async (context: Context, lane: string, target: string): Promise<Closed> => {
  const path = lanePath(context.layout, lane);
  const head = await commitOf(context, refOf(lane));
  const there = (await missing(lstat(path), undefined)) !== undefined;
  if (there && head !== undefined) await finish(context, lane, head, path);
  const work = await workOf(context, lane, target, head);
  const done = there ? await context.alone(() => remove(context, lane, path, work)) : await forget(context, lane, path);
  if (typeof done === "string") return { removed: false, why: done };
  await context.step("close:removed");
  const why = await dropBranch(context, lane, target, head, work.contained);
  return { removed: true, why, ...done };
};

/** What became of a lane's worktree, and why. */
export interface Closed {
  readonly removed: boolean;
  readonly why: string;
  /** Where ignored files of it are now, when there were any that nobody can make anew. */
  readonly kept?: string;
}

/** What the lane's branch holds. `own`: why its commits would be lost, if they would. */
interface Work {
  readonly contained: boolean;
  readonly own: string | undefined;
}

const workOf = async (context: Context, lane: string, target: string, head: string | undefined): Promise<Work> => {
  if (head === undefined) return { contained: false, own: `the branch ${branchOf(lane)} is gone` };
  const [tip, base, landed] = await Promise.all([
    commitOf(context, `refs/heads/${target}`),
    commitOf(context, laneRefs.base(lane)),
    commitOf(context, laneRefs.landed(lane)),
  ]);
  // Squashed or rebased work is on the target as other commits; its own stay with the ref that says so.
  const contained = landed === head || (tip !== undefined && (await contains(context, tip, head)));
  if (contained || head === base) return { contained, own: undefined };
  return { contained, own: `it has commits that ${target} does not have` };
};

/** A worktree that a killed engine did not fill looks as if all its files were deleted: finish it first. */
const finish = async (context: Context, lane: string, head: string, path: string): Promise<void> => {
  const admin = await adminOf(context.layout.common, path);
  if (admin === undefined || seeAdmin(admin).names.has("index")) return;
  await openLane(context, lane, head);
};

/** The folder is gone already: only git's entry is left, if anything. */
const forget = async (context: Context, lane: string, path: string): Promise<string | Pick<Closed, "kept">> =>
  (await context.alone(() => repairAdmin(context, lane, path)))?.refused ?? {};

const removingMark = "lanekeeper-removing";

/** Remove the worktree, or say why not. The mark stays when git does not: it may have removed a part. */
const remove = async (
  context: Context,
  lane: string,
  path: string,
  work: Work,
): Promise<string | Pick<Closed, "kept">> => {
  const { layout } = context;
  const admin = await adminOf(layout.common, path);
  const own = (await isFolder(path)) && (await realpath(path)) === path && dirname(path) === layout.worktrees;
  if (admin === undefined || !own || !(await listed(context, path)))
    return `${path} is no worktree of git; remove it by hand`;
  await endWriters(path);
  const seen = seeAdmin(admin);
  const why = work.own ?? objection(lane, seen);
  if (why !== undefined) return why;
  const begun = seen.names.has(removingMark);
  if (begun && (await relink(admin, path)) !== undefined) return `${join(path, ".git")} names another place`;
  const place = treePlace(layout, path, admin);
  const dirty = await uncommitted(context, place);
  // Half removed by a killed call: what is gone is on the target.
  const half = begun && dirty.every((entry) => entry.index === "." && entry.worktree === "D");
  if (dirty.length > 0 && !half) return `${dirty.length} file${dirty.length === 1 ? " is" : "s are"} not committed`;
  await writeFile(join(admin, removingMark), "");
  const kept = await keepIgnored(context, lane, path, place);
  const args = ["worktree", "remove", ...(dirty.length > 0 ? ["--force"] : []), path];
  const ran = await call(context, refsPlace(layout), args, { writes: path });
  if (ran.code !== 0) return `git does not remove it: ${endOf(ran)}`;
  return kept === undefined ? {} : { kept };
};

const objection = (lane: string, seen: AdminSeen): string | undefined => {
  if (seen.names.has("locked")) return "its worktree is locked";
  if (seen.busy !== undefined) return `a ${seen.busy} is in progress in it`;
  return seen.head === refOf(lane) ? undefined : `its worktree is not on ${branchOf(lane)}`;
};

const listed = async (context: Context, path: string): Promise<boolean> => {
  const args = ["worktree", "list", "--porcelain", "-z"];
  const text = (await must(context, refsPlace(context.layout), args)).toString();
  return text.split("\0").includes(`worktree ${path}`);
};

const dropBranch = async (
  context: Context,
  lane: string,
  target: string,
  head: string | undefined,
  contained: boolean,
): Promise<string> => {
  if (head === undefined) return "";
  if (!contained) return `the branch ${branchOf(lane)} stays: it is not on ${target}`;
  const base = await commitOf(context, laneRefs.base(lane));
  const changes = [{ ref: refOf(lane), from: head, to: undefined }];
  if (base !== undefined) changes.push({ ref: laneRefs.base(lane), from: base, to: undefined });
  const ran = await changeRefs(context, `lanes: close ${lane}`, changes);
  return ran.code === 0 ? "" : `the branch ${branchOf(lane)} stays: ${endOf(ran)}`;
};
