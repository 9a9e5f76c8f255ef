/** The default settings that Gemini CLI and its descendant Qwen Code read besides the person's own. */
import type { Launch, McpServer } from "./adapter.ts";

const file = "settings.json";

/** No updates: each has its own words for it. */
const quiet: Readonly<Record<SettingsVariable, object>> = {
  GEMINI_CLI_SYSTEM_DEFAULTS_PATH: { enableAutoUpdate: false, enableAutoUpdateNotification: false },
  QWEN_CODE_SYSTEM_DEFAULTS_PATH: { disableAutoUpdate: true, disableUpdateNag: true },
};

/** The variable that names the file. */
type SettingsVariable = "GEMINI_CLI_SYSTEM_DEFAULTS_PATH" | "QWEN_CODE_SYSTEM_DEFAULTS_PATH";

/**
 * A launch with the system's defaults outside of the worktree; `variable` names the file. They say only what makes the CLI quiet, and
 * every other settings file goes before them: those that an administrator enforces stay in force.
 */
export const withSettings = (
  variable: SettingsVariable,
  folder: string,
  argv: readonly string[],
  more: object = {},
): Launch => ({
  argv,
  env: { [variable]: `${folder}/${file}` },
  files: [
    {
      name: file,
      text: JSON.stringify({
        general: quiet[variable],
        privacy: { usageStatisticsEnabled: false },
        telemetry: { enabled: false },
        ...more,
      }),
    },
  ],
});

/** The same with an MCP server. */
export const withServer = (variable: SettingsVariable, folder: string, server: McpServer): Launch => {
  const [command = "", ...args] = server.command;
  return withSettings(variable, folder, [], {
    mcpServers: { [server.name]: { command, args, env: server.env, trust: true } },
  });
};
