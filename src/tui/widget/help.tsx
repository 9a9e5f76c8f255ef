/** The page of keys, made from the keymap. */
import { Box } from "ink";
import type { ReactElement } from "react";

import type { Binding } from "../keymap.ts";
import { type Area, frameRows } from "../layout.ts";
import type { Theme } from "../theme.ts";
import { Frame, innerColumns } from "./frame.tsx";
import { cells, Line, type Span } from "./line.tsx";

/** Narrower columns of keys cannot be read. */
const columnMin = 38;

const keyColumns = 9;

/** The page. `refusals`: why the selected lane refuses a capability now. */
export const Help = (props: {
  readonly theme: Theme;
  readonly area: Area;
  readonly bindings: readonly Binding[];
  readonly refusals: ReadonlyMap<string, string>;
}): ReactElement => {
  const { theme, area, bindings, refusals } = props;
  const height = Math.max(0, area.rows - frameRows);
  const inner = innerColumns(area, false);
  const entries = grouped(bindings);
  const across = Math.max(
    1,
    Math.min(3, Math.floor(inner / columnMin), Math.ceil(entries.length / Math.max(1, height))),
  );
  const columns = Math.floor(inner / across);
  return (
    <Box flexDirection="column">
      <Frame
        theme={theme}
        area={area}
        title={[{ text: "Keys", style: "title" }]}
        note="↑ ahead  ↓ behind  * uncommitted"
        focused
      >
        {Array.from({ length: height }, (_, line) => (
          <Line
            // oxlint-disable-next-line react/no-array-index-key -- a line of the screen is its place
            key={line}
            theme={theme}
            columns={inner}
            spans={Array.from({ length: across }, (__, part) =>
              entrySpans(entries[part * height + line], columns, refusals),
            ).flat()}
          />
        ))}
      </Frame>
    </Box>
  );
};

interface Entry {
  readonly keys: string;
  readonly help: string;
  readonly capability: string | undefined;
}

const entrySpans = (
  entry: Entry | undefined,
  columns: number,
  refusals: ReadonlyMap<string, string>,
): readonly Span[] => {
  if (!entry) return [{ text: " ".repeat(columns) }];
  const refusal = entry.capability === undefined ? undefined : refusals.get(entry.capability);
  return [
    { text: " " },
    ...cells([
      [entry.keys, keyColumns, refusal === undefined ? "focus" : "dim"],
      [refusal ?? entry.help, columns - keyColumns - 3, refusal === undefined ? "plain" : "dim"],
    ]),
  ];
};

/** Keys with the same meaning on one line. */
const grouped = (bindings: readonly Binding[]): readonly Entry[] => {
  const entries = new Map<string, Entry>();
  for (const { key, help, capability } of bindings) {
    const before = entries.get(help);
    entries.set(help, { keys: before ? `${before.keys} ${key}` : key, help, capability });
  }
  return [...entries.values()];
};
