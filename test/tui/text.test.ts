import { Unicode11Addon } from "@xterm/addon-unicode11";
import xterm from "@xterm/headless";
import fc from "fast-check";
import stringWidth from "string-width";
import { expect, test } from "vitest";

import { sanitize, sanitizeLines } from "../../src/core/text.ts";
import { widthOf } from "../../src/tui/width.ts";
import { hostileText } from "./hostile-text.ts";
import { hostileTexts } from "./scene.ts";

test("clean text is what it was", () => {
  expect(sanitize("npm test -- --run ~/x")).toBe("npm test -- --run ~/x");
  expect(sanitize("日本語, déjà vu, │ → ✓")).toBe("日本語, déjà vu, │ → ✓");
});

test("sequences go, other control characters can be seen", () => {
  expect(hostileTexts.slice(0, 10).map((text) => sanitize(text))).toMatchInlineSnapshot(`
    [
      "red and cleared",
      "after a title",
      "after a clipboard",
      "link after a link",
      "and 8-bit colour",
      "after a device string,  and a question",
      "left the screen",
      "bell␇ back␈␈␈ up   nul␀",
      "one two  three",
      "right to left isolated zero width",
    ]
  `);
});

test("what terminals disagree about becomes one plain character", () => {
  expect(hostileTexts.slice(10, 14).map((text) => sanitize(text))).toMatchInlineSnapshot(`
    [
      "日本語の説明 and 한국어 and ｆｕｌｌ",
      "👩 family □ flag ❤ heart 1 keycap 👍 thumb 🫠 new",
      "éä composed Z̵̷ zalgo",
      "कषतरय กําลัง □깍 □  □ half",
    ]
  `);
});

test("a mark or a skin tone without a letter of its own does not bind to what is shown before it", () => {
  expect(sanitize("\u0301abc")).toBe("□abc");
  expect(sanitize("🏽abc")).toBe("□abc");
});

test("a megabyte of titles that never end, or of marks, is nothing to wait for", () => {
  expect(sanitize(`\u001B]${"a".repeat(1_000_000)}`)).toBe("");
  expect(sanitize("\u001B]".repeat(500_000))).toBe("");
  expect(sanitize(`a${"\u0301".repeat(500_000)}`).length).toBeLessThan(5);
});

test("the last lines of an output are shown as a terminal would leave them", () => {
  expect(sanitizeLines("one\ntwo\n\u001B[31mthree\u001B[0m\n", 2)).toEqual(["two", "three"]);
  expect(sanitizeLines("10%\r50%\r100%\r\ndone")).toEqual(["100%", "done"]);
  expect(sanitizeLines("a\tb\n\n")).toEqual(["a       b", ""]);
  expect(sanitizeLines("")).toEqual([]);
  expect(sanitizeLines("\u001B]0;title\nthe next line is not part of it")).toEqual([
    "",
    "the next line is not part of it",
  ]);
});

test("no text moves, colours, titles, asks or leaves a terminal, and its width is certain", async () => {
  const term = new xterm.Terminal({ cols: 400, rows: 4, allowProposedApi: true });
  term.loadAddon(new Unicode11Addon());
  term.unicode.activeVersion = "11";
  const heard: string[] = [];
  term.onBell(() => heard.push("bell"));
  term.onTitleChange(() => heard.push("title"));
  term.onData((reply) => heard.push(`reply ${JSON.stringify(reply)}`));
  term.onLineFeed(() => heard.push("line feed"));
  for (const identifier of [0, 1, 2, 4, 7, 8, 9, 10, 52, 777, 1337]) {
    term.parser.registerOscHandler(identifier, () => {
      heard.push(`osc ${identifier}`);
      return true;
    });
  }
  const write = (text: string): Promise<void> => new Promise((resolve) => term.write(text, resolve));
  await fc.assert(
    fc.asyncProperty(hostileText, async (text) => {
      const safe = sanitize(text);
      expect(sanitize(safe)).toBe(safe);
      expect(safe).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      expect(widthOf(safe)).toBe(stringWidth(safe));
      await write(`\u001Bc${safe}`);
      expect(heard).toEqual([]);
      expect(term.buffer.active.type).toBe("normal");
      const line = term.buffer.active.getLine(0);
      const columns = Array.from({ length: Math.min(400, widthOf(safe)) }, (_, column) => line?.getCell(column));
      expect(columns.every((cell) => cell?.isAttributeDefault())).toBe(true);
    }),
    { numRuns: 500 },
  );
});
