import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { capability, catalog, whyNot } from "../../src/core/catalog.ts";
import { decide } from "../../src/core/decide.ts";
import { effects } from "../../src/core/effect.ts";
import type { Entry } from "../../src/core/event.ts";
import { fold } from "../../src/core/fold.ts";
import { shown, specFault } from "../../src/core/foreign.ts";
import { needsEngine, plan, runsToSee } from "../../src/core/plan.ts";
import { checkOf, mergeMessage } from "../../src/core/queue.ts";
import { branchRows, laneRows, overview, whyLine } from "../../src/core/select.ts";
import { emptyState, type State } from "../../src/core/state.ts";
import { trackerOf } from "../../src/core/tracker.ts";
import { laneIn, limits, now, process, reachable, specOf } from "./build.ts";

const words = ["a", "b", "A", "__proto__", "constructor", "../x", "-x", "", "cancel", "pause", "passed", "main"];
const odd: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom<unknown>(...words) },
  { weight: 2, arbitrary: fc.constantFrom<unknown>(0, 1, 2, -1, 99, 1e300, null, undefined, true) },
  {
    weight: 2,
    arbitrary: fc.constantFrom<unknown>(process, specOf(), specOf({ agent: "manual" }), { toString: 1, valueOf: 1 }),
  },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) },
);

const fieldNames = [
  "at",
  "n",
  "process",
  "spec",
  "why",
  "paths",
  "then",
  "candidate",
  "result",
  "phase",
  "tested",
  "check",
];
const oddEvent: fc.Arbitrary<unknown> = fc.oneof(
  {
    weight: 9,
    arbitrary: fc
      .tuple(
        fc.constantFrom(...Object.keys(effects), "lane.dreamt", "toString"),
        fc.constantFrom<unknown>("a", "a", "a", "b", "b", ...words),
        fc.dictionary(fc.constantFrom(...fieldNames), odd, { maxKeys: 6, noNullPrototype: true }),
      )
      .map(([type, key, fields]) => ({ n: 1, process, spec: specOf(), then: "pause", ...fields, type, key })),
  },
  { weight: 1, arbitrary: odd },
);

const oddRecord: fc.Arbitrary<unknown> = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record({
      v: fc.constantFrom<unknown>(1, 1, 1, 1, 1, 1, 2, "1"),
      id: fc.oneof({ weight: 9, arbitrary: fc.uuid() }, { weight: 1, arbitrary: odd }),
      at: fc.constantFrom<unknown>(now, now, now, 0, 1e300, "x"),
      by: fc.constant("human"),
      on: fc.constant("box"),
      cause: fc.oneof(fc.constant(undefined), odd),
      if: fc.oneof(
        { weight: 6, arbitrary: fc.constant(undefined) },
        {
          weight: 1,
          arbitrary: fc.array(fc.oneof(odd, fc.record({ lane: odd, rev: odd }), fc.record({ engine: odd }))),
        },
        { weight: 1, arbitrary: fc.array(fc.record({ lane: odd, state: odd }), { maxLength: 1 }) },
      ),
      events: fc.oneof({ weight: 9, arbitrary: fc.array(oddEvent, { maxLength: 3 }) }, { weight: 1, arbitrary: odd }),
    }),
  },
  { weight: 1, arbitrary: odd },
);

/** A state in which something has happened, and records of unknown origin on top of it. */
const oddStory = fc.tuple(fc.constantFrom(...reachable), fc.array(oddRecord, { minLength: 1, maxLength: 12 }));

const keptOf = (state: State): object => structuredClone({ ...state, position: 0, counts: {} });

describe("records of unknown origin", () => {
  test("never make the fold throw, and change nothing when they are void", () => {
    fc.assert(
      fc.property(oddStory, ([to, records]) => {
        const state = laneIn(to);
        for (const record of records) {
          const before = keptOf(state);
          const outcome = fold(state, { position: state.position + 1, record } as Entry);
          expect(outcome.effective ? before : keptOf(state)).toEqual(before);
          expect(outcome.effective).toBe(outcome.reason === undefined);
        }
        const { effective, void: voided } = state.counts;
        expect(effective + voided).toBe(state.position);
      }),
      { numRuns: 300 },
    );
  });

  test("leave a state that everybody can read", () => {
    fc.assert(
      fc.property(oddStory, ([to, records]) => {
        const state = laneIn(to);
        for (const record of records) fold(state, { position: state.position + 1, record } as Entry);
        expect(JSON.parse(JSON.stringify(trackerOf(state, undefined, now, limits)))).toHaveProperty("lanes");
        expect(overview(state, undefined).total).toBeLessThanOrEqual(state.lanes.size);
        expect(branchRows(undefined, laneRows(state, undefined, now, limits))).toEqual([]);
        const policy = { ...limits, check: undefined, requireCheck: false };
        expect(plan(state, { runs: new Map(), rested: new Set() }, now, policy).length).toBeLessThanOrEqual(
          state.lanes.size,
        );
        expect(runsToSee(state).every((run) => /^[A-Za-z0-9_-]+$/.test(run))).toBe(true);
        expect(typeof needsEngine(state, now, limits)).toBe("boolean");
        for (const lane of state.lanes.values()) {
          expect(whyLine(state, lane, now, limits)).toMatch(/ is /);
          expect(mergeMessage(lane)).toContain(`Lane: ${lane.id}\n`);
          expect(typeof checkOf(lane, "make")).toMatch(/string|undefined/);
          for (const row of catalog) whyNot(state, row, lane.id);
          expect(decide(state, { type: "add", lanes: [{ id: `${lane.id}x`, spec: specOf() }] })).toBeDefined();
        }
      }),
      { numRuns: 200 },
    );
  });

  test("never add a lane under a name that a folder, a ref or a script could mistake", () => {
    fc.assert(
      fc.property(fc.oneof(odd, fc.string()), (key) => {
        const state = emptyState();
        const record = {
          v: 1,
          id: "x",
          at: now,
          by: "",
          on: "",
          events: [{ type: "lane.added", key, spec: specOf() }],
        };
        fold(state, { position: 1, record } as unknown as Entry);
        for (const id of state.lanes.keys()) expect(id).toMatch(/^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/);
        expect(state.lanes.has("constructor")).toBe(false);
      }),
    );
  });
});

test("any field is shown as a short word", () => {
  expect(["a", 5, null, undefined, {}, [], true].map(shown)).toEqual([
    '"a"',
    "5",
    "(object)",
    "(undefined)",
    "(object)",
    "(object)",
    "(boolean)",
  ]);
});

test("any value can be asked whether it is a definition", () => {
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), odd), (value) => {
      expect(specFault(value) ?? "").toMatch(/definition|^$/);
    }),
  );
});

test("a capability says why it cannot be used, and lanes in which a person works can be merged", () => {
  const merge = capability("merge");
  if (!merge) throw new Error("merge is no capability");
  const state = laneIn("waiting");
  expect(whyNot(state, merge, "a")).toBeUndefined();
  expect(whyNot(laneIn("planned"), merge, "a")).toMatchObject({ code: 4, lane: "a" });
  const init = capability("init");
  expect(init && whyNot(state, init, "a")).toBeUndefined();
  expect(capability("fly")).toBeUndefined();
});

test("each capability has a name of its own, and a wish only where it is about lanes", () => {
  expect(new Set(catalog.map(({ id }) => id)).size).toBe(catalog.length);
  for (const { wish, arguments: args } of catalog)
    expect(!wish || args.length > 0 || wish("a").type === "remove").toBe(true);
});
