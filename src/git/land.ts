/** Landing: the target moves, and every checkout of it with it. The order is that of git.md section 4. */
import { branchOf, refOf } from "../core/id.ts";
import { isNo } from "../core/observed.ts";
import type { No } from "../core/observed.ts";
import type { Context } from "./call.ts";
import { checkoutsOf, worktrees } from "./checkout.ts";
import type { Checkout } from "./checkout.ts";
import { publish } from "./control.ts";
import { clearMark, markLanding, settle } from "./mark.ts";
import type { Going } from "./mark.ts";
import { moveCheckout, preflight } from "./move.ts";
import type { Move } from "./move.ts";
import { contains } from "./read.ts";
import { changeRefs, commitOf, failedTo, laneRefs, nextBackup, objectName, refsBelow } from "./ref.ts";
import type { RefChange } from "./ref.ts";
import type { Ran } from "./run.ts";

/**
 * Move `target` from `onto` to `commit`: look at every checkout (refuse before anything changes), write their files, then
 * move all refs in one transaction. Files first: a commit of the user in between makes the transaction fail, and a crash is
 * repaired by calling again. `moved`: a merge has to be built on this tip of the target, which does not have ours; also when
 * the commit is lost.
 */
export const land = async (context: Context, ask: LandAsk): Promise<Landing | No> => {
  for (const text of [ask.onto, ask.commit, ...lanesIn(ask).map(({ head }) => head)]) objectName(text);
  const ref = `refs/heads/${ask.target}`;
  const published = await publish(context, ask.commit);
  await context.step("land:published");
  const [refs, all] = await Promise.all([refsOf(context, ask, ref), worktrees(context)]);
  const tip = refs.get(ref);
  if (tip === undefined) return { refused: `there is no branch ${ask.target}`, hint: "name another target", code: 4 };
  const unsettled = await settleAll(context, all, tip === ask.onto ? { ...ask, ref } : undefined);
  if (unsettled !== undefined) return unsettled;
  if (published && tip !== ask.onto && (await contains(context, tip, ask.commit))) return finish(context, ask);
  if (!published || tip !== ask.onto) return { moved: tip };
  const moved = lanesIn(ask).find(({ lane, head }) => refs.get(refOf(lane)) !== head);
  if (moved !== undefined) return laneMoved(moved.lane);
  const checkouts = checkoutsOf(all, ref);
  // While it waits for a checkout, or files are written, nothing else leads to the commit. Without any, one transaction is all that happens.
  const isKept = checkouts.length > 0 || refs.has(laneRefs.candidate(ask.lane));
  if (isKept) await keepCandidate(context, ask, refs);
  for (const checkout of checkouts) {
    const no = await preflight(context, checkout, ask);
    if (no !== undefined) return no;
  }
  return carryOut(context, ask, changesFor(ask, ref, refs, isKept), checkouts);
};

/** All refs that a landing looks at or changes. What moves until it changes them makes its transaction fail. */
const refsOf = (context: Context, ask: LandAsk, ref: string): Promise<ReadonlyMap<string, string>> => {
  const ours = lanesIn(ask).flatMap(({ lane }) => [refOf(lane), laneRefs.landed(lane), laneRefs.backup(lane)]);
  return refsBelow(context, ref, laneRefs.candidate(ask.lane), ...ours);
};

/** What lands where. `head`: the tip of the lane's branch that was merged. Commits by object name. */
export interface LandAsk {
  readonly lane: string;
  readonly target: string;
  readonly onto: string;
  readonly commit: string;
  readonly head: string;
  /** Lanes that are merged by the same commit: all land, or none. */
  readonly others?: readonly { readonly lane: string; readonly head: string }[];
}

/** Every lane that lands, the first one first. */
const lanesIn = ({ lane, head, others = [] }: LandAsk): readonly { readonly lane: string; readonly head: string }[] => [
  { lane, head },
  ...others,
];

/** The first lane whose branch is not where it was merged; undefined when there is none. */
const movedLane = async (context: Context, ask: LandAsk): Promise<string | undefined> => {
  for (const { lane, head } of lanesIn(ask)) if ((await commitOf(context, refOf(lane))) !== head) return lane;
  return undefined;
};

type Landing = { readonly landed: true } | { readonly moved: string };

