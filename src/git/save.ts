/** Keeping all of a lane's work under a ref, so that nothing is lost whatever becomes of its branch and worktree. */
import { realpath } from "node:fs/promises";
import { join } from "node:path";

import { branchOf, refOf } from "../core/id.ts";
import type { No } from "../core/observed.ts";
import type { Saved } from "../port.ts";
import { missing, namesIn, smallText } from "./absent.ts";
import { call, line, must } from "./call.ts";
import type { Context, More } from "./call.ts";
import { seeAdmin } from "./head.ts";
import { keptOf } from "./kept.ts";
import { adminOf, isFolder, lanePath, refsPlace, treePlace } from "./place.ts";
import { changeRefs, commitOf, failedTo, laneRefs, refsBelow } from "./ref.ts";
import { dropIndex, keeping, snapshot } from "./snapshot.ts";
import type { Snapshot, Tree } from "./snapshot.ts";
import { readText } from "./text.ts";

/**
 * Keep a lane's HEAD, its branch's tip, its index and its files (tracked, staged, untracked; not the ignored ones) under
 * `refs/lanes/trash/<lane>/<n>`. Changes nothing in the lane. What was kept last, once more, is the same ref, dated anew. What only a
 * reflog or an operation in progress names is kept too. A No when there is neither a branch nor a worktree, or git cannot read it.
 */
export const saveLane = async (context: Context, lane: string): Promise<Saved | No> => {
  const taken = await takeLane(context, lane);
  if ("refused" in taken) return taken;
  if (taken.snapshot) await dropIndex(taken.snapshot.index);
  return taken.saved;
};

/** What `takeLane` answers: with the worktree's snapshot, whose index the caller removes. */
export interface Taken {
  readonly saved: Saved;
  readonly snapshot: Snapshot | undefined;
}

/** The same, for a caller that goes on with the snapshot. */
export const takeLane = async (context: Context, lane: string): Promise<Taken | No> => {
  const tree = await treeOf(context, lane);
  const stand = await standOf(context, lane, tree);
  if (stand === undefined) {
    return { refused: `there is nothing of lane ${lane} to keep`, hint: "see: git worktree list", code: 3 };
  }
  let taken: Snapshot | undefined;
  try {
    taken = tree && (await snapshot(context, tree, stand.head));
    await context.step("save:snapshot");
    const saved = await keep(context, lane, stand, taken, tree);
    if ("refused" in saved && taken) await dropIndex(taken.index);
    return "refused" in saved ? saved : { saved, snapshot: taken };
  } catch (error) {
    if (taken) await dropIndex(taken.index);
    const said = error instanceof Error ? error.message : String(error);
    if (!said.startsWith("git ")) throw error;
    return {
      refused: `the work of ${lane} cannot be kept: ${said}`,
      hint: "see `git status` there, then try again",
      code: 73,
    };
  }
};

/** The lane's worktree, when it is one of git's, in its place, and has files. */
const treeOf = async (context: Context, lane: string): Promise<Tree | undefined> => {
  const path = lanePath(context.layout, lane);
  if (!(await isFolder(path)) || (await realpath(path)) !== path) return undefined;
  const admin = await adminOf(context.layout.common, path);
  if (admin === undefined) return undefined;
  const filled = seeAdmin(admin).names.has("index") || namesIn(path).some((name) => name !== ".git");
  return filled ? { path, admin } : undefined;
};

/** Where a lane stands. */
interface Stand {
  /** Ref that HEAD names; undefined when it is detached, or there is no worktree. */
  readonly on: string | undefined;
  readonly head: string;
  readonly branch: string | undefined;
  readonly base: string | undefined;
  readonly busy: string | undefined;
}

