/** The command line: words → a verb, carried out in a repository; the exit code tells the outcome. */
import { capability } from "../core/catalog.ts";
import { isNo } from "../core/observed.ts";
import { agentNo } from "./agent.ts";
import { type Parsed, parseArguments } from "./arguments.ts";
import type { Call, Globals } from "./call.ts";
import { conduct } from "./conduct.ts";
import { type Answer, exit, remarkOf } from "./exit.ts";
import type { Output } from "./output.ts";
import { hasScreen, type Shell } from "./shell.ts";
import { showStatus } from "./status.ts";
import { styleOf } from "./terminal.ts";
import { verbs } from "./verbs.ts";

/** Carry out one command line. Resolves with the exit code, never rejects. */
export const runCommandLine = (argv: readonly string[], shell: Shell): Promise<number> => {
  const parsed = parseArguments(argv, shell.version);
  const globals = "globals" in parsed ? parsed.globals : { quiet: false, verbose: false };
  return conduct(shell, globals, (output) => answer(parsed, shell, output));
};

const answer = async (parsed: Parsed, shell: Shell, output: Output): Promise<Answer> => {
  switch (parsed.type) {
    case "text":
      for (const line of parsed.text.replace(/\n$/, "").split("\n")) output.print(line);
      return exit.done;
    case "fault":
      return parsed.no;
    case "bare":
      return open(parsed.globals, shell, output);
    case "verb": {
      const { type: _type, ...words } = parsed;
      return carryOut({
        ...words,
        shell,
        output,
        style: styleOf(shell.stderr, shell.environment, words.globals.plain),
      });
    }
  }
};

/** No verb: the control center, or the status where there is no terminal for it, or no person. */
const open = async (globals: Globals, shell: Shell, output: Output): Promise<Answer> => {
  const engine = await shell.engine(globals.repo);
  if (isNo(engine)) return engine;
  if (shell.openControlCenter && hasScreen(shell) && !globals.json && !globals.plain)
    return shell.openControlCenter(engine);
  await showStatus(engine, shell, output, globals);
  return exit.done;
};

const carryOut = async (call: Call): Promise<Answer> => {
  const verb = verbs[call.verb];
  if (!verb) throw new Error(`the verb ${call.verb} of the catalog is carried out by nobody`);
  if ("alone" in verb) return verb.alone(call);
  const personal = agentNo(call);
  if (personal) return personal;
  const engine = await call.shell.engine(call.globals.repo);
  if (isNo(engine)) return engine;
  await engine.refresh();
  const newer = engine.newer();
  if (newer && !isReading(call)) return newer;
  if (newer) call.output.say(remarkOf(newer));
  // A repair shows what is there before an engine makes it anew.
  if (call.verb !== "engine" && call.verb !== "repair") await engine.rescue();
  return verb.run(call, engine);
};

/** Does this call leave the log, and what follows from it, as it is? */
const isReading = ({ verb, words, options }: Call): boolean => {
  const row = capability(verb);
  if (verb === "engine") return (words[0] ?? "status") === "status";
  if (verb === "tracker") return words[0] !== "patch";
  return row?.group === "look" || row?.reads === true || options["dryRun"] === true;
};
