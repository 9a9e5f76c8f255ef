/** The end of the selected lane's output, read again when it may have grown. */
import { sanitizeLines } from "../core/text.ts";
import type { Release } from "../port.ts";
import type { Feed } from "./feed.ts";
import { createPace } from "./pace.ts";
import type { LanesStore } from "./store.ts";

const tailBytes = 65_536;
const tailLinesMax = 1000;
const readGapMs = 150;

/** Fills in `detail.log`. Text that did not change changes nothing. */
export const followLog = (store: LanesStore, feed: Feed, fault: (error: unknown) => void): Release => {
  let shown = { run: "", text: "" };
  let watched = "";
  let unwatch: Release = () => undefined;

  const read = createPace(
    async () => {
      const run = store.getState().detail?.run ?? "";
      if (run === "") return;
      const text = await feed.tail(run, tailBytes);
      const { detail } = store.getState();
      if (detail?.run !== run) return;
      if (shown.run === run && shown.text === text && detail.log.length > 0) return;
      shown = { run, text };
      store.setState({ detail: { ...detail, log: sanitizeLines(text, tailLinesMax) } });
    },
    readGapMs,
    fault,
  );

  /** Only the run that is shown: the others may print as they like. */
  const watch = (run: string): void => {
    if (run === watched) return;
    watched = run;
    unwatch();
    unwatch = run === "" ? () => undefined : feed.watchRun(run, read.ask);
  };

  const unsubscribe = store.subscribe(({ detail }, before) => {
    if (detail?.run === before.detail?.run) return;
    watch(detail?.run ?? "");
    if (detail === undefined) return;
    read.ask();
    read.hurry();
  });
  watch(store.getState().detail?.run ?? "");
  read.ask();
  return () => {
    unsubscribe();
    unwatch();
    read.end();
  };
};
