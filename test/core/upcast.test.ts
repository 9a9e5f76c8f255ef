import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { type Raw, upcast } from "../../src/core/upcast.ts";

const envelope = { id: "a", at: 1, by: "human", on: "box" };

describe("a record of version 0", () => {
  test("told one fact, and becomes a record of one event", () => {
    const old = { ...envelope, v: 0, if: [{ engine: 3 }], type: "lane.queued", key: "docs", data: { why: "again" } };
    expect(upcast(old)).toEqual({
      ...envelope,
      v: 1,
      if: [{ engine: 3 }],
      events: [{ type: "lane.queued", key: "docs", why: "again" }],
    });
  });

  test("is of the type that it names, whatever its fields say", () => {
    const old = { ...envelope, v: 0, type: "phase.entered", data: { type: "lane.lost", key: "docs", phase: 2 } };
    expect(upcast(old)["events"]).toEqual([{ type: "phase.entered", key: "docs", phase: 2 }]);
  });
});

test.each([1, 2, 0.5, -1, Number.NaN, "x", null, undefined])("a record of version %s comes back as it is", (v) => {
  const record = { ...envelope, v, type: "lane.queued", key: "docs", data: {} };
  expect(upcast(record)).toBe(record);
});

test("whatever a record holds, it is raised or comes back, and nothing throws", () => {
  const some = fc.record({
    v: fc.constantFrom<unknown>(0, 0, 1, -3, 0.5, "0"),
    type: fc.anything(),
    data: fc.anything(),
  });
  fc.assert(
    fc.property(some, (record: Raw) => {
      expect(upcast(record)).toMatchObject(record["v"] === 0 ? { v: 1 } : {});
    }),
  );
});
