import { describe, expect, test } from "vitest";

import type { LaneSeen, RepoSeen } from "../../src/core/observed.ts";
import {
  agentRows,
  branchRows,
  detailOf,
  laneRows,
  lockRows,
  needsPerson,
  nextStep,
  overview,
  phaseNames,
  whyLine,
} from "../../src/core/select.ts";
import { emptyState, type State } from "../../src/core/state.ts";
import {
  force,
  frozenLane,
  idleSpec,
  laneIn,
  laneOf,
  limits,
  now,
  process,
  reachable,
  tell,
  withLane,
} from "./build.ts";

const why = (state: State, id = "a"): string => whyLine(state, laneOf(state, id), now, limits);
const detail = (state: State, id = "a"): string => detailOf(state, laneOf(state, id), now, limits);

const laneSeen: LaneSeen = { head: "h", subject: "s", ahead: 2, behind: 1, worktree: "present", dirty: ["x"] };
const repoSeen: RepoSeen = {
  at: now,
  target: { name: "main", head: "m", subject: "first" },
  lanes: new Map([["a", laneSeen]]),
  branches: [
    { name: "old", head: "o", subject: "", committedAt: 1 },
    { name: "new", head: "n", subject: "", committedAt: 9 },
    { name: "lane/a/work", head: "h", subject: "s", committedAt: 5 },
    { name: "main", head: "m", subject: "first", committedAt: 2 },
  ],
  locks: [{ path: "index.lock", ageMs: 3000 }],
};

