/** Configuration files of this person and this repository, and what was trusted. */
import { createHash } from "node:crypto";
import { appendFileSync, closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

import { commandsIn, type Config, mergeConfigs, parseConfig, parseEnvironment } from "../core/config.ts";
import { variableOf } from "../core/config-source.ts";
import type { No } from "../core/observed.ts";
import { isFault } from "../core/parse.ts";
import type { Layout, Loaded, Settings } from "../port.ts";
import { makeFolder } from "./file.ts";

/** Configuration files above this size are refused unread, in bytes. */
const bytesMax = 1_048_576;

type Environment = Readonly<Record<string, string | undefined>>;

/** Settings from `$XDG_CONFIG_HOME/lanekeeper/config.json`, the checkout's `lanes.config.json` and `LANES_*`. */
export const createSettings = (layout: Pick<Layout, "checkout" | "home">, environment: Environment): Settings => {
  const mine = join(configFolder(environment), "config.json");
  const shared = join(layout.checkout ?? layout.home, "lanes.config.json");
  const trusted = join(stateFolder(environment), "trusted");
  return {
    load: async () => {
      const [own, common] = [readConfig(mine), readConfig(shared)];
      if ("refused" in own) return own;
      if ("refused" in common) return common;
      const variables = parseEnvironment(environment);
      if (isFault(variables)) return no(variables.path, variables.fault, variables.hint);
      return loaded({ own, common, variables, isTrusted: (hash) => linesOf(trusted).includes(hash) });
    },
    trust: async (hash) => {
      makeFolder(dirname(trusted));
      appendFileSync(trusted, `${hash}\n`, { mode: 0o600 });
    },
  };
};

interface Read {
  readonly config: Config;
  readonly warnings: readonly string[];
  readonly sources: readonly string[];
}

interface Parts {
  readonly own: Read;
  readonly common: Read;
  readonly variables: Config;
  readonly isTrusted: (hash: string) => boolean;
}

const loaded = ({ own, common, variables, isTrusted }: Parts): Loaded => {
  const commands = commandsIn(common.config);
  const hash = commands.length === 0 ? "" : createHash("sha256").update(commands.join("\n")).digest("hex");
  const untrusted = commands.length === 0 || isTrusted(hash) ? [] : commands;
  const shared = tightened(own.config, untrusted.length === 0 ? common.config : withoutCommands(common.config));
  return {
    config: mergeConfigs([own.config, shared, variables]),
    warnings: [...own.warnings, ...common.warnings],
    untrusted,
    hash,
    sources: [...own.sources, ...common.sources],
    layers: [
      ...own.sources.map((source) => ({ source, config: own.config })),
      ...common.sources.map((source) => ({ source, config: shared })),
      ...Object.entries(variables).map(([key, value]) => ({ source: variableOf(key), config: { [key]: value } })),
    ],
  };
};

/** What a person requires of everything that lands no repository takes back. */
const tightened = (own: Config, { review, requireCheck, strict, ...rest }: Config): Config => ({
  ...rest,
  ...(review === undefined || own.review === "required" ? {} : { review }),
  ...(requireCheck === undefined || own.requireCheck === true ? {} : { requireCheck }),
  ...(strict === undefined || own.strict === true ? {} : { strict }),
});

/** What an untrusted file may still say. */
const withoutCommands = (config: Config): Config =>
  Object.fromEntries(Object.entries(config).filter(([key]) => harmless.has(key)));

const harmless: ReadonlySet<string> = new Set<keyof Config>([
  "target",
  "requireCheck",
  "strategy",
  "strict",
  "review",
  "checkTimeoutMs",
  "checkSlots",
  "maxRuns",
  "outputMb",
  "minFreeMb",
  "ports",
  "agent",
]);

const readConfig = (path: string): Read | No => {
  const text = readText(path);
  if (text === undefined) return { config: {}, warnings: [], sources: [] };
  if (typeof text !== "string") return no(path, text.fault, "make it a small JSON file, or move it away");
  const parsed = parseConfig(text);
  if (isFault(parsed)) return no(`${path}${parsed.path === "" ? "" : `: ${parsed.path}`}`, parsed.fault, parsed.hint);
  return { config: parsed.config, warnings: parsed.warnings.map((warning) => `${path}: ${warning}`), sources: [path] };
};

const no = (where: string, fault: string, hint: string): No => ({ refused: `${where} ${fault}`, hint, code: 65 });

/** A regular file's text; undefined when there is none. Never waits at a FIFO. */
const readText = (path: string): string | undefined | { readonly fault: string } => {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return undefined;
    return { fault: `cannot be read (${codeOf(error)})` };
  }
  try {
    const status = fstatSync(file);
    if (!status.isFile()) return { fault: "is not a file" };
    if (status.size > bytesMax) return { fault: `is ${status.size} bytes long` };
    return readFileSync(file, "utf8");
  } finally {
    closeSync(file);
  }
};

const linesOf = (path: string): readonly string[] => {
  const text = readText(path);
  return typeof text === "string" ? text.split("\n") : [];
};

const codeOf = (error: unknown): string => (error instanceof Error && "code" in error ? String(error.code) : "unknown");

/** Where this person's settings are. */
export const configFolder = (environment: Environment): string => folderOf(environment, "XDG_CONFIG_HOME", ".config");

/** Where it is kept what this person trusts. */
export const stateFolder = (environment: Environment): string =>
  folderOf(environment, "XDG_STATE_HOME", ".local/state");

/** Our folder below an XDG base; the variable counts only when it is absolute, as its specification says. */
const folderOf = (environment: Environment, name: string, otherwise: string): string => {
  const base = environment[name];
  return join(base?.startsWith("/") ? base : join(environment["HOME"] ?? homedir(), otherwise), "lanekeeper");
};
