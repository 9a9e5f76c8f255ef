/** One look at the repository: branches, lanes, and git's own locks. */
import { statSync } from "node:fs";
import { join } from "node:path";

import { idFault, refOf } from "../core/id.ts";
import type { LaneSeen, RepoSeen } from "../core/observed.ts";
import { namesIn } from "./absent.ts";
import type { AheadOf, Apart } from "./ahead.ts";
import type { Context } from "./call.ts";
import { configured } from "./configured.ts";
import { seeAdmin } from "./head.ts";
import type { AdminSeen } from "./head.ts";
import { adminOf, isFolder, lanePath, treePlace } from "./place.ts";
import { allBranches } from "./refs.ts";
import type { RefSeen } from "./refs.ts";
import { uncommitted } from "./status.ts";

/** Look once. A lane without its branch is not among `lanes`; `dirty` is there for the lanes of `ask.status` with a worktree. */
export const observe = async (context: Context, aheadOf: AheadOf, ask: Ask): Promise<RepoSeen> => {
  const at = Date.now();
  const [refs, settings] = await Promise.all([allBranches(context), configured(context)]);
  const target = refs.find(({ ref }) => ref === `refs/heads/${ask.target}`);
  const laneRefs = refs.filter(({ ref }) => laneOf(ref) !== undefined);
  const apart = target === undefined ? new Map<string, Apart>() : await aheadOf(target.head, laneRefs);
  const status = new Set(ask.status);
  const lanes = await Promise.all(
    laneRefs.map(async (ref): Promise<[string, LaneSeen]> => {
      const lane = laneOf(ref.ref) ?? "";
      return [lane, await laneSeen(context, lane, ref, apart.get(ref.ref), status.has(lane))];
    }),
  );
  return {
    at,
    target: target && { name: ask.target, head: target.head, subject: target.subject },
    lanes: new Map(lanes),
    branches: refs.map(branchSeen),
    locks: lockFiles(context.layout.common, at),
    configured: settings,
  };
};

interface Ask {
  readonly target: string;
  readonly status: readonly string[];
}

/** Uncommitted paths that are told of one lane. */
const dirtyPathsMax = 200;

const laneOf = (ref: string): string | undefined => {
  const lane = /^refs\/heads\/lane\/([^/]+)\/work$/.exec(ref)?.[1];
  return idFault(lane) === undefined ? lane : undefined;
};

const branchSeen = (seen: RefSeen): RepoSeen["branches"][number] => ({
  name: seen.ref.slice("refs/heads/".length),
  head: seen.head,
  subject: seen.subject,
  committedAt: seen.committedAt,
  ...(seen.worktree === undefined ? {} : { worktree: seen.worktree }),
});

const laneSeen = async (
  context: Context,
  lane: string,
  ref: RefSeen,
  apart: Apart | undefined,
  look: boolean,
): Promise<LaneSeen> => {
  const { layout } = context;
  const path = lanePath(layout, lane);
  const admin = (await isFolder(path)) ? await adminOf(layout.common, path) : undefined;
  const seen = admin === undefined ? undefined : seeAdmin(admin);
  const known = { head: ref.head, subject: ref.subject, ahead: apart?.ahead ?? 0, behind: apart?.behind ?? 0 };
  if (admin === undefined || seen === undefined) return { ...known, worktree: "missing" };
  const place = treePlace(layout, path, admin);
  const dirty = look ? await context.wide(() => uncommitted(context, place)) : undefined;
  return {
    ...known,
    worktree: onOwnBranch(lane, ref, path, seen) ? "present" : "elsewhere",
    ...(dirty === undefined ? {} : { dirty: dirty.slice(0, dirtyPathsMax).map(({ path: name }) => name) }),
    ...(seen.busy === undefined ? {} : { busy: seen.busy }),
  };
};

const onOwnBranch = (lane: string, ref: RefSeen, path: string, seen: AdminSeen): boolean =>
  ref.worktree === path || seen.head === refOf(lane);

/** Git's lock files in the common directory and in the admin folders of worktrees, not below. */
const lockFiles = (common: string, now: number): RepoSeen["locks"] => {
  const folder = join(common, "worktrees");
  return [common, ...namesIn(folder).map((name) => join(folder, name))].flatMap((place) => locksIn(place, now));
};

const locksIn = (folder: string, now: number): RepoSeen["locks"] =>
  namesIn(folder)
    .filter((name) => name.endsWith(".lock"))
    .flatMap((name) => {
      const path = join(folder, name);
      const seen = statSync(path, { throwIfNoEntry: false });
      return seen === undefined ? [] : [{ path, ageMs: Math.max(0, Math.round(now - seen.mtimeMs)) }];
    });
