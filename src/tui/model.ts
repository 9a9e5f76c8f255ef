/** What the screen remembers by itself, and how each intent changes it. Pure. */
import type { Toast, UiIntent } from "./intent.ts";
import { layoutOf, listRows, type PaneName, paneNames, type Zoom } from "./layout.ts";
import type { Filters, Item } from "./lists.ts";

/** What has the keyboard. */
export type Mode =
  | { readonly is: "normal" }
  /** `before`: the filter that esc brings back. */
  | { readonly is: "filter"; readonly before: string }
  | { readonly is: "help" }
  | { readonly is: "confirm"; readonly capability: string; readonly lane: string; readonly lines: readonly string[] }
  /** A claim is to be broken, and why has to be said. */
  | { readonly is: "reason"; readonly claim: number; readonly what: string; readonly text: string };

/** Where a pane stands: its selected row, by name and place, and the first row that is visible. */
export interface Place {
  readonly key: string | undefined;
  readonly index: number;
  readonly top: number;
}

/** The screen's own state. */
export interface Ui {
  readonly columns: number;
  readonly rows: number;
  readonly pane: PaneName;
  readonly zoom: Zoom;
  readonly mode: Mode;
  readonly filters: Filters;
  readonly places: Readonly<Record<PaneName, Place>>;
  /** Lines that the log is scrolled up from its end; 0 follows it. */
  readonly logUp: number;
  readonly toast: Toast | undefined;
}

/** What the intents work on: the rows of each pane as they are listed now, and the length of the log shown. */
export interface Shown {
  readonly items: Readonly<Record<PaneName, readonly Item[]>>;
  readonly logLines: number;
}

const start: Place = { key: undefined, index: 0, top: 0 };

/** The state when the screen opens. */
export const firstUi = (columns: number, rows: number): Ui => ({
  columns,
  rows,
  pane: "lanes",
  zoom: "none",
  mode: { is: "normal" },
  filters: { lanes: "", agents: "", locks: "", branches: "" },
  places: { lanes: start, agents: start, locks: start, branches: start },
  logUp: 0,
  toast: undefined,
});

/** The state with every selection on a row that exists and in sight. Rows come and go: call it before showing. */
export const settle = (ui: Ui, { items, logLines }: Shown): Ui => {
  const layout = layoutOf(ui);
  const places = Object.fromEntries(
    paneNames.map((pane) => [pane, settled(ui.places[pane], items[pane], listRows(layout, pane))]),
  ) as Record<PaneName, Place>;
  const logUp = Math.max(0, Math.min(ui.logUp, logLines - 1));
  const calm = logUp === ui.logUp && paneNames.every((pane) => places[pane] === ui.places[pane]);
  return calm ? ui : { ...ui, places, logUp };
};

/** The lane that keys act on and the preview shows: that of the selected row, else the one selected among the lanes. */
export const laneOf = (ui: Ui, { items }: Pick<Shown, "items">): string | undefined =>
  itemOf(ui, ui.pane, items)?.lane ?? itemOf(ui, "lanes", items)?.lane;

const itemOf = (ui: Ui, pane: PaneName, items: Shown["items"]): Item | undefined => items[pane][ui.places[pane].index];

/** The claim on paths that is selected; undefined where the selected row is none. */
export const claimOf = (ui: Ui, { items }: Pick<Shown, "items">): Item["claim"] => itemOf(ui, ui.pane, items)?.claim;

/** The state after an intent. */
export const update = (unsettled: Ui, intent: UiIntent, shown: Shown): Ui => {
  const ui = settle(unsettled, shown);
  const next = settle(change(ui, intent, shown), shown);
  return laneOf(next, shown) === laneOf(ui, shown) || next.logUp === 0 ? next : { ...next, logUp: 0 };
};