describe("why a lane is where it is", () => {
  test("reads like this in each state", () => {
    const lines = reachable.map((to) => why(laneIn(to)));
    lines.push(why(force(laneIn("merged"), "a", { state: "undone", landed: undefined })));
    expect(`\n${lines.join("\n")}\n`).toMatchInlineSnapshot(`
      "
      a is planned; next: lanes launch a
      a is queued
      a is starting
      a is running
      a is waiting: 1 file not committed; next: commit or drop the files in .worktrees/a, then lanes merge a or lanes retry a
      a is paused: stopped; next: lanes resume a
      a is finished-empty: the run ended without a commit; next: lanes log a; lanes retry a
      a is failed: exit code 3; next: lanes log a; lanes retry a
      a is lost: its run is gone and left no exit code; next: lanes log a; lanes retry a
      a is parked: 3 quick failures in a row; next: lanes log a; lanes retry a
      a is ready; next: lanes merge a
      a is merge-queued: next to be merged
      a is merging: its merge with the target is being checked
      a is conflicted: 2 files do not merge: a.txt, b.txt; next: lanes resolve a, or lanes handoff a gives it back to its agent
      a is checks-failed: exit code 1; next: mend it in .worktrees/a, then lanes merge a; or lanes retry a
      a is landed-pending: c.txt is in the way; next: commit or move what is in the way in your checkout; it lands by itself
      a is merged: candida on main; next: lanes cleanup
      a is undone: main is at onto1 again; next: lanes merge a
      a is cancelled: cancelled
      a is undone; next: lanes merge a
      "
    `);
  });

  test("says that a frozen lane stands still, for how long, and what is wished of it", () => {
    const state = frozenLane();
    const lines = [whyLine(state, laneOf(state, "a"), now, limits, "5 min")];
    for (const event of [
      { type: "lane.resume-asked", key: "a" },
      { type: "lane.thawed", key: "a", n: 1, why: "" },
      { type: "lane.freeze-asked", key: "a" },
      { type: "lane.thawed", key: "a", n: 1, why: "could not be frozen" },
      { type: "lane.stop-asked", key: "a", then: "queue" },
    ] as const) {
      tell(state, [event]);
      lines.push(why(state));
    }
    expect(`\n${lines.join("\n")}\n`).toMatchInlineSnapshot(`
      "
      a is paused for 5 min: frozen, its processes stand still; next: lanes resume a
      a is paused: is being resumed
      a is running
      a is running: is being frozen
      a is running: could not be frozen
      a is running: is being stopped, to run again
      "
    `);
  });

  test("names the whole chain that it waits for", () => {
    const state = withLane(laneIn("failed"), "planned", { dependsOn: ["a"] });
    withLane(state, "queued", { dependsOn: ["b"] }, "c");
    expect(why(state, "c")).toBe("c is queued: blocked by a (failed); a is failed (exit code 3)");
    force(state, "a", { retryAt: now + 1 });
    expect(why(state, "c")).toBe("c is queued: waits for b; b is planned (waits for a); a is failed (exit code 3)");
  });

  test("ends although lanes wait for each other, or for nothing there is", () => {
    const state = withLane(laneIn("queued", { dependsOn: ["b"] }), "queued", { dependsOn: ["a"] });
    expect(why(state)).toBe("a is queued: waits for b; b is queued (waits for a)");
    withLane(state, "queued", { dependsOn: ["a"] }, "c");
    expect(why(state, "c")).toBe("c is queued: waits for a; a is queued (waits for b); b is queued (waits for a)");
    expect(why(laneIn("queued", { dependsOn: ["gone"] }))).toBe("a is queued: blocked by gone (unknown)");
    const merging = withLane(laneIn("merging"), "queued", { dependsOn: ["c"] });
    withLane(merging, "planned", {}, "c");
    expect(why(merging, "b")).toBe("b is queued: waits for c; c is planned");
  });

  test("says the next step of a lane in which a person works, and of one that was merged and cleaned up", () => {
    const state = laneIn("waiting", { agent: "manual" });
    expect(nextStep(state, laneOf(state, "a"))).toBe("commit in .worktrees/a, then lanes merge a");
    expect(nextStep(state, { ...laneOf(laneIn("merged"), "a"), worktree: false })).toBe("");
  });

  test("says what a lane lacks that nothing can start", () => {
    const idle = emptyState();
    tell(idle, [{ type: "lane.added", key: "a", spec: idleSpec() }]);
    expect(why(idle)).toBe(
      'a is planned; next: lanes cancel a, then lanes add-lane a JSON with a "command", a roster "agent", or "agent": "manual" for a lane in which you work',
    );
  });

  test("says how a lane goes on without a dependency that was cancelled, its own or one further on", () => {
    const state = withLane(laneIn("cancelled"), "queued", { dependsOn: ["a", "m"] });
    withLane(state, "merged", {}, "m");
    withLane(state, "queued", { dependsOn: ["b", "m", "unknown"] }, "c");
    withLane(state, "merge-queued", { dependsOn: ["a"] }, "d");
    withLane(state, "planned", { dependsOn: ["a"] }, "e");
    const patch = (id: string, left = "") => `next: lanes tracker patch '{"lanes":{"${id}":{"dependsOn":[${left}]}}}'`;
    expect(why(state, "b")).toBe(
      `b is queued: blocked by a (cancelled); a is cancelled (cancelled); ${patch("b", '"m"')}`,
    );
    expect(why(state, "c").endsWith(patch("b", '"m"'))).toBe(true);
    expect(why(state, "d")).toBe(`d is merge-queued: waits for a, which is cancelled; ${patch("d")}`);
    expect(why(state, "e").endsWith(patch("e"))).toBe(true);
  });
});

