/** Opening a lane: its branch and its worktree. */
import { lstat, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";

import { branchOf, refOf } from "../core/id.ts";
import { isNo } from "../core/observed.ts";
import type { No } from "../core/observed.ts";
import { isDirectory, missing } from "./absent.ts";
import { call } from "./call.ts";
import type { Context } from "./call.ts";
import { dropDeadLocks } from "./dead-lock.ts";
import { seeAdmin } from "./head.ts";
import { clearLocks, repairAdmin } from "./leftover.ts";
import { adminOf, isFolder, lanePath, refsPlace, treePlace } from "./place.ts";
import { hasPool, moveIn, settleMoves, takeIdle } from "./pool.ts";
import { branchInTheWay, changeRefs, failedTo, laneRefs, objectName, refsBelow } from "./ref.ts";
import type { RefChange } from "./ref.ts";
import { endWriters } from "./writer.ts";

/**
 * Branch and worktree of a lane. The change of git's list of worktrees is done one at a time, the filling with files as many
 * at once as there are cores (git.md section 1). Whatever a killed call left is taken over; nothing is ever deleted that
 * could be work: a worktree counts as unfinished only while git has not written its index.
 */
export const openLane = async (context: Context, lane: string, base: string): Promise<Opened | No> => {
  const path = lanePath(context.layout, lane);
  const listed = await context.alone(() => enlist(context, lane, objectName(base), path));
  if (isNo(listed)) return listed;
  if (!listed.filled) {
    const no = await context.wide(() => fill(context, path, listed.admin));
    if (no !== undefined) return no;
  }
  await context.step("open:filled");
  return { path, head: listed.head, admin: listed.admin };
};

/** A lane's worktree and the tip of its branch. */
export interface Opened {
  readonly path: string;
  readonly head: string;
  /** Git's own folder of it. */
  readonly admin: string;
}

interface Listed {
  readonly admin: string;
  readonly head: string;
  /** Has git written its index, and so all files? */
  readonly filled: boolean;
}

/** Make git know the worktree, without files. */
const enlist = async (context: Context, lane: string, base: string, path: string): Promise<Listed | No> => {
  const known = await knownAlready(context, lane, path);
  if (known === "unknown") return add(context, lane, base, path);
  if (isNo(known)) return known;
  const files = [join(known.admin, "index"), join(known.admin, "HEAD")];
  if (!known.filled) await clearLocks(files);
  else await dropDeadLocks([...files, join(context.layout.common, refOf(lane))], [path, context.layout.common]);
  return known;
};

/** What git knows of this worktree, after the end of all writers that an earlier engine left in it and after repairs. */
const knownAlready = async (context: Context, lane: string, path: string): Promise<Listed | No | "unknown"> => {
  const { layout } = context;
  const before = await adminOf(layout.common, path);
  const finished = before !== undefined && seeAdmin(before).names.has("index") && (await isFolder(path));
  // Nothing is there that a killed call could have begun: a lane that takes an idle worktree over does not wait for a look at all processes.
  const untouched =
    before === undefined && !(await isThere(path)) && !isDirectory(join(layout.common, "worktrees", lane));
  if (untouched && hasPool(context)) return "unknown";
  if (!finished) await endWriters(path);
  if (!finished) await settleMoves(context, path);
  const repaired = finished ? undefined : await repairAdmin(context, lane, path);
  if (repaired !== undefined) return repaired;
  const admin = await adminOf(layout.common, path);
  if (admin === undefined) return "unknown";
  const seen = seeAdmin(admin);
  if (seen.head !== refOf(lane)) return elsewhere(lane, path, seen.head);
  const head = (await refsBelow(context, refOf(lane))).get(refOf(lane));
  if (head === undefined) return branchGone(lane, path);
  return { admin, head, filled: seen.names.has("index") };
};

const isThere = async (path: string): Promise<boolean> => (await missing(lstat(path), undefined)) !== undefined;

/** Create the branch, or keep the one that is there with its commits, and let git make the empty worktree. */
const add = async (context: Context, lane: string, base: string, path: string): Promise<Listed | No> => {
  const occupied = await inTheWay(path);
  if (occupied !== undefined) return occupied;
  const claimed = await claim(context, lane, base, path);
  if (claimed !== undefined) return claimed;
  const refs = await refsBelow(context, "refs/heads/lane", laneRefs.base(lane));
  const blocked = branchInTheWay(
    lane,
    [...refs.keys()].filter((ref) => ref.startsWith("refs/heads/")),
  );
  if (blocked !== undefined) return blocked;
  const head = refs.get(refOf(lane)) ?? base;
  const idle = await takeIdle(context, lane, head);
  if (!refs.has(refOf(lane))) {
    const no = await makeBranch(context, lane, base, refs.get(laneRefs.base(lane)));
    if (no !== undefined) return no;
  }
  await context.step("open:branched");
  if (idle !== undefined && (await moveIn(context, lane, idle, path))) return { admin: idle.admin, head, filled: true };
  // Whatever the umask says: nobody else puts a worktree in the place of a lane's.
  await mkdir(context.layout.worktrees, { recursive: true, mode: 0o700 });
  const args = ["worktree", "add", "--no-checkout", path, branchOf(lane)];
  const ran = await call(context, refsPlace(context.layout), args, { writes: path });
  if (ran.code !== 0) return notAdded(lane, path, ran.stderr) ?? failedTo(`make the worktree of ${lane}`, ran);
  await context.step("open:listed");
  const admin = await adminOf(context.layout.common, path);
  if (admin === undefined) throw new Error(`git made ${path} but does not list it`);
  return { admin, head, filled: false };
};

/**
 * Take an idle worktree over for a lane that is new: its branch and its base are not there yet. Undefined when there is none, or they
 * are: then everything is looked at first.
 */
const claim = async (context: Context, lane: string, base: string, path: string): Promise<Listed | undefined> => {
  if (!hasPool(context)) return undefined;
  const idle = await takeIdle(context, lane, base);
  if (idle === undefined) return undefined;
  const changes = [refOf(lane), laneRefs.base(lane)].map((ref) => ({ ref, from: undefined, to: base }));
  const ran = await changeRefs(context, `lanes: open ${lane}`, changes, path);
  if (ran.code !== 0) return undefined;
  await context.step("open:branched");
  return (await moveIn(context, lane, idle, path)) ? { admin: idle.admin, head: base, filled: true } : undefined;
};

const makeBranch = async (
  context: Context,
  lane: string,
  base: string,
  before: string | undefined,
): Promise<No | undefined> => {
  const mark = laneRefs.base(lane);
  await clearLocks([refOf(lane), mark].map((ref) => join(context.layout.common, ref)));
  const changes: RefChange[] = [{ ref: refOf(lane), from: undefined, to: base }];
  if (before !== base) changes.push({ ref: mark, from: before, to: base });
  const ran = await changeRefs(context, `lanes: open ${lane}`, changes, lanePath(context.layout, lane));
  return ran.code === 0 ? undefined : failedTo(`make the branch ${branchOf(lane)}`, ran);
};

/** Write the files. Only ever called while there is no index: nobody has worked here yet. */
const fill = async (context: Context, path: string, admin: string): Promise<No | undefined> => {
  const place = treePlace(context.layout, path, admin);
  const ran = await call(context, place, ["reset", "--hard", "--quiet"], { writes: path });
  return ran.code === 0 ? undefined : failedTo(`write the files of ${path}`, ran);
};

const inTheWay = async (path: string): Promise<No | undefined> => {
  const entries = await missing(readdir(path), undefined);
  if (entries === undefined || (entries.length === 0 && (await isFolder(path)))) return undefined;
  const hint = "move it away, or add the lane under another name; it is never deleted";
  return { refused: `${path} exists and is no worktree of this repository`, hint, code: 4, paths: [path] };
};

const elsewhere = (lane: string, path: string, head: string | undefined): No => ({
  refused: `the worktree of ${lane} is on ${head === undefined ? "no branch" : head.replace("refs/heads/", "")}`,
  hint: `go back: git -C ${path} switch ${branchOf(lane)}`,
  code: 4,
  paths: [path],
});

const branchGone = (lane: string, path: string): No => ({
  refused: `the branch ${branchOf(lane)} is gone but its worktree is there`,
  hint: `make it again: git -C ${path} branch ${branchOf(lane)} <commit>`,
  code: 4,
  paths: [path],
});

const notAdded = (lane: string, path: string, stderr: string): No | undefined => {
  const other = /already (?:checked out|used by worktree) at '(.+)'/.exec(stderr)?.[1];
  if (other === undefined) return undefined;
  const hint = `switch it to another branch: git -C ${other} switch --detach`;
  return { refused: `${branchOf(lane)} is checked out at ${other}, not at ${path}`, hint, code: 4, paths: [other] };
};
