/** What happened last, newest first: merges stand out. */
import type { ReactElement } from "react";

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
}): ReactElement => {
  const { theme, area, events } = props;
  const height = Math.max(0, area.rows - frameRows);
  const columns = innerColumns(area, false);
  const newest = height === 0 ? [] : events.slice(-height).toReversed();
  return (
    <Frame theme={theme} area={area} title={[{ text: "Events and merges", style: "dim" }]} focused={false}>
      {newest.map((event, index) => (
        // oxlint-disable-next-line react/no-array-index-key -- a line of the screen is its place
        <Line key={index} theme={theme} columns={columns} spans={spansOf(event, columns)} />
      ))}
    </Frame>
  );
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
