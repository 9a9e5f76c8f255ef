/** The agent that is any command: what it is started with, and nothing to read from its output. */
import type { LaneSpec } from "../core/state.ts";

/** How an agent CLI is driven, as data and pure functions: the host runs what they return. One file each in this folder. */
export interface Adapter {
  /** Name of the CLI in configuration (`agents.NAME.cli`). */
  readonly cli: string;
  /** Argv that succeeds when the CLI is installed; undefined when there is nothing to ask. */
  readonly probe: readonly string[] | undefined;
  /** What a run of this lane is started with. */
  launch(lane: LaneSpec): Launch;
}

/** Argv and the variables that the agent needs on top of the usual ones. */
export interface Launch {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** The adapter for a command of the roster. A lane's own command goes first; text never becomes part of an argument. */
export const commandAgent = (argv: readonly string[]): Adapter => ({
  cli: "command",
  probe: undefined,
  launch: (lane) => ({ argv: lane.command ?? argv, env: {} }),
});
