import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { batchMax, capOf, nextBatch, stacksOf } from "../../src/core/batch.ts";
import { landedAs, sentBack, startedAs, unchecked } from "../../src/core/batch-fact.ts";
import { lessonsOf, noLessons, passedOver, passedOverMax } from "../../src/core/queue.ts";
import { queueEntries } from "../../src/core/queue-entry.ts";
import { whyLine } from "../../src/core/select.ts";
import type { LaneState } from "../../src/core/state.ts";
import { force, laneIn, laneOf, limits, now, tell, withLane } from "./build.ts";
import { type Flaws, lanesIn, mergeWorld, type MergeWorld, moveTarget, passes, settle, turn } from "./merge-world.ts";

const names = (n: number): readonly string[] => Array.from({ length: n }, (_, index) => `l${index}`);

/** Values of the target that do not pass, and lanes that are on it twice. */
const faultsOf = (world: MergeWorld): readonly string[] => [
  ...world.values.filter((value) => !passes(world.flaws, value)).map((value) => `red: ${value.join(" ")}`),
  ...world.values.filter((value) => new Set(value).size < value.length).map((value) => `twice: ${value.join(" ")}`),
];

const averageRuns = (spoilers: readonly (readonly string[])[]): number => {
  let runs = 0;
  for (const bad of spoilers) {
    const world = mergeWorld(names(16), { bad });
    expect(settle(world)).toBe(true);
    expect([lanesIn(world, "checks-failed"), lanesIn(world, "merged").length]).toEqual([bad, 16 - bad.length]);
    expect(faultsOf(world)).toEqual([]);
    runs += world.checks.length;
  }
  return runs / spoilers.length;
};

describe("batches", () => {
  test("of lanes that are fine are tested and land together, at most eight", () => {
    const world = mergeWorld(names(10));
    expect(settle(world)).toBe(true);
    expect(world.values.map((value) => value.length)).toEqual([0, 8, 10]);
    expect(world.checks).toHaveLength(2);
    expect(laneOf(world.state, "l3").landed).toMatchObject({
      before: "",
      step: { from: "l0 l1 l2", to: "l0 l1 l2 l3" },
      tested: "passed",
    });
    expect(laneOf(world.state, "l9").landed?.gate).toMatchObject({ lead: "l8" });
  });

  test("with one that spoils them take at most 7 runs for 16 lanes on average, with two at most 11", () => {
    const ids = names(16);
    expect(averageRuns(ids.map((id) => [id]))).toBeLessThanOrEqual(7);
    const pairs = ids.flatMap((a, at) => ids.slice(at + 1).map((b) => [a, b]));
    expect(averageRuns(pairs)).toBeLessThanOrEqual(11);
  });

  test("spend no run on a half that is known to fail", () => {
    const world = mergeWorld(names(4), { bad: ["l3"] });
    expect(settle(world)).toBe(true);
    expect(world.checks).toEqual(["l0 l1 l2 l3", "l0 l1", "l0 l1 l2", "l0 l1 l2 l3"]);
  });

  test("name what a lane was stacked on that fails only together with another", () => {
    const world = mergeWorld(["a", "b", "c"], { clash: [["a", "c"]] });
    expect(settle(world)).toBe(true);
    expect([lanesIn(world, "merged"), laneOf(world.state, "c").detail]).toEqual([
      ["a", "b"],
      "the check failed on the merged tree on top of a, b: exit code 1 (lanes log c --check)",
    ]);
  });

  test("leave out a lane that conflicts with one before it, and try it again after that", () => {
    const world = mergeWorld(["a", "b", "c"], { conflict: [["a", "b"]] });
    turn(world);
    expect(laneOf(world.state, "b")).toMatchObject({ state: "merge-queued", merge: { behind: "a" } });
    expect(stacksOf(world.state)[0]?.lanes.map(({ id }) => id)).toEqual(["a", "c"]);
    expect(nextBatch(world.state, { ...world.policy, checkSlots: 2 })).toBeUndefined();
    expect(settle(world)).toBe(true);
    expect([lanesIn(world, "merged"), lanesIn(world, "conflicted")]).toEqual([["a", "c"], ["b"]]);
  });

  test("are smaller where failures are frequent, and large again when they are not", () => {
    const results = (failed: number): typeof noLessons => ({
      ...noLessons,
      results: Array.from({ length: 20 }, (_, index) => index >= failed),
    });
    expect([0, 5, 6, 20].map((failed) => capOf(results(failed)))).toEqual([8, 8, 4, 4]);
    const world = mergeWorld(names(30), { bad: names(6) });
    expect(settle(world)).toBe(true);
    expect(Math.max(...world.values.map((value, at) => value.length - (world.values[at - 1]?.length ?? 0)))).toBe(
      batchMax.calm,
    );
    expect(capOf(lessonsOf(world.state))).toBe(batchMax.calm);
  });

  test("are built and tested again when the target moved", () => {
    const world = mergeWorld(["a", "b"]);
    turn(world);
    turn(world);
    moveTarget(world, "foreign");
    expect(settle(world)).toBe(true);
    expect(world.values).toEqual([[], ["foreign"], ["foreign", "a", "b"]]);
    expect(laneOf(world.state, "a").landed?.before).toBe("foreign");
  });

  test("do not land with the work of a lane that has left the queue", () => {
    const world = mergeWorld(["a", "b", "c"]);
    turn(world);
    tell(world.state, [
      { type: "merge.requeued", key: "b", why: "" },
      { type: "merge.withdrawn", key: "b", why: "" },
    ]);
    expect(settle(world)).toBe(true);
    expect(world.values).toEqual([[], ["a", "c"]]);
  });

  test("go on without a lane that somebody's edits are in the way of, which is tested by itself", () => {
    const world = mergeWorld(["a", "b", "c"]);
    turn(world);
    const [stack] = stacksOf(world.state);
    if (!stack) throw new Error("the test has no batch");
    tell(world.state, sentBack(stack, "your edits", new Set(["b"])));
    expect(["a", "b"].map((id) => laneOf(world.state, id).merge?.alone)).toEqual([undefined, true]);
    expect(settle(world)).toBe(true);
    expect(world.values).toEqual([[], ["a", "c"], ["a", "c", "b"]]);
  });

  test("hold lanes with the same check and target only, and what is not checked lands alone", () => {
    const { state } = mergeWorld(["a"]);
    for (const [id, over] of [
      ["other", { check: "other" }],
      ["b", {}],
      ["elsewhere", { target: "next" }],
      ["free", { check: "" }],
    ] as const)
      withLane(state, "merge-queued", over, id);
    const policy = { check: "make", requireCheck: false };
    const first = (): readonly string[] => nextBatch(state, policy)?.lanes.map(({ id }) => id) ?? [];
    expect(first()).toEqual(["a", "b"]);
    for (const id of ["a", "b", "other", "elsewhere"]) force(state, id, { state: "ready" });
    withLane(state, "merge-queued", { check: "" }, "free2");
    expect(first()).toEqual(["free"]);
    expect(nextBatch(state, { check: undefined, requireCheck: true })?.lanes[0].id).toBe("free");
  });
});

