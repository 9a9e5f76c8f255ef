/** Turns intents into a changed screen or into deeds. No React here: the app hands keys in and reads the stores. */
import { createStore, type StoreApi } from "zustand/vanilla";

import type { Engine } from "../engine/engine.ts";
import { same } from "../store/keep.ts";
import type { LanesStore } from "../store/store.ts";
import { act, breakLease, broken, destructive, pauseOrResume, refusalOf, refused, warning } from "./act.ts";
import { type DeedIntent, type Intent, isDeed, type Toast, type UiIntent } from "./intent.ts";
import { layoutOf, listRows, paneNames } from "./layout.ts";
import { type Lists, listsOf } from "./lists.ts";
import { claimOf, firstUi, laneOf, settle, type Ui, update } from "./model.ts";

/** The screen's state and the way to change it. */
export interface Control {
  readonly ui: StoreApi<Ui>;
  /** Do what was meant, in this order. */
  dispatch(intents: readonly Intent[]): void;
  end(): void;
}

/** What the control needs besides the stores. */
export interface Surroundings {
  readonly engine: Engine;
  readonly columns: number;
  readonly rows: number;
  quit(): void;
  suspend(): void;
  repaint(): void;
}

const toastMs = 8000;

/** The control of one screen. */
export const createControl = (store: LanesStore, world: Surroundings): Control => {
  const ui = createStore<Ui>(() => firstUi(world.columns, world.rows));
  let timer: NodeJS.Timeout | undefined;

  const shown = (): { readonly items: Lists["items"]; readonly logLines: number } => {
    const view = store.getState();
    return { items: listsOf(view, ui.getState().filters).items, logLines: view.detail?.log.length ?? 0 };
  };

  const change = (intent: UiIntent): void => {
    // A filter changes what is shown: the second look settles selections on it.
    ui.setState(update(ui.getState(), intent, shown()), true);
    ui.setState(settle(ui.getState(), shown()), true);
    if (intent.type === "toast" || intent.type === "next-needy") expire();
  };

  const expire = (): void => {
    clearTimeout(timer);
    if (ui.getState().toast === undefined) return;
    timer = setTimeout(() => change({ type: "toast", toast: undefined }), toastMs);
    timer.unref();
  };

  const toast = (what: Toast): void => change({ type: "toast", toast: what });

  const ask = (capability: string, lanes: readonly string[], seen?: string): void => {
    act(world.engine, capability, lanes, seen).then(toast, (error: unknown) => toast(broken(error)));
  };

  const wish = (named: string | undefined): void => {
    const lane = laneOf(settle(ui.getState(), shown()), shown());
    if (lane === undefined)
      return toast({ text: "no lane is selected; lanes add-lane ID JSON adds one", tone: "alert" });
    const capability = named ?? pauseOrResume(world.engine.state(), lane);
    const git = store.getState().lanes.find(({ id }) => id === lane)?.git;
    const no = refusalOf(world.engine.state(), capability, lane);
    if (no) return toast(refused(no));
    if (!destructive.has(capability)) return ask(capability, [lane], git?.head);
    change({ type: "confirm", capability, lane, lines: warning(world.engine.state(), capability, lane, git) });
  };

  const mergeReady = (): void => {
    const ready = store.getState().lanes.filter(({ state }) => state === "ready");
    if (ready.length === 0) return toast({ text: "no lane is ready to merge", tone: "dim" });
    ask(
      "merge",
      ready.map(({ id }) => id),
    );
  };

  const askWhy = (): void => {
    const claim = claimOf(settle(ui.getState(), shown()), shown());
    if (!claim) return toast({ text: "select a lease among the locks first: 3, j, k", tone: "alert" });
    change({ type: "ask-reason", claim: claim.id, what: `${claim.what} of ${claim.holder}` });
  };

  const breakFor = (claim: number, why: string): void => {
    if (why === "") return toast({ text: "nothing is broken without a reason", tone: "alert" });
    breakLease(world.engine, claim, why).then(toast, (error: unknown) => toast(broken(error)));
  };

  const deed = (intent: DeedIntent): void => {
    switch (intent.type) {
      case "wish":
        return wish(intent.capability);
      case "pause-or-resume":
        return wish(undefined);
      case "merge-ready":
        return mergeReady();
      case "break-lease":
        return askWhy();
      case "agree": {
        const { mode } = ui.getState();
        change({ type: "dismiss" });
        if (mode.is === "reason") return breakFor(mode.claim, mode.text.trim());
        return mode.is === "confirm" ? ask(mode.capability, [mode.lane]) : undefined;
      }
      case "repaint":
        return world.repaint();
      case "suspend":
        return world.suspend();
      case "quit":
        return world.quit();
    }
  };

  /** Selections follow the rows, and the store learns what is shown. */
  const follow = (): void => {
    const now = shown();
    ui.setState(settle(ui.getState(), now), true);
    const { viewer } = store.getState();
    const next = { ...viewer, lane: laneOf(ui.getState(), now), visible: visibleLanes(ui.getState(), now.items) };
    if (!same(viewer, next)) store.setState({ viewer: next });
  };

  const dispatch = (intents: readonly Intent[]): void => {
    for (const intent of intents)
      if (isDeed(intent)) deed(intent);
      else change(intent);
    follow();
    const { viewer } = store.getState();
    store.setState({ viewer: { ...viewer, presses: viewer.presses + 1 } });
  };

  const unsubscribe = store.subscribe((view, before) => {
    if (paneNames.some((pane) => view[pane] !== before[pane]) || view.detail !== before.detail) follow();
  });
  follow();
  return {
    ui,
    dispatch,
    end: () => {
      clearTimeout(timer);
      unsubscribe();
    },
  };
};

/** Lanes whose rows are on the screen, and the selected one. */
const visibleLanes = (ui: Ui, items: Lists["items"]): readonly string[] => {
  const { top } = ui.places.lanes;
  const height = Math.max(1, listRows(layoutOf(ui), "lanes"));
  const lanes = items.lanes.slice(top, top + height).map(({ key }) => key);
  const selected = laneOf(ui, { items });
  return selected === undefined || lanes.includes(selected) ? lanes : [...lanes, selected];
};
