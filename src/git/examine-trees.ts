/** Linked worktrees as the doctor sees them: what git has noted against what is on disk. */
import { lstat, readdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";

import type { TreeFacts, TreeState } from "../core/health.ts";
import { idFault } from "../core/id.ts";
import { missing } from "./absent.ts";
import type { Context } from "./call.ts";
import { seeAdmin } from "./head.ts";
import type { AdminSeen } from "./head.ts";
import { lanePath } from "./place.ts";
import { refsBelow } from "./ref.ts";
import { readText } from "./text.ts";
import { writersOf } from "./writer.ts";

/** All worktrees that git lists, lanes' and others'. */
export const treesOf = async (context: Context): Promise<readonly TreeFacts[]> => {
  const folder = join(context.layout.common, "worktrees");
  const names: readonly string[] = await missing(readdir(folder), []);
  const refs = await refsBelow(context, "refs/heads");
  const trees = await Promise.all(names.toSorted().map((name) => treeAt(context, join(folder, name), refs)));
  // `lanes reset` archives the worktrees for checks; the next check makes its own anew.
  const ours = new Set(["verify", "pool"].map((name) => join(context.layout.state, name)));
  return trees.filter(({ is, path }) => is !== "gone" || !ours.has(dirname(path)));
};

const treeAt = async (context: Context, admin: string, refs: ReadonlyMap<string, string>): Promise<TreeFacts> => {
  const seen = seeAdmin(admin);
  const back = await missing(readText(join(admin, "gitdir")), undefined);
  const name = admin.slice(admin.lastIndexOf("/") + 1);
  const path = back === undefined ? lanePath(context.layout, name) : dirname(resolve(admin, back.trimEnd()));
  const lane = laneOf(context, seen.head, path);
  const is = await stateOf(admin, path, seen, back !== undefined);
  const found = is === "gone" ? await movedTo(context, admin, path) : undefined;
  const lost = lane !== undefined && is === "whole" && seen.head !== undefined && !refs.has(seen.head);
  const commit = lost ? await lastCommit(admin) : undefined;
  const branch = seen.head?.replace("refs/heads/", "") ?? "";
  return {
    path,
    admin,
    lane,
    is,
    ...(found === undefined ? {} : { found }),
    place: lane === undefined ? undefined : lanePath(context.layout, lane),
    ...(lost ? { lostBranch: { branch, ...(commit === undefined ? {} : { commit }) } } : {}),
  };
};

const laneOf = (context: Context, head: string | undefined, path: string): string | undefined => {
  const named = /^refs\/heads\/lane\/([^/]+)\/work$/.exec(head ?? "")?.[1];
  if (named !== undefined) return named;
  const name = path.slice(path.lastIndexOf("/") + 1);
  return dirname(path) === context.layout.worktrees && idFault(name) === undefined ? name : undefined;
};

const stateOf = async (admin: string, path: string, seen: AdminSeen, listed: boolean): Promise<TreeState> => {
  const lock = await missing(readText(join(admin, "locked")), undefined);
  if (!seen.names.has("index") && writersOf(path).length === 0) {
    if (!listed || lock?.startsWith("initializing") === true) return "unfinished";
    if ((await missing(lstat(path), undefined)) !== undefined && seen.detached === undefined) return "unfilled";
  }
  const folder = await missing(lstat(path), undefined);
  // Somebody locked it because it is away at times: on a disk that is not always there.
  if (folder === undefined) return lock === undefined ? "gone" : "whole";
  if (!folder.isDirectory()) return "swapped";
  const link = await missing(lstat(join(path, ".git")), undefined);
  if (link === undefined) return "unlinked";
  return (await namedBy(path)) === admin ? "whole" : "swapped";
};

/** The folder that the `.git` file of a worktree names; undefined when it has none. */
const namedBy = async (path: string): Promise<string | undefined> => {
  const file = join(path, ".git");
  const seen = await missing(lstat(file), undefined);
  if (seen?.isFile() !== true || seen.size > linkBytesMax) return undefined;
  const named = /^gitdir: (.+)\n?$/.exec(await missing(readText(file), ""))?.[1];
  return named === undefined ? undefined : resolve(path, named);
};

const linkBytesMax = 64 * 1024;
/** Folders that are looked through for a worktree that was moved. */
const foldersMax = 500;

/** A folder near by that says that it is this worktree. */
const movedTo = async (context: Context, admin: string, path: string): Promise<string | undefined> => {
  const { home, worktrees } = context.layout;
  const near = [...new Set([worktrees, dirname(path), home, dirname(home)])];
  const lists = await Promise.all(
    near.map(async (folder) =>
      (await missing(readdir(folder, { withFileTypes: true }), []))
        .filter((entry) => entry.isDirectory())
        .slice(0, foldersMax)
        .map((entry) => join(folder, entry.name)),
    ),
  );
  for (const folder of lists.flat()) if (folder !== path && (await namedBy(folder)) === admin) return folder;
  return undefined;
};

/** Where HEAD of this worktree stood last, by its reflog. */
const lastCommit = async (admin: string): Promise<string | undefined> => {
  const rows = (await missing(readText(join(admin, "logs", "HEAD")), "")).trimEnd().split("\n");
  const to = rows.at(-1)?.split(" ")[1];
  return to !== undefined && /^[0-9a-f]{40,64}$/.test(to) && !/^0+$/.test(to) ? to : undefined;
};
