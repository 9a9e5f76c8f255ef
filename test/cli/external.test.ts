/** People do to lanes whatever git lets them: it is seen, told with a way back, and nothing is lost. */
import { rmSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { committing, patience, scene } from "./scratch.ts";
import type { Scene } from "./scratch.ts";

const ready = async (): Promise<Scene> => {
  const there = scene();
  await there.lanes("add-lane", "docs", committing("docs.txt"));
  expect((await there.lanes("exec-lane", "docs")).code).toBe(0);
  return there;
};

const folder = ".worktrees/docs";

/** The first thing that `lanes why` says besides the state, as soon as the engine has seen it. */
const told = async (there: Scene, text: string): Promise<void> => {
  const why = async (): Promise<string> => (await there.lanes("why", "docs")).stdout;
  await expect.poll(why, { timeout: 60_000, interval: 200 }).toContain(text);
  expect((await there.lanes("status")).stdout).toContain(text.slice(0, 20));
};

test("a branch that is switched in a lane", patience, async () => {
  const there = await ready();
  there.git("-C", folder, "switch", "-q", "-c", "mine");
  await told(there, "its worktree is on the branch mine, not on lane/docs/work; git -C .worktrees/docs checkout");
  expect((await there.lanes("merge", "docs")).code).toBe(4);
  there.git("-C", folder, "switch", "-q", "lane/docs/work");
  expect((await there.lanes("merge", "docs")).code).toBe(0);
});

test("a rebase in a lane: while it stands still it is told, its outcome is adopted", patience, async () => {
  const there = await ready();
  there.write("docs.txt", "another\n");
  there.git("add", ".");
  there.git("commit", "-qm", "another");
  expect(() => there.git("-C", folder, "rebase", "-q", "main")).toThrow("rebase");
  await told(there, "a rebase is in progress in it");
  there.write(`${folder}/docs.txt`, "both\n");
  there.git("-C", folder, "add", ".");
  there.git("-C", folder, "-c", "core.editor=true", "rebase", "--continue");
  expect((await there.lanes("merge", "docs")).code).toBe(0);
  expect(there.git("show", "main:docs.txt")).toBe("both");
});

test("a branch that is deleted under its worktree comes back where it was", patience, async () => {
  const there = await ready();
  const tip = there.git("rev-parse", "lane/docs/work");
  there.git("update-ref", "-d", "refs/heads/lane/docs/work");
  await told(there, "the branch lane/docs/work is gone; lanes doctor --fix makes it again");
  await there.lanes("doctor", "--fix");
  expect(there.git("rev-parse", "lane/docs/work")).toBe(tip);
  expect((await there.lanes("merge", "docs")).code).toBe(0);
});

test.each([
  ["deleted by hand", (there: Scene) => rmSync(join(there.top, folder), { recursive: true })],
  ["removed by git", (there: Scene) => there.git("worktree", "remove", "--force", folder)],
])("a worktree that is %s: its commits land all the same", patience, async (_, remove) => {
  const there = await ready();
  remove(there);
  await told(there, "its worktree is gone, its commits are on lane/docs/work; lanes retry docs");
  expect((await there.lanes("merge", "docs")).code).toBe(0);
  expect(there.git("show", "main:docs.txt")).not.toBe("");
});