const standOf = async (context: Context, lane: string, tree: Tree | undefined): Promise<Stand | undefined> => {
  const refs = await refsBelow(context, refOf(lane), laneRefs.base(lane));
  const [branch, base] = [refs.get(refOf(lane)), refs.get(laneRefs.base(lane))];
  const seen = tree && seeAdmin(tree.admin);
  const on = seen?.detached === undefined ? seen?.head : undefined;
  const head =
    seen?.detached ??
    (on === undefined ? undefined : await commitOf(context, on)) ??
    (tree && (await lastHead(context, tree))) ??
    branch;
  return head === undefined ? undefined : { on, head, branch, base, busy: seen?.busy };
};

/** A branch was deleted under a worktree: where HEAD stood last. */
const lastHead = async (context: Context, tree: Tree): Promise<string | undefined> => {
  const logged = await logCommits(context, [join(tree.admin, "logs", "HEAD")]);
  return logged.at(-1);
};

/** Commits that these reflogs name and that are there, oldest first. */
const logCommits = async (context: Context, files: readonly string[]): Promise<readonly string[]> => {
  const texts = await Promise.all(files.map((file) => missing(readText(file), "")));
  const rows = texts.flatMap((text) => text.split("\n"));
  return commitsAmong(
    context,
    rows.flatMap((row) => /^([0-9a-f]{40,64}) ([0-9a-f]{40,64}) /.exec(row)?.slice(1, 3) ?? []),
  );
};

/** Those of these objects that are commits and there, each once, in order. */
const commitsAmong = async (context: Context, names: readonly string[]): Promise<readonly string[]> => {
  const wanted = [...new Set(names)].filter((name) => !/^0+$/.test(name));
  if (wanted.length === 0) return [];
  const input = wanted.map((name) => `${name}\n`).join("");
  const rows = (await must(context, refsPlace(context.layout), ["cat-file", "--batch-check"], { input })).toString();
  const commits = new Set(rows.split("\n").flatMap((row) => /^([0-9a-f]+) commit /.exec(row)?.[1] ?? []));
  return wanted.filter((name) => commits.has(name));
};

const keep = async (
  context: Context,
  lane: string,
  stand: Stand,
  taken: Snapshot | undefined,
  tree: Tree | undefined,
): Promise<Saved | No> => {
  const place = refsPlace(context.layout);
  const treeOfHead = await line(context, place, ["rev-parse", "--verify", `${stand.head}^{tree}`]);
  const files = taken?.files ?? treeOfHead;
  const staged =
    taken && (await commitTree(context, taken.staged, [stand.head], `lanes: what was staged in ${lane}\n`));
  const conflicts =
    taken?.conflicts === undefined
      ? undefined
      : await commitTree(context, taken.conflicts, [], `lanes: sides of the conflicts in ${lane}\n`);
  const others = await otherCommits(context, lane, stand, tree);
  const parents = [stand.head, staged, conflicts, stand.branch, ...others].filter((parent) => parent !== undefined);
  const { count, bytes } = await difference(context, treeOfHead, [files, taken?.staged ?? files]);
  const message = messageOf(lane, stand, { staged, conflicts, count, bytes, commits: await commitsOf(context, stand) });
  return put(context, lane, { tree: files, parents: [...new Set(parents)], message }, stand, taken?.nested ?? []);
};

/** The facts that a kept commit's message tells, a line each: `restore` reads them. */
const messageOf = (
  lane: string,
  stand: Stand,
  more: {
    readonly staged: string | undefined;
    readonly conflicts: string | undefined;
    readonly count: number;
    readonly bytes: number;
    readonly commits: number;
  },
): string => {
  const facts: readonly (readonly [string, string | number | undefined])[] = [
    ["On", stand.on],
    ["Head", stand.head],
    ["Branch", stand.branch],
    ["Base", stand.base],
    ["Staged", more.staged],
    ["Conflicts", more.conflicts],
    ["Busy", stand.busy],
    ["Commits", more.commits],
    ["Files", more.count],
    ["Bytes", more.bytes],
  ];
  const rows = facts.filter(([, value]) => value !== undefined).map(([name, value]) => `${name}: ${value}`);
  return `lanes: kept ${branchOf(lane)}\n\n${rows.join("\n")}\n`;
};

