import { cleanup, render } from "ink-testing-library";
import { afterEach, expect, test } from "vitest";

import type { AgentRow } from "../../src/core/select.ts";
import { AgentsPane } from "../../src/tui/pane/agents.tsx";
import { themeOf } from "../../src/tui/theme.ts";

afterEach(cleanup);

const now = 1_764_000_000_000;
const sgr = new RegExp(`${String.fromCharCode(27)}\\[[\\d;]*m`, "g");
const standIn = new RegExp(`${String.fromCharCode(27)}\\[([\\d;]+)m#${String.fromCharCode(27)}\\[39m`, "g");

const drawn = (over: Partial<AgentRow>): string => {
  const theme = themeOf({ LANG: "C.UTF-8" }, false);
  const row: AgentRow = {
    name: "coder",
    lane: "docs",
    status: "working",
    run: 1,
    pid: 42,
    source: "stream",
    since: now - 120_000,
    restarts: 0,
    doing: "Bash: make",
    heardAt: now - 1000,
    ...over,
  };
  const pane = {
    theme,
    area: { columns: 150, rows: 6 },
    place: { key: "docs coder", index: 0, top: 0 },
    title: [{ text: "Agents" }],
    focused: true,
    bare: false,
    now,
    filter: "",
  };
  const frame = render(<AgentsPane {...pane} rows={[row]} />).lastFrame() ?? "";
  return frame.replaceAll(standIn, (_, colour: string) => theme.sprites.show(colour) ?? "?").replaceAll(sgr, "");
};

test("an agent is shown with what it may do, has used and does", () => {
  expect(drawn({ mode: "acceptEdits", tokens: 12_400, cost: 0.256 })).toMatch(
    /→ coder +docs +working +acceptEdits, 12k, ~\$0\.26, run 1, pid 42, Bash: make +2m/,
  );
  expect(drawn({ tokens: 950 })).toContain("950 tokens");
  expect(drawn({ tokens: 3_400_000 })).toContain("3.4M");
});

test("an agent that waits says for what, and one that is silent for long says so first", () => {
  expect(drawn({ status: "blocked", kind: "login", doing: "401" })).toMatch(
    /! coder +docs +blocked +needs login, run 1/,
  );
  expect(drawn({ heardAt: now - 299_000 })).not.toContain("silent");
  expect(drawn({ heardAt: now - 300_000 })).toMatch(/working +silent for 5m, run 1/);
});
