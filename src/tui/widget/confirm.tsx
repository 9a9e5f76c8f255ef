/** A question over the panes. Nothing happens unless the person says yes. */
import { Box } from "ink";
import type { ReactElement } from "react";

import type { Area } from "../layout.ts";
import type { Theme } from "../theme.ts";
import { widthOf } from "../width.ts";
import { Frame } from "./frame.tsx";
import { Line, type Span } from "./line.tsx";

/** The dialog, in the middle of `body`. */
export const Confirm = (props: {
  readonly theme: Theme;
  readonly body: Area;
  readonly lines: readonly string[];
}): ReactElement => {
  const { theme, body, lines } = props;
  const widest = lines.reduce((most, line) => Math.max(most, widthOf(line)), 20);
  const columns = Math.min(body.columns, widest + 6);
  const content: readonly (readonly Span[])[] = [
    ...lines.map((text, index): readonly Span[] => [{ text: `  ${text}`, style: index === 0 ? "bold" : "dim" }]),
    [],
    [
      { text: "  " },
      { text: "y", style: "alert" },
      { text: " yes     " },
      { text: "n", style: "focus" },
      { text: " no, as it was", style: "dim" },
    ],
  ];
  const rows = Math.min(body.rows, content.length + 2);
  return (
    <Box
      position="absolute"
      marginLeft={Math.floor((body.columns - columns) / 2)}
      marginTop={Math.max(0, Math.floor((body.rows - rows) / 3))}
    >
      <Frame theme={theme} area={{ columns, rows }} title={[{ text: "Sure?", style: "alert" }]} focused>
        {content.slice(0, rows - 2).map((spans, index) => (
          // oxlint-disable-next-line react/no-array-index-key -- a line of the dialog is its place
          <Line key={index} theme={theme} columns={columns - 2} spans={filledOut(spans, columns - 2)} />
        ))}
      </Frame>
    </Box>
  );
};

/** What is under the dialog must not be seen through it. */
const filledOut = (spans: readonly Span[], columns: number): readonly Span[] => [
  ...spans,
  { text: " ".repeat(Math.max(0, columns - spans.reduce((sum, { text }) => sum + widthOf(text), 0))) },
];
