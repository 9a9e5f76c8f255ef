/** A row of the screen as cells, and the bytes that turn one row into another. */
import type { Sprites } from "./sprite.ts";
import { asciiOf } from "./theme.ts";
import { charWidth } from "./width.ts";

/** One row: for each column its character ("" where a wide one reaches in) and its SGR parameters. */
export interface Row {
  readonly raw: string;
  readonly chars: readonly string[];
  readonly styles: readonly string[];
}

const csi = "\u001B[";

/** How lines are read. */
export interface Reading {
  readonly columns: number;
  /** Every other character is replaced. */
  readonly ascii?: boolean;
  /** Where the lines are that letters stand for. */
  readonly sprites?: Pick<Sprites, "show">;
}

/** Reads one line of text and SGR, cut at its columns. A line that a letter stands for begins in that letter's place. */
export const parseRow = (raw: string, reading: Reading): Row => {
  const { columns, sprites } = reading;
  const chars: string[] = [];
  const styles: string[] = [];
  const active = new Map<string, string>();
  let style = "";
  let at = 0;
  for (let index = 0; index < raw.length && at <= columns;) {
    const parameters = sgrAt(raw, index);
    if (parameters !== undefined) {
      applySgr(active, parameters);
      style = [...active.values()].join(";");
      index += parameters.length + 3;
      continue;
    }
    const char = charAt(raw, index);
    index += char.length;
    if (char < " " || (char >= "\u007F" && char <= "\u009F")) continue;
    const hidden = sprites && style !== "" ? sprites.show(style) : undefined;
    const width = hidden === undefined ? charWidth(char) : 1;
    if (at + width > columns) break;
    if (hidden !== undefined) {
      const sprite = parseRow(hidden, { columns: columns - at, ascii: reading.ascii ?? false });
      for (const [to, one] of sprite.chars.entries()) place(chars, styles, at + to, one, sprite.styles[to] ?? "");
    } else if (width === 0) {
      const base = chars[at - 1] === "" ? at - 2 : at - 1;
      if (base >= 0 && reading.ascii !== true) chars[base] += char;
    } else if (char !== " " || style !== "" || at >= chars.length) {
      const [one = "", two = ""] = reading.ascii === true && char > "~" ? asciiOf(char, width) : [char];
      place(chars, styles, at, one, style);
      if (width === 2) place(chars, styles, at + 1, two, style);
    }
    at += width;
  }
  return { raw, chars, styles };
};

/** The parameters of the SGR sequence that begins here; undefined when none does. */
const sgrAt = (raw: string, index: number): string | undefined => {
  if (raw.charCodeAt(index) !== 0x1b || raw[index + 1] !== "[") return undefined;
  return raw.slice(index + 2, raw.indexOf("m", index));
};

/** The character that begins here: two units where it needs them. */
const charAt = (raw: string, index: number): string => {
  const unit = raw.charCodeAt(index);
  return unit < 0xd8_00 || unit > 0xdb_ff ? raw.charAt(index) : raw.slice(index, index + 2);
};

const place = (chars: string[], styles: string[], at: number, char: string, style: string): void => {
  chars[at] = char;
  styles[at] = style;
};

/** The bytes that turn `before` into `after` on screen line `line` (1 is the top); undefined `before`: anything may be there. */
export const diffRow = (line: number, before: Row | undefined, after: Row): string => {
  const end = lengthOf(after);
  // Erased first: after its last column is written a terminal without autowrap stays on it, and erasing would take it away.
  if (!before) return `${csi}${line}H${csi}K${run(after, 0, end)}`;
  const length = Math.max(end, lengthOf(before));
  let out = "";
  for (let start = 0; start < end; start += 1) {
    if (sameCell(before, after, start)) continue;
    let stop = start + 1;
    for (let at = stop; at < end && at - stop < gap; at += 1) if (!sameCell(before, after, at)) stop = at + 1;
    out += `${csi}${line};${start + 1}H${run(after, start, stop)}`;
    start = stop;
  }
  return length > end ? `${out}${csi}${line};${end + 1}H${csi}K` : out;
};

/** Closer runs are sent as one: a jump costs about this many bytes. */
const gap = 7;

/** Blank cells at the end need not be sent. */
const lengthOf = ({ chars, styles }: Row): number => {
  let length = chars.length;
  while (length > 0 && chars[length - 1] === " " && styles[length - 1] === "") length -= 1;
  return length;
};

const cell = (row: Row, at: number): string => row.chars[at] ?? " ";

const sameCell = (a: Row, b: Row, at: number): boolean =>
  cell(a, at) === cell(b, at) && (a.styles[at] ?? "") === (b.styles[at] ?? "");

/** Cells from `start` to `stop`; styles are closed at its end. After a character whose width is doubtful, the place is named anew. */
const run = ({ chars, styles }: Row, start: number, stop: number): string => {
  let out = "";
  let style = "";
  for (let at = start; at < stop; at += 1) {
    const char = chars[at] ?? " ";
    if (char === "") continue;
    const next = styles[at] ?? "";
    if (next !== style) {
      out += style === "" ? `${csi}${next}m` : `${csi}0${next === "" ? "" : `;${next}`}m`;
      style = next;
    }
    if (certain.test(char)) out += char;
    else out += chars[at + 1] === "" ? `  ${csi}${at + 1}G${char}${csi}${at + 3}G` : `${char}${csi}${at + 2}G`;
  }
  return style === "" ? out : `${out}${csi}0m`;
};

/** Characters on whose width all terminals agree: Latin, Greek, Cyrillic, our own glyphs, kana, ideographs and Hangul. */
const certain =
  /^[\u0020-\u02FF\u0370-\u0482\u048A-\u052F\u2500-\u259F\u2010-\u2027\u2190-\u2193○→✓✗‖⇄≠▶□\u3000-\u30FF\u4E00-\u9FFF\uAC00-\uD7A3]$/;

const applySgr = (active: Map<string, string>, parameters: string): void => {
  const codes = parameters === "" ? ["0"] : parameters.split(";");
  for (let index = 0; index < codes.length; index += 1) {
    const text = codes[index] ?? "0";
    const code = Number.parseInt(text, 10) || 0;
    if (code === 0) active.clear();
    else if (code === 38 || code === 48) {
      const take = codes[index + 1] === "5" ? 2 : 4;
      active.set(slotOf(code), codes.slice(index, index + take + 1).join(";"));
      index += take;
    } else if (code === 22) {
      active.delete("1");
      active.delete("2");
    } else if (code >= 23 && code <= 29) active.delete(String(code - 20));
    else if (code === 39 || code === 49) active.delete(slotOf(code));
    else active.set(slotOf(code), text);
  }
};

const slotOf = (code: number): string => {
  if (code < 10) return String(code);
  const colour = code >= 90 ? code - 60 : code;
  return colour < 40 ? "front" : "back";
};
