import { describe, expect, test } from "vitest";

import { printStatus, statusLines } from "../../src/cli/status.ts";
import type { Style } from "../../src/cli/terminal.ts";
import type { RepoSeen } from "../../src/core/observed.ts";
import { emptyState, type State } from "../../src/core/state.ts";
import { force, laneIn, limits, now, withLane } from "../core/build.ts";
import { fakeEngine, fakeShell, paper } from "./fake.ts";

const plain: Style = { coloured: false, utf8: true, columns: undefined };
const shown = async (state: State, style: Style = plain, seen?: RepoSeen): Promise<string> =>
  `\n${(await statusLines({ state, now, limits }, seen, style)).join("\n")}\n`;

const six = (): State => {
  let state = laneIn("merged", { priority: "high" }, "docs");
  state = withLane(state, "running", {}, "api");
  state = withLane(state, "queued", { dependsOn: ["api"] }, "ui");
  state = withLane(state, "conflicted", {}, "theme");
  state = withLane(state, "waiting", { agent: "manual" }, "mine");
  return withLane(state, "merge-queued", { agent: "codex" }, "tests");
};

const seen: RepoSeen = {
  at: now - 12_000,
  target: { name: "main", head: "h0", subject: "one" },
  lanes: new Map([
    ["api", { head: "h1", subject: "two", ahead: 3, behind: 1, worktree: "present", dirty: ["x", "y"] }],
    ["docs", { head: "h2", subject: "three", ahead: 0, behind: 0, worktree: "present" }],
  ]),
  branches: [],
  locks: [],
};

describe("status for people", () => {
  test("is a header and an aligned row for each lane", async () => {
    expect(await shown(six(), plain, seen)).toMatchInlineSnapshot(`
      "
      phase 0 (ready), target main, 43 % done: 6 lanes, 1 running, 1 in the merge queue, 1 merged, 2 need you

      STATE           LANE   AGENT        PRIORITY  GIT       SINCE   DETAIL
      ✓ merged        docs   agent-docs   high      +0        59 min  candida on main
      → running       api    agent-api    normal    +3 -1 *2  59 min
      ○ queued        ui     agent-ui     normal              59 min  waits for api
      ≠ conflicted    theme  agent-theme  normal              59 min  the branch lane/theme/work is gone; 2 files do not merge: a.txt, b.txt
      ! waiting       mine   manual       normal              59 min  the branch lane/mine/work is gone; 1 file not committed
      ⇄ merge-queued  tests  codex        normal              59 min  the branch lane/tests/work is gone; next to be merged
      git as of 12 s ago
      "
    `);
  });

  test("keeps to ASCII and to the terminal's columns", async () => {
    expect(await shown(six(), { ...plain, utf8: false, columns: 60 })).toMatchInlineSnapshot(`
      "
      phase 0 (ready), target main, 43 % done: 6 lanes, 1 running~

      STATE           LANE   DETAIL
      + merged        docs   candida on main
      * running       api
      o queued        ui     waits for api
      # conflicted    theme  2 files do not merge: a.txt, b.txt
      ! waiting       mine   1 file not committed
      ~ merge-queued  tests  next to be merged
      "
    `);
  });

  test("says how to begin when there are no lanes", async () => {
    expect(await shown(emptyState())).toMatchInlineSnapshot(`
      "
      phase 0 (ready), 0 % done: 0 lanes
      no lanes yet: lanes add-lane ID JSON
      "
    `);
  });

  test("colours states by their tone", async () => {
    expect(await shown(laneIn("failed"), { ...plain, coloured: true })).toContain("\u001B[31m✗ failed\u001B[0m");
  });

  test("counts wide characters as two columns, and shows nothing that a terminal acts on", async () => {
    const state = force(force(laneIn("failed"), "a", { detail: "\u001B[2J結果\u0007 done" }), "a", {});
    expect(await shown(state)).toMatchInlineSnapshot(`
      "
      phase 0 (ready), target main, 30 % done: 1 lane, 1 needs you

      STATE     LANE  AGENT    PRIORITY  GIT  SINCE   DETAIL
      ✗ failed  a     agent-a  normal         59 min  結果␇ done
      "
    `);
  });
});

describe("status for scripts", () => {
  test("is the tracker with its version, on one line where no terminal reads it", async () => {
    const shell = fakeShell();
    expect(await printStatus(fakeEngine(six()), shell, { json: true })).toBe(0);
    expect(shell.stdout.text().match(/\n/g)).toHaveLength(1);
    const value = JSON.parse(shell.stdout.text()) as {
      schemaVersion: number;
      lanes: Record<string, { status: string }>;
    };
    expect(value.schemaVersion).toBe(1);
    expect(Object.entries(value.lanes).map(([id, { status }]) => `${id} ${status}`)).toEqual([
      "docs completed",
      "api running",
      "ui created",
      "theme failed",
      "mine running",
      "tests completed",
    ]);
    expect(shell.stderr.text()).toBe("");
  });

  test("holds no character that a terminal acts on", async () => {
    const shell = fakeShell({ stdout: paper({ isTTY: true, columns: 80 }) });
    const state = force(laneIn("failed"), "a", { detail: "\u009B2J \u202E \u200B" });
    await printStatus(fakeEngine(state), shell, { json: true });
    // oxlint-disable-next-line no-control-regex -- control characters are what this is about
    expect(shell.stdout.text()).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u200B-\u200F\u202A-\u202E]/);
    expect(JSON.parse(shell.stdout.text())).toMatchObject({ lanes: { a: { detail: "\u009B2J \u202E \u200B" } } });
  });
});

describe("status on a broken stream", () => {
  test("ends quietly when the reader left", async () => {
    const shell = fakeShell();
    const ended = printStatus(fakeEngine(six(), { limits: () => gone(shell.stdout) }), shell);
    expect(await ended).toBe(0);
    expect(shell.stderr.text()).toBe("");
  });

  test("says in one line that the disk is full", async () => {
    const shell = fakeShell();
    const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    const ended = printStatus(fakeEngine(six(), { limits: () => fail(shell.stdout, full) }), shell);
    expect(await ended).toBe(73);
    expect(shell.stderr.text()).toMatchInlineSnapshot(`
      "lanes: the disk is full (ENOSPC: no space left on device, write); make room or give access, then try again
      "
    `);
  });
});

const fail = (stream: ReturnType<typeof paper>, error: Error): Promise<typeof limits> => {
  stream.fail(error);
  return Promise.resolve(limits);
};
const gone = (stream: ReturnType<typeof paper>): Promise<typeof limits> =>
  fail(stream, Object.assign(new Error("write EPIPE"), { code: "EPIPE" }));
