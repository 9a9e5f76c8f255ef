import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { createPace } from "../../src/store/pace.ts";

beforeEach(() => vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
afterEach(() => vi.useRealTimers());

const never = (): void => {
  throw new Error("nothing fails here");
};

test("the first wish is done at once, those that follow soon after as one", () => {
  const done: number[] = [];
  const pace = createPace(() => void done.push(performance.now()), 100, never);
  const start = performance.now();
  for (let wish = 0; wish < 50; wish += 1) pace.ask();
  expect(done).toEqual([start]);
  vi.advanceTimersByTime(1000);
  expect(done).toEqual([start, start + 100]);
  pace.end();
});

test("what waits is hurried, and nothing is done that nobody asked for", () => {
  let done = 0;
  const pace = createPace(() => void (done += 1), 100, never);
  pace.hurry();
  expect(done).toBe(0);
  pace.ask();
  pace.ask();
  pace.hurry();
  expect(done).toBe(2);
  vi.advanceTimersByTime(1000);
  expect(done).toBe(2);
});

test("two deeds never overlap; a wish during one is done after it", async () => {
  const release: (() => void)[] = [];
  const act = (): Promise<void> => new Promise((resolve) => release.push(resolve));
  const pace = createPace(act, 100, never);
  pace.ask();
  pace.ask();
  pace.ask();
  expect(release).toHaveLength(1);
  release[0]?.();
  await vi.advanceTimersByTimeAsync(1000);
  expect(release).toHaveLength(2);
});

test("a failure is told, and the next wish is tried again", async () => {
  const faults: unknown[] = [];
  const pace = createPace(
    () => Promise.reject(new Error("no git")),
    100,
    (error) => faults.push(error),
  );
  pace.ask();
  await vi.advanceTimersByTimeAsync(0);
  pace.ask();
  await vi.advanceTimersByTimeAsync(1000);
  expect(faults).toHaveLength(2);
  pace.end();
  pace.ask();
  await vi.advanceTimersByTimeAsync(1000);
  expect(faults).toHaveLength(2);
});
