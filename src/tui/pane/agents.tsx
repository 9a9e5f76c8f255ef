/** The agents pane: who does the work. */
import { memo, type ReactElement } from "react";

import { type AgentRow, type AgentStatus, quietMs } from "../../core/select.ts";
import type { Tone } from "../../core/state.ts";
import { age } from "../age.ts";
import { cells, Line } from "../widget/line.tsx";
import { List, type PaneProps, type RowProps } from "../widget/list.tsx";
import { columnFor } from "./column.ts";

/** The pane. */
export const AgentsPane = (props: PaneProps & { readonly rows: readonly AgentRow[] }): ReactElement => {
  const { rows, now } = props;
  const nameColumns = columnFor(rows, ({ name }) => name, 8, 22);
  const laneColumns = columnFor(rows, ({ lane }) => lane, 6, 20);
  return (
    <List
      pane={props}
      rows={rows}
      keyOf={({ lane, name }) => `${lane} ${name}`}
      empty={["nobody works yet"]}
      component={Agent}
      more={(row) => ({ age: age(row.since, now), quiet: quietFor(row, now), nameColumns, laneColumns })}
    />
  );
};

/** For how long it said nothing, when that is long. */
const quietFor = ({ heardAt }: AgentRow, now: number): string =>
  heardAt !== undefined && now - heardAt >= quietMs ? age(heardAt, now) : "";

interface AgentProps extends RowProps<AgentRow> {
  readonly age: string;
  readonly quiet: string;
  readonly nameColumns: number;
  readonly laneColumns: number;
}

const Agent = memo(function Agent(props: AgentProps): ReactElement {
  const { theme, columns, row, selected } = props;
  const [glyph, ascii, tone] = looks[row.status];
  const named = row.name !== `agent-${row.lane}` || columns >= 68;
  const more = Math.max(0, columns - 2 - (named ? props.nameColumns + 1 : 0) - props.laneColumns - 1 - 9 - 4 - 3);
  const source = row.source === "person" ? "by hand" : row.pid === undefined ? "" : `pid ${row.pid}`;
  const facts = [
    props.quiet === "" ? "" : `silent for ${props.quiet}`,
    row.kind === undefined ? "" : `needs ${row.kind}`,
    row.mode ?? "",
    row.tokens === undefined ? "" : tokensText(row.tokens),
    row.cost === undefined ? "" : `~$${row.cost.toFixed(2)}`,
    `run ${row.run}`,
    source,
    row.restarts > 0 ? `${row.restarts} restarts` : "",
    row.doing,
  ];
  return (
    <Line
      theme={theme}
      columns={columns}
      selected={selected}
      spans={[
        { text: " " },
        ...cells([
          [theme.ascii ? ascii : glyph, 1, tone],
          [row.name, named ? props.nameColumns : 0, tone === "dim" ? "dim" : "bold"],
          [row.lane, props.laneColumns, named ? "plain" : "bold"],
          [row.status, 8, tone],
          [
            facts.filter((fact) => fact !== "").join(", "),
            more,
            props.quiet === "" && row.kind === undefined ? "dim" : "alert",
          ],
          [props.age, 4, "dim", "right"],
        ]),
      ]}
    />
  );
});

/** 950 tokens, 12k, 3.4M. */
const tokensText = (count: number): string =>
  count < 1000 ? `${count} tokens` : count < 1e6 ? `${Math.round(count / 1000)}k` : `${(count / 1e6).toFixed(1)}M`;

const looks: Readonly<Record<AgentStatus, readonly [glyph: string, ascii: string, tone: Tone]>> = {
  starting: ["→", ">", "busy"],
  working: ["→", "*", "good"],
  blocked: ["!", "!", "alert"],
  idle: ["○", "o", "plain"],
  done: ["✓", "+", "dim"],
  error: ["✗", "x", "bad"],
  paused: ["‖", "=", "dim"],
  lost: ["?", "?", "alert"],
};
