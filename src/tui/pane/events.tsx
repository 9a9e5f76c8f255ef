/** What happened last, newest first: merges stand out. */
import type { ReactElement } from "react";

import type { EventRow } from "../../store/view.ts";
import { clock } from "../age.ts";
import { type Area, frameRows } from "../layout.ts";
import type { Theme } from "../theme.ts";
import { Frame, frameStyle } from "../widget/frame.tsx";
import { cells, Line, type Span } from "../widget/line.tsx";

/** The pane. */
export const EventsPane = (props: {
  readonly theme: Theme;
  readonly area: Area;
  readonly events: readonly EventRow[];
}): ReactElement => {
  const { theme, area, events } = props;
  const height = Math.max(0, area.rows - frameRows);
  const newest = events.slice(-height || events.length).toReversed();
  return (
    <Frame theme={theme} area={area} title={[{ text: "Events and merges", style: "dim" }]} focused={false}>
      {Array.from({ length: height }, (_, index) => (
        <Line
          // oxlint-disable-next-line react/no-array-index-key -- a line of the screen is its place
          key={index}
          theme={theme}
          columns={area.columns}
          spans={spansOf(newest[index], area.columns)}
          frame={frameStyle(false)}
        />
      ))}
    </Frame>
  );
};

const spansOf = (event: EventRow | undefined, columns: number): readonly Span[] =>
  event
    ? [
        { text: " " },
        ...cells([
          [event.at === 0 ? "" : clock(event.at), 5, "dim"],
          [event.lane, Math.min(16, Math.floor(columns / 4)), "plain"],
          [event.text, Math.max(0, columns - 2 - 7 - Math.min(16, Math.floor(columns / 4)) - 2), event.tone],
        ]),
      ]
    : [];
