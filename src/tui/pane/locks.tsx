/** The locks pane: what keeps others out, who holds it and for how long. */
import { memo, type ReactElement } from "react";

import type { LockRow } from "../../core/select.ts";
import { age } from "../age.ts";
import { cells, Line } from "../widget/line.tsx";
import { List, type PaneProps, type RowProps } from "../widget/list.tsx";

/** Git holds its own locks for moments: one of this age was left behind, whoever may own it. */
const oldMs = 60_000;

/** Columns from which on it is said in words whether somebody lives. */
const wide = 84;

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
      old: (row.kind === "git" && props.now - row.since > oldMs) || row.life === "none",
      left: leftOf(row, props.now),
    })}
  />
);

/** How long a lease still holds without a sign of life. */
const leftOf = ({ until }: LockRow, now: number): string => {
  if (until === undefined) return "";
  return until > now ? `${age(now, until)} left` : "over";
};

const lives: Readonly<Record<LockRow["life"], string>> = {
  alive: "lives",
  waits: "work waits",
  none: "no sign of life",
  "": "",
};

const Lock = memo(function Lock(
  props: RowProps<LockRow> & { readonly age: string; readonly old: boolean; readonly left: string },
): ReactElement {
  const { theme, columns, row, selected } = props;
  const left = props.left === "" ? 0 : 8;
  const life = columns >= wide && row.life !== "" ? 14 : 0;
  const room = Math.max(0, columns - 1 - 7 - 2 - 5 - (left && left + 1) - (life && life + 1));
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
          [lives[row.life], life, row.life === "none" ? "alert" : "dim"],
          [props.left, left, props.old ? "alert" : "dim", "right"],
          [props.age, 4, "dim", "right"],
        ]),
      ]}
    />
  );
});
