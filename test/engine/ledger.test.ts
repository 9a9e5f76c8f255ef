import { afterEach, beforeEach, expect, test } from "vitest";

import type { Event } from "../../src/core/event.ts";
import { createKeeper } from "../../src/engine/keep.ts";
import { createLedger, type Ledger } from "../../src/engine/ledger.ts";
import { replay } from "../../src/engine/resume.ts";
import type { Journal, Log, Snapshot } from "../../src/port.ts";
import { added } from "../core/build.ts";
import { makePlace, type Place } from "../journal/place.ts";

let place: Place;
beforeEach(async () => {
  place = await makePlace();
});
afterEach(() => place.end());

let ids = 0;
const clock = {
  now: () => 1_764_000_000_000,
  elapsed: () => 0,
  id: () => `id-${(ids += 1)}`,
  box: () => "box",
  sleep: async () => {},
};

const ledgerOn = async (journal: Journal = place.other()): Promise<Ledger> => {
  const ledger = createLedger(journal, clock);
  await ledger.refresh();
  return ledger;
};

const record = async (ledger: Ledger, ...events: readonly Event[]): Promise<boolean> =>
  (await ledger.propose({ id: clock.id(), by: "human", if: [], events })).effective;

const keeperOf = (ledger: Ledger): (() => Promise<void>) =>
  createKeeper(ledger, { journal: place.journal, log: noLog }, "0.1.0");

/** A log in which nothing may be written. */
const never = (what: string): void => expect(what).toBe("");
const noLog: Log = { debug: never, info: never, warn: never, error: never, conceal: () => undefined };

/** A log of three lanes and a snapshot of the first two. */
const twoAndOne = async (): Promise<void> => {
  const ledger = await ledgerOn(place.journal);
  for (const id of ["a", "b"]) await record(ledger, added(id));
  await keeperOf(ledger)();
  await record(ledger, added("c"));
};

/** Keep the newest snapshot once more, as another program would have it. */
const keepAnew = async (change: (kept: Snapshot) => Snapshot): Promise<void> => {
  const kept = await place.journal.snapshot(Number.MAX_SAFE_INTEGER);
  if (!kept) throw new Error("the test has no snapshot");
  await place.journal.keep(change(kept));
};

test("a ledger begins at the snapshot, has the state of the whole log, and goes on", async () => {
  await twoAndOne();
  const [ledger, whole] = [await ledgerOn(), createLedger(place.other(), clock, { whole: true })];
  await whole.refresh();
  expect([ledger.read().spared > 0, whole.read().spared]).toEqual([true, 0]);
  expect(ledger.state).toEqual(whole.state);
  expect([...ledger.state.lanes.keys()]).toEqual(["a", "b", "c"]);
  expect(await record(ledger, added("c"))).toBe(false);
  expect(await record(ledger, added("d"))).toBe(true);
  await whole.refresh();
  expect(whole.state).toEqual(ledger.state);
});

test("a snapshot of a fold that knew other facts is not gone on from, and is replaced", async () => {
  await twoAndOne();
  await keepAnew((kept) => ({ ...kept, mark: kept.mark.replace("lane.added ", "") }));
  const ledger = await ledgerOn();
  expect(ledger.read().spared).toBe(0);
  expect([...ledger.state.lanes.keys()]).toEqual(["a", "b", "c"]);
  await keeperOf(ledger)();
  expect((await ledgerOn()).read().spared).toBe(ledger.read().byte);
});

test("a snapshot of a higher fold version makes a ledger that only reads", async () => {
  await twoAndOne();
  await keepAnew((kept) => ({ ...kept, fold: 99 }));
  const ledger = await ledgerOn();
  expect(ledger.newer()).toMatchObject({ code: 4, refused: expect.stringContaining("fold version 99") as string });
  expect([...ledger.state.lanes.keys()]).toEqual(["a", "b", "c"]);
  await expect(record(ledger, added("d"))).rejects.toThrow("newer lanes");
  expect(ledger.freeze()).toBeUndefined();
});

test("a ledger begins anew when another log takes the place of the one whose snapshot it began at", async () => {
  await twoAndOne();
  const ledger = await ledgerOn();
  await place.journal.archive("old");
  await record(await ledgerOn(place.journal), added("z"));
  await ledger.refresh();
  expect([...ledger.state.lanes.keys()]).toEqual(["z"]);
  expect(ledger.read().spared).toBe(0);
});

test("the last lines are told with what became of them, from the snapshot before them", async () => {
  await twoAndOne();
  const told: number[] = [];
  let first = 0;
  const counted = {
    ...place.other(),
    read: async (...[from, each]: Parameters<Journal["read"]>) => {
      first = from.position;
      return place.journal.read(from, each);
    },
  };
  await replay(counted, 2, ({ position }) => told.push(position));
  expect([first, told]).toEqual([2, [3]]);
  await replay(counted, 1, ({ position }) => told.push(position));
  expect([first, told]).toEqual([0, [3, 2, 3]]);
});

test("a snapshot is kept at once where there was none, and then only when the log has grown by a megabyte", async () => {
  const ledger = await ledgerOn(place.journal);
  const keep = keeperOf(ledger);
  const keptAt = async (): Promise<number | undefined> =>
    (await place.other().snapshot(Number.MAX_SAFE_INTEGER))?.from.position;
  await keep();
  expect(await keptAt()).toBeUndefined();
  await record(ledger, added("a"));
  await keep();
  await record(ledger, added("b"));
  await keep();
  expect(await keptAt()).toBe(1);
  await record(ledger, { type: "lane.progressed", key: "a", text: "x".repeat(1024 * 1024) });
  await keep();
  expect(await keptAt()).toBe(3);
});
