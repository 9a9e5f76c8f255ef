/** What taking a landing back would mean, for the person who is about to ask for it. */
import { isNo } from "../core/observed.ts";
import type { Lane, State } from "../core/state.ts";
import { landedAfter, landedOn, undoCheck } from "../core/undo.ts";
import type { World } from "../port.ts";
import { touching, wayOutOf } from "./act-undo.ts";
import type { UndoSeen } from "./engine.ts";
import { loadRules } from "./policy.ts";

/**
 * The way out as things stand now, with the check that `asked` names instead of the configured one, and the landed lanes that
 * build on this one. Only the control repository gets new objects; no hook or signer runs.
 */
export const foresee = async (world: World, state: State, lane: Lane, asked?: string): Promise<UndoSeen> => {
  const { landed } = lane;
  const nothing = { lane: lane.id, merge: "", target: "", dependants: [], later: [] };
  if (!landed) return { ...nothing, way: { how: "refused", why: "nothing of it has landed", paths: [], code: 4 } };
  const { merge, target, before, head } = landed;
  const way = await wayOutOf(world, state, lane, landed, world.clock.now(), true);
  const { policy } = await loadRules(world.settings, undefined);
  const paths = await world.git.changed(before, head);
  const later = await touching(world, landedAfter(state, lane), paths);
  return {
    lane: lane.id,
    merge,
    target,
    way: isNo(way)
      ? {
          how: "refused",
          why: way.hint === "" ? way.refused : `${way.refused}; ${way.hint}`,
          paths: way.paths ?? [],
          code: way.code,
        }
      : way.how === "back"
        ? { how: "back", to: way.candidate }
        : { how: "revert", check: undoCheck(landed, asked, policy.check) },
    dependants: landedOn(state, lane).map(({ id }) => id),
    later: later.map(({ id }) => id),
  };
};
