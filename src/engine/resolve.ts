/** A conflict in the lane's own worktree: put there by whichever process was asked, and recorded. */
import { decide, isRefusal, unknownLane } from "../core/decide.ts";
import { isNo, type No } from "../core/observed.ts";
import { unresolvable } from "../core/review.ts";
import type { World } from "../port.ts";
import type { Resolved } from "./engine.ts";
import { execute } from "./execute.ts";
import type { Ledger } from "./ledger.ts";
import { join } from "node:path";

/** Git first, then the record: a call that was killed between the two finds the conflict standing and records it. */
export const resolve = async (ledger: Ledger, world: World, id: string): Promise<Resolved | No> => {
  await ledger.refresh();
  const lane = ledger.state.lanes.get(id);
  if (!lane) return unknownLane(ledger.state, id);
  const no = unresolvable(lane);
  if (no) return no;
  const target = lane.merge?.target ?? lane.spec.target ?? ledger.state.target ?? "main";
  const put = await world.git.putConflict(id, { target, since: lane.undone?.since });
  if (isNo(put)) return put;
  const { onto, paths, saved } = put;
  if (paths.length > 0) {
    const answer = await execute(ledger, world, { type: "resolve", lane: id, target, onto, saved }, "human");
    if (isRefusal(answer)) return answer;
  }
  return { worktree: join(world.layout.worktrees, id), target, paths, saved };
};

/** The same the other way round. */
export const dropResolve = async (
  ledger: Ledger,
  world: World,
  id: string,
): Promise<{ readonly saved: string } | undefined | No> => {
  await ledger.refresh();
  const lane = ledger.state.lanes.get(id);
  if (!lane) return unknownLane(ledger.state, id);
  const target = lane.resolving?.target ?? "";
  const command = { type: "resolve", lane: id, target, saved: "" } as const;
  const first = decide(ledger.state, command);
  if (isRefusal(first)) return first;
  // A merge that we did not put there is the person's own.
  if (first.events.length === 0) return undefined;
  const dropped = await world.git.dropConflict(id);
  if (dropped !== false && isNo(dropped)) return dropped;
  const saved = dropped === false ? "" : dropped.saved;
  const answer = await execute(ledger, world, { ...command, saved }, "human");
  if (isRefusal(answer)) return answer;
  return { saved };
};
