/** opencode: flags and stream of 1.18.33, as they ran against the scripted model server. */
import { type Adapter, type Ask, type Launch, nothing, option } from "./adapter.ts";
import type { AgentEvent } from "./event.ts";
import { failureOf } from "./failure.ts";
import { aboutOf, at, countAt, objectIn, textAt } from "./json.ts";

const file = "opencode.json";

/** Nothing is asked in a run without a terminal: what is not allowed is denied. */
const permission: Readonly<Record<Ask["permissions"], object>> = {
  ask: { edit: "deny", bash: "deny" },
  edit: { edit: "allow", bash: { "*": "deny", "git *": "allow" } },
  all: { edit: "allow", bash: "allow" },
};

const launched = (ask: Ask, argv: readonly string[]): Launch => {
  const text = JSON.stringify({ autoupdate: false, share: "disabled", permission: permission[ask.permissions] });
  return {
    argv: [...argv, ...(ask.resumes ? option("-s", ask.session) : []), ...option("-m", ask.model), ...ask.args],
    env: {
      OPENCODE_CONFIG: `${ask.folder}/${file}`,
      // A project's own opencode.json is read after that file, and this after it (opencode.ai/docs/config, precedence order).
      OPENCODE_CONFIG_CONTENT: text,
      OPENCODE_DISABLE_AUTOUPDATE: "1",
    },
    files: [{ name: file, text }],
  };
};

/** The adapter. */
export const opencode: Adapter = {
  cli: "opencode",
  title: "opencode",
  tested: true,
  probe: {
    program: "opencode",
    version: ["opencode", "--version"],
    login: ["opencode", "auth", "list"],
    package: "opencode-ai",
    scripted: true,
  },
  session: "read",
  tells: { tokens: "step", cost: true },
  headless: (ask) => launched(ask, ["opencode", "run", "--format", "json", ask.prompt]),
  interactive: (ask) => launched(ask, ["opencode", "--prompt", ask.prompt]),
  acp: ["opencode", "acp"],
  permissions: ({ argv, files }) => {
    if (argv.includes("--auto")) return "auto";
    const rules = at(objectIn(files.find(({ name }) => name === file)?.text ?? ""), "permission");
    const [edit, bash] = [textAt(rules, "edit"), at(rules, "bash")];
    return edit === "" ? undefined : `edit ${edit}, shell ${typeof bash === "string" ? bash : "git only"}`;
  },
  mcp: ({ name, command, env }, folder) => ({
    ...nothing,
    env: { OPENCODE_CONFIG: `${folder}/${file}` },
    files: [
      {
        name: file,
        text: JSON.stringify({ mcp: { [name]: { type: "local", command, environment: env, enabled: true } } }),
      },
    ],
  }),
  parse: (stream, line) => (stream === "stdout" ? events(objectIn(line)) : []),
};

const events = (line: object | undefined): readonly AgentEvent[] => {
  if (!line) return [];
  const type = textAt(line, "type");
  switch (type) {
    case "step_start":
      return [{ type: "started", ...(textAt(line, "sessionID") === "" ? {} : { session: textAt(line, "sessionID") }) }];
    case "tool_use":
      return toolEvents(at(line, "part"));
    case "text":
      return [{ type: "text", text: textAt(line, "part", "text") }];
    case "reasoning":
      return [{ type: "working" }];
    case "step_finish":
      return stepEvents(at(line, "part"));
    case "error":
      return errorEvents(at(line, "error"));
    default:
      return [{ type: "unknown", name: type }];
  }
};

/** A tool is told when it is over. */
const toolEvents = (part: unknown): readonly AgentEvent[] => {
  const [name, about] = [textAt(part, "tool"), aboutOf(at(part, "state", "input"))];
  const failed = textAt(part, "state", "status") === "error";
  const why = textAt(part, "state", "error");
  const denied = failed && /rejected permission|denied|prevents you from using/i.test(why);
  return [
    { type: "tool", is: "begun", name, about },
    { type: "tool", is: failed ? "failed" : "done", name, about },
    ...(denied ? [{ type: "denied" as const, tool: name, why }] : []),
  ];
};

/** Tokens of one step; those from the cache are not among `input`, those of reasoning not among `output`. */
const stepEvents = (part: unknown): readonly AgentEvent[] => {
  const tokens = at(part, "tokens");
  const cost = countAt(part, "cost");
  const usage: AgentEvent = {
    type: "usage",
    scope: "delta",
    tokens: {
      input: countAt(tokens, "input") + countAt(tokens, "cache", "write"),
      cached: countAt(tokens, "cache", "read"),
      output: countAt(tokens, "output") + countAt(tokens, "reasoning"),
    },
    ...(cost > 0 ? { cost } : {}),
  };
  const reason = textAt(part, "reason");
  return reason === "stop" ? [usage, { type: "turn-end", how: "completed", why: "" }] : [usage];
};

const errorEvents = (error: unknown): readonly AgentEvent[] => {
  const status = countAt(error, "data", "statusCode");
  const why = textAt(error, "data", "message") || textAt(error, "name");
  const body = textAt(error, "data", "responseBody");
  const failure = failureOf({ message: status === 429 && body !== "" ? body : why, ...(status > 0 ? { status } : {}) });
  return [failure, { type: "turn-end", how: "failed", why }];
};
