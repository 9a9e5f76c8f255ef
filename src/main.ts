/** Composition root: the entry of the program. Loads only what the words of the call need. */
import process from "node:process";
import { fileURLToPath } from "node:url";

declare const __LANES_VERSION__: string;

const words = process.argv.slice(2);
const asks = (...texts: readonly string[]): boolean => texts.includes(words.join(" "));

if (asks("--version", "-V")) {
  process.stdout.write(`${__LANES_VERSION__}\n`);
} else {
  const { shellOf } = await import("./main/wire.ts");
  const shell = shellOf(__LANES_VERSION__, fileURLToPath(new URL("..", import.meta.url)));
  // The verb that status bars call every second does without a parser of arguments.
  const engine = asks("status", "status --json") ? await shell.engine() : undefined;
  if (engine && !("refused" in engine)) {
    const { printStatus } = await import("./cli/status.ts");
    process.exitCode = await printStatus(engine, shell, { json: words.length > 1 });
    await engine.rescue();
  } else {
    const { runCommandLine } = await import("./cli/main.ts");
    process.exitCode = await runCommandLine(words, shell);
  }
}
