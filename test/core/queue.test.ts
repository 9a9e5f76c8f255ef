import { describe, expect, test } from "vitest";

import { nextBatch } from "../../src/core/batch.ts";
import { batchMessage, checkOf, checkRunsOf, mergeMessage, notOnTarget, queueOrder } from "../../src/core/queue.ts";
import type { State } from "../../src/core/state.ts";
import { emptyState } from "../../src/core/state.ts";
import { force, laneIn, laneOf, tell, withLane } from "./build.ts";

const ids = (state: State): string =>
  queueOrder(state)
    .map(({ id }) => id)
    .join(" ");

const nextToMerge = (state: State) => nextBatch(state, { check: undefined, requireCheck: false })?.lanes[0];

test("a check that is under way has runs that are named after it", () => {
  const state = laneIn("merging");
  expect(checkRunsOf(laneOf(state, "a"))).toEqual(["check-a-8-k1", "check-a-8-k2", "check-a-8-k3", "check-a-8-k4"]);
  const { gate: _, ...merge } = laneOf(state, "a").merge ?? { position: 0, requestedAt: 0, rebuilt: 0 };
  force(state, "a", { merge });
  const idle = [undefined, laneOf(state, "a"), laneOf(laneIn("ready"), "a")];
  expect(idle.map((lane) => checkRunsOf(lane))).toEqual([[], [], []]);
});

describe("the merge queue", () => {
  test("takes lanes in the order in which they were asked for", () => {
    const state = withLane(withLane(laneIn("ready"), "merge-queued"), "merge-queued", {}, "c");
    tell(state, [{ type: "merge.asked", key: "a" }]);
    expect(ids(state)).toBe("b c a");
    expect(nextToMerge(state)?.id).toBe("b");
  });

  test("begins with whom a person wants first, after what that depends on, whatever it conflicts with", () => {
    const state = withLane(withLane(laneIn("merge-queued"), "merge-queued"), "ready", { dependsOn: ["b"] }, "c");
    tell(state, [{ type: "merge.asked", key: "c", first: true }]);
    expect(ids(state)).toBe("b c a");
    const predicted = new Map([["c", 5]]);
    expect(queueOrder(state, predicted).map(({ id }) => id)).toEqual(["b", "c", "a"]);
    expect(laneOf(state, "c").merge).toMatchObject({ first: true });
  });

  test("puts what a lane depends on before it", () => {
    const state = withLane(laneIn("merge-queued", { dependsOn: ["c"] }), "merge-queued");
    expect(ids(state)).toBe("a b");
    withLane(state, "merge-queued", {}, "c");
    expect(ids(state)).toBe("c a b");
    expect(nextToMerge(state)?.id).toBe("c");
  });

  test("passes over a lane whose dependencies are not on the target", () => {
    const state = withLane(withLane(emptyState(), "ready", {}, "a"), "merge-queued", { dependsOn: ["a"] });
    expect(notOnTarget(state, laneOf(state, "b"))).toEqual(["a"]);
    expect(nextToMerge(state)).toBeUndefined();
    withLane(state, "merged", {}, "c");
    withLane(state, "merge-queued", { dependsOn: ["c"] }, "d");
    expect(nextToMerge(state)?.id).toBe("d");
  });

  test("merges one lane at a time, and shows it first", () => {
    const state = withLane(laneIn("merge-queued"), "merging");
    expect(ids(state)).toBe("b a");
    expect(nextToMerge(state)).toBeUndefined();
  });

  test("goes on while a merge is held up by the user's checkout", () => {
    const state = withLane(laneIn("landed-pending"), "merge-queued");
    expect(nextToMerge(state)?.id).toBe("b");
  });

  test("comes to an end although lanes need each other or themselves", () => {
    const state = withLane(laneIn("merge-queued", { dependsOn: ["b", "a"] }), "merge-queued", { dependsOn: ["a"] });
    expect(ids(state)).toBe("b a");
    expect(nextToMerge(state)).toBeUndefined();
  });

  test("goes by a lane's last change when its request is not known", () => {
    const state = withLane(laneIn("merge-queued"), "merge-queued");
    force(state, "a", { merge: undefined, rev: 99 });
    expect(ids(state)).toBe("b a");
  });
});

describe("the check", () => {
  test("is the request's, else the lane's, else the configured one; an empty one is none", () => {
    const lane = laneOf(laneIn("merge-queued", { check: "lane" }), "a");
    const asked = (check: string) => ({ ...lane, merge: { position: 1, requestedAt: 1, rebuilt: 0, check } });
    expect([checkOf(asked("asked"), "set"), checkOf(lane, "set"), checkOf(asked(""), "set")]).toEqual([
      "asked",
      "lane",
      undefined,
    ]);
    expect(checkOf(laneOf(laneIn("ready"), "a"), "set")).toBe("set");
    expect(checkOf(laneOf(laneIn("ready"), "a"), undefined)).toBeUndefined();
  });
});

describe("the merge commit's message", () => {
  test("names the lane and its tasks, one line each", () => {
    const state = laneIn("ready", { name: "Docs\nsecond line", tasks: ["write\nmore", "x".repeat(300)] });
    expect(mergeMessage(laneOf(state, "a"))).toBe(`Merge lane a: Docs\n\n- write\n- ${"x".repeat(200)}\n\nLane: a\n`);
  });

  test("of several that land as one names each with its tasks", () => {
    const state = withLane(laneIn("ready", { name: "Docs", tasks: ["write"] }), "ready", { name: "b" });
    expect(batchMessage([laneOf(state, "a"), laneOf(state, "b")])).toBe(
      "Merge lanes a, b\n\na: Docs\n- write\n\nb\n\nLane: a\nLane: b\n",
    );
    expect(batchMessage([laneOf(state, "b")])).toBe("Merge lane b\n\nLane: b\n");
  });

  test("says the id once when there is no other name and no task", () => {
    for (const name of ["a", ""])
      expect(mergeMessage(laneOf(laneIn("ready", { name }), "a"))).toBe("Merge lane a\n\nLane: a\n");
  });
});
