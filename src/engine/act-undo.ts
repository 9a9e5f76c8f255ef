/** Steps that take a landing back: what does it is built, tested like every merge, and landed; or the target moves back. */
import { failureOf } from "../core/check.ts";
import { isNo, type No } from "../core/observed.ts";
import type { Action } from "../core/plan.ts";
import { checkRunOf, checkRunsMax } from "../core/queue.ts";
import type { Landed, Lane, State } from "../core/state.ts";
import { landedAfter, stepOf, undoCheck, undoMessage } from "../core/undo.ts";
import type { World } from "../port.ts";
import { runCheck } from "./check.ts";
import { loadRules } from "./policy.ts";
import { leadsStill, tell, type Work } from "./work.ts";

/** Build what takes the landing back. */
export const undoBuild = async (work: Work, lane: Lane): Promise<void> => {
  const { id: key, landed, undoing } = lane;
  if (!landed || !undoing) return;
  work.rules = await loadRules(work.world.settings, work.rules);
  const { policy } = work.rules;
  const check = undoCheck(landed, undoing.check, policy.check);
  const wayOut = await wayOutOf(work.world, work.ledger.state, lane, landed, undoing.at);
  if (isNo(wayOut)) return refuse(work, lane, wayOut);
  const started = { type: "merge.undo-started", key, ...wayOut } as const;
  if (wayOut.how === "revert" && check === undefined && policy.requireCheck) {
    const refused = "nothing lands without a check: configure one, or trust it (lanes trust), or: lanes undo --check";
    return refuse(work, lane, { refused, hint: "", code: 4 });
  }
  // Where the target was it has been: that passed what had to be passed then, unless it is inside of a chain that landed at once.
  const isKnown = wayOut.how === "back" && !isInside(work.ledger.state, landed);
  const gate = isKnown || check === undefined ? {} : { check };
  await tell(work, lane, [{ ...started, ...gate }]);
};

/** Did the target pass over the commit that this landing began at, because both landed at once (`strict: false`)? */
const isInside = (state: State, { before, at, merge }: Landed): boolean =>
  [...state.lanes.values()].some(
    ({ landed }) => landed !== undefined && landed.merge === before && landed.merge !== merge && landed.at === at,
  );

/** How a landing can be taken back now: where the target is, and where it is to go. */
export interface WayOut {
  readonly how: "revert" | "back";
  readonly onto: string;
  readonly candidate: string;
}

/** The way out of a landing: back, when nothing builds on it and nobody got it; else a commit that takes it out. `at`: that commit's date; on `trial` it is only to be seen whether it goes. */
export const wayOutOf = async (
  { git }: Pick<World, "git">,
  state: State,
  lane: Lane,
  landed: Landed,
  at: number,
  trial = false,
): Promise<WayOut | No> => {
  const { merge, target } = landed;
  const { from, to } = stepOf(landed);
  const tip = await git.tip(target);
  if (isNo(tip)) return tip;
  const onto = tip.head;
  const gone = !(await git.contains(onto, merge));
  if (gone) return { how: "back", onto, candidate: onto };
  if (to === merge && (await git.onlyTip(target, merge))) return { how: "back", onto, candidate: from };
  const built = await git.reverted({ onto, from, to, message: undoMessage(lane, merge), at, trial });
  if (!isNo(built)) return { how: "revert", onto, candidate: built.commit };
  const later = await touching({ git }, landedAfter(state, lane), built.paths ?? []);
  const because = later.length === 0 ? "commits that came later changed the same" : `${names(later)} changed the same`;
  const hint =
    later.length === 0
      ? `by hand: git revert${from === to ? "" : " -m 1"} ${merge.slice(0, 7)}`
      : `lanes undo ${later.at(-1)?.id ?? ""} first`;
  return { refused: `${built.refused}: ${because}`, hint, code: 2, paths: built.paths ?? [] };
};

/** Those of these lanes that changed one of the paths. */
export const touching = async (
  { git }: Pick<World, "git">,
  lanes: readonly Lane[],
  paths: readonly string[],
): Promise<readonly Lane[]> => {
  const wanted = new Set(paths);
  const found: Lane[] = [];
  for (const lane of lanes) {
    const { landed } = lane;
    if (!landed) continue;
    const changed = await git.changed(landed.before, landed.head);
    if (changed.some((path) => wanted.has(path))) found.push(lane);
  }
  return found;
};

const names = (lanes: readonly Lane[]): string => lanes.map(({ id }) => id).join(", ");

/** Its worktree is no batch's: a check of the one never stands in the files of the other. */
const undoSlot = 901;

/** Run the check on the target without the work. */
export const undoTest = (work: Work, lane: Lane, candidate: string, run: string, check: string): Promise<void> => {
  const built = lane.undoing?.gate?.built ?? 0;
  const earlier = Array.from({ length: checkRunsMax - 1 }, (_, k) => checkRunOf(lane.id, built, k + 1));
  return runCheck(work, { lane: lane.id, candidate, run, check, earlier, slot: undoSlot });
};

/** Record how that check ended. */
export const undoJudge = async (
  work: Work,
  lane: Lane,
  { candidate, seen, late }: Extract<Action, { type: "undo-judge" }>,
): Promise<void> => {
  const how = failureOf(seen, late);
  if (how === undefined) {
    await tell(work, lane, [{ type: "merge.undo-tested", key: lane.id, candidate }]);
    return;
  }
  const refused = `the check fails without it: ${how} (lanes log ${lane.id} --check)`;
  return refuse(work, lane, { refused, hint: "", code: 1 });
};

/** Move the target, if nobody moved it and nothing of the user's is in the way. */
export const undoLand = async (work: Work, lane: Lane, candidate: string): Promise<void> => {
  const { id: key, landed, undoing } = lane;
  if (!landed || undoing?.onto === undefined) return;
  const { target, head, merge } = landed;
  const back = undoing.how === "back";
  if (!(await leadsStill(work))) return;
  const answer = await work.world.git.takeBack({
    lane: key,
    target,
    onto: undoing.onto,
    commit: candidate,
    head,
    merge,
    back,
  });
  if (isNo(answer)) {
    if (undoing.held === undefined) {
      const { refused: why, paths = [] } = answer;
      await tell(work, lane, [{ type: "merge.undo-held", key, why, paths }]);
    }
    return;
  }
  await ("moved" in answer
    ? tell(work, lane, [{ type: "merge.undo-requeued", key, why: whyAnew(target, answer.moved === undoing.onto) }])
    : tell(work, lane, [{ type: "merge.undone", key, commit: answer.tip, how: back ? "back" : "revert" }]));
};

const whyAnew = (target: string, stands: boolean): string =>
  stands ? `what landed on ${target} is elsewhere too by now` : `${target} moved meanwhile`;

const refuse = async (work: Work, lane: Lane, { refused: why, hint, code, paths = [] }: No): Promise<void> => {
  const event = {
    type: "merge.undo-refused",
    key: lane.id,
    why: hint === "" ? why : `${why}; ${hint}`,
    paths,
  } as const;
  await tell(work, lane, [{ ...event, code }]);
};
