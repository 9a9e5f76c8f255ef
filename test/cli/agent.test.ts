/** Lanes whose agent is a CLI of the roster: small scripts stand in for the CLIs, and print what the real ones were recorded to print. */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { describe, expect, test, vi } from "vitest";

import { recorded } from "../agent/ask.ts";
import { patience, type Scene, scene } from "./scratch.ts";

/** A scene with a roster and a stand-in for one CLI: `script` is sh, `$out` a folder of the test, `$run` counts its starts. */
const stage = (cli: string, script: string, entry: object = {}) => {
  const made = scene();
  const home = dirname(made.top);
  const out = join(home, "out");
  const bin = join(home, "bin");
  for (const folder of [out, bin, join(home, "config", "lanekeeper")]) mkdirSync(folder, { recursive: true });
  const text = `#!/bin/sh
out='${out}'
echo >>"$out/runs"; run=$(wc -l <"$out/runs" | tr -d ' ')
for word in "$@"; do printf '%s\\0' "$word"; done >"$out/argv-$run"
env >"$out/env-$run"
${script}
`;
  writeFileSync(join(bin, cli), text);
  chmodSync(join(bin, cli), 0o755);
  const config = { agents: { coder: { cli, ...entry } } };
  writeFileSync(join(home, "config", "lanekeeper", "config.json"), JSON.stringify(config));
  const env = { PATH: `${bin}:${process.env["PATH"]}` };
  const lanes = (...words: readonly string[]) => made.lanesWith({ env }, ...words);
  const put = (name: string, body: string): void => writeFileSync(join(out, name), body);
  return { ...made, lanes, out, put, argv: (n: number) => readFileSync(join(out, `argv-${n}`), "utf8").split("\0") };
};

const laneOf = async ({ json }: Pick<Scene, "json">) =>
  ((await json("status"))["lanes"] as Record<string, Lane>)["a"] as Lane;

interface Lane {
  readonly state: string;
  readonly detail: string;
  readonly retryAt?: string;
  readonly run: { readonly n: number; readonly session: string; readonly agent: Readonly<Record<string, unknown>> };
}

const commit = "echo x >hello.txt; git add hello.txt; git commit -qm 'add hello'";
const definition = (more: object = {}): string => JSON.stringify({ agent: "coder", prompt: "Say hello", ...more });

