/** A word of warning where lanes are about the same files. */
import { claimsOf, obstacleOf } from "../core/lease.ts";
import type { State } from "../core/state.ts";
import type { Call } from "./call.ts";

/** Say of each of these lanes whose paths meet what another one has leased, or waits for, that it is going to wait. */
export const warnOfOverlap = (
  call: Call,
  state: State,
  lanes: readonly { readonly id: string; readonly paths: readonly string[] }[],
): void => {
  for (const { id, paths } of lanes) {
    const other = obstacleOf(id, paths, claimsOf(state));
    if (!other) continue;
    const is = state.lanes.get(other.lane)?.state ?? "gone";
    call.output.say(
      `warning: paths of ${id} meet ${other.paths.join(", ")} of ${other.lane}, which is ${is}: it waits until they are given back`,
    );
  }
};
