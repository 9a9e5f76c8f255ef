/** `plan`: what the probes found missing becomes lanes, and `docs/_generated/execution_plan.json`. */
import type { Command } from "../core/command.ts";
import { decide, isRefusal } from "../core/decide.ts";
import { type ExecutionPlan, planLanes } from "../core/gaps.ts";
import { branchOf } from "../core/id.ts";
import { isNo, type No } from "../core/observed.ts";
import { isFault } from "../core/parse.ts";
import { type Lane, stateTable, type State } from "../core/state.ts";
import type { Engine } from "../engine/engine.ts";
import { needTrust, warnOf } from "./ask.ts";
import { type Call, flagOf } from "./call.ts";
import { type Answer, exit, faultNo } from "./exit.ts";
import { count, type Report, tell } from "./report.ts";
import { prepareOnce, targetFor, wish } from "./wish.ts";

/** The folder of reports, on the target and in every lane. */
export const generatedFolder = "docs/_generated";

const planFile = "execution_plan.json";

/** Lanes for the gaps that have none yet. */
export const plan = async (call: Call, engine: Engine): Promise<Answer> => {
  await warnOf(call, engine);
  const report = await planGaps(call, engine);
  return isNo(report) ? report : tell(call, report);
};

/** The same as a step of `full`. */
export const planGaps = async (call: Call, engine: Engine): Promise<Report | No> => {
  const isDry = flagOf(call, "dryRun");
  const untrusted = isDry ? undefined : await needTrust(call, engine, ["gaps"]);
  if (untrusted) return untrusted;
  const made = await makePlan(call, engine);
  if (isNo(made)) return made;
  if (isDry) return reportOn(made, "would add");
  const wanted = addition(made);
  const first = decide(engine.state(), wanted);
  if (isRefusal(first)) return first;
  const unprepared = await prepareOnce(call, engine);
  if (unprepared) return unprepared;
  // The file comes first: where it cannot be written, nothing is recorded either.
  await engine.writeOut(`${generatedFolder}/${planFile}`, `${JSON.stringify(made, null, 2)}\n`);
  const refused = (await wish(call, engine, { type: "enter", phase: 2 })) ?? (await wish(call, engine, wanted));
  return refused ?? reportOn(made, "added");
};

const makePlan = async (call: Call, engine: Engine): Promise<ExecutionPlan | No> => {
  const settings = await engine.settings();
  if (isNo(settings)) return settings;
  const reports = await readReports(call, engine);
  if (isNo(reports)) return reports;
  const { agent, gaps = { lanesMax: 100 } } = settings.config;
  const isGiven = agent === undefined || gaps.agent !== undefined || gaps.command !== undefined;
  const policy = isGiven ? gaps : { ...gaps, agent };
  const made = planLanes(engine.state(), reports, policy, new Date(call.shell.now()).toISOString());
  return isFault(made) ? faultNo("plan", made) : made;
};

const addition = (made: ExecutionPlan): Command => ({
  type: "add",
  lanes: Object.entries(made.lanes).map(([id, spec]) => ({ id, spec })),
  skipped: made.skipped.length,
});

/** All reports, by file: those on the target, and those of probes that are done and have not landed. */
const readReports = async (call: Call, engine: Engine): Promise<ReadonlyMap<string, string> | No> => {
  const state = engine.state();
  const target = state.target === undefined ? await targetFor(engine) : { name: state.target };
  if (isNo(target)) return target;
  const files = new Map(await engine.filesAt(target.name, generatedFolder));
  for (const lane of pendingProbes(state)) {
    const own = await engine.filesAt(branchOf(lane.id), generatedFolder);
    for (const path of lane.results) {
      const text = own.get(path);
      if (text !== undefined) files.set(path, text);
    }
  }
  const reports = [...files].filter(([path, text]) => isReport(call, path, text));
  return new Map(reports.toSorted(([a], [b]) => (a < b ? -1 : 1)));
};

const pendingProbes = (state: State): readonly Lane[] =>
  [...state.lanes.values()].filter(
    ({ spec, state: now }) =>
      spec.kind === "probe" && (stateTable[now].seed === "completed" || now === "conflicted") && now !== "merged",
  );

/** Other files may live in the folder: only what names its probe is a report. */
const isReport = (call: Call, path: string, text: string): boolean => {
  const name = path.slice(generatedFolder.length + 1);
  if (!name.endsWith(".json") || name.includes("/") || name === planFile) return false;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && "probe" in value) return true;
    call.output.say(`${path} names no probe: not a report, left out`);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    call.output.say(`${path} is not JSON: left out`);
  }
  return false;
};

const reportOn = (made: ExecutionPlan, verb: string): Report => {
  const ids = Object.keys(made.lanes);
  return {
    code: exit.done,
    lines: [
      ...made.order.map((wave, index) => `wave ${index + 1}: ${wave.join(", ")}`),
      ...made.skipped.map(({ gap, why }) => `skipped ${gap}: ${why}`),
      made.from.length === 0
        ? `nothing to plan: there are no probe reports in ${generatedFolder}`
        : `${verb} ${count(ids.length, "lane")} from ${count(made.from.length, "report")}`,
    ],
    hints: ids.length === 0 ? [] : ["next: lanes execute"],
    json: { ...made, dryRun: verb !== "added" },
  };
};
