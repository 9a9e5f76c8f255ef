/** Building a batch: its lanes merged one onto another outside every worktree, and what is to be tested of that. */
import { type Stack, stacksOf } from "../core/batch.ts";
import { begun, type Ground, type Layer, startedAs } from "../core/batch-fact.ts";
import { branchOf } from "../core/id.ts";
import { isNo, type No } from "../core/observed.ts";
import type { Action } from "../core/plan.ts";
import { batchMessage, checkOf, mayLand, mergeMessage, notOnTarget, strategyOf, targetOf } from "../core/queue.ts";
import type { Lane } from "../core/state.ts";
import type { Candidate } from "../port.ts";
import { refuseUnchecked } from "./act-merge.ts";
import { beganElsewhere, conflictOf, mayNotLand, mergedAway, takenOut } from "./ground.ts";
import { loadRules } from "./policy.ts";
import { reasonOf, tell, tellAll, type Work } from "./work.ts";

/** Where a batch is built. */
interface Site extends Ground {
  /** The target's tip. */
  readonly tip: string;
  /** The batch that it is stacked on. */
  readonly below: Stack | undefined;
}

/** Build the lanes of a batch as commits that are on no branch yet. Those that do not fit are left out, and told why. */
export const build = async (work: Work, action: Extract<Action, { type: "build" }>): Promise<void> => {
  const { git, settings } = work.world;
  // What landed last may have changed the check: it is decided now, for this candidate.
  work.rules = await loadRules(settings, work.rules);
  const { policy } = work.rules;
  const { state } = work.ledger;
  const lanes = action.lanes.flatMap((id) => state.lanes.get(id) ?? []).filter(isQueued);
  const [first] = lanes;
  if (!first) return;
  if (!mayLand(first, policy)) return refuseUnchecked(work, first);
  const below = stacksOf(state).find(({ id }) => id === action.on);
  if (action.on !== undefined && !below) return;
  const target = targetOf(state, first);
  const tip = await git.tip(target);
  if (isNo(tip)) {
    await tell(work, first, [{ type: "merge.withdrawn", key: first.id, why: tip.refused }]);
    return;
  }
  const site = {
    target,
    tip: tip.head,
    onto: below?.commit ?? tip.head,
    below,
    on: below?.id,
    slot: action.slot,
    check: checkOf(first, policy.check),
  };
  const layers: Layer[] = [];
  const ahead = new Set(stacksOf(state).flatMap((stack) => stack.lanes.map(({ id }) => id)));
  for (const lane of lanes) {
    if (targetOf(state, lane) !== target || checkOf(lane, policy.check) !== site.check) continue;
    // What it depends on may have been left out a moment ago.
    if (notOnTarget(state, lane).some((id) => !ahead.has(id))) continue;
    const layer = await layerFor(work, lane, site, layers);
    if (!layer) continue;
    layers.push(layer);
    ahead.add(lane.id);
  }
  const [lowest, ...others] = layers;
  if (lowest) await begin(work, site, [lowest, ...others]);
};

const isQueued = ({ state }: Lane): boolean => state === "merge-queued";

/** The next layer; undefined when this lane is not to be part of the batch. The first one's troubles are the step's. */
const layerFor = async (work: Work, lane: Lane, site: Site, layers: readonly Layer[]): Promise<Layer | undefined> => {
  try {
    return await layerOf(work, lane, site, layers);
  } catch (error) {
    if (layers.length === 0) throw error;
    work.world.log.warn("left out of a batch", { lane: lane.id, why: reasonOf(error) });
    return undefined;
  }
};

