import fc from "fast-check";
import { expect, test } from "vitest";

import { layoutOf, paneNames, type Zoom } from "../../src/tui/layout.ts";

const kind = (columns: number, rows: number): string => layoutOf({ columns, rows, pane: "lanes", zoom: "none" }).is;

test("the terminal's size decides what is shown", () => {
  expect([kind(160, 50), kind(120, 40), kind(119, 40), kind(80, 24)]).toEqual([
    "columns",
    "columns",
    "stacked",
    "stacked",
  ]);
  expect([kind(59, 24), kind(80, 11), kind(40, 10)]).toEqual(["list", "list", "list"]);
  expect([kind(39, 24), kind(80, 9), kind(20, 5), kind(1, 1)]).toEqual(["summary", "summary", "summary", "summary"]);
});

test("at every size all heights add up to the terminal's, and nothing is wider", () => {
  const size = fc.record({
    columns: fc.integer({ min: 0, max: 320 }),
    rows: fc.integer({ min: 0, max: 120 }),
    pane: fc.constantFrom(...paneNames),
    zoom: fc.constantFrom<Zoom>("none", "pane", "log"),
  });
  fc.assert(
    fc.property(size, (asked) => {
      const layout = layoutOf(asked);
      const { headerRows, bodyRows, footerRows, screen, preview, events, panes } = layout;
      expect(headerRows + bodyRows + footerRows).toBe(screen.rows);
      expect(bodyRows).toBeGreaterThanOrEqual(0);
      const left = [...panes.values()].reduce((sum, area) => sum + area.rows, 0);
      const right = (preview?.rows ?? 0) + (events?.rows ?? 0);
      const [area] = panes.values();
      const sums = {
        summary: [0, 0, 0],
        list: [left, bodyRows, screen.columns],
        stacked: [left + right, bodyRows, screen.columns],
        columns: [left, right, (area?.columns ?? 0) + (preview?.columns ?? 0)],
      }[layout.is];
      const wanted = layout.is === "summary" ? [0, 0, 0] : [bodyRows, bodyRows, screen.columns];
      expect(sums).toEqual(wanted);
    }),
  );
});

test("zoom gives the body to one pane or to the log", () => {
  const pane = layoutOf({ columns: 160, rows: 50, pane: "locks", zoom: "pane" });
  expect([...pane.panes.keys()]).toEqual(["locks"]);
  expect(pane.preview).toBeUndefined();
  const log = layoutOf({ columns: 160, rows: 50, pane: "locks", zoom: "log" });
  expect(log.preview).toEqual({ columns: 160, rows: 46 });
});
