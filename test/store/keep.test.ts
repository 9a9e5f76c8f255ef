import { expect, test } from "vitest";

import { keep, keepOne, same } from "../../src/store/keep.ts";

test("rows that say the same keep their identity, wherever they move", () => {
  const before = [
    { id: "a", git: { dirty: ["x"] } },
    { id: "b", git: undefined },
  ];
  const after = [
    { id: "b", git: undefined },
    { id: "a", git: { dirty: ["x", "y"] } },
  ];
  const kept = keep<{ readonly id: string }>(before, after);
  expect(kept[0]).toBe(before[1]);
  expect(kept[1]).toBe(after[1]);
});

test("a list in which nothing changed is the same list", () => {
  const before = [{ id: "a", n: 1 }];
  expect(keep(before, [{ id: "a", n: 1 }])).toBe(before);
  expect(keep(before, [])).toEqual([]);
  expect(keepOne(before[0], { id: "a", n: 1 })).toBe(before[0]);
});

test("values are compared by what they say", () => {
  expect(same({ a: [1, { b: 2 }] }, { a: [1, { b: 2 }] })).toBe(true);
  expect(same({ a: 1 }, { a: 1, b: undefined })).toBe(false);
  expect(same([1], [1, 2])).toBe(false);
  expect(same(undefined, {})).toBe(false);
});
