/** What `lanes doctor` sees of git and a repository, and the repairs that are git's. */
import { lstat, rm } from "node:fs/promises";
import { join } from "node:path";

import { isNo } from "../core/observed.ts";
import type { No } from "../core/observed.ts";
import type { RepositoryFacts } from "../core/health.ts";
import type { GitWard, Layout } from "../port.ts";
import { missing } from "./absent.ts";
import { call, contextOf } from "./call.ts";
import type { Context } from "./call.ts";
import { isHeld } from "./dead-lock.ts";
import { exclude, isExcluded } from "./exclude.ts";
import { programsIn } from "./examine-config.ts";
import { locksOf } from "./examine-locks.ts";
import { treesOf } from "./examine-trees.ts";
import { seeAdmin } from "./head.ts";
import { dropHalfMade, relink } from "./leftover.ts";
import { adminOf, refsPlace, treePlace } from "./place.ts";
import { identity } from "./porcelain.ts";
import { changeRefs, refsBelow } from "./ref.ts";
import { gitVersion } from "./version.ts";
import { writersOf } from "./writer.ts";

/** Git's part of the doctor's work, in the repository of `found` or where there is none that can be used. */
export const createGitWard = (found: Layout | No, cwd: string, env: NodeJS.ProcessEnv): GitWard => ({
  look: async () => {
    const version = await gitVersion(cwd, env);
    const said = isNo(version)
      ? version
      : { text: `git ${Math.floor(version.version / 1000)}.${version.version % 1000}` };
    if (isNo(found)) return { version: said, repository: found };
    if (isNo(version)) return { version: said, repository: undefined };
    const context = contextOf(found, env, () => undefined);
    return { version: said, repository: undefined, inside: await lookInside(context) };
  },
  mend: async (mend) => {
    if (isNo(found)) return false;
    const context = contextOf(found, env, () => undefined);
    switch (mend.type) {
      case "unlock":
        return unlock(context, mend.path);
      case "exclude":
        return exclude(found);
      case "relink":
        if ((await missing(lstat(join(mend.path, ".git")), undefined)) !== undefined) return false;
        return (await relink(mend.admin, mend.path)) === undefined;
      case "forget-unfinished":
        return forgetUnfinished(context, mend.lane, mend.path);
      case "restore-branch":
        return restoreBranch(context, mend.branch, mend.commit);
    }
  },
});

const lookInside = async (context: Context): Promise<RepositoryFacts> => {
  const { layout } = context;
  const [names, head, known, trees, programs, excluded] = [
    [...(await refsBelow(context, "refs/heads")).keys()],
    await headOf(context),
    await identity(context),
    await treesOf(context),
    await programsIn(context),
    await isExcluded(layout),
  ];
  return {
    common: layout.common,
    checkout: layout.checkout,
    identity: Object.keys(known).length === 0,
    head,
    // Last, when no git of ours runs any more: it would look like an owner.
    locks: await locksOf(layout, trees),
    programs,
    trees,
    inTheWay: names.map((ref) => ref.slice("refs/heads/".length)).filter((name) => /^lane(?:\/[^/]+)?$/.test(name)),
    excluded,
  };
};

const headOf = async (context: Context): Promise<RepositoryFacts["head"]> => {
  const { checkout, common } = context.layout;
  if (checkout === undefined) return { is: "bare" };
  const { head } = seeAdmin(common);
  const ran = await call(context, treePlace(context.layout, checkout, common), [
    "rev-parse",
    "--verify",
    "--quiet",
    "HEAD^{commit}",
  ]);
  if (ran.code !== 0) return { is: "unborn" };
  return head === undefined ? { is: "detached" } : { is: "branch", branch: head.replace("refs/heads/", "") };
};

/** A lock that is there no more, that is young or that may be held stays as it is. */
const unlock = async (context: Context, path: string): Promise<boolean> => {
  const found = (await locksOf(context.layout, await treesOf(context))).find((lock) => lock.path === path);
  if (found === undefined || found.held || Math.abs(found.ageMs) <= lockStaleMs) return false;
  await rm(path, { force: true });
  return true;
};

/** As `core/doctor-git.ts` judges: here once more, because time has passed. */
const lockStaleMs = 10_000;

const forgetUnfinished = async (context: Context, lane: string, path: string): Promise<boolean> => {
  if (writersOf(path).length > 0 || (await isHeld(join(path, ".git"), [path])) === true) return false;
  await dropHalfMade(context.layout.common, lane, path);
  const admin = (await adminOf(context.layout.common, path)) ?? join(context.layout.common, "worktrees", lane);
  return (await missing(lstat(admin), undefined)) === undefined;
};

/** Only where there is no such branch, and the commit is still there. */
const restoreBranch = async (context: Context, branch: string, commit: string): Promise<boolean> => {
  const there = await call(context, refsPlace(context.layout), ["cat-file", "-e", `${commit}^{commit}`]);
  if (there.code !== 0) return false;
  const change = { ref: `refs/heads/${branch}`, from: undefined, to: commit };
  const ran = await changeRefs(context, `lanes: restore ${branch}`, [change], context.layout.common);
  return ran.code === 0;
};
