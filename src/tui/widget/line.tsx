/** One line of the screen: pieces of text with styles, in exactly so many columns. */
import { Text } from "ink";
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
  /** Style of the frame at both ends; without it there is none. */
  readonly frame?: Style | undefined;
}

/** A line. Hostile text is sanitised, too much is cut, too little is padded: it never wraps. */
export const Line = (props: LineProps): ReactElement => <Text wrap="truncate">{paint(props)}</Text>;

/** The line as text with SGR. */
export const paint = ({ theme, columns, spans, selected, frame }: LineProps): string => {
  if (frame === undefined) return content(theme, columns, spans, selected ?? false);
  const edge = styled(theme, "│", frame);
  return columns < 2 ? fit("", columns) : edge + content(theme, columns - 2, spans, selected ?? false) + edge;
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

const content = (theme: Theme, columns: number, spans: readonly Span[], selected: boolean): string => {
  let left = columns;
  let out = "";
  for (const { text, style } of spans) {
    if (left <= 0) break;
    const piece = fit(text, Math.min(left, widthOf(text)));
    out += selected ? piece : styled(theme, piece, style);
    left -= widthOf(piece);
  }
  out += " ".repeat(Math.max(0, left));
  return selected ? `\u001B[7m${out}\u001B[27m` : out;
};
