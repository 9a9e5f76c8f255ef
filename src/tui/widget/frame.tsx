/** A titled frame around lines, or only the title where there is no room for a frame. */
import { Box } from "ink";
import type { ReactElement, ReactNode } from "react";

import type { Area } from "../layout.ts";
import type { Style, Theme } from "../theme.ts";
import { clip, widthOf } from "../width.ts";
import { Line, type Span } from "./line.tsx";

/** What a frame needs. The lines inside draw the frame's sides themselves, in `frameStyle`. */
export interface FrameProps {
  readonly theme: Theme;
  readonly area: Area;
  readonly title: readonly Span[];
  /** At the right end of the title. */
  readonly note?: string;
  readonly focused: boolean;
  readonly bare?: boolean;
  readonly children: ReactNode;
}

/** The frame. */
export const Frame = ({ theme, area, title, note = "", focused, bare, children }: FrameProps): ReactElement => (
  <Box flexDirection="column" width={area.columns} height={area.rows} flexShrink={0}>
    <Line theme={theme} columns={area.columns} spans={topOf(area.columns, title, note, focused, bare ?? false)} />
    {children}
    {bare ? null : (
      <Line
        theme={theme}
        columns={area.columns}
        spans={[{ text: `╰${"─".repeat(Math.max(0, area.columns - 2))}╯`, style: frameStyle(focused) }]}
      />
    )}
  </Box>
);

/** The style of a frame's lines. */
export const frameStyle = (focused: boolean): Style => (focused ? "focus" : "border");

/** A line across a frame, with words in it. */
export const rule = (columns: number, words: string, style: Style): readonly Span[] => {
  const text = words === "" ? "" : ` ${clip(words, Math.max(0, columns - 6))} `;
  return [
    { text: "├─", style },
    { text, style: "dim" },
    { text: `${"─".repeat(Math.max(0, columns - 3 - widthOf(text)))}┤`, style },
  ];
};

const topOf = (
  columns: number,
  title: readonly Span[],
  note: string,
  focused: boolean,
  bare: boolean,
): readonly Span[] => {
  const style = frameStyle(focused);
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
