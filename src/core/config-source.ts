/** Where each effective setting comes from. */
import type { Config } from "./config.ts";

/** One place that sets something. Later layers win. */
export interface Layer {
  /** `~/.config/lanekeeper/config.json`, `LANES_CHECK`, `--check`. */
  readonly source: string;
  readonly config: Config;
}

/** One effective setting. */
export interface SettingRow {
  /** Field path: `maxRuns`, `agents.coder.command`. */
  readonly key: string;
  /** As JSON has it; null: nothing is set and there is no default. */
  readonly value: unknown;
  readonly source: string;
  /** Places that say something else and are overridden, the weakest first. */
  readonly overrides: readonly string[];
}

/** The name of the variable that sets a key: `maxRuns` → `LANES_MAX_RUNS`. */
export const variableOf = (key: string): string =>
  `LANES_${key.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;

/** Every setting that there is, in a stable order: what holds, and who says so. Rosters and probes are joined by name. */
export const explainConfig = (layers: readonly Layer[]): readonly SettingRow[] => {
  const rows = new Map<string, SettingRow>();
  for (const { source, config } of layers) {
    for (const [key, value] of flat(config)) {
      const before = rows.get(key);
      const overridden = before === undefined || before.value === null ? [] : [...before.overrides, before.source];
      rows.set(key, { key, value, source, overrides: overridden });
    }
  }
  return [...rows.values()];
};

/** Fields as they are overridden: each plain one, each member of the roster, each probe, the policy for gaps as a whole. */
const flat = (config: Config): readonly (readonly [key: string, value: unknown])[] =>
  Object.entries(config as Readonly<Record<string, unknown>>).flatMap(([key, value]) =>
    (key === "agents" || key === "probes") && typeof value === "object" && value !== null
      ? Object.entries(value).map(([name, item]) => [`${key}.${name}`, item as unknown] as const)
      : [[key, value] as const],
  );
