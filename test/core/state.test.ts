import { expect, test } from "vitest";

import { laneStates, mayMove, stateTable } from "../../src/core/state.ts";

test("the state table reads like this", () => {
  const lines = laneStates.map((state) => {
    const { glyph, ascii, tone, seed, next } = stateTable[state];
    return `${glyph} ${ascii} ${state} (${seed}, ${tone}) -> ${next.join(" ") || "nowhere"}`;
  });
  expect(`\n${lines.join("\n")}\n`).toMatchInlineSnapshot(`
    "
    ○ o planned (created, dim) -> queued cancelled
    ○ o queued (created, plain) -> starting planned cancelled
    → > starting (running, busy) -> running paused failed lost
    → * running (running, good) -> waiting paused ready finished-empty failed lost
    ! ! waiting (running, alert) -> running waiting queued ready finished-empty paused failed lost cancelled
    ‖ = paused (running, dim) -> running queued cancelled
    ✗ x finished-empty (failed, alert) -> queued ready cancelled
    ✗ x failed (failed, bad) -> queued parked cancelled
    ? ? lost (failed, alert) -> queued cancelled
    ✗ x parked (failed, bad) -> queued cancelled
    ✓ + ready (completed, plain) -> merge-queued running queued waiting cancelled
    ⇄ ~ merge-queued (completed, busy) -> merging ready waiting
    ⇄ ~ merging (completed, busy) -> merged conflicted checks-failed landed-pending merge-queued
    ≠ # conflicted (failed, bad) -> merge-queued running queued cancelled
    ✗ x checks-failed (failed, bad) -> merge-queued running queued cancelled
    ⇄ ~ landed-pending (completed, alert) -> merged merge-queued
    ✓ + merged (completed, good) -> undone
    ○ o undone (created, dim) -> merge-queued cancelled
    ✗ x cancelled (failed, dim) -> nowhere
    "
  `);
});

test("a lane moves along the table only", () => {
  expect(mayMove("planned", "queued")).toBe(true);
  expect(mayMove("planned", "merged")).toBe(false);
});

test("only a merge that is under way leads to merged", () => {
  expect(laneStates.filter((state) => mayMove(state, "merged"))).toEqual(["merging", "landed-pending"]);
});

test("every state but the first can be entered, and a cancelled lane never moves again", () => {
  const entered = new Set(laneStates.flatMap((state) => stateTable[state].next));
  expect(laneStates.filter((state) => !entered.has(state))).toEqual([]);
  expect(stateTable.cancelled.next).toEqual([]);
});

test("glyphs of states that stand for different words of the seed differ", () => {
  const words = new Map<string, Set<string>>();
  for (const state of laneStates) {
    const { glyph, seed } = stateTable[state];
    words.set(glyph, (words.get(glyph) ?? new Set()).add(seed));
  }
  expect([...words].filter(([, seeds]) => seeds.size > 1)).toEqual([]);
});
