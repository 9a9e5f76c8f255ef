import { expect, test, vi } from "vitest";

import { createStore, type LanesStore } from "../../src/store/store.ts";
import { openStore, syncStore } from "../../src/store/sync.ts";
import type { View } from "../../src/store/view.ts";
import { memoryEngine, type MemoryEngine, type MemoryWorld } from "../tui/memory-engine.ts";
import { empty, hostile, swing } from "../tui/scene.ts";

interface Opened {
  readonly store: LanesStore;
  readonly world: MemoryEngine;
  readonly release: () => void;
}

const opened = async (scene: MemoryWorld, lane?: string): Promise<Opened> => {
  const world = memoryEngine(scene);
  const store = createStore(Date.now());
  if (lane !== undefined) store.setState({ viewer: { lane, visible: [lane], presses: 0 } });
  const known = await openStore(store, world.engine);
  return { store, world, release: syncStore(store, world.engine, known) };
};

const until = (store: LanesStore, holds: (view: View) => boolean): Promise<void> =>
  vi.waitFor(() => expect(holds(store.getState())).toBe(true), { interval: 2, timeout: 10_000 });

test("the first view comes from the journal alone: git is not asked", async () => {
  const world = memoryEngine(swing(Date.now()));
  const store = createStore(Date.now());
  await openStore(store, world.engine);
  const { lanes, agents, locks, overview, engine } = store.getState();
  expect(lanes.map(({ id, state }) => `${id} ${state}`).slice(0, 3)).toEqual([
    "ui-table waiting",
    "api-cache running",
    "docs-intro running",
  ]);
  expect([agents.length, locks.length, overview.running, engine]).toEqual([7, 3, 3, "alive"]);
  expect(world.looks).toEqual([]);
});

test("a change touches its own row and leaves the others as they were", async () => {
  const { store, world, release } = await opened(swing(Date.now()));
  const before = store.getState();
  world.tell([{ type: "lane.progressed", key: "api-cache", text: "3 of 3 tasks" }]);
  await until(store, ({ lanes }) => lanes.some(({ detail }) => detail === "3 of 3 tasks"));
  const after = store.getState();
  const changed = after.lanes.filter((row, index) => row !== before.lanes[index]);
  expect(changed.map(({ id }) => id)).toEqual(["api-cache"]);
  expect(after.agents).toBe(before.agents);
  expect(after.overview).toBe(before.overview);
  release();
});

test("a burst of records is shown in few updates, the last one included", async () => {
  const { store, world, release } = await opened(swing(Date.now()));
  let updates = 0;
  const unsubscribe = store.subscribe((view, before) => {
    if (view.lanes !== before.lanes) updates += 1;
  });
  for (let step = 1; step <= 200; step += 1) {
    world.tell([{ type: "lane.progressed", key: "api-cache", text: `step ${step}` }]);
  }
  await until(store, ({ lanes }) => lanes.some(({ detail }) => detail === "step 200"));
  expect(updates).toBeLessThan(10);
  unsubscribe();
  release();
});

test("the selected lane's log is read, and read again when it grew", async () => {
  const { store, world, release } = await opened(swing(Date.now()), "ui-table");
  await until(store, ({ detail }) => detail?.log.at(-1) === "> _");
  expect(store.getState().detail).toMatchObject({ branch: "lane/ui-table/work", run: "ui-table-1" });
  world.print("ui-table-1", "\n\u001B]0;title\u0007done\n");
  await until(store, ({ detail }) => detail?.log.at(-1) === "done");
  store.setState({ viewer: { lane: "notes", visible: [], presses: 1 } });
  await until(store, ({ detail }) => detail?.id === "notes");
  expect(store.getState().detail).toMatchObject({ log: [], run: "", next: "lanes launch notes" });
  release();
});

