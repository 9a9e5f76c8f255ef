import { expect, test } from "vitest";

import { compareSettings, remarkLine } from "../../src/core/tripwire.ts";
import { added, laneIn, stateOf, timeOf } from "./build.ts";

const hooks = "core.hooksPath in git's shared configuration";
const idle = stateOf([added("a")]);
const running = laneIn("running");
const first = compareSettings(undefined, { [hooks]: "1", kept: "2" }, idle, 0);

test("the first look takes everything as it is", () => {
  expect(first).toEqual({ at: 0, known: { [hooks]: "1", kept: "2" }, remarks: [] });
});

test("what changes while no agent runs is the person's own", () => {
  const next = compareSettings(first, { [hooks]: "9", fresh: "3" }, idle, 5);
  expect(next).toEqual({ at: 5, known: { [hooks]: "9", fresh: "3" }, remarks: [] });
});

test("what changes while an agent runs is told, with the lanes that ran then, until it is taken back", () => {
  const next = compareSettings(first, { [hooks]: "9", fresh: "3" }, running, 5);
  expect(next.known).toEqual(first.known);
  expect(next.remarks).toEqual([
    { at: 5, name: hooks, how: "changed", lanes: ["a"] },
    { at: 5, name: "fresh", how: "set", lanes: ["a"] },
    { at: 5, name: "kept", how: "taken out", lanes: ["a"] },
  ]);
  const later = compareSettings(next, { [hooks]: "1", fresh: "3", kept: "2", mine: "4" }, idle, 9);
  expect(later.remarks).toEqual([{ at: 5, name: "fresh", how: "set", lanes: ["a"] }]);
  expect(later.known).toEqual({ ...first.known, mine: "4" });
});

test("an agent that ended since the last look is among those that could have done it", () => {
  const ended = laneIn("ready");
  const endedAt = ended.lanes.get("a")?.run?.endedAt ?? timeOf(0);
  const before = { ...first, at: endedAt - 1 };
  expect(compareSettings(before, { [hooks]: "9", kept: "2" }, ended, endedAt).remarks).toHaveLength(1);
  expect(compareSettings({ ...before, at: endedAt + 1 }, { [hooks]: "9", kept: "2" }, ended, 0).remarks).toEqual([]);
});

test("a flood of changes is told in part", () => {
  const flood = Object.fromEntries(Array.from({ length: 300 }, (_, each) => [`x.y${each}`, "1"]));
  expect(compareSettings(first, flood, running, 5).remarks).toHaveLength(20);
});

test("a remark says what, while who ran, and what to do", () => {
  expect(remarkLine({ at: 5, name: hooks, how: "set", lanes: ["a", "b"] })).toBe(
    `${hooks} was set while a, b ran; not you? take it back. You? lanes engine stop`,
  );
});
