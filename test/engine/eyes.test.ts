import { expect, test } from "vitest";

import type { RunSeen } from "../../src/core/observed.ts";
import type { Lane } from "../../src/core/state.ts";
import { createEyes, isCalm } from "../../src/engine/eyes.ts";
import type { Host } from "../../src/port.ts";
import { force, laneIn, now } from "../core/build.ts";

const alive: RunSeen = {
  is: "alive",
  process: { pid: 7, start: "1", boot: "b" },
  startedAt: now,
  ageMs: 500,
};

/** A lane in a state, its run as the world has it, and a clock that the test moves. */
const scene = (state: Parameters<typeof laneIn>[0]) => {
  const lanes = force(laneIn(state), "a", {});
  const world: { steady: number; seen: RunSeen } = { steady: 0, seen: alive };
  const host = { seen: () => world.seen } as unknown as Host;
  const clock = { elapsed: () => world.steady };
  const eyes = createEyes({ host, clock } as Parameters<typeof createEyes>[0]);
  return { lanes, world, eyes, look: () => [...eyes.look(lanes).values()] };
};

const gone: RunSeen = { is: "vanished", survivors: [] };

test("a run that goes on is looked at again when it is told of", () => {
  const { world, eyes, look } = scene("running");
  expect(look()).toEqual([alive]);
  world.seen = gone;
  eyes.mark(["a-1"]);
  expect(look()).toEqual([gone]);
});

test("a run of which nothing is told is looked at again after five minutes; until then only its age grows", () => {
  const { world, look } = scene("running");
  look();
  Object.assign(world, { seen: gone, steady: 299_999 });
  expect(look()).toEqual([{ ...alive, ageMs: 300_499 }]);
  world.steady = 300_000;
  expect(look()).toEqual([gone]);
});

test.each([
  ["starting", {}],
  ["running", { stopping: "stop" }],
  ["running", { pausing: { to: "freeze", at: now } }],
] as const)("a run of which something is wanted is looked at each time: %s %j", (state, wish) => {
  const { lanes, world, look } = scene(state);
  force(lanes, "a", wish as Partial<Lane>);
  look();
  world.seen = gone;
  expect(look()).toEqual([gone]);
});

test.each([
  ["running", {}, true],
  ["running", { stopping: "stop" }, false],
  ["running", { removal: "wish" }, false],
  ["failed", { retryAt: now }, false],
  ["ready", {}, true],
  ["queued", {}, false],
  ["merge-queued", {}, false],
] as const)("a lane that is %s with %j is left alone: %s", (state, over, expected) => {
  expect(isCalm(force(laneIn(state), "a", over as Partial<Lane>))).toBe(expected);
});

test("a run that uses up its time is not left alone", () => {
  const state = laneIn("running");
  const lane = state.lanes.get("a");
  if (!lane) throw new Error("there is a lane");
  expect(isCalm(force(state, "a", { spec: { ...lane.spec, timeoutMs: 1000 } }))).toBe(false);
});
