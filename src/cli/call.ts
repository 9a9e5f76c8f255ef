/** One call of the command line: what was typed, and what a verb works with. */
import type { Engine } from "../engine/engine.ts";
import type { Answer } from "./exit.ts";
import type { Output } from "./output.ts";
import type { Shell } from "./shell.ts";
import type { Style } from "./terminal.ts";

/** Options that every verb knows. */
export interface Globals {
  readonly repo: string | undefined;
  readonly json: boolean;
  readonly plain: boolean;
  /** False: never ask. */
  readonly input: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
}

/** What a verb works with. */
export interface Call {
  readonly verb: string;
  /** Arguments in their order. */
  readonly words: readonly string[];
  /** The verb's own options by their long name. */
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
  readonly globals: Globals;
  readonly shell: Shell;
  readonly output: Output;
  readonly style: Style;
}

/** What carries out one row of the catalog: in a repository, or anywhere. */
export type Verb =
  | { readonly run: (call: Call, engine: Engine) => Promise<Answer> }
  | { readonly alone: (call: Call) => Promise<Answer> };

/** Was this option given? */
export const flagOf = (call: Call, name: string): boolean => call.options[name] === true;

/** An option's value, when it was given. */
export const textOf = (call: Call, name: string): string | undefined => {
  const value = call.options[name];
  return typeof value === "string" ? value : undefined;
};
