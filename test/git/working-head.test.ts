/** Forecasts of work that nobody has committed yet. */
import { existsSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { type Scene, scene, yes } from "./scratch.ts";

/** A scene with these lanes open at `main`. */
const withLanes = async (...lanes: readonly string[]): Promise<Scene> => {
  const s = await scene();
  for (const lane of lanes) yes(await s.git.openLane(lane, s.run("rev-parse", "main")));
  return s;
};

const forecastOf = async (s: Scene, ...lanes: readonly string[]) =>
  s.git.forecast({
    target: s.run("rev-parse", "main"),
    lanes: new Map(lanes.map((lane) => [lane, s.run("rev-parse", `lane/${lane}/work`)])),
    dirty: lanes,
  });

test("what lanes have uncommitted collides before anybody commits it: edits, new files, staged ones, what is gone", async () => {
  const s = await withLanes("a", "b", "c", "d");
  s.write(".worktrees/a/a.txt", "A\n");
  s.write(".worktrees/b/a.txt", "B\n");
  s.write(".worktrees/b/new/deep/file", "B\n");
  s.at(".worktrees/b", "add", "a.txt");
  s.write(".worktrees/c/new/deep/file", "C\n");
  s.at(".worktrees/d", "rm", "--quiet", "a.txt");
  const { collisions, uncommitted } = await forecastOf(s, "a", "b", "c", "d");
  expect(uncommitted).toEqual(["a", "b", "c", "d"]);
  expect(collisions).toMatchObject([
    { a: "a", b: "b", paths: ["a.txt"], kinds: ["contents"] },
    { a: "a", b: "d", paths: ["a.txt"], kinds: ["modify/delete"] },
    { a: "b", b: "c", paths: ["new/deep/file"], kinds: ["contents"] },
    { a: "b", b: "d", paths: ["a.txt"], kinds: ["modify/delete"] },
  ]);
});

test("the lane's index, the user's objects and their status stay as they were", async () => {
  const s = await withLanes("a", "b");
  s.write(".worktrees/a/a.txt", "A\n");
  s.at(".worktrees/a", "add", "a.txt");
  s.write(".worktrees/a/a.txt", "A twice\n");
  s.write(".worktrees/a/untracked", "u\n");
  symlinkSync("a.txt", join(s.top, ".worktrees/a/link"));
  const index = join(s.top, ".git/worktrees/a/index");
  const look = () => [readFileSync(index, "base64"), s.run("count-objects", "-v"), s.run("for-each-ref")];
  const before = look();
  expect((await forecastOf(s, "a", "b")).uncommitted).toEqual(["a"]);
  expect(look()).toEqual(before);
  expect(s.at(".worktrees/a", "status", "--short")).toBe("MM a.txt\n?? link\n?? untracked");
});

test("no filter of the repository's own runs for it", async () => {
  const s = await withLanes("a");
  const mark = join(s.home, "ran");
  s.run("config", "filter.trap.clean", `touch ${mark}; cat`);
  s.write(".worktrees/a/.gitattributes", "* filter=trap\n");
  s.write(".worktrees/a/a.txt", "A\n");
  expect((await forecastOf(s, "a")).uncommitted).toEqual(["a"]);
  expect(existsSync(mark)).toBe(false);
  s.at(".worktrees/a", "add", "a.txt");
  expect(existsSync(mark)).toBe(true);
});

test("a lane in the middle of a merge, or on another branch, is taken as it was committed", async () => {
  const s = await withLanes("merging", "stray", "plain");
  const merging = ".worktrees/merging";
  s.commit(merging, { "a.txt": "mine\n" });
  s.commit(".", { "a.txt": "theirs\n" });
  expect(() => s.at(merging, "merge", "main")).toThrow("git merge main");
  s.at(".worktrees/stray", "switch", "--quiet", "--create", "elsewhere");
  s.write(".worktrees/stray/b.txt", "stray\n");
  s.write(".worktrees/plain/b.txt", "plain\n");
  const { collisions, uncommitted } = await forecastOf(s, "merging", "stray", "plain");
  expect(uncommitted).toEqual(["plain"]);
  expect(collisions).toMatchObject([{ a: "merging", is: "conflict", paths: ["a.txt"] }]);
});

test("what is new in a file that was looked at before is looked at again", async () => {
  const s = await withLanes("a", "b");
  s.commit(".worktrees/b", { "a.txt": "the end\n" });
  s.write(".worktrees/a/a.txt", "another end\n");
  expect((await forecastOf(s, "a", "b")).collisions).toHaveLength(1);
  s.write(".worktrees/a/a.txt", "the end\n");
  expect((await forecastOf(s, "a", "b")).collisions).toEqual([]);
});
