/** Git for lanes, as the port wants it: one repository, real git. */
import type { Kept, No } from "../core/observed.ts";
import { isNo } from "../core/observed.ts";
import type { Git, Layout } from "../port.ts";
import { aheadCounter } from "./ahead.ts";
import { call, contextOf } from "./call.ts";
import type { Context } from "./call.ts";
import { mergeAll } from "./candidate.ts";
import { closeLane, whyStays } from "./close.ts";
import { commitAll } from "./commit.ts";
import { publish } from "./control.ts";
import { exclude, noteCheckout } from "./exclude.ts";
import { createForecaster } from "./forecast.ts";
import { furnish } from "./furnish.ts";
import { dropKept, keptOf } from "./kept.ts";
import type { KeptCommit } from "./kept.ts";
import { land } from "./land.ts";
import { observe } from "./observe.ts";
import { refsPlace, treePlace } from "./place.ts";
import { fillPool } from "./pool.ts";
import { identityLately } from "./porcelain.ts";
import { changed, contains, filesAt, known } from "./read.ts";
import { commitOf, refsBelow } from "./ref.ts";
import { dropConflict, putConflict } from "./resolve.ts";
import { restoreLane } from "./restore.ts";
import { rollBack } from "./roll-back.ts";
import { saveLane } from "./save.ts";
import { candidate, join, reverted } from "./strategy.ts";
import { onlyTip, takeBack } from "./take-back.ts";
import { verification } from "./verification.ts";
import { watch } from "./watch.ts";
import { openLane } from "./worktree.ts";
import { writeOut } from "./write-out.ts";

/** Git for the repository of this layout. Needs a git that `findLayout` found fit. */
export const createGit = (layout: Layout, options: GitOptions = {}): Git => {
  const context = contextOf(layout, options.env ?? process.env, options.step ?? (() => undefined), options.note);
  const aheadOf = aheadCounter(context);
  return {
    observe: (ask) => observe(context, aheadOf, ask),
    tip: (branch) => tip(context, branch),
    currentBranch: () => currentBranch(context),
    contains: (head, ancestor) => contains(context, head, ancestor),
    baseFor: (onto, heads) => baseFor(context, onto, heads),
    openLane: (lane, base) => openLane(context, lane, base),
    furnish: (lane) => furnish(context, lane),
    commitAll: (lane, message, within) => commitAll(context, lane, message, within),
    closeLane: (lane, target, how) => closeLane(context, lane, target, how),
    fillPool: (size, target) => refill(context, size, target),
    whyStays: (lane, target, undone) => whyStays(context, lane, target, undone),
    saveLane: (lane) => saveLane(context, lane),
    restoreLane: (lane, n) => restoreLane(context, lane, n),
    kept: async () => (await keptOf(context)).map(keptShown),
    dropKept: (refs) => dropKept(context, refs),
    candidate: (ask) => candidate(context, ask),
    join: (ask) => join(context, ask),
    verification: (slot, commit) => verification(context, slot, commit),
    rollBack: (lane, base) => rollBack(context, lane, base),
    putConflict: (lane, ask) => putConflict(context, lane, ask),
    dropConflict: (lane) => dropConflict(context, lane),
    reverted: (ask) => reverted(context, ask),
    onlyTip: (target, merge) => onlyTip(context, target, merge),
    takeBack: (ask) => takeBack(context, ask),
    land: (ask) => land(context, ask),
    forecast: createForecaster(context),
    filesAt: (commit, folder) => filesAt(context, commit, folder),
    known: (commits) => known(context, commits),
    changed: (onto, head) => changed(context, onto, head),
    writeOut: (path, text) => writeOut(layout, path, text),
    exclude: () => exclude(layout),
    noteCheckout: () => noteCheckout(layout),
    identity: () => identityLately(context),
    watch: (lanes, told) => watch(context, lanes, told),
  };
};

/** Where git's settings come from, and what tests hook in. */
export interface GitOptions {
  /** The user's environment; `process.env` when absent. */
  readonly env?: NodeJS.ProcessEnv;
  /** Told between any two changes; throwing there is a crash at that point. */
  readonly step?: (name: string) => void | Promise<void>;
  /** Told what was repaired on the way, a line each. */
  readonly note?: (line: string) => void;
}

const refill = async (context: Context, size: number, target: string): Promise<void> => {
  const commit = await commitOf(context, `refs/heads/${target}`);
  if (commit !== undefined) await fillPool(context, size, commit);
};

const keptShown = ({ ref, lane, n, commit, at, busy, commits, files, bytes }: KeptCommit): Kept => ({
  ref,
  lane,
  n,
  commit,
  at,
  ...(busy === undefined ? {} : { busy }),
  commits,
  files,
  bytes,
});

const baseFor = async (
  context: Context,
  onto: string,
  heads: readonly string[],
): Promise<{ readonly base: string } | No> => {
  const base = await mergeAll(context, onto, heads);
  if (typeof base !== "string") return base;
  if (base !== onto) await publish(context, base);
  return { base };
};

const tip = async (context: Context, branch: string): Promise<{ readonly head: string } | No> => {
  const head = await commitOf(context, `refs/heads/${branch}`);
  if (head !== undefined) return { head };
  if ((await refsBelow(context, "refs/heads")).size === 0) return noCommit;
  return { refused: `there is no branch ${branch}`, hint: `make it: git branch ${branch}`, code: 3 };
};

const noCommit: No = {
  refused: "this repository has no commit yet",
  hint: "make the first: git commit --allow-empty -m 'first commit'",
  code: 3,
};

const currentBranch = async (context: Context): Promise<{ readonly name: string } | No> => {
  const { checkout, common } = context.layout;
  const hint = "name the branch to land on: lanes init --target BRANCH";
  // A bare repository's HEAD names its main branch.
  const place = checkout === undefined ? refsPlace(context.layout) : treePlace(context.layout, checkout, common);
  const ran = await call(context, place, ["symbolic-ref", "--quiet", "HEAD"]);
  const ref = ran.stdout.toString().trim();
  const where = checkout ?? common;
  if (!ref.startsWith("refs/heads/")) return { refused: `${where} is on no branch (detached HEAD)`, hint, code: 3 };
  const found = await tip(context, ref.slice("refs/heads/".length));
  return isNo(found) ? found : { name: ref.slice("refs/heads/".length) };
};
