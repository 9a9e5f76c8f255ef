/** A framed window on rows. */
import type { ComponentType, ReactElement } from "react";

import { type Area, frameRows } from "../layout.ts";
import type { Place } from "../model.ts";
import type { Theme } from "../theme.ts";
import { Frame, innerColumns } from "./frame.tsx";
import { Line, type Span } from "./line.tsx";

/** What every pane gets besides its rows. */
export interface PaneProps {
  readonly theme: Theme;
  readonly area: Area;
  readonly place: Place;
  /** The title, or all tabs. */
  readonly title: readonly Span[];
  readonly focused: boolean;
  readonly bare: boolean;
  /** The time that ages are counted to, in ms. */
  readonly now: number;
  readonly filter: string;
}

/** How a row of some pane is drawn. */
export interface RowProps<T> {
  readonly theme: Theme;
  readonly columns: number;
  readonly row: T;
  readonly selected: boolean;
}

interface ListProps<T, More> {
  readonly pane: PaneProps;
  readonly rows: readonly T[];
  readonly keyOf: (row: T) => string;
  /** Shown where there are no rows. */
  readonly empty: readonly string[];
  readonly component: ComponentType<RowProps<T> & More>;
  /** What a row needs besides: plain values, so that unchanged rows are not drawn again. */
  readonly more: (row: T) => More;
}

/** The list. Its selected row is inverse while the pane has the keyboard. */
export const List = <T, More extends object>(props: ListProps<T, More>): ReactElement => {
  const { pane, rows, keyOf, empty, component: Row, more } = props;
  const { theme, area, place, focused, bare } = pane;
  const height = Math.max(0, area.rows - (bare ? 1 : frameRows));
  const visible = rows.slice(place.top, place.top + height);
  const columns = innerColumns(area, bare);
  const words = rows.length > 0 ? [] : pane.filter === "" ? empty : [`nothing matches "${pane.filter}"`];
  return (
    <Frame theme={theme} area={area} title={pane.title} note={noteOf(pane, rows.length)} focused={focused} bare={bare}>
      {visible.map((row, index) => {
        const shared = { theme, columns, row, selected: focused && place.top + index === place.index };
        return <Row key={keyOf(row)} {...shared} {...more(row)} />;
      })}
      {words.slice(0, height).map((text, index) => (
        <Line
          // oxlint-disable-next-line react/no-array-index-key -- a line of the screen is its place
          key={index}
          theme={theme}
          columns={columns}
          spans={[{ text: ` ${text}`, style: index === 0 ? "plain" : "dim" }]}
        />
      ))}
    </Frame>
  );
};

const noteOf = ({ place, filter }: PaneProps, count: number): string => {
  const where = count === 0 ? "" : `${place.index + 1}/${count}`;
  return filter === "" ? where : `/${filter}${where === "" ? "" : ` ${where}`}`;
};
