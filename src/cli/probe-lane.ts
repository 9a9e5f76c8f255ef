/** Which lane a probe runs in, and when its run brought nothing new. */
import type { Probe } from "../core/config.ts";
import { parseReport } from "../core/gaps.ts";
import type { No } from "../core/observed.ts";
import { isFault } from "../core/parse.ts";
import type { Lane, LaneSpec, LaneState, State } from "../core/state.ts";
import type { Engine } from "../engine/engine.ts";
import type { Call } from "./call.ts";
import { generatedFolder } from "./plan.ts";
import { wish } from "./wish.ts";

/** What is to be done with a probe's lane: made, started once more, or only waited for. */
export interface Place {
  readonly id: string;
  readonly lane: Lane | undefined;
}

/** Most lanes that one probe may leave behind. */
const lanesMax = 10_000;

/** States that a probe's lane never leaves, or that its next report should not depend on: the next run gets a new lane. */
const overStates: ReadonlySet<LaneState> = new Set(["merged", "undone", "cancelled", "conflicted", "checks-failed"]);

/** The lane for the next run of a probe: its own while that is of use, else one with the next number. */
export const laneFor = (state: State, probe: string): Place => {
  const first = probe.startsWith("probe") ? probe : `probe-${probe}`;
  for (let n = 1; n <= lanesMax; n += 1) {
    const id = n === 1 ? first : `${first}-${n}`;
    const lane = state.lanes.get(id);
    if (!lane || (lane.spec.kind === "probe" && !overStates.has(lane.state))) return { id, lane };
  }
  throw new Error(`probe ${probe} has left ${lanesMax} lanes`);
};

/** The definition of a probe's lane: it reports, and the engine commits and lands the report. */
export const specOf = (name: string, { command, timeoutMs }: Probe): LaneSpec => ({
  name: `Probe ${name}`,
  tasks: [`Execute probe ${name}`],
  parallel: true,
  priority: "high",
  command,
  dependsOn: [],
  paths: [`${generatedFolder}/**`],
  env: [],
  commit: "auto",
  retries: 0,
  kind: "probe",
  timeoutMs,
});

/** Probes that brought no commit although the target has a report of theirs said the same again: their lanes are given up. */
export const giveUpUnchanged = async (
  call: Call,
  engine: Engine,
  ids: readonly string[],
): Promise<ReadonlySet<string> | No> => {
  const { lanes, target = "" } = engine.state();
  const empty = ids.filter((id) => lanes.get(id)?.state === "finished-empty");
  if (empty.length === 0) return new Set();
  const reports = [...(await engine.filesAt(target, generatedFolder)).values()].flatMap((text) => {
    const report = parseReport(text);
    return isFault(report) ? [] : [report.probe];
  });
  const same = empty.filter((id) => reports.some((name) => isOf(name, id)));
  if (same.length === 0) return new Set();
  const refused = await wish(call, engine, { type: "cancel", lanes: same });
  return refused ?? new Set(same);
};

/** Is this name in a report the name of the probe that runs in this lane? */
const isOf = (name: string, id: string): boolean => {
  const first = name.startsWith("probe") ? name : `probe-${name}`;
  return id === first || (id.startsWith(`${first}-`) && /^\d+$/.test(id.slice(first.length + 1)));
};
