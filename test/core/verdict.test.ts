import { describe, expect, test } from "vitest";

import type { Event } from "../../src/core/event.ts";
import type { Lane } from "../../src/core/state.ts";
import { backoffMs, type Ended, lostVerdict, quickMs, verdict } from "../../src/core/verdict.ts";
import { frozenLane, laneIn, laneOf, now, tell } from "./build.ts";

const ended = (over: Partial<Ended> = {}): Ended => ({
  n: 1,
  code: 0,
  endedAt: now,
  ranMs: 60_000,
  head: "head1",
  commits: 1,
  dirty: [],
  results: [],
  ...over,
});

const running = (over = {}) => laneOf(laneIn("running", over), "a");
/** What is said about the lane, after the run's own end. */
const said = (lane: ReturnType<typeof running>, end: Partial<Ended>): readonly string[] =>
  verdict(lane, ended(end), now)
    .slice(1)
    .map((event) => ("why" in event ? `${event.type}: ${event.why}` : event.type));

describe("the verdict on a run", () => {
  test("begins with its end, as the process table showed it", () => {
    expect(verdict(running(), ended({ code: 2 }), now)[0]).toEqual({
      type: "run.exited",
      key: "a",
      n: 1,
      code: 2,
      at: now,
    });
    expect(verdict(running(), ended({ code: 137, signal: "SIGKILL" }), now)[0]).toMatchObject({ signal: "SIGKILL" });
  });

  test("is ready when it exited with 0, left commits and a clean tree", () => {
    expect(verdict(running(), ended({ results: ["r.json"] }), now)[1]).toEqual({
      type: "lane.readied",
      key: "a",
      head: "head1",
      results: ["r.json"],
    });
  });

  test("waits for a person when files are not committed or the worktree is elsewhere", () => {
    expect(said(running(), { dirty: ["x"] })).toEqual(["lane.waiting: 1 file not committed"]);
    expect(said(running(), { dirty: ["x", "y"] })).toEqual(["lane.waiting: 2 files not committed"]);
    expect(said(running(), { elsewhere: "its worktree is on main" })).toEqual([
      "lane.waiting: its worktree is on main",
    ]);
  });

  test("is empty when it brought no commit", () => {
    expect(said(running(), { commits: 0 })).toEqual(["lane.emptied: the run ended without a commit"]);
  });

  test("is failed by an exit code or a signal, and says what was left", () => {
    expect(said(running(), { code: 3, dirty: ["x"] })).toEqual(["lane.failed: exit code 3, 1 file not committed"]);
    expect(said(running(), { code: 0, signal: "SIGHUP" })).toEqual(["lane.failed: killed by SIGHUP"]);
  });

  test("names the setup when the agent was not reached", () => {
    expect(said(running(), { code: 97, setupFailed: true })).toEqual([
      "lane.failed: its setup command failed (lanes log a)",
    ]);
  });

  test("names the time limit when that ended it", () => {
    const lane = running({ timeoutMs: 60_000 });
    expect(said(lane, { code: 143, signal: "SIGTERM" })).toEqual(["lane.failed: stopped after its time limit of 60 s"]);
    expect(said(lane, { code: 143, signal: "SIGTERM", ranMs: 59_000 })).toEqual(["lane.failed: killed by SIGTERM"]);
    expect(said(lane, { code: 1, ranMs: 59_000 })).toEqual(["lane.failed: exit code 1"]);
  });

  test("is failed by its time limit even when the agent caught the signal and says that all is well", () => {
    expect(said(running({ timeoutMs: 60_000 }), { code: 0 })).toEqual([
      "lane.failed: stopped after its time limit of 60 s",
    ]);
  });

  test("waits for a person when the engine could not commit what was left", () => {
    expect(said(running(), { uncommitted: "its work could not be committed: index.lock" })).toEqual([
      "lane.waiting: its work could not be committed: index.lock",
    ]);
  });

  test("is not tried again by itself when values were lent for one run only", () => {
    const [, event] = verdict(running({ retries: 2, env: ["API_KEY"] }), ended({ code: 1 }), now);
    expect(event).toEqual({ type: "lane.failed", key: "a", why: "exit code 1" });
  });

  test("tries again as often as the lane allows, each time later", () => {
    const once = verdict(running({ retries: 1 }), ended({ code: 1 }), now)[1] as { retryAt?: number };
    expect(once.retryAt).toBe(now + 1000);
    const again = verdict({ ...running({ retries: 1 }), failures: 1 }, ended({ code: 1 }), now)[1];
    expect(again).not.toHaveProperty("retryAt");
    expect([1, 2, 3, 4, 5, 6, 20].map(backoffMs)).toEqual([1000, 4000, 16_000, 64_000, 256_000, 300_000, 300_000]);
  });

  test("parks a lane that failed quickly three times in a row", () => {
    expect(said(running(), { code: 1, ranMs: 0 })).toEqual(["lane.failed: exit code 1"]);
    const third = { ...running(), failures: 2 };
    expect(said(third, { code: 1, ranMs: quickMs - 1 })).toEqual([
      "lane.failed: exit code 1",
      "lane.parked: exit code 1; 3 quick failures in a row",
    ]);
    expect(said(third, { code: 1, ranMs: quickMs })).toEqual(["lane.failed: exit code 1"]);
  });

  test("does what the person who stopped it wanted, whatever the exit code", () => {
    const stopping = (then: "pause" | "cancel" | "queue") => ({ ...running(), stopping: { then, at: now } });
    expect(said(stopping("pause"), { code: 143, dirty: ["x"] })).toEqual([
      "lane.paused: stopped, 1 file not committed",
    ]);
    expect(said(stopping("cancel"), { code: 0 })).toEqual(["lane.paused: stopped", "lane.cancelled: cancelled"]);
    expect(said(stopping("queue"), { code: 0 })).toEqual(["lane.paused: stopped", "lane.queued: tried again"]);
  });

  test("that was frozen begins with the end of that, and takes effect whatever it is", () => {
    for (const end of [{}, { code: 1 }, { commits: 0 }, { dirty: ["x"] }, { code: 137, signal: "SIGKILL" }]) {
      for (const then of [undefined, "pause", "cancel", "queue"] as const) {
        for (const judge of [verdict, (lane: Lane) => lostVerdict(lane, now)]) {
          const state = frozenLane();
          if (then) tell(state, [{ type: "lane.stop-asked", key: "a", then }]);
          const events = judge(laneOf(state, "a"), ended(end), now);
          expect(events[0]).toEqual({ type: "lane.thawed", key: "a", n: 1, why: "" });
          expect(tell(state, events)).toMatchObject({ effective: true });
          expect(laneOf(state, "a").state).not.toBe("running");
        }
      }
    }
  });

  test("that died frozen is failed and not tried again; one that was resumed is", () => {
    const state = frozenLane({ retries: 2 });
    const killed = { code: 137, signal: "SIGKILL" };
    expect(said(laneOf(state, "a"), killed).slice(1)).toEqual(["lane.failed: killed by SIGKILL while it was frozen"]);
    expect(verdict(laneOf(state, "a"), ended(killed), now).at(-1)).not.toHaveProperty("retryAt");
    tell(state, [{ type: "lane.resume-asked", key: "a" }]);
    expect(verdict(laneOf(state, "a"), ended({ code: 3 }), now).at(-1)).toMatchObject({
      why: "exit code 3",
      retryAt: now + 1000,
    });
    const asked = laneIn("running", { retries: 2 });
    tell(asked, [{ type: "lane.freeze-asked", key: "a" }]);
    expect(verdict(laneOf(asked, "a"), ended({ code: 3 }), now).at(-1)).toEqual({
      type: "lane.failed",
      key: "a",
      why: "exit code 3",
    });
  });

  test("counts no time in which it was frozen", () => {
    const state = frozenLane({ timeoutMs: 60_000 });
    tell(state, [{ type: "lane.resume-asked", key: "a" }]);
    tell(state, [{ type: "lane.thawed", key: "a", n: 1, why: "" }]);
    const { frozenMs = 0 } = laneOf(state, "a").run ?? {};
    const late = { ranMs: 60_000 + frozenMs };
    expect(said(laneOf(state, "a"), late)).toEqual(["lane.failed: stopped after its time limit of 60 s"]);
    expect(said(laneOf(state, "a"), { ranMs: late.ranMs - 1 })).toEqual(["lane.readied"]);
  });
});

