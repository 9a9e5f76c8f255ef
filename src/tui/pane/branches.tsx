/** The branches pane: the target, the branches of lanes, the rest. */
import { memo, type ReactElement } from "react";

import type { BranchRow } from "../../core/select.ts";
import { age } from "../age.ts";
import { cells, Line } from "../widget/line.tsx";
import { List, type PaneProps, type RowProps } from "../widget/list.tsx";
import { columnFor } from "./column.ts";

/** The pane. */
export const BranchesPane = (props: PaneProps & { readonly rows: readonly BranchRow[] }): ReactElement => {
  const nameColumns = columnFor(props.rows, ({ name }) => name, 10, Math.max(10, Math.floor(props.area.columns * 0.4)));
  return (
    <List
      pane={props}
      rows={props.rows}
      keyOf={({ name }) => name}
      empty={["no branch was seen yet"]}
      component={Branch}
      more={(row) => ({ nameColumns, age: age(row.committedAt, props.now) })}
    />
  );
};

const Branch = memo(function Branch(
  props: RowProps<BranchRow> & { readonly age: string; readonly nameColumns: number },
): ReactElement {
  const { theme, columns, row, selected } = props;
  const { lane } = row;
  const glyph = lane ? (theme.ascii ? lane.ascii : lane.glyph) : row.kind === "target" ? "▶" : "·";
  const room = Math.max(0, columns - 1 - 2 - props.nameColumns - 1 - 8 - 5 - 1);
  return (
    <Line
      theme={theme}
      columns={columns}
      selected={selected}
      spans={[
        { text: " " },
        ...cells([
          [glyph, 1, lane?.tone ?? (row.kind === "target" ? "busy" : "dim")],
          [row.name, props.nameColumns, row.kind === "target" ? "bold" : row.kind === "lane" ? "plain" : "dim"],
          [row.head.slice(0, 7), 7, "dim"],
          [row.subject, room, "dim"],
          [props.age, 4, "dim", "right"],
        ]),
      ]}
    />
  );
});
