import { expect, test } from "vitest";

import type { LaneSeen, RepoSeen } from "../../src/core/observed.ts";
import { oddityOf, withOddity } from "../../src/core/oddity.ts";
import { force, laneIn, laneOf, now } from "./build.ts";

const well: LaneSeen = { head: "h", subject: "", ahead: 1, behind: 0, worktree: "present" };
const look = (git: LaneSeen | undefined, at = now + 3_600_000): RepoSeen => ({
  at,
  target: undefined,
  lanes: new Map(git ? [["a", git]] : []),
  branches: [],
  locks: [],
});
const lane = (to: Parameters<typeof laneIn>[0]) => laneOf(laneIn(to), "a");

test("a lane that is as it should be has nothing odd, nor has one that nobody looked at", () => {
  expect(oddityOf(lane("ready"), look(well))).toBeUndefined();
  expect(oddityOf(lane("ready"), undefined)).toBeUndefined();
  expect(oddityOf(lane("ready"), look(undefined, 0))).toBeUndefined();
});

test.each([
  ["ready", undefined, "the branch lane/a/work is gone", "lanes doctor --fix makes it again"],
  ["ready", { ...well, worktree: "missing" }, "its worktree is gone, its commits are on lane/a/work", "lanes retry a"],
  ["running", { ...well, worktree: "missing" }, "its worktree is gone", "lanes stop a, then lanes retry a"],
  [
    "ready",
    { ...well, worktree: "elsewhere", on: "mine" },
    "its worktree is on the branch mine",
    "checkout lane/a/work",
  ],
  ["waiting", { ...well, worktree: "elsewhere" }, "its worktree is on no branch", "checkout lane/a/work"],
  ["ready", { ...well, busy: "rebase" }, "a rebase is in progress in it", "finish or abort it in .worktrees/a"],
] as const)("a lane that is %s and shows %j: %s", (to, git, text, hint) => {
  const oddity = oddityOf(lane(to), look(git));
  expect(oddity?.text).toContain(text);
  expect(oddity?.hint).toContain(hint);
});

test.each(["planned", "queued", "merged", "cancelled"] as const)(
  "a lane that is %s has no worktree to care for",
  (to) => {
    expect(oddityOf(lane(to), look(undefined))).toBeUndefined();
  },
);

test("nothing is odd about a lane that is being removed, or an agent that rebases", () => {
  expect(oddityOf(laneOf(force(laneIn("ready"), "a", { removal: "c1" }), "a"), look(undefined))).toBeUndefined();
  expect(oddityOf(lane("running"), look({ ...well, busy: "rebase" }))).toBeUndefined();
});

test("it stands before the detail, once", () => {
  const oddity = { text: "odd", hint: "" };
  expect(withOddity("", oddity)).toBe("odd");
  expect(withOddity("2 files", oddity)).toBe("odd; 2 files");
  expect(withOddity("odd as it is", oddity)).toBe("odd as it is");
  expect(withOddity("2 files", undefined)).toBe("2 files");
});
