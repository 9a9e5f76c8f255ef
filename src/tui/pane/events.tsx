/** What is predicted not to merge, and what happened last, newest first: merges stand out. */
import type { ReactElement } from "react";

import type { PairRow } from "../../core/forecast.ts";
import type { EventRow } from "../../store/view.ts";
import { clock } from "../age.ts";
import { type Area, frameRows } from "../layout.ts";
import type { Theme } from "../theme.ts";
import { Frame, innerColumns } from "../widget/frame.tsx";
import { cells, Line, type Span } from "../widget/line.tsx";

/** The pane. */
export const EventsPane = (props: {
  readonly theme: Theme;
  readonly area: Area;
  readonly events: readonly EventRow[];
  readonly pairs: readonly PairRow[];
}): ReactElement => {
  const { theme, area, events, pairs } = props;
  const height = Math.max(0, area.rows - frameRows);
  const columns = innerColumns(area, false);
  // At most half of the room: an old conflict must not hide what happens now.
  const shown = pairs.slice(0, Math.floor(height / 2));
  const left = height - shown.length;
  const newest = left === 0 ? [] : events.slice(-left).toReversed();
  const rows = [
    ...shown.map((pair, index) =>
      pairSpans(pair, index === shown.length - 1 ? pairs.length - shown.length : 0, theme, columns),
    ),
    ...newest.map((event) => spansOf(event, columns)),
  ];
  return (
    <Frame
      theme={theme}
      area={area}
      title={[{ text: pairs.length > 0 ? "Conflicts and events" : "Events and merges", style: "dim" }]}
      focused={false}
    >
      {rows.map((spans, index) => (
        // oxlint-disable-next-line react/no-array-index-key -- a line of the screen is its place
        <Line key={index} theme={theme} columns={columns} spans={spans} />
      ))}
    </Frame>
  );
};

/** `more`: pairs that there is no room for. */
const pairSpans = (pair: PairRow, more: number, theme: Theme, columns: number): readonly Span[] => {
  const { a, b, state, paths, kinds, why } = pair;
  const isKnown = state === "conflict";
  const what = isKnown ? paths.join(", ") : `unknown: ${why}`;
  const rest = more > 0 ? `+${more} more` : isKnown ? kinds.join(", ") : "";
  const names = Math.min(30, Math.floor(columns / 3));
  const tail = Math.min(16, Math.floor(columns / 5));
  return [
    { text: " " },
    ...cells([
      [isKnown ? (theme.ascii ? "#" : "≠") : "?", 1, isKnown ? "alert" : "dim"],
      [`${a} ${theme.ascii ? "x" : "×"} ${b}`, names, "plain"],
      [what, Math.max(0, columns - 1 - 2 - names - 1 - tail - 1 - 1), "plain"],
      [rest, tail, "dim", "right"],
    ]),
  ];
};

const spansOf = (event: EventRow, columns: number): readonly Span[] => {
  const lane = Math.min(16, Math.floor(columns / 4));
  return [
    { text: " " },
    ...cells([
      [event.at === 0 ? "" : clock(event.at), 5, "dim"],
      [event.lane, lane, "plain"],
      [event.text, Math.max(0, columns - 1 - 6 - lane - 1 - 1), event.tone],
    ]),
  ];
};