const layerOf = async (work: Work, lane: Lane, site: Site, layers: readonly Layer[]): Promise<Layer | undefined> => {
  const { git } = work.world;
  const { id: key } = lane;
  const { tip } = site;
  const branch = await git.tip(branchOf(key));
  const taken = isNo(branch) ? branch.refused : await mayNotLand(work, lane, tip, branch.head);
  if (isNo(branch) || taken !== undefined) {
    await tell(work, lane, [{ type: "merge.withdrawn", key, why: taken ?? "" }]);
    return undefined;
  }
  const { head } = branch;
  const since = await takenOut(work, lane, tip, head);
  const own = since === undefined && (await beganElsewhere(work, lane, tip, head)) ? key : undefined;
  const strategy = strategyOf(lane, work.rules.config.strategy);
  const onto = layers.at(-1)?.commit ?? site.onto;
  const at = lane.merge?.requestedAt ?? lane.since;
  const strict = work.rules.config.strict ?? true;
  const ask = { head, message: mergeMessage(lane, strategy), at, since, own, strategy, strict };
  const isPlain = since === undefined;
  // Hardly any lane is on the target already: the merge does not wait for the answer.
  const [isThere, built] = await Promise.allSettled([
    isPlain ? git.contains(tip, head) : Promise.resolve(false),
    git.candidate({ ...ask, onto }),
  ]);
  if (isThere.status === "rejected") throw isThere.reason;
  if (isThere.value) {
    if (lane.undone) {
      await tell(work, lane, [{ type: "merge.withdrawn", key, why: mergedAway(site.target, lane.undone) }]);
      return undefined;
    }
    await landAsItIs(work, lane, site, { head });
    return undefined;
  }
  if (built.status === "rejected") throw built.reason;
  const candidate = built.value;
  if (!isNo(candidate) && candidate.commit === tip) {
    await landAsItIs(work, lane, site, { head, since });
    return undefined;
  }
  if (!isNo(candidate)) return { lane, head, since, ...candidate };
  if (candidate.code !== 2) {
    await tell(work, lane, [{ type: "merge.withdrawn", key, why: `${candidate.refused}; ${candidate.hint}` }]);
    return undefined;
  }
  const alone = onto === tip ? candidate : await git.candidate({ ...ask, onto: tip, trial: true });
  if (isNo(alone)) {
    const conflicted = await conflictOf(work, lane, { target: site.target, head, no: alone });
    await tell(work, lane, [startedAs(site, lane, { head, commit: "", since }), conflicted]);
    return undefined;
  }
  await putOff(work, lane, site, layers, ask);
  return undefined;
};

/** Somebody merged it by hand: that is recorded, and nothing is left to do. */
const landAsItIs = async (
  work: Work,
  lane: Lane,
  site: Site,
  { head, since }: Pick<Layer, "head" | "since">,
): Promise<void> => {
  const { target, tip } = site;
  const { id: key } = lane;
  await tell(work, lane, [
    startedAs({ ...site, onto: tip }, lane, { head, commit: tip, since }),
    { type: "merge.landed", key, merge: tip, target, before: tip, head, tested: "unchecked" },
  ]);
};

/** It merges with the target, but not with a lane before it: it is built after that one, and nobody has to do anything. */
const putOff = async (
  work: Work,
  lane: Lane,
  { below }: Site,
  layers: readonly Layer[],
  ask: { readonly head: string; readonly message: string; readonly at: number; readonly since: string | undefined },
): Promise<void> => {
  const before = [...(below?.lanes ?? []).map((other) => ({ lane: other, head: other.merge.head })), ...layers];
  let behind = before.at(-1)?.lane.id ?? "";
  for (const other of before) {
    const pair = await work.world.git.candidate({ ...ask, onto: other.head, trial: true });
    if (!isNo(pair)) continue;
    behind = other.lane.id;
    break;
  }
  const why = `conflicts with ${behind}, which is being tested: it is merged after that`;
  await tell(work, lane, [{ type: "merge.put-off", key: lane.id, behind, why }]);
};

/** Record the batch. */
const begin = async (work: Work, site: Site, layers: readonly [Layer, ...Layer[]]): Promise<void> => {
  const commit = await commitOf(work, site, layers);
  const lanes = layers.map(({ lane }) => lane);
  if (isNo(commit)) {
    const why = `${commit.refused}; ${commit.hint}`;
    await tellAll(
      work,
      lanes,
      lanes.map(({ id: key }) => ({ type: "merge.withdrawn", key, why })),
    );
    return;
  }
  await tellAll(work, lanes, begun(work.ledger.state, site, layers, commit));
};

/** Where every commit of the target has to be tested, several lanes land as one commit: the chain's own commits never were. */
const commitOf = async (work: Work, { onto }: Site, layers: readonly [Layer, ...Layer[]]): Promise<Candidate | No> => {
  const { commit, tree } = layers.at(-1) ?? layers[0];
  if (layers.length === 1 || work.rules.policy.strict === false) return { commit, tree };
  const lanes = layers.map(({ lane }) => lane);
  return work.world.git.join({
    onto,
    heads: layers.map(({ head }) => head),
    tree,
    message: batchMessage(lanes),
    at: Math.max(...lanes.map(({ merge, since }) => merge?.requestedAt ?? since)),
  });
};
