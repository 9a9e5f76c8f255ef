import fc from "fast-check";
import { describe, expect, test } from "vitest";

import {
  ageingMs,
  cycleIn,
  frozenMs,
  isFrozen,
  isGoing,
  isHeld,
  isLive,
  isManual,
  portFor,
  startable,
  unmetDependencies,
  waitOf,
  waves,
} from "../../src/core/schedule.ts";
import type { LaneSpec, State } from "../../src/core/state.ts";
import { emptyState } from "../../src/core/state.ts";
import { force, frozenLane, laneIn, laneOf, limits, now, tell, withLane, type wayTo } from "./build.ts";

type Made = readonly [id: string, to: keyof typeof wayTo, over?: Partial<LaneSpec>];
const repo = (...lanes: readonly Made[]): State => {
  const state = emptyState();
  for (const [id, to, over] of lanes) withLane(state, to, over, id);
  return state;
};
const started = (state: State, at: number = now, maxRuns = 2): string =>
  startable(state, at, { maxRuns })
    .map(({ id }) => id)
    .join(" ");
const waits = (state: State, id: string): string | undefined => waitOf(state, laneOf(state, id), now, limits)?.text;

describe("the port of a run", () => {
  const range = { from: 42_000, to: 42_001 };
  const withPort = (state: State, id: string, port: number): State =>
    force(state, id, { run: { ...laneOf(state, id).run, n: 1, base: "", askedAt: now, port } });

  test("is the lowest that no living run has, and none when all are taken", () => {
    const state = repo(["a", "running"], ["b", "running"], ["c", "queued"], ["d", "failed"]);
    expect(portFor(state, laneOf(state, "c"), range)).toBe(42_000);
    const one = withPort(withPort(state, "a", 42_000), "d", 42_001);
    expect(portFor(one, laneOf(one, "c"), range)).toBe(42_001);
    const two = withPort(one, "b", 42_001);
    expect(portFor(two, laneOf(two, "c"), range)).toBeUndefined();
  });

  test("is the lane's own of the last time, as long as it is free and in the range", () => {
    const state = withPort(repo(["a", "running"], ["c", "failed"]), "c", 42_001);
    expect(portFor(state, laneOf(state, "c"), range)).toBe(42_001);
    for (const other of [
      { from: 42_000, to: 42_000 },
      { from: 42_002, to: 42_003 },
    ])
      expect(portFor(state, laneOf(state, "c"), other)).toBe(other.from);
    const taken = withPort(state, "a", 42_001);
    expect(portFor(taken, laneOf(taken, "c"), range)).toBe(42_000);
  });
});

describe("lanes that may start", () => {
  test("are queued ones, first come, first served, as many as there are slots", () => {
    const state = repo(["a", "planned"], ["b", "queued"], ["c", "queued"], ["d", "queued"]);
    expect(started(state)).toBe("b c");
    expect(started(state, now, 0)).toBe("");
    expect(started(withLane(state, "running", {}, "e"))).toBe("b");
  });

  test("are taken by priority first", () => {
    const state = repo(["a", "queued", { priority: "low" }], ["b", "queued"], ["c", "queued", { priority: "high" }]);
    expect(started(state, now, 3)).toBe("c b a");
  });

  test("overtake by age what has a higher priority", () => {
    const state = repo(["a", "queued", { priority: "low" }], ["b", "queued", { priority: "high" }]);
    force(state, "b", { since: now });
    force(state, "a", { since: now - 2 * ageingMs + 1 });
    expect(started(state, now, 1)).toBe("b");
    force(state, "a", { since: now - 2 * ageingMs });
    expect(started(state, now, 1)).toBe("a");
  });

  test("do not grow older by a clock that was ahead", () => {
    const state = repo(["a", "queued"], ["b", "queued"]);
    force(state, "a", { since: now + 100 * ageingMs });
    force(state, "b", { since: now });
    expect(started(state, now, 1)).toBe("a");
  });

  test("go by their last change when nobody knows when they were queued", () => {
    const state = repo(["a", "queued"], ["b", "queued"]);
    force(state, "a", { queuedAt: undefined, rev: 99 });
    force(state, "b", { since: laneOf(state, "a").since });
    expect(started(state, now, 1)).toBe("b");
  });

  test("have dependencies whose work is there", () => {
    const needs = { dependsOn: ["a"] };
    for (const to of ["ready", "merge-queued", "merging", "landed-pending", "merged"] as const)
      expect(started(repo(["a", to], ["b", "queued", needs]))).toBe("b");
    for (const to of ["planned", "running", "paused", "failed", "conflicted", "cancelled"] as const)
      expect(started(repo(["a", to], ["b", "queued", needs]))).toBe("");
    const undone = force(repo(["a", "merged"], ["b", "queued", needs]), "a", { state: "undone" });
    expect(started(undone)).toBe("");
  });

  test("never run beside another that wants to be alone among its like", () => {
    const alone = { parallel: false };
    const state = repo(["a", "queued", alone], ["b", "queued", alone], ["c", "queued"]);
    expect(started(state, now, 9)).toBe("a c");
    for (const to of ["starting", "running", "waiting"] as const)
      expect(started(repo(["a", to, alone], ["b", "queued", alone], ["c", "queued"]), now, 9)).toBe("c");
    expect(started(repo(["a", "paused", alone], ["b", "queued", alone]), now, 9)).toBe("b");
  });

  test("have the slot of a frozen lane, but not its turn", () => {
    const state = frozenLane({ parallel: false });
    withLane(state, "queued", { parallel: false });
    withLane(state, "queued", {}, "c");
    expect(started(state, now, 1)).toBe("c");
    expect(waits(state, "b")).toBe("waits for its turn after a");
  });

  test("in which a person works need no slot", () => {
    const state = repo(["a", "running"], ["b", "running"], ["c", "queued"], ["d", "queued", { agent: "manual" }]);
    expect(started(state)).toBe("d");
  });
});

