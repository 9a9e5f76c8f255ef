import { expect, test } from "vitest";

import { refusedAt, refusedLately, refusedLine } from "../../src/core/refused.ts";

const name = "tracker.2026-01-02T03-04-05.678Z-4242-77.json";
const at = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

test("the name of a refused edit says when it was found, and it is told of for a day", () => {
  expect([name, "tracker.mine.json", "tracker.2026-99-99T99-99-99.9Z.json"].map(refusedAt)).toEqual([at, 0, 0]);
  expect(refusedLately([name, "tracker.mine.json"], at + 86_399_999)).toEqual([name]);
  expect(refusedLately([name], at + 86_400_000)).toEqual([]);
});

test("one and several are told of, with the newest by name", () => {
  expect(refusedLine([name])).toBe(
    `an edit of tracker.json was not taken over, or not all of it; kept as .orchestration/rejected/${name}; lanes doctor says what to do`,
  );
  expect(refusedLine(["a", "b"])).toMatch(/^2 edits of tracker\.json were .*\/b; lanes doctor/);
});
