import { describe, expect, test } from "vitest";

import { probeFault } from "../../src/agent/adapter.ts";
import { commandAgent } from "../../src/agent/command.ts";
import { promptOf } from "../../src/agent/prompt.ts";
import { adapterOf, adapters } from "../../src/agent/roster.ts";
import { askOf, lane } from "./ask.ts";

const levels = ["ask", "edit", "all"] as const;

describe.each(adapters)("$cli", (adapter) => {
  test("gets its first message as one argument, whatever is in it", () => {
    const prompt = "Your task in lane demo:\n\n--yolo; $(rm -rf .) `id` @secrets /quit";
    expect(adapter.headless(askOf({ prompt })).argv.filter((word) => word === prompt)).toHaveLength(1);
    const typed = adapter.interactive?.(askOf({ prompt })).argv.filter((word) => word === prompt);
    expect(typed).toHaveLength(adapter.cli === "aider" ? 0 : 1);
  });

  test("finds its files outside of the worktree, by the paths that its launch names", () => {
    const ask = askOf({ permissions: "edit" });
    for (const launch of [
      adapter.headless(ask),
      adapter.mcp({ name: "lanes", command: ["lanes", "mcp"], env: {} }, ask.folder),
    ])
      for (const { name, text } of launch?.files ?? []) {
        expect(JSON.parse(text)).toBeTypeOf("object");
        expect([...(launch?.argv ?? []), ...Object.values(launch?.env ?? {})].join(" ")).toContain(
          `${ask.folder}/${name}`,
        );
      }
  });

  test("says in its badge what the argv says, more with each level, and what more arguments make of it", () => {
    const badges = levels.map((permissions) => adapter.permissions(adapter.headless(askOf({ permissions }))));
    expect(badges).not.toContain(undefined);
    expect(badges[0]).not.toBe(badges[2]);
  });

  test("takes the model and more arguments as configured", () => {
    const { argv } = adapter.headless(askOf({ model: "scripted", args: ["--more", "x"] }));
    expect(argv).toEqual(expect.arrayContaining(["scripted", "--more", "x"]));
  });

  test("goes on with a conversation exactly when it can", () => {
    const session = "0b2a5a4e-0000-4000-8000-000000000000";
    const again = adapter.headless(askOf({ session, resumes: true })).argv.join(" ");
    expect(again.includes(session)).toBe(adapter.session !== "none");
    const first = adapter.headless(askOf({ session })).argv.join(" ");
    expect(first.includes(session)).toBe(adapter.session === "chosen");
  });
});

const line = (cli: string, over: Parameters<typeof askOf>[0] = {}): string => {
  const launch = adapterOf(cli)?.headless(askOf({ prompt: "P", ...over }));
  return [...Object.entries(launch?.env ?? {}).map(([key, value]) => `${key}=${value}`), ...(launch?.argv ?? [])].join(
    " ",
  );
};

test("each CLI is started as it was tried", () => {
  expect(adapters.map(({ cli }) => line(cli)).join("\n")).toMatchInlineSnapshot(`
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1 DISABLE_AUTOUPDATER=1 DISABLE_TELEMETRY=1 DISABLE_ERROR_REPORTING=1 claude -p P --output-format stream-json --verbose --permission-mode acceptEdits --allowedTools Bash(git *)
    codex exec --json -c check_for_update_on_startup=false -c analytics.enabled=false -c otel.exporter="none" -s workspace-write -c sandbox_workspace_write.writable_roots=["/repo/.git/worktrees/demo","/repo/.git/objects","/repo/.git/refs/heads","/repo/.git/logs/refs/heads"] P
    GEMINI_CLI_SYSTEM_DEFAULTS_PATH=/state/briefs/demo-1/settings.json gemini -p P --output-format stream-json --skip-trust --approval-mode auto_edit
    OPENCODE_CONFIG=/state/briefs/demo-1/opencode.json OPENCODE_CONFIG_CONTENT={"autoupdate":false,"share":"disabled","permission":{"edit":"allow","bash":{"*":"deny","git *":"allow"}}} OPENCODE_DISABLE_AUTOUPDATE=1 opencode run --format json P
    COPILOT_AUTO_UPDATE=false copilot -p P --output-format json --no-color --allow-tool write --allow-tool shell(git:*)
    QWEN_CODE_SYSTEM_DEFAULTS_PATH=/state/briefs/demo-1/settings.json qwen -p P --output-format stream-json --approval-mode auto-edit
    cline --json -c /repo/.worktrees/demo --auto-approve true P
    aider --message P --no-pretty --no-stream --no-check-update --analytics-disable --no-show-release-notes --yes-always"
  `);
});

test("each CLI goes on as it was tried", () => {
  const again = { session: "ID", resumes: true, permissions: "all" } as const;
  expect(adapters.map(({ cli }) => line(cli, again)).join("\n")).toMatchInlineSnapshot(`
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1 DISABLE_AUTOUPDATER=1 DISABLE_TELEMETRY=1 DISABLE_ERROR_REPORTING=1 claude -p P --output-format stream-json --verbose --resume ID --permission-mode bypassPermissions
    codex exec --json -c check_for_update_on_startup=false -c analytics.enabled=false -c otel.exporter="none" --dangerously-bypass-approvals-and-sandbox resume ID P
    GEMINI_CLI_SYSTEM_DEFAULTS_PATH=/state/briefs/demo-1/settings.json gemini -p P --output-format stream-json --resume ID --skip-trust --yolo
    OPENCODE_CONFIG=/state/briefs/demo-1/opencode.json OPENCODE_CONFIG_CONTENT={"autoupdate":false,"share":"disabled","permission":{"edit":"allow","bash":"allow"}} OPENCODE_DISABLE_AUTOUPDATE=1 opencode run --format json P -s ID
    COPILOT_AUTO_UPDATE=false copilot -p P --output-format json --no-color --resume=ID --allow-all-tools
    QWEN_CODE_SYSTEM_DEFAULTS_PATH=/state/briefs/demo-1/settings.json qwen -p P --output-format stream-json --resume ID --yolo
    cline --json -c /repo/.worktrees/demo --auto-approve true --id ID P
    aider --message P --no-pretty --no-stream --no-check-update --analytics-disable --no-show-release-notes --yes-always"
  `);
});

