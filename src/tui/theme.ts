/** How things look: the 16 colours of the person's terminal, and plain letters where that is all there is. */
import type { Tone } from "../core/state.ts";
import { createSprites, type Sprites } from "./sprite.ts";

/** What a piece of text is for the eye. */
export type Style = Tone | "bold" | "title" | "focus" | "border" | "busy-bold";

/** A terminal's abilities and its person's wishes, and the way of painted lines to it. */
export interface Theme {
  readonly sprites: Sprites;
  readonly ascii: boolean;
  /** SGR parameters of each style; empty for none. */
  readonly sgr: Readonly<Record<Style, string>>;
}

/** Names of variables that decide, with their values. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The theme for an environment. `ascii`: the person asked for plain letters. */
export const themeOf = (env: Environment, ascii: boolean): Theme => {
  const locale = env["LC_ALL"] || env["LC_CTYPE"] || env["LANG"] || "C";
  const colour = (env["NO_COLOR"] ?? "") === "";
  return {
    sprites: createSprites(),
    ascii: ascii || env["TERM"] === "linux" || !/utf-?8/i.test(locale),
    sgr: colour ? colours : plain,
  };
};

const colours: Theme["sgr"] = {
  plain: "",
  dim: "2",
  good: "32",
  busy: "36",
  alert: "1;33",
  bad: "31",
  bold: "1",
  title: "1",
  focus: "36",
  border: "2",
  "busy-bold": "1;36",
};

const plain: Theme["sgr"] = {
  plain: "",
  dim: "2",
  good: "",
  busy: "",
  alert: "1",
  bad: "",
  bold: "1",
  title: "1",
  focus: "1",
  border: "2",
  "busy-bold": "1",
};

/** What stands for our own glyphs where only ASCII can be shown; states have letters of their own. */
const letters: ReadonlyMap<string, string> = new Map(
  Object.entries({
    "─": "-",
    "│": "|",
    "╭": "+",
    "╮": "+",
    "╰": "+",
    "╯": "+",
    "├": "+",
    "┤": "+",
    "█": "#",
    "░": ".",
    "…": "~",
    "·": "-",
    "↑": "+",
    "↓": "-",
    "→": ">",
    "✓": "+",
    "○": "o",
    "▶": ">",
  }),
);

/** A character as ASCII, in as many columns as it had. */
export const asciiOf = (char: string, width: number): string => letters.get(char) ?? "?".repeat(width);