describe("while the one that spoils a batch is looked for", () => {
  test("the suspects go first, each is told with whom it failed, and nothing is stacked on them", () => {
    const world = mergeWorld(["a", "b", "c", "d"], { bad: ["c"] }, { checkSlots: 2 });
    while (lessonsOf(world.state).suspects === undefined) turn(world);
    withLane(world.state, "merge-queued", {}, "new");
    expect(queueEntries(world.state, now, 2, new Map([["a", 5]])).map(({ lane }) => lane)).toEqual([
      "a",
      "b",
      "c",
      "d",
      "new",
    ]);
    expect(whyLine(world.state, laneOf(world.state, "a"), now, limits)).toMatch(
      /failed its check together with b, c, d: looking for the one that spoils it/,
    );
    turn(world);
    expect(nextBatch(world.state, world.policy)).toBeUndefined();
    expect(settle(world)).toBe(true);
    expect(lanesIn(world, "checks-failed")).toEqual(["c"]);
  });

  test("a suspect that got a dependency meanwhile ends the search, not the queue", () => {
    const world = mergeWorld(["a", "b"], { bad: ["b"] });
    while (lessonsOf(world.state).suspects === undefined) turn(world);
    force(world.state, "a", { spec: { ...laneOf(world.state, "a").spec, dependsOn: ["elsewhere"] } });
    expect(nextBatch(world.state, world.policy)?.lanes.map(({ id }) => id)).toEqual(["b"]);
    force(world.state, "a", { spec: { ...laneOf(world.state, "a").spec, dependsOn: ["b"] } });
    expect(nextBatch(world.state, world.policy)?.lanes.map(({ id }) => id)).toEqual(["a"]);
  });

  test("it is a fault to name none, or one that is not there", () => {
    const { state } = mergeWorld(["a"]);
    const split = (lanes: readonly string[]) =>
      tell(state, [{ type: "batch.split", key: "a", lanes, tree: "t" }]).reason;
    expect([split([]), split(["a", "x"]), split(["a"])]).toEqual([
      "batch.split: names no lanes",
      'batch.split: no lane "x"',
      undefined,
    ]);
  });
});

