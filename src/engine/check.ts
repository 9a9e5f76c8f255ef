/** Running a check on what is about to land, and what its end means. */
import type { RunSeen } from "../core/observed.ts";
import { checkRunsMax } from "../core/queue.ts";
import { graceMs, outputOf } from "./policy.ts";
import { leadsStill, type Work } from "./work.ts";

/** What is run where. `earlier`: runs of the same check that may have vanished with their launchers. */
export interface CheckAsk {
  readonly lane: string;
  readonly candidate: string;
  readonly run: string;
  readonly check: string;
  readonly earlier: readonly string[];
}

/** Run the check on exactly this commit in the warm verification worktree. */
export const runCheck = async (work: Work, ask: CheckAsk): Promise<void> => {
  const { git, host } = work.world;
  const { lane, candidate, run, check } = ask;
  for (const earlier of ask.earlier)
    if (earlier !== run && host.seen(earlier).is === "vanished") await host.stop(earlier, graceMs);
  // A new engine may have begun the same check below this one: the worktree is the leader's.
  if (!(await leadsStill(work))) return;
  const cwd = await git.verification(0, candidate);
  if (!(await leadsStill(work))) return;
  const env = { ...(await git.identity()), LANES_CANDIDATE: candidate };
  work.checks.add(run);
  await host.start({ run, lane, cwd, argv: ["sh", "-c", check], env, ...outputOf(work.rules.config) });
};

/** How a check failed, in words; undefined when it passed. */
export const failureOf = (seen: RunSeen): string | undefined => {
  if (seen.is !== "exited") return `killed ${checkRunsMax} times with its launcher`;
  if (seen.signal !== undefined) return `killed by ${seen.signal}`;
  return seen.code === 0 ? undefined : `exit code ${seen.code}`;
};
