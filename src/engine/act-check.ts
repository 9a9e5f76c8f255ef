/** Steps of a batch's check: run it in a warm verification worktree, end it when it takes too long, and record how it went. */
import { type Stack, stacksOf } from "../core/batch.ts";
import { judged } from "../core/batch-fact.ts";
import { type Action, isSuccess } from "../core/plan.ts";
import { checkRunsMax, lessonsOf, vanishedMax } from "../core/queue.ts";
import { graceMs, outputOf } from "./policy.ts";
import { leadsStill, tellAll, type Work } from "./work.ts";

/** The batch that a step is about, as it is now; undefined when there is no such batch any more. */
const stackIn = (work: Work, batch: number): Stack | undefined =>
  stacksOf(work.ledger.state).find(({ id }) => id === batch);

/** Run the check on the merged tree in the worktree of the batch's slot. */
export const test = async (work: Work, { batch, run, check }: Extract<Action, { type: "test" }>): Promise<void> => {
  const { git, host } = work.world;
  const stack = stackIn(work, batch);
  if (!stack) return;
  await clearSlot(work, stack, run);
  // A new engine may have begun the same check below this one: the worktree is the leader's.
  if (!(await leadsStill(work))) return;
  const cwd = await git.verification(stack.slot, stack.commit);
  if (!(await leadsStill(work)) || !stackIn(work, batch)) return;
  const env = { ...(await git.identity()), LANES_CANDIDATE: stack.commit };
  work.checks.add(run);
  await host.start({ run, lane: stack.lead, cwd, argv: ["sh", "-c", check], env, ...outputOf(work.rules.config) });
};

/** Nobody else works in the slot: earlier checks there, of whatever batch and engine, have ended with all that they started. */
const clearSlot = async (work: Work, stack: Stack, run: string): Promise<void> => {
  const { host } = work.world;
  for (const name of lessonsOf(work.ledger.state).slots[stack.slot] ?? []) {
    for (let k = 1; k <= checkRunsMax; k += 1) {
      const earlier = `${name}-k${k}`;
      if (earlier === run) return;
      const { is } = host.seen(earlier);
      if (is === "absent") break;
      if (is !== "exited") await host.stop(earlier, graceMs);
    }
  }
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
  const passed = isSuccess(seen) && !late;
  const verdict = { passed, again, how: howOf(action), ms: seen.is === "exited" ? seen.ranMs : 0 };
  await tellAll(work, stack.lanes, judged(work.ledger.state, stack, verdict));
};

const howOf = ({ seen, late }: Extract<Action, { type: "judge" }>): string => {
  if (late) return "ended after its time limit (checkTimeoutMs)";
  if (seen.is !== "exited") return `killed ${vanishedMax} times with its launcher`;
  return seen.signal === undefined ? `exit code ${seen.code}` : `killed by ${seen.signal}`;
};
