/** Closing a lane: its worktree goes when nothing in it could be lost. */
import { lstat, realpath, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import { branchOf, refOf, strayText } from "../core/id.ts";
import { isNo } from "../core/observed.ts";
import type { No } from "../core/observed.ts";
import { missing } from "./absent.ts";
import { call, endOf, must } from "./call.ts";
import type { Context } from "./call.ts";
import { seeAdmin } from "./head.ts";
import type { AdminSeen } from "./head.ts";
import { relink, repairAdmin } from "./leftover.ts";
import { keepIgnored } from "./keep-ignored.ts";
import { keptOf } from "./kept.ts";
import { park, parkClean, parkedAt, removingMark, unpark } from "./park.ts";
import { adminOf, isFolder, lanePath, refsPlace, treePlace } from "./place.ts";
import { giveBack, settleMoves } from "./pool.ts";
import { contains } from "./read.ts";
import { changeRefs, commitOf, laneRefs } from "./ref.ts";
import type { Ran } from "./run.ts";
import { looseCommits, saveLane } from "./save.ts";
import { hiddenIn } from "./snapshot.ts";
import type { Tree } from "./snapshot.ts";
import { uncommitted } from "./status.ts";
import { openLane } from "./worktree.ts";
import { endWriters } from "./writer.ts";

/**
 * Remove a lane's worktree when it is clean, not busy, and its commits are on the target or there are none; then its branch,
 * when that is on the target. Otherwise both stay and `why` says so; with `save` they go all the same, after everything in them was
 * kept (`saveLane`), unless somebody locked the worktree. Only `git worktree remove` deletes. Idempotent.
 */
export const closeLane = async (
  context: Context,
  lane: string,
  target: string,
  { save = false, pool = 0, undone = false }: Closing = {},
): Promise<Closed> => {
  const path = lanePath(context.layout, lane);
  const head = await commitOf(context, refOf(lane));
  await settleMoves(context);
  const there = await isThere(path);
  if (there && head !== undefined) await finish(context, lane, head, path);
  const work = await workOf(context, lane, { target, head, undone });
  const loose = there ? [] : await looseCommits(context, lane);
  const unsaved = !there && (loose.length > 0 || (save && !work.contained));
  const earlier = unsaved ? await savedBranch(context, lane, head, loose) : {};
  if (isNo(earlier)) return { removed: false, why: earlier.refused };
  const done = there
    ? await context.alone(() => remove(context, lane, path, work, { save, pool }))
    : await forget(context, lane, path);
  if (typeof done === "string") return { removed: false, why: done };
  await context.step("close:removed");
  const fresh = there && save && done.saved === undefined && !work.contained;
  const late = fresh ? await savedBranch(context, lane, head, []) : {};
  const saved = done.saved ?? earlier.ref ?? (isNo(late) ? undefined : late.ref);
  const droppable = work.contained || saved !== undefined;
  const why = await dropBranch(context, lane, target, head, droppable);
  return { removed: true, why, ...done, ...(saved === undefined ? {} : { saved }) };
};

/** Why `closeLane` would leave the worktree where it is, without saving; undefined when it would remove it. Changes nothing. */
export const whyStays = async (
  context: Context,
  lane: string,
  target: string,
  undone = false,
): Promise<string | undefined> => {
  const path = lanePath(context.layout, lane);
  if (!(await isThere(path))) return undefined;
  const tree = await ownTree(context, path);
  if (tree === undefined) return noWorktree(path);
  const head = await commitOf(context, refOf(lane));
  if (head !== undefined && !seeAdmin(tree.admin).names.has("index")) return undefined;
  return (await judge(context, lane, tree, await workOf(context, lane, { target, head, undone }))).why;
};

/**
 * How a lane is closed. `pool`: how many idle worktrees may wait for other lanes. `undone`: its landing was taken back, by a commit
 * that leaves the lane's own in the target's history.
 */
export interface Closing {
  readonly save?: boolean;
  readonly pool?: number;
  readonly undone?: boolean;
}

/** What became of a lane's worktree, and why. */
export interface Closed {
  readonly removed: boolean;
  readonly why: string;
  /** Where ignored files of it are now, and repositories that stood in it, when there were any that nobody can make anew. */
  readonly kept?: string;
  /** The ref that keeps its work. */
  readonly saved?: string;
}

/** A worktree that is gone. */
type Gone = Pick<Closed, "kept" | "saved">;

const isThere = async (path: string): Promise<boolean> => (await missing(lstat(path), undefined)) !== undefined;

/** What the lane's branch holds. `own`: why its commits would be lost, if they would. */
interface Work {
  readonly contained: boolean;
  readonly own: string | undefined;
}

interface Asked {
  readonly target: string;
  readonly head: string | undefined;
  readonly undone: boolean;
}

const workOf = async (context: Context, lane: string, { target, head, undone }: Asked): Promise<Work> => {
  if (head === undefined) return { contained: false, own: `the branch ${branchOf(lane)} is gone` };
  const [tip, base, landed] = await Promise.all([
    commitOf(context, `refs/heads/${target}`),
    commitOf(context, laneRefs.base(lane)),
    commitOf(context, laneRefs.landed(lane)),
  ]);
  // Squashed or rebased work is on the target as other commits; its own stay with the ref that says so.
  const contained = landed === head || (tip !== undefined && (await contains(context, tip, head)));
  if (contained && undone) return { contained: false, own: `what it landed was taken off ${target} again` };
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
const forget = async (context: Context, lane: string, path: string): Promise<string | Gone> =>
  (await context.alone(() => repairAdmin(context, lane, path)))?.refused ?? {};

/** The worktree at a lane's place, when it is in its real place and git has it in its list. */
const ownTree = async (context: Context, path: string): Promise<Tree | undefined> => {
  const { layout } = context;
  const admin = await adminOf(layout.common, path);
  const own = (await isFolder(path)) && (await realpath(path)) === path && dirname(path) === layout.worktrees;
  return admin !== undefined && own && (await listed(context, path)) ? { path, admin } : undefined;
};

const noWorktree = (path: string): string => `${path} is no worktree of git; remove it by hand`;

const listed = async (context: Context, path: string): Promise<boolean> => {
  const args = ["worktree", "list", "--porcelain", "-z"];
  const text = (await must(context, refsPlace(context.layout), args)).toString();
  return text.split("\0").includes(`worktree ${path}`);
};

/** May a worktree go as it is? */
interface Judged {
  /** Why not. */
  readonly why: string | undefined;
  /** Not even when everything in it was kept. */
  readonly firm: boolean;
  /** A killed removal deleted some of its files: git has to be told that this is fine. */
  readonly half: boolean;
}

const judge = async (context: Context, lane: string, tree: Tree, work: Work): Promise<Judged> => {
  const seen = seeAdmin(tree.admin);
  if (seen.names.has("locked")) return { why: "its worktree is locked", firm: true, half: false };
  const why = work.own ?? objection(lane, seen);
  if (why !== undefined) return { why, firm: false, half: false };
  const place = treePlace(context.layout, tree.path, tree.admin);
  const dirty = await uncommitted(context, place);
  // Half removed by a killed call: what is gone is on the target.
  const begun = seen.names.has(removingMark) && dirty.length > 0;
  const half = begun && dirty.every((entry) => entry.index === "." && entry.worktree === "D");
  const count = (half ? 0 : dirty.length) + (await hiddenIn(context, tree)).length;
  if (count === 0) return { why: undefined, firm: false, half };
  return { why: `${count} file${count === 1 ? " is" : "s are"} not committed`, firm: false, half: false };
};

const objection = (lane: string, seen: AdminSeen): string | undefined => {
  if (seen.busy !== undefined) return `a ${seen.busy} is in progress in it`;
  return seen.head === refOf(lane) ? undefined : strayText(lane, seen.head?.replace("refs/heads/", ""));
};

/** Somebody may go on writing while we keep it: so often it is kept anew. */
const triesMax = 3;

/** Remove the worktree, or say why not. The mark stays when git does not: it may have removed a part. */
const remove = async (
  context: Context,
  lane: string,
  path: string,
  work: Work,
  { save = false, pool = 0 }: Closing,
): Promise<string | Gone> => {
  const tree = await ownTree(context, path);
  if (tree === undefined) return noWorktree(path);
  await endWriters(path);
  const place = treePlace(context.layout, path, tree.admin);
  const aside: string[] = [];
  for (let tries = 1; ; tries += 1) {
    const way = await wayOut(context, lane, tree, work, save);
    if (typeof way === "string") return withAside(way, aside);
    const kept = await keepIgnored(context, lane, path, place, unsavedIn(tree, way));
    if (kept !== undefined) aside.push(kept);
    if (way.saved !== undefined && way.force && !(await isUntouched(context, tree))) {
      await unpark(context, tree);
      if (tries === triesMax) return withAside("somebody goes on writing in it", aside);
      continue;
    }
    await context.step("close:removing");
    const ran = await takeAway(context, tree, way, pool);
    if (ran.code === 0) {
      return {
        ...(aside.length === 0 ? {} : { kept: aside.join(", ") }),
        ...(way.saved === undefined ? {} : { saved: way.saved }),
      };
    }
    if (way.saved === undefined) return withAside(`git does not remove it: ${endOf(ran)}`, aside);
    await unpark(context, tree);
    const changed = ran.stderr.includes("modified or untracked");
    if (!changed || tries === triesMax) return withAside(`git does not remove it: ${endOf(ran)}`, aside);
  }
};

/** Give it to the pool, when that wants it, or let git remove it. */
const takeAway = async (context: Context, tree: Tree, { force, saved }: WayOut, pool: number): Promise<Ran> => {
  const { busy, names } = seeAdmin(tree.admin);
  const fit = pool > 0 && !force && busy === undefined && !names.has("config.worktree") && !names.has("modules");
  if (fit) {
    if (saved === undefined) await parkClean(context, tree);
    if (await giveBack(context, tree, pool)) return { code: 0, stderr: "", signal: null, stdout: Buffer.alloc(0) };
    if (saved === undefined) await unpark(context, tree);
  }
  const args = ["worktree", "remove", ...(force ? ["--force"] : []), tree.path];
  return call(context, refsPlace(context.layout), args, { writes: tree.path });
};

/** What no snapshot holds and git would delete: repositories in the worktree, and what git keeps of its submodules. */
const unsavedIn = (tree: Tree, way: WayOut): readonly (readonly [string, string])[] => {
  const modules = seeAdmin(tree.admin).names.has("modules") && way.saved !== undefined;
  return [
    ...way.nested.map((name) => [join(tree.path, name), name] as const),
    ...(modules ? [[join(tree.admin, "modules"), "modules of git"] as const] : []),
  ];
};

/** With force, git does not look whether something was written since the work was kept. What is gone is kept. */
const isUntouched = async (context: Context, tree: Tree): Promise<boolean> => {
  if (!seeAdmin(tree.admin).names.has("index")) return true;
  const dirty = await uncommitted(context, treePlace(context.layout, tree.path, tree.admin));
  return dirty.every((entry) => entry.index === "." && entry.worktree === "D");
};

const withAside = (why: string, aside: readonly string[]): string =>
  aside.length === 0 ? why : `${why}; its ignored files are in ${aside.join(", ")}`;

/** How a worktree may be removed now. */
interface WayOut {
  readonly force: boolean;
  readonly saved: string | undefined;
  /** Repositories in it that are to be put aside. */
  readonly nested: readonly string[];
}

const wayOut = async (
  context: Context,
  lane: string,
  tree: Tree,
  work: Work,
  save: boolean,
): Promise<WayOut | string> => {
  const { names } = seeAdmin(tree.admin);
  if (names.has(removingMark) && (await relink(tree.admin, tree.path)) !== undefined)
    return `${join(tree.path, ".git")} names another place`;
  const parked = await parkedAt(context, tree);
  if (parked) return { ...parked, saved: parked.saved === "" ? undefined : parked.saved, nested: [] };
  const { why, firm, half } = await judge(context, lane, tree, work);
  if (why === undefined && (await looseCommits(context, lane)).length === 0) {
    await writeFile(join(tree.admin, removingMark), "");
    return { force: half, saved: undefined, nested: [] };
  }
  if (why !== undefined && (!save || firm)) return why;
  const fresh = await park(context, lane, tree);
  return "refused" in fresh ? `${why === undefined ? "" : `${why}, and `}${fresh.refused}` : fresh;
};

/** Keep a branch whose worktree is gone: by what was kept of the lane already, if that holds it. A No when it cannot be kept. */
const savedBranch = async (
  context: Context,
  lane: string,
  head: string | undefined,
  loose: readonly string[],
): Promise<{ readonly ref?: string } | No> => {
  const wanted = [...(head === undefined ? [] : [head]), ...loose];
  if (wanted.length === 0) return {};
  for (const kept of (await keptOf(context, lane)).toReversed()) {
    const held = await Promise.all(wanted.map((commit) => contains(context, kept.commit, commit)));
    if (!held.includes(false)) return { ref: kept.ref };
  }
  const saved = await saveLane(context, lane);
  return isNo(saved) ? saved : { ref: saved.ref };
};

const dropBranch = async (
  context: Context,
  lane: string,
  target: string,
  head: string | undefined,
  droppable: boolean,
): Promise<string> => {
  if (head === undefined) return "";
  if (!droppable) return `the branch ${branchOf(lane)} stays: it is not on ${target}`;
  const base = await commitOf(context, laneRefs.base(lane));
  const changes = [{ ref: refOf(lane), from: head, to: undefined }];
  if (base !== undefined) changes.push({ ref: laneRefs.base(lane), from: base, to: undefined });
  const ran = await changeRefs(context, `lanes: close ${lane}`, changes);
  return ran.code === 0 ? "" : `the branch ${branchOf(lane)} stays: ${endOf(ran)}`;
};
