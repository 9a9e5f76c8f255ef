/** The `stream-json` of Claude Code, which Qwen Code speaks too. */
import type { Tokens } from "../core/state.ts";
import type { AgentEvent } from "./event.ts";
import { failureOf } from "./failure.ts";
import { aboutOf, at, countAt, listAt, textAt, valuesAt } from "./json.ts";

/** Where the two dialects differ. */
export interface Dialect {
  /** The tokens of the whole run, as the last event tells them. */
  readonly tokens: (result: object) => Tokens;
  /** The error that a result hides behind `is_error: false`; undefined when there is none. */
  readonly hidden: (result: object) => string | undefined;
}

/** The events of one object of the stream. */
export const claudeEvents = (line: object, dialect: Dialect): readonly AgentEvent[] => {
  const type = textAt(line, "type");
  switch (type) {
    case "system":
      return systemEvents(line);
    case "assistant":
      return assistantEvents(line);
    case "user":
      return listAt(line, "message", "content").flatMap(resultEvents);
    case "result":
      return endEvents(line, dialect);
    case "rate_limit_event":
      return limitEvents(line);
    case "stream_event":
    case "control_response":
    case "tool_progress":
      return [];
    default:
      return [{ type: "unknown", name: type }];
  }
};

const systemEvents = (line: object): readonly AgentEvent[] => {
  const subtype = textAt(line, "subtype");
  switch (subtype) {
    case "init": {
      const mode = textAt(line, "permissionMode") || textAt(line, "permission_mode");
      const version = textAt(line, "claude_code_version") || textAt(line, "qwen_code_version");
      return [
        {
          type: "started",
          ...(textAt(line, "session_id") === "" ? {} : { session: textAt(line, "session_id") }),
          ...(mode === "" ? {} : { mode }),
          ...(version === "" ? {} : { version }),
        },
      ];
    }
    case "api_retry": {
      const status = countAt(line, "error_status");
      const kind = textAt(line, "error");
      const message = `${kind} (${status}), attempt ${countAt(line, "attempt")} of ${countAt(line, "max_retries")}`;
      const failure = failureOf({ message, status, kind, retries: true });
      return [failure.type === "error" ? { type: "working" } : failure];
    }
    case "permission_denied":
      return [{ type: "denied", tool: textAt(line, "tool_name"), why: textAt(line, "message") }];
    case "status":
    case "compact_boundary":
    case "hook_started":
    case "hook_response":
    case "task_notification":
      return [];
    default:
      return [{ type: "unknown", name: `system/${subtype}` }];
  }
};

const assistantEvents = (line: object): readonly AgentEvent[] => {
  const content = listAt(line, "message", "content");
  if (at(line, "is_api_error_message") === true || at(line, "isApiErrorMessage") === true) {
    const message = content.map((part) => textAt(part, "text")).join(" ");
    const status = countAt(line, "api_error_status");
    return [failureOf({ message, kind: textAt(line, "error"), ...(status > 0 ? { status } : {}) })];
  }
  return content.flatMap((part): readonly AgentEvent[] => {
    const type = textAt(part, "type");
    if (type === "tool_use")
      return [{ type: "tool", is: "begun", name: textAt(part, "name"), about: aboutOf(at(part, "input")) }];
    return type === "text" ? [{ type: "text", text: textAt(part, "text") }] : [{ type: "working" }];
  });
};

const resultEvents = (part: unknown): readonly AgentEvent[] => {
  if (textAt(part, "type") !== "tool_result") return [];
  return [{ type: "tool", is: at(part, "is_error") === true ? "failed" : "done", name: "", about: "" }];
};

/** Documented, not recorded: what the provider's headers say of the plan's limits. */
const limitEvents = (line: object): readonly AgentEvent[] => {
  const info = at(line, "rate_limit_info");
  if (textAt(info, "status") !== "rejected") return [];
  const moment = countAt(info, "resetsAt");
  return [
    {
      type: "limit",
      why: textAt(info, "rateLimitType") || "limit",
      ...(moment > 0 ? { reset: { at: moment * 1000 } } : {}),
    },
  ];
};

/** The last word: `subtype` is "success" whatever happened. */
const endEvents = (line: object, dialect: Dialect): readonly AgentEvent[] => {
  const cost = countAt(line, "total_cost_usd");
  const usage: AgentEvent = {
    type: "usage",
    scope: "total",
    tokens: dialect.tokens(line),
    ...(cost > 0 ? { cost } : {}),
  };
  const hidden = dialect.hidden(line);
  const failed = at(line, "is_error") === true || hidden !== undefined;
  const why = hidden ?? textAt(line, "result");
  const status = countAt(line, "api_error_status");
  const failure: readonly AgentEvent[] = failed
    ? [failureOf({ message: why, kind: textAt(line, "api_error_type"), ...(status > 0 ? { status } : {}) })]
    : [];
  const subtype = textAt(line, "subtype");
  const end = subtype === "success" || subtype === "" ? why : `${subtype}${why === "" ? "" : `: ${why}`}`;
  return [usage, ...failure, { type: "turn-end", how: failed ? "failed" : "completed", why: end }];
};

/** Tokens of all models, side requests included: `usage` is the main model's alone. */
export const modelTokens = (result: object): Tokens => {
  const models = valuesAt(result, "modelUsage");
  if (models.length === 0) return plainTokens(at(result, "usage"));
  const sum = (...fields: readonly string[]): number =>
    models.reduce<number>((all, model) => all + fields.reduce((own, field) => own + countAt(model, field), 0), 0);
  return {
    input: sum("inputTokens", "cacheCreationInputTokens"),
    cached: sum("cacheReadInputTokens"),
    output: sum("outputTokens"),
  };
};

const plainTokens = (usage: unknown): Tokens => ({
  input: countAt(usage, "input_tokens") + countAt(usage, "cache_creation_input_tokens"),
  cached: countAt(usage, "cache_read_input_tokens"),
  output: countAt(usage, "output_tokens"),
});
