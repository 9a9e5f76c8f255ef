/** The agent that is any command: what it is started with, and nothing to read from its output. */
import { type Adapter, type Launch, nothing } from "./adapter.ts";

/** The adapter for a command of the roster. A lane's own command goes first; text never becomes part of an argument. */
export const commandAgent = (argv: readonly string[]): Adapter => ({
  cli: "command",
  title: "any command",
  tested: true,
  probe: undefined,
  session: "none",
  tells: { tokens: "none", cost: false },
  headless: ({ lane }) => launchOf(lane.command ?? argv),
  interactive: ({ lane }) => launchOf(lane.command ?? argv),
  acp: undefined,
  permissions: () => undefined,
  mcp: () => undefined,
  parse: () => [],
});

const launchOf = (argv: readonly string[]): Launch => ({ ...nothing, argv });
