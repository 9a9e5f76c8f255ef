/** Steps that bring a lane onto the target: candidate, check on the merged tree, landing. */
import { branchOf } from "../core/id.ts";
import { isNo, type RunSeen } from "../core/observed.ts";
import { mayLand } from "../core/plan.ts";
import { checkOf, checkRunOf, checkRunsMax, mergeMessage, strategyOf } from "../core/queue.ts";
import { claimsOf, trespass } from "../core/lease.ts";
import type { Lane } from "../core/state.ts";
import { touching } from "./act-undo.ts";
import { failureOf, runCheck } from "./check.ts";
import { loadRules } from "./policy.ts";
import { leadsStill, targetOf, tell, type Work } from "./work.ts";

/** Build the merge of the lane and the target's tip as a commit that is on no branch yet. */
export const build = async (work: Work, lane: Lane): Promise<void> => {
  const { git, settings } = work.world;
  // What landed last may have changed the check: it is decided now, for this candidate.
  work.rules = await loadRules(settings, work.rules);
  const { policy } = work.rules;
  if (!mayLand(lane, policy)) return refuseUnchecked(work, lane);
  const check = checkOf(lane, policy.check);
  const { id: key } = lane;
  const target = targetOf(work, lane);
  const [tip, branch] = [await git.tip(target), await git.tip(branchOf(key))];
  const missing = isNo(tip) ? tip : isNo(branch) ? branch : undefined;
  if (missing || isNo(tip) || isNo(branch)) {
    await tell(work, lane, [{ type: "merge.withdrawn", key, why: missing?.refused ?? "" }]);
    return;
  }
  const forced = lane.merge?.override !== undefined;
  const review = forced ? undefined : unapproved(work, lane, branch.head);
  const taken = review ?? (forced ? undefined : await foreignLease(work, lane, tip.head, branch.head));
  if (taken !== undefined) {
    await tell(work, lane, [{ type: "merge.withdrawn", key, why: taken }]);
    return;
  }
  const since = await takenOut(work, lane, tip.head, branch.head);
  const own = since === undefined && (await beganElsewhere(work, lane, tip.head, branch.head)) ? key : undefined;
  const strategy = strategyOf(lane, work.rules.config.strategy);
  const gate = { ...(check === undefined ? {} : { check }), ...(since === undefined ? {} : { since }) };
  const started = { type: "merge.started", key, target, onto: tip.head, head: branch.head, ...gate } as const;
  const landsAsIs = async (): Promise<void> => {
    const landed = {
      type: "merge.landed",
      key,
      merge: tip.head,
      target,
      before: tip.head,
      head: branch.head,
      tested: "unchecked",
    } as const;
    await tell(work, lane, [{ ...started, candidate: tip.head }, landed]);
  };
  if (since === undefined && (await git.contains(tip.head, branch.head))) {
    if (!lane.undone) return landsAsIs();
    const why = `${target} has all of its branch, but its work was taken off it again in ${lane.undone.commit.slice(0, 7)}: git reset --hard ${lane.undone.head.slice(0, 7)} in its worktree brings it back there`;
    await tell(work, lane, [{ type: "merge.withdrawn", key, why }]);
    return;
  }
  const at = lane.merge?.requestedAt ?? lane.since;
  const candidate = await git.candidate({
    onto: tip.head,
    head: branch.head,
    message: mergeMessage(lane, strategy),
    at,
    since,
    own,
    strategy,
    strict: work.rules.config.strict ?? true,
  });
  if (isNo(candidate) && candidate.code !== 2) {
    await tell(work, lane, [{ type: "merge.withdrawn", key, why: `${candidate.refused}; ${candidate.hint}` }]);
    return;
  }
  if (isNo(candidate)) {
    const paths = candidate.paths ?? [];
    const others = await behind(work, target, branch.head, paths);
    const why = others.length === 0 ? candidate.refused : `${candidate.refused} with ${others.join(", ")}`;
    const conflicted = { type: "merge.conflicted", key, why, paths } as const;
    await tell(work, lane, [
      { ...started, candidate: "" },
      others.length === 0 ? conflicted : { ...conflicted, with: others },
    ]);
    return;
  }
  if (candidate.commit === tip.head) return landsAsIs();
  await tell(work, lane, [{ ...started, candidate: candidate.commit }]);
};

/**
 * The target before this lane landed, if that was taken out again by a commit and the lane's commits are in its
 * history: a plain merge would take them for merged, and bring nothing back.
 */
const takenOut = async ({ world }: Work, { undone }: Lane, tip: string, head: string): Promise<string | undefined> => {
  if (!undone || !(await world.git.contains(tip, undone.head))) return undefined;
  // The branch has what took it out, too: whoever merged that into it decided what stays.
  return (await world.git.contains(head, undone.commit)) ? undefined : undone.since;
};

/** Did this lane begin on work that is on the target as other commits, squashed or rebased? Their own are not to come with it. */
const beganElsewhere = async ({ world, ledger }: Work, lane: Lane, tip: string, head: string): Promise<boolean> => {
  const open = [...lane.spec.dependsOn];
  for (const id of open) {
    const other = ledger.state.lanes.get(id);
    open.push(...(other?.spec.dependsOn ?? []).filter((next) => !open.includes(next)));
    if (other?.landed?.strategy === undefined) continue;
    const { head: work } = other.landed;
    if ((await world.git.contains(head, work)) && !(await world.git.contains(tip, work))) return true;
  }
  return false;
};

