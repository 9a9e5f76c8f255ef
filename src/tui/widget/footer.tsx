/** The two reserved rows at the bottom: what there is to say, and the keys. */
import { Box } from "ink";
import type { ReactElement } from "react";

import type { Toast } from "../intent.ts";
import type { Binding } from "../keymap.ts";
import type { Mode } from "../model.ts";
import type { Theme } from "../theme.ts";
import { widthOf } from "../width.ts";
import { Line, type Span } from "./line.tsx";

/** What the footer shows. */
export interface FooterProps {
  readonly theme: Theme;
  readonly columns: number;
  readonly mode: Mode;
  readonly filter: string;
  readonly toast: Toast | undefined;
  /** What cannot be read at the moment. */
  readonly note: string;
  readonly hints: readonly Binding[];
  /** Capabilities that the selected lane refuses now. */
  readonly refused: ReadonlySet<string>;
}

/** The footer. Its rows are always there: nothing moves when a toast comes or goes. */
export const Footer = (props: FooterProps): ReactElement => (
  <Box flexDirection="column" height={2} flexShrink={0}>
    <Line theme={props.theme} columns={props.columns} spans={said(props)} />
    <Line theme={props.theme} columns={props.columns} spans={keys(props)} />
  </Box>
);

const said = ({ mode, filter, toast, note }: FooterProps): readonly Span[] => {
  if (mode.is === "filter") {
    return [{ text: " /", style: "focus" }, { text: filter }, { text: "▏", style: "focus" }];
  }
  if (mode.is === "reason") {
    const ask: Span = { text: ` why is ${mode.what} taken away? `, style: "alert" };
    return [ask, { text: mode.text }, { text: "▏", style: "focus" }];
  }
  if (toast) return [{ text: " " }, { text: toast.text, style: toast.tone }];
  return note === "" ? [] : [{ text: " " }, { text: note, style: "bad" }];
};

/** Only whole hints: the most useful that fit, in the order of the table. */
const keys = ({ columns, hints, refused }: FooterProps): readonly Span[] => {
  const chosen = new Set<Binding>();
  let left = columns - 1 + gap;
  for (const binding of hints.toSorted((a, b) => a.rank - b.rank)) {
    left -= widthOf(binding.key) + 1 + widthOf(binding.hint ?? "") + gap;
    if (left < 0) break;
    chosen.add(binding);
  }
  const spans = hints
    .filter((binding) => chosen.has(binding))
    .flatMap(({ key, hint, capability }): readonly Span[] => {
      const dim = capability !== undefined && refused.has(capability);
      return [
        { text: key, style: dim ? "dim" : "focus" },
        { text: ` ${hint}${" ".repeat(gap)}`, style: "dim" },
      ];
    });
  return [
    { text: " " },
    ...spans.slice(0, -1),
    ...spans.slice(-1).map((span) => ({ ...span, text: span.text.trimEnd() })),
  ];
};

/** Blanks between hints. */
const gap = 3;
