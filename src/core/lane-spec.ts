/** The JSON of `add-lane` → a lane's definition. Keys of seed 001 and ours; unknown ones are named, not refused. */
import { idFault, quote } from "./id.ts";
import { attempt, type Fault, fields, flag, items, nearest, oneOf, text, whole, wrong } from "./parse.ts";
import type { LaneSpec, Priority, Review, Strategy } from "./state.ts";

/** A definition, and what was odd about it. */
export interface ParsedSpec {
  readonly spec: LaneSpec;
  readonly warnings: readonly string[];
}

/** Automatic runs after a failed one when a lane does not say. */
export const defaultRetries = 2;

const priorities: readonly Priority[] = ["low", "normal", "high"];
const commits = ["agent", "auto"] as const;

/** Words for `strategy`. */
export const strategies: readonly Strategy[] = ["merge", "squash", "rebase"];

/** Words for `review`. */
export const reviews: readonly Review[] = ["required", "none"];

/** Keys that a definition may have. */
export const known = [
  "name",
  "tasks",
  "parallel",
  "priority",
  "command",
  "agent",
  "dependsOn",
  "paths",
  "check",
  "acceptance",
  "target",
  "base",
  "prompt",
  "env",
  "commit",
  "retries",
  "timeoutMs",
  "strategy",
  "review",
  "rollback",
] as const;
/** Keys that scripts of the seeds write and that mean nothing here, or nothing yet. */
const tolerated: ReadonlySet<string> = new Set([
  "status",
  "results",
  "progress",
  "dependencies",
  "team",
  "batch",
  "push",
]);

/** A lane's definition from parsed JSON, or the first field that is wrong. `kind` cannot be set from outside. */
export const parseSpec = (id: string, value: unknown): ParsedSpec | Fault =>
  attempt(() => {
    const given = fields(value, "");
    const warnings = [...given.keys()].filter((key) => !(known as readonly string[]).includes(key)).map(oddKey);
    return { spec: specOf(id, given), warnings };
  });

const oddKey = (key: string): string => {
  if (tolerated.has(key)) return `${quote(key)} is kept out: lanekeeper sets it itself or does not use it`;
  const near = nearest(key, known);
  return `${quote(key)} is not a known key${near === undefined ? "" : `; did you mean "${near}"?`}`;
};

const specOf = (id: string, given: ReadonlyMap<string, unknown>): LaneSpec => {
  const get = <T>(key: (typeof known)[number], parse: (value: unknown, path: string) => T): T | undefined => {
    const value = given.get(key);
    return value === undefined || value === null ? undefined : parse(value, key);
  };
  const spec = {
    name: get("name", (value, path) => text(value, path, 500)) ?? id,
    tasks: get("tasks", (value, path) => items(value, path, (item, at) => text(item, at))) ?? [],
    parallel: get("parallel", flag) ?? true,
    priority: get("priority", (value, path) => oneOf(value, path, priorities)) ?? "normal",
    command: get("command", argv),
    agent: get("agent", name),
    dependsOn: get("dependsOn", (value, path) => items(value, path, name)) ?? [],
    paths: get("paths", (value, path) => items(value, path, (item, at) => text(item, at, 4096))) ?? [],
    check: get("check", (value, path) => text(value, path)),
    acceptance: get("acceptance", (value, path) => text(value, path)),
    target: get("target", branch),
    base: get("base", branch),
    prompt: get("prompt", (value, path) => text(value, path)),
    env: get("env", (value, path) => items(value, path, variable)) ?? [],
    commit: get("commit", (value, path) => oneOf(value, path, commits)) ?? "agent",
    retries: get("retries", (value, path) => whole(value, path, 0, 20)) ?? defaultRetries,
    kind: "work" as const,
    timeoutMs: get("timeoutMs", (value, path) => whole(value, path, 1000, 604_800_000)),
    strategy: get("strategy", (value, path) => oneOf(value, path, strategies)),
    review: get("review", (value, path) => oneOf(value, path, reviews)),
    rollback: get("rollback", flag),
  };
  if (spec.dependsOn.includes(id)) wrong("dependsOn", `lane ${id} depends on itself`, "take it out of the list");
  return Object.fromEntries(Object.entries(spec).filter(([, part]) => part !== undefined)) as unknown as LaneSpec;
};

/** An argv, or a string that `sh -c` runs. */
export const argv = (value: unknown, path: string): readonly string[] => {
  if (typeof value === "string") {
    return value.trim() === ""
      ? wrong(path, "is empty", "leave the key out for a lane without a command")
      : ["sh", "-c", text(value, path)];
  }
  const parts = items(value, path, (item, at) => text(item, at));
  return parts.length === 0 || parts[0] === ""
    ? wrong(path, "is empty", "leave the key out for a lane without a command")
    : parts;
};

const name = (value: unknown, path: string): string => {
  const fault = idFault(value);
  return fault === undefined ? (value as string) : wrong(path, fault, "use a lane or agent id");
};

const variable = (value: unknown, path: string): string => {
  const word = text(value, path, 200);
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(word))
    return wrong(path, `${quote(word)} is not the name of a variable`, "give names only, never values");
  return isGitSetting(word)
    ? wrong(path, `${quote(word)} is how a lane finds its hooks`, "put the setting into your git configuration")
    : word;
};

/** Does git read settings from a variable of this name (git-config(1))? They would stand in the place of those that name a lane's hooks. */
export const isGitSetting = (word: string): boolean => /^GIT_CONFIG_(?:COUNT|PARAMETERS|(?:KEY|VALUE)_\d+)$/.test(word);

/** A branch's short name, by the rules of git-check-ref-format(1) and never like an option. */
export const branch = (value: unknown, path: string): string => {
  const word = text(value, path, 200);
  const bad =
    /^[-/.]|[\p{C}\s~^:?*[\\]|\.\.|@\{|\/[/.]|\.lock(?:\/|$)|[/.]$/u.test(word) || word === "" || word === "@";
  return bad ? wrong(path, `${quote(word)} is not a branch name`, "use a name such as main or team/alpha") : word;
};
