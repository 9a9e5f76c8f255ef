import { readdirSync } from "node:fs";

import { describe, expect, test } from "vitest";

import { adapterOf, adapters } from "../../src/agent/roster.ts";
import type { Adapter } from "../../src/agent/adapter.ts";
import { eventsIn, heardAt, recorded, toldBy } from "./ask.ts";

const the = (cli: string): Adapter => {
  const found = adapterOf(cli);
  if (!found) throw new Error(`no adapter ${cli}`);
  return found;
};

const told = (name: string) => toldBy(the(name.split("-")[0] ?? ""), recorded(name));

const names = readdirSync(new URL("../fixture/agent/", import.meta.url))
  .filter((file) => file.endsWith(".jsonl"))
  .map((file) => file.replace(".jsonl", ""));

describe("recorded streams", () => {
  test.each(names)("%s holds nothing that its adapter has no words for", (name) => {
    const { unknown, strange } = told(name);
    expect({ unknown, strange }).toEqual({ unknown: 0, strange: [] });
  });

  test("hold no path, name or key of the machine on which they were made", () => {
    const all = names.map((name) => recorded(name)).join("");
    expect(all).not.toMatch(/\/(?:srv|home|root|tmp|Users|work)\/|sk-[a-z]/);
  });

  test.each([
    ["claude-basic", "4adedff4-ad19-4208-9a67-ea629151d120"],
    ["codex-basic", "01a1fc8a-e44d-7043-8428-b19f3738a087"],
    ["gemini-basic", "b6cefe88-2d5e-4fbe-83f5-fb9ce543502e"],
    ["opencode-basic", "ses_e0374627fffe08n3kYA8i1ofOh"],
    ["qwen-basic", "7e934fef-38bd-4c05-a43f-3a00b5d086fe"],
    ["copilot-basic", "55b7f96c-43db-4ac8-bda1-fc214158a486"],
    ["cline-basic", "conv_1795238543871_sdc1xcw"],
  ])("%s tells what its conversation is resumed by, and ends idle", (name, session) => {
    expect(told(name)).toMatchObject({ session, status: "idle", denied: 0 });
  });

  test.each(names.filter((name) => name.endsWith("-basic")))("%s tells each tool, and the answer", (name) => {
    const events = eventsIn(the(name.split("-")[0] ?? ""), recorded(name));
    const tools = events.flatMap((event) => (event.type === "tool" && event.is === "begun" ? [event] : []));
    expect(tools).toHaveLength(2);
    expect(tools[1]?.about).toContain("git commit -q -m 'add hello'");
    expect(events.filter(({ type, ...event }) => type === "tool" && "is" in event && event.is === "done")).toHaveLength(
      2,
    );
    expect(events).toContainEqual({ type: "text", text: "All done: hello.txt committed." });
  });
});

describe("tokens are those of the recording", () => {
  // The scripted server counts 1000 in (200 of them cached where the protocol says so), 50 out for each request.
  test.each([
    ["claude-basic", { input: 3000, cached: 600, output: 150 }],
    ["codex-basic", { input: 2400, cached: 600, output: 150 }],
    ["gemini-basic", { input: 2400, cached: 600, output: 150 }],
    ["opencode-basic", { input: 2400, cached: 600, output: 150 }],
    ["qwen-basic", { input: 2400, cached: 600, output: 150 }],
    ["cline-basic", { input: 2400, cached: 600, output: 150 }],
    ["codex-shell", { input: 1600, cached: 400, output: 100 }],
    ["opencode-shell", { input: 1600, cached: 400, output: 100 }],
    ["qwen-ask", { input: 1600, cached: 400, output: 100 }],
  ])("%s", (name, tokens) => {
    expect(told(name).tokens).toEqual(tokens);
  });

  test("of Claude 2.0 hold the side requests to other models, which `usage` leaves out", () => {
    expect(told("claude-2.0-basic")).toMatchObject({
      tokens: { input: 8000, cached: 1600, output: 400 },
      cost: 0.022860000000000002,
    });
  });

  test("of Claude are never those of a message, which says 1 where 50 were written", () => {
    const lines = recorded("claude-basic").split("\n").slice(0, -2).join("\n");
    expect(toldBy(the("claude"), `${lines}\n`).tokens).toBeUndefined();
  });

  test("are not invented where none are told", () => {
    expect(told("copilot-basic").tokens).toBeUndefined();
    expect(told("opencode-basic").cost).toBeCloseTo(0.00945);
    expect(told("codex-basic").cost).toBeUndefined();
  });
});

