/** Planning: what the probes found missing → lanes with dependencies. Pure: files come in as text. */
import type { GapPolicy } from "./config.ts";
import { idFault, quote } from "./id.ts";
import { defaultRetries } from "./lane-spec.ts";
import { attempt, type Fault, fields, flag, isFault, items, json, oneOf, text, wrong } from "./parse.ts";
import { cycleIn, waves } from "./schedule.ts";
import type { LaneSpec, Priority, State } from "./state.ts";

/** Something that a probe found missing or failing. */
export interface Gap {
  readonly id: string;
  readonly title: string;
  readonly tasks: readonly string[];
  readonly paths: readonly string[];
  readonly dependsOn: readonly string[];
  readonly priority: Priority;
  readonly parallel: boolean;
}

/** A probe's report: `docs/_generated/<probe>.json`. */
export interface ProbeReport {
  readonly probe: string;
  readonly ok: boolean;
  readonly findings: readonly string[];
  readonly gaps: readonly Gap[];
}

/** What `plan` decided, as written to `docs/_generated/execution_plan.json`. */
export interface ExecutionPlan {
  readonly version: 1;
  readonly createdAt: string;
  readonly from: readonly string[];
  readonly lanes: Readonly<Record<string, LaneSpec>>;
  /** Ids in waves: all of a wave may run in parallel. */
  readonly order: readonly (readonly string[])[];
  readonly skipped: readonly { readonly gap: string; readonly why: string }[];
}

/** Keys that would make a probe's output run something: never taken from there. */
const refusedKeys = ["command", "check", "env", "acceptance", "agent"];

const priorities: readonly Priority[] = ["low", "normal", "high"];

/** A probe's report from its file's text, or the first field that is wrong. */
export const parseReport = (source: string): ProbeReport | Fault =>
  attempt(() => {
    const given = fields(json(source), "");
    return {
      probe: text(given.get("probe"), "probe", 200),
      ok: flag(given.get("ok") ?? true, "ok"),
      findings: items(given.get("findings") ?? [], "findings", finding),
      gaps: items(given.get("gaps") ?? [], "gaps", gap),
    };
  });

/** A finding as text, whatever a probe makes of it; deeper nesting than JSON.stringify can walk is left out. */
const finding = (item: unknown): string => {
  if (typeof item === "string") return item.slice(0, findingMax);
  try {
    return JSON.stringify(item).slice(0, findingMax);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return "(nested too deeply)";
  }
};

/** Longest finding that is kept, in characters. */
const findingMax = 2000;

const gap = (value: unknown, path: string): Gap => {
  const given = fields(value, path);
  for (const key of refusedKeys) {
    if (given.has(key))
      wrong(
        `${path}.${key}`,
        "is not taken from a probe",
        "commands come from lanes.config.json (gaps.command, gaps.agent) only",
      );
  }
  const id = text(given.get("id"), `${path}.id`, 200);
  const fault = idFault(id);
  if (fault !== undefined) wrong(`${path}.id`, fault, "choose another id");
  const get = <T>(key: string, otherwise: T, parse: (value: unknown, path: string) => T): T =>
    given.get(key) === undefined ? otherwise : parse(given.get(key), `${path}.${key}`);
  const list = (item: unknown, at: string): readonly string[] =>
    items(item, at, (one, where) => text(one, where, 4096));
  const title = get("title", id, (item, at) => text(item, at, 500));
  return {
    id,
    title,
    tasks: get("tasks", [title], list),
    paths: get("paths", [], list),
    dependsOn: get("dependsOn", [], list),
    priority: get("priority", "normal", (item, at) => oneOf(item, at, priorities)),
    parallel: get("parallel", true, flag),
  };
};

/** Lanes for the gaps that have none yet. Cycles, unknown ids and twins are refused with the field's path. */
export const planLanes = (
  state: State,
  reports: ReadonlyMap<string, string>,
  policy: GapPolicy,
  createdAt: string,
): ExecutionPlan | Fault =>
  attempt(() => {
    const found = new Map<string, Found>();
    const skipped: Skipped[] = [];
    for (const [file, source] of reports) {
      const report = parseReport(source);
      if (isFault(report))
        return wrong(`${file}${report.path === "" ? "" : `: ${report.path}`}`, report.fault, report.hint);
      for (const [index, one] of report.gaps.entries()) {
        const why = skipReason(state, found, one.id, policy);
        if (why === undefined) found.set(one.id, { gap: one, at: `${file}: gaps[${index}]` });
        else skipped.push({ gap: one.id, why });
      }
    }
    skipDependants(state, found, skipped);
    checkDependencies(state, found);
    const needs = new Map([...found].map(([id, { gap: one }]) => [id, one.dependsOn]));
    const lanes = Object.fromEntries([...found].map(([id, { gap: one }]) => [id, laneOf(one, policy)]));
    return { version: 1 as const, createdAt, from: [...reports.keys()], lanes, order: waves(needs), skipped };
  });

interface Found {
  readonly gap: Gap;
  /** File and field, for faults. */
  readonly at: string;
}

type Skipped = ExecutionPlan["skipped"][number];

/** A gap that depends on one that was skipped, and that is no lane, is skipped too; and so on. */
const skipDependants = (state: State, found: Map<string, Found>, skipped: Skipped[]): void => {
  // The list grows while it is walked: each gap is skipped at most once.
  for (const { gap: id } of skipped) {
    if (found.has(id) || state.lanes.has(id)) continue;
    for (const [other, { gap: one }] of found) {
      if (!one.dependsOn.includes(id)) continue;
      found.delete(other);
      skipped.push({ gap: other, why: `depends on ${id}, which is skipped` });
    }
  }
};

const skipReason = (
  state: State,
  found: ReadonlyMap<string, unknown>,
  id: string,
  policy: GapPolicy,
): string | undefined => {
  const lane = state.lanes.get(state.names.get(id.toLowerCase()) ?? id);
  if (lane) return `lane ${lane.id} exists and is ${lane.state}`;
  if ([...found.keys()].some((other) => other.toLowerCase() === id.toLowerCase())) return "another gap has this id";
  return found.size >= policy.lanesMax ? `more than ${policy.lanesMax} lanes` : undefined;
};

const checkDependencies = (state: State, found: ReadonlyMap<string, Found>): void => {
  const needs = new Map<string, readonly string[]>();
  for (const [id, { gap: one, at }] of found) {
    for (const [index, other] of one.dependsOn.entries()) {
      if (!found.has(other) && !state.lanes.has(other)) {
        wrong(`${at}.dependsOn[${index}]`, `${quote(other)} is neither a gap nor a lane`, "name an id of this plan");
      }
    }
    needs.set(id, one.dependsOn);
  }
  const cycle = cycleIn(needs);
  if (cycle)
    wrong(
      `${found.get(cycle[0] ?? "")?.at ?? ""}.dependsOn`,
      `gaps depend on each other: ${cycle.join(" → ")}`,
      "take one of these dependencies away",
    );
};

const laneOf = (one: Gap, policy: GapPolicy): LaneSpec => ({
  name: one.title,
  tasks: one.tasks,
  parallel: one.parallel,
  priority: one.priority,
  ...(policy.command === undefined ? {} : { command: policy.command }),
  ...(policy.agent === undefined ? {} : { agent: policy.agent }),
  ...(policy.check === undefined ? {} : { check: policy.check }),
  dependsOn: one.dependsOn,
  paths: one.paths,
  env: [],
  commit: "agent",
  retries: defaultRetries,
  kind: "work",
});
