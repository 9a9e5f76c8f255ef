/** How many columns text takes. Text is sanitised before, so it is the sum of its characters. */
import stringWidth from "string-width";

import { sanitize } from "../core/text.ts";

/** Columns of one character: 0 for a combining mark, 2 for an ideograph, else 1. */
export const charWidth = (char: string): number => {
  if ((char >= " " && char <= "~") || narrow.test(char)) return 1;
  if (wide.test(char)) return 2;
  let width = widths.get(char);
  if (width === undefined) {
    width = mark.test(char) ? 0 : Math.max(1, stringWidth(char));
    if (widths.size > knownMax) widths.clear();
    widths.set(char, width);
  }
  return width;
};

/** Columns of a sanitised text. */
export const widthOf = (text: string): number => {
  if (ascii.test(text)) return text.length;
  let width = 0;
  for (const char of text) width += charWidth(char);
  return width;
};

/** The text in exactly `columns` columns: sanitised, cut with an ellipsis or padded with blanks. */
export const fit = (text: string, columns: number, side: "left" | "right" = "left"): string => {
  const cut = clip(text, columns);
  const blanks = " ".repeat(Math.max(0, columns - widthOf(cut)));
  return side === "left" ? cut + blanks : blanks + cut;
};

/** The text in at most `columns` columns: sanitised, cut with an ellipsis. */
export const clip = (text: string, columns: number): string => {
  if (columns <= 0) return "";
  const safe = sanitize(text);
  if (ascii.test(safe)) return safe.length <= columns ? safe : `${safe.slice(0, columns - 1)}…`;
  if (widthOf(safe) <= columns) return safe;
  let width = 0;
  let cut = "";
  for (const char of safe) {
    width += charWidth(char);
    if (width > columns - 1) break;
    cut += char;
  }
  return `${cut}…`;
};

// The common ones, so that nobody waits for string-width's tables of emoji to be compiled before the first frame.
const narrow =
  /^[\u0020-\u007E\u00A1-\u00AC\u00AE-\u024F\u0391-\u03C9\u0410-\u044F\u2010-\u2027\u2190-\u2193\u2500-\u257F○✓✗‖⇄≠▶□█░▏]$/;
const wide = /^[\u3041-\u3096\u30A1-\u30FA\u4E00-\u9FFF\uAC00-\uD7A3]$/;

const ascii = /^[\u0020-\u007E]*$/;
const mark = /^\p{Mn}$/u;
const widths = new Map<string, number>();
const knownMax = 20_000;
