/** What git shows, kept fresh: events only shorten the wait for a look, and a look is always at the thing itself. */
import { mergeSeen, type RepoSeen } from "../core/observed.ts";
import type { State } from "../core/state.ts";
import type { Release, World } from "../port.ts";

/** Shortest time between two looks, in ms. */
const restMs = 250;

/** The engine's eye on the repository. */
export interface Sight {
  readonly seen: () => RepoSeen | undefined;
  /** Look soon, with an eye on what is uncommitted in these lanes; in all when nothing is given. */
  mark(lanes?: readonly string[]): void;
  /** Look now if something was marked and the rest is over. */
  look(state: State): Promise<void>;
  release: Release;
}

/** An eye that calls `changed` when a look showed something new. */
export const createSight = (world: World, marked: () => void): Sight => {
  let seen: RepoSeen | undefined;
  let all = true;
  let isMarked = true;
  let lanes = new Set<string>();
  let watched = "";
  let unwatch: Release | undefined;
  let lastAt = Number.NEGATIVE_INFINITY;
  let looking = false;

  const mark = (some?: readonly string[]): void => {
    isMarked = true;
    if (some) for (const id of some) lanes.add(id);
    else all = true;
    marked();
  };

  const watch = (ids: readonly string[]): void => {
    const key = ids.join(" ");
    if (key === watched) return;
    watched = key;
    unwatch?.();
    unwatch = world.git.watch(ids, mark);
    mark(ids);
  };

  const look = async (state: State): Promise<void> => {
    const now = world.clock.elapsed();
    if (state.target === undefined || looking) return;
    watch([...state.lanes.values()].filter((lane) => lane.worktree).map((lane) => lane.id));
    if (!isMarked || now - lastAt < restMs) return;
    const status = all ? [...state.lanes.values()].filter((lane) => lane.worktree).map((lane) => lane.id) : [...lanes];
    [isMarked, all, lanes, lastAt, looking] = [false, false, new Set(), now, true];
    try {
      const next = await world.git.observe({ target: state.target, status });
      seen = mergeSeen(seen, next);
    } finally {
      looking = false;
    }
  };

  return { seen: () => seen, mark, look, release: () => unwatch?.() };
};
