import { expect, test } from "vitest";

import { clip, fit, widthOf } from "../../src/tui/width.ts";

test("text is cut and padded by columns, not by letters", () => {
  expect(fit("docs", 6)).toBe("docs  ");
  expect(fit("9m", 4, "right")).toBe("  9m");
  expect(fit("documentation", 6)).toBe("docum…");
  expect(fit("日本語", 5)).toBe("日本…");
  expect(fit("日本語", 4)).toBe("日… ");
  expect(clip("anything", 0)).toBe("");
  expect(clip("anything", 1)).toBe("…");
});

test("a mark takes no column, an ideograph two", () => {
  expect([widthOf("e\u0323\u0302"), widthOf("日本"), widthOf("한ｶ"), widthOf("↑2 →")]).toEqual([1, 4, 3, 4]);
});

test("whatever comes this far is sanitised, also when somebody forgot", () => {
  expect(clip("\u001B]0;title\u0007a\u001B[2Jb", 9)).toBe("ab");
});
