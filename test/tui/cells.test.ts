import { Unicode11Addon } from "@xterm/addon-unicode11";
import xterm from "@xterm/headless";
import fc from "fast-check";
import { expect, test } from "vitest";

import { sanitize } from "../../src/core/text.ts";
import { diffRow, parseRow } from "../../src/tui/cells.ts";
import { createSprites } from "../../src/tui/sprite.ts";

const columns = 40;

const sgr = fc.constantFrom(
  "",
  "\u001B[1m",
  "\u001B[22m",
  "\u001B[7m",
  "\u001B[27m",
  "\u001B[31m",
  "\u001B[39m",
  "\u001B[0m",
);
const word = fc.constantFrom("a", "bb", "   ", "-", "│", "日本", "é", "한", "👩", "□", "e\u0323\u0302", "ß", "…");
const row = fc
  .array(fc.tuple(sgr, word), { maxLength: 24 })
  .map((parts) => parts.map(([style, text]) => style + sanitize(text)).join(""));

const shown = async (bytes: string): Promise<string> => {
  const term = new xterm.Terminal({ cols: columns, rows: 3, allowProposedApi: true });
  term.loadAddon(new Unicode11Addon());
  term.unicode.activeVersion = "11";
  await new Promise<void>((resolve) => term.write(`\u001B[?7l${bytes}`, resolve));
  const line = term.buffer.active.getLine(1);
  const cells = Array.from({ length: columns }, (_, at) => {
    const cell = line?.getCell(at);
    const chars = cell?.getChars() ?? "";
    const blank = chars === "" && cell?.getWidth() === 1;
    return `${blank ? " " : chars}${cell?.isBold()}${cell?.isInverse()}${cell?.getFgColor()}`;
  });
  return cells.join("|");
};

test("any row turned into any other by its difference reads as if it were painted whole", async () => {
  await fc.assert(
    fc.asyncProperty(row, row, async (from, to) => {
      const [before, after] = [parseRow(from, { columns }), parseRow(to, { columns })];
      const step = diffRow(2, undefined, before) + diffRow(2, before, after);
      expect(await shown(step)).toBe(await shown(diffRow(2, undefined, after)));
    }),
    { numRuns: 150 },
  );
});

test("one changed word costs its own letters and one jump", () => {
  const before = parseRow("│ api-cache  running   2 of 3 tasks │", { columns });
  const after = parseRow("│ api-cache  running   3 of 3 tasks │", { columns });
  expect(diffRow(7, before, after)).toBe("\u001B[7;24H3");
  expect(diffRow(7, before, before)).toBe("");
});

test("what is wider than the terminal is cut, and half a wide character is left out", () => {
  expect(parseRow("abcdef", { columns: 4 }).chars.join("")).toBe("abcd");
  expect(parseRow("abc日本", { columns: 4 }).chars.join("")).toBe("abc");
});

test("after a character of doubtful width the place is named anew", () => {
  expect(diffRow(1, undefined, parseRow("👩x", { columns }))).toBe("\u001B[1H\u001B[K  \u001B[1G👩\u001B[3Gx");
  expect(diffRow(1, undefined, parseRow("日x", { columns }))).toBe("\u001B[1H\u001B[K日x");
});

test("a control character that got so far is not sent", () => {
  expect(diffRow(1, undefined, parseRow("a\u0007b\u001B]0;x\u009Bc", { columns }))).toBe("\u001B[1H\u001B[Kab]0;xc");
});

test("in ASCII every character has a stand-in of the same width", () => {
  expect(parseRow("╭─日é│✓…", { columns, ascii: true }).chars.join("")).toBe("+-???|+~");
});

test("a line that a letter stands for takes its place, and blanks around it leave it alone", () => {
  const sprites = createSprites();
  const [long, short] = [sprites.hide("a long line"), sprites.hide("\u001B[1mon top\u001B[0m")];
  const read = parseRow(`|${long}   ${short}       |`, { columns: 20, sprites });
  expect(read.chars.join("")).toBe("|a loon tope |");
  expect(read.styles.slice(4, 6)).toEqual(["", "1"]);
  expect(sprites.hide("a long line")).toBe(long);
  expect(sprites.hide("another")).not.toBe(long);
});
