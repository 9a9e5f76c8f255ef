/** The whole screen as React sees it. The only place that reads keys; everything else gets props. */
import { Box, useInput, usePaste } from "ink";
import type { ReactElement } from "react";
import { useStore } from "zustand";

import type { State } from "../core/state.ts";
import { sanitize } from "../core/text.ts";
import type { LanesStore } from "../store/store.ts";
import { refusalOf } from "./act.ts";
import { Body } from "./body.tsx";
import type { Control } from "./control.ts";
import { hints, intentsOf, keymap, keysOf, pasted } from "./keymap.ts";
import { type Layout, layoutOf } from "./layout.ts";
import { listsOf } from "./lists.ts";
import { laneOf, settle } from "./model.ts";
import type { Theme } from "./theme.ts";
import { Confirm } from "./widget/confirm.tsx";
import { Footer } from "./widget/footer.tsx";
import { Header } from "./widget/header.tsx";
import { Help } from "./widget/help.tsx";
import { Line } from "./widget/line.tsx";

/** What the app stands on. */
export interface AppProps {
  readonly store: LanesStore;
  readonly control: Control;
  readonly theme: Theme;
  /** The state that refusals are decided on. */
  readonly state: () => State;
}

/** The screen: exactly as many rows as the terminal has. */
export const App = ({ store, control, theme, state }: AppProps): ReactElement => {
  const view = useStore(store);
  const unsettled = useStore(control.ui);
  useInput((input, key) => {
    for (const name of keysOf(input, key)) control.dispatch(intentsOf(name, control.ui.getState().mode));
  });
  usePaste((text) => control.dispatch(pasted(text, control.ui.getState().mode)));

  const lists = listsOf(view, unsettled.filters);
  const ui = settle(unsettled, { items: lists.items, logLines: view.detail?.log.length ?? 0 });
  const layout = layoutOf(ui);
  const { columns } = layout.screen;
  const refusals = refusalsOf(state(), laneOf(ui, lists));
  const body = { columns, rows: layout.bodyRows };
  return (
    <Box flexDirection="column" width={columns} height={layout.screen.rows}>
      <Header theme={theme} columns={columns} rows={layout.headerRows} overview={view.overview} engine={view.engine} />
      {ui.mode.is === "help" && layout.is !== "summary" ? (
        <Help
          theme={theme}
          area={body}
          bindings={keymap.filter(({ scope }) => scope === "normal")}
          refusals={refusals}
        />
      ) : (
        <Box flexDirection="column" height={layout.bodyRows} flexShrink={0}>
          {layout.is === "summary" ? (
            <Enlarge theme={theme} layout={layout} />
          ) : (
            <Body theme={theme} layout={layout} ui={ui} view={view} lists={lists} />
          )}
          {ui.mode.is === "confirm" ? <Confirm theme={theme} body={body} lines={ui.mode.lines} /> : null}
        </Box>
      )}
      {layout.footerRows > 0 ? (
        <Footer
          theme={theme}
          columns={columns}
          mode={ui.mode}
          filter={ui.filters[ui.pane]}
          toast={ui.toast}
          note={view.note}
          hints={hints(ui.mode.is)}
          refused={new Set(refusals.keys())}
        />
      ) : null}
    </Box>
  );
};

const Enlarge = ({ theme, layout }: { readonly theme: Theme; readonly layout: Layout }): ReactElement | null =>
  layout.bodyRows > 0 ? (
    <Line theme={theme} columns={layout.screen.columns} spans={[{ text: " enlarge for more", style: "dim" }]} />
  ) : null;

const capabilities = keymap.flatMap(({ capability }) => (capability === undefined ? [] : [capability]));

/** Why the selected lane refuses capabilities that have a key. */
const refusalsOf = (state: State, lane: string | undefined): ReadonlyMap<string, string> => {
  if (lane === undefined) return new Map(capabilities.map((id) => [id, "no lane is selected"]));
  return new Map(
    capabilities.flatMap((id): readonly (readonly [string, string])[] => {
      const no = refusalOf(state, id, lane);
      return no ? [[id, sanitize(no.refused)]] : [];
    }),
  );
};