describe("the detail of a lane", () => {
  test("is the wish to stop it, as long as that is not carried out", () => {
    const state = laneIn("running");
    tell(state, [{ type: "lane.stop-asked", key: "a", then: "pause" }]);
    expect(detail(state)).toBe("is being stopped");
    tell(state, [{ type: "lane.stop-asked", key: "a", then: "cancel" }]);
    expect(detail(state)).toBe("is being cancelled");
  });

  test("is its progress while it runs, and no longer", () => {
    const state = laneIn("running");
    expect(detail(state)).toBe("");
    tell(state, [{ type: "lane.progressed", key: "a", text: "half way" }]);
    expect(detail(state)).toBe("half way");
    tell(state, [{ type: "lane.lost", key: "a", why: "" }]);
    expect(detail(state)).toBe("");
  });

  test("is its place in the merge queue, and what has to land before", () => {
    const state = withLane(laneIn("merge-queued"), "merge-queued");
    expect([detail(state, "a"), detail(state, "b")]).toEqual(["next to be merged", "2. in the merge queue"]);
    withLane(state, "merge-queued", { dependsOn: ["b"] }, "c");
    expect(detail(state, "c")).toBe("lands after b");
  });

  test("is how far its merge is", () => {
    const state = laneIn("merging");
    expect(detail(state)).toBe("its merge with the target is being checked");
    tell(state, [{ type: "merge.tested", key: "a", candidate: "candidate1", result: "unchecked" }]);
    expect(detail(state)).toBe("is landing");
  });

  test("is the merge commit, marked when it was not checked", () => {
    const state = laneIn("merged");
    expect(detail(state)).toBe("candida on main");
    const { landed } = laneOf(state, "a");
    force(state, "a", landed ? { landed: { ...landed, tested: "unchecked" } } : {});
    expect(detail(state)).toBe("candida on main, unchecked");
    expect(detail(force(state, "a", { landed: undefined }))).toBe("");
  });

  test("is the conflict, with its paths when they are known", () => {
    expect(detail(laneIn("conflicted"))).toBe("2 files do not merge: a.txt, b.txt");
    expect(detail(force(laneIn("conflicted"), "a", { paths: [] }))).toBe("2 files do not merge");
  });
});

describe("a lane needs a person", () => {
  test("in states that end only by one", () => {
    expect(reachable.filter((to) => needsPerson(laneOf(laneIn(to), "a")))).toEqual([
      "waiting",
      "finished-empty",
      "failed",
      "lost",
      "parked",
      "conflicted",
      "checks-failed",
      "landed-pending",
    ]);
    expect(needsPerson(laneOf(force(laneIn("failed"), "a", { retryAt: now }), "a"))).toBe(false);
  });
});

describe("the lanes pane", () => {
  test("has a row for each lane, in the order in which they were added, with what git shows", () => {
    const rows = laneRows(withLane(laneIn("running"), "ready", { agent: "bob" }), repoSeen, now, limits);
    expect(rows.map(({ id, glyph, agent, git, attention }) => ({ id, glyph, agent, git, attention }))).toEqual([
      { id: "a", glyph: "→", agent: "agent-a", git: laneSeen, attention: false },
      { id: "b", glyph: "✓", agent: "bob", git: undefined, attention: false },
    ]);
  });
});

describe("the agents pane", () => {
  test("shows who does the work, and what is known of how", () => {
    const rows = reachable.map((to) =>
      agentRows(laneIn(to)).map((row) => `${to}: ${row.status} (${row.source}) ${row.pid ?? ""}`),
    );
    expect(`\n${rows.flat().join("\n")}\n`).toMatchInlineSnapshot(`
      "
      starting: starting (process) 
      running: working (process) 4242
      waiting: done (journal) 
      paused: paused (journal) 
      finished-empty: done (journal) 
      failed: error (journal) 
      lost: lost (journal) 
      parked: error (journal) 
      ready: done (journal) 
      merge-queued: done (journal) 
      merging: done (journal) 
      conflicted: done (journal) 
      checks-failed: done (journal) 
      landed-pending: done (journal) 
      merged: done (journal) 
      undone: done (journal) 
      "
    `);
  });

  test("shows a frozen agent as paused, with its process", () => {
    expect(agentRows(frozenLane())).toMatchObject([{ status: "paused", source: "process", pid: 4242 }]);
    expect(overview(frozenLane(), undefined).running).toBe(0);
  });

  test("shows an agent that asks as blocked, and counts its restarts", () => {
    const state = laneIn("running");
    tell(state, [{ type: "lane.waiting", key: "a", why: "asks", paths: [] }]);
    expect(agentRows(state)).toMatchObject([{ status: "blocked", restarts: 0, run: 1 }]);
    const again = laneIn("failed");
    tell(again, [{ type: "lane.queued", key: "a", why: "" }]);
    tell(again, [{ type: "run.asked", key: "a", n: 2, base: "" }]);
    expect(agentRows(again)).toMatchObject([
      { status: "starting", restarts: 1, run: 2, since: laneOf(again, "a").since },
    ]);
  });

  test("shows a person as you", () => {
    const state = laneIn("starting", { agent: "manual" });
    expect(agentRows(state)).toMatchObject([{ name: "you", status: "done", source: "person", pid: undefined }]);
    tell(state, [{ type: "lane.opened", key: "a", base: "" }]);
    expect(agentRows(state)).toMatchObject([{ status: "idle" }]);
  });
});