test("git is looked at in the background for the lanes in sight, and again when something moved", async () => {
  const now = Date.now();
  const { store, world, release } = await opened(swing(now), "api-cache");
  await vi.waitFor(() => expect(world.looks).toEqual([["api-cache"]]), { interval: 2 });
  const scene = swing(now).seen;
  const show = (head: string, ahead: number): void => {
    const lanes = new Map(scene?.lanes);
    lanes.set("api-cache", { head, subject: "more", ahead, behind: 0, worktree: "present" });
    if (scene) world.setSeen({ ...scene, lanes });
  };
  const dirty = (): readonly string[] | undefined =>
    store.getState().lanes.find(({ id }) => id === "api-cache")?.git?.dirty;
  show(scene?.lanes.get("api-cache")?.head ?? "", 9);
  await until(store, (view) => view.lanes.some(({ git }) => git?.ahead === 9));
  // The working state was not looked at this time: what was known of it stays, as long as the head does.
  expect(dirty()).toEqual([]);
  show("f".repeat(40), 10);
  await until(store, (view) => view.lanes.some(({ git }) => git?.ahead === 10));
  expect(dirty()).toBeUndefined();
  release();
});

test("recent events are told in words, oldest first, each once", async () => {
  const { store, world, release } = await opened(swing(Date.now()));
  await until(store, ({ events }) => events.length > 20);
  world.tell([{ type: "lane.stop-asked", key: "api-cache", then: "pause" }]);
  await until(store, ({ events }) => events.at(-1)?.text === "is to be stopped");
  const { events } = store.getState();
  expect(events.filter(({ text }) => text === "merged into main as 3f2a91c")).toHaveLength(1);
  expect(events.map(({ position }) => position)).toEqual(
    events.map(({ position }) => position).toSorted((a, b) => a - b),
  );
  release();
});

test("a line that both the history and the following tell of is listed once", async () => {
  const world = memoryEngine(swing(Date.now()));
  const store = createStore(Date.now());
  let answer = (): void => undefined;
  const late = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const feed = { ...world.engine, history: (since: number) => late.then(() => world.engine.history(since)) };
  const release = syncStore(store, feed, await openStore(store, feed));
  world.tell([{ type: "lane.stop-asked", key: "api-cache", then: "pause" }]);
  answer();
  await until(store, ({ events }) => events.length > 20);
  expect(store.getState().events.filter(({ text }) => text === "is to be stopped")).toHaveLength(1);
  release();
});

test("an engine is asked for only while there is work, and its silence is noticed", async () => {
  const { store, world, release } = await opened(empty(Date.now()));
  expect(store.getState().engine).toBe("idle");
  world.setLives(false);
  const busy = swing(Date.now()).records.flatMap(({ events }) => events);
  const add = busy.find((event) => event.type === "lane.added");
  if (add) world.tell([add, { type: "lane.queued", key: add.key, why: "" }]);
  await until(store, ({ engine }) => engine === "silent");
  release();
});

test("no text of the view can command a terminal", async () => {
  const { store, release } = await opened(hostile(Date.now()), "bad-03");
  await until(store, ({ detail, events }) => (detail?.log.length ?? 0) > 0 && events.length > 0);
  const texts: string[] = [];
  JSON.stringify(store.getState(), (_name, value: unknown) => {
    if (typeof value === "string") texts.push(value);
    return value;
  });
  expect(texts.length).toBeGreaterThan(200);
  expect(texts.filter((text) => /[\p{Cc}\p{Cf}\p{Cs}]/u.test(text))).toEqual([]);
  release();
});

test("what cannot be read is said, and the screen goes on", async () => {
  const world = memoryEngine(swing(Date.now()));
  const store = createStore(Date.now());
  const feed = { ...world.engine, look: () => Promise.reject(new Error("git is \u001B[31mbroken")) };
  const known = await openStore(store, feed);
  const release = syncStore(store, feed, known);
  await until(store, ({ note }) => note === "git is broken");
  expect(store.getState().lanes).toHaveLength(10);
  release();
});
