import { describe, expect, test } from "vitest";

import type { Entry, Event, Precondition } from "../../src/core/event.ts";
import { fold, repeated } from "../../src/core/fold.ts";
import { emptyState, retryWindow } from "../../src/core/state.ts";
import { added, laneIn, laneOf, process, recordOf, stateOf, tell, tellForeign } from "./build.ts";

const queue = (key: string): Event => ({ type: "lane.queued", key, why: "" });

describe("a record", () => {
  test("takes effect whole", () => {
    const state = emptyState();
    expect(tell(state, [added("a"), queue("a")])).toEqual({ position: 1, effective: true });
    expect(laneOf(state, "a").state).toBe("queued");
    expect(state.counts).toEqual({ effective: 1, void: 0, damaged: 0, unknown: 0, newer: 0 });
  });

  test("whose last event is illegal changes nothing", () => {
    const state = stateOf([added("a")]);
    const before = structuredClone(state);
    const outcome = tell(state, [{ type: "repo.initialised", target: "main" }, added("b"), queue("a"), queue("a")]);
    expect(outcome).toEqual({
      position: 2,
      effective: false,
      reason: "lane.queued: lane a is queued and cannot become queued",
    });
    expect(state).toEqual({ ...before, position: 2, counts: { ...before.counts, void: 1 } });
  });

  test("is void when one with its id is in effect", () => {
    const state = stateOf([added("a")]);
    expect(tell(state, [queue("a")], { id: "r1" })).toEqual({ position: 2, effective: false, reason: repeated });
    expect(laneOf(state, "a").state).toBe("planned");
  });

  test("may come again after it was void", () => {
    const state = emptyState();
    expect(tell(state, [queue("a")], { id: "same" }).effective).toBe(false);
    tell(state, [added("a")]);
    expect(tell(state, [queue("a")], { id: "same" }).effective).toBe(true);
  });

  test("is known by its id for at least a whole window of records", () => {
    const state = emptyState();
    for (let n = 0; n < retryWindow + 2; n += 1) tell(state, []);
    expect(state.seen.young.size).toBe(1);
    expect(tell(state, [], { id: "r2" }).reason).toBe(repeated);
    expect(tell(state, [], { id: `r${retryWindow + 1}` }).reason).toBe(repeated);
  });

  test("that depends on the rev it changes comes late when it is repeated: its id need not be kept, every other one is", () => {
    const state = stateOf([added("a")], [added("b")]);
    const kept = (): readonly string[] => [...state.seen.young];
    expect(kept()).toEqual(["r1", "r2"]);
    const fence: Precondition = { lane: "a", rev: 1 };
    const fenced = { id: "fenced", if: [{ engine: 0 }, fence] };
    expect(tell(state, [queue("a")], fenced).effective).toBe(true);
    expect(kept()).not.toContain("fenced");
    expect(tell(state, [queue("a")], fenced).reason).toBe("late: lane a changed meanwhile");
    tell(state, [{ type: "lane.progressed", key: "a", text: "half way" }], { id: "talk", if: [{ lane: "a", rev: 3 }] });
    tell(state, [{ type: "phase.entered", phase: 1 }], { id: "phase", if: [{ lane: "a", rev: 3 }] });
    tell(state, [queue("b")], { id: "other", if: [{ lane: "a", rev: 3 }] });
    expect(kept()).toEqual(["r1", "r2", "talk", "phase", "other"]);
    const state2 = stateOf([added("a")]);
    tell(state2, [queue("a")], { id: "loose", if: [{ lane: "a", state: ["planned"] }] });
    expect([...state2.seen.young]).toEqual(["r1", "loose"]);
  });

  test("of a newer version is void and counted", () => {
    const state = emptyState();
    expect(tell(state, [added("a")], { v: 2 })).toEqual({
      position: 1,
      effective: false,
      reason: "written by a newer lanes (record version 2)",
    });
    expect(state.counts).toMatchObject({ newer: 1, void: 1 });
  });

  test("keeps its other events when one is of an unknown type, even one named like what every object has", () => {
    const state = emptyState();
    const unknown = ["lane.dreamt", "toString", "__proto__", "constructor", "hasOwnProperty"].map(
      (type) => ({ type, key: "a" }) as unknown as Event,
    );
    expect(tell(state, [...unknown, added("a")]).effective).toBe(true);
    expect(state.counts.unknown).toBe(5);
    expect([...state.lanes.keys()]).toEqual(["a"]);
  });

  test("that is damaged is counted and says why", () => {
    const state = emptyState();
    expect(fold(state, { position: 1, damaged: "its checksum does not match" })).toEqual({
      position: 1,
      effective: false,
      reason: "its checksum does not match",
    });
    expect(state.counts).toMatchObject({ damaged: 1, void: 0 });
    expect(state.position).toBe(1);
  });

  test.each<[string, unknown]>([
    ["null", null],
    ["a number", 5],
    ["a list", []],
    ["without a version", { ...recordOf(1, []), v: undefined }],
    ["with a version that has a mind of its own", { ...recordOf(1, []), v: { valueOf: 1, toString: 1 } }],
    ["without an id", { ...recordOf(1, []), id: 7 }],
    ["without a time", { ...recordOf(1, []), at: "now" }],
    ["at a time that no calendar has", { ...recordOf(1, []), at: 1e300 }],
    ["without events", { ...recordOf(1, []), events: { length: 1 } }],
    ["with conditions that are no list", { ...recordOf(1, []), if: { engine: 0 } }],
  ])("that is %s is void", (_, record) => {
    const state = emptyState();
    expect(tellForeign(state, record)).toEqual({ position: 1, effective: false, reason: "it is no record of ours" });
    expect(state.counts.void).toBe(1);
  });

  test.each([[null], [4], [{}], [{ type: 3 }], [{ type: { toString: 1 } }], [{ type: ["lane.added"] }]])(
    "with the event %j is void",
    (event) => {
      const state = emptyState();
      const outcome = tellForeign(state, { ...recordOf(1, []), events: [added("a"), event] });
      expect(outcome.reason).toBe("an event has no type");
      expect(state.lanes.size).toBe(0);
    },
  );
});

