/** Stories that dice tell: wishes, rounds of the engine, and what happens in the world. */
import fc from "fast-check";

import type { Command } from "../../src/core/command.ts";
import type { LaneSpec } from "../../src/core/state.ts";
import { specOf } from "./build.ts";
import type { Happening } from "./world.ts";

/** The lanes that stories are about. */
export const ids = ["a", "b", "c", "d", "e"] as const;
const someIds = fc.uniqueArray(fc.constantFrom(...ids), { minLength: 1, maxLength: 2 });
/** A definition of a lane. */
export const arbitrarySpec: fc.Arbitrary<LaneSpec> = fc
  .record({
    parallel: fc.boolean(),
    priority: fc.constantFrom("low", "normal", "high"),
    dependsOn: fc.uniqueArray(fc.constantFrom(...ids), { maxLength: 2 }),
    retries: fc.integer({ min: 0, max: 2 }),
    kind: fc.constantFrom("work", "work", "probe"),
    agent: fc.constantFrom("bob", "bob", "bob", "manual"),
    paths: fc.constantFrom<string[]>([], [], ["src/**"], ["src/a.ts", "docs"], ["docs/*"]),
  })
  .map((over) => specOf(over));

const arbitraryCommand: fc.Arbitrary<Command> = fc.oneof(
  fc.record({
    type: fc.constant("add"),
    lanes: fc.array(fc.record({ id: fc.constantFrom(...ids), spec: arbitrarySpec }), { minLength: 1, maxLength: 1 }),
  }),
  fc.record({ type: fc.constantFrom("launch", "retry", "stop", "cancel", "remove"), lanes: someIds }),
  fc.record({ type: fc.constant("launch"), lanes: someIds, again: fc.constant(true) }),
  fc.record({ type: fc.constant("pause"), lanes: someIds, how: fc.constantFrom("freeze", "freeze", "stop") }),
  fc.record({ type: fc.constant("resume"), lanes: someIds }),
  fc.record({ type: fc.constant("stop-all") }),
  fc.record({
    type: fc.constant("claim"),
    lane: fc.constantFrom(...ids),
    paths: fc.subarray(["src/*.ts", "src/a.ts", "docs/**", "@port"], { minLength: 1 }),
    shared: fc.boolean(),
    ttlMs: fc.constantFrom(1000, 1_000_000),
  }),
  fc.record({ type: fc.constantFrom("renew", "release"), lane: fc.constantFrom(...ids) }),
  fc.record({ type: fc.constant("break"), claim: fc.integer({ min: 1, max: 30 }), why: fc.constant("dice") }),
  someIds.map((lanes): Command => ({
    type: "merge",
    lanes,
    evidence: new Map(lanes.map((id) => [id, { head: "h", ahead: 1, dirty: [] }])),
  })),
);

const arbitraryHappening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant("wish"), command: arbitraryCommand }) },
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant("round"),
      afterMs: fc.constantFrom(10, 2000, 400_000),
      dice: fc.array(fc.integer({ min: 0, max: 7 }), { minLength: 1, maxLength: 4 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("end"), code: fc.constantFrom(0, 0, 1) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("vanish"), survivors: fc.constantFrom([], [7]) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("ask") }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("wake") }) },
);

/** Lanes are added first, launched soon: otherwise most of what happens is refused. */
export const arbitraryStory: fc.Arbitrary<readonly Happening[]> = fc
  .tuple(fc.array(arbitrarySpec, { minLength: 2, maxLength: 5 }), fc.array(arbitraryHappening, { maxLength: 60 }))
  .map(([specs, happenings]): readonly Happening[] => [
    ...specs.flatMap((spec, index): readonly Happening[] => {
      const id = ids[index] ?? "a";
      const dependsOn = spec.dependsOn.filter((other) => ids.slice(0, index).includes(other as "a"));
      return [
        { type: "wish", command: { type: "add", lanes: [{ id, spec: { ...spec, dependsOn } }] } },
        { type: "wish", command: { type: "launch", lanes: [id] } },
      ];
    }),
    ...happenings,
  ]);
