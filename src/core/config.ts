/** Configuration text → configuration, or the first field that is wrong. Reading files and trust are other people's work. */
import { idFault, quote } from "./id.ts";
import { argv, branch, reviews, strategies } from "./lane-spec.ts";
import { attempt, below, type Fault, fields, flag, items, json, nearest, oneOf, text, whole, wrong } from "./parse.ts";
import type { Review, Strategy } from "./state.ts";

/** A command that looks at the repository and reports findings and gaps. */
export interface Probe {
  readonly command: readonly string[];
  readonly timeoutMs: number;
}

/** The agent CLIs that are driven by name (`agents.NAME.cli`). */
export const cliNames = ["claude", "codex", "gemini", "opencode", "copilot", "qwen", "cline", "aider"] as const;

/** How much an agent may do without being asked: nothing, edit files and use git, or everything. */
export const permissionLevels = ["ask", "edit", "all"] as const;

/** Who does the work of lanes: a named member of the roster. It has a command, or a CLI that is driven by name. */
export interface RosterEntry {
  readonly command?: readonly string[];
  readonly cli?: (typeof cliNames)[number];
  readonly permissions?: (typeof permissionLevels)[number];
  readonly model?: string;
  /** More arguments for the CLI. */
  readonly args?: readonly string[];
  readonly role?: string;
}

/** What lanes made from gaps get. */
export interface GapPolicy {
  readonly agent?: string;
  readonly command?: readonly string[];
  readonly check?: string;
  readonly lanesMax: number;
}

/** Ports, the first and the last one included. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
}

/** The settings of one file, or of all of them merged. Absent: not set here. */
export interface Config {
  readonly target?: string;
  readonly check?: string;
  readonly requireCheck?: boolean;
  /** How lanes land that do not say; `merge` when nobody says. */
  readonly strategy?: Strategy;
  /** Must every commit that the target gets have passed its check? Without it lanes that were tested together land one by one. */
  readonly strict?: boolean;
  /** Must a person approve what lands, where the lane does not say? */
  readonly review?: Review;
  /** A check that runs longer is ended with all that it started, in ms. */
  readonly checkTimeoutMs?: number;
  /** Checks at the same time, each in a worktree of its own. */
  readonly checkSlots?: number;
  readonly maxRuns?: number;
  /** Most that is kept of the output of one run, in MiB: its beginning and its end. */
  readonly outputMb?: number;
  /** Idle worktrees that wait for lanes, each as large as a checkout. */
  readonly pool?: number;
  /** Run by `sh -c` in a new worktree before the agent; a lane whose setup fails is failed. */
  readonly setup?: string;
  /** With less free space on the disk of the worktrees, in MiB, no lane starts. */
  readonly minFreeMb?: number;
  /** Ports that lanes get, one each while they run: `LANES_PORT`. */
  readonly ports?: PortRange;
  /** Roster member for lanes that name neither command nor agent. */
  readonly agent?: string;
  readonly agents?: Readonly<Record<string, RosterEntry>>;
  readonly probes?: Readonly<Record<string, Probe>>;
  readonly gaps?: GapPolicy;
}

/** Settings, and what was odd about them. */
export interface ParsedConfig {
  readonly config: Config;
  readonly warnings: readonly string[];
}

const known = [
  "target",
  "check",
  "requireCheck",
  "strategy",
  "strict",
  "review",
  "checkTimeoutMs",
  "checkSlots",
  "maxRuns",
  "outputMb",
  "pool",
  "setup",
  "minFreeMb",
  "ports",
  "agent",
  "agents",
  "probes",
  "gaps",
] as const;

/** A configuration file's settings. Unknown keys are named, not refused. */
export const parseConfig = (source: string): ParsedConfig | Fault =>
  attempt(() => {
    const given = fields(json(source), "");
    const odd = [...given.keys()].filter((key) => key !== "$schema" && !(known as readonly string[]).includes(key));
    return { config: configOf(given), warnings: odd.map(oddKey) };
  });

const oddKey = (key: string): string => {
  const near = nearest(key, known);
  return `${quote(key)} is not a known key${near === undefined ? "" : `; did you mean "${near}"?`}`;
};

