import { deepStrictEqual } from "node:assert/strict";
import { readFileSync } from "node:fs";

import fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { Entry } from "../../src/core/event.ts";
import { fold } from "../../src/core/fold.ts";
import { snapshotState, snapshotText } from "../../src/core/snapshot.ts";
import { emptyState, retryWindow, type State } from "../../src/core/state.ts";
import { eachLine } from "../../src/journal/line.ts";
import { laneIn, now, reachable, recordOf, tell } from "./build.ts";
import { arbitraryStory } from "./story.ts";
import { happen, worldOf } from "./world.ts";

/** Compared by Node: in maps, `toStrictEqual` takes a field that is undefined for one that is not there. */
const back = (state: State): State => {
  const again = snapshotState(snapshotText(state));
  if (!again) throw new Error("the snapshot holds no state");
  return again;
};

const foldAll = (entries: readonly Entry[], state: State = emptyState()): State => {
  for (const entry of entries) fold(state, entry);
  return state;
};

/** Lines that stand between those of a story in real logs. */
const odd: readonly ((position: number) => Entry)[] = [
  (position) => ({ position, damaged: "its checksum does not match" }),
  (position) => ({ position, record: recordOf(position, [], { id: "r1" }) }),
  (position) => ({ position, record: recordOf(position, [], { v: 2 }) }),
  (position) => ({ position, record: recordOf(position, [{ type: "moon.rose" } as never]) }),
  (position) => ({ position, record: recordOf(position, [], { if: [{ engine: 7 }] }) }),
];

/** A log: what a story recorded, with other lines in between. */
const arbitraryLog = fc
  .tuple(arbitraryStory, fc.array(fc.nat(odd.length * 2), { minLength: 1, maxLength: 7 }))
  .map(([story, dice]): readonly Entry[] => {
    const world = worldOf(now, { maxRuns: 2, check: "make", requireCheck: false });
    for (const happening of story) happen(world, happening);
    const makers = world.steps.flatMap(({ events }, index) => {
      const step = (position: number): Entry => ({ position, record: recordOf(position, events) });
      return [odd[dice[index % dice.length] ?? 0], step].flatMap((maker) => maker ?? []);
    });
    return makers.map((make, index) => JSON.parse(JSON.stringify(make(index + 1))) as Entry);
  });

describe("a snapshot of the state", () => {
  test("gives back every field, and what is folded on it means the same, wherever it was taken", () => {
    let effective = 0;
    fc.assert(
      fc.property(arbitraryLog, fc.nat(), (log, dice) => {
        const at = dice % (log.length + 1);
        const [before, rest] = [foldAll(log.slice(0, at)), log.slice(at)];
        const restored = back(before);
        deepStrictEqual(restored, before);
        expect(rest.map((entry) => fold(restored, entry))).toStrictEqual(rest.map((entry) => fold(before, entry)));
        deepStrictEqual(restored, foldAll(log));
        effective += restored.counts.effective;
      }),
      { numRuns: 150 },
    );
    expect(effective).toBeGreaterThan(1000);
  });

  test("gives back every field after each line of a log with every kind of event", () => {
    const state = emptyState();
    eachLine(readFileSync(new URL("../fixture/journal/every-event.v1.jsonl", import.meta.url)), 0, (entry) => {
      fold(state, entry);
      deepStrictEqual(back(state), state);
    });
    expect(state.position).toBeGreaterThan(40);
  });

  test.each(reachable)("gives back every field of a lane that is %s", (to) => {
    expect(() => deepStrictEqual(back(laneIn(to)), laneIn(to))).not.toThrow();
  });

  test("gives back a lane that landed without a check", () => {
    const state = laneIn("merge-queued");
    const merge = { key: "a", target: "main", onto: "o", head: "h", candidate: "c" };
    tell(state, [{ type: "merge.started", ...merge }]);
    const landed = { key: "a", merge: "c", target: "main", before: "o", head: "h" } as const;
    tell(state, [{ type: "merge.landed", ...landed, tested: "unchecked" }]);
    expect(state.lanes.get("a")?.landed).toHaveProperty("gate", undefined);
    deepStrictEqual(back(state), state);
  });

  test("knows the ids of both generations, so that a repetition stays void", () => {
    const state = emptyState();
    for (let n = 0; n <= retryWindow + 1; n += 1) tell(state, [], { id: `n${n}` });
    const restored = back(state);
    expect(restored.seen.old.size).toBeGreaterThan(retryWindow);
    for (const id of ["n0", `n${retryWindow + 1}`]) expect(tell(restored, [], { id }).reason).toMatch(/^repeated/);
  });

  test.each(["", "null", "7", "{}", '{"lanes":[null]}', "[", '{"lanes":[],"names":[],"young":7}'])(
    "is none when its text is %j",
    (text) => {
      expect(snapshotState(text)).toBeUndefined();
    },
  );
});
