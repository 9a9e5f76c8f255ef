/** What a bug report needs, without what should not leave the machine. */
import { anonymise, secretsIn } from "../core/redact.ts";
import { isNo } from "../core/observed.ts";
import type { Engine } from "../engine/engine.ts";
import type { Call } from "./call.ts";

/** Records at the end of the journal that are shown. */
const recordsMax = 300;

/** Versions, configuration, the tracker and the last records, redacted. */
export const bundleOf = async (call: Call, engine: Engine): Promise<object> => {
  const { shell } = call;
  const state = await engine.refresh();
  const settings = await engine.settings();
  const told = await engine.history(Math.max(0, state.position - recordsMax));
  const bundle = {
    exportedAt: new Date(shell.now()).toISOString(),
    lanes: shell.version,
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    terminal: { term: shell.environment["TERM"] ?? null, lang: shell.environment["LANG"] ?? null },
    configuration: isNo(settings)
      ? { refused: settings.refused }
      : { config: settings.config, warnings: settings.warnings, untrusted: settings.untrusted.length },
    tracker: await engine.tracker(),
    records: told.map(({ entry, outcome }) => ({
      ...("record" in entry ? entry.record : { damaged: entry.damaged }),
      ...outcome,
    })),
  };
  const { home, common, checkout } = engine.layout;
  const homes = [home, checkout, common, shell.environment["HOME"]].filter((path) => path !== undefined);
  return anonymise(bundle, { homes, values: secretsIn(shell.environment) }) as object;
};
