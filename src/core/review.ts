/** What a person says about a lane before it lands: that it may, how its conflict is resolved, what its agent is to do. */
import type { Command, Refusal } from "./command.ts";
import type { Event } from "./event.ts";
import type { Lane, LaneState } from "./state.ts";

const over: ReadonlySet<LaneState> = new Set(["merged", "cancelled"]);

/** A person's word that this head may land. Without a head there is nothing to approve; `seen`: what the person looked at. */
export const approve = (lane: Lane, head: string | undefined, seen = ""): readonly Event[] | Refusal => {
  const { id: key, state, approved } = lane;
  if (over.has(state)) return { refused: `lane ${key} is ${state}`, hint: `lanes why ${key}`, code: 4, lane: key };
  if (head === undefined || head === "") {
    return {
      refused: `lane ${key} has no branch that could be approved`,
      hint: `lanes why ${key}`,
      code: 4,
      lane: key,
    };
  }
  if (!head.startsWith(seen)) {
    const refused = `lane ${key} is at ${head.slice(0, 7)} now, not at ${seen.slice(0, 7)}`;
    return { refused, hint: "look at what came, then approve that", code: 4, lane: key };
  }
  return approved?.head === head ? [] : [{ type: "lane.approved", key, head }];
};

/** A conflict that was put into a lane's worktree, or taken out of it. */
export const resolve = (
  lane: Lane,
  { target, onto, saved }: Extract<Command, { type: "resolve" }>,
): readonly Event[] | Refusal => {
  const { id: key, resolving } = lane;
  if (onto === undefined) return resolving ? [{ type: "merge.resolve-dropped", key, saved }] : [];
  const no = unresolvable(lane);
  if (no) return no;
  return resolving?.onto === onto ? [] : [{ type: "merge.resolving", key, target, onto, saved }];
};

/** Why there is nothing to resolve in this lane; undefined when there is. */
export const unresolvable = ({ id, state }: Lane): Refusal | undefined =>
  state === "conflicted"
    ? undefined
    : { refused: `lane ${id} is ${state}: it has no conflict`, hint: `lanes why ${id}`, code: 4, lane: id };

/** What the agent is told when nobody writes it a note. */
export const handoffNote = ({ detail, paths, merge }: Lane): string => {
  const target = merge?.target ?? "the target";
  if (paths.length > 0)
    return `Your work does not merge with ${target} (${detail}): ${paths.join(", ")}. Merge ${target} into your branch, resolve the conflict so that both sides keep their sense, and commit.`;
  return detail === "" ? "Look at your work once more." : `Your work did not land: ${detail}. Mend it and commit.`;
};

/** How a lane that needs a person's approval stands; undefined where it says of itself nothing. */
export const reviewText = ({ spec, approved, detail }: Lane): string | undefined => {
  if (approved)
    return detail.startsWith("waits for a person's approval") &&
      !detail.includes(`approval of ${approved.head.slice(0, 7)}`)
      ? detail
      : `approved at ${approved.head.slice(0, 7)}`;
  if (detail !== "") return detail.startsWith("waits for a person's approval") ? detail : undefined;
  return spec.review === "required" ? "waits for a person's approval" : undefined;
};
