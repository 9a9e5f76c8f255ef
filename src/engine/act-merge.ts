/** Steps that bring what was tested onto the target, or back into the queue. */
import { branchOf } from "../core/id.ts";
import { type Stack, stacksOf } from "../core/batch.ts";
import { landedAs, sentBack, unchecked } from "../core/batch-fact.ts";
import type { Event } from "../core/event.ts";
import { isNo, type No } from "../core/observed.ts";
import type { Action } from "../core/plan.ts";
import { strategyOf } from "../core/queue.ts";
import type { Lane, LaneState } from "../core/state.ts";
import { leadsStill, tell, tellAll, type Work } from "./work.ts";

const landing: ReadonlySet<LaneState> = new Set<LaneState>(["merging", "landed-pending"]);

const stackIn = (work: Work, batch: number): Stack | undefined =>
  stacksOf(work.ledger.state, landing).find(({ id }) => id === batch);

/** Go on without a check: none is configured, and none is required. */
export const passUnchecked = async (work: Work, batch: number): Promise<void> => {
  const stack = stackIn(work, batch);
  if (stack) await tellAll(work, stack.lanes, unchecked(stack));
};

/** Send a lane back: a check is required and there is none that may be run. */
export const refuseUnchecked = async (work: Work, lane: Lane): Promise<void> => {
  const why =
    "nothing lands without a check: configure one, or trust it (lanes trust), or: lanes merge --check COMMAND";
  await tell(work, lane, [{ type: "merge.withdrawn", key: lane.id, why }]);
};

/** Move the target, if nobody moved it and nothing of the user's is in the way: all lanes of a batch land, or none. */
export const land = async (work: Work, batch: number): Promise<void> => {
  const stack = stackIn(work, batch);
  if (!stack || !(await leadsStill(work))) return;
  const { target, onto, commit, lanes } = stack;
  const [first, ...others] = lanes.map(({ id, merge }) => ({ lane: id, head: merge?.head ?? "" }));
  if (!first) return;
  const answer = await work.world.git.land({ ...first, target, onto, commit, others });
  if (isNo(answer)) return hold(work, stack, answer);
  if ("moved" in answer) return requeue(work, stack, `${target} moved while it was tested`);
  await tellAll(work, lanes, landedIn(work, stack));
};

const landedIn = (work: Work, stack: Stack): readonly Event[] =>
  landedAs(stack, strategyOf(stack.lanes[0], work.rules.config.strategy));

/** Something is in the way: it lands when that is gone, unless a lane has new commits by now. */
const hold = async (work: Work, stack: Stack, no: No): Promise<void> => {
  for (const { id, merge } of stack.lanes) {
    const tip = await work.world.git.tip(branchOf(id));
    if (!isNo(tip) && tip.head === merge?.head) continue;
    const what = stack.size === 1 ? "it" : id;
    const { override } = merge ?? {};
    // What a person let pass was another head.
    if (override !== undefined) return withdraw(work, stack, `it has new commits since its override was asked for`);
    return requeue(work, stack, isNo(tip) ? tip.refused : `${what} has new commits since its merge was built`);
  }
  if (stack.lanes[0].state !== "merging") return;
  const { refused: why, paths = [] } = no;
  const alone = await inTheWay(work, stack, paths);
  if (alone.size > 0 && alone.size < stack.lanes.length) {
    const which = [...alone].join(", ");
    await tellAll(work, stack.lanes, sentBack(stack, `${why}; the others go on without ${which}`, alone));
    return;
  }
  await tellAll(
    work,
    stack.lanes,
    stack.lanes.map(({ id: key }): Event => ({ type: "merge.held", key, why, paths })),
  );
};

/** Lanes of a batch that change one of these paths. */
const inTheWay = async (
  { world }: Work,
  { lanes, onto }: Stack,
  paths: readonly string[],
): Promise<ReadonlySet<string>> => {
  const [wanted, found] = [new Set(paths), new Set<string>()];
  if (lanes.length === 1 || wanted.size === 0) return found;
  for (const { id, merge } of lanes)
    if ((await world.git.changed(onto, merge?.head ?? "")).some((path) => wanted.has(path))) found.add(id);
  return found;
};

const withdraw = async (work: Work, stack: Stack, why: string): Promise<void> => {
  const away = stack.lanes.map(({ id: key }): Event => ({ type: "merge.withdrawn", key, why }));
  await tellAll(work, stack.lanes, [...sentBack(stack, why), ...away]);
};

const requeue = async (work: Work, stack: Stack, why: string): Promise<void> => {
  await tellAll(work, stack.lanes, sentBack(stack, why));
};

/**
 * A batch that can never land as it is takes its places in the queue again. If it landed all the same, because it was on its way when
 * a lane was taken out, that is what is recorded.
 */
export const rebuild = async (work: Work, { batch, why }: Extract<Action, { type: "rebuild" }>): Promise<void> => {
  const stack = stackIn(work, batch);
  if (!stack) return;
  const tip = await work.world.git.tip(stack.target);
  const isThere = !isNo(tip) && stack.tested !== undefined && (await work.world.git.contains(tip.head, stack.commit));
  if (isThere) await tellAll(work, stack.lanes, landedIn(work, stack));
  else await requeue(work, stack, why);
};

/** Ask for the merge of a probe's report. */
export const askMerge = async (work: Work, lane: Lane): Promise<void> => {
  await tell(work, lane, [{ type: "merge.asked", key: lane.id }]);
};
