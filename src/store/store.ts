/** The live read model: what the screen shows now. `syncStore` fills it, panes read it. */
import { createStore as createVanilla, type StoreApi } from "zustand/vanilla";

import { emptyView, type View } from "./view.ts";

/** A store of one view. */
export type LanesStore = StoreApi<View>;

/** A store with nothing in it. `now`: ms since 1970. */
export const createStore = (now: number): LanesStore => createVanilla<View>(() => emptyView(now));
