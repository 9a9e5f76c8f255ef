/** Steps of a batch's check: run it in the worktree of its slot, end it when it takes too long, and record how it went. */
import { type Stack, stacksOf } from "../core/batch.ts";
import { judged } from "../core/batch-fact.ts";
import { failureOf } from "../core/check.ts";
import type { Action } from "../core/plan.ts";
import { runCheck } from "./check.ts";
import { graceMs } from "./policy.ts";
import { tellAll, type Work } from "./work.ts";

const stackIn = (work: Work, batch: number): Stack | undefined =>
  stacksOf(work.ledger.state).find(({ id }) => id === batch);

/** Run the check on the merged tree. */
export const test = async (work: Work, { batch, run, check }: Extract<Action, { type: "test" }>): Promise<void> => {
  const stack = stackIn(work, batch);
  if (!stack) return;
  const { lead, commit, slot } = stack;
  const ask = { lane: lead, candidate: commit, run, check, earlier: [], slot };
  await runCheck(work, ask, () => stackIn(work, batch) !== undefined);
};

/** The check has used up its time: it is ended with everything that it started. */
export const endCheck = async (work: Work, run: string): Promise<void> => {
  await work.world.host.stop(run, graceMs);
};

/** Record how the check ended. */
export const judge = async (work: Work, action: Extract<Action, { type: "judge" }>): Promise<void> => {
  const stack = stackIn(work, action.batch);
  if (!stack) return;
  const { seen, again, late } = action;
  const how = failureOf(seen, late);
  const ms = seen.is === "exited" ? seen.ranMs : 0;
  const verdict = { check: stack.gate?.check ?? "", passed: how === undefined, again, how: how ?? "", ms };
  await tellAll(work, stack.lanes, judged(work.ledger.state, stack, verdict));
};
