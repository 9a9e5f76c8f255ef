/** Words typed → which verb with what, or the text or the fault that answers them. Verbs come from the catalog. */
import { Command, CommanderError } from "commander";

import { type Argument, type Capability, catalog } from "../core/catalog.ts";
import { quote } from "../core/id.ts";
import type { No } from "../core/observed.ts";
import type { Call, Globals } from "./call.ts";
import { exit, no } from "./exit.ts";
import { generalHelp, globalOptions, verbHelp } from "./help.ts";

/** What the words ask for. `bare`: no verb at all. */
export type Parsed =
  | ({ readonly type: "verb" } & Pick<Call, "verb" | "words" | "options" | "globals">)
  | { readonly type: "bare"; readonly globals: Globals }
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "fault"; readonly no: No };

/** Parse the words after the program's name. Never throws and never writes. */
export const parseArguments = (argv: readonly string[], version: string): Parsed => {
  let found: Parsed | undefined;
  let text = "";
  const program = new Command("lanes").version(version, "--version").enablePositionalOptions().exitOverride();
  program.configureOutput({
    writeOut: (part) => {
      text += part;
    },
    writeErr: () => undefined,
  });
  program.configureHelp({ formatHelp: (command) => helpOf(command.name()) });
  addGlobals(program);
  for (const row of catalog) {
    const command = addVerb(program, row);
    command.action(() => {
      const globals = joined(globalsOf(program.opts()), globalsOf(command.opts()));
      found = { type: "verb", verb: row.id, words: command.args, options: command.opts(), globals };
    });
  }
  try {
    program.parse(argv, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return answerOf(error, text, globalsOf(program.opts()));
  }
  return found ?? { type: "bare", globals: globalsOf(program.opts()) };
};

const addVerb = (program: Command, row: Capability): Command => {
  const command = addGlobals(program.command(row.id));
  for (const argument of row.arguments) command.argument(argumentText(argument), argument.about);
  for (const { flags, about } of row.options) command.option(flags, about);
  return command;
};

/** An argument as usage lines show it. */
const argumentText = ({ name, optional, many }: Argument): string => {
  const inner = many ? `${name}...` : name;
  return optional ? `[${inner}]` : `<${inner}>`;
};

const addGlobals = (command: Command): Command => {
  for (const { flags, about } of globalOptions) command.option(flags, about);
  return command;
};

const globalsOf = (options: Readonly<Record<string, unknown>>): Globals => ({
  repo: typeof options["repo"] === "string" ? options["repo"] : undefined,
  json: options["json"] === true,
  plain: options["plain"] === true,
  input: options["input"] !== false,
  quiet: options["quiet"] === true,
  verbose: options["verbose"] === true,
});

/** Global options may stand before the verb and after it. */
const joined = (before: Globals, after: Globals): Globals => ({
  repo: after.repo ?? before.repo,
  json: before.json || after.json,
  plain: before.plain || after.plain,
  input: before.input && after.input,
  quiet: before.quiet || after.quiet,
  verbose: before.verbose || after.verbose,
});

const helpOf = (name: string): string => {
  const row: Capability | undefined = catalog.find(({ id }) => id === name);
  return row ? verbHelp(row) : generalHelp();
};

/** Commander ends a parse by throwing: a help or version text was written, no verb was given, or something is wrong. */
const answerOf = (error: CommanderError, text: string, globals: Globals): Parsed => {
  if (error.code === "commander.help" && error.exitCode !== 0) return { type: "bare", globals };
  if (error.code === "commander.help" || error.exitCode === 0) return { type: "text", text };
  return { type: "fault", no: usageNo(error.message) };
};

const usageNo = (message: string): No => {
  const unknown = /^error: unknown (command|option) '([\s\S]*)'(?:\n\(Did you mean (?:one of )?([^)]*)\?\))?$/.exec(
    message,
  );
  if (!unknown) return no(message.replace(/^error: /, "").replace(/\.$/, ""), "lanes --help shows how", exit.usage);
  const [, kind, word = "", near] = unknown;
  const hint = near === undefined ? "lanes --help lists all" : `did you mean ${near}?`;
  return no(`unknown ${kind === "command" ? "verb" : "option"} ${quote(word)}`, hint, exit.usage);
};