test("each CLI gets an MCP server as it was tried", () => {
  const server = { name: "lanes", command: ["lanes", "mcp"], env: { LANES_LANE: "a b" } };
  const shapes = adapters.map(({ cli, mcp }) => {
    const found = mcp(server, "/f");
    return found ? `${cli}: ${found.argv.join(" ")} ${found.files.map(({ text }) => text).join("")}` : `${cli}: -`;
  });
  expect(shapes.join("\n")).toMatchInlineSnapshot(`
    "claude: --mcp-config /f/mcp.json --strict-mcp-config --allowedTools mcp__lanes {"mcpServers":{"lanes":{"command":"lanes","args":["mcp"],"env":{"LANES_LANE":"a b"}}}}
    codex: -c mcp_servers.lanes.command="lanes" -c mcp_servers.lanes.args=["mcp"] -c mcp_servers.lanes.env={LANES_LANE="a b"} -c mcp_servers.lanes.required=true 
    gemini:  {"general":{"enableAutoUpdate":false,"enableAutoUpdateNotification":false},"privacy":{"usageStatisticsEnabled":false},"telemetry":{"enabled":false},"mcpServers":{"lanes":{"command":"lanes","args":["mcp"],"env":{"LANES_LANE":"a b"},"trust":true}}}
    opencode:  {"mcp":{"lanes":{"type":"local","command":["lanes","mcp"],"environment":{"LANES_LANE":"a b"},"enabled":true}}}
    copilot: --additional-mcp-config @/f/mcp.json {"mcpServers":{"lanes":{"type":"local","command":"lanes","args":["mcp"],"env":{"LANES_LANE":"a b"},"tools":["*"]}}}
    qwen:  {"general":{"disableAutoUpdate":true,"disableUpdateNag":true},"privacy":{"usageStatisticsEnabled":false},"telemetry":{"enabled":false},"mcpServers":{"lanes":{"command":"lanes","args":["mcp"],"env":{"LANES_LANE":"a b"},"trust":true}}}
    cline: -
    aider: -"
  `);
});

test("the badge tells what was slipped in by more arguments", () => {
  const slipped = (cli: string, ...args: string[]) => {
    const adapter = adapterOf(cli);
    return adapter?.permissions(adapter.headless(askOf({ permissions: "ask", args })));
  };
  expect(slipped("claude", "--dangerously-skip-permissions")).toBe("bypassPermissions");
  expect(slipped("codex", "--yolo")).toBe("bypass");
  expect(slipped("gemini", "-y")).toBe("yolo");
  expect(slipped("copilot", "--allow-all")).toBe("all tools");
  expect(slipped("opencode", "--auto")).toBe("auto");
  expect(commandAgent(["x"]).permissions({ argv: ["x"], env: {}, files: [] })).toBeUndefined();
});

test("a CLI whose install script was blocked is told from one that is broken", () => {
  const probe = adapterOf("claude")?.probe;
  if (!probe) throw new Error("no probe");
  expect(probeFault(probe, 0, "2.1.329 (Claude Code)")).toBeUndefined();
  expect(probeFault(probe, 1, "Error: claude native binary not installed.")?.fix).toContain("npm install-scripts");
  expect(probeFault(probe, 127, "not found")?.what).toBe("claude --version ended with 127");
});

describe("the first message", () => {
  test("says the task, the steps, the paths and what done means", () => {
    const spec = { ...lane, prompt: "Fix it", tasks: ["a", "b"], paths: ["src/**"], acceptance: "make test" };
    expect(promptOf("demo", spec, false)).toMatchInlineSnapshot(`
      "Your task in lane demo:

      Fix it

      Steps:
      - a
      - b

      Work only on these paths:
      - src/**

      This command must pass at the end: make test
      Commit all of your work on the current branch when you are done, and leave nothing uncommitted. Do not switch branches."
    `);
  });

  test("tells an agent that was interrupted to look first, and one whose work is committed for it not to commit", () => {
    const text = promptOf("demo", { ...lane, commit: "auto" }, true);
    expect(text).toMatch(/^You were interrupted in lane demo/);
    expect(text).toContain("Do not commit");
  });

  test("holds the note with which the lane was handed back", () => {
    expect(promptOf("demo", lane, false, "Mind the gap")).toContain("handed back to you with this note:\nMind the gap");
    expect(promptOf("demo", lane, false)).not.toContain("handed back");
  });

  test("that no argument could hold names the file with the rest", () => {
    const text = promptOf("demo", { ...lane, prompt: "é".repeat(60_000) }, false);
    expect(text).toContain("LANES_TASKS");
    expect(text.length).toBeLessThan(1000);
  });
});
