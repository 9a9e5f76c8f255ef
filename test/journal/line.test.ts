import { crc32 as zlibCrc32 } from "node:zlib";

import fc from "fast-check";
import { expect, test } from "vitest";

import type { Entry, LogRecord } from "../../src/core/event.ts";
import { crc32 } from "../../src/journal/crc.ts";
import { eachLine, encode } from "../../src/journal/line.ts";

const decoded = (bytes: Uint8Array): Entry[] => {
  const entries: Entry[] = [];
  eachLine(Buffer.from(bytes), 0, (entry) => entries.push(entry));
  return entries;
};

const text = fc.string({ unit: "binary" });
// Events of any shape with a type: the line does not know what they mean.
const anyRecord = fc.record(
  {
    v: fc.integer({ min: 1 }),
    id: text,
    at: fc.nat(),
    by: text,
    on: text,
    cause: text,
    if: fc.constant([{ engine: 1 }]),
    events: fc.array(fc.record({ type: text, key: text, n: fc.integer(), deep: fc.array(fc.dictionary(text, text)) })),
  },
  { requiredKeys: ["v", "id", "at", "by", "on", "events"] },
) as unknown as fc.Arbitrary<LogRecord>;

test("any record comes back as it was", () => {
  fc.assert(
    fc.property(anyRecord, (record) => {
      const same = JSON.parse(JSON.stringify(record)) as LogRecord;
      expect(decoded(encode(record))).toEqual([{ position: 1, record: same }]);
    }),
  );
});

test("any bytes are read without throwing, each line that is not empty at one position", () => {
  const piece = fc.oneof(fc.uint8Array({ maxLength: 40 }), anyRecord.map(encode), fc.constant(Buffer.from("\n\r\n{")));
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
      const bytes = Buffer.concat([...pieces, Buffer.from("\n")]);
      const lines = bytes.toString("latin1").split("\n").filter(Boolean);
      expect(decoded(bytes).map(({ position }) => position)).toEqual(lines.map((_, index) => index + 1));
    }),
  );
});

test("any changed byte of a record is noticed", () => {
  fc.assert(
    fc.property(anyRecord, fc.nat(), fc.integer({ min: 1, max: 255 }), (record, where, flip) => {
      const line = encode(record);
      const at = where % (line.length - 1);
      line[at] = line[at]! ^ flip;
      for (const entry of decoded(line)) expect(entry).toHaveProperty("damaged");
    }),
  );
});

test("the checksum is that of zlib", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(20), (bytes, start) => {
      expect(crc32(bytes, Math.min(start, bytes.length), bytes.length)).toBe(zlibCrc32(bytes.subarray(start)));
    }),
  );
});

test.each<[string, object]>([
  ["an object", { toString: 1 }],
  ["a list", [0]],
])("a version that is %s makes a line damaged, whatever its checksum says", (_, v) => {
  const line = encode({ v, id: "x", at: 1, by: "human", on: "box", events: [] } as unknown as LogRecord);
  expect(decoded(line)).toEqual([{ position: 1, damaged: "it has no version" }]);
});

test("a record nested deeper than anybody could print or keep is damaged; brackets in a text are no nesting", () => {
  const nested = (depth: number): unknown => JSON.parse(`${"[".repeat(depth)}${"]".repeat(depth)}`);
  const recordWith = (extra: unknown): LogRecord =>
    ({ v: 1, id: "x", at: 1, by: "human", on: "box", events: [{ type: "moon.rose", extra }] }) as unknown as LogRecord;
  expect(decoded(encode(recordWith(nested(490))))).toEqual([{ position: 1, record: recordWith(nested(490)) }]);
  expect(decoded(encode(recordWith(nested(500))))).toEqual([
    { position: 1, damaged: "it is nested more than 500 deep" },
  ]);
  const brackets = recordWith(`\\"${"[{".repeat(5000)}`);
  expect(decoded(encode(brackets))).toEqual([{ position: 1, record: brackets }]);
});