describe("a condition", () => {
  const told = (condition: unknown) => {
    const state = laneIn("queued");
    tell(state, [{ type: "engine.elected", process, version: "1.0.0" }]);
    return tell(state, [added("b")], { if: [condition as Precondition] });
  };

  test("that holds lets the record take effect", () => {
    expect(told({ engine: 4 }).effective).toBe(true);
    expect(told({ lane: "a", rev: 3 }).effective).toBe(true);
    expect(told({ lane: "b", rev: 0 }).effective).toBe(true);
    expect(told({ lane: "a", state: ["planned", "queued"] }).effective).toBe(true);
  });

  test("on the engine holds before the first election with token 0", () => {
    expect(tell(emptyState(), [], { if: [{ engine: 0 }] }).effective).toBe(true);
  });

  test.each<[string, unknown, string]>([
    ["an older engine", { engine: 3 }, "late: another engine was elected"],
    ["an older lane", { lane: "a", rev: 2 }, "late: lane a changed meanwhile"],
    ["a lane that does not exist", { lane: "z", rev: 2 }, 'late: lane "z" changed meanwhile'],
    ["another state", { lane: "a", state: ["ready"] }, 'late: lane a is queued, not "ready"'],
    ["a state of no lane", { lane: "z", state: ["ready", 5] }, 'late: lane "z" is unknown, not "ready"'],
    ["states that are no list", { lane: "a", state: "queued" }, "late: lane a is queued, not "],
    ["nothing known", null, "late: its condition is unknown"],
    ["a word", "engine", "late: its condition is unknown"],
    ["a hostile lane", { lane: { toString: 1 }, rev: 1 }, "late: lane (object) changed meanwhile"],
  ])("on %s makes the record void, as one that lost a race", (_, condition, reason) => {
    expect(told(condition)).toEqual({ position: 5, effective: false, raced: true, reason });
  });

  test("that is illegal besides is no lost race", () => {
    expect(tell(laneIn("queued"), [queue("a")])).not.toHaveProperty("raced");
  });
});

test("entries are folded one by one: where a reader's chunks end makes no difference", () => {
  const entry = (position: number, ...events: Event[]): Entry => ({ position, record: recordOf(position, events) });
  const entries = [entry(1, added("a")), entry(2, queue("a")), entry(3, added("b"))];
  const whole = emptyState();
  for (const one of entries) fold(whole, one);
  let parts = emptyState();
  for (const one of entries) {
    parts = structuredClone(parts);
    fold(parts, one);
  }
  expect(parts).toEqual(whole);
});
