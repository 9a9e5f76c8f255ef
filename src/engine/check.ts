/** Running a check on what is about to land. */
import { checkRunsMax, lessonsOf } from "../core/queue.ts";
import { graceMs, outputOf } from "./policy.ts";
import { leadsStill, type Work } from "./work.ts";

/** What is run where. `earlier`: runs of the same check before this one. `slot`: which of the verification worktrees. */
export interface CheckAsk {
  readonly lane: string;
  readonly candidate: string;
  readonly run: string;
  readonly check: string;
  readonly earlier: readonly string[];
  readonly slot: number;
}

/** Run the check on exactly this commit in a warm verification worktree. `isWanted`: asked right before it begins. */
export const runCheck = async (work: Work, ask: CheckAsk, isWanted: () => boolean = () => true): Promise<void> => {
  const { git, host } = work.world;
  const { lane, candidate, run, check, slot } = ask;
  await clear(work, [...before(work, slot), ...ask.earlier], run);
  // A new engine may have begun the same check below this one: the worktree is the leader's.
  if (!(await leadsStill(work))) return;
  const cwd = await git.verification(slot, candidate);
  if (!(await leadsStill(work)) || !isWanted()) return;
  const env = { ...(await git.identity()), LANES_CANDIDATE: candidate };
  work.checks.add(run);
  await host.start({ run, lane, cwd, argv: ["sh", "-c", check], env, ...outputOf(work.rules.config) });
};

/** The last checks in a slot, of whatever batch and engine. */
const before = (work: Work, slot: number): readonly string[] =>
  (lessonsOf(work.ledger.state).slots[slot] ?? []).flatMap((name) =>
    Array.from({ length: checkRunsMax }, (_, k) => `${name}-k${k + 1}`),
  );

/** Nobody else works in the worktree: earlier checks have ended with all that they started. */
const clear = async ({ world: { host } }: Work, earlier: readonly string[], run: string): Promise<void> => {
  for (const name of earlier) {
    const { is } = host.seen(name);
    if (name !== run && is !== "absent" && is !== "exited") await host.stop(name, graceMs);
  }
};
