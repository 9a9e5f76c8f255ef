/** Aligned columns for people: widths as terminals count them, cut to the terminal, coloured cell by cell. */
import type { Tone } from "../core/state.ts";
import { sanitize } from "../core/text.ts";
import { paint, type Style } from "./terminal.ts";
import { type Measure, measureFor } from "./width.ts";

/** One cell: text of any origin, and how it is coloured. */
export interface Cell {
  readonly text: string;
  readonly tone?: Tone;
}

/** Columns are this far apart. */
const gap = 2;

/** Lines of a table. The last column is not padded; what exceeds the style's columns is cut with a mark. */
export const tableLines = async (rows: readonly (readonly Cell[])[], style: Style): Promise<readonly string[]> => {
  const clean = rows.map((row) =>
    row.map(({ text, tone }): Required<Cell> => ({ text: sanitize(text), tone: tone ?? "plain" })),
  );
  const measure = await measureFor(clean.flatMap((row) => row.map(({ text }) => text)));
  const widths: number[] = [];
  for (const row of clean) {
    for (const [at, { text }] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, measure(text));
  }
  return clean.map((row) => lineOf(row, widths, style, measure));
};

const lineOf = (row: readonly Required<Cell>[], widths: readonly number[], style: Style, measure: Measure): string => {
  const last = row.findLastIndex(({ text }) => text !== "");
  let left = style.columns ?? Number.POSITIVE_INFINITY;
  let line = "";
  for (const [at, { text, tone }] of row.slice(0, last + 1).entries()) {
    const shown = cut(text, left, style, measure);
    line += paint(style, tone, shown);
    left -= measure(shown);
    const padding = (widths[at] ?? 0) - measure(shown) + gap;
    if (at === last || left <= padding) break;
    line += " ".repeat(padding);
    left -= padding;
  }
  return line;
};

/** The text, or its beginning with a mark when it is wider than `width`. */
export const cut = (text: string, width: number, style: Style, measure: Measure): string => {
  if (measure(text) <= width) return text;
  const mark = style.utf8 ? "…" : "~";
  let short = "";
  let used = 1;
  for (const char of text) {
    used += measure(char);
    if (used > width) break;
    short += char;
  }
  return width < 1 ? "" : short + mark;
};
