import { expect, test } from "vitest";

import type { RepoSeen } from "../../src/core/observed.ts";
import { observedText, parseObserved } from "../../src/engine/observed.ts";

const seen: RepoSeen = {
  at: 1_764_000_000_000,
  target: { name: "main", head: "h0", subject: "one" },
  lanes: new Map([["a", { head: "h1", subject: "two", ahead: 1, behind: 0, worktree: "present", dirty: ["x"] }]]),
  branches: [{ name: "main", head: "h0", subject: "one", committedAt: 0 }],
  locks: [{ path: "/r/.git/index.lock", ageMs: 5 }],
  settings: { at: 5, known: {}, remarks: [{ at: 5, name: "core.hooksPath", how: "set", lanes: [] }] },
};

test("a look comes back as it was written", () => {
  expect(parseObserved(observedText(seen))).toEqual(seen);
  const least: RepoSeen = { at: 0, target: undefined, lanes: new Map(), branches: [], locks: [] };
  expect(parseObserved(observedText(least))).toEqual(least);
});

test.each<[string, unknown]>([
  ["no object", null],
  ["at a time that no calendar has", { ...seen, at: 1e300 }],
  ["with a lane that is nothing", { ...seen, lanes: [["a", null]] }],
  ["with a lane that is no pair", { ...seen, lanes: [["a"]] }],
  ["with dirty files that are no list", { ...seen, lanes: [["a", { ...seen.lanes.get("a"), dirty: "x" }]] }],
  ["with a branch that is nothing", { ...seen, lanes: [], branches: [null] }],
  ["with a lock of endless age", { ...seen, lanes: [], locks: [{ path: "x", ageMs: 8.64e15 }] }],
  ["with a remark that is nothing", { ...seen, lanes: [], settings: { ...seen.settings, remarks: [null] } }],
])("a look %s is none: whoever shows it would fail", (_, value) => {
  expect(parseObserved(JSON.stringify(value))).toBeUndefined();
});
