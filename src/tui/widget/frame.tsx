/** A titled frame around lines, or only the title where there is no room for a frame. */
import { Box, Transform } from "ink";
import type { ReactElement, ReactNode } from "react";

import type { Area } from "../layout.ts";
import type { Style, Theme } from "../theme.ts";
import { clip, widthOf } from "../width.ts";
import { Line, type Span, styled } from "./line.tsx";

/** What a frame needs. */
export interface FrameProps {
  readonly theme: Theme;
  readonly area: Area;
  readonly title: readonly Span[];
  /** At the right end of the title. */
  readonly note?: string;
  readonly focused: boolean;
  readonly bare?: boolean;
  /** The content's row that a line across the frame takes. */
  readonly rule?: number | undefined;
  /** Lines of `innerColumns`; rows that they do not fill stay blank. */
  readonly children: ReactNode;
}

/** The frame. */
export const Frame = (props: FrameProps): ReactElement => {
  const { theme, area, title, note = "", focused, bare = false, rule, children } = props;
  const style = focused ? "focus" : "border";
  const rows = Math.max(0, area.rows - 2);
  const across = "─".repeat(Math.max(0, area.columns - 2));
  return (
    <Box flexDirection="column" width={area.columns} height={area.rows} flexShrink={0}>
      <Line theme={theme} columns={area.columns} spans={topOf(area.columns, title, note, style, bare)} />
      {bare ? (
        children
      ) : (
        <>
          <Box height={rows} flexShrink={0}>
            <Side theme={theme} rows={rows} rule={rule} style={style} glyphs="│├" />
            <Box flexDirection="column" width={innerColumns(area, false)} flexShrink={0}>
              {children}
            </Box>
            <Side theme={theme} rows={rows} rule={rule} style={style} glyphs="│┤" />
          </Box>
          <Line theme={theme} columns={area.columns} spans={[{ text: `╰${across}╯`, style }]} />
        </>
      )}
    </Box>
  );
};

/** Columns inside of a frame. */
export const innerColumns = (area: Area, bare: boolean): number => Math.max(0, area.columns - (bare ? 0 : 2));

/** The line that goes across a frame, with words in it. */
export const ruleSpans = (columns: number, words: string, focused: boolean): readonly Span[] => {
  const text = ` ${clip(words, Math.max(0, columns - 4))} `;
  const style = focused ? "focus" : "border";
  return [
    { text: "─", style },
    { text, style: "dim" },
    { text: "─".repeat(Math.max(0, columns - 1 - widthOf(text))), style },
  ];
};

/** One side from top to bottom, with a joint where a line goes across. */
const Side = (props: {
  readonly theme: Theme;
  readonly rows: number;
  readonly rule: number | undefined;
  readonly style: Style;
  readonly glyphs: string;
}): ReactElement => {
  const { theme, rows, rule, style, glyphs } = props;
  const glyph = (row: number): string => styled(theme, glyphs.charAt(row === rule ? 1 : 0), style);
  return (
    <Transform transform={(_blank, row) => theme.sprites.hide(glyph(row))}>
      {Array.from({ length: rows }, () => " ").join("\n")}
    </Transform>
  );
};

const topOf = (columns: number, title: readonly Span[], note: string, style: Style, bare: boolean): readonly Span[] => {
  const right = note === "" ? "" : ` ${note} `;
  const room = columns - 6 - widthOf(right);
  const spans: Span[] = [];
  let used = 0;
  for (const { text, style: own } of title) {
    const piece = clip(text, room - used);
    used += widthOf(piece);
    spans.push({ text: piece, ...(own ? { style: own } : {}) });
  }
  const line = bare ? " " : "─";
  const fill = line.repeat(Math.max(0, columns - 6 - used - widthOf(right)));
  return [
    { text: bare ? "  " : "╭─", style },
    { text: " " },
    ...spans,
    { text: " " },
    { text: fill, style },
    { text: right, style: "dim" },
    { text: bare ? "  " : "─╮", style },
  ];
};
