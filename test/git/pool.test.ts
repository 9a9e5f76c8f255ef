import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { no, ready, scene, yes } from "./scratch.ts";
import type { Scene } from "./scratch.ts";

const main = (s: Scene): string => s.run("rev-parse", "main");
const idle = (s: Scene): readonly string[] => {
  const folder = join(s.top, ".orchestration/pool");
  return existsSync(folder) ? readdirSync(folder).toSorted() : [];
};
const treesIn = (s: Scene): number => s.run("worktree", "list", "--porcelain").split("\n\n").length;

/** What a lane's worktree shows: its branch, nothing uncommitted, the files of its commit. */
const wellOpened = (s: Scene, lane: string): void => {
  const folder = `.worktrees/${lane}`;
  expect(s.at(folder, "status", "--porcelain=v2", "--branch", "--ignored")).toContain(`branch.head lane/${lane}/work`);
  expect(s.at(folder, "status", "--porcelain")).toBe("");
  expect(s.at(folder, "rev-parse", "HEAD")).toBe(s.run("rev-parse", `lane/${lane}/work`));
  expect(s.run("rev-parse", `refs/lanes/base/${lane}`)).toMatch(/^[0-9a-f]{40}$/);
};

test("idle worktrees wait at the target; a lane takes one over without writing a file", async () => {
  const s = await scene();
  await s.git.fillPool(2, "main");
  expect(idle(s)).toEqual(["1", "2"]);
  expect(s.at(".orchestration/pool/1", "rev-parse", "HEAD")).toBe(main(s));
  const before = statSync(join(s.top, ".orchestration/pool/1/a.txt")).ino;
  const opened = yes(await s.git.openLane("one", main(s)));
  expect(opened).toMatchObject({ path: join(s.top, ".worktrees/one"), head: main(s) });
  expect(statSync(join(s.top, ".worktrees/one/a.txt")).ino).toBe(before);
  wellOpened(s, "one");
  expect(idle(s)).toEqual(["2"]);
  expect(yes(await s.again().openLane("one", main(s)))).toEqual(opened);
  yes(await s.git.openLane("two", main(s)));
  yes(await s.git.openLane("three", main(s)));
  for (const lane of ["two", "three"]) wellOpened(s, lane);
  expect(idle(s)).toEqual([]);
});

test("one that is some commits behind is brought to where the lane begins, with its ignored files", async () => {
  const s = await scene();
  await s.git.fillPool(1, "main");
  s.write(".git/info/exclude", "node_modules/\n/.worktrees/\n/.orchestration/\n");
  s.write(".orchestration/pool/1/node_modules/x", "warm");
  s.commit(".", { "a.txt": "A\n", "new/file.txt": "new\n" });
  yes(await s.git.openLane("one", main(s)));
  wellOpened(s, "one");
  expect(readFileSync(join(s.top, ".worktrees/one/new/file.txt"), "utf8")).toBe("new\n");
  expect(readFileSync(join(s.top, ".worktrees/one/node_modules/x"), "utf8")).toBe("warm");
});

test("filling brings idle ones to the target's tip, and takes away those that are too many", async () => {
  const s = await scene();
  await s.git.fillPool(2, "main");
  s.commit(".", { "a.txt": "A\n" });
  await s.git.fillPool(2, "main");
  expect(s.at(".orchestration/pool/2", "rev-parse", "HEAD")).toBe(main(s));
  expect(readFileSync(join(s.top, ".orchestration/pool/2/a.txt"), "utf8")).toBe("A\n");
  await s.git.fillPool(0, "main");
  expect([idle(s), treesIn(s)]).toEqual([[], 1]);
});

test("a landed lane gives its worktree back with what tools made, and the next lane has it", async () => {
  const s = await scene();
  s.write(".git/info/exclude", "node_modules/\n.env\n/.worktrees/\n/.orchestration/\n");
  const ask = await ready(s, "one", { "a.txt": "A\n" });
  s.write(".worktrees/one/node_modules/x", "warm");
  s.write(".worktrees/one/.env", "secret");
  expect(await s.git.land(ask)).toEqual({ landed: true });
  const closed = await s.git.closeLane("one", "main", { pool: 1 });
  expect(closed).toEqual({ removed: true, why: "", kept: ".orchestration/kept/one-1" });
  expect([idle(s), existsSync(join(s.top, ".worktrees/one"))]).toEqual([["1"], false]);
  expect(s.run("for-each-ref", "--format=%(refname)", "refs/heads")).toBe("refs/heads/main");
  await s.git.fillPool(1, "main");
  yes(await s.git.openLane("two", main(s)));
  wellOpened(s, "two");
  expect(readFileSync(join(s.top, ".worktrees/two/node_modules/x"), "utf8")).toBe("warm");
  expect(existsSync(join(s.top, ".worktrees/two/.env"))).toBe(false);
});

test("a lane with work gives its worktree back after the work was kept, and comes back whole", async () => {
  const s = await scene();
  yes(await s.git.openLane("one", main(s)));
  s.commit(".worktrees/one", { "x.txt": "x\n" });
  s.write(".worktrees/one/new.txt", "new\n");
  expect(await s.git.closeLane("one", "main", { save: true, pool: 1 })).toMatchObject({
    removed: true,
    saved: "refs/lanes/trash/one/1",
  });
  await s.git.fillPool(1, "main");
  expect(readdirSync(join(s.top, ".orchestration/pool/1")).toSorted()).toEqual([".git", "a.txt", "b.txt", "dir"]);
  yes(await s.git.restoreLane("one"));
  expect(s.at(".worktrees/one", "status", "--porcelain")).toBe("?? new.txt");
});

