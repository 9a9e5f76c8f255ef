import { expect, test } from "vitest";

import {
  type ForecastSeen,
  meetings,
  pairLine,
  pairRows,
  predictedIn,
  suggestedOrder,
} from "../../src/core/forecast.ts";

const forecast: ForecastSeen = {
  at: 0,
  target: "main",
  head: "h",
  lanes: [],
  uncommitted: [],
  isWhole: true,
  collisions: [
    { a: "zebra", is: "conflict", paths: ["x"], kinds: ["contents"] },
    { a: "b", b: "a", is: "conflict", paths: ["1", "2", "3", "4", "5", "6"], kinds: ["contents", "add/add"] },
    { a: "a", b: "b", is: "conflict", paths: ["N and n"], kinds: ["case"] },
    { a: "b", b: "c", is: "conflict", paths: ["y"], kinds: ["contents"] },
    { a: "a", b: "c", is: "unknown", paths: ["z"], kinds: [], why: "git failed" },
    { a: "d", is: "unknown", paths: [], kinds: [], why: "git failed" },
  ],
};

test("pairs stand in the order of their names, and so do the two of a pair", () => {
  expect(pairRows(forecast).map(pairLine)).toEqual([
    "a and b: N and n (case)",
    "a and b: 1, 2, 3, 4, 5, and 1 more (contents, add/add)",
    "a and c: z (unknown, git failed)",
    "b and c: y (contents)",
    "d and target: unknown, git failed",
    "target and zebra: x (contents)",
  ]);
  expect(pairRows(forecast, "target").map(({ a, b }) => `${a} ${b}`)).toEqual(["d target", "target zebra"]);
  expect(pairRows(undefined)).toEqual([]);
});

test("whom a lane meets is told once, and nobody of whom nothing is known", () => {
  expect(meetings(forecast)).toEqual(
    new Map([
      ["zebra", ["target"]],
      ["b", ["a", "c"]],
      ["a", ["b"]],
      ["c", ["b"]],
    ]),
  );
  expect(meetings(undefined)).toEqual(new Map());
});

test("what counts in a queue are the conflicts of those that stand in it", () => {
  const queued = (...ids: readonly string[]) => ({
    lanes: new Map([...ids, "ready"].map((id) => [id, { id, state: id === "ready" ? "ready" : "merge-queued" }])),
  });
  expect(predictedIn(forecast, queued("a", "b", "c"))).toEqual(
    new Map([
      ["b", 2],
      ["a", 1],
      ["c", 1],
    ]),
  );
  expect(predictedIn(forecast, queued("a", "c", "zebra"))).toEqual(new Map());
  expect(suggestedOrder(forecast, ["b", "a", "c"])).toEqual(["a", "b", "c"]);
});
