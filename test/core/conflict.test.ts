import { expect, test } from "vitest";

import { type Change, type Footprint, gentleOrder, suspects } from "../../src/core/conflict.ts";

const footprint = (lane: string, changes: readonly Change[], more: Partial<Footprint> = {}): Footprint => ({
  lane,
  changes,
  vanished: [],
  ...more,
});
const added = (path: string): Change => ({ path, kind: "added" });
const changed = (path: string): Change => ({ path, kind: "changed" });

test("lanes that meet nowhere are no suspects", () => {
  expect(suspects([footprint("a", [changed("x")]), footprint("b", [changed("y"), added("z/new")])])).toEqual([]);
});

test("a path in common, a file where the other has a folder, and what is added to an emptied folder are", () => {
  expect(
    suspects([
      footprint("c", [changed("x")]),
      footprint("a", [changed("x"), added("p")]),
      footprint("b", [added("p/q"), added("d/new")]),
      footprint("d", [{ path: "d/old", kind: "gone" }], { vanished: ["d"] }),
    ]),
  ).toEqual([
    ["a", "b"],
    ["a", "c"],
    ["b", "d"],
  ]);
});

test("a lane that is uprooted meets everybody who adds something", () => {
  expect(
    suspects([
      footprint("old", [changed("x")], { isUprooted: true }),
      footprint("adds", [added("far/away")]),
      footprint("edits", [changed("y")]),
    ]),
  ).toEqual([["adds", "old"]]);
});

test("lanes that collide with many go last", () => {
  const pairs = [
    ["a", "hub"],
    ["b", "hub"],
    ["c", "hub"],
    ["b", "gone"],
  ] as const;
  expect(gentleOrder(["hub", "a", "b", "c"], pairs)).toEqual(["a", "b", "hub", "c"]);
});