const carryOut = async (
  context: Context,
  ask: LandAsk,
  changes: readonly RefChange[],
  checkouts: readonly Checkout[],
): Promise<Landing | No> => {
  const message = `lanes: land ${ask.lane}`;
  const move = { ...ask, ref: `refs/heads/${ask.target}`, message, changes: async () => changes };
  const moved = await moveAll(context, move, checkouts);
  if (moved === "done") return { landed: true };
  if ("refused" in moved || "moved" in moved) return moved;
  const lane = await movedLane(context, ask);
  return lane === undefined ? failedTo(`move ${ask.target}`, moved.failed) : laneMoved(lane);
};

/** A move of a branch and of all checkouts of it. `changes`: what happens to refs, the branch's own move among them. */
interface BranchMove extends Going {
  readonly ref: string;
  readonly message: string;
  readonly changes: () => Promise<readonly RefChange[]>;
}

/**
 * Files first, then all refs in one transaction. From here on something changes; whatever fails is taken back. `moved`: the
 * branch is elsewhere by now. `failed`: git refused the transaction for another reason.
 */
export const moveAll = async (
  context: Context,
  move: BranchMove,
  checkouts: readonly Checkout[],
): Promise<"done" | No | { readonly moved: string } | { readonly failed: Ran }> => {
  for (const checkout of checkouts) {
    await markLanding(checkout, move);
    await context.step("land:marked");
    const no = await moveCheckout(context, checkout, move);
    if (no !== undefined) return (await settleAll(context, checkouts, undefined)) ?? no;
    await context.step("land:written");
  }
  const ran = await changeRefs(context, move.message, await move.changes());
  await context.step("land:moved");
  if (ran.code === 0) {
    for (const checkout of checkouts) await clearMark(checkout);
    return "done";
  }
  const tip = await commitOf(context, move.ref);
  const unsettled = await settleAll(context, checkouts, undefined);
  if (unsettled !== undefined) return unsettled;
  return tip !== undefined && tip !== move.onto ? { moved: tip } : { failed: ran };
};

const changesFor = (
  ask: LandAsk,
  ref: string,
  refs: ReadonlyMap<string, string>,
  isKept: boolean,
): readonly RefChange[] => {
  const before = lanesIn(ask).flatMap(({ lane, head }): readonly RefChange[] => {
    const backups = [...refs.keys()].filter((name) => name.startsWith(`${laneRefs.backup(lane)}/`));
    return [
      { ref: nextBackup(lane, backups), from: undefined, to: ask.onto },
      { ref: refOf(lane), from: head, to: head },
    ];
  });
  const after = lanesIn(ask).map(({ lane, head }): RefChange => {
    const landed = laneRefs.landed(lane);
    return { ref: landed, from: refs.get(landed), to: head };
  });
  if (isKept) after.push({ ref: laneRefs.candidate(ask.lane), from: ask.commit, to: undefined });
  // Git renames their files one after another, in this order. Killed in between, nothing may say that it landed before it did.
  return [...before, { ref, from: ask.onto, to: ask.commit }, ...after];
};

/** Until it lands the candidate is kept from being collected as garbage. `known`: refs as they are, when somebody just looked. */
export const keepCandidate = async (
  context: Context,
  ask: { readonly lane: string; readonly commit: string },
  known?: ReadonlyMap<string, string>,
): Promise<void> => {
  const ref = laneRefs.candidate(ask.lane);
  const from = known ? known.get(ref) : await commitOf(context, ref);
  if (from === ask.commit) return;
  const ran = await changeRefs(context, `lanes: candidate of ${ask.lane}`, [{ ref, from, to: ask.commit }]);
  if (ran.code !== 0) throw new Error(failedTo(`keep the candidate of ${ask.lane}`, ran).refused);
};

/** The target has the commit already: this call repeats one that was killed after its transaction. */
const finish = async (context: Context, ask: LandAsk): Promise<Landing | No> => {
  const ref = laneRefs.candidate(ask.lane);
  const from = await commitOf(context, ref);
  if (from !== undefined) await changeRefs(context, `lanes: land ${ask.lane}`, [{ ref, from, to: undefined }]);
  return { landed: true };
};

/** End what a crash left half done in these checkouts; `going` is left to go on. */
export const settleAll = async (
  context: Context,
  checkouts: readonly Checkout[],
  going: (Move & { readonly ref: string }) | undefined,
): Promise<No | undefined> => {
  for (const checkout of checkouts) {
    const no = await settle(context, checkout, going);
    if (no !== undefined && isNo(no)) return no;
  }
  return undefined;
};

const laneMoved = (lane: string): No => ({
  refused: `${branchOf(lane)} has other commits than those that were merged`,
  hint: "ask for the merge again",
  code: 4,
});
