/** `full`: init, probes, plan, execute and merge, one after another. */
import { isNo, type No } from "../core/observed.ts";
import type { Engine } from "../engine/engine.ts";
import { needTrust, warnOf } from "./ask.ts";
import { type Call, textOf } from "./call.ts";
import { type Answer, worst } from "./exit.ts";
import { executeLanes } from "./execute.ts";
import { prepareRepository } from "./init.ts";
import { mergeLanes } from "./merge.ts";
import { planGaps } from "./plan.ts";
import { runProbes } from "./probes.ts";
import { type Report, tell } from "./report.ts";

/** All phases in one go. A lane that fails does not keep the others from landing; the code tells the worst. */
export const full = async (call: Call, engine: Engine): Promise<Answer> => {
  await warnOf(call, engine);
  const places = ["probes", "gaps", "agents", ...(textOf(call, "check") === undefined ? ["check"] : [])];
  const untrusted = await needTrust(call, engine, places);
  if (untrusted) return untrusted;
  const steps: readonly (readonly [string, () => Promise<Report | No>])[] = [
    ["init", () => prepareRepository(call, engine)],
    ["probes", () => runProbes(call, engine, [])],
    ["plan", () => planGaps(call, engine)],
    ["execute", () => executeLanes(call, engine, [])],
    ["merge", () => mergeLanes(call, engine, [])],
  ];
  const reports: (readonly [string, Report])[] = [];
  for (const [name, step] of steps) {
    call.output.say(`== ${name}`);
    const report = await step();
    if (isNo(report)) return report;
    reports.push([name, report]);
  }
  return tell(call, {
    code: worst(reports.map(([, { code }]) => code)),
    lines: reports.flatMap(([name, { lines }]) => lines.map((line) => `${name}: ${line}`)),
    json: Object.fromEntries(reports.map(([name, { json, code }]) => [name, { code, ...json }])),
  });
};
