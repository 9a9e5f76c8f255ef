import { describe, expect, test } from "vitest";

import { codeOf, type Goal, isDue, isOpened, isSettled } from "../../src/cli/settle.ts";
import type { LaneSpec, State } from "../../src/core/state.ts";
import { force, frozenLane, laneIn, laneOf, limits, now, reachable, tell, withLane } from "../core/build.ts";

const moment = (state: State) => ({ state, now, limits });
const settled = (state: State, goal: Goal, id = "a"): boolean => isSettled(moment(state), goal, laneOf(state, id));
const manual: Partial<LaneSpec> = { agent: "manual" };

/** For each state of a lane: what a wait for the goal does with it. */
const waitingFor = (goal: Goal, over: Partial<LaneSpec> = {}): string =>
  `\n${reachable
    .map((to) => {
      const state = laneIn(to, over);
      return `${to}: ${settled(state, goal) ? `exit ${codeOf(goal, laneOf(state, "a"))}` : "waits"}`;
    })
    .join("\n")}\n`;

describe("a wait for", () => {
  test("work ends when the lane is ready, or stands still", () => {
    expect(waitingFor("run")).toMatchInlineSnapshot(`
      "
      planned: exit 4
      queued: waits
      starting: waits
      running: waits
      waiting: exit 4
      paused: exit 4
      finished-empty: exit 1
      failed: exit 1
      lost: exit 1
      parked: exit 1
      ready: exit 0
      merge-queued: exit 0
      merging: exit 0
      conflicted: exit 2
      checks-failed: exit 1
      landed-pending: exit 0
      merged: exit 0
      undone: exit 4
      cancelled: exit 4
      "
    `);
  });

  test("a landing ends when the lane is on the target, or out of the queue", () => {
    expect(waitingFor("merge")).toMatchInlineSnapshot(`
      "
      planned: exit 4
      queued: exit 4
      starting: exit 4
      running: exit 4
      waiting: exit 4
      paused: exit 4
      finished-empty: exit 1
      failed: exit 1
      lost: exit 1
      parked: exit 1
      ready: exit 4
      merge-queued: waits
      merging: waits
      conflicted: exit 2
      checks-failed: exit 1
      landed-pending: exit 4
      merged: exit 0
      undone: exit 4
      cancelled: exit 4
      "
    `);
  });

  test("a probe ends when its report is on the target; the merge is asked for by the engine", () => {
    expect(waitingFor("probe", { kind: "probe" })).toMatchInlineSnapshot(`
      "
      planned: exit 4
      queued: waits
      starting: waits
      running: waits
      waiting: exit 4
      paused: exit 4
      finished-empty: exit 1
      failed: exit 1
      lost: exit 1
      parked: exit 1
      ready: waits
      merge-queued: waits
      merging: waits
      conflicted: exit 2
      checks-failed: exit 1
      landed-pending: exit 4
      merged: exit 0
      undone: exit 4
      cancelled: exit 4
      "
    `);
  });

  test("a stop ends when nothing runs or is about to", () => {
    expect(waitingFor("stop")).toMatchInlineSnapshot(`
      "
      planned: exit 0
      queued: waits
      starting: waits
      running: waits
      waiting: exit 0
      paused: exit 0
      finished-empty: exit 0
      failed: exit 0
      lost: exit 0
      parked: exit 0
      ready: exit 0
      merge-queued: exit 0
      merging: exit 0
      conflicted: exit 0
      checks-failed: exit 0
      landed-pending: exit 0
      merged: exit 0
      undone: exit 0
      cancelled: exit 0
      "
    `);
  });

  test("a cancellation ends when the lane is cancelled, or cannot be", () => {
    expect(waitingFor("cancel")).toMatchInlineSnapshot(`
      "
      planned: exit 4
      queued: exit 4
      starting: waits
      running: waits
      waiting: exit 4
      paused: exit 4
      finished-empty: exit 4
      failed: exit 4
      lost: exit 4
      parked: exit 4
      ready: exit 4
      merge-queued: exit 4
      merging: exit 4
      conflicted: exit 4
      checks-failed: exit 4
      landed-pending: exit 4
      merged: exit 4
      undone: exit 4
      cancelled: exit 0
      "
    `);
  });
});

describe("a wait for a freeze or a thaw", () => {
  const asked = (state: State, type: "lane.freeze-asked" | "lane.resume-asked"): State => {
    tell(state, [{ type, key: "a" }]);
    return state;
  };

  test("ends when nobody wants it any more, with what became of it", () => {
    const goals = (state: State) =>
      (["freeze", "resume"] as const).map((goal) => settled(state, goal) && codeOf(goal, laneOf(state, "a")));
    expect(goals(laneIn("running"))).toEqual([4, 0]);
    expect(goals(asked(laneIn("running"), "lane.freeze-asked"))).toEqual([false, false]);
    expect(goals(frozenLane())).toEqual([0, 4]);
    expect(goals(asked(frozenLane(), "lane.resume-asked"))).toEqual([false, false]);
  });

  test("is the engine's turn; work is waited for until it stands still, and again when it is to go on", () => {
    const freezing = asked(laneIn("running"), "lane.freeze-asked");
    const thawing = asked(frozenLane(), "lane.resume-asked");
    expect([freezing, thawing, frozenLane()].map((state) => isDue(moment(state), laneOf(state, "a")))).toEqual([
      true,
      true,
      false,
    ]);
    expect([freezing, thawing, frozenLane()].map((state) => settled(state, "run"))).toEqual([false, false, true]);
    expect(codeOf("run", laneOf(frozenLane(), "a"))).toBe(4);
    expect(settled(frozenLane(), "stop")).toBe(false);
  });
});

