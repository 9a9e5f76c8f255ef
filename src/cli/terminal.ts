/** What the streams can show: colours, glyphs, columns. */
import type { Tone } from "../core/state.ts";
import type { Shell, Writer } from "./shell.ts";

/** How text for people is drawn on one stream. */
export interface Style {
  readonly coloured: boolean;
  /** May glyphs outside ASCII be used? */
  readonly utf8: boolean;
  /** Width to cut lines at; undefined: never. */
  readonly columns: number | undefined;
}

/** Narrowest width that lines are cut to. */
const columnsMin = 20;

/** The style of a stream, by NO_COLOR, FORCE_COLOR, TERM, the locale and whether it is a terminal. */
export const styleOf = (writer: Writer, environment: Shell["environment"], plain: boolean): Style => {
  const isTerminal = writer.isTTY === true;
  const { columns } = writer;
  return {
    coloured: !plain && isColoured(isTerminal, environment),
    utf8: !plain && isUtf8(environment),
    columns: isTerminal && !plain && columns !== undefined ? Math.max(columnsMin, columns) : undefined,
  };
};

const isColoured = (isTerminal: boolean, { NO_COLOR, FORCE_COLOR, TERM }: Shell["environment"]): boolean => {
  if (NO_COLOR !== undefined && NO_COLOR !== "") return false;
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== "") return FORCE_COLOR !== "0" && FORCE_COLOR !== "false";
  return isTerminal && TERM !== "dumb";
};

/** The locale's rule of POSIX: the first of these that is set and not empty counts. */
const isUtf8 = ({ LC_ALL, LC_CTYPE, LANG }: Shell["environment"]): boolean =>
  /utf-?8/i.test([LC_ALL, LC_CTYPE, LANG].find((value) => value !== undefined && value !== "") ?? "");

const codes: Readonly<Record<Tone, string>> = {
  dim: "2",
  plain: "",
  good: "32",
  busy: "36",
  alert: "33",
  bad: "31",
};

/** Text in the colour of a tone, where there are colours. The text must be sanitised before. */
export const paint = (style: Style, tone: Tone, text: string): string =>
  style.coloured && codes[tone] !== "" && text !== "" ? `\u001B[${codes[tone]}m${text}\u001B[0m` : text;