/** Whose commits these are, the same for the same work. */
const fixed: Readonly<Record<string, string>> = {
  GIT_AUTHOR_NAME: "Lanekeeper",
  GIT_AUTHOR_EMAIL: "lanekeeper@localhost",
  GIT_COMMITTER_NAME: "Lanekeeper",
  GIT_COMMITTER_EMAIL: "lanekeeper@localhost",
  GIT_AUTHOR_DATE: "@0 +0000",
  GIT_COMMITTER_DATE: "@0 +0000",
};

const commitTree = (
  context: Context,
  tree: string,
  parents: readonly string[],
  message: string,
  at?: number,
): Promise<string> => {
  const args = ["commit-tree", tree, ...parents.flatMap((parent) => ["-p", parent]), "-F", "-"];
  const dated = at === undefined ? {} : { GIT_COMMITTER_DATE: `@${at} +0000` };
  const more: More = { input: message, env: { ...fixed, ...dated }, settings: keeping };
  return line(context, refsPlace(context.layout), args, more);
};

/** Commits that would be lost with a lane although its branch is on the target: only its reflogs name them, and nothing that was kept. */
export const looseCommits = async (context: Context, lane: string): Promise<readonly string[]> => {
  const tree = await treeOf(context, lane);
  const stand = await standOf(context, lane, tree);
  if (stand === undefined) return [];
  const others = await otherCommits(context, lane, stand, tree);
  const kept = (await keptOf(context, lane)).map(({ commit }) => commit);
  return tips(context, others, kept);
};

/** Commits that nothing but the lane's own notes name: its reflogs, and an operation in progress. */
const otherCommits = async (
  context: Context,
  lane: string,
  stand: Stand,
  tree: Tree | undefined,
): Promise<readonly string[]> => {
  // Git keeps its notes of a worktree whose folder is gone.
  const admin = tree?.admin ?? (await adminOf(context.layout.common, lanePath(context.layout, lane)));
  const logs = [
    join(context.layout.common, "logs", refOf(lane)),
    ...(admin === undefined ? [] : [join(admin, "logs", "HEAD")]),
  ];
  const refs = tree ? await ownRefs(context, tree) : [];
  const rows = tree ? notes.flatMap((name) => (smallText(join(tree.admin, name)) ?? "").split("\n")) : [];
  const noted = rows.flatMap((row) => /^([0-9a-f]{40,64})(?![0-9a-f])/.exec(row)?.[1] ?? []);
  const wanted = [
    ...new Set([...(await logCommits(context, logs)), ...(await commitsAmong(context, [...refs, ...noted]))]),
  ];
  return tips(context, wanted, [stand.head, ...(stand.branch === undefined ? [] : [stand.branch])]);
};

/** Files of an admin folder that name commits, one a line. */
const notes: readonly string[] = [
  "ORIG_HEAD",
  "MERGE_HEAD",
  "CHERRY_PICK_HEAD",
  "REVERT_HEAD",
  "REBASE_HEAD",
  "MERGE_AUTOSTASH",
  "rebase-merge/autostash",
  "rebase-apply/autostash",
];

/** Refs that only this worktree has: a bisection's, a rebase's. */
const ownRefs = async (context: Context, tree: Tree): Promise<readonly string[]> => {
  const place = treePlace(context.layout, tree.path, tree.admin);
  const args = ["for-each-ref", "--format=%(objectname)", "refs/worktree", "refs/bisect", "refs/rewritten"];
  return (await must(context, place, args))
    .toString()
    .split("\n")
    .filter((name) => name !== "");
};

/** Most commits of reflogs that one snapshot names: the newest. */
const tipsMax = 200;

