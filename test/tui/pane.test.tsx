import { cleanup, render } from "ink-testing-library";
import { afterEach, expect, test } from "vitest";

import type { LaneRow } from "../../src/core/select.ts";
import { LanesPane } from "../../src/tui/pane/lanes.tsx";
import type { PaneProps } from "../../src/tui/widget/list.tsx";
import { themeOf } from "../../src/tui/theme.ts";

afterEach(cleanup);

const now = 1_764_000_000_000;

const row = (id: string, over: Partial<LaneRow> = {}): LaneRow => ({
  id,
  name: id,
  state: "running",
  glyph: "→",
  ascii: "*",
  tone: "good",
  agent: `agent-${id}`,
  priority: "normal",
  detail: "",
  since: now - 120_000,
  git: undefined,
  attention: false,
  collides: [],
  ...over,
});

const escape = String.fromCharCode(27);
const standIn = new RegExp(`${escape}\\[([\\d;]+)m#${escape}\\[39m`, "g");
const sgr = new RegExp(`${escape}\\[[\\d;]*m`, "g");

/** What Ink drew, with the painted lines back in their places and without colours. */
const drawn = (rows: readonly LaneRow[]): string => {
  const theme = themeOf({ LANG: "C.UTF-8" }, false);
  const area = { columns: 60, rows: 6 };
  const place = { key: rows[0]?.id, index: 0, top: 0 };
  const pane: PaneProps = {
    theme,
    area,
    place,
    title: [{ text: "Lanes" }],
    focused: true,
    bare: false,
    now,
    filter: "",
  };
  const frame = render(<LanesPane {...pane} rows={rows} />).lastFrame() ?? "";
  return frame.replaceAll(standIn, (_, colour: string) => theme.sprites.show(colour) ?? "?").replaceAll(sgr, "");
};

test("a lane is a row with its glyph, its state as a word and its age", () => {
  expect(drawn([row("docs", { detail: "step 2" })])).toMatch(/→ docs +running +step 2 +2m/);
});

test("without lanes the pane says how to get some", () => {
  expect(drawn([])).toContain("lanes add-lane ID JSON");
});
