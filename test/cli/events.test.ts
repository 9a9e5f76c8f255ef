import { expect, test } from "vitest";

import { events } from "../../src/cli/events.ts";
import type { Told } from "../../src/engine/ledger.ts";
import { added, laneIn, recordOf } from "../core/build.ts";
import { fakeCall, fakeEngine, fakeShell } from "./fake.ts";

const told = (position: number): Told => ({
  entry: { position, record: recordOf(position, [added(`lane${position}`)]) },
  outcome: { position, effective: true },
});

test("what is recorded while the history is read is told once, and nothing is missed", async () => {
  const listeners = new Set<(lines: readonly Told[]) => void>();
  const interrupts = new Set<() => void>();
  const state = laneIn("planned");
  const engine = fakeEngine(state, {
    follow: (listener) => {
      const one = (lines: readonly Told[]): void => listener(state, lines);
      listeners.add(one);
      return () => listeners.delete(one);
    },
    history: () => {
      for (const listener of listeners) listener([told(2), told(3)]);
      return Promise.resolve([told(1), told(2)]);
    },
    refresh: () => {
      for (const listener of listeners) listener([told(4)]);
      for (const interrupt of interrupts) interrupt();
      return Promise.resolve(state);
    },
  });
  const shell = fakeShell({
    onInterrupt: (listener) => {
      interrupts.add(listener);
      return () => interrupts.delete(listener);
    },
  });
  const call = fakeCall(shell, { options: { follow: true }, globals: { json: true } });
  expect(await events(call, engine)).toMatchObject({ code: 130 });
  const rows = shell.stdout.text().trimEnd().split("\n");
  expect(rows.map((row) => (JSON.parse(row) as { key: string }).key)).toEqual(["lane1", "lane2", "lane3", "lane4"]);
  expect(listeners.size).toBe(0);
});

test("a line that is damaged or void says why", async () => {
  const shell = fakeShell();
  const history: readonly Told[] = [
    {
      entry: { position: 1, damaged: "is torn\u001B[2J" },
      outcome: { position: 1, effective: false, reason: "is torn\u001B[2J" },
    },
    { ...told(2), outcome: { position: 2, effective: false, reason: "lane lane2 exists" } },
  ];
  const engine = fakeEngine(laneIn("planned"), { history: () => Promise.resolve(history) });
  expect(await events(fakeCall(shell), engine)).toBe(0);
  expect(shell.stdout.text()).toMatchInlineSnapshot(`
    "1  damaged  (void: is torn)
    2  2026-01-02T02:04:07.000Z  human  lane.added  lane2  (void: lane lane2 exists)
    "
  `);
});
