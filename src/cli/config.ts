/** `config [--explain]`: the settings that hold here, and who says so. */
import { branch } from "../core/lane-spec.ts";
import type { Config } from "../core/config.ts";
import { explainConfig, type Layer, type SettingRow } from "../core/config-source.ts";
import { isNo, type No } from "../core/observed.ts";
import { attempt, isFault, text } from "../core/parse.ts";
import type { Engine } from "../engine/engine.ts";
import { warnOf } from "./ask.ts";
import { type Call, flagOf, textOf } from "./call.ts";
import { type Answer, exit, faultNo } from "./exit.ts";
import { tell } from "./report.ts";
import { styleOf } from "./terminal.ts";
import { type Cell, tableLines } from "./table.ts";

/** Show every effective setting. A file that does not parse is a No (65) with file and field. */
export const config = async (call: Call, engine: Engine): Promise<Answer> => {
  const settings = await engine.settings();
  if (isNo(settings)) return settings;
  const flags = flagsOf(call);
  if (isNo(flags)) return flags;
  await warnOf(call, engine);
  const rows = explainConfig([
    { source: "default", config: defaultsOf(engine) },
    ...settings.layers,
    ...recorded(engine),
    ...flags,
  ]);
  const { untrusted, sources } = settings;
  return tell(call, {
    code: exit.done,
    lines: [...(await linesOf(call, rows)), ...untrusted.map((command) => `not trusted, so not in force: ${command}`)],
    hints: untrusted.length === 0 ? [] : ["next: lanes trust"],
    json: { settings: rows, sources, untrusted, warnings: settings.warnings },
  });
};

/** What holds when nobody says anything; null where that is nothing. */
const defaultsOf = (engine: Engine): Config => {
  const nothing = { target: null, check: null, agent: null } as unknown as Config;
  return { ...nothing, ...engine.defaults() };
};

/** Once a repository is prepared its target is a fact, which no file changes. */
const recorded = (engine: Engine): readonly Layer[] => {
  const { target } = engine.state();
  return target === undefined ? [] : [{ source: "lanes init", config: { target } }];
};

/** Options as verbs take them, to see what they would override. */
const flagsOf = (call: Call): readonly Layer[] | No => {
  const [check, target] = [textOf(call, "check"), textOf(call, "target")];
  const parsed = attempt((): readonly Layer[] => [
    ...(check === undefined ? [] : [{ source: "--check", config: { check: text(check, "--check") } }]),
    ...(target === undefined ? [] : [{ source: "--target", config: { target: branch(target, "--target") } }]),
  ]);
  return isFault(parsed) ? { ...faultNo("config", parsed), code: exit.usage } : parsed;
};

const linesOf = async (call: Call, rows: readonly SettingRow[]): Promise<readonly string[]> => {
  const { shell, globals } = call;
  const isExplained = flagOf(call, "explain");
  const cells = rows.map(({ key, value, source, overrides }): readonly Cell[] => [
    { text: key },
    { text: value === null ? "-" : typeof value === "string" ? value : JSON.stringify(value) },
    ...(isExplained ? [{ text: source + (overrides.length === 0 ? "" : ` (overrides ${overrides.join(", ")})`) }] : []),
  ]);
  return tableLines(cells, { ...styleOf(shell.stdout, shell.environment, globals.plain), coloured: false });
};