describe("the verdict on a run that is gone", () => {
  test("is lost, or what the person who stopped it wanted", () => {
    const lane = running();
    const types = (then?: "pause" | "cancel") =>
      lostVerdict(then ? { ...lane, stopping: { then, at: now } } : lane, now).map((event) => event.type);
    expect(types()).toEqual(["lane.lost"]);
    expect(types("pause")).toEqual(["run.exited", "lane.paused"]);
    expect(types("cancel")).toEqual(["run.exited", "lane.paused", "lane.cancelled"]);
  });

  test("takes effect from every state in which a run lives", () => {
    const waiting: Event = { type: "lane.waiting", key: "a", why: "asks", paths: [] };
    for (const then of [undefined, "pause", "cancel"] as const) {
      for (const state of [laneIn("starting"), laneIn("running"), laneIn("running")]) {
        if (state.position === 5 && laneOf(state, "a").progress === undefined) tell(state, [waiting]);
        if (then) tell(state, [{ type: "lane.stop-asked", key: "a", then }]);
        expect(tell(state, lostVerdict(laneOf(state, "a"), now)).effective).toBe(true);
      }
    }
  });

  test("names a run even when the log knows none", () => {
    const lane = { ...running(), run: undefined, stopping: { then: "pause", at: now } } as const;
    expect(lostVerdict(lane, now)[0]).toMatchObject({ type: "run.exited", n: 0, code: -1 });
  });
});