/** Lanes whose landed work changed these paths and is not in `head` yet, the newest first. */
const behind = async (
  { world, ledger }: Work,
  target: string,
  head: string,
  paths: readonly string[],
): Promise<readonly string[]> => {
  if (paths.length === 0) return [];
  const landed: Lane[] = [];
  for (const other of ledger.state.lanes.values())
    if (other.landed?.target === target && !(await world.git.contains(head, other.landed.merge))) landed.push(other);
  const found = await touching(world, landed, paths);
  return found.toSorted((a, b) => (b.landed?.at ?? 0) - (a.landed?.at ?? 0)).map(({ id }) => id);
};

/** Why this head may not land: a person has to approve it first. */
const unapproved = (work: Work, lane: Lane, head: string): string | undefined => {
  if ((lane.spec.review ?? work.rules.config.review) !== "required" || lane.approved?.head === head) return undefined;
  const since = lane.approved ? `, which has new commits since ${lane.approved.head.slice(0, 7)} was approved` : "";
  return `waits for a person's approval of ${head.slice(0, 7)}${since}: lanes approve ${lane.id}`;
};

/** Why this work may not land: it changes what another lane has leased. Nobody gets round this, whatever hooks were skipped. */
const foreignLease = async (work: Work, lane: Lane, onto: string, head: string): Promise<string | undefined> => {
  const claims = claimsOf(work.ledger.state);
  if (claims.every((claim) => claim.lane === lane.id)) return undefined;
  const found = trespass(lane.id, await work.world.git.changed(onto, head), claims);
  return (
    found &&
    `${found.path} is leased to ${found.claim.lane}; merge that lane first, or: lanes lock break ${found.claim.id}`
  );
};

/** Run the check on the merged tree in the warm verification worktree. */
export const test = (work: Work, lane: Lane, candidate: string, run: string, check: string): Promise<void> => {
  const built = lane.merge?.gate?.built ?? 0;
  const earlier = Array.from({ length: checkRunsMax - 1 }, (_, k) => checkRunOf(lane.id, built, k + 1));
  return runCheck(work, { lane: lane.id, candidate, run, check, earlier });
};

/** Record how the check ended. */
export const judge = async (work: Work, lane: Lane, candidate: string, seen: RunSeen): Promise<void> => {
  const { id: key } = lane;
  const how = failureOf(seen);
  if (how === undefined) {
    await tell(work, lane, [{ type: "merge.tested", key, candidate, result: "passed" }]);
    return;
  }
  const why = `the check failed on the merged tree: ${how} (lanes log ${key} --check)`;
  await tell(work, lane, [{ type: "merge.check-failed", key, candidate, why }]);
};

/** Go on without a check: none is configured, and none is required. */
export const passUnchecked = async (work: Work, lane: Lane, candidate: string): Promise<void> => {
  await tell(work, lane, [{ type: "merge.tested", key: lane.id, candidate, result: "unchecked" }]);
};

/** Send a lane back: a check is required and there is none that may be run. */
export const refuseUnchecked = async (work: Work, lane: Lane): Promise<void> => {
  const why =
    "nothing lands without a check: configure one, or trust it (lanes trust), or: lanes merge --check COMMAND";
  await tell(work, lane, [{ type: "merge.withdrawn", key: lane.id, why }]);
};

/** Move the target, if nobody moved it and nothing of the user's is in the way. */
export const land = async (work: Work, lane: Lane, candidate: string): Promise<void> => {
  const { id: key, merge } = lane;
  if (merge?.target === undefined || merge.onto === undefined || merge.head === undefined) return;
  const { target, onto, head } = merge;
  if (!(await leadsStill(work))) return;
  const answer = await work.world.git.land({ lane: key, target, onto, commit: candidate, head });
  if (isNo(answer)) {
    const tip = await work.world.git.tip(branchOf(key));
    if (isNo(tip) || tip.head !== head) {
      const why = isNo(tip) ? tip.refused : "it has new commits since its merge was built";
      await tell(work, lane, [{ type: "merge.requeued", key, why }]);
      return;
    }
    if (lane.state === "merging") {
      await tell(work, lane, [{ type: "merge.held", key, why: answer.refused, paths: answer.paths ?? [] }]);
    }
    return;
  }
  if ("moved" in answer) {
    await tell(work, lane, [{ type: "merge.requeued", key, why: `${target} moved while it was tested` }]);
    return;
  }
  const tested = merge.tested ?? "unchecked";
  const landed = { type: "merge.landed", key, merge: candidate, target, before: onto, head, tested } as const;
  const strategy = strategyOf(lane, work.rules.config.strategy);
  await tell(work, lane, [strategy === "merge" ? landed : { ...landed, strategy }]);
};

/** Ask for the merge of a probe's report. */
export const askMerge = async (work: Work, lane: Lane): Promise<void> => {
  await tell(work, lane, [{ type: "merge.asked", key: lane.id }]);
};