describe("an agent CLI", patience, () => {
  test("is not taken for what its acceptance command prints", async () => {
    const { lanes, put, argv: _, ...rest } = stage("claude", `cat "$out/stream"; ${commit}`);
    put("stream", recorded("claude-basic"));
    put("limit", recorded("claude-limit429"));
    const acceptance = `cat '${join(rest.out, "limit")}'`;
    expect((await lanes("add-lane", "a", definition({ acceptance }))).code).toBe(0);
    expect((await lanes("exec-lane", "a")).code).toBe(0);
    expect(await laneOf(rest)).toMatchObject({ state: "ready", run: { agent: { status: "done", kind: null } } });
  });

  test("is started with its task as an argument, read while it runs, and judged by git", async () => {
    const { lanes, put, argv, out, top, ...rest } = stage("claude", `cat "$out/stream"; ${commit}`);
    put("stream", recorded("claude-basic"));
    expect((await lanes("add-lane", "a", definition({ tasks: ["--yolo; $(touch x)"] }))).code).toBe(0);
    expect((await lanes("exec-lane", "a")).code).toBe(0);
    const words = argv(1);
    expect(words.slice(0, 1)).toEqual(["-p"]);
    expect(words[1]).toMatch(/^Your task in lane a:\n\nSay hello\n\nSteps:\n- --yolo; \$\(touch x\)\n/);
    expect(words).toContain("acceptEdits");
    const lane = await laneOf(rest);
    expect(lane).toMatchObject({
      state: "ready",
      run: {
        cli: "claude",
        session: "4adedff4-ad19-4208-9a67-ea629151d120",
        agent: {
          source: "journal",
          status: "done",
          mode: "acceptEdits",
          tokens: { input: 3000, cached: 600, output: 150 },
          doing: "All done: hello.txt committed.",
          unknownEvents: 0,
        },
      },
    });
    expect(words).toContain("--session-id");
    expect(rest.git("-C", join(top, ".worktrees", "a"), "status", "--porcelain")).toBe("");
    expect(readFileSync(join(out, "env-1"), "utf8")).toContain("DISABLE_AUTOUPDATER=1");
  });

  test("finds its files outside of the worktree", async () => {
    const { lanes, put, out, top, git } = stage("gemini", `cat "$out/stream"; ${commit}`, { permissions: "all" });
    put("stream", recorded("gemini-basic"));
    await lanes("add-lane", "a", definition());
    expect((await lanes("exec-lane", "a")).code).toBe(0);
    const path = /^GEMINI_CLI_SYSTEM_DEFAULTS_PATH=(.*)$/m.exec(readFileSync(join(out, "env-1"), "utf8"))?.[1] ?? "";
    expect(path).toBe(join(top, ".orchestration", "briefs", "a-1", "settings.json"));
    expect(JSON.parse(readFileSync(path, "utf8"))).toMatchObject({ telemetry: { enabled: false } });
    expect(git("status", "--porcelain")).toBe("");
  });

  test("that was killed in the middle goes on with the same conversation", async () => {
    const { lanes, put, argv, ...rest } = stage(
      "claude",
      `cat "$out/stream-$run"; [ "$run" = 1 ] && kill -9 $$; ${commit}`,
    );
    put("stream-1", recorded("claude-basic").split("\n").slice(0, 2).join("\n"));
    put("stream-2", recorded("claude-basic"));
    await lanes("add-lane", "a", definition());
    expect((await lanes("exec-lane", "a")).code).toBe(0);
    expect(argv(2).join(" ")).toContain("--resume 4adedff4-ad19-4208-9a67-ea629151d120");
    expect(argv(2)[1]).toMatch(/^You were interrupted in lane a/);
    expect(await laneOf(rest)).toMatchObject({ state: "ready", run: { n: 2 } });
  });

  test("without a login waits for a person although it ends with 0 and says success, and is not tried again", async () => {
    const { lanes, put, ...rest } = stage("qwen", `cat "$out/stream"; ${commit}; exit 0`);
    put("stream", recorded("qwen-auth401"));
    await lanes("add-lane", "a", definition());
    await lanes("exec-lane", "a");
    expect(await laneOf(rest)).toMatchObject({
      state: "waiting",
      detail: "needs a login: [API Error: 401 invalid x-api-key]",
      run: { n: 1, agent: { status: "blocked", kind: "login" } },
    });
  });

  test("at a limit waits for the moment that was reported, and a little longer; a person may try it again before", async () => {
    const { lanes, put, ...rest } = stage("copilot", `cat "$out/stream-$run"; [ "$run" = 1 ] && exit 1; ${commit}`);
    const resetAt = Math.floor(Date.now() / 1000) + 7200;
    put("stream-1", recorded("copilot-limit429").replaceAll("1795300000", `${resetAt}`));
    put("stream-2", recorded("copilot-basic"));
    await lanes("add-lane", "a", definition());
    await lanes("launch", "a");
    const soon = { timeout: 60_000, interval: 100 };
    await vi.waitFor(async () => expect(await laneOf(rest)).toMatchObject({ state: "waiting" }), soon);
    const lane = await laneOf(rest);
    expect(lane).toMatchObject({ state: "waiting", run: { n: 1, agent: { kind: "limit" } } });
    const later = Date.parse(lane.retryAt ?? "") - resetAt * 1000;
    expect(later).toBeGreaterThanOrEqual(60_000);
    expect(later).toBeLessThan(90_000);
    await lanes("retry", "a");
    await vi.waitFor(async () => expect(await laneOf(rest)).toMatchObject({ state: "ready", run: { n: 2 } }), soon);
  });

  test("is read on where the engine stopped that died: nothing is counted twice", async () => {
    const { lanes, put, out, json, ...rest } = stage(
      "opencode",
      `head -3 "$out/stream"; while [ ! -e "$out/go" ]; do sleep 0.05; done; tail -n +4 "$out/stream"; ${commit}`,
    );
    put("stream", recorded("opencode-basic"));
    await lanes("add-lane", "a", definition());
    await lanes("launch", "a");
    const told = async (): Promise<unknown> => (await laneOf({ json })).run.agent["tokens"];
    const soon = { timeout: 60_000, interval: 100 };
    await vi.waitFor(async () => expect(await told()).toEqual({ input: 800, cached: 200, output: 50 }), soon);
    const { pid } = ((await json("engine", "status"))["engine"] ?? (await json("engine", "status"))) as { pid: number };
    process.kill(pid, "SIGKILL");
    writeFileSync(join(out, "go"), "");
    await lanes("exec-lane", "a");
    expect(await told()).toEqual({ input: 2400, cached: 600, output: 150 });
    expect(existsSync(join(out, "argv-2"))).toBe(false);
    expect(rest.git("log", "--oneline", "lane/a/work")).toContain("add hello");
  });

  test("that waits is shown to wait while it lives", async () => {
    const { lanes, put, out, json } = stage(
      "claude",
      `cat "$out/stream"; while [ ! -e "$out/go" ]; do sleep 0.05; done`,
    );
    put("stream", recorded("claude-auth401"));
    await lanes("add-lane", "a", definition());
    await lanes("launch", "a");
    await vi.waitFor(
      async () =>
        expect(await laneOf({ json })).toMatchObject({
          state: "running",
          detail: "agent waits (login): authentication_failed (401), attempt 7 of 10",
          run: { agent: { status: "blocked", kind: "login", source: "stream", quiet: false } },
        }),
      { timeout: 60_000, interval: 100 },
    );
    expect((await lanes("status")).stdout).toContain("1 needs you");
    writeFileSync(join(out, "go"), "");
  });

  test("that is not there is named", async () => {
    const { lanes, ...rest } = stage("cline", "exit 3");
    writeFileSync(join(dirname(rest.top), "bin", "cline"), "#!/nowhere/sh\n");
    await lanes("add-lane", "a", definition({ retries: 0 }));
    await lanes("exec-lane", "a");
    expect((await laneOf(rest)).detail).toMatch(/^exit code 12[67]/);
  });
});
