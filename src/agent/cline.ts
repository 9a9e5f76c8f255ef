/** Cline: flags and stream of 3.0.65, as they ran against the scripted model server. */
import type { Tokens } from "../core/state.ts";
import { type Adapter, type Ask, type Launch, nothing, option, valueOf } from "./adapter.ts";
import type { AgentEvent } from "./event.ts";
import { failureOf } from "./failure.ts";
import { aboutOf, at, countAt, objectIn, textAt } from "./json.ts";

/** It knows all or nothing. */
const launched = (ask: Ask, argv: readonly string[]): Launch => ({
  ...nothing,
  argv: [
    "cline",
    ...argv,
    "-c",
    ask.cwd,
    "--auto-approve",
    ask.permissions === "ask" ? "false" : "true",
    ...(ask.resumes ? option("--id", ask.session) : []),
    ...option("-m", ask.model),
    ...ask.args,
    ask.prompt,
  ],
});

/** The adapter. */
export const cline: Adapter = {
  cli: "cline",
  title: "Cline",
  tested: true,
  probe: {
    program: "cline",
    version: ["cline", "--version"],
    login: undefined,
    package: "cline",
    scripted: true,
  },
  session: "read",
  tells: { tokens: "step", cost: true },
  headless: (ask) => launched(ask, ["--json"]),
  interactive: (ask) => launched(ask, ["-i"]),
  acp: ["cline", "--acp"],
  permissions: ({ argv }) => (valueOf(argv, "--auto-approve") === "true" ? "auto-approve" : "asks"),
  mcp: () => undefined,
  parse: (stream, line) => (stream === "stdout" ? events(objectIn(line)) : []),
};

const events = (line: object | undefined): readonly AgentEvent[] => {
  if (!line) return [];
  const type = textAt(line, "type");
  switch (type) {
    case "hook_event":
      return hookEvents(line);
    case "agent_event":
      return agentEvents(at(line, "event"));
    case "run_result":
      return endEvents(line);
    case "run_aborted":
      return [{ type: "turn-end", how: "failed", why: textAt(line, "reason") || "aborted" }];
    default:
      return [{ type: "unknown", name: type }];
  }
};

const hookEvents = (line: object): readonly AgentEvent[] => {
  const name = textAt(line, "hookEventName");
  const isOwn = at(line, "parentAgentId") === null || at(line, "parentAgentId") === undefined;
  switch (name) {
    case "agent_start":
      return isOwn && textAt(line, "taskId") !== "" ? [{ type: "started", session: textAt(line, "taskId") }] : [];
    case "agent_error":
      return [{ type: "error", why: "the agent reported an error" }];
    case "agent_end":
    case "tool_call":
    case "tool_result":
      return [];
    default:
      return [{ type: "unknown", name: `hook_event/${name}` }];
  }
};

const agentEvents = (event: unknown): readonly AgentEvent[] => {
  const type = textAt(event, "type");
  switch (type) {
    case "iteration_start":
      return [{ type: "working" }];
    case "iteration_end":
    case "content_update":
      return [];
    case "content_start":
      return textAt(event, "contentType") === "tool"
        ? [{ type: "tool", is: "begun", name: textAt(event, "toolName"), about: aboutOf(at(event, "input")) }]
        : [{ type: "text", text: textAt(event, "text") }];
    case "content_end":
      return textAt(event, "contentType") === "tool" ? toolEnd(event) : [];
    case "usage":
      return [{ type: "usage", scope: "total", tokens: totalOf(event), ...costOf(countAt(event, "totalCost")) }];
    case "done":
      return textAt(event, "reason") === "error" ? [failureOf({ message: textAt(event, "text") })] : [];
    default:
      return [{ type: "unknown", name: `agent_event/${type}` }];
  }
};

const toolEnd = (event: unknown): readonly AgentEvent[] => {
  const name = textAt(event, "toolName");
  const why = textAt(event, "output", "error");
  const failed = why !== "" || textAt(event, "error") !== "";
  const denied = /requires an interactive session|denied|rejected/i.test(why);
  return [
    { type: "tool", is: failed ? "failed" : "done", name, about: "" },
    ...(denied ? [{ type: "denied" as const, tool: name, why }] : []),
  ];
};

/** Those from the cache are among the input. */
const tokensFrom = (input: number, cached: number, output: number): Tokens => ({
  input: Math.max(0, input - cached),
  cached,
  output,
});

const totalOf = (event: unknown): Tokens =>
  tokensFrom(
    countAt(event, "totalInputTokens"),
    countAt(event, "totalCacheReadTokens"),
    countAt(event, "totalOutputTokens"),
  );

const costOf = (cost: number): { readonly cost?: number } => (cost > 0 ? { cost } : {});

const endEvents = (line: object): readonly AgentEvent[] => {
  const usage = at(line, "aggregateUsage") ?? at(line, "usage");
  const tokens = tokensFrom(
    countAt(usage, "inputTokens"),
    countAt(usage, "cacheReadTokens"),
    countAt(usage, "outputTokens"),
  );
  const how = textAt(line, "finishReason") === "completed" ? "completed" : "failed";
  return [
    { type: "usage", scope: "total", tokens, ...costOf(countAt(usage, "totalCost")) },
    { type: "turn-end", how, why: how === "completed" ? "" : textAt(line, "text") || textAt(line, "finishReason") },
  ];
};
