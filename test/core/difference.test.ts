import { expect, test } from "vitest";

import { differences } from "../../src/core/difference.ts";

test("two values that say the same have no differences, whatever the order of their fields", () => {
  expect(differences({ a: 1, b: { c: [1, { d: null }] } }, { b: { c: [1, { d: null }] }, a: 1 })).toEqual([]);
});

test("differences are told field by field, lists as a whole, and with what is missing on either side", () => {
  const was = { lanes: { docs: { state: "merged", paths: ["a"] }, gone: {} }, same: true };
  const is = { lanes: { docs: { state: "ready", paths: ["a", "b"] }, more: 1 }, same: true };
  expect(differences(was, is)).toEqual([
    { field: "lanes.docs.state", was: "merged", is: "ready" },
    { field: "lanes.docs.paths", was: ["a"], is: ["a", "b"] },
    { field: "lanes.gone", was: {}, is: undefined },
    { field: "lanes.more", was: undefined, is: 1 },
  ]);
});

test.each([
  [[], {}],
  [null, {}],
  ["x", 1],
  [undefined, null],
])("%j and %j differ as a whole", (was, is) => {
  expect(differences(was, is)).toEqual([{ field: "", was, is }]);
});
