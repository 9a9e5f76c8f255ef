/** aider: flags of its documentation (aider.chat/docs/config/options.html), untested. It commits by itself and tells nothing that could be read. */
import { type Adapter, type Ask, type Launch, nothing, option } from "./adapter.ts";

const launched = (ask: Ask, argv: readonly string[]): Launch => ({
  ...nothing,
  argv: [
    "aider",
    ...argv,
    "--no-check-update",
    "--analytics-disable",
    "--no-show-release-notes",
    ...(ask.permissions === "ask" ? [] : ["--yes-always"]),
    ...option("--model", ask.model),
    ...ask.args,
  ],
});

/** The adapter. */
export const aider: Adapter = {
  cli: "aider",
  title: "aider",
  tested: false,
  probe: {
    program: "aider",
    version: ["aider", "--version"],
    login: undefined,
    package: undefined,
    scripted: false,
  },
  session: "none",
  tells: { tokens: "none", cost: false },
  headless: (ask) => launched(ask, ["--message", ask.prompt, "--no-pretty", "--no-stream"]),
  interactive: (ask) => launched(ask, []),
  acp: undefined,
  permissions: ({ argv }) => (argv.includes("--yes-always") ? "yes-always" : "asks"),
  mcp: () => undefined,
  parse: () => [],
};
