/** Composition root: the entry of the program, which `bin/lanes.js` calls. Loads only what the words of the call need. */
import { isNo } from "./core/observed.ts";

/** Carry out this process's command line and set its exit code. `root`: the package's folder, which holds `bin` and `assets`. */
export const main = async (version: string, root: string): Promise<void> => {
  const words = process.argv.slice(2);
  const code = words.length === 0 ? await openScreen(version, root) : undefined;
  if (code !== undefined) {
    process.exitCode = code;
    return;
  }
  const [{ shellOf }, { runCommandLine }] = await Promise.all([import("./main/wire.ts"), import("./cli/main.ts")]);
  process.exitCode = await runCommandLine(words, shellOf(version, root));
};

/** The control center without a parser of arguments before it; undefined where there is no terminal or no repository for it. */
const openScreen = async (version: string, root: string): Promise<number | undefined> => {
  if (!process.stdin.isTTY || !process.stdout.isTTY || process.env["TERM"] === "dumb") return undefined;
  const [{ shellOf }, { openControlCenter }] = await Promise.all([import("./main/wire.ts"), import("./tui/run.tsx")]);
  const engine = await shellOf(version, root).engine();
  return isNo(engine) ? undefined : openControlCenter(engine, {});
};
