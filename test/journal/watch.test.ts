import { spawnSync } from "node:child_process";
import { appendFileSync, renameSync, rmSync, statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { realFiles } from "../../src/journal/files.ts";
import { createJournal } from "../../src/journal/local.ts";
import { bundle, makePlace, record } from "./place.ts";
import type { Place } from "./place.ts";

let place: Place;
beforeEach(async () => {
  place = await makePlace();
});
afterEach(() => place.end());

test("a follower sees the last change of a burst, 40 times of 40, by the file system's word alone", async () => {
  appendFileSync(place.log, "");
  let seen = -1;
  const noLooks = vi.spyOn(globalThis, "setInterval").mockReturnValueOnce(setTimeout(() => {}));
  const release = place.journal.follow(() => {
    seen = statSync(place.log).size;
  });
  noLooks.mockRestore();
  for (let burst = 0; burst < 40; burst += 1) {
    for (let change = 0; change <= burst; change += 1) {
      appendFileSync(place.log, "x\n");
      if (change % 5 === 0) await sleep(burst % 3);
    }
    await vi.waitFor(() => expect(seen).toBe(statSync(place.log).size), { interval: 1, timeout: 5000 });
  }
  release();
});

test("a follower sees changes that the file system does not report", async () => {
  let size = 1;
  const files = { ...realFiles, lstat: () => Object.assign(statSync(place.folder), { size }) };
  const changed = vi.fn<() => void>();
  const release = createJournal({ state: place.state, files }).follow(changed);
  await vi.waitFor(() => expect(changed).toHaveBeenCalledTimes(1), { interval: 2 });
  size = 2;
  await vi.waitFor(() => expect(changed).toHaveBeenCalledTimes(2), { interval: 20, timeout: 5000 });
  release();
});

test("a follower outlives the state folder, and finds the new one", async () => {
  const changed = vi.fn<() => void>();
  const release = place.journal.follow(changed);
  await place.journal.append(record("a"));
  await vi.waitFor(() => expect(changed).toHaveBeenCalled(), { interval: 20, timeout: 5000 });
  renameSync(place.state, `${place.state}.old`);
  rmSync(`${place.state}.old`, { recursive: true });
  await vi.waitFor(() => expect(changed.mock.calls.length).toBeGreaterThan(1), { interval: 20, timeout: 5000 });
  await place.journal.create();
  changed.mockClear();
  await place.journal.append(record("b"));
  await vi.waitFor(() => expect(changed).toHaveBeenCalled(), { interval: 20, timeout: 5000 });
  release();
});

test("a follower keeps no process alive", () => {
  const program = bundle(new URL("./follower.ts", import.meta.url), place.folder);
  const { status, stdout } = spawnSync(process.execPath, [program, place.state], { encoding: "utf8", timeout: 10_000 });
  expect({ status, stdout }).toEqual({ status: 0, stdout: "following\n" });
});
