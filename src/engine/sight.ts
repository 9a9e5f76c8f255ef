/** What git shows, kept fresh: events only shorten the wait for a look, and a look is always at the thing itself. */
import { mergeSeen, type RepoSeen } from "../core/observed.ts";
import type { State } from "../core/state.ts";
import type { Release, World } from "../port.ts";
import { reasonOf } from "./work.ts";

/** Time between a mark and the look, and shortest time between two looks, in ms: what moved once moves again, and screens look for themselves. */
const restMs = 250;

/** All lanes are looked at although nothing was told, in ms: each time after twice as long, until something is told again. */
const sweepMs = { first: 300_000, longest: 3_600_000 };

/** The engine's eye on the repository. */
export interface Sight {
  readonly seen: () => RepoSeen | undefined;
  /** Begin a look if something was marked, none is under way and the rest is over. Nothing waits for it: hundreds of lanes take a while. */
  look(state: State): void;
  /** Resolves when no look is under way. */
  settled(): Promise<void>;
  release: Release;
}

/** An eye that calls `changed` when there is something to look at, and when a look is done. */
export const createSight = (world: World, changed: () => void): Sight => {
  let seen: RepoSeen | undefined;
  let all = true;
  let markedAt = Number.NEGATIVE_INFINITY;
  let lanes = new Set<string>();
  let watched: readonly string[] = [];
  let unwatch: Release | undefined;
  let timer: NodeJS.Timeout | undefined;
  let lastAt = Number.NEGATIVE_INFINITY;
  let under: Promise<void> | undefined;
  let isMarked = true;
  let sweep = { at: world.clock.elapsed(), gap: sweepMs.first };

  const mark = (some: readonly string[]): void => {
    if (!isMarked) markedAt = world.clock.elapsed();
    isMarked = true;
    for (const id of some) lanes.add(id);
    sweep = { ...sweep, gap: sweepMs.first };
    changed();
  };

  /** Only lanes that are new have to be looked at: of the others every move is told. */
  const watch = (ids: readonly string[]): void => {
    const before = new Set(watched);
    const fresh = ids.filter((id) => !before.has(id));
    if (fresh.length === 0 && ids.length === watched.length) return;
    watched = ids;
    unwatch?.();
    unwatch = world.git.watch(ids, mark);
    if (fresh.length > 0) mark(fresh);
  };

  const observe = async (target: string, status: readonly string[]): Promise<void> => {
    try {
      seen = mergeSeen(seen, await world.git.observe({ target, status }));
    } catch (error) {
      world.log.warn("look failed", { why: reasonOf(error) });
    } finally {
      under = undefined;
      lastAt = world.clock.elapsed();
      changed();
    }
  };

  const look = (state: State): void => {
    if (state.target === undefined || under) return;
    const open = [...state.lanes.values()].filter((lane) => lane.worktree).map((lane) => lane.id);
    watch(open);
    const now = world.clock.elapsed();
    if (now - sweep.at >= sweep.gap) [all, isMarked] = [true, true];
    if (!isMarked) return;
    const left = restMs - (now - Math.max(lastAt, markedAt));
    if (left > 0) {
      timer ??= setTimeout(() => {
        timer = undefined;
        changed();
      }, left).unref();
      return;
    }
    const status = all ? open : [...lanes];
    if (all) sweep = { at: now, gap: Math.min(sweepMs.longest, 2 * sweep.gap) };
    [all, isMarked, lanes] = [false, false, new Set()];
    under = observe(state.target, status);
  };

  return {
    seen: () => seen,
    look,
    settled: async () => under,
    release: () => {
      clearTimeout(timer);
      unwatch?.();
    },
  };
};
