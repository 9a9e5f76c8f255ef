/** Configuration → what the reconciler plans and starts with. */
import { availableParallelism } from "node:os";

import type { Config } from "../core/config.ts";
import { isNo } from "../core/observed.ts";
import { checkTimeoutMs } from "../core/check.ts";
import type { Policy } from "../core/plan.ts";
import type { Settings } from "../port.ts";

/** Grace between TERM and KILL, in ms. */
export const graceMs = 5000;

/** What holds where nobody says otherwise. */
export const defaults: Required<
  Pick<
    Config,
    "requireCheck" | "strategy" | "strict" | "review" | "checkTimeoutMs" | "checkSlots" | "maxRuns" | "outputMb"
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
};

/** The rules of the moment. */
export interface Rules {
  readonly policy: Policy;
  readonly config: Config;
}

/** The limits that a configuration sets. */
export const limitsOf = (config: Config): { readonly maxRuns: number } => ({
  maxRuns: config.maxRuns ?? defaults.maxRuns,
});

/**
 * The rules as configured now. A file that does not parse changes nothing: the last good rules stay. A check that is
 * configured but not trusted must not be skipped silently: then nothing lands unchecked.
 */
export const loadRules = async (settings: Settings, before: Rules | undefined): Promise<Rules> => {
  const loaded = await settings.load();
  if (isNo(loaded)) return before ?? { config: {}, policy: { ...limitsOf({}), check: undefined, requireCheck: true } };
  const { config, untrusted } = loaded;
  const held = untrusted.some((command) => command.startsWith("check:"));
  return {
    config,
    policy: {
      ...limitsOf(config),
      check: config.check,
      strict: config.strict ?? defaults.strict,
      strategy: config.strategy ?? defaults.strategy,
      checkTimeoutMs: config.checkTimeoutMs ?? defaults.checkTimeoutMs,
      checkSlots: config.checkSlots ?? defaults.checkSlots,
      requireCheck: held || (config.requireCheck ?? defaults.requireCheck),
    },
  };
};

/** How much is kept of a run's output, as a part of what it is started with. */
export const outputOf = ({ outputMb = defaults.outputMb }: Config): { readonly outputBytesMax: number } => ({
  outputBytesMax: outputMb * 1024 * 1024,
});
