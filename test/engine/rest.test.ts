import { expect, test } from "vitest";

import { createRests } from "../../src/engine/rest.ts";
import { force, laneIn, now } from "../core/build.ts";

const hour = 3_600_000;

/** A failed lane that is to be tried again in four seconds, and a clock that the test moves. */
const scene = () => {
  const state = force(laneIn("failed"), "a", { retryAt: now + 4000, failures: 2 });
  const clock = { wall: now, steady: 0 };
  const look = createRests({ now: () => clock.wall, elapsed: () => clock.steady });
  return { state, clock, rested: (): readonly string[] => [...look(state)] };
};

test("a wait ends when it is over, and not before", () => {
  const { clock, rested } = scene();
  expect(rested()).toEqual([]);
  Object.assign(clock, { wall: now + 3999, steady: 3999 });
  expect(rested()).toEqual([]);
  Object.assign(clock, { wall: now + 4000, steady: 4000 });
  expect(rested()).toEqual(["a"]);
});

test.each([-hour, hour])("a clock that jumps by %d ms makes a wait neither longer nor shorter", (jump) => {
  const { clock, rested } = scene();
  rested();
  Object.assign(clock, { wall: now + jump, steady: 3999 });
  expect(rested()).toEqual([]);
  clock.steady = 4000;
  expect(rested()).toEqual(["a"]);
});

test("an engine that comes after the clock was turned back waits once more, not for an hour", () => {
  const { clock, rested } = scene();
  clock.wall = now - hour;
  expect(rested()).toEqual([]);
  clock.steady = 4000;
  expect(rested()).toEqual(["a"]);
});

test("a lane that failed again waits again", () => {
  const { state, clock, rested } = scene();
  rested();
  Object.assign(clock, { wall: now + 4000, steady: 4000 });
  expect(rested()).toEqual(["a"]);
  force(state, "a", { retryAt: now + 20_000, failures: 3 });
  expect(rested()).toEqual([]);
  force(state, "a", { retryAt: undefined });
  expect(rested()).toEqual([]);
  clock.steady = 20_000;
  force(state, "a", { retryAt: now + 20_000 });
  expect(rested()).toEqual([]);
});
