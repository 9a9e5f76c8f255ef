/** Composition root: the entry of the program, which `bin/lanes.js` calls. Loads only what the words of the call need. */
import { runCommandLine } from "./cli/main.ts";
import { shellOf } from "./main/wire.ts";

/** Carry out this process's command line and set its exit code. `root`: the package's folder, which holds `bin` and `assets`. */
export const main = async (version: string, root: string): Promise<void> => {
  process.exitCode = await runCommandLine(process.argv.slice(2), shellOf(version, root));
};
