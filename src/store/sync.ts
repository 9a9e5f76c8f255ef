/** Keeps a store in step with the journal, git and the runs' output. The screen never waits for any of them. */
import { mergeSeen, type RepoSeen } from "../core/observed.ts";
import type { Limits } from "../core/schedule.ts";
import { sanitize } from "../core/text.ts";
import type { Release } from "../port.ts";
import { eventRows } from "./event-row.ts";
import type { Feed } from "./feed.ts";
import { followEngine } from "./follow-engine.ts";
import { followGit } from "./follow-git.ts";
import { followLog } from "./follow-log.ts";
import { createPace } from "./pace.ts";
import { livenessOf, rowsOf } from "./select.ts";
import type { LanesStore } from "./store.ts";
import { followTime } from "./follow-time.ts";

/** Most events that are kept for the list. */
const eventsMax = 200;

/** Changes are shown at most this often, unless somebody pressed a key. */
const updateGapMs = 100;

/** What is known besides the journal; the followers fill it in. */
export interface Known {
  seen: RepoSeen | undefined;
  limits: Limits;
}

/** Paint the store from the journal and from what the engine published last: no git call. The first frame shows this. */
export const openStore = async (store: LanesStore, feed: Feed): Promise<Known> => {
  const [limits, seen] = await Promise.all([feed.limits(), feed.observed(), feed.refresh()]);
  const known: Known = { limits, seen };
  paintStore(store, feed, known);
  store.setState({ engine: livenessOf(feed.state()) });
  return known;
};

/** Follow everything from now on, until released. Call it after the first frame. */
export const syncStore = (store: LanesStore, feed: Feed, known: Known): Release => {
  const note = (error: unknown): void => {
    const text = error instanceof Error ? error.message : String(error);
    store.setState({ note: sanitize(text.slice(0, 300)) });
  };
  const update = createPace(() => paintStore(store, feed, known), updateGapMs, note);
  const releases: readonly Release[] = [
    feed.follow((_state, told) => {
      addEvents(store, told.flatMap(eventRows));
      update.ask();
    }),
    store.subscribe(({ viewer }, before) => {
      if (viewer.lane !== before.viewer.lane) update.ask();
      if (viewer !== before.viewer) update.hurry();
    }),
    followTime(store),
    followLog(store, feed, note),
    followEngine(store, feed, note),
    followGit(store, feed, note, (seen) => {
      known.seen = mergeSeen(known.seen, seen);
      update.ask();
    }),
    update.end,
  ];
  loadHistory(store, feed).catch(note);
  return () => {
    for (const release of releases) release();
  };
};

/** Bring the rows up to date with what is known now; nothing changes when nothing did. */
export const paintStore = (store: LanesStore, feed: Feed, { seen, limits }: Known): void => {
  const before = store.getState();
  const now = Date.now();
  const rows = rowsOf(before, { state: feed.state(), seen, limits, now }, before.viewer.lane);
  if (Object.entries(rows).some(([name, value]) => before[name as keyof typeof rows] !== value)) {
    store.setState({ ...rows, now });
  }
};

const loadHistory = async (store: LanesStore, feed: Feed): Promise<void> => {
  const told = await feed.history(Math.max(0, feed.state().position - eventsMax));
  addEvents(store, told.flatMap(eventRows));
};

/** Lines may be told twice, by history and by following: a position counts once. */
const addEvents = (store: LanesStore, rows: readonly ReturnType<typeof eventRows>[number][]): void => {
  if (rows.length === 0) return;
  const { events } = store.getState();
  const fresh = new Set(rows.map(({ position }) => position));
  const merged = [...events.filter(({ position }) => !fresh.has(position)), ...rows];
  const sorted = merged.toSorted((a, b) => a.position - b.position);
  store.setState({ events: sorted.slice(-eventsMax) });
};