const change = (ui: Ui, intent: UiIntent, shown: Shown): Ui => {
  switch (intent.type) {
    case "move":
      return ui.zoom === "log" ? scrolled(ui, -intent.by) : select(ui, shown, ui.places[ui.pane].index + intent.by);
    case "page":
      return page(ui, intent.by, shown);
    case "edge":
      if (ui.zoom === "log") return { ...ui, logUp: intent.to === "top" ? shown.logLines : 0 };
      return select(ui, shown, intent.to === "top" ? 0 : shown.items[ui.pane].length - 1);
    case "pane":
      return { ...ui, pane: intent.to, zoom: ui.zoom === "log" ? "none" : ui.zoom };
    case "cycle":
      return { ...ui, pane: paneNames.at((paneNames.indexOf(ui.pane) + intent.by) % paneNames.length) ?? ui.pane };
    case "zoom":
      return { ...ui, zoom: intent.to };
    case "zoom-step":
      return { ...ui, zoom: zooms[Math.max(0, Math.min(2, zooms.indexOf(ui.zoom) + intent.by))] ?? "none" };
    case "scroll-log":
      return scrolled(ui, -intent.by);
    case "follow-log":
      return { ...ui, logUp: 0 };
    case "next-needy":
      return nextNeedy(ui, shown);
    case "back":
      return back(ui);
    case "open-filter":
      return { ...ui, mode: { is: "filter", before: ui.filters[ui.pane] } };
    case "ask-reason":
      return { ...ui, mode: { is: "reason", claim: intent.claim, what: intent.what, text: "" } };
    case "type":
      if (ui.mode.is === "reason") return reasoned(ui, ui.mode.text + intent.text);
      // By characters: half of one could not be shown.
      return filtered(
        ui,
        Array.from(ui.filters[ui.pane] + intent.text)
          .slice(0, filterMax)
          .join(""),
      );
    case "erase":
      if (ui.mode.is === "reason")
        return reasoned(ui, intent.what === "all" ? "" : Array.from(ui.mode.text).slice(0, -1).join(""));
      return filtered(ui, intent.what === "all" ? "" : Array.from(ui.filters[ui.pane]).slice(0, -1).join(""));
    case "close-filter":
      if (ui.mode.is !== "filter") return ui;
      return { ...(intent.keep ? ui : filtered(ui, ui.mode.before)), mode: { is: "normal" } };
    case "help":
      return { ...ui, mode: { is: intent.open ? "help" : "normal" } };
    case "confirm":
      return { ...ui, mode: { is: "confirm", capability: intent.capability, lane: intent.lane, lines: intent.lines } };
    case "dismiss":
      return { ...ui, mode: { is: "normal" } };
    case "toast":
      return { ...ui, toast: intent.toast };
    case "resize":
      return { ...ui, columns: intent.columns, rows: intent.rows };
  }
};

const zooms: readonly Zoom[] = ["none", "pane", "log"];
const filterMax = 200;

const settled = (place: Place, items: readonly Item[], height: number): Place => {
  const found = place.key === undefined ? -1 : items.findIndex(({ key }) => key === place.key);
  const index = Math.max(0, Math.min(items.length - 1, found >= 0 ? found : place.index));
  const last = Math.max(0, items.length - height);
  const top =
    height === 0 ? Math.min(place.top, index) : Math.max(index - height + 1, Math.min(place.top, index, last));
  const key = items[index]?.key ?? place.key;
  return key === place.key && index === place.index && top === place.top ? place : { key, index, top };
};

const select = (ui: Ui, { items }: Shown, wanted: number): Ui => {
  const index = Math.max(0, Math.min(items[ui.pane].length - 1, wanted));
  const place = { ...ui.places[ui.pane], key: items[ui.pane][index]?.key, index };
  return { ...ui, places: { ...ui.places, [ui.pane]: place } };
};

const page = (ui: Ui, by: number, shown: Shown): Ui => {
  const layout = layoutOf(ui);
  const height = ui.zoom === "log" ? layout.bodyRows - 4 : listRows(layout, ui.pane);
  const step = Math.sign(by) * Math.max(1, Math.floor(Math.abs(by) * height));
  return ui.zoom === "log" ? scrolled(ui, -step) : select(ui, shown, ui.places[ui.pane].index + step);
};

const scrolled = (ui: Ui, up: number): Ui => ({ ...ui, logUp: Math.max(0, ui.logUp + up) });

const reasoned = (ui: Ui, text: string): Ui =>
  ui.mode.is === "reason" ? { ...ui, mode: { ...ui.mode, text: Array.from(text).slice(0, filterMax).join("") } } : ui;

const filtered = (ui: Ui, filter: string): Ui => ({ ...ui, filters: { ...ui.filters, [ui.pane]: filter } });

/** Esc undoes the newest of: zoom, scroll, filter. It never quits. */
const back = (ui: Ui): Ui => {
  if (ui.zoom !== "none") return { ...ui, zoom: "none" };
  if (ui.logUp > 0) return { ...ui, logUp: 0 };
  return filtered({ ...ui, toast: undefined }, "");
};

const nextNeedy = (ui: Ui, shown: Shown): Ui => {
  const { lanes } = shown.items;
  const from = ui.pane === "lanes" ? ui.places.lanes.index + 1 : 0;
  const order = [...lanes.keys()].map((step) => (from + step) % lanes.length);
  const found = order.find((index) => lanes[index]?.needy);
  if (found === undefined) return { ...ui, toast: { text: "no lane needs you", tone: "dim" } };
  return select({ ...ui, pane: "lanes", zoom: ui.zoom === "log" ? "log" : "none" }, shown, found);
};
