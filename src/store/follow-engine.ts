/** Is somebody there who carries lanes out? Asked only while there is something to carry out. */
import type { Release } from "../port.ts";
import type { Feed } from "./feed.ts";
import { createPace } from "./pace.ts";
import { isBusy, livenessOf } from "./select.ts";
import type { LanesStore } from "./store.ts";
import type { Liveness } from "./view.ts";

/** An engine that freezes or dies is noticed after this long. */
const askGapMs = 5000;

/** Fills in `engine`, starting one when work waits for it. */
export const followEngine = (store: LanesStore, feed: Feed, fault: (error: unknown) => void): Release => {
  let timer: NodeJS.Timeout | undefined;
  const show = (engine: Liveness): void => {
    if (store.getState().engine !== engine) store.setState({ engine });
  };

  const ask = createPace(
    async () => {
      clearTimeout(timer);
      if (!isBusy(feed.state())) return show("idle");
      const asked = store.getState().engine;
      show(asked === "idle" || asked === "starting" ? livenessOf(feed.state()) : asked);
      const lives = await feed.ensure();
      show(lives ? "alive" : "silent");
      timer = setTimeout(ask.ask, askGapMs);
      timer.unref();
    },
    askGapMs,
    (error) => {
      show("silent");
      fault(error);
      timer = setTimeout(ask.ask, askGapMs);
      timer.unref();
    },
  );

  const unfollow = feed.follow((state) => {
    const { engine } = store.getState();
    if (!(isBusy(state) ? engine === "idle" || state.engine?.retired === true : engine !== "idle")) return;
    ask.ask();
    ask.hurry();
  });
  ask.ask();
  return () => {
    clearTimeout(timer);
    unfollow();
    ask.end();
  };
};
