import { describe, expect, test } from "vitest";

import type { RepoSeen } from "../../src/core/observed.ts";
import { emptyState, type State } from "../../src/core/state.ts";
import { trackerOf } from "../../src/core/tracker.ts";
import { force, laneIn, laneOf, limits, now, reachable, tell, timeOf, withLane } from "./build.ts";

interface Tracker {
  readonly version: string;
  readonly phase: number;
  readonly status: string;
  readonly agents: Readonly<Record<string, object>>;
  readonly lanes: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly queue: { readonly entries: readonly object[]; readonly pending: readonly string[] };
  readonly locks: object;
}
const tracked = (state: State, seen?: RepoSeen): Tracker =>
  JSON.parse(JSON.stringify(trackerOf(state, seen, now, limits))) as Tracker;
const statusOf = (...states: (typeof reachable)[number][]): string => {
  const state = emptyState();
  for (const [index, to] of states.entries()) withLane(state, to, {}, `l${index}`);
  return tracked(state).status;
};

describe("the tracker", () => {
  test("has the keys of seed 001 and ours", () => {
    const state = withLane(laneIn("running", { tasks: ["write"], priority: "high" }), "merged", { parallel: false });
    tell(state, [{ type: "phase.entered", phase: 3 }]);
    expect(JSON.stringify(trackerOf(state, undefined, now, limits), undefined, 2)).toMatchInlineSnapshot(`
      "{
        "version": "1.0.0",
        "schemaVersion": 1,
        "phase": 3,
        "status": "running",
        "target": "main",
        "agents": {
          "agent-a": {
            "worktree": ".worktrees/a",
            "lane": "a",
            "status": "running",
            "branch": "lane/a/work"
          },
          "agent-b": {
            "worktree": ".worktrees/b",
            "lane": "b",
            "status": "completed",
            "branch": "lane/b/work"
          }
        },
        "lanes": {
          "a": {
            "status": "running",
            "state": "running",
            "detail": "",
            "name": "a",
            "kind": "work",
            "tasks": [
              "write"
            ],
            "results": [],
            "priority": "high",
            "parallel": true,
            "dependsOn": [],
            "paths": [],
            "branch": "lane/a/work",
            "worktree": ".worktrees/a",
            "worktreePresent": true,
            "agent": "agent-a",
            "since": "2026-01-02T02:04:10.000Z",
            "run": {
              "n": 1,
              "base": "base0",
              "pid": 4242,
              "startedAt": "2026-01-02T03:03:05.000Z",
              "endedAt": null,
              "code": null,
              "signal": null,
              "frozen": false
            },
            "failures": 0,
            "merge": null,
            "git": null,
            "conflictsWith": [],
            "waitsFor": [],
            "rev": 5
          },
          "b": {
            "status": "completed",
            "state": "merged",
            "detail": "candida on main",
            "name": "b",
            "kind": "work",
            "tasks": [],
            "results": [],
            "priority": "normal",
            "parallel": false,
            "dependsOn": [],
            "paths": [],
            "branch": "lane/b/work",
            "worktree": ".worktrees/b",
            "worktreePresent": true,
            "agent": "agent-b",
            "since": "2026-01-02T02:04:19.000Z",
            "run": {
              "n": 1,
              "base": "base0",
              "pid": 4242,
              "startedAt": "2026-01-02T03:03:05.000Z",
              "endedAt": "2026-01-02T03:04:04.000Z",
              "code": 0,
              "signal": null,
              "frozen": false
            },
            "failures": 0,
            "merge": {
              "commit": "candidate1",
              "target": "main",
              "before": "onto1",
              "check": "passed",
              "at": "2026-01-02T02:04:19.000Z"
            },
            "git": null,
            "conflictsWith": [],
            "waitsFor": [],
            "rev": 14
          }
        },
        "locks": {},
        "queue": {
          "entries": [],
          "pending": [],
          "flaky": 0
        },
        "metrics": {
          "lanes": 2,
          "merged": 1,
          "running": 1,
          "attention": 0,
          "failed": 0,
          "percent": 65,
          "restarts": 0,
          "records": {
            "effective": 15,
            "void": 0,
            "damaged": 0,
            "unknown": 0,
            "newer": 0
          }
        },
        "warnings": [],
        "observedAt": null,
        "_meta": {
          "position": 15,
          "schema": 1,
          "fold": 1
        }
      }"
    `);
  });

  test("holds all that scripts of the seed look for, whatever state a lane is in", () => {
    for (const to of reachable) {
      const { version, phase, status, agents, lanes } = tracked(laneIn(to));
      expect([version, phase]).toEqual(["1.0.0", 0]);
      expect(["created", "running", "completed", "failed"]).toContain(status);
      expect(Object.keys(agents["agent-a"] ?? {})).toEqual(["worktree", "lane", "status", "branch"]);
      expect(lanes["a"]).toMatchObject({ tasks: [], results: [], priority: "normal", parallel: true });
      expect(["created", "running", "completed", "failed"]).toContain(lanes["a"]?.["status"]);
    }
  });

  test("has one word for everything", () => {
    expect(statusOf()).toBe("created");
    expect(statusOf("cancelled")).toBe("created");
    expect(statusOf("planned", "queued")).toBe("created");
    expect(statusOf("planned", "merged")).toBe("running");
    expect(statusOf("planned", "failed")).toBe("running");
    expect(statusOf("running", "failed")).toBe("running");
    expect(statusOf("merged", "failed")).toBe("failed");
    expect(statusOf("merged", "ready", "cancelled")).toBe("completed");
  });

  test("lets an agent's entry speak of the lane that it touched last", () => {
    const state = withLane(laneIn("running", { agent: "bob" }), "planned", { agent: "bob" });
    expect(tracked(state).agents).toMatchObject({ bob: { lane: "b" } });
    tell(state, [{ type: "lane.lost", key: "a", why: "" }]);
    expect(tracked(state).agents).toMatchObject({ bob: { lane: "a", status: "failed" } });
  });

  test("shows what git showed, when somebody looked", () => {
    const lane = { head: "h", subject: "s", ahead: 1, behind: 0, worktree: "present" } as const;
    const seen = (dirty?: readonly string[]): RepoSeen => ({
      at: now,
      target: undefined,
      lanes: new Map([["a", dirty ? { ...lane, dirty } : lane]]),
      branches: [],
      locks: [{ path: "index.lock", ageMs: 1000 }],
    });
    expect(tracked(laneIn("ready")).lanes["a"]?.["git"]).toBeNull();
    expect(tracked(laneIn("ready"), seen()).lanes["a"]?.["git"]).toEqual({ ...lane, dirty: null });
    expect(tracked(laneIn("ready"), seen(["x", "y"]))).toMatchObject({
      observedAt: "2026-01-02T03:04:05.000Z",
      lanes: { a: { git: { dirty: 2 } } },
      locks: { "index.lock": { kind: "git", since: "2026-01-02T03:04:04.000Z" } },
    });
  });

  test("shows the merge queue in its order, and what is held up by a checkout", () => {
    let state = withLane(laneIn("merge-queued"), "merging");
    state = withLane(state, "landed-pending", {}, "c");
    expect(tracked(state).queue).toEqual({
      entries: [
        {
          position: 1,
          lane: "b",
          target: "main",
          phase: "merging",
          stage: "testing",
          holder: "b",
          lanes: ["b"],
          requestedAt: expect.any(String),
          estimatedMs: null,
          candidate: "candidate1",
        },
        {
          position: 2,
          lane: "a",
          target: "main",
          phase: "merge-queued",
          stage: "waiting",
          holder: "b",
          lanes: ["a"],
          estimatedMs: null,
          requestedAt: new Date(timeOf(7)).toISOString(),
          candidate: null,
        },
      ],
      pending: ["c"],
      flaky: 0,
    });
    force(state, "a", { merge: undefined });
    expect(tracked(state).queue.entries).toHaveLength(2);
  });

  test("shows a run's end, what blocks a lane and its progress, when there is some", () => {
    const state = laneIn("conflicted", { dependsOn: ["gone"] });
    expect(tracked(state).lanes["a"]).toMatchObject({
      run: { code: 0, signal: null, pid: 4242 },
      blockedPaths: ["a.txt", "b.txt"],
      conflictsWith: ["target"],
      waitsFor: ["gone"],
    });
    const starting = laneIn("starting");
    tell(starting, [{ type: "lane.progressed", key: "a", text: "soon" }]);
    expect(tracked(starting).lanes["a"]).toMatchObject({
      progress: "soon",
      run: { startedAt: null, endedAt: null, code: null },
    });
    expect(laneOf(starting, "a").landed).toBeUndefined();
  });
});
