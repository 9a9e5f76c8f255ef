/** Taking a landing back: the target goes to a commit without it, or to where it was, every checkout of it included. */
import { refOf } from "../core/id.ts";
import type { No } from "../core/observed.ts";
import { must } from "./call.ts";
import type { Context } from "./call.ts";
import { checkoutsOf, worktrees } from "./checkout.ts";
import { publish } from "./control.ts";
import { keepCandidate, moveAll, settleAll } from "./land.ts";
import { preflight } from "./move.ts";
import { refsPlace } from "./place.ts";
import { contains } from "./read.ts";
import { changeRefs, commitOf, failedTo, laneRefs, nextBackup, objectName, refsBelow } from "./ref.ts";
import type { RefChange } from "./ref.ts";

/**
 * Like `land`: look at every checkout, write their files, then move all refs in one transaction. What the target had is kept
 * under `refs/lanes/backup/<lane>/<n>`. Called again after a crash it finishes, or says that it is done. `tip`: where the
 * target is. `moved`: it is elsewhere, or not to be moved back because others have what landed: what takes the landing back has to
 * be built anew.
 */
export const takeBack = async (context: Context, ask: TakeBackAsk): Promise<Taken | No> => {
  for (const text of [ask.onto, ask.commit, ask.head, ask.merge]) objectName(text);
  const { lane, target, onto, commit, merge, back } = ask;
  const ref = `refs/heads/${target}`;
  const published = back || (await publish(context, commit));
  await context.step("undo:published");
  const tip = await commitOf(context, ref);
  if (tip === undefined) return { refused: `there is no branch ${target}`, hint: "make it again", code: 4 };
  const all = await worktrees(context);
  const gone = !(await contains(context, tip, merge));
  // Since it was decided to move back, somebody may have got it: by a push, a tag or a branch.
  const shared = back && !gone && !(await onlyTip(context, target, merge));
  const unsettled = await settleAll(context, all, tip === onto && !shared ? { ...ask, ref } : undefined);
  if (unsettled !== undefined) return unsettled;
  if (gone || (!back && published && (await contains(context, tip, commit)))) return finish(context, ask, tip);
  if (!published || shared || tip !== onto) return { moved: tip };
  if (!back) await keepCandidate(context, ask);
  const checkouts = checkoutsOf(all, ref);
  for (const checkout of checkouts) {
    const no = await preflight(context, checkout, ask);
    if (no !== undefined) return no;
  }
  const changes = async (): Promise<readonly RefChange[]> => [
    ...(await othersFor(context, ask, onto)),
    { ref, from: onto, to: commit },
  ];
  const moved = await moveAll(context, { onto, commit, back, ref, message: messageOf(lane), changes }, checkouts);
  if (moved === "done") return { tip: commit };
  return "failed" in moved ? failedTo(`move ${target}`, moved.failed) : moved;
};

/** What is taken back from where. `merge`: what had landed; `head`: the lane's tip then. Commits by object name. */
export interface TakeBackAsk {
  readonly lane: string;
  readonly target: string;
  readonly onto: string;
  readonly commit: string;
  readonly head: string;
  readonly merge: string;
  readonly back: boolean;
}

type Taken = { readonly tip: string } | { readonly moved: string };

/** Is `merge` the tip of the target and on no other branch, tag or remote-tracking branch? */
export const onlyTip = async (context: Context, target: string, merge: string): Promise<boolean> => {
  const ref = `refs/heads/${target}`;
  if ((await commitOf(context, ref)) !== merge) return false;
  const args = ["for-each-ref", "--format=%(refname)", `--contains=${objectName(merge)}`];
  const folders = ["refs/heads", "refs/remotes", "refs/tags"];
  const holders = (await must(context, refsPlace(context.layout), [...args, ...folders])).toString();
  return holders.split("\n").every((name) => name === "" || name === ref);
};

const messageOf = (lane: string): string => `lanes: undo ${lane}`;

/** The target's move apart: a backup of its tip, the lane's branch if that is gone, and nothing that says that it has landed. */
const othersFor = async (
  context: Context,
  ask: TakeBackAsk,
  tip: string | undefined,
): Promise<readonly RefChange[]> => {
  const { lane, head } = ask;
  const [branch, candidate, landed] = [refOf(lane), laneRefs.candidate(lane), laneRefs.landed(lane)];
  const refs = await refsBelow(context, branch, candidate, landed, laneRefs.backup(lane));
  const gone = [candidate, landed].filter((ref) => refs.has(ref));
  return [
    ...(tip === undefined ? [] : [{ ref: nextBackup(lane, refs.keys()), from: undefined, to: tip }]),
    ...(refs.has(branch) ? [] : [{ ref: branch, from: undefined, to: head }]),
    ...gone.map((ref) => ({ ref, from: refs.get(ref), to: undefined })),
  ];
};

/** The target is without the work already: this call repeats one that was killed, or somebody took it back by hand. */
const finish = async (context: Context, ask: TakeBackAsk, tip: string): Promise<Taken | No> => {
  const changes = await othersFor(context, ask, undefined);
  const ran = changes.length === 0 ? undefined : await changeRefs(context, messageOf(ask.lane), changes);
  return ran === undefined || ran.code === 0 ? { tip } : failedTo(`restore the branch of ${ask.lane}`, ran);
};
