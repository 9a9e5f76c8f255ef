/** `execute`, `exec-lane`: lanes are run and waited for. */
import { isNo, type No } from "../core/observed.ts";
import { isFrozen } from "../core/schedule.ts";
import { type Lane, type LaneState, stateTable, type State } from "../core/state.ts";
import type { Engine } from "../engine/engine.ts";
import { warnOf } from "./ask.ts";
import { type Call, flagOf } from "./call.ts";
import { type Answer, exit, worst } from "./exit.ts";
import { start, startedReport } from "./launch.ts";
import { count, type Report, tell } from "./report.ts";
import { isOpened } from "./settle.ts";
import { waitFor } from "./wait.ts";
import { lanesNamed, wish } from "./wish.ts";

/** `execute [LANE…]`: the lanes, or all that have work to do. */
export const execute = async (call: Call, engine: Engine): Promise<Answer> => {
  await warnOf(call, engine);
  const report = await executeLanes(call, engine, call.words);
  return isNo(report) ? report : tell(call, report);
};

/** The same as a step of `full`; no ids: all lanes that have work to do. */
export const executeLanes = async (call: Call, engine: Engine, ids: readonly string[]): Promise<Report | No> => {
  const lanes = ids.length === 0 ? openWork(engine.state()) : lanesNamed(engine.state(), ids);
  if (isNo(lanes)) return lanes;
  if (ids.length === 0 && lanes.length > 0) {
    const refused = await wish(call, engine, { type: "enter", phase: 3 });
    if (refused) return refused;
  }
  const idle = ids.length === 0 ? lanes.filter((lane) => !canWork(lane)) : [];
  for (const { id } of idle) call.output.say(`${id} names no command and no agent: left out`);
  const report = await runLanes(
    call,
    engine,
    lanes.filter((lane) => !idle.includes(lane)).map(({ id }) => id),
  );
  if (isNo(report)) return report;
  const lines = lanes.length === 0 ? ["nothing to execute"] : [...report.lines, totals(engine.state(), lanes)];
  return { ...report, lines, code: idle.length > 0 ? worst([report.code, exit.refused]) : report.code };
};

/** `exec-lane LANE…`: run and wait; of a manual lane the path is printed. */
export const execLane = async (call: Call, engine: Engine): Promise<Answer> => {
  const report = await runLanes(call, engine, call.words);
  return isNo(report) ? report : tell(call, report);
};

const openStates: ReadonlySet<LaneState> = new Set([
  "planned",
  "paused",
  "queued",
  "starting",
  "running",
  "waiting",
  "failed",
  "lost",
  "parked",
  "finished-empty",
]);

/** Lanes that `execute` without names is about. Probes have their own verb; what failed to merge is for `merge`. */
const openWork = (state: State): readonly Lane[] =>
  [...state.lanes.values()].filter((lane) => lane.spec.kind === "work" && openStates.has(lane.state));

const canWork = (lane: Lane): boolean => lane.spec.command !== undefined || lane.spec.agent !== undefined;

/** Work that is there already, or uncommitted or frozen work that must not be touched unasked: nothing to start. */
const isThere = (lane: Lane, unasked: boolean): boolean =>
  stateTable[lane.state].seed === "completed" ||
  isOpened(lane) ||
  (unasked && (lane.state === "waiting" || isFrozen(lane)));

/** Start lanes and what they depend on, and wait until they have settled. */
const runLanes = async (call: Call, engine: Engine, ids: readonly string[]): Promise<Report | No> => {
  const named = lanesNamed(engine.state(), ids);
  if (isNo(named)) return named;
  const needed = neededBy(engine.state(), named);
  for (const { id } of needed) call.output.say(`${id} runs too: others depend on it`);
  const unasked = call.words.length === 0;
  const starting = [...needed, ...named].filter((lane) => !isThere(lane, unasked)).map(({ id }) => id);
  if (starting.length > 0) {
    const refused = await start(call, engine, { type: "launch", lanes: starting, again: true });
    if (refused) return refused;
  }
  if (!flagOf(call, "detach")) {
    const cut = await waitFor(call, engine, "run", ids);
    if (cut) return cut;
  }
  return startedReport(call, engine, ids);
};

/** Dependencies, also of dependencies, that nobody has started. */
const neededBy = (state: State, lanes: readonly Lane[]): readonly Lane[] => {
  const found = new Map<string, Lane>();
  const open = lanes.flatMap((lane) => lane.spec.dependsOn);
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const lane = state.lanes.get(id);
    if (!lane || found.has(id) || lanes.includes(lane)) continue;
    if ((lane.state !== "planned" && lane.state !== "paused") || isFrozen(lane) || !canWork(lane)) continue;
    found.set(id, lane);
    open.push(...lane.spec.dependsOn);
  }
  return [...found.values()];
};

const totals = (state: State, lanes: readonly Lane[]): string => {
  const sums = new Map<string, number>();
  for (const { id } of lanes) {
    const word = state.lanes.get(id)?.state ?? "gone";
    sums.set(word, (sums.get(word) ?? 0) + 1);
  }
  return `${count(lanes.length, "lane")}: ${[...sums].map(([word, n]) => `${n} ${word}`).join(", ")}`;
};
