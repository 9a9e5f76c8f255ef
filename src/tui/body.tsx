/** Panes, preview and events where the layout puts them. */
import { Box } from "ink";
import type { ReactElement } from "react";

import type { View } from "../store/view.ts";
import { type Layout, type PaneName, paneNames } from "./layout.ts";
import type { Lists } from "./lists.ts";
import type { Ui } from "./model.ts";
import { AgentsPane } from "./pane/agents.tsx";
import { BranchesPane } from "./pane/branches.tsx";
import { EventsPane } from "./pane/events.tsx";
import { LanesPane } from "./pane/lanes.tsx";
import { LocksPane } from "./pane/locks.tsx";
import { Preview } from "./pane/preview.tsx";
import type { Theme } from "./theme.ts";
import type { Span } from "./widget/line.tsx";
import type { PaneProps } from "./widget/list.tsx";

/** What the body shows. */
export interface BodyProps {
  readonly theme: Theme;
  readonly layout: Layout;
  readonly ui: Ui;
  readonly view: View;
  readonly lists: Lists;
}

/** The body. */
export const Body = ({ theme, layout, ui, view, lists }: BodyProps): ReactElement => {
  const { preview, events } = layout;
  const beside = layout.is === "columns";
  return (
    <Box flexDirection={beside ? "row" : "column"} height={layout.bodyRows} flexShrink={0}>
      <Box flexDirection="column" flexShrink={0}>
        {[...layout.panes].map(([pane, area]) => {
          const props: PaneProps = {
            theme,
            area,
            place: ui.places[pane],
            title: titleOf(layout, pane),
            focused: ui.pane === pane,
            bare: layout.is === "list",
            now: view.now,
            filter: ui.filters[pane],
          };
          return <Pane key={pane} pane={pane} props={props} lists={lists} />;
        })}
      </Box>
      <Box flexDirection="column" flexShrink={0}>
        {preview ? (
          <Preview
            theme={theme}
            area={preview}
            detail={view.detail}
            row={view.lanes.find(({ id }) => id === view.detail?.id)}
            logUp={ui.logUp}
            focused={ui.zoom === "log"}
          />
        ) : null}
        {events ? <EventsPane theme={theme} area={events} events={view.events} pairs={view.pairs} /> : null}
      </Box>
    </Box>
  );
};

const Pane = ({
  pane,
  props,
  lists,
}: {
  readonly pane: PaneName;
  readonly props: PaneProps;
  readonly lists: Lists;
}): ReactElement => {
  switch (pane) {
    case "lanes":
      return <LanesPane {...props} rows={lists.lanes} />;
    case "agents":
      return <AgentsPane {...props} rows={lists.agents} />;
    case "locks":
      return <LocksPane {...props} rows={lists.locks} />;
    case "branches":
      return <BranchesPane {...props} rows={lists.branches} />;
  }
};

const names: Readonly<Record<PaneName, string>> = {
  lanes: "Lanes",
  agents: "Agents",
  locks: "Locks",
  branches: "Branches",
};

/** One title a pane where all are in sight, else all of them as tabs. */
const titleOf = (layout: Layout, pane: PaneName): readonly Span[] => {
  const shown = layout.panes.size > 1 ? [pane] : paneNames;
  return shown.flatMap((name, index): readonly Span[] => [
    { text: index === 0 ? "" : "  " },
    { text: `${paneNames.indexOf(name) + 1} ${names[name]}`, style: name === pane ? "title" : "dim" },
  ]);
};
