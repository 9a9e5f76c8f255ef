/** Bringing a lane back as it was kept. */
import { lstatSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { branchOf, refOf } from "../core/id.ts";
import { isNo } from "../core/observed.ts";
import type { No } from "../core/observed.ts";
import type { Restored } from "../port.ts";
import { isDirectory, missing, namesIn } from "./absent.ts";
import { call, must } from "./call.ts";
import type { Context } from "./call.ts";
import { treeOf } from "./candidate.ts";
import { checkoutsOf, worktrees } from "./checkout.ts";
import { seeAdmin } from "./head.ts";
import { keptOf } from "./kept.ts";
import type { KeptCommit } from "./kept.ts";
import { namesIn as rowsIn, onDisk as onDiskAt } from "./obstacle.ts";
import { adminOf, lanePath, refsPlace, treePlace } from "./place.ts";
import { changeRefs, commitOf, failedTo, laneRefs } from "./ref.ts";
import type { RefChange } from "./ref.ts";
import { dropIndex, snapshot } from "./snapshot.ts";
import type { Tree } from "./snapshot.ts";
import { openLane } from "./worktree.ts";

/**
 * Branch and worktree of a lane as they were kept the `n`-th time, or last: HEAD, index, conflicts, edits and new files. An operation
 * that was in progress is not: its commits and files are there. A No when nothing is kept, or something stands in its place.
 */
export const restoreLane = async (context: Context, lane: string, n?: number): Promise<Restored | No> => {
  const all = await keptOf(context, lane);
  const kept = n === undefined ? all.at(-1) : all.find((one) => one.n === n);
  if (kept === undefined) return nothing(lane, n, all);
  const path = lanePath(context.layout, lane);
  const admin = await adminOf(context.layout.common, path);
  if (admin !== undefined && (await doneWith(admin)) === kept.commit) {
    await unmark(context, lane, kept);
    return told(lane, { path, admin }, kept);
  }
  const no = (await inTheWay(context, lane, path, kept)) ?? (await makeRefs(context, lane, kept));
  if (no !== undefined) return no;
  await context.step("restore:refs");
  const opened = await openLane(context, lane, kept.base ?? tipOf(kept));
  if (isNo(opened)) return opened;
  await context.step("restore:opened");
  const tree = await treeAt(context, path);
  await fill(context, lane, tree, kept);
  await context.step("restore:filled");
  await writeFile(join(tree.admin, doneMark), kept.commit);
  await unmark(context, lane, kept);
  return told(lane, tree, kept);
};

/** Names the commit that a worktree was made from: a repetition of the call finds that it is done. */
const doneMark = "lanekeeper-restored";
const doneWith = (admin: string): Promise<string | undefined> =>
  missing(readFile(join(admin, doneMark), "utf8"), undefined);

/** While it is there, what stands at the lane's place is a half restored lane of ours. */
const restoringRef = (lane: string): string => `refs/lanes/restoring/${lane}`;

/** The lane is whole. A mark that stays would have a later call take other things in its place for ours. */
const unmark = async (context: Context, lane: string, kept: KeptCommit): Promise<void> => {
  const ref = restoringRef(lane);
  if ((await commitOf(context, ref)) !== kept.commit) return;
  const ran = await changeRefs(context, `lanes: restored ${lane}`, [{ ref, from: kept.commit, to: undefined }]);
  if (ran.code !== 0) throw new Error(failedTo(`let go of ${ref}`, ran).refused);
};

const tipOf = (kept: KeptCommit): string => kept.branch ?? kept.head ?? kept.commit;

const nothing = (lane: string, n: number | undefined, all: readonly KeptCommit[]): No => {
  const refused = n === undefined ? `nothing is kept of lane ${lane}` : `nothing is kept of lane ${lane} as ${n}`;
  const hint = all.length === 0 ? "lanes trash" : `there is: ${all.map((one) => one.n).join(", ")}`;
  return { refused, hint, code: 4 };
};

const inTheWay = async (context: Context, lane: string, path: string, kept: KeptCommit): Promise<No | undefined> => {
  if (!isDirectory(path) || namesIn(path).length === 0) return undefined;
  const isOurs = (await commitOf(context, restoringRef(lane))) === kept.commit;
  if (isOurs && !(await hasNews(context, path, kept))) return undefined;
  const hint = `lanes remove ${lane} keeps what is there, then: lanes restore ${lane} ${kept.n}`;
  return { refused: `lane ${lane} has a worktree`, hint, code: 4, paths: [path] };
};

/** Is there anything in a half restored lane that neither it nor its base had? Whoever was killed did not write that. */
const hasNews = async (context: Context, path: string, kept: KeptCommit): Promise<boolean> => {
  const admin = await adminOf(context.layout.common, path);
  // A worktree that git has not made whole: nobody can have worked in it.
  if (admin === undefined || !seeAdmin(admin).names.has("HEAD")) return false;
  const { files, staged, conflicts, index } = await snapshot(context, { path, admin }, tipOf(kept));
  await dropIndex(index);
  const place = refsPlace(context.layout);
  const rowsOf = async (tree: string): Promise<readonly string[]> =>
    rowsIn(await must(context, place, ["ls-tree", "-r", "-z", "--full-tree", tree]));
  const wanted = await rowsOf(kept.commit);
  const sources = [kept.staged, kept.base, kept.branch, kept.head].filter((one) => one !== undefined);
  const known = new Set([...wanted, ...(await Promise.all(sources.map(rowsOf))).flat()]);
  if (conflicts !== undefined && !(await sameTree(context, conflicts, kept.conflicts))) return true;
  const [onDisk, inIndex] = await Promise.all([rowsOf(files), rowsOf(staged)]);
  if ([...onDisk, ...inIndex].some((row) => !known.has(row))) return true;
  return hasIgnored(context, { path, admin }, wanted, new Set(onDisk.map(pathOf)));
};

/** Does a file stand where the kept lane has another one, and git is told to ignore it? */
const hasIgnored = async (
  context: Context,
  tree: Tree,
  wanted: readonly string[],
  seen: ReadonlySet<string>,
): Promise<boolean> => {
  const hidden = wanted.filter((row) => !seen.has(pathOf(row)) && isFile(onDiskAt(tree.path, pathOf(row))));
  if (hidden.length === 0) return false;
  const input = Buffer.from(hidden.map((row) => `${pathOf(row)}\n`).join(""), "latin1");
  const place = treePlace(context.layout, tree.path, tree.admin);
  const names = (await must(context, place, ["hash-object", "--stdin-paths"], { input })).toString().split("\n");
  return hidden.some((row, at) => !row.includes(` ${names[at]}\t`));
};

/** The path in a row of `ls-tree`, as bytes (latin1). */
const pathOf = (row: string): string => row.slice(row.indexOf("\t") + 1);

const isFile = (path: Buffer | string): boolean => lstatSync(path, { throwIfNoEntry: false })?.isFile() === true;

const sameTree = async (context: Context, tree: string, commit: string | undefined): Promise<boolean> =>
  commit !== undefined && (await treeOf(context, refsPlace(context.layout), commit)) === tree;

/** The branch, its base and our mark: all or nothing. */
const makeRefs = async (context: Context, lane: string, kept: KeptCommit): Promise<No | undefined> => {
  const tip = tipOf(kept);
  const [branch, base, marker] = await Promise.all([
    commitOf(context, refOf(lane)),
    commitOf(context, laneRefs.base(lane)),
    commitOf(context, restoringRef(lane)),
  ]);
  if (marker === kept.commit && branch === tip) return undefined;
  if (branch !== undefined && branch !== tip) {
    const hint = `rename it: git branch -m ${branchOf(lane)} ${lane}-other`;
    return { refused: `there is a branch ${branchOf(lane)} with other commits`, hint, code: 4 };
  }
  const changes: RefChange[] = [
    { ref: refOf(lane), from: branch, to: tip },
    { ref: restoringRef(lane), from: marker, to: kept.commit },
    ...(kept.base === undefined ? [] : [{ ref: laneRefs.base(lane), from: base, to: kept.base }]),
  ];
  const ran = await changeRefs(context, `lanes: restore ${lane}`, changes);
  return ran.code === 0 ? undefined : failedTo(`make the branch ${branchOf(lane)}`, ran);
};

const treeAt = async (context: Context, path: string): Promise<Tree> => {
  const admin = await adminOf(context.layout.common, path);
  if (admin === undefined) throw new Error(`git made ${path} but does not list it`);
  return { path, admin };
};

/** HEAD, files and index, in this order: until the last, every step may be repeated. */
const fill = async (context: Context, lane: string, tree: Tree, kept: KeptCommit): Promise<void> => {
  const place = treePlace(context.layout, tree.path, tree.admin);
  const writes = { writes: tree.path };
  await setHead(context, lane, tree, kept);
  await must(context, place, ["read-tree", "--reset", "-u", kept.commit], writes);
  await context.step("restore:files");
  if (kept.staged !== undefined) await must(context, place, ["read-tree", kept.staged], writes);
  if (kept.conflicts !== undefined) await unmerge(context, tree, kept.conflicts);
  // It says "needs update" by exit code 1: those are the edits.
  await call(context, place, ["update-index", "-q", "--refresh"]);
};

/** To the branch that it was on, if that is free and where it was; else to the commit. */
const setHead = async (context: Context, lane: string, tree: Tree, kept: KeptCommit): Promise<void> => {
  const { on, head } = kept;
  if (head === undefined || on === refOf(lane)) return;
  const place = treePlace(context.layout, tree.path, tree.admin);
  const isFree =
    on?.startsWith("refs/heads/") === true &&
    (await commitOf(context, on)) === head &&
    checkoutsOf(await worktrees(context), on).every(({ path }) => path === tree.path);
  if (isFree) await must(context, place, ["symbolic-ref", "-m", `lanes: restore ${lane}`, "HEAD", on]);
  else await must(context, place, ["update-ref", "--no-deref", "-m", `lanes: restore ${lane}`, "HEAD", head]);
};

/** Put the sides of each conflict back into the index. */
const unmerge = async (context: Context, tree: Tree, conflicts: string): Promise<void> => {
  const place = treePlace(context.layout, tree.path, tree.admin);
  const rows = rowsIn(await must(context, place, ["ls-tree", "-r", "-z", "--full-tree", conflicts]));
  const sides = rows.flatMap((row) => {
    const [, mode, object, stage, path] = /^(\d+) \w+ ([0-9a-f]+)\t([123])\/([^]+)$/.exec(row) ?? [];
    return mode === undefined || object === undefined ? [] : [{ mode, object, stage, path }];
  });
  const taken = [...new Set(sides.map(({ path }) => path))];
  const none = "0".repeat(sides[0]?.object.length ?? 40);
  const input = [
    ...taken.map((path) => `0 ${none}\t${path}\0`),
    ...sides.map(({ mode, object, stage, path }) => `${mode} ${object} ${stage}\t${path}\0`),
  ].join("");
  await must(context, place, ["update-index", "-z", "--index-info"], { input: Buffer.from(input, "latin1") });
};

const told = (lane: string, { path, admin }: Tree, kept: KeptCommit): Restored => {
  const { head: on } = seeAdmin(admin);
  const { n, files, commits, busy, head } = kept;
  return {
    path,
    n,
    head: head ?? kept.commit,
    files,
    commits,
    ...(busy === undefined ? {} : { busy }),
    ...(on === refOf(lane) ? {} : { on: (on ?? "").replace("refs/heads/", "") }),
  };
};
