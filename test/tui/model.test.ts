import fc from "fast-check";
import { expect, test } from "vitest";

import type { UiIntent } from "../../src/tui/intent.ts";
import { paneNames } from "../../src/tui/layout.ts";
import type { Item } from "../../src/tui/lists.ts";
import { firstUi, laneOf, settle, type Shown, type Ui, update } from "../../src/tui/model.ts";

const items = (...keys: readonly string[]): readonly Item[] =>
  keys.map((key) => ({ key, lane: key, needy: key.endsWith("!") }));

const shownOf = (lanes: readonly Item[], logLines = 0): Shown => ({
  items: { lanes, agents: items("a1"), locks: [], branches: items("main", "topic") },
  logLines,
});

const twenty = shownOf(items(...Array.from({ length: 20 }, (_, index) => `l${index}`)));
const does = (ui: Ui, shown: Shown, ...intents: readonly UiIntent[]): Ui =>
  intents.reduce((before, intent) => update(before, intent, shown), settle(ui, shown));

test("moving stays on the list and scrolls only when it must", () => {
  const down = does(firstUi(80, 24), twenty, { type: "move", by: 3 });
  expect(down.places.lanes).toEqual({ key: "l3", index: 3, top: 0 });
  const end = does(down, twenty, { type: "edge", to: "bottom" });
  expect(end.places.lanes).toEqual({ key: "l19", index: 19, top: 11 });
  expect(does(end, twenty, { type: "move", by: 5 }).places.lanes.index).toBe(19);
  expect(does(end, twenty, { type: "move", by: -4 }).places.lanes).toEqual({ key: "l15", index: 15, top: 11 });
  expect(does(end, twenty, { type: "page", by: -0.5 }).places.lanes.index).toBe(15);
});

test("the selection follows its row, and takes the neighbour's place when the row is gone", () => {
  const third = does(firstUi(80, 24), shownOf(items("a", "b", "c", "d")), { type: "move", by: 2 });
  expect(settle(third, shownOf(items("new", "a", "b", "c", "d"))).places.lanes).toMatchObject({ key: "c", index: 3 });
  expect(settle(third, shownOf(items("a", "b", "d"))).places.lanes).toMatchObject({ key: "d", index: 2 });
  expect(settle(third, shownOf([])).places.lanes.index).toBe(0);
});

test("keys act on the selected row's lane, or on the lane selected before where a row has none", () => {
  const shown = shownOf(items("x", "y"));
  expect(laneOf(does(firstUi(80, 24), shown, { type: "move", by: 1 }), shown)).toBe("y");
  expect(laneOf(does(firstUi(80, 24), shown, { type: "pane", to: "locks" }), shown)).toBe("x");
  expect(laneOf(does(firstUi(80, 24), shown, { type: "pane", to: "agents" }), shown)).toBe("a1");
});

test("panes go round", () => {
  const ui = firstUi(80, 24);
  expect(does(ui, twenty, { type: "cycle", by: -1 }).pane).toBe("branches");
  expect(does(ui, twenty, ...paneNames.map((): UiIntent => ({ type: "cycle", by: 1 }))).pane).toBe("lanes");
});

test("the next lane that needs somebody is found from anywhere, and none is said", () => {
  const shown = shownOf(items("a!", "b", "c!", "d"));
  const first = does(firstUi(80, 24), shown, { type: "move", by: 1 }, { type: "next-needy" });
  expect(first.places.lanes.key).toBe("c!");
  expect(does(first, shown, { type: "next-needy" }).places.lanes.key).toBe("a!");
  expect(does(firstUi(80, 24), shown, { type: "pane", to: "locks" }, { type: "next-needy" })).toMatchObject({
    pane: "lanes",
    places: { lanes: { key: "a!" } },
  });
  expect(does(firstUi(80, 24), twenty, { type: "next-needy" }).toast?.text).toBe("no lane needs you");
});

test("a filter is typed, kept or taken back, and belongs to its pane", () => {
  const typed = does(
    firstUi(80, 24),
    twenty,
    { type: "open-filter" },
    { type: "type", text: "doc" },
    { type: "type", text: "x" },
  );
  expect(typed.filters.lanes).toBe("docx");
  const kept = does(typed, twenty, { type: "erase", what: "letter" }, { type: "close-filter", keep: true });
  expect([kept.filters.lanes, kept.filters.agents, kept.mode.is]).toEqual(["doc", "", "normal"]);
  const again = does(
    kept,
    twenty,
    { type: "open-filter" },
    { type: "erase", what: "all" },
    { type: "close-filter", keep: false },
  );
  expect(again.filters.lanes).toBe("doc");
  expect(does(again, twenty, { type: "back" }).filters.lanes).toBe("");
});

test("the log scrolls within its lines and follows its end for another lane", () => {
  const shown = shownOf(items("a", "b"), 50);
  const up = does(firstUi(80, 24), shown, { type: "scroll-log", by: -10 });
  expect(up.logUp).toBe(10);
  expect(does(up, shown, { type: "scroll-log", by: -100 }).logUp).toBe(49);
  expect(does(up, shown, { type: "move", by: 1 }).logUp).toBe(0);
  expect(does(up, shown, { type: "zoom", to: "log" }, { type: "move", by: 4 }).logUp).toBe(6);
  expect(does(up, shown, { type: "zoom", to: "log" }, { type: "edge", to: "bottom" }).logUp).toBe(0);
});

test("esc goes back one step at a time and never leaves", () => {
  const shown = shownOf(items("a", "b"), 50);
  const deep = does(firstUi(80, 24), shown, { type: "scroll-log", by: -5 }, { type: "zoom", to: "log" });
  const once = does(deep, shown, { type: "back" });
  expect([once.zoom, once.logUp]).toEqual(["none", 5]);
  expect(does(once, shown, { type: "back" }).logUp).toBe(0);
});

test("whatever is pressed, the selection is on a row and in sight", () => {
  const intent = fc.oneof(
    fc.record({ type: fc.constant("move" as const), by: fc.integer({ min: -9, max: 9 }) }),
    fc.record({ type: fc.constant("page" as const), by: fc.constantFrom(-1, -0.5, 0.5, 1) }),
    fc.record({ type: fc.constant("cycle" as const), by: fc.constantFrom<1 | -1>(1, -1) }),
    fc.record({ type: fc.constant("zoom-step" as const), by: fc.constantFrom<1 | -1>(1, -1) }),
    fc.record({ type: fc.constant("edge" as const), to: fc.constantFrom("top" as const, "bottom" as const) }),
    fc.record({ type: fc.constant("resize" as const), columns: fc.nat(200), rows: fc.nat(60) }),
    fc.constant({ type: "back" as const }),
  );
  fc.assert(
    fc.property(fc.array(intent, { maxLength: 20 }), fc.nat(40), fc.nat(40), (intents, before, after) => {
      const shown = (count: number): Shown =>
        shownOf(items(...Array.from({ length: count }, (_, index) => `l${index}`)));
      const ui = settle(does(firstUi(80, 24), shown(before), ...intents), shown(after));
      const { index, top } = ui.places.lanes;
      expect(index).toBeGreaterThanOrEqual(0);
      expect(index).toBeLessThan(Math.max(1, after));
      expect(top).toBeLessThanOrEqual(index);
      expect(settle(ui, shown(after))).toBe(ui);
    }),
  );
});
