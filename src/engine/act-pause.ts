/** Steps that let runs stand still and go on. Each may be repeated, or cut off anywhere, without harm. */
import { runOf } from "../core/id.ts";
import { isFrozen, isHeld } from "../core/schedule.ts";
import type { Lane } from "../core/state.ts";
import { leadsStill, tell, type Work } from "./work.ts";

/** Let the run stand still, and record it once it was seen to; a run that cannot be frozen goes on, and the lane says why. */
export const freeze = async (work: Work, lane: Lane, n: number): Promise<void> => {
  const { host } = work.world;
  const run = runOf(lane.id, n);
  if (!(await leadsStill(work))) return;
  const awake = await host.freeze(run);
  if (awake.length === 0) {
    // Frozen before, and woken by somebody else: that was recorded already.
    if (isFrozen(lane) && !lane.pausing) return;
    if (!(await tell(work, lane, [{ type: "lane.frozen", key: lane.id, n }]))) await asWanted(work, lane.id, n);
    return;
  }
  await host.thaw(run);
  const why = `could not be frozen: ${processes(awake)} went on`;
  work.world.log.warn("not frozen", { lane: lane.id, run, awake });
  await tell(work, lane, [{ type: "lane.thawed", key: lane.id, n, why }]);
};

/** Let the run go on, and record it. */
export const thaw = async (work: Work, lane: Lane, n: number): Promise<void> => {
  if (!(await leadsStill(work))) return;
  const still = await work.world.host.thaw(runOf(lane.id, n));
  if (still.length > 0) work.world.log.warn("woken, but stopped still or again", { lane: lane.id, n, still });
  if (!(await tell(work, lane, [{ type: "lane.thawed", key: lane.id, n, why: "" }]))) await asWanted(work, lane.id, n);
};

/**
 * A record that came late: people, or an engine that was elected meanwhile, may want the opposite of what was just done,
 * and may have done it before. What the journal says now is what the processes are left in.
 */
const asWanted = async (work: Work, id: string, n: number): Promise<void> => {
  await work.ledger.refresh();
  const lane = work.ledger.state.lanes.get(id);
  const run = runOf(id, n);
  if (lane?.run?.n === n && isHeld(lane)) await work.world.host.freeze(run);
  else await work.world.host.thaw(run);
};

const processes = (pids: readonly number[]): string =>
  `process${pids.length === 1 ? "" : "es"} ${pids.slice(0, pidsShownMax).join(", ")}${pids.length > pidsShownMax ? ", …" : ""}`;

const pidsShownMax = 5;
