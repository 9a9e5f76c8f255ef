/** One line of the screen: pieces of text with styles, in at most so many columns. */
import { Transform } from "ink";
import type { ReactElement } from "react";

import type { Style, Theme } from "../theme.ts";
import { fit, widthOf } from "../width.ts";

/** A piece of a line. */
export interface Span {
  readonly text: string;
  readonly style?: Style;
}

/** What a line needs. */
export interface LineProps {
  readonly theme: Theme;
  readonly columns: number;
  readonly spans: readonly Span[];
  /** Inverse, and without colours of its own. */
  readonly selected?: boolean | undefined;
}

/** A line. Hostile text is sanitised, too much is cut: it never wraps. */
export const Line = (props: LineProps): ReactElement => {
  const painted = paint(props);
  return <Transform transform={() => props.theme.sprites.hide(painted)}> </Transform>;
};

/** Pieces of fixed width beside each other: a table's row. Cells of no width are left out, with the blank after them. */
export const cells = (
  row: readonly (readonly [text: string, columns: number, style?: Style, side?: "right"])[],
): readonly Span[] =>
  row
    .filter(([, columns]) => columns > 0)
    .map(([text, columns, style, side]) => ({
      text: `${fit(text, columns, side ?? "left")} `,
      ...(style ? { style } : {}),
    }));

/** Text in a style. */
export const styled = (theme: Theme, text: string, style: Style | undefined): string => {
  const sgr = style === undefined ? "" : theme.sgr[style];
  return sgr === "" || text === "" ? text : `\u001B[${sgr}m${text}\u001B[0m`;
};

/** The line as text with SGR. */
const paint = ({ theme, columns, spans, selected = false }: LineProps): string => {
  let left = columns;
  let out = "";
  for (const { text, style } of spans) {
    if (left <= 0) break;
    const piece = fit(text, Math.min(left, widthOf(text)));
    out += selected ? piece : styled(theme, piece, style);
    left -= widthOf(piece);
  }
  return selected ? `\u001B[7m${out}${" ".repeat(Math.max(0, left))}\u001B[27m` : out;
};