describe("a run is live", () => {
  test("until it has ended, unless a person is its process", () => {
    expect(isLive(laneOf(laneIn("starting"), "a"))).toBe(true);
    expect(isLive(laneOf(laneIn("planned"), "a"))).toBe(false);
    expect(isLive(laneOf(laneIn("paused"), "a"))).toBe(false);
    const manual = laneOf(laneIn("starting", { agent: "manual" }), "a");
    expect([isManual(manual), isLive(manual)]).toEqual([true, false]);
  });
});

describe("a run is frozen", () => {
  test("while its lane is paused and it has not ended", () => {
    const of = (state: State) => [isFrozen, isGoing, isHeld].map((is) => is(laneOf(state, "a")));
    expect(of(laneIn("running"))).toEqual([false, true, false]);
    expect(of(laneIn("paused"))).toEqual([false, false, false]);
    const state = frozenLane();
    expect(of(state)).toEqual([true, false, true]);
    tell(state, [{ type: "lane.resume-asked", key: "a" }]);
    expect(of(state)).toEqual([true, false, false]);
  });

  test("for no time before it began, and none of a lane without a run", () => {
    const lane = laneOf(frozenLane(), "a");
    expect(frozenMs(lane, lane.since + 5) - frozenMs(lane, lane.since - 1000)).toBe(5);
    expect(frozenMs(laneOf(laneIn("planned"), "a"), now)).toBe(0);
  });
});

describe("a lane waits", () => {
  test("for nothing when it is next, or neither planned nor queued", () => {
    expect(waits(repo(["a", "queued"]), "a")).toBeUndefined();
    expect(waits(repo(["a", "planned"]), "a")).toBeUndefined();
    expect(waits(repo(["a", "ready", { dependsOn: ["z"] }]), "a")).toBeUndefined();
  });

  test("for its dependencies, planned or queued", () => {
    const needs = { dependsOn: ["a", "b"] };
    const state = repo(["a", "running"], ["b", "ready"], ["c", "queued", needs], ["d", "planned", needs]);
    expect([waits(state, "c"), waits(state, "d")]).toEqual(["waits for a", "waits for a"]);
    expect(unmetDependencies(state, laneOf(state, "c"))).toEqual(["a"]);
  });

  test("blocked by the lanes at the root of a chain, each named once", () => {
    const state = repo(
      ["a", "failed"],
      ["b", "planned", { dependsOn: ["a"] }],
      ["c", "planned", { dependsOn: ["a", "b", "gone"] }],
      ["d", "queued", { dependsOn: ["b", "c"] }],
    );
    expect(waits(state, "d")).toBe("blocked by a (failed), gone (unknown)");
    expect(waitOf(state, laneOf(state, "d"), now, limits)).toMatchObject({ why: "blocked", lanes: ["a", "gone"] });
  });

  test("blocked by a lane whose merge was undone, not by one that is tried again by itself", () => {
    const needs = { dependsOn: ["a"] };
    const undone = force(repo(["a", "merged"], ["b", "queued", needs]), "a", { state: "undone" });
    expect(waits(undone, "b")).toBe("blocked by a (undone)");
    const again = force(repo(["a", "failed"], ["b", "queued", needs]), "a", { retryAt: now + 1 });
    expect(waits(again, "b")).toBe("waits for a");
  });

  test("not behind what its dependency needed once and has by now", () => {
    const state = repo(["a", "failed"], ["b", "running", { dependsOn: ["a"] }], ["c", "ready"]);
    expect(waits(withLane(state, "queued", { dependsOn: ["b", "c"] }, "d"), "d")).toBe("blocked by a (failed)");
    expect(waits(withLane(state, "queued", { dependsOn: ["c"] }, "e"), "e")).toBeUndefined();
  });

  test("for its turn behind the lane that has it, or that will have it next", () => {
    const alone = { parallel: false };
    expect(waits(repo(["a", "waiting", alone], ["b", "queued", alone]), "b")).toBe("waits for its turn after a");
    expect(waits(repo(["a", "queued", alone], ["b", "queued", alone]), "b")).toBe("waits for its turn after a");
  });

  test("for a slot when all are taken", () => {
    const state = repo(["a", "running"], ["b", "running", { parallel: false }], ["c", "queued"]);
    expect(waits(state, "c")).toBe("waits for one of 2 run slots");
    const full = repo(["a", "running"], ["b", "running"], ["c", "queued", { parallel: false }]);
    expect(waits(full, "c")).toBe("waits for one of 2 run slots");
  });

  test("in a circle without end, but the answer comes", () => {
    const state = repo(["a", "queued", { dependsOn: ["b"] }], ["b", "queued", { dependsOn: ["a"] }]);
    expect(waits(state, "a")).toBe("waits for b");
    expect(started(state)).toBe("");
  });
});

