/** Ages move on minute edges; seconds only while the selected lane is younger than a minute. */
import type { Release } from "../port.ts";
import type { LanesStore } from "./store.ts";
import type { View } from "./view.ts";

const minuteMs = 60_000;

/** Moves `now` of the store when an age on the screen changes by it, and at no other time. */
export const followTime = (store: LanesStore): Release => {
  let timer: NodeJS.Timeout | undefined;
  let young = false;

  const wind = (): void => {
    clearTimeout(timer);
    const now = Date.now();
    young = isYoung(store.getState(), now);
    const step = young ? 1000 : minuteMs;
    timer = setTimeout(strike, step - (now % step));
    timer.unref();
  };

  const strike = (): void => {
    if (store.getState().lanes.length > 0) store.setState({ now: Date.now() });
    wind();
  };

  wind();
  const unsubscribe = store.subscribe((view, before) => {
    const moved = view.viewer.lane !== before.viewer.lane || view.lanes !== before.lanes;
    if (moved && isYoung(view, Date.now()) !== young) wind();
  });
  return () => {
    clearTimeout(timer);
    unsubscribe();
  };
};

const isYoung = ({ lanes, viewer }: View, now: number): boolean => {
  const lane = lanes.find(({ id }) => id === viewer.lane);
  return lane !== undefined && now - lane.since < minuteMs;
};
