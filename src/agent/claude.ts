/** Claude Code: flags and stream of 2.0.77 and 2.1.329, as they ran against the scripted model server. */
import { type Adapter, type Ask, type Launch, nothing, option, valueOf } from "./adapter.ts";
import { claudeEvents, modelTokens } from "./claude-stream.ts";
import { objectIn } from "./json.ts";

/** No update, no telemetry. */
const quiet = {
  CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
  DISABLE_AUTOUPDATER: "1",
  DISABLE_TELEMETRY: "1",
  DISABLE_ERROR_REPORTING: "1",
};

/** `--allowedTools` takes all words up to the next option: it stands behind the prompt. */
const modes: Readonly<Record<Ask["permissions"], readonly string[]>> = {
  ask: ["--permission-mode", "default"],
  edit: ["--permission-mode", "acceptEdits", "--allowedTools", "Bash(git *)"],
  all: ["--permission-mode", "bypassPermissions"],
};

const common = (ask: Ask): readonly string[] => [
  ...(ask.resumes ? option("--resume", ask.session) : option("--session-id", ask.session)),
  ...option("--model", ask.model),
  ...modes[ask.permissions],
  ...ask.args,
];

const launched = (ask: Ask, argv: readonly string[]): Launch => ({
  ...nothing,
  argv: [...argv, ...common(ask)],
  env: quiet,
});

/** The adapter. */
export const claude: Adapter = {
  cli: "claude",
  title: "Claude Code",
  tested: true,
  probe: {
    program: "claude",
    version: ["claude", "--version"],
    login: ["claude", "auth", "status"],
    package: "@anthropic-ai/claude-code",
    scripted: true,
  },
  session: "chosen",
  tells: { tokens: "run", cost: true },
  headless: (ask) => launched(ask, ["claude", "-p", ask.prompt, "--output-format", "stream-json", "--verbose"]),
  interactive: (ask) => launched(ask, ["claude", ask.prompt]),
  acp: ["claude-agent-acp"],
  permissions: ({ argv }) =>
    argv.includes("--dangerously-skip-permissions") ? "bypassPermissions" : valueOf(argv, "--permission-mode"),
  // Without the variable the tools are deferred behind a search, and a model that was told their names does not find them.
  mcp: ({ name, command: [program = "", ...args], env }, folder) => ({
    argv: ["--mcp-config", `${folder}/mcp.json`, "--strict-mcp-config", "--allowedTools", `mcp__${name}`],
    env: { ENABLE_TOOL_SEARCH: "false" },
    files: [{ name: "mcp.json", text: JSON.stringify({ mcpServers: { [name]: { command: program, args, env } } }) }],
  }),
  parse: (stream, line) => {
    const found = stream === "stdout" ? objectIn(line) : undefined;
    return found ? claudeEvents(found, { tokens: modelTokens, hidden: () => undefined }) : [];
  },
};
