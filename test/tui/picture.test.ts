import { expect, test, vi } from "vitest";

import { colouring, erasing, onlyAscii, withoutOurs } from "./bytes.ts";
import type { MemoryWorld } from "./memory-engine.ts";
import { empty, hostile, many, swing } from "./scene.ts";
import { openStage, type Stage } from "./stage.tsx";

const sizes = [
  [1, 1],
  [20, 5],
  [40, 10],
  [59, 20],
  [80, 24],
  [119, 30],
  [120, 40],
  [160, 50],
  [300, 100],
] as const;

/** The terminal shows, cell by cell, what Ink drew. */
const expectSame = async (stage: Stage, columns: number, rows: number): Promise<void> => {
  await vi.waitFor(
    async () => {
      const shown = await stage.cells();
      const drawn = stage.drawn();
      expect(drawn.length).toBeLessThanOrEqual(rows);
      const wanted = Array.from({ length: rows }, (_, row) =>
        Array.from({ length: columns }, (__, column) => drawn[row]?.chars[column] ?? " "),
      );
      expect(shown.map((row) => row.join(""))).toEqual(wanted.map((row) => row.join("")));
    },
    { interval: 2, timeout: 10_000 },
  );
};

const scenes: readonly (readonly [string, (now: number) => MemoryWorld])[] = [
  ["a repository in full swing", swing],
  ["an empty one", empty],
  ["a hundred lanes", (now) => many(100, now)],
];

test.each(scenes)("%s: the screen is what was drawn at every size, through a storm of resizes", async (_, scene) => {
  const stage = await openStage(80, 24, scene(Date.now()));
  await expectSame(stage, 80, 24);
  for (const [columns, rows] of sizes) {
    await stage.resize(columns, rows);
    await expectSame(stage, columns, rows);
  }
  for (const [columns, rows] of sizes.toReversed()) void stage.resize(columns, rows);
  await stage.resize(80, 24);
  await expectSame(stage, 80, 24);
  // There and back before Ink looks: nothing new is drawn, yet the terminal lost half of it.
  void stage.resize(40, 12);
  await stage.resize(80, 24);
  await expectSame(stage, 80, 24);
  expect(stage.sent()).not.toMatch(erasing);
  expect(stage.heard).toEqual([]);
  await stage.end();
});

test("hostile text in every place neither shifts nor colours nor commands anything", async () => {
  const stage = await openStage(120, 40, hostile(Date.now()));
  for (const keys of ["j", "G", "2", "3", "G", "4", "G", "1", "\r"]) {
    stage.press(keys);
    const rows = await stage.cells();
    for (const row of rows.slice(2, 38)) {
      expect(row[0]).toMatch(/[╭│╰├ ]/);
      expect(row.at(-1)).toMatch(/[╮│╯┤ ]/);
    }
  }
  expect(stage.heard).toEqual([]);
  const sent = stage.sent();
  expect(withoutOurs(sent)).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  expect(sent).not.toContain("41m");
  await stage.end();
});

test("one changed row costs a few bytes, nothing changed costs none", async () => {
  const stage = await openStage(120, 40, swing(Date.now()));
  await stage.until("allow edit of src/table.tsx");
  await stage.until("> _");
  stage.sent();
  stage.world.tell([{ type: "lane.progressed", key: "api-cache", text: "2 of 3 tasks: running test5" }]);
  await stage.until("2 of 3 tasks: runn");
  stage.world.tell([{ type: "lane.progressed", key: "api-cache", text: "3 of 3 tasks: running tests" }]);
  await stage.until("3 of 3 tasks");
  const bytes = stage.sent();
  expect(bytes).toContain("3");
  expect(Buffer.byteLength(bytes)).toBeLessThan(64);
  stage.world.tell([{ type: "lane.progressed", key: "api-cache", text: "3 of 3 tasks: running tests" }]);
  stage.press("\u001B[Z");
  await stage.until("Lanes");
  await stage.end();
});

test("without UTF-8 only ASCII is sent, with NO_COLOR no colours", async () => {
  const plain = await openStage(120, 40, hostile(Date.now()), { LANG: "C", NO_COLOR: "1" });
  plain.press("jj?");
  await plain.until("Keys");
  const sent = plain.sent();
  expect(sent).toMatch(onlyAscii);
  expect(sent).not.toMatch(colouring);
  await plain.end();
});
