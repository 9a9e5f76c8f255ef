import { expect, test } from "vitest";

import type { RepoSeen } from "../../src/core/observed.ts";
import type { ForecastSeen } from "../../src/core/forecast.ts";
import { forecastText, observedText, parseForecast, parseObserved, withForecast } from "../../src/engine/observed.ts";

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

const forecast: ForecastSeen = {
  at: 5,
  target: "main",
  head: "h0",
  lanes: [["a", "h1"]],
  uncommitted: ["a"],
  isWhole: true,
  collisions: [
    { a: "a", b: "b", is: "conflict", paths: ["x"], kinds: ["contents"] },
    { a: "a", is: "unknown", paths: [], kinds: [], why: "git failed" },
  ],
};

test("a forecast comes back as it was written, and stands in a file of its own", () => {
  expect(parseForecast(forecastText(forecast))).toEqual(forecast);
  expect(withForecast(seen, forecast)).toEqual({ ...seen, forecast });
  expect(withForecast(undefined, forecast)).toBeUndefined();
  expect(observedText({ ...seen, forecast })).toBe(observedText(seen));
});

test.each<[string, unknown]>([
  ["no object", 1],
  ["with a pair that is nothing", { ...forecast, collisions: [null] }],
  [
    "with a pair in a state that there is not",
    { ...forecast, collisions: [{ ...forecast.collisions[0], is: "clean" }] },
  ],
  ["with paths that are no texts", { ...forecast, collisions: [{ ...forecast.collisions[0], paths: [1] }] }],
  ["with a lane that is no pair", { ...forecast, lanes: ["a"] }],
])("a forecast %s is none", (_, value) => {
  expect(parseForecast(JSON.stringify(value))).toBeUndefined();
});
