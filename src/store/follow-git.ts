/** Looks at git in the background: when something moved, when other rows are shown, and now and then for certainty. */
import type { RepoSeen } from "../core/observed.ts";
import type { Release } from "../port.ts";
import type { Feed } from "./feed.ts";
import { same } from "./keep.ts";
import { createPace } from "./pace.ts";
import type { LanesStore } from "./store.ts";

const lookGapMs = 500;

/** Hints can be lost: look at least this often. */
const sweepMs = 300_000;

/** Most lanes whose folders are watched. */
const watchedMax = 200;

/** Calls `saw` with each look at the repository, at most two a second and one at a time. */
export const followGit = (
  store: LanesStore,
  feed: Feed,
  fault: (error: unknown) => void,
  saw: (seen: RepoSeen) => void,
): Release => {
  let watching = false;
  let watched: readonly string[] = [];
  let unwatch: Release = () => undefined;

  const look = createPace(
    async () => {
      const { lanes, viewer } = store.getState();
      const known = new Set(lanes.map(({ id }) => id));
      saw(await feed.look(viewer.visible.filter((id) => known.has(id))));
      if (store.getState().note !== "") store.setState({ note: "" });
    },
    lookGapMs,
    fault,
  );

  const watch = (): void => {
    const now = store
      .getState()
      .lanes.slice(0, watchedMax)
      .map(({ id }) => id);
    if (watching && same(now, watched)) return;
    watching = true;
    unwatch();
    watched = now;
    unwatch = feed.watchGit(now, look.ask);
  };

  const unsubscribe = store.subscribe(({ lanes, viewer }, before) => {
    if (lanes.length !== before.lanes.length) watch();
    if (viewer.visible !== before.viewer.visible && !same(viewer.visible, before.viewer.visible)) look.ask();
  });
  const sweep = setInterval(look.ask, sweepMs);
  sweep.unref();
  watch();
  look.ask();
  return () => {
    clearInterval(sweep);
    unsubscribe();
    unwatch();
    look.end();
  };
};