const configOf = (given: ReadonlyMap<string, unknown>): Config => {
  const get = <T>(key: (typeof known)[number], parse: (value: unknown, path: string) => T): T | undefined =>
    given.get(key) === undefined ? undefined : parse(given.get(key), key);
  return drop({
    target: get("target", branch),
    check: get("check", (value, path) => text(value, path)),
    requireCheck: get("requireCheck", flag),
    strategy: get("strategy", (value, path) => oneOf(value, path, strategies)),
    strict: get("strict", flag),
    review: get("review", (value, path) => oneOf(value, path, reviews)),
    checkTimeoutMs: get("checkTimeoutMs", (value, path) => whole(value, path, 1000, 86_400_000)),
    checkSlots: get("checkSlots", (value, path) => whole(value, path, 1, 64)),
    maxRuns: get("maxRuns", (value, path) => whole(value, path, 1, 1000)),
    outputMb: get("outputMb", (value, path) => whole(value, path, 1, 100_000)),
    pool: get("pool", (value, path) => whole(value, path, 0, 100)),
    setup: get("setup", (value, path) => text(value, path)),
    minFreeMb: get("minFreeMb", (value, path) => whole(value, path, 0, 10_000_000)),
    ports: get("ports", portRange),
    agent: get("agent", id),
    agents: get("agents", (value, path) => record(value, path, rosterEntry)),
    probes: get("probes", (value, path) => record(value, path, probe)),
    gaps: get("gaps", gaps),
  });
};

const portRange = (value: unknown, path: string): PortRange => {
  const given = fields(value, path);
  const from = whole(given.get("from"), below(path, "from"), 1024, 65_535);
  return { from, to: whole(given.get("to"), below(path, "to"), from, 65_535) };
};

const id = (value: unknown, path: string): string => {
  const fault = idFault(value);
  return fault === undefined ? (value as string) : wrong(path, fault, "use an id");
};

const record = <T>(
  value: unknown,
  path: string,
  each: (value: unknown, path: string) => T,
): Readonly<Record<string, T>> =>
  Object.fromEntries(
    [...fields(value, path)].map(([key, item]) => [id(key, below(path, key)), each(item, below(path, key))]),
  );

/** A command that is missing because its key is misspelt is told by that key. */
const withCommand = (value: unknown, path: string, keys: readonly string[]): ReadonlyMap<string, unknown> => {
  const given = fields(value, path);
  const odd = [...given.keys()].find((key) => !keys.includes(key) && nearest(key, ["command"]) !== undefined);
  return given.has("command") || odd === undefined
    ? given
    : wrong(below(path, odd), "is not a known key", 'did you mean "command"?');
};

const cliKeys: readonly string[] = ["cli", "command", "permissions", "model", "args", "role"];

const rosterEntry = (value: unknown, path: string): RosterEntry => {
  const plain = fields(value, path);
  const given = plain.has("cli") ? plain : withCommand(value, path, ["command", "role"]);
  const get = <T>(key: string, parse: (value: unknown, path: string) => T): T | undefined =>
    given.has(key) ? parse(given.get(key), `${path}.${key}`) : undefined;
  const role = get("role", (item, at) => text(item, at, 200));
  if (!given.has("cli")) {
    const alone = ["permissions", "model", "args"].find((key) => given.has(key));
    if (alone !== undefined) wrong(`${path}.${alone}`, "is for a CLI", 'add "cli", or put it into the command');
    return drop({ command: argv(given.get("command"), `${path}.command`), role });
  }
  // A misspelt `permissions` would let an agent do more than was meant.
  const odd = [...given.keys()].find((key) => !cliKeys.includes(key) && nearest(key, cliKeys) !== undefined);
  if (odd !== undefined) wrong(below(path, odd), "is not a known key", `did you mean "${nearest(odd, cliKeys)}"?`);
  if (given.has("command")) wrong(`${path}.command`, "stands beside a CLI", 'leave one of "cli" and "command" out');
  return drop<RosterEntry>({
    cli: get("cli", (item, at) => oneOf(item, at, cliNames)),
    permissions: get("permissions", (item, at) => oneOf(item, at, permissionLevels)),
    model: get("model", (item, at) => text(item, at, 200)),
    args: get("args", (item, at) => items(item, at, (word, place) => text(word, place))),
    role,
  });
};

