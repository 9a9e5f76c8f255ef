/** How an agent CLI is driven, as data and pure functions: the engine and the host carry out what they return. */
import type { LaneSpec } from "../core/state.ts";
import type { AgentEvent } from "./event.ts";

/** How much an agent may do without being asked: nothing, edit files and use git, or everything. */
export type Permissions = "ask" | "edit" | "all";

/** What a run is to be started with. */
export interface Ask {
  readonly lane: LaneSpec;
  /** The whole first message; it becomes one argument and is never typed. */
  readonly prompt: string;
  /** The lane's worktree, absolute. */
  readonly cwd: string;
  /** A folder outside of every worktree, absolute: where `Launch.files` are put. */
  readonly folder: string;
  /** What the conversation is called by: chosen by us where the CLI lets us, or that of an earlier run. */
  readonly session: string | undefined;
  /** Go on with that conversation instead of beginning one. */
  readonly resumes: boolean;
  readonly permissions: Permissions;
  readonly model: string | undefined;
  /** More arguments, as configured. */
  readonly args: readonly string[];
  /** Git's folders of this worktree, absolute: its own and the common one. For sandboxes that have to let a commit through. */
  readonly git: { readonly own: string; readonly common: string };
}

/** A file that an agent reads: its name in `Ask.folder`, and its text. */
export interface PlacedFile {
  readonly name: string;
  readonly text: string;
}

/** What a run is started with: argv, variables on top of the usual ones, and files outside of the worktree. */
export interface Launch {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly files: readonly PlacedFile[];
}

/** A program that speaks MCP on its standard streams. */
export interface McpServer {
  readonly name: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** How the CLI is found, and what says whether it can be used. */
export interface Probe {
  /** Its name on PATH. */
  readonly program: string;
  /** Argv that prints its version. */
  readonly version: readonly string[];
  /** Argv that exits 0 when somebody is logged in; undefined when the CLI has none. */
  readonly login: readonly string[] | undefined;
  /** Its package in npm's registry; undefined when it comes from elsewhere. */
  readonly package: string | undefined;
  /** It is a native program that an install script fetches: npm blocks those by default. */
  readonly scripted: boolean;
}

/** One agent CLI. */
export interface Adapter {
  /** Name in configuration (`agents.NAME.cli`). */
  readonly cli: string;
  readonly title: string;
  /** Was it run against the scripted model server, or are its flags those of its documentation? */
  readonly tested: boolean;
  /** Undefined when there is nothing to ask. */
  readonly probe: Probe | undefined;
  /** Who chooses a conversation's id: we, the CLI (read from its output), or nobody: it cannot be resumed. */
  readonly session: "chosen" | "read" | "none";
  /** Where tokens and cost come from; `none`: the output does not tell. A cost is always the CLI's own estimate. */
  readonly tells: { readonly tokens: "run" | "step" | "none"; readonly cost: boolean };
  /** A run without a terminal, whose output `parse` reads. */
  readonly headless: (ask: Ask) => Launch;
  /** A run in a terminal; undefined when the CLI has none. */
  readonly interactive: ((ask: Ask) => Launch) | undefined;
  /** Argv that speaks the Agent Client Protocol; undefined when the CLI does not by itself. */
  readonly acp: readonly string[] | undefined;
  /** The permission mode that an argv and its files ask for: what the badge says. Undefined when they do not say. */
  readonly permissions: (launch: Launch) => string | undefined;
  /** What makes the CLI use an MCP server, on top of a launch; undefined when it cannot be told outside of the worktree. */
  readonly mcp: (server: McpServer, folder: string) => Launch | undefined;
  /** What one line of output says. Never throws; what it does not know is an `unknown` event. */
  readonly parse: (stream: Stream, line: string) => readonly AgentEvent[];
}

/** Where a line was written. A run's output holds both: a line that is no JSON object counts as `stderr`. */
export type Stream = "stdout" | "stderr";

/** The stream that a line of mixed output belongs to. */
export const streamOf = (line: string): Stream => (line.startsWith("{") ? "stdout" : "stderr");

/** Nothing to add to a launch. */
export const nothing: Launch = { argv: [], env: {}, files: [] };

/** `--flag value`, or nothing without a value. */
export const option = (flag: string, value: string | undefined): readonly string[] =>
  value === undefined ? [] : [flag, value];

/** What follows a flag in an argv, as `--flag value` or `--flag=value`. */
export const valueOf = (argv: readonly string[], flag: string): string | undefined => {
  const place = argv.indexOf(flag);
  if (place >= 0) return argv[place + 1];
  return argv.find((word) => word.startsWith(`${flag}=`))?.slice(flag.length + 1);
};

/** Why an installed CLI cannot be started, from what its version call printed. */
export const probeFault = (
  probe: Probe,
  code: number,
  output: string,
): { readonly what: string; readonly fix: string } | undefined => {
  if (code === 0) return undefined;
  if (probe.scripted && /native binary|post-?install|install script|did not run|platform package/i.test(output))
    return {
      what: `${probe.program} is installed, but its install script was blocked`,
      fix: "npm install-scripts approve --all && npm rebuild",
    };
  return { what: `${probe.version.join(" ")} ended with ${code}`, fix: `run it by hand: ${probe.version.join(" ")}` };
};
