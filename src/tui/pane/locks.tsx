/** The locks pane: what keeps others out, who holds it and for how long. */
import { memo, type ReactElement } from "react";

import type { LockRow } from "../../core/select.ts";
import { age } from "../age.ts";
import { cells, Line } from "../widget/line.tsx";
import { List, type PaneProps, type RowProps } from "../widget/list.tsx";

/** Git holds its own locks for moments: one of this age was left behind. */
const oldMs = 60_000;

/** The pane. */
export const LocksPane = (props: PaneProps & { readonly rows: readonly LockRow[] }): ReactElement => (
  <List
    pane={props}
    rows={props.rows}
    keyOf={({ kind, what }) => `${kind} ${what}`}
    empty={["nothing is locked"]}
    component={Lock}
    more={(row) => ({
      age: age(row.since, props.now),
      old: row.kind === "git" && props.now - row.since > oldMs,
    })}
  />
);

const Lock = memo(function Lock(
  props: RowProps<LockRow> & { readonly age: string; readonly old: boolean },
): ReactElement {
  const { theme, columns, row, selected } = props;
  const room = Math.max(0, columns - 1 - 7 - 2 - 5);
  const holder = Math.min(28, Math.floor(room / 2));
  return (
    <Line
      theme={theme}
      columns={columns}
      selected={selected}
      spans={[
        { text: " " },
        ...cells([
          [row.kind, 6, props.old ? "alert" : "busy"],
          [row.what, room - holder, "plain"],
          [row.holder, holder, "dim"],
          [props.age, 4, "dim", "right"],
        ]),
      ]}
    />
  );
});
