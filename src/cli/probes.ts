/** `probes [PROBE…]`: the configured probes, each in a lane of its own, until their reports are on the target. */
import type { Probe } from "../core/config.ts";
import { quote } from "../core/id.ts";
import { isNo, type No } from "../core/observed.ts";
import { nearest } from "../core/parse.ts";
import { isFrozen } from "../core/schedule.ts";
import type { LaneState } from "../core/state.ts";
import type { Engine } from "../engine/engine.ts";
import { needTrust, warnOf } from "./ask.ts";
import { type Call, flagOf } from "./call.ts";
import { type Answer, exit, no, worst } from "./exit.ts";
import { start } from "./launch.ts";
import { giveUpUnchanged, laneFor, type Place, specOf } from "./probe-lane.ts";
import { count, laneJson, laneOutcome, momentOf, type Report, tell } from "./report.ts";
import { codeOf } from "./settle.ts";
import { waitFor } from "./wait.ts";
import { lanesNamed, prepareOnce, wish } from "./wish.ts";

/** Run probes and wait for their reports. */
export const probes = async (call: Call, engine: Engine): Promise<Answer> => {
  await warnOf(call, engine);
  const report = await runProbes(call, engine, call.words);
  return isNo(report) ? report : tell(call, report);
};

/** The same as a step of `full`; no names: all probes. */
export const runProbes = async (call: Call, engine: Engine, names: readonly string[]): Promise<Report | No> => {
  const chosen = await chosenProbes(call, engine, names);
  if (isNo(chosen)) return chosen;
  if (chosen.size === 0) return nothing;
  const unprepared = await prepareOnce(call, engine);
  if (unprepared) return unprepared;
  const lanes = [...chosen.keys()].map((name) => [name, laneFor(engine.state(), name)] as const);
  const refused = (await makeLanes(call, engine, chosen, lanes)) ?? (await startProbes(call, engine, lanes));
  if (refused) return refused;
  const ids = lanes.map(([, { id }]) => id);
  if (!flagOf(call, "detach")) {
    const cut = await waitFor(call, engine, "probe", ids);
    if (cut) return cut;
  }
  return reportOn(call, engine, ids);
};

const nothing: Report = {
  code: exit.done,
  lines: ['no probes are configured: lanes.config.json takes {"probes": {"NAME": {"command": "…"}}}'],
  json: { lanes: [] },
};

const chosenProbes = async (
  call: Call,
  engine: Engine,
  names: readonly string[],
): Promise<ReadonlyMap<string, Probe> | No> => {
  const untrusted = await needTrust(
    call,
    engine,
    names.length === 0 ? ["probes"] : names.map((name) => `probes.${name}`),
  );
  if (untrusted) return untrusted;
  const settings = await engine.settings();
  if (isNo(settings)) return settings;
  const { probes: configured = {}, requireCheck, check } = settings.config;
  const unknown = names.find((name) => !Object.hasOwn(configured, name));
  if (unknown !== undefined) {
    const near = nearest(unknown, Object.keys(configured));
    return no(
      `no probe ${quote(unknown)}`,
      near === undefined ? listOf(configured) : `did you mean ${near}?`,
      exit.usage,
    );
  }
  const chosen = new Map(Object.entries(configured).filter(([name]) => names.length === 0 || names.includes(name)));
  if (chosen.size > 0 && requireCheck === true && check === undefined) {
    return no(
      "a check is required and none is configured, so no report could land",
      "set check in lanes.config.json",
      exit.refused,
    );
  }
  return chosen;
};

const listOf = (configured: Readonly<Record<string, Probe>>): string =>
  Object.keys(configured).length === 0 ? "none is configured" : `probes: ${Object.keys(configured).join(", ")}`;

const makeLanes = async (
  call: Call,
  engine: Engine,
  chosen: ReadonlyMap<string, Probe>,
  lanes: readonly (readonly [string, Place])[],
): Promise<No | undefined> => {
  const missing = lanes.flatMap(([name, { id, lane }]) => {
    const probe = chosen.get(name);
    return lane || !probe ? [] : [{ id, spec: specOf(name, probe) }];
  });
  return missing.length === 0 ? undefined : wish(call, engine, { type: "add", lanes: missing });
};

const startableStates: ReadonlySet<LaneState> = new Set([
  "planned",
  "paused",
  "waiting",
  "failed",
  "lost",
  "parked",
  "finished-empty",
]);

const startProbes = async (
  call: Call,
  engine: Engine,
  lanes: readonly (readonly [string, Place])[],
): Promise<No | undefined> => {
  const entered = await wish(call, engine, { type: "enter", phase: 1 });
  if (entered) return entered;
  const ids = lanes
    .map(([, { id }]) => id)
    .filter((id) => {
      const lane = engine.state().lanes.get(id);
      return lane !== undefined && startableStates.has(lane.state) && !isFrozen(lane);
    });
  if (ids.length > 0) return start(call, engine, { type: "launch", lanes: ids, again: true });
  await engine.ensure();
  return undefined;
};

const reportOn = async (call: Call, engine: Engine, ids: readonly string[]): Promise<Report | No> => {
  const unchanged = await giveUpUnchanged(call, engine, ids);
  if (isNo(unchanged)) return unchanged;
  const lanes = lanesNamed(engine.state(), ids);
  if (isNo(lanes)) return lanes;
  const moment = await momentOf(call, engine);
  const codes = lanes.map((lane) => (unchanged.has(lane.id) ? exit.done : codeOf("probe", lane)));
  return {
    code: flagOf(call, "detach") ? exit.done : worst(codes),
    lines: [
      ...lanes.map((lane, at) =>
        unchanged.has(lane.id)
          ? `${lane.id}: its report is the same as before`
          : laneOutcome(moment, lane, codes[at] ?? exit.done),
      ),
      count(lanes.length, "probe"),
    ],
    json: {
      lanes: lanes.map((lane) => ({
        ...laneJson(engine, moment, lane),
        results: lane.results,
        unchanged: unchanged.has(lane.id),
      })),
    },
  };
};