describe("what is recorded", () => {
  test("of work that was on the target before says since when its changes count", () => {
    const { state } = mergeWorld(["a"]);
    const ground = { target: "main", check: undefined, onto: "o" };
    const started = startedAs(ground, laneOf(state, "a"), { head: "h", commit: "c", since: "s" });
    expect(started).toEqual({
      type: "merge.started",
      key: "a",
      target: "main",
      onto: "o",
      head: "h",
      candidate: "c",
      since: "s",
    });
  });

  test("of a landing without a check, or as other commits, says so", () => {
    const [stack] = stacksOf(laneIn("landed-pending"), new Set<LaneState>(["landed-pending"]));
    if (!stack) throw new Error("the test has no batch");
    expect(landedAs(stack)).toMatchObject([{ key: "a", tested: "unchecked", merge: "candidate1" }]);
    expect(landedAs(stack, "squash")).toMatchObject([{ strategy: "squash" }]);
    expect(unchecked(stack)).toMatchObject([{ type: "merge.tested", candidate: "candidate1", result: "unchecked" }]);
  });
});

describe("a tree that passed", () => {
  test("is not tested again", () => {
    const world = mergeWorld(["a", "b"]);
    expect(settle(world)).toBe(true);
    const { lanes } = world.state;
    tell(world.state, [{ type: "lane.queued", key: "a", why: "" }]);
    expect(lanes.get("a")?.state).toBe("merged");
    const again = mergeWorld(["a", "b"]);
    again.state.lessons = lessonsOf(world.state);
    expect(settle(again)).toBe(true);
    expect([again.checks, again.values]).toEqual([[], [[], ["a", "b"]]]);
  });
});

describe("a check that failed", () => {
  test("is run once more for a single lane, and reported as flaky when it passes then", () => {
    const world = mergeWorld(["a"], { bad: ["a"] });
    turn(world);
    turn(world);
    turn(world);
    expect(world.checks).toEqual(["a", "a"]);
    const cured: MergeWorld = { ...world, flaws: {} };
    expect(settle(cured)).toBe(true);
    expect([lanesIn(cured, "merged"), lessonsOf(cured.state).flaky]).toEqual([["a"], 1]);
  });

  test("is flaky too when the last suspect passes on the very tree that failed", () => {
    const world = mergeWorld(["a", "b"], { bad: ["b"] });
    for (let n = 0; lanesIn(world, "merged").length === 0 && n < 20; n += 1) turn(world);
    expect(lanesIn(world, "merged")).toEqual(["a"]);
    const cured: MergeWorld = { ...world, flaws: {} };
    expect(settle(cured)).toBe(true);
    expect([lanesIn(cured, "merged"), lessonsOf(cured.state).flaky]).toEqual([["a", "b"], 1]);
    expect(lessonsOf(cured.state).suspects).toBeUndefined();
  });
});

describe("several slots", () => {
  test("have batches tested on top of each other, and what was on a batch that failed is built anew", () => {
    const world = mergeWorld(names(16), { bad: ["l1"] }, { checkSlots: 2 });
    turn(world);
    turn(world, () => false);
    expect(stacksOf(world.state).map(({ slot, on, lanes }) => [slot, on === undefined, lanes.length])).toEqual([
      [0, true, 8],
      [1, false, 8],
    ]);
    expect(settle(world)).toBe(true);
    expect([lanesIn(world, "checks-failed"), lanesIn(world, "merged").length]).toEqual([["l1"], 15]);
    expect(faultsOf(world)).toEqual([]);
  });

  test("land in the order of the stack, whoever is ready first", () => {
    const world = mergeWorld(names(16), {}, { checkSlots: 2 });
    turn(world, () => false);
    turn(world, () => false);
    turn(world, () => false);
    const isSecond = (value: readonly string[]): boolean => value.length === 16;
    turn(world, isSecond);
    expect(laneOf(world.state, "l15").merge?.tested).toBe("passed");
    turn(world, isSecond);
    expect(world.values).toHaveLength(1);
    expect(settle(world)).toBe(true);
    expect(world.values.map((value) => value.length)).toEqual([0, 8, 16]);
  });
});

const arbitraryFlaws = (ids: readonly string[]): fc.Arbitrary<Flaws> => {
  const pair = fc
    .tuple(fc.constantFrom(...ids), fc.constantFrom(...ids))
    .filter(([a, b]) => a !== b)
    .map(([a, b]): readonly [string, string] => [a, b]);
  return fc.record({
    bad: fc.uniqueArray(fc.constantFrom(...ids), { maxLength: 4 }),
    clash: fc.array(pair, { maxLength: 4 }),
    conflict: fc.array(pair, { maxLength: 4 }),
  });
};

