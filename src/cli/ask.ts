/** Questions to a person at a terminal. Without one the answer is no answer. */
import { createInterface } from "node:readline";

import type { No } from "../core/observed.ts";
import { sanitize } from "../core/text.ts";
import type { Engine } from "../engine/engine.ts";
import { untrustedAt } from "../engine/trusted.ts";
import type { Call } from "./call.ts";
import { isPersons } from "./shell.ts";

/** Ask a question whose careful answer is no. Undefined: there is nobody to ask. */
export const ask = async (call: Call, question: string): Promise<boolean | undefined> => {
  if (!canAsk(call)) return undefined;
  const { stdin, stderr } = call.shell;
  stderr.write(`${sanitize(question)} [y/N] `);
  const lines = createInterface({ input: stdin, terminal: false });
  try {
    const answer = await new Promise<string>((resolve) => {
      lines.once("line", resolve);
      lines.once("close", () => resolve(""));
    });
    return /^\s*y(?:es)?\s*$/i.test(answer);
  } finally {
    lines.close();
  }
};

const canAsk = ({ globals, shell }: Call): boolean => globals.input && isPersons(shell) && shell.stderr.isTTY === true;

/**
 * Make sure that a person trusts the commands of `lanes.config.json` that this verb would run: those whose place starts
 * with one of `places` (`check`, `probes.api`, …). Asks on a terminal; else a No that names the way out.
 */
export const needTrust = async (call: Call, engine: Engine, places: readonly string[]): Promise<No | undefined> => {
  const untrusted = await untrustedAt(engine, places);
  if (!untrusted || !("hash" in untrusted)) return untrusted;
  if (canAsk(call)) for (const command of untrusted.commands) call.output.fail(sanitize(`  ${command}`));
  const answer = await ask(call, "lanes.config.json wants to run these commands. Trust them?");
  if (answer !== true) return untrusted;
  await engine.trust(untrusted.hash);
  return undefined;
};

/** Say what is odd about the configuration. */
export const warnOf = async (call: Call, engine: Engine): Promise<void> => {
  const settings = await engine.settings();
  if ("refused" in settings) return;
  for (const warning of settings.warnings) call.output.say(`warning: ${warning}`);
};