test("what somebody wrote into an idle worktree stays, and no lane gets it", async () => {
  const s = await scene();
  const notes: string[] = [];
  await s.git.fillPool(1, "main");
  s.write(".orchestration/pool/1/note.txt", "mine");
  s.at(".orchestration/pool/1", "add", "note.txt");
  yes(await s.git.openLane("one", main(s)));
  expect(existsSync(join(s.top, ".worktrees/one/note.txt"))).toBe(false);
  s.commit(".", { "a.txt": "A\n" });
  await s.again({ note: (line) => notes.push(line) }).fillPool(1, "main");
  expect(readFileSync(join(s.top, ".orchestration/pool/1/note.txt"), "utf8")).toBe("mine");
  expect(notes).toEqual([`${join(s.top, ".orchestration/pool/1")} is not clean: it is left alone`]);
});

test("a lane in the middle of a rebase gives nothing back", async () => {
  const s = await scene();
  yes(await s.git.openLane("one", main(s)));
  s.commit(".worktrees/one", { "a.txt": "lane\n" });
  s.commit(".", { "a.txt": "main\n" });
  expect(s.attempt("-C", ".worktrees/one", "rebase", "main")).toBe(1);
  expect(await s.git.closeLane("one", "main", { save: true, pool: 1 })).toMatchObject({ removed: true });
  expect([idle(s), treesIn(s)]).toEqual([[], 1]);
});

const dying = (s: Scene, point: string): Scene["git"] =>
  s.again({
    step: (name) => {
      if (name === point) throw new Error("killed");
    },
  });

test.each(["pool:claimed", "open:branched", "pool:headed", "pool:moved"])(
  "killed at %s, the next call opens the lane, and filling leaves no worktree behind",
  async (point) => {
    const s = await scene();
    await s.git.fillPool(1, "main");
    s.commit(".", { "a.txt": "A\n" });
    await expect(dying(s, point).openLane("one", main(s))).rejects.toThrow("killed");
    yes(await s.again().openLane("one", main(s)));
    wellOpened(s, "one");
    await s.again().fillPool(1, "main");
    expect([idle(s), treesIn(s)]).toEqual([["1"], 3]);
    yes(await s.again().openLane("two", main(s)));
    wellOpened(s, "two");
  },
);

test.each(["pool:claimed", "open:branched", "pool:headed"])(
  "killed at %s and the lane given up, its worktree is idle again",
  async (point) => {
    const s = await scene();
    await s.git.fillPool(1, "main");
    await expect(dying(s, point).openLane("one", main(s))).rejects.toThrow("killed");
    expect(await s.again().closeLane("one", "main")).toEqual({ removed: true, why: "" });
    await s.again().fillPool(1, "main");
    yes(await s.again().openLane("two", main(s)));
    wellOpened(s, "two");
    expect([idle(s), treesIn(s)]).toEqual([[], 2]);
  },
);

test.each(["park:clean", "pool:returned", "close:removed"])(
  "killed at %s, the next call closes the lane, and its worktree is idle",
  async (point) => {
    const s = await scene();
    yes(await s.git.openLane("one", main(s)));
    await expect(dying(s, point).closeLane("one", "main", { pool: 1 })).rejects.toThrow("killed");
    expect(await s.again().closeLane("one", "main", { pool: 1 })).toEqual({ removed: true, why: "" });
    await s.again().fillPool(1, "main");
    expect([idle(s), treesIn(s)]).toEqual([["1"], 2]);
    expect(s.run("for-each-ref", "--format=%(refname)")).toBe("refs/heads/main");
    yes(await s.again().openLane("two", main(s)));
    wellOpened(s, "two");
  },
);

test.each(["pool:listed", "pool:parked"])("killed at %s, the next call fills the pool", async (point) => {
  const s = await scene();
  await expect(dying(s, point).fillPool(1, "main")).rejects.toThrow("killed");
  await s.again().fillPool(1, "main");
  yes(await s.again().openLane("one", main(s)));
  wellOpened(s, "one");
  expect([idle(s), treesIn(s)]).toEqual([[], 2]);
});

test("a move that git did not note is noted by the next call, of a lane that comes and one that goes", async () => {
  const s = await scene();
  await s.git.fillPool(1, "main");
  await expect(dying(s, "pool:headed").openLane("one", main(s))).rejects.toThrow("killed");
  mkdirSync(join(s.top, ".worktrees"), { recursive: true });
  const gitdir = join(s.layout.common, "worktrees/1/gitdir");
  const { renameSync } = await import("node:fs");
  renameSync(join(s.top, ".orchestration/pool/1"), join(s.top, ".worktrees/one"));
  expect(readFileSync(gitdir, "utf8")).toContain("pool/1");
  yes(await s.again().openLane("one", main(s)));
  wellOpened(s, "one");
  expect(treesIn(s)).toBe(2);
});

test("an index that somebody touched is looked at again before a lane gets it", async () => {
  const s = await scene();
  await s.git.fillPool(1, "main");
  utimesSync(join(s.layout.common, "worktrees/1/index"), 1, 1);
  yes(await s.git.openLane("one", main(s)));
  expect(idle(s)).toEqual(["1"]);
  await s.git.fillPool(1, "main");
  yes(await s.git.openLane("two", main(s)));
  expect(idle(s)).toEqual([]);
});

test("what stands in the place of a lane keeps it from opening, and the pool whole", async () => {
  const s = await scene();
  await s.git.fillPool(1, "main");
  s.write(".worktrees/one/mine.txt", "mine");
  expect(no(await s.git.openLane("one", main(s))).refused).toContain("is no worktree of this repository");
  yes(await s.git.openLane("two", main(s)));
  wellOpened(s, "two");
});
