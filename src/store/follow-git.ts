/** Looks at git in the background: when something moved, when other rows are shown, and now and then for certainty. */
import type { RepoSeen } from "../core/observed.ts";
import type { Release } from "../port.ts";
import type { Feed } from "./feed.ts";
import { same } from "./keep.ts";
import { createPace } from "./pace.ts";
import type { LanesStore } from "./store.ts";

/** Looks begin this far apart, in ms; where one takes long, they take half of the time. */
const lookGapMs = { least: 100, most: 500 };

/** Hints can be lost: look at least this often. */
const sweepMs = 300_000;

/** Most lanes whose folders are watched. */
const watchedMax = 200;

/**
 * Calls `saw` with each look at the repository, one at a time. The working state of a lane is looked at when it comes into
 * sight and when it moved: each costs a process.
 */
export const followGit = (
  store: LanesStore,
  feed: Feed,
  fault: (error: unknown) => void,
  saw: (seen: RepoSeen) => void,
): Release => {
  let watching = false;
  let watched: readonly string[] = [];
  let unwatch: Release = () => undefined;
  let tookMs = 0;
  /** Lanes whose working state was looked at and has not moved since. */
  const settled = new Set<string>();

  const look = createPace(
    async () => {
      const { lanes, viewer } = store.getState();
      const known = new Set(lanes.map(({ id }) => id));
      const asked = viewer.visible.filter((id) => known.has(id) && (!settled.has(id) || id === viewer.lane));
      const begin = performance.now();
      // What moves from here on is looked at once more.
      for (const id of asked) settled.add(id);
      let seen: RepoSeen | undefined;
      try {
        seen = await feed.look(asked);
        saw(seen);
      } finally {
        tookMs = performance.now() - begin;
        for (const id of asked) if (seen?.lanes.get(id)?.dirty === undefined) settled.delete(id);
      }
      if (store.getState().note !== "") store.setState({ note: "" });
    },
    () => Math.min(lookGapMs.most, Math.max(lookGapMs.least, 2 * tookMs)),
    fault,
  );
  const moved = (ids: readonly string[]): void => {
    for (const id of ids) settled.delete(id);
    look.ask();
  };
  const again = (): void => {
    settled.clear();
    look.ask();
  };

  const watch = (): void => {
    const now = store
      .getState()
      .lanes.slice(0, watchedMax)
      .map(({ id }) => id);
    if (watching && same(now, watched)) return;
    watching = true;
    unwatch();
    watched = now;
    unwatch = feed.watchGit(now, moved);
  };

  const unsubscribe = store.subscribe(({ lanes, viewer }, before) => {
    if (lanes.length !== before.lanes.length) watch();
    if (viewer.visible !== before.viewer.visible && !same(viewer.visible, before.viewer.visible)) look.ask();
  });
  const sweep = setInterval(again, sweepMs);
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