const arbitraryNeeds = fc
  .array(fc.uniqueArray(fc.integer({ min: 0, max: 8 }), { maxLength: 3 }), { maxLength: 8 })
  .map((needs) => new Map(needs.map((list, id) => [`${id}`, list.map(String)])));

type Needs = ReadonlyMap<string, readonly string[]>;

/** Links of a chain that are no dependency; a circle that is none. */
const faultsOfCycle = (cycle: readonly string[], needs: Needs): readonly string[] => {
  const links = cycle.slice(1).map((id, index) => [cycle[index] ?? "", id] as const);
  const broken = links.filter(([from, to]) => !needs.get(from)?.includes(to)).map((link) => link.join(" → "));
  const isCircle = links.length > 0 && cycle.at(-1) === cycle[0] && new Set(cycle).size === links.length;
  return isCircle ? broken : [...broken, "no circle"];
};

/** Lanes that come before what they need, twice, or not at all. */
const faultsOfWaves = (order: readonly (readonly string[])[], needs: Needs): readonly string[] => {
  const waveOf = new Map(order.flatMap((wave, index) => wave.map((id) => [id, index] as const)));
  const early = [...needs].filter(([id, others]) =>
    others.some((other) => (waveOf.get(other) ?? -1) >= (waveOf.get(id) ?? -1)),
  );
  const known = order.flat().toSorted().join(" ") === [...needs.keys()].toSorted().join(" ");
  return [...early.map(([id]) => id), ...(known ? [] : ["not every lane once"])];
};

describe("dependencies", () => {
  test("are a real circle or waves of which each needs only earlier ones", () => {
    fc.assert(
      fc.property(arbitraryNeeds, (needs) => {
        const cycle = cycleIn(needs);
        expect(cycle ? faultsOfCycle(cycle, needs) : faultsOfWaves(waves(needs), needs)).toEqual([]);
      }),
    );
  });

  test("are looked at only from where it was asked", () => {
    const needs = new Map([
      ["a", ["a"]],
      ["b", []],
    ]);
    expect(cycleIn(needs)).toEqual(["a", "a"]);
    expect(cycleIn(needs, ["b"])).toBeUndefined();
  });

  test("may form a chain of any length", () => {
    const chain = new Map(Array.from({ length: 50_000 }, (_, n) => [`${n}`, [`${n + 1}`]]));
    expect(cycleIn(chain)).toBeUndefined();
    chain.set("49999", ["49990"]);
    expect(cycleIn(chain)).toHaveLength(11);
  });

  test("in circles are left out of the waves, which end", () => {
    expect(
      waves(
        new Map([
          ["a", []],
          ["b", ["b"]],
        ]),
      ),
    ).toEqual([["a"]]);
  });
});

test("a wait is told without changing the state", () => {
  const state = repo(["a", "running"], ["b", "queued", { dependsOn: ["a"] }]);
  const before = structuredClone(state);
  waits(state, "b");
  startable(state, now, limits);
  expect(state).toEqual(before);
  expect(tell(state, []).effective).toBe(true);
});
