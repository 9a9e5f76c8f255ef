/** The lanes pane: what is being worked on, one row a lane. */
import { memo, type ReactElement } from "react";

import type { LaneSeen } from "../../core/observed.ts";
import type { LaneRow } from "../../core/select.ts";
import { age } from "../age.ts";
import { cells, Line } from "../widget/line.tsx";
import { List, type PaneProps, type RowProps } from "../widget/list.tsx";
import { columnFor } from "./column.ts";

/** The pane. */
export const LanesPane = (props: PaneProps & { readonly rows: readonly LaneRow[] }): ReactElement => {
  const { rows, now } = props;
  const idColumns = columnFor(rows, ({ id }) => id, 8, 20);
  const stateColumns = columnFor(rows, ({ state }) => state, 9, 14);
  const agentColumns = columnFor(rows, ({ agent }) => agent, 5, 12);
  return (
    <List
      pane={props}
      rows={rows}
      keyOf={({ id }) => id}
      empty={["no lanes yet", "", "add one:       lanes add-lane ID JSON", "see it at work: lanes demo"]}
      component={Lane}
      more={(row) => ({ age: age(row.since, now), idColumns, agentColumns, stateColumns })}
    />
  );
};

interface LaneProps extends RowProps<LaneRow> {
  readonly age: string;
  readonly idColumns: number;
  readonly agentColumns: number;
  readonly stateColumns: number;
}

const gitColumns = 9;
const ageColumns = 4;

const Lane = memo(function Lane(props: LaneProps): ReactElement {
  const { theme, columns, row, selected } = props;
  const agent = columns >= 86 ? props.agentColumns : 0;
  const git = columns >= 66 ? gitColumns : 0;
  const fixed =
    3 + props.idColumns + 1 + props.stateColumns + 1 + (agent && agent + 1) + (git && git + 1) + ageColumns + 1;
  return (
    <Line
      theme={theme}
      columns={columns}
      selected={selected}
      spans={[
        { text: " " },
        ...cells([
          [theme.ascii ? row.ascii : row.glyph, 1, row.tone],
          [row.id, props.idColumns, row.tone === "dim" ? "dim" : "bold"],
          [row.agent, agent, "dim"],
          [row.state, props.stateColumns, row.tone],
          [row.detail, Math.max(0, columns - fixed - 1), row.attention ? "plain" : "dim"],
          [gitText(row.git, row.collides.length, theme.ascii), git, "dim", "right"],
          [props.age, ageColumns, "dim", "right"],
        ]),
      ]}
    />
  );
});

/** Lanes that it would not merge with, commits ahead and behind, and uncommitted files. */
const gitText = (git: LaneSeen | undefined, collides: number, isAscii: boolean): string => {
  if (!git) return "";
  const dirty = git.dirty?.length ?? 0;
  const parts = [
    collides > 0 && `${isAscii ? "#" : "≠"}${collides}`,
    git.ahead > 0 && `↑${git.ahead}`,
    git.behind > 0 && `↓${git.behind}`,
    dirty > 0 && `*${dirty}`,
  ];
  return parts.filter(Boolean).join(" ");
};
