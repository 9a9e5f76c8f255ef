import { spawn } from "node:child_process";
import { appendFileSync, closeSync, openSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { encode } from "../../src/journal/line.ts";
import { bundle, idsOf, makePlace, record } from "./place.ts";
import type { Place } from "./place.ts";

let place: Place;
let program: string;
beforeEach(async () => {
  place = await makePlace();
  program = bundle(new URL("./writer.ts", import.meta.url), place.folder);
});
afterEach(() => place.end());

/** Run a writer until it is done, or is killed `liveMs` after its first acknowledgement. Answers what it acknowledged. */
const write = async (name: string, count: number, liveMs?: number): Promise<string[]> => {
  const said = join(place.folder, `${name}.txt`);
  const output = openSync(said, "w");
  const writer = spawn(process.execPath, [program, place.state, name, `${count}`], {
    stdio: ["ignore", output, "inherit"],
  });
  closeSync(output);
  const ended = new Promise((resolve) => writer.once("exit", resolve));
  if (liveMs !== undefined) {
    await vi.waitFor(() => expect(statSync(said).size).toBeGreaterThan(0), { interval: 2, timeout: 10_000 });
    setTimeout(() => writer.kill("SIGKILL"), liveMs);
  }
  await ended;
  return readFileSync(said, "utf8").split("\n").filter(Boolean);
};

const countOf = (ids: readonly string[], name: string): string[] => ids.filter((id) => id.startsWith(`${name}-`));

test("eight processes append 200 records each: all are there, whole, and each writer's in its order", async () => {
  const names = ["a", "b", "c", "d", "e", "f", "g", "h"];
  await Promise.all(names.map(async (name) => write(name, 200)));
  const ids = await idsOf(place.journal);
  expect(ids).toHaveLength(1600);
  for (const name of names) expect(countOf(ids, name)).toEqual(Array.from({ length: 200 }, (_, n) => `${name}-${n}`));
});

test("thirty writers are killed at any moment, between torn lines: what they acknowledged is there", async () => {
  const half = encode(record("torn")).subarray(0, 50);
  const acknowledged: string[] = [];
  const tearing = setInterval(() => appendFileSync(place.log, half), 7);
  for (let round = 0; round < 10; round += 1) {
    const lives = [0, 1, 2].map((n) => write(`w${round}x${n}`, 1_000_000, Math.random() * 60));
    acknowledged.push(...(await Promise.all(lives)).flat());
  }
  clearInterval(tearing);
  await place.journal.append(record("last"));
  const ids = await idsOf(place.other());
  expect(acknowledged.length).toBeGreaterThan(100);
  expect(acknowledged.filter((id) => !ids.includes(id))).toEqual([]);
  expect(ids.at(-1)).toBe("last");
  expect(ids).toContain("-");
});