describe("a lane in the queue", () => {
  test("is waited for while what it depends on moves", () => {
    expect(settled(withLane(laneIn("running"), "queued", { dependsOn: ["a"] }), "run", "b")).toBe(false);
    expect(settled(withLane(laneIn("queued"), "queued", { dependsOn: ["a"] }), "run", "b")).toBe(false);
  });

  test.each([
    "planned",
    "failed",
    "lost",
    "parked",
    "paused",
    "waiting",
    "conflicted",
    "cancelled",
    "finished-empty",
  ] as const)("is settled when what it depends on is %s", (to) => {
    const state = withLane(laneIn(to), "queued", { dependsOn: ["a"] });
    expect(settled(state, "run", "b")).toBe(true);
    expect(codeOf("run", laneOf(state, "b"))).toBe(4);
  });

  test("is waited for while what it depends on is tried again by itself", () => {
    const state = withLane(laneIn("failed"), "queued", { dependsOn: ["a"] });
    expect(settled(force(state, "a", { retryAt: now + 1000 }), "run", "b")).toBe(false);
  });

  test("is settled at the end of a chain whose head stands still, and waited for while it moves", () => {
    const chain = (head: State): State =>
      withLane(withLane(head, "queued", { dependsOn: ["a"] }), "queued", { dependsOn: ["b"] }, "c");
    expect(settled(chain(laneIn("failed")), "run", "c")).toBe(true);
    expect(settled(chain(laneIn("running")), "run", "c")).toBe(false);
  });

  test("is waited for when two ways lead to the same lane that moves", () => {
    const diamond = withLane(
      withLane(withLane(laneIn("queued"), "queued", { dependsOn: ["a"] }), "queued", { dependsOn: ["a"] }, "c"),
      "queued",
      { dependsOn: ["b", "c"] },
      "d",
    );
    expect(settled(diamond, "run", "d")).toBe(false);
  });

  test("is settled when the turn it waits for is held by a person", () => {
    const held = laneIn("waiting", { ...manual, parallel: false });
    expect(settled(withLane(held, "queued", { parallel: false }), "run", "b")).toBe(true);
    const busy = laneIn("running", { parallel: false });
    expect(settled(withLane(busy, "queued", { parallel: false }), "run", "b")).toBe(false);
  });
});

describe("a lane in the merge queue", () => {
  test("is waited for while what it depends on is in the queue too", () => {
    expect(settled(withLane(laneIn("merge-queued"), "merge-queued", { dependsOn: ["a"] }), "merge", "b")).toBe(false);
    expect(settled(withLane(laneIn("merged"), "merge-queued", { dependsOn: ["a"] }), "merge", "b")).toBe(false);
  });

  test.each(["ready", "conflicted", "checks-failed", "landed-pending"] as const)(
    "is settled when what it depends on is %s",
    (to) => {
      const state = withLane(laneIn(to), "merge-queued", { dependsOn: ["a"] });
      expect(settled(state, "merge", "b")).toBe(true);
      expect(codeOf("merge", laneOf(state, "b"))).toBe(4);
    },
  );
});

describe("a probe", () => {
  test("that the queue sent back is settled: asking again would not help", () => {
    const state = laneIn("ready", { kind: "probe" });
    expect(settled(state, "probe")).toBe(false);
    expect(settled(force(state, "a", { detail: "nothing lands without a check" }), "probe")).toBe(true);
  });
});

describe("a manual lane", () => {
  test("is there as soon as it is open, and is not waited for", () => {
    const state = laneIn("waiting", manual);
    expect(settled(state, "run")).toBe(true);
    expect(isOpened(laneOf(state, "a"))).toBe(true);
    expect(codeOf("run", laneOf(state, "a"))).toBe(0);
    expect(settled(laneIn("running", manual), "run")).toBe(true);
    expect(settled(laneIn("starting", manual), "run")).toBe(false);
  });
});

describe("the engine", () => {
  const due = (state: State, id = "a"): boolean => isDue(moment(state), laneOf(state, id));

  test.each(["queued", "starting", "merge-queued"] as const)("should do something about a lane that is %s", (to) => {
    expect(due(laneIn(to))).toBe(true);
  });

  test.each(["running", "waiting", "ready", "merged", "failed", "landed-pending"] as const)(
    "may be silent about a lane that is %s",
    (to) => {
      expect(due(laneIn(to))).toBe(false);
    },
  );

  test("may be silent while a check runs and while all slots are taken", () => {
    expect(due(laneIn("merging"))).toBe(false);
    const full = withLane(withLane(laneIn("running"), "running"), "queued", {}, "c");
    expect(due(full, "c")).toBe(false);
  });

  test("should end a run that is to be stopped, retry what is due and remove what is asked for", () => {
    expect(due(force(laneIn("running"), "a", { stopping: { then: "pause", at: now } }))).toBe(true);
    expect(due(force(laneIn("failed"), "a", { retryAt: now }))).toBe(true);
    expect(due(force(laneIn("failed"), "a", { retryAt: now + 1 }))).toBe(false);
    expect(due(force(laneIn("merged"), "a", { removal: "c1" }))).toBe(true);
  });
});
