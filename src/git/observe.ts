/** One look at the repository: branches, lanes, and git's own locks. */
import { statSync } from "node:fs";
import { dirname, join } from "node:path";

import { idFault, refOf } from "../core/id.ts";
import type { LaneSeen, RepoSeen } from "../core/observed.ts";
import { namesIn, smallText } from "./absent.ts";
import type { AheadOf, Apart } from "./ahead.ts";
import type { Context } from "./call.ts";
import { configured } from "./configured.ts";
import { isHeld } from "./dead-lock.ts";
import { seeAdmin } from "./head.ts";
import type { AdminSeen } from "./head.ts";
import { adminOf, isFolder, lanePath, pointsTo, treePlace } from "./place.ts";
import { allBranches } from "./refs.ts";
import type { RefSeen } from "./refs.ts";
import { uncommitted } from "./status.ts";

/** Look once. A lane without its branch is not among `lanes`; `dirty` is there for the lanes of `ask.status` with a worktree. */
export const observe = async (context: Context, aheadOf: AheadOf, ask: Ask): Promise<RepoSeen> => {
  const at = Date.now();
  const admins = adminFolders(context.layout.common);
  const [{ refs, target, laneRefs, apart }, settings, dirty] = await Promise.all([
    refsOf(context, aheadOf, ask.target),
    configured(context),
    dirtyIn(context, ask.status),
  ]);
  const lanes = await Promise.all(
    laneRefs.map(async (ref): Promise<[string, LaneSeen]> => {
      const lane = laneOf(ref.ref) ?? "";
      return [lane, await laneSeen(context, ref, { lane, apart: apart.get(ref.ref), admins, dirty: dirty.get(lane) })];
    }),
  );
  const [locked, guards] = [lockedTrees(admins, at), guardsIn(context.layout.state, at)];
  return {
    at,
    target: target && { name: ask.target, head: target.head, subject: target.subject },
    lanes: new Map(lanes),
    branches: refs.map(branchSeen),
    locks: await withHolders(context, lockFiles(context.layout.common, admins, at)),
    ...(locked.length === 0 ? {} : { locked }),
    ...(guards.length === 0 ? {} : { guards }),
    configured: settings,
  };
};

interface Ask {
  readonly target: string;
  readonly status: readonly string[];
}

/** All branches, and how far those of lanes are from the target. */
const refsOf = async (context: Context, aheadOf: AheadOf, name: string) => {
  const refs = await allBranches(context);
  const target = refs.find(({ ref }) => ref === `refs/heads/${name}`);
  const laneRefs = refs.filter(({ ref }) => laneOf(ref) !== undefined);
  const apart = target === undefined ? new Map<string, Apart>() : await aheadOf(target.head, laneRefs);
  return { refs, target, laneRefs, apart };
};

/** Uncommitted paths of these lanes, as far as they have a worktree. */
const dirtyIn = async (context: Context, lanes: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> => {
  const found = await Promise.all(
    lanes.map(async (lane): Promise<readonly (readonly [string, readonly string[]])[]> => {
      const path = lanePath(context.layout, lane);
      const admin = (await isFolder(path)) ? await adminOf(context.layout.common, path) : undefined;
      if (admin === undefined) return [];
      const seen = await context.wide(() => uncommitted(context, treePlace(context.layout, path, admin)));
      return [[lane, seen.slice(0, dirtyPathsMax).map(({ path: name }) => name)]];
    }),
  );
  return new Map(found.flat());
};

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

/** What is known of a lane besides its branch. */
interface Beside {
  readonly lane: string;
  readonly apart: Apart | undefined;
  readonly admins: Admins;
  /** Undefined when nobody looked. */
  readonly dirty: readonly string[] | undefined;
}

const laneSeen = async (context: Context, ref: RefSeen, { lane, apart, admins, dirty }: Beside): Promise<LaneSeen> => {
  const { layout } = context;
  const path = lanePath(layout, lane);
  const admin = (await isFolder(path)) ? await adminOf(layout.common, path) : undefined;
  const seen = admin === undefined ? undefined : seeAdmin(admin, admins.get(admin));
  const known = { head: ref.head, subject: ref.subject, ahead: apart?.ahead ?? 0, behind: apart?.behind ?? 0 };
  if (admin === undefined || seen === undefined) return { ...known, worktree: "missing" };
  const own = onOwnBranch(lane, ref, path, seen);
  return {
    ...known,
    worktree: own ? "present" : "elsewhere",
    ...(own || seen.head === undefined ? {} : { on: seen.head.replace("refs/heads/", "") }),
    ...(dirty === undefined ? {} : { dirty }),
    ...(seen.busy === undefined ? {} : { busy: seen.busy }),
  };
};

const onOwnBranch = (lane: string, ref: RefSeen, path: string, seen: AdminSeen): boolean =>
  ref.worktree === path || seen.head === refOf(lane);

/** The admin folders of all worktrees, each with the names in it. */
type Admins = ReadonlyMap<string, readonly string[]>;

const adminFolders = (common: string): Admins => {
  const folder = join(common, "worktrees");
  return new Map(namesIn(folder).map((name) => [join(folder, name), namesIn(join(folder, name))]));
};

/** Git holds its locks for moments: whether somebody lives who may own one is asked only of older ones, for it costs a look at all processes. */
const withHolders = (context: Context, locks: RepoSeen["locks"]): Promise<RepoSeen["locks"]> =>
  Promise.all(
    locks.map(async (lock) => {
      if (lock.ageMs < oldMs) return lock;
      const { home, common, checkout } = context.layout;
      const own = pointsTo(dirname(lock.path));
      const places = [
        home,
        common,
        ...(checkout === undefined ? [] : [checkout]),
        ...(own === undefined ? [] : [dirname(own)]),
      ];
      const held = await isHeld(lock.path, places);
      return held === undefined ? lock : { ...lock, held };
    }),
  );

const oldMs = 10_000;

/** Worktrees with a `locked` file; git's own sign that it is making one is left out. */
const lockedTrees = (admins: Admins, now: number): NonNullable<RepoSeen["locked"]> =>
  [...admins].flatMap(([admin, names]) => {
    if (!names.includes("locked")) return [];
    const why = (smallText(join(admin, "locked")) ?? "").trim().slice(0, 200);
    const path = pointsTo(admin);
    return path === undefined || why === "initializing"
      ? []
      : [{ path: dirname(path), why, ageMs: ageAt(join(admin, "locked"), now) ?? 0 }];
  });

/** Lock folders of the convention that scripts around the tracker know (`locks/tracker.lck`). */
const guardsIn = (state: string, now: number): NonNullable<RepoSeen["guards"]> =>
  namesIn(join(state, "locks")).flatMap((name) => {
    const ageMs = name.endsWith(".lck") ? ageAt(join(state, "locks", name), now) : undefined;
    return ageMs === undefined ? [] : [{ name: `locks/${name}`, ageMs }];
  });

const ageAt = (path: string, now: number): number | undefined => {
  const seen = statSync(path, { throwIfNoEntry: false });
  return seen === undefined ? undefined : Math.max(0, Math.round(now - seen.mtimeMs));
};

/** Git's lock files in the common directory and in the admin folders of worktrees, not below. */
const lockFiles = (common: string, admins: Admins, now: number): RepoSeen["locks"] =>
  [[common, namesIn(common)] as const, ...admins].flatMap(([folder, names]) =>
    names
      .filter((name) => name.endsWith(".lock"))
      .flatMap((name) => {
        const path = join(folder, name);
        const ageMs = ageAt(path, now);
        return ageMs === undefined ? [] : [{ path, ageMs }];
      }),
  );