test("whatever is wrong with the lanes and whoever moves the target: no value of it is red, no lane is on it twice, and what is fine lands", () => {
  const ids = names(12);
  fc.assert(
    fc.property(
      arbitraryFlaws(ids),
      fc.integer({ min: 1, max: 3 }),
      fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 60, maxLength: 60 }),
      (flaws, checkSlots, dice) => {
        const world = mergeWorld(ids, flaws, { checkSlots });
        for (const [n, die] of dice.entries()) {
          turn(world, () => die % 2 === 0);
          if (die === 9) moveTarget(world, `foreign${n}`);
          const merging = lanesIn(world, "merging")[0];
          if (die === 7 && merging !== undefined)
            tell(world.state, [
              { type: "merge.requeued", key: merging, why: "" },
              { type: "merge.withdrawn", key: merging, why: "" },
              { type: "merge.asked", key: merging },
            ]);
        }
        expect(settle(world, 2000)).toBe(true);
        expect(faultsOf(world)).toEqual([]);
        const guilty = new Set([...(flaws.bad ?? []), ...[...(flaws.clash ?? []), ...(flaws.conflict ?? [])].flat()]);
        const merged = new Set(lanesIn(world, "merged"));
        expect(ids.filter((id) => !guilty.has(id) && !merged.has(id))).toEqual([]);
        for (const id of flaws.bad ?? []) expect(merged.has(id)).toBe(false);
        expect(lessonsOf(world.state).suspects).toBeUndefined();
      },
    ),
    { numRuns: 100 },
  );
});

describe("the order", () => {
  test("is fewest predicted conflicts first, then age", () => {
    const { state, policy } = mergeWorld(["a", "b", "c"]);
    const predicted = new Map([
      ["a", 2],
      ["b", 1],
    ]);
    expect(queueEntries(state, now, 1, predicted).map(({ lane }) => lane)).toEqual(["c", "b", "a"]);
    expect(nextBatch(state, policy, predicted)?.lanes.map(({ id }) => id)).toEqual(["c", "b", "a"]);
  });

  test("starves nobody: who was passed over too often goes first, whatever it conflicts with", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 30, maxLength: 30 }), (arrivals) => {
        const world = mergeWorld(["old"]);
        let n = 0;
        let taken = 0;
        for (const many of arrivals) {
          for (let k = 0; k < many; k += 1) withLane(world.state, "merge-queued", {}, `new${(n += 1)}`);
          const [first] = nextBatch(world.state, world.policy, new Map([["old", 99]]))?.lanes ?? [];
          if (first === undefined || first.id === "old") break;
          tell(world.state, [
            {
              type: "merge.started",
              key: first.id,
              target: "main",
              onto: "o",
              head: "h",
              candidate: "c",
              batch: { place: 0, size: 1, lead: first.id, commit: "c", tree: "t", slot: 0 },
            },
            { type: "merge.conflicted", key: first.id, why: "", paths: [] },
          ]);
          taken += 1;
        }
        expect([passedOver(world.state, laneOf(world.state, "old")), taken]).toEqual([passedOverMax, passedOverMax]);
      }),
      { numRuns: 20 },
    );
  });
});

describe("entries", () => {
  test("say how far each lane is, with whom, behind whom and for about how long", () => {
    const world = mergeWorld(names(10));
    world.state.lessons = { ...noLessons, durations: [60_000, 600_000, 120_000] };
    turn(world);
    const startedAt = laneOf(world.state, "l0").merge?.startedAt ?? 0;
    const entries = queueEntries(world.state, startedAt + 30_000);
    expect(entries[0]).toMatchObject({
      position: 1,
      phase: "testing",
      holder: "l0",
      lanes: names(8),
      estimatedMs: 90_000,
    });
    expect(entries[8]).toMatchObject({
      position: 9,
      lane: "l8",
      phase: "waiting",
      holder: "l0",
      lanes: ["l8"],
      estimatedMs: 240_000,
    });
    expect(whyLine(world.state, laneOf(world.state, "l8"), now, limits)).toBe(
      "l8 is merge-queued: 9. in the merge queue after l0, l1, l2, …, a check takes about 2 min",
    );
    expect(whyLine(world.state, laneOf(world.state, "l1"), now, limits)).toBe(
      "l1 is merging: its merge with the target is being checked, together with l0, l2, l3, l4, l5, l6, l7",
    );
    expect(queueEntries(world.state, now, 2)[9]?.phase).toBe("building");
  });

  test("show what is landing and what is held, and whom a lane waits for", () => {
    const world = mergeWorld(["a", "b"]);
    withLane(world.state, "landed-pending", {}, "held");
    withLane(world.state, "merge-queued", { dependsOn: ["gone"] }, "c");
    expect(queueEntries(world.state, now).map(({ lane, phase, holder }) => [lane, phase, holder])).toEqual([
      ["held", "held", "held"],
      ["a", "building", ""],
      ["b", "building", ""],
      ["c", "waiting", "gone"],
    ]);
    turn(world);
    turn(world);
    turn(world);
    expect(queueEntries(world.state, now).find(({ lane }) => lane === "a")).toMatchObject({
      phase: "landing",
      estimatedMs: 0,
    });
  });
});
