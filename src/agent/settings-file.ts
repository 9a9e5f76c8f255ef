/** The settings that Gemini CLI and its descendant Qwen Code read besides the person's own. */
import type { Launch, McpServer } from "./adapter.ts";

const file = "settings.json";

/** A launch with system settings outside of the worktree; `variable` names the file. They say only what makes the CLI quiet. */
export const withSettings = (variable: string, folder: string, argv: readonly string[], more: object = {}): Launch => ({
  argv,
  env: { [variable]: `${folder}/${file}` },
  files: [
    {
      name: file,
      text: JSON.stringify({
        general: { disableAutoUpdate: true, disableUpdateNag: true, enableAutoUpdate: false },
        privacy: { usageStatisticsEnabled: false },
        telemetry: { enabled: false },
        ...more,
      }),
    },
  ],
});

/** The same with an MCP server. */
export const withServer = (variable: string, folder: string, server: McpServer): Launch => {
  const [command = "", ...args] = server.command;
  return withSettings(variable, folder, [], {
    mcpServers: { [server.name]: { command, args, env: server.env, trust: true } },
  });
};
