/** Ages move on minute edges. */
import type { Release } from "../port.ts";
import type { LanesStore } from "./store.ts";

const minuteMs = 60_000;

/** Moves `now` of the store when an age on the screen changes by it, and at no other time. */
export const followTime = (store: LanesStore): Release => {
  let timer: NodeJS.Timeout | undefined;
  const wind = (): void => {
    timer = setTimeout(strike, minuteMs - (Date.now() % minuteMs)).unref();
  };
  const strike = (): void => {
    if (store.getState().lanes.length > 0) store.setState({ now: Date.now() });
    wind();
  };
  wind();
  return () => clearTimeout(timer);
};