const probe = (value: unknown, path: string): Probe => {
  const given = withCommand(value, path, ["command", "timeoutMs"]);
  return {
    command: argv(given.get("command"), `${path}.command`),
    timeoutMs: given.has("timeoutMs") ? whole(given.get("timeoutMs"), `${path}.timeoutMs`, 1000, 86_400_000) : 600_000,
  };
};

const gaps = (value: unknown, path: string): GapPolicy => {
  const given = fields(value, path);
  const get = <T>(key: string, parse: (value: unknown, path: string) => T): T | undefined =>
    given.has(key) ? parse(given.get(key), `${path}.${key}`) : undefined;
  return drop({
    agent: get("agent", id),
    command: get("command", argv),
    check: get("check", (item, at) => text(item, at)),
    lanesMax: get("lanesMax", (item, at) => whole(item, at, 1, 1000)) ?? 100,
  });
};

/** The same object without fields that are not set. */
const drop = <T extends object>(value: { [K in keyof T]: T[K] | undefined }): T =>
  Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as T;

/** Later settings win; rosters and probes are joined by name. */
export const mergeConfigs = (configs: readonly Config[]): Config => {
  const agents = configs.flatMap((one) => Object.entries(one.agents ?? {}));
  const probes = configs.flatMap((one) => Object.entries(one.probes ?? {}));
  return {
    ...Object.fromEntries(configs.flatMap((one) => Object.entries(one))),
    ...(agents.length > 0 ? { agents: Object.fromEntries(agents) } : {}),
    ...(probes.length > 0 ? { probes: Object.fromEntries(probes) } : {}),
  };
};

/** Every command that a file would have us run, as stable text: what trust is given to. Empty when it names none. */
export const commandsIn = (config: Config): readonly string[] => [
  ...(config.check === undefined ? [] : [`check: ${config.check}`]),
  ...(config.setup === undefined ? [] : [`setup: ${config.setup}`]),
  ...(config.gaps?.check === undefined ? [] : [`gaps.check: ${config.gaps.check}`]),
  ...(config.gaps?.command === undefined ? [] : [`gaps.command: ${JSON.stringify(config.gaps.command)}`]),
  ...Object.entries(config.agents ?? {}).map(([name, entry]) => `agents.${name}: ${JSON.stringify(startedBy(entry))}`),
  ...Object.entries(config.probes ?? {}).map(([name, { command }]) => `probes.${name}: ${JSON.stringify(command)}`),
];

/** All of a member of the roster that says what is run, in an order of its own. */
const startedBy = ({ command, cli, permissions, args, model }: RosterEntry): unknown =>
  command ?? { cli, permissions, args, model };

/** The variables that override the files, by name. */
export const environmentKeys = [
  "LANES_TARGET",
  "LANES_CHECK",
  "LANES_MAX_RUNS",
  "LANES_REQUIRE_CHECK",
  "LANES_AGENT",
] as const;

/** Settings from `LANES_*` variables, or the first that is wrong. */
export const parseEnvironment = (environment: Readonly<Record<string, string | undefined>>): Config | Fault =>
  attempt(() => {
    const { LANES_TARGET, LANES_CHECK, LANES_MAX_RUNS, LANES_REQUIRE_CHECK, LANES_AGENT } = environment;
    return drop<Config>({
      target: LANES_TARGET ? branch(LANES_TARGET, "LANES_TARGET") : undefined,
      check: LANES_CHECK,
      maxRuns: LANES_MAX_RUNS ? digits(LANES_MAX_RUNS, "LANES_MAX_RUNS", 1, 1000) : undefined,
      requireCheck: LANES_REQUIRE_CHECK ? yesOrNo(LANES_REQUIRE_CHECK, "LANES_REQUIRE_CHECK") : undefined,
      agent: LANES_AGENT ? id(LANES_AGENT, "LANES_AGENT") : undefined,
    });
  });

/** A number as a variable has it: what is none is told as it was written. */
const digits = (word: string, path: string, min: number, max: number): number =>
  Number.isInteger(Number(word))
    ? whole(Number(word), path, min, max)
    : wrong(path, `must be a whole number from ${min} to ${max}, not ${quote(word)}`, "write digits only");

const yesOrNo = (word: string, path: string): boolean => {
  if (word === "1" || word === "true") return true;
  return word === "0" || word === "false" ? false : wrong(path, `must be 1 or 0, not ${quote(word)}`, "write 1 or 0");
};
