import { expect, test } from "vitest";

import type { AgentEvent } from "../../src/agent/event.ts";
import { failureOf, resetAt, resetIn } from "../../src/agent/failure.ts";
import { hear, isNews, silent } from "../../src/agent/hear.ts";
import type { AgentTold } from "../../src/core/state.ts";
import { isHalted } from "../../src/core/verdict.ts";

const t = Date.UTC(2026, 0, 2, 3, 4, 5);
const told = (...events: readonly AgentEvent[]): AgentTold =>
  events.reduce((so, event, index) => hear(so, event, t + index), silent(t));

test("a status keeps its beginning as long as it lasts", () => {
  const login: AgentEvent = { type: "login", why: "401", retries: true };
  expect(told({ type: "started" }, login, login)).toMatchObject({ status: "blocked", kind: "login", since: t + 1 });
  expect(told(login, { type: "limit", why: "429" })).toMatchObject({ kind: "limit", since: t + 1 });
  expect(told(login, { type: "text", text: "back" })).toMatchObject({ status: "working", since: t + 1 });
  expect(told(login, { type: "text", text: "back" })).not.toHaveProperty("kind");
});

test("a question shows until it is answered or rejected", () => {
  const asked: AgentEvent = { type: "blocked", kind: "permission", question: "rm -rf x?" };
  expect(told(asked)).toMatchObject({ status: "blocked", kind: "permission", doing: "rm -rf x?" });
  expect(isHalted(told(asked))).toBe(false);
  expect(told(asked, { type: "unblocked" })).toMatchObject({ status: "working" });
});

test("a run that ended at a limit or a missing login stays there; one that went on does not", () => {
  const end: AgentEvent = { type: "turn-end", how: "failed", why: "x" };
  const limit: AgentEvent = { type: "limit", why: "429", reset: { inMs: 5000 } };
  expect(told(limit, { type: "limit", why: "again" }, { type: "error", why: "e" }, end)).toMatchObject({
    status: "blocked",
    kind: "limit",
    doing: "again",
    resetAt: t + 5000,
  });
  expect(told(limit, { type: "working" }, end)).toMatchObject({ status: "error", doing: "x" });
  expect(told(limit, { type: "working" }, end)).not.toHaveProperty("resetAt");
  expect(told(limit, { type: "turn-end", how: "completed", why: "" })).toMatchObject({ status: "idle" });
  expect(told({ type: "error", why: "odd" })).toMatchObject({ status: "starting", doing: "odd" });
});

test("steps are added up, a total replaces them", () => {
  const one = { input: 1, cached: 2, output: 3 };
  const step: AgentEvent = { type: "usage", scope: "delta", tokens: one, cost: 0.5 };
  expect(told(step, step)).toMatchObject({ tokens: { input: 2, cached: 4, output: 6 }, cost: 1 });
  const total: AgentEvent = { type: "usage", scope: "total", tokens: one };
  expect(told(step, total).tokens).toEqual(one);
  expect(told(step, { ...step, cost: undefined } as unknown as AgentEvent).cost).toBe(0.5);
});

test("what is kept is small, however much is said", () => {
  const long = "x".repeat(100_000);
  const many = Array.from({ length: 50 }, (_, n): AgentEvent => ({ type: "unknown", name: `${n}${long}` }));
  const so = told(
    { type: "started", session: long, mode: long },
    { type: "tool", is: "begun", name: "Bash", about: `\n\n  ${long}` },
    ...many,
  );
  expect(JSON.stringify(so).length).toBeLessThan(1500);
  expect(so.unknown).toBe(50);
  expect(so.doing).toMatch(/^Bash: $|^ {2}x|^Bash: /);
});

test("what looks like a secret does not reach the journal", () => {
  const about = 'curl -H "Authorization: Bearer abcdef123456789" https://me:hidden@example.org';
  const { doing } = told({ type: "tool", is: "begun", name: "Bash", about });
  expect(doing).toContain("Bash: curl");
  expect(doing).not.toMatch(/abcdef|hidden/);
});

test("news is another status at once, what it does after ten seconds, a sign of life each minute", () => {
  const before = told({ type: "started" });
  expect([isNews(undefined, before, 0), isNews(undefined, { ...before, read: 1 }, 0)]).toEqual([false, true]);
  const blocked = hear(before, { type: "login", why: "" }, t);
  expect([isNews(before, blocked, 499), isNews(before, blocked, 500)]).toEqual([false, true]);
  const busy = hear(before, { type: "text", text: "more" }, t);
  expect([isNews(before, busy, 9999), isNews(before, busy, 10_000)]).toEqual([false, true]);
  const alive = { ...before, heardAt: before.heardAt + 60_000, read: 99 };
  expect(isNews(before, alive, 1)).toBe(true);
  expect(isNews(before, { ...alive, heardAt: before.heardAt + 59_999 }, 1e9)).toBe(false);
});

test.each([
  ["try again at 10:26 PM.", { clock: { hour: 22, minute: 26 } }],
  ["resets 3pm", { clock: { hour: 15, minute: 0 } }],
  ["resets at 12:05 am", { clock: { hour: 0, minute: 5 } }],
  ["resets 3pm (Europe/Berlin)", undefined],
  ["try again at Nov 23rd, 2026 9:01 AM", undefined],
  ["try again at 13:00 PM", undefined],
  ["try again at 0:00 AM", undefined],
  ["try again at 1:75 PM", undefined],
  ["please retry after 3600 seconds", { inMs: 3_600_000 }],
  ["Claude AI usage limit reached|1795300000", { at: 1_795_300_000_000 }],
  ['429 {"error":{"type":"usage_limit_reached","resets_at":1795300000}}', { at: 1_795_300_000_000 }],
  ['{"resets_in_seconds":60}', { inMs: 60_000 }],
  ["slow down", undefined],
  ["{broken", undefined],
])("a limit's end in %j is %j", (text, reset) => {
  expect(resetIn(text)).toEqual(reset);
});

test("a time of day that is over today is tomorrow's", () => {
  const noon = new Date(2026, 0, 2, 12, 0, 0).getTime();
  expect(resetAt({ clock: { hour: 11, minute: 30 } }, noon)).toBe(new Date(2026, 0, 3, 11, 30).getTime());
  expect(resetAt({ clock: { hour: 12, minute: 30 } }, noon)).toBe(noon + 1_800_000);
  expect(resetAt({ at: 5 }, noon)).toBe(5);
});

test.each([
  [{ message: "x", status: 403 }, "login"],
  [{ message: "Not logged in · Please run /login" }, "login"],
  [{ message: "unexpected status 429 Too Many Requests" }, "limit"],
  [{ message: "quota", kind: "insufficient_quota" }, "limit"],
  [{ message: "unexpected status 500: rate of errors" }, "error"],
  [{ message: "file 4011 is missing (401 lines)" }, "error"],
])("%j is a %s", (error, type) => {
  expect(failureOf(error).type).toBe(type);
});

test("a conversation's id is no option of the next run, nor anything else than an id", () => {
  const sessionOf = (session: string): unknown => told({ type: "started", session }).session;
  expect(["4adedff4-ad19", "ses_1:a.b"].map(sessionOf)).toEqual(["4adedff4-ad19", "ses_1:a.b"]);
  expect(["--dangerously-skip-permissions", "", "a b", "../x", "x".repeat(101)].map(sessionOf)).toEqual(
    Array.from({ length: 5 }, () => undefined),
  );
});
