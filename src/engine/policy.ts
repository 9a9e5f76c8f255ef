/** Configuration → what the reconciler plans and starts with. */
import { availableParallelism } from "node:os";

import type { Config, PortRange } from "../core/config.ts";
import { isNo } from "../core/observed.ts";
import { checkTimeoutMs } from "../core/check.ts";
import type { Policy } from "../core/plan.ts";
import type { Room, Settings } from "../port.ts";

/** Grace between TERM and KILL, in ms. */
export const graceMs = 5000;

/** What holds where nobody says otherwise. */
export const defaults: Required<
  Pick<
    Config,
    | "requireCheck"
    | "strategy"
    | "strict"
    | "review"
    | "checkTimeoutMs"
    | "checkSlots"
    | "maxRuns"
    | "outputMb"
    | "pool"
    | "minFreeMb"
    | "ports"
  >
> = {
  requireCheck: false,
  strategy: "merge",
  strict: true,
  review: "none",
  checkTimeoutMs,
  checkSlots: Math.max(1, Math.floor(availableParallelism() / 4)),
  maxRuns: 8,
  outputMb: 64,
  pool: 0,
  minFreeMb: 100,
  ports: { from: 42_000, to: 42_999 },
};

/** The rules of the moment. */
export interface Rules {
  readonly policy: Policy;
  /** Why nothing starts: the configured setup command is not trusted yet, or nothing is known of what is configured. */
  readonly held?: string;
  readonly config: Config;
}

/** The limits that a configuration sets. */
export const limitsOf = (config: Config): { readonly maxRuns: number } => ({
  maxRuns: config.maxRuns ?? defaults.maxRuns,
});

/** While nobody can read what is configured: nothing starts, and nothing lands without a check and a person's approval. */
const unread: Rules = {
  config: { review: "required" },
  held: "the configuration cannot be read (lanes config --explain)",
  policy: { ...limitsOf({}), check: undefined, requireCheck: true },
};

/**
 * The rules as configured now. A file that does not parse changes nothing: the last good rules stay, and where there are none
 * the strictest hold. A check that is configured but not trusted must not be skipped silently: then nothing lands unchecked.
 */
export const loadRules = async (settings: Settings, before: Rules | undefined): Promise<Rules> => {
  const loaded = await settings.load();
  if (isNo(loaded)) return before ?? unread;
  const { config, untrusted } = loaded;
  const isHeld = untrusted.some((command) => command.startsWith("check:"));
  return {
    config,
    ...(untrusted.some((command) => command.startsWith("setup:"))
      ? { held: "the setup command of lanes.config.json is not trusted (lanes trust)" }
      : {}),
    policy: {
      ...limitsOf(config),
      check: config.check,
      strict: config.strict ?? defaults.strict,
      strategy: config.strategy ?? defaults.strategy,
      checkTimeoutMs: config.checkTimeoutMs ?? defaults.checkTimeoutMs,
      checkSlots: config.checkSlots ?? defaults.checkSlots,
      requireCheck: isHeld || (config.requireCheck ?? defaults.requireCheck),
    },
  };
};

/** How much is kept of a run's output, as a part of what it is started with. */
export const outputOf = ({ outputMb = defaults.outputMb }: Config): { readonly outputBytesMax: number } => ({
  outputBytesMax: outputMb * 1024 * 1024,
});

/** How many idle worktrees wait for lanes. */
export const poolOf = ({ pool = defaults.pool }: Config): number => pool;

/** Inodes that have to be free. */
const filesMin = 1000;

/** Why no lane starts now: there is no room for its worktree. Undefined when there is, or nobody knows. */
export const roomFault = (room: Room | undefined, { minFreeMb = defaults.minFreeMb }: Config): string | undefined => {
  if (room === undefined) return undefined;
  const freeMb = Math.floor(room.freeBytes / 1024 / 1024);
  if (freeMb < minFreeMb) return `waits for room on the disk: ${freeMb} MiB are free, minFreeMb is ${minFreeMb}`;
  if (minFreeMb === 0 || room.freeFiles === undefined || room.freeFiles >= filesMin) return undefined;
  return `waits for room on the disk: ${room.freeFiles} inodes are free`;
};

/** The ports that lanes get. */
export const portsOf = ({ ports = defaults.ports }: Config): PortRange => ports;