describe("the locks pane", () => {
  test("shows who keeps others out", () => {
    const state = laneIn("merging");
    expect(lockRows(state, undefined)).toMatchObject([{ kind: "merge", what: "1. testing: main", holder: "a" }]);
    tell(state, [{ type: "engine.elected", process, version: "1" }]);
    expect(lockRows(state, repoSeen).map(({ kind, holder }) => `${kind}: ${holder}`)).toEqual([
      "engine: pid 4242, token 9",
      "merge: a",
      "git: git",
    ]);
    expect(lockRows(emptyState(), repoSeen)).toEqual([
      { kind: "git", what: "index.lock", holder: "git", since: now - 3000, life: "" },
    ]);
    const locked = {
      ...repoSeen,
      locks: [
        { path: "old.lock", ageMs: 20_000, held: false },
        { path: "slow.lock", ageMs: 20_000, held: true },
      ],
      guards: [{ name: "locks/tracker.lck", ageMs: 10 }],
      locked: [
        { path: "/r/usb", why: "on a stick", ageMs: 5 },
        { path: "/r/bare", why: "", ageMs: 5 },
      ],
    };
    expect(lockRows(emptyState(), locked).map(({ kind, what, holder, life }) => [kind, what, holder, life])).toEqual([
      ["guard", "locks/tracker.lck", "a script or us", ""],
      ["git", "old.lock", "nobody", "none"],
      ["git", "slow.lock", "git", "alive"],
      ["tree", "/r/usb", "on a stick", ""],
      ["tree", "/r/bare", "git worktree lock", ""],
    ]);
    tell(state, [{ type: "engine.retired", why: "" }]);
    expect(lockRows(state, undefined)).toHaveLength(1);
    expect(lockRows(force(state, "a", { merge: undefined }), undefined)).toMatchObject([{ what: "1. testing: main" }]);
  });
});

describe("the branches pane", () => {
  test("shows the target, then lanes, then the rest, newest first", () => {
    const rows = branchRows(repoSeen, laneRows(laneIn("ready"), repoSeen, now, limits));
    expect(rows.map(({ name, kind, lane }) => `${kind} ${name} ${lane?.id ?? ""}`)).toEqual([
      "target main ",
      "lane lane/a/work a",
      "other new ",
      "other old ",
    ]);
    expect(branchRows(undefined, [])).toEqual([]);
  });
});

describe("the overview", () => {
  test("counts lanes and says how far they are, cancelled ones left out", () => {
    let state = laneIn("merged");
    for (const to of ["running", "ready", "failed", "cancelled"] as const) state = withLane(state, to, {}, to);
    expect(overview(state, repoSeen)).toEqual({
      phase: 0,
      phaseName: "ready",
      target: "main",
      targetHead: "m",
      total: 4,
      merged: 1,
      running: 1,
      attention: 1,
      failed: 1,
      inQueue: 0,
      percent: 57,
      void: 0,
      damaged: 0,
      remarks: 0,
    });
    expect(overview(withLane(laneIn("merge-queued"), "landed-pending"), undefined)).toMatchObject({ inQueue: 2 });
  });

  test("of an empty repository is empty", () => {
    expect(overview(emptyState(), undefined)).toMatchObject({ percent: 0, target: "", targetHead: "", total: 0 });
    expect(overview(emptyState(), repoSeen).target).toBe("main");
    expect(Object.keys(phaseNames)).toHaveLength(5);
  });
});
