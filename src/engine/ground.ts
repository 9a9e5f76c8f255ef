/** What git and the journal say of a lane before it is merged: whether it may land, what its work is, and whom it conflicts with. */
import type { Event } from "../core/event.ts";
import { claimsOf, trespass } from "../core/lease.ts";
import type { No } from "../core/observed.ts";
import type { Lane, State, Undone } from "../core/state.ts";
import { touching } from "./act-undo.ts";
import type { Work } from "./work.ts";

/** Why this head may not land: nobody approved it, or another lane has leased what it changes. A person's override passes both. */
export const mayNotLand = async (work: Work, lane: Lane, tip: string, head: string): Promise<string | undefined> => {
  if (lane.merge?.override !== undefined) return undefined;
  return unapproved(work, lane, head) ?? foreignLease(work, lane, tip, head);
};

const unapproved = (work: Work, lane: Lane, head: string): string | undefined => {
  if ((lane.spec.review ?? work.rules.config.review) !== "required" || lane.approved?.head === head) return undefined;
  const since = lane.approved ? `, which has new commits since ${lane.approved.head.slice(0, 7)} was approved` : "";
  return `waits for a person's approval of ${head.slice(0, 7)}${since}: lanes approve ${lane.id}`;
};

/** It changes what another lane has leased. No agent gets round this, whatever hooks were skipped. */
const foreignLease = async (work: Work, lane: Lane, onto: string, head: string): Promise<string | undefined> => {
  const { state } = work.ledger;
  // What it builds on is in its diff, and lands before it or with it.
  const own = new Set([lane.id, ...groundOf(state, lane)]);
  const claims = claimsOf(state).filter((claim) => !own.has(claim.lane));
  if (claims.length === 0) return undefined;
  const found = trespass(lane.id, await work.world.git.changed(onto, head), claims);
  return (
    found &&
    `${found.path} is leased to ${found.claim.lane}; merge that lane first, or: lanes lock break ${found.claim.id}`
  );
};

/**
 * The target before this lane landed, if that was taken out again by a commit and the lane's commits are in its
 * history: a plain merge would take them for merged, and bring nothing back.
 */
export const takenOut = async (
  { world }: Work,
  { undone }: Lane,
  tip: string,
  head: string,
): Promise<string | undefined> => {
  if (!undone || !(await world.git.contains(tip, undone.head))) return undefined;
  // The branch has what took it out, too: whoever merged that into it decided what stays.
  return (await world.git.contains(head, undone.commit)) ? undefined : undone.since;
};

/** Why a branch that the target has whole is not taken for landed: its work was taken off the target, and then out of the branch. */
export const mergedAway = (target: string, { commit, head }: Undone): string =>
  `${target} has all of its branch, but its work was taken off it again in ${commit.slice(0, 7)}: git reset --hard ${head.slice(0, 7)} in its worktree brings it back there`;

/** The lanes that this one builds on, and those that they do. */
const groundOf = ({ lanes }: State, lane: Lane): readonly string[] => {
  const open = [...lane.spec.dependsOn];
  for (const id of open) open.push(...(lanes.get(id)?.spec.dependsOn ?? []).filter((next) => !open.includes(next)));
  return open;
};

/** Did this lane begin on work that is on the target as other commits, squashed or rebased? Their own are not to come with it. */
export const beganElsewhere = async (
  { world, ledger }: Work,
  lane: Lane,
  tip: string,
  head: string,
): Promise<boolean> => {
  for (const id of groundOf(ledger.state, lane)) {
    const other = ledger.state.lanes.get(id);
    if (other?.landed?.strategy === undefined) continue;
    const { head: work } = other.landed;
    if ((await world.git.contains(head, work)) && !(await world.git.contains(tip, work))) return true;
  }
  return false;
};

/** The conflict as a fact, with the lanes whose landed work changed the same files and is not in `head` yet, the newest first. */
export const conflictOf = async (
  { world, ledger }: Work,
  { id: key }: Lane,
  { target, head, no }: { readonly target: string; readonly head: string; readonly no: No },
): Promise<Event> => {
  const { refused, paths = [] } = no;
  const landed: Lane[] = [];
  for (const other of ledger.state.lanes.values())
    if (other.landed?.target === target && !(await world.git.contains(head, other.landed.merge))) landed.push(other);
  const found = paths.length === 0 ? [] : await touching(world, landed, paths);
  const others = found.toSorted((a, b) => (b.landed?.at ?? 0) - (a.landed?.at ?? 0)).map(({ id }) => id);
  if (others.length === 0) return { type: "merge.conflicted", key, why: refused, paths };
  return { type: "merge.conflicted", key, why: `${refused} with ${others.join(", ")}`, paths, with: others };
};