/** Of these commits, those that neither the kept ones nor any branch or tag hold, and that none of the others holds. */
const tips = async (
  context: Context,
  wanted: readonly string[],
  held: readonly string[],
): Promise<readonly string[]> => {
  if (wanted.length === 0) return [];
  const input = [...wanted, ...held.map((name) => `^${name}`)].map((name) => `${name}\n`).join("");
  const args = ["rev-list", "--parents", "--stdin", "--not", "--branches", "--remotes", "--tags"];
  const ran = await call(context, refsPlace(context.layout), args, { input });
  // A part of the history is not there (a shallow clone, a damaged store): then all of them are named.
  if (ran.code !== 0) return wanted.slice(-tipsMax);
  const rows = ran.stdout
    .toString()
    .split("\n")
    .filter((row) => row !== "")
    .map((row) => row.split(" "));
  const parents = new Set(rows.flatMap(([, ...above]) => above));
  return rows
    .flatMap(([name = ""]) => (parents.has(name) ? [] : [name]))
    .slice(0, tipsMax)
    .toSorted();
};

/** How many files differ from `head` on disk or in the index, and how large all those versions are. */
const difference = async (
  context: Context,
  head: string,
  trees: readonly string[],
): Promise<{ readonly count: number; readonly bytes: number }> => {
  const place = refsPlace(context.layout);
  const paths = new Set<string>();
  const blobs = new Set<string>();
  for (const tree of new Set(trees)) {
    const output = await must(context, place, ["diff-tree", "-r", "-z", "--no-renames", "--raw", head, tree]);
    const fields = output.toString("latin1").split("\0");
    for (let at = 0; at + 1 < fields.length; at += 2) {
      paths.add(fields[at + 1] ?? "");
      // Files and links; of a submodule there is no object.
      const blob = /^:\d+ 1[02]\d+ [0-9a-f]+ ([0-9a-f]+)/.exec(fields[at] ?? "")?.[1];
      if (blob !== undefined) blobs.add(blob);
    }
  }
  if (blobs.size === 0) return { count: paths.size, bytes: 0 };
  const more: More = { input: `${[...blobs].join("\n")}\n` };
  const sizes = (await must(context, place, ["cat-file", "--batch-check=%(objectsize)"], more)).toString().split("\n");
  return { count: paths.size, bytes: sizes.reduce((sum, size) => sum + (Number(size) || 0), 0) };
};

/** Commits of the lane since its base. */
const commitsOf = async (context: Context, { head, base }: Stand): Promise<number> => {
  if (base === undefined) return 0;
  const ran = await call(context, refsPlace(context.layout), ["rev-list", "--count", head, `^${base}`]);
  return ran.code === 0 ? Number(ran.stdout.toString()) : 0;
};

/** What is to be kept, as a commit without its date. */
interface Wanted {
  readonly tree: string;
  readonly parents: readonly string[];
  readonly message: string;
}

/** A name of a kept commit is fresh for this long: then its date is set anew, so that it is kept as long as a new one. */
const freshMs = 24 * 60 * 60 * 1000;
const racesMax = 5;

/** Name it: by the newest ref when that holds the same, or by the next one. */
const put = async (
  context: Context,
  lane: string,
  wanted: Wanted,
  stand: Stand,
  nested: readonly string[],
): Promise<Saved | No> => {
  for (let race = 0; ; race += 1) {
    const earlier = await keptOf(context, lane);
    // What was kept last is what `restore` brings back: only that may stand for this.
    const newest = earlier.at(-1);
    const same = newest?.body === bodyOf(wanted) ? newest : undefined;
    const now = Date.now();
    const n = same?.n ?? (newest?.n ?? 0) + 1;
    const ref = `${laneRefs.trash(lane)}/${n}`;
    const answer = { ref, n, head: stand.head, nested };
    if (same && now - same.at < freshMs) return { ...answer, commit: same.commit };
    const commit = await commitTree(context, wanted.tree, wanted.parents, wanted.message, Math.floor(now / 1000));
    await context.step("save:written");
    const ran = await changeRefs(context, `lanes: keep ${lane}`, [{ ref, from: same?.commit, to: commit }]);
    if (ran.code === 0) return { ...answer, commit };
    if (race === racesMax) return failedTo(`keep the work of ${lane}`, ran);
  }
};

const bodyOf = ({ tree, parents, message }: Wanted): string => [tree, parents.join(" "), message].join("\0");
