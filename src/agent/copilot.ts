/** GitHub Copilot CLI: flags and stream of 1.0.102, as they ran against the scripted model server. */
import { type Adapter, type Ask, type Launch, nothing, option } from "./adapter.ts";
import type { AgentEvent } from "./event.ts";
import { failureOf } from "./failure.ts";
import { aboutOf, at, countAt, objectIn, textAt } from "./json.ts";

const modes: Readonly<Record<Ask["permissions"], readonly string[]>> = {
  ask: [],
  edit: ["--allow-tool", "write", "--allow-tool", "shell(git:*)"],
  all: ["--allow-all-tools"],
};

const launched = (ask: Ask, argv: readonly string[]): Launch => ({
  ...nothing,
  argv: [
    ...argv,
    ...(ask.session === undefined ? [] : [`--${ask.resumes ? "resume" : "session-id"}=${ask.session}`]),
    ...option("--model", ask.model),
    ...modes[ask.permissions],
    ...ask.args,
  ],
  env: { COPILOT_AUTO_UPDATE: "false" },
});

/** The adapter. */
export const copilot: Adapter = {
  cli: "copilot",
  title: "GitHub Copilot CLI",
  tested: true,
  probe: {
    program: "copilot",
    version: ["copilot", "--version"],
    login: undefined,
    package: "@github/copilot",
    scripted: false,
  },
  session: "chosen",
  tells: { tokens: "none", cost: false },
  headless: (ask) => launched(ask, ["copilot", "-p", ask.prompt, "--output-format", "json", "--no-color"]),
  interactive: (ask) => launched(ask, ["copilot", "-i", ask.prompt]),
  acp: ["copilot", "--acp"],
  permissions: ({ argv }) => {
    if (argv.includes("--allow-all-tools") || argv.includes("--allow-all") || argv.includes("--yolo"))
      return "all tools";
    const allowed = argv.flatMap((word, place) => (argv[place - 1] === "--allow-tool" ? [word] : []));
    return allowed.length === 0 ? "asks" : allowed.join(", ");
  },
  mcp: ({ name, command: [program = "", ...args], env }, folder) => ({
    argv: ["--additional-mcp-config", `@${folder}/mcp.json`],
    env: {},
    files: [
      {
        name: "mcp.json",
        text: JSON.stringify({ mcpServers: { [name]: { type: "local", command: program, args, env, tools: ["*"] } } }),
      },
    ],
  }),
  parse: (stream, line) => (stream === "stdout" ? events(objectIn(line)) : []),
};

/** Told besides, and nothing that changes what is shown. */
const besides =
  /^(?:session\.(?:mcp_servers_loaded|tools_updated|background_tasks_changed|info|warning|title_changed|usage_info|skills_loaded|custom_agents_updated)|user\.message|system\.message|model\.call_(?:finished|final_result)|assistant\.(?:turn_end|turn_retry|tool_call_delta|message_start|message_delta|reasoning_delta|intent|usage|streaming_delta)|tool\.(?:shell_output|execution_partial_result|execution_progress|user_requested)|hook\.(?:start|end))$/;

const events = (line: object | undefined): readonly AgentEvent[] => {
  if (!line) return [];
  const type = textAt(line, "type");
  const data = at(line, "data");
  switch (type) {
    case "assistant.turn_start":
      return [{ type: "started" }];
    case "model.call_start":
    case "assistant.reasoning":
      return [{ type: "working" }];
    case "assistant.message":
      return textAt(data, "content") === "" ? [] : [{ type: "text", text: textAt(data, "content") }];
    case "tool.execution_start":
      return [{ type: "tool", is: "begun", name: textAt(data, "toolName"), about: aboutOf(at(data, "arguments")) }];
    case "tool.execution_complete":
      return doneEvents(data);
    // The only place where the moment of a reset may stand; the error at the end does not repeat it.
    case "model.call_failure":
      return [callFailure(data)];
    case "session.error":
      return [
        failureOf({
          message: textAt(data, "message"),
          status: countAt(data, "statusCode"),
          kind: textAt(data, "errorType"),
        }),
      ];
    case "permission.requested":
      return [{ type: "blocked", kind: "permission", question: textAt(data, "permissionRequest", "intention") }];
    case "permission.completed":
      return [{ type: "unblocked" }];
    case "assistant.idle":
      return [];
    case "result":
      return endEvents(line);
    default:
      return besides.test(type) ? [] : [{ type: "unknown", name: type }];
  }
};

const doneEvents = (data: unknown): readonly AgentEvent[] => {
  const denied = textAt(data, "error", "code") === "denied" || textAt(data, "error", "code") === "rejected";
  const why = textAt(data, "error", "message");
  return [
    { type: "tool", is: at(data, "success") === true ? "done" : "failed", name: "", about: "" },
    ...(denied ? [{ type: "denied" as const, tool: "", why }] : []),
  ];
};

const callFailure = (data: unknown): AgentEvent => {
  const failure = failureOf({
    message: textAt(data, "errorMessage"),
    status: countAt(data, "statusCode"),
    kind: textAt(data, "errorType"),
    retries: true,
  });
  return failure.type === "error" ? { type: "working" } : failure;
};

/** The id of the conversation is told only here, at the end; tokens are not told at all. */
const endEvents = (line: object): readonly AgentEvent[] => {
  const session = textAt(line, "sessionId");
  const failed = countAt(line, "exitCode") > 0;
  return [
    ...(session === "" || failed ? [] : [{ type: "started" as const, session }]),
    {
      type: "turn-end",
      how: failed ? "failed" : "completed",
      why: failed ? `exit code ${countAt(line, "exitCode")}` : "",
    },
  ];
};
