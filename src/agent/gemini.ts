/** Gemini CLI: flags and stream of 0.61.0, as they ran against the scripted model server. */
import { type Adapter, type Ask, type Launch, option, valueOf } from "./adapter.ts";
import type { AgentEvent } from "./event.ts";
import { failureOf } from "./failure.ts";
import { aboutOf, at, countAt, objectIn, textAt } from "./json.ts";
import { withServer, withSettings } from "./settings-file.ts";

const variable = "GEMINI_CLI_SYSTEM_DEFAULTS_PATH";

/** With `edit` the shell tool is gone: such a lane needs `commit: auto`. */
const modes: Readonly<Record<Ask["permissions"], readonly string[]>> = {
  ask: ["--approval-mode", "default"],
  // In a folder that nobody trusts it asks for everything, whatever it is told: who lets it work there trusts it there, for this run.
  edit: ["--skip-trust", "--approval-mode", "auto_edit"],
  all: ["--skip-trust", "--yolo"],
};

const launched = (ask: Ask, argv: readonly string[]): Launch =>
  withSettings(variable, ask.folder, [
    ...argv,
    ...option(ask.resumes ? "--resume" : "--session-id", ask.session),
    ...option("--model", ask.model),
    ...modes[ask.permissions],
    ...ask.args,
  ]);

/** The adapter. */
export const gemini: Adapter = {
  cli: "gemini",
  title: "Gemini CLI",
  tested: true,
  probe: {
    program: "gemini",
    version: ["gemini", "--version"],
    login: undefined,
    package: "@google/gemini-cli",
    scripted: false,
  },
  session: "chosen",
  tells: { tokens: "run", cost: false },
  headless: (ask) => launched(ask, ["gemini", "-p", ask.prompt, "--output-format", "stream-json"]),
  interactive: (ask) => launched(ask, ["gemini", "-i", ask.prompt]),
  acp: ["gemini", "--acp"],
  permissions: ({ argv }) =>
    argv.includes("--yolo") || argv.includes("-y") ? "yolo" : valueOf(argv, "--approval-mode"),
  mcp: (server, folder) => withServer(variable, folder, server),
  parse: (stream, line) => (stream === "stdout" ? events(objectIn(line)) : complaint(line)),
};

/** A limit is silent on stdout: the CLI tries again for a long time, and says so on stderr only. So is a login that is missing (exit code 41). */
const complaint = (line: string): readonly AgentEvent[] => {
  if (/^(?:Invalid auth method|Please set an Auth method|When using Gemini API, you must specify)/.test(line))
    return [{ type: "login", why: line }];
  const status = /^Attempt \d+ failed(?: with status (\d{3}))?/.exec(line)?.[1];
  if (status === undefined) return [];
  const failure = failureOf({ message: line, status: Number(status), retries: true });
  return [failure.type === "error" ? { type: "working" } : failure];
};

const events = (line: object | undefined): readonly AgentEvent[] => {
  if (!line) return [];
  const type = textAt(line, "type");
  switch (type) {
    case "init":
      return [
        { type: "started", ...(textAt(line, "session_id") === "" ? {} : { session: textAt(line, "session_id") }) },
      ];
    case "message":
      return textAt(line, "role") === "assistant" ? [{ type: "text", text: textAt(line, "content") }] : [];
    case "tool_use":
      return [{ type: "tool", is: "begun", name: textAt(line, "tool_name"), about: aboutOf(at(line, "parameters")) }];
    case "tool_result": {
      const failed = textAt(line, "status") === "error";
      const why = textAt(line, "error", "message") || textAt(line, "output");
      return [
        { type: "tool", is: failed ? "failed" : "done", name: "", about: "" },
        ...(failed && /denied by policy|requires (?:user )?(?:approval|confirmation)/i.test(why)
          ? [{ type: "denied" as const, tool: textAt(line, "tool_name"), why }]
          : []),
      ];
    }
    case "error":
      return textAt(line, "severity") === "warning" ? [] : [failureOf({ message: textAt(line, "message") })];
    case "result":
      return endEvents(line);
    default:
      return [{ type: "unknown", name: type }];
  }
};

const endEvents = (line: object): readonly AgentEvent[] => {
  const cached = countAt(line, "stats", "cached");
  const tokens = {
    input: Math.max(0, countAt(line, "stats", "input_tokens") - cached),
    cached,
    output: countAt(line, "stats", "output_tokens"),
  };
  const usage: AgentEvent = { type: "usage", scope: "total", tokens };
  const why = textAt(line, "error", "message");
  if (textAt(line, "status") !== "error") return [usage, { type: "turn-end", how: "completed", why }];
  // Its own word for the status, RESOURCE_EXHAUSTED, stands beside every code: the code counts.
  return [usage, failureOf({ message: why }), { type: "turn-end", how: "failed", why }];
};
