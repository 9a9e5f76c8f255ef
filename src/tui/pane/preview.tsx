/** The selected lane: why it is as it is, what moves it on, and the end of its log. */
import type { ReactElement } from "react";

import type { LaneRow } from "../../core/select.ts";
import type { LaneDetail } from "../../store/view.ts";
import type { Area } from "../layout.ts";
import type { Theme } from "../theme.ts";
import { Frame, innerColumns, ruleSpans } from "../widget/frame.tsx";
import { Line, type Span } from "../widget/line.tsx";

/** What the preview shows. */
export interface PreviewProps {
  readonly theme: Theme;
  readonly area: Area;
  readonly detail: LaneDetail | undefined;
  readonly row: LaneRow | undefined;
  /** Lines that the log is scrolled up. */
  readonly logUp: number;
  readonly focused: boolean;
}

/** The pane. */
export const Preview = (props: PreviewProps): ReactElement => {
  const { theme, area, detail, row, focused } = props;
  const columns = innerColumns(area, false);
  const title: readonly Span[] = detail
    ? [
        { text: detail.id, style: "title" },
        { text: `  ${detail.branch}`, style: "dim" },
      ]
    : [{ text: "Preview", style: "dim" }];
  const lines = contentOf(props, Math.max(0, area.rows - 2));
  return (
    <Frame
      theme={theme}
      area={area}
      title={title}
      note={row?.agent ?? ""}
      focused={focused}
      rule={lines.indexOf("rule")}
    >
      {lines.map((line, index) => (
        <Line
          // oxlint-disable-next-line react/no-array-index-key -- a line of the screen is its place
          key={index}
          theme={theme}
          columns={columns}
          spans={line === "rule" ? ruleSpans(columns, ruleWords(props), focused) : line}
        />
      ))}
    </Frame>
  );
};

type Content = readonly Span[] | "rule";

/** At most `rows` lines. Where there is little room, the log goes before the words. */
const contentOf = ({ detail, row, logUp }: PreviewProps, rows: number): readonly Content[] => {
  if (!detail) return [[{ text: " no lane is selected", style: "dim" as const }]].slice(0, rows);
  const head: Content[] = [[{ text: " " }, { text: detail.why, style: row?.attention ? "alert" : "plain" }]];
  if (detail.next !== "") {
    head.push([
      { text: " next  ", style: "dim" },
      { text: detail.next, style: "focus" },
    ]);
  }
  if (row && row.collides.length > 0) {
    head.push([
      { text: " meets ", style: "dim" },
      { text: `a conflict is predicted with ${row.collides.join(", ")}`, style: "alert" },
    ]);
  }
  if (detail.worktree !== "" && rows >= 10) {
    head.push([
      { text: " in    ", style: "dim" },
      { text: detail.worktree, style: "dim" },
    ]);
  }
  const top = head.slice(0, Math.max(1, rows - 3));
  const room = rows - top.length - 1;
  if (room <= 0) return top.slice(0, rows);
  const stop = Math.max(Math.min(room, detail.log.length), detail.log.length - logUp);
  const log = detail.log.slice(Math.max(0, stop - room), stop).map((text): Content => [{ text: ` ${text}` }]);
  const words = detail.run === "" ? "it has not run yet" : "nothing printed yet";
  return [...top, "rule", ...(log.length > 0 ? log : [[{ text: ` ${words}`, style: "dim" } as const]])];
};

const ruleWords = ({ detail, logUp }: PreviewProps): string => {
  if (!detail || detail.run === "") return "log";
  return `log of ${detail.run}${logUp > 0 ? `, ${logUp} lines up, f follows` : ""}`;
};
