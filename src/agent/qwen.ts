/** Qwen Code: flags and stream of 0.15.10, as they ran against the scripted model server. */
import { type Adapter, type Ask, type Launch, option, valueOf } from "./adapter.ts";
import { claudeEvents, type Dialect } from "./claude-stream.ts";
import { countAt, objectIn, textAt } from "./json.ts";
import { withServer, withSettings } from "./settings-file.ts";

const variable = "QWEN_CODE_SYSTEM_DEFAULTS_PATH";

/** With `edit` the shell tool is gone: such a lane needs `commit: auto`. */
const modes: Readonly<Record<Ask["permissions"], readonly string[]>> = {
  ask: ["--approval-mode", "default"],
  edit: ["--approval-mode", "auto-edit"],
  all: ["--yolo"],
};

const launched = (ask: Ask, argv: readonly string[]): Launch =>
  withSettings(variable, ask.folder, [
    ...argv,
    ...option(ask.resumes ? "--resume" : "--session-id", ask.session),
    ...option("-m", ask.model),
    ...modes[ask.permissions],
    ...ask.args,
  ]);

const dialect: Dialect = {
  // Here `input_tokens` holds those from the cache.
  tokens: (result) => {
    const cached = countAt(result, "usage", "cache_read_input_tokens");
    return {
      input: Math.max(0, countAt(result, "usage", "input_tokens") - cached),
      cached,
      output: countAt(result, "usage", "output_tokens"),
    };
  },
  // An error of the provider ends with exit 0 and `is_error: false`; the model itself, which costs tokens, may say the same words.
  hidden: (result) => {
    const last = textAt(result, "result");
    return last.startsWith("[API Error: ") && countAt(result, "usage", "output_tokens") === 0 ? last : undefined;
  },
};

/** The adapter. */
export const qwen: Adapter = {
  cli: "qwen",
  title: "Qwen Code",
  tested: true,
  probe: {
    program: "qwen",
    version: ["qwen", "--version"],
    login: undefined,
    package: "@qwen-code/qwen-code",
    scripted: false,
  },
  session: "chosen",
  tells: { tokens: "run", cost: false },
  headless: (ask) => launched(ask, ["qwen", "-p", ask.prompt, "--output-format", "stream-json"]),
  interactive: (ask) => launched(ask, ["qwen", "-i", ask.prompt]),
  acp: ["qwen", "--acp"],
  permissions: ({ argv }) =>
    argv.includes("--yolo") || argv.includes("-y") ? "yolo" : valueOf(argv, "--approval-mode"),
  mcp: (server, folder) => withServer(variable, folder, server),
  parse: (stream, line) => {
    const found = stream === "stdout" ? objectIn(line) : undefined;
    return found ? claudeEvents(found, dialect) : [];
  },
};