describe("a login that is missing", () => {
  test.each(["claude", "codex", "gemini", "opencode", "qwen", "copilot", "cline"])("is told by %s", (cli) => {
    expect(told(`${cli}-auth401`)).toMatchObject({ status: "blocked", kind: "login" });
  });

  test("is told while Claude tries again by itself, since the first try", () => {
    const lines = recorded("claude-auth401").split("\n");
    const early = eventsIn(the("claude"), `${lines.slice(0, 2).join("\n")}\n`);
    expect(early.at(-1)).toEqual({
      type: "login",
      why: "authentication_failed (401), attempt 1 of 10",
      retries: true,
    });
  });

  test("is no success because Qwen ends with exit code 0 and without an error", () => {
    expect(recorded("qwen-auth401")).toContain('"is_error":false');
    expect(told("qwen-auth401").doing).toBe("[API Error: 401 invalid x-api-key]");
  });

  test("is not what a model says of one", () => {
    const said = recorded("qwen-auth401").replaceAll('"output_tokens":0', '"output_tokens":50');
    expect(toldBy(the("qwen"), said)).toMatchObject({ status: "idle" });
  });
});

test("a login that Gemini does not have is told on stderr only", () => {
  expect(toldBy(the("gemini"), "Invalid auth method selected.\n")).toMatchObject({ status: "blocked", kind: "login" });
});

describe("a limit", () => {
  test.each(["claude", "codex", "copilot"])("is told by %s", (cli) => {
    expect(told(`${cli}-limit429`)).toMatchObject({ status: "blocked", kind: "limit" });
  });

  test("is over when the provider says so: a moment that only the failed call of Copilot names", () => {
    expect(told("copilot-limit429").resetAt).toBe(1_795_300_000_000);
  });

  test("is over at a time of day where the agent runs, the next one", () => {
    const reset = new Date(told("codex-limit429").resetAt ?? 0);
    expect([reset.getHours(), reset.getMinutes()]).toEqual([22, 26]);
    expect(reset.getTime() - heardAt).toBeGreaterThan(0);
    expect(reset.getTime() - heardAt).toBeLessThanOrEqual(86_400_000);
  });

  test("is never given a time that nobody reported", () => {
    expect(told("claude-limit429").resetAt).toBeUndefined();
  });

  test("is told by Gemini on stderr only, where it tries again", () => {
    const text = `${recorded("gemini-limit429")}Attempt 1 failed with status 429. Retrying with backoff... ApiError\n`;
    expect(toldBy(the("gemini"), text)).toMatchObject({ status: "blocked", kind: "limit" });
    const other = `${recorded("gemini-limit429")}Attempt 1 failed with status 503. Retrying with backoff\n`;
    expect(toldBy(the("gemini"), other)).toMatchObject({ status: "working" });
  });

  test.each(["gemini", "qwen"])("of %s leaves stdout silent after its start: only a watchdog notices", (cli) => {
    expect(told(`${cli}-limit429`)).toMatchObject({ status: "working" });
  });

  test("is no limit where a model writes of one, or a tool prints the words", () => {
    const said = recorded("claude-basic").replaceAll("All done: hello.txt committed.", "rate limit 429 reached");
    expect(toldBy(the("claude"), said)).toMatchObject({ status: "idle" });
    const printed = recorded("codex-basic").replaceAll("02ca2c2 add hello", "You’ve hit your usage limit");
    expect(toldBy(the("codex"), printed)).toMatchObject({ status: "idle" });
  });
});

describe("tools that were not allowed", () => {
  test.each([
    ["claude-ask", 1],
    ["copilot-ask", 1],
    ["cline-ask", 1],
    ["claude-shell", 0],
  ])("%s: %i", (name, denied) => {
    expect(told(name)).toMatchObject({ denied, status: "idle" });
  });

  test("are told by Codex in its log on stderr only", () => {
    const line = 'ERROR codex_core::tools::router: error=exec_command failed: CreateProcess { message: "Rejected(…)" }';
    expect(toldBy(the("codex"), `2026-11-21T21:31:58.707530Z ${line}\n`)).toMatchObject({ denied: 1 });
  });

  // Codex and those that take the tool away say nothing: that the work was not done, only git tells.
  test.each(["codex-ask", "gemini-ask", "qwen-ask"])("%s tells nothing of it, and success", (name) => {
    expect(told(name)).toMatchObject({ denied: 0, status: "idle" });
  });
});

test.each(adapters.filter(({ cli }) => cli !== "aider"))(
  "$cli: an event that nobody knows is counted and kept by its name, and ends nothing",
  (adapter) => {
    const text = '{"type":"quantum"}\n{"type":"quantum"}\n{"no":"type"}\n';
    expect(toldBy(adapter, text)).toMatchObject({ unknown: 3, strange: ["quantum", ""], status: "starting" });
  },
);

test("what an agent writes is not touched by its parser: whoever shows it makes it harmless", () => {
  const hostile = "\u001B[2Jgone\u202E";
  const text = recorded("claude-basic").replaceAll(
    "All done: hello.txt committed.",
    JSON.stringify(hostile).slice(1, -1),
  );
  expect(eventsIn(the("claude"), text)).toContainEqual({ type: "text", text: hostile });
});
