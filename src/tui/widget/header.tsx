/** The strip on top: where we are, how far everything is, and what needs a person. */
import { Box } from "ink";
import type { ReactElement } from "react";

import type { Overview } from "../../core/select.ts";
import type { Phase } from "../../core/state.ts";
import type { Liveness } from "../../store/view.ts";
import type { Theme } from "../theme.ts";
import { widthOf } from "../width.ts";
import { Line, type Span } from "./line.tsx";

/** What the header shows. */
export interface HeaderProps {
  readonly theme: Theme;
  readonly columns: number;
  readonly rows: number;
  readonly overview: Overview;
  readonly engine: Liveness;
}

/** The header, in one row or two. */
export const Header = (props: HeaderProps): ReactElement => (
  <Box flexDirection="column" height={props.rows} flexShrink={0}>
    <Line theme={props.theme} columns={props.columns} spans={firstLine(props)} />
    {props.rows > 1 ? <Line theme={props.theme} columns={props.columns} spans={secondLine(props)} /> : null}
  </Box>
);

const firstLine = ({ columns, rows, overview, engine }: HeaderProps): readonly Span[] => {
  const right = engineSpan(engine);
  const place: readonly Span[] =
    columns < 60
      ? []
      : [
          { text: "lanes", style: "busy-bold" },
          { text: `  ${overview.target}`, style: "bold" },
          { text: overview.targetHead === "" ? "" : ` ${overview.targetHead.slice(0, 7)}`, style: "dim" },
        ];
  const percent: readonly Span[] =
    rows > 1 || overview.total === 0 ? [] : [{ text: `  ${overview.percent}%`, style: "bold" }];
  // Even in one column there is something to be seen.
  if (columns < 40)
    return [...percent.map((span) => ({ ...span, text: `${span.text.trim()} ` })), ...joined(counts(overview))];
  const calm = engine === "alive" || engine === "idle";
  const left: Span[] = [{ text: " " }, ...place, ...percent];
  let room = columns - widthOfAll(left) - (calm ? 0 : widthOf(right.text) + 3);
  for (const span of counts(overview)) {
    room -= widthOf(span.text) + 3;
    if (room < 0) break;
    left.push({ text: "   " }, span);
  }
  const between = columns - widthOfAll(left) - widthOf(right.text) - 1;
  return calm && between < 2 ? left : [...left, { text: " ".repeat(Math.max(1, between)) }, right];
};

/** What needs a person comes first: it must not be cut off. */
const counts = (overview: Overview): readonly Span[] => {
  const all: readonly (Span | false)[] = [
    overview.attention > 0 && {
      text: `${overview.attention} need${overview.attention === 1 ? "s" : ""} you`,
      style: "alert",
    },
    { text: `${overview.running} running`, style: overview.running > 0 ? "good" : "dim" },
    { text: `${overview.inQueue} in queue`, style: overview.inQueue > 0 ? "busy" : "dim" },
    { text: `${overview.merged}/${overview.total} merged`, style: overview.merged > 0 ? "good" : "dim" },
    overview.failed > 0 && { text: `${overview.failed} failed`, style: "bad" },
    overview.remarks > 0 && { text: "git settings changed: lanes status", style: "bad" },
    overview.damaged > 0 && { text: `${overview.damaged} damaged lines`, style: "bad" },
  ];
  return all.flatMap((span) => (span === false ? [] : [span]));
};

const joined = (spans: readonly Span[]): readonly Span[] =>
  spans.flatMap((span, index) => (index === 0 ? [span] : [{ text: "  " }, span]));

const widthOfAll = (spans: readonly Span[]): number => spans.reduce((sum, { text }) => sum + widthOf(text), 0);

const engineSpan = (engine: Liveness): Span => {
  switch (engine) {
    case "idle":
      return { text: "engine: idle", style: "dim" };
    case "starting":
      return { text: "engine: starting…", style: "busy" };
    case "alive":
      return { text: "engine: on", style: "dim" };
    case "silent":
      return { text: "engine: silent", style: "bad" };
  }
};

const phases: readonly (readonly [Phase, string])[] = [
  [1, "probes"],
  [2, "plan"],
  [3, "execute"],
  [4, "merge"],
];

const secondLine = ({ columns, overview }: HeaderProps): readonly Span[] => {
  const finished = overview.total > 0 && overview.merged === overview.total;
  const steps = phases.flatMap(([phase, name], index): readonly Span[] => {
    const done = phase < overview.phase || (phase === overview.phase && finished);
    const now = phase === overview.phase && !finished;
    return [
      { text: index === 0 ? "" : " ─ ", style: "border" },
      { text: `${done ? "✓" : now ? "→" : "○"} ${name}`, style: done ? "good" : now ? "busy-bold" : "dim" },
    ];
  });
  const percent = `${overview.percent}%`.padStart(5);
  const used = widthOfAll(steps) + percent.length;
  return [
    { text: " " },
    ...steps,
    { text: "   " },
    ...bar(columns - used - 5, overview.percent),
    { text: percent, style: "bold" },
  ];
};

/** A bar of `columns` cells. */
const bar = (columns: number, percent: number): readonly Span[] => {
  const full = Math.floor((Math.max(0, columns) * percent) / 100);
  return [
    { text: "█".repeat(full), style: percent === 100 ? "good" : "busy" },
    { text: "░".repeat(Math.max(0, columns - full)), style: "dim" },
  ];
};
