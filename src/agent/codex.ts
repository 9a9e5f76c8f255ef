/** Codex: flags and stream of 0.169.0, as they ran against the scripted model server. */
import { type Adapter, type Ask, type Launch, nothing, option, valueOf } from "./adapter.ts";
import type { AgentEvent } from "./event.ts";
import { failureOf } from "./failure.ts";
import { at, countAt, objectIn, textAt } from "./json.ts";

const set = (key: string, value: unknown): readonly string[] => ["-c", `${key}=${JSON.stringify(value)}`];

/** No update check, no telemetry. */
const quiet: readonly string[] = [
  ...set("check_for_update_on_startup", false),
  ...set("analytics.enabled", false),
  ...set("otel.exporter", "none"),
];

/** Its sandbox shuts git's folders of a linked worktree: a commit needs these (openai/codex #19786, #27418). */
const writable = ({ own, common }: Ask["git"]): readonly string[] =>
  set("sandbox_workspace_write.writable_roots", [
    own,
    `${common}/objects`,
    `${common}/refs/heads`,
    `${common}/logs/refs/heads`,
  ]);

const modes = (ask: Ask): readonly string[] => {
  if (ask.permissions === "all") return ["--dangerously-bypass-approvals-and-sandbox"];
  return ask.permissions === "ask" ? ["-s", "read-only"] : ["-s", "workspace-write", ...writable(ask.git)];
};

const common = (ask: Ask): readonly string[] => [...quiet, ...option("-m", ask.model), ...modes(ask), ...ask.args];

const again = ({ resumes, session }: Ask): readonly string[] => (resumes ? option("resume", session) : []);

/** The adapter. */
export const codex: Adapter = {
  cli: "codex",
  title: "Codex",
  tested: true,
  probe: {
    program: "codex",
    version: ["codex", "--version"],
    login: ["codex", "login", "status"],
    package: "@openai/codex",
    scripted: false,
  },
  session: "read",
  tells: { tokens: "run", cost: false },
  headless: (ask) => ({
    ...nothing,
    argv: ["codex", "exec", "--json", ...common(ask), ...again(ask), ask.prompt],
  }),
  interactive: (ask): Launch => ({
    ...nothing,
    argv: [
      "codex",
      ...again(ask),
      ...common(ask),
      ...option("-a", ask.permissions === "all" ? undefined : "on-request"),
      ask.prompt,
    ],
  }),
  acp: ["codex-acp"],
  permissions: ({ argv }) =>
    argv.includes("--dangerously-bypass-approvals-and-sandbox") || argv.includes("--yolo")
      ? "bypass"
      : (valueOf(argv, "-s") ?? valueOf(argv, "--sandbox")),
  // Without `required` the first request may go out before the server has told its tools.
  mcp: ({ name, command: [program = "", ...args], env }) => ({
    ...nothing,
    argv: [
      ...set(`mcp_servers.${name}.command`, program),
      ...set(`mcp_servers.${name}.args`, args),
      "-c",
      `mcp_servers.${name}.env={${Object.entries(env)
        .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
        .join(",")}}`,
      ...set(`mcp_servers.${name}.required`, true),
    ],
  }),
  parse: (stream, line) => (stream === "stdout" ? events(objectIn(line)) : complaint(line)),
};

/** A tool that its rules forbid is told in its log only, on stderr. */
const complaint = (line: string): readonly AgentEvent[] =>
  /ERROR codex_core::tools::router: .*Rejected\(/.test(line) ? [{ type: "denied", tool: "", why: line }] : [];

const events = (line: object | undefined): readonly AgentEvent[] => {
  if (!line) return [];
  const type = textAt(line, "type");
  switch (type) {
    case "thread.started":
      return [{ type: "started", ...(textAt(line, "thread_id") === "" ? {} : { session: textAt(line, "thread_id") }) }];
    case "turn.started":
      return [{ type: "working" }];
    case "item.started":
    case "item.updated":
    case "item.completed":
      return itemEvents(at(line, "item"), type === "item.completed");
    case "error": {
      const message = textAt(line, "message");
      return [failureOf({ message, retries: message.startsWith("Reconnecting") })];
    }
    case "turn.completed":
      return [usageOf(line), { type: "turn-end", how: "completed", why: "" }];
    case "turn.failed": {
      const why = textAt(line, "error", "message");
      return [failureOf({ message: why }), { type: "turn-end", how: "failed", why }];
    }
    default:
      return [{ type: "unknown", name: type }];
  }
};

/** `input_tokens` holds those from the cache, `output_tokens` those of reasoning. */
const usageOf = (line: object): AgentEvent => {
  const cached = countAt(line, "usage", "cached_input_tokens");
  const input = Math.max(0, countAt(line, "usage", "input_tokens") - cached);
  return {
    type: "usage",
    scope: "total",
    tokens: { input, cached, output: countAt(line, "usage", "output_tokens") },
  };
};

const itemEvents = (item: unknown, isOver: boolean): readonly AgentEvent[] => {
  const type = textAt(item, "type");
  switch (type) {
    case "command_execution":
    case "mcp_tool_call":
    case "file_change":
    case "web_search":
      return [toolEvent(item, type, isOver)];
    case "agent_message":
      return [{ type: "text", text: textAt(item, "text") }];
    case "reasoning":
    case "todo_list":
      return [{ type: "working" }];
    // A remark of its own, about models it does not know for example: not the end of anything.
    case "error":
      return [];
    default:
      return [{ type: "unknown", name: `item/${type}` }];
  }
};

const toolEvent = (item: unknown, type: string, isOver: boolean): AgentEvent => {
  const about = textAt(item, "command") || textAt(item, "tool") || textAt(item, "query");
  const status = textAt(item, "status");
  const failed = status === "failed" || status === "declined" || countAt(item, "exit_code") > 0;
  return { type: "tool", is: !isOver ? "begun" : failed ? "failed" : "done", name: type, about };
};
