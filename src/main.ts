/** Composition root: the entry of the program. Loads only what the words of the call need. */
import { fileURLToPath } from "node:url";

import { isNo } from "./core/observed.ts";

declare const __LANES_VERSION__: string;

const words = process.argv.slice(2);
const asks = (...texts: readonly string[]): boolean => texts.includes(words.join(" "));

/** The package's folder: `dist`, where this file is built to, lies in it. */
const root = fileURLToPath(new URL("..", import.meta.url));

/** What is asked for most often goes without a parser of arguments; undefined when this call is something else. */
const answered = async (): Promise<number | undefined> => {
  if (asks("status", "status --json")) {
    const { status } = await import("./main/status.ts");
    return status(__LANES_VERSION__, root, words.length > 1);
  }
  const isScreen = process.stdin.isTTY && process.stdout.isTTY && process.env["TERM"] !== "dumb";
  if (!asks("") || !isScreen) return undefined;
  const [{ shellOf }, { openControlCenter }] = await Promise.all([import("./main/wire.ts"), import("./tui/run.tsx")]);
  const engine = await shellOf(__LANES_VERSION__, root).engine();
  return isNo(engine) ? undefined : openControlCenter(engine, {});
};

if (asks("--version", "-V")) {
  process.stdout.write(`${__LANES_VERSION__}\n`);
} else {
  const code = await answered();
  if (code === undefined) {
    const [{ shellOf }, { runCommandLine }] = await Promise.all([import("./main/wire.ts"), import("./cli/main.ts")]);
    process.exitCode = await runCommandLine(words, shellOf(__LANES_VERSION__, root));
  } else process.exitCode = code;
}
