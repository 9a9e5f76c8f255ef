/** What somebody did to a lane behind our back, as a look at git shows it: told, never fought. Derived, nowhere stored. */
import { branchOf, strayHint, strayText, worktreeOf } from "./id.ts";
import type { RepoSeen } from "./observed.ts";
import { isLive } from "./schedule.ts";
import type { Lane, LaneState } from "./state.ts";

/** What is odd, and what to do about it. */
export interface Oddity {
  readonly text: string;
  readonly hint: string;
}

const over: ReadonlySet<LaneState> = new Set(["planned", "queued", "starting", "merged", "cancelled"]);

/** What is odd about a lane that has a worktree; undefined when nothing is, or the look is older than its worktree. */
export const oddityOf = (lane: Lane, seen: RepoSeen | undefined): Oddity | undefined => {
  const { id, run } = lane;
  if (!seen || !lane.worktree || lane.removal !== undefined || over.has(lane.state)) return undefined;
  if (seen.at <= (run?.startedAt ?? run?.askedAt ?? lane.since)) return undefined;
  const git = seen.lanes.get(id);
  if (!git) {
    return {
      text: `the branch ${branchOf(id)} is gone`,
      hint: `lanes doctor --fix makes it again where it was; lanes remove ${id} keeps what is in ${worktreeOf(id)}`,
    };
  }
  if (git.worktree === "missing") {
    const hint = isLive(lane) ? `lanes stop ${id}, then lanes retry ${id}` : `lanes retry ${id}, or lanes merge ${id}`;
    return { text: `its worktree is gone, its commits are on ${branchOf(id)}`, hint };
  }
  if (git.worktree === "elsewhere") return { text: strayText(id, git.on), hint: strayHint(id) };
  // An agent may rebase as it likes while it runs.
  if (git.busy === undefined || isLive(lane)) return undefined;
  return { text: `a ${git.busy} is in progress in it`, hint: `finish or abort it in ${worktreeOf(id)}` };
};

/** A lane's detail with what is odd about it in front, unless it says so already. */
export const withOddity = (detail: string, oddity: Oddity | undefined): string => {
  if (oddity === undefined || detail.includes(oddity.text)) return detail;
  return detail === "" ? oddity.text : `${oddity.text}; ${detail}`;
};
