import { mkdirSync, renameSync } from "node:fs";

import { afterEach, beforeEach, expect, test } from "vitest";

import { launcherOf, makePlace, seenAs, until } from "./living.ts";
import type { Place } from "./living.ts";

let place: Place;
beforeEach(() => {
  place = makePlace();
});
afterEach(() => place.end());

test("a launcher that is killed is noticed, though no file tells of it", async () => {
  const { host, start } = place;
  await start("exec sleep 1000");
  await seenAs(host, "alive");
  let last = "";
  const release = host.watch(() => (last = host.seen("demo-1").is));
  process.kill(launcherOf(place), "SIGKILL");
  await until("the loss to be told", () => last !== "");
  release();
  expect(last).toBe("vanished");
});

test("much output is told of at most twenty times a second", async () => {
  const { host, start, state } = place;
  mkdirSync(state);
  const at: number[] = [];
  let last = "";
  const release = host.watch(() => {
    at.push(performance.now());
    last = host.seen("demo-1").is;
  }, "demo-1");
  await start("i=0; while [ $i -lt 20000 ]; do echo $i; i=$((i+1)); done");
  await until("the end to be told", () => last === "exited");
  release();
  const gaps = at.slice(1).map((each, index) => each - (at[index] ?? 0));
  // The calls are timed where they begin, so that a busy machine shortens what is measured here.
  expect(gaps.filter((gap) => gap < 25)).toEqual([]);
});

test("a new state folder in the place of an archived one is noticed", async () => {
  const { host, start, state } = place;
  await start("true");
  await seenAs(host, "exited");
  let last = "";
  const release = host.watch(() => (last = host.seen("demo-2").is));
  renameSync(state, `${state}-archived`);
  await start("true", { run: "demo-2" });
  await until("the new run to be told", () => last === "exited");
  release();
  expect(host.seen("demo-1")).toEqual({ is: "absent" });
});

test("nothing is told after the release", async () => {
  const { host, start, state } = place;
  mkdirSync(state);
  let [calls, others] = [0, 0];
  const stay = host.watch(() => (others += 1));
  host.watch(() => (calls += 1))();
  await start("true");
  await seenAs(host, "exited");
  await until("another to be told", () => others > 0);
  stay();
  expect(calls).toBe(0);
});
