import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { ready, scene, yes } from "./scratch.ts";
import type { Scene } from "./scratch.ts";

const landed = async (s: Scene): Promise<void> => {
  const ask = await ready(s, "one", { "a.txt": "A\n" });
  expect(await s.git.land(ask)).toEqual({ landed: true });
};

const open = (s: Scene): Promise<object> => s.git.openLane("one", s.run("rev-parse", "main"));

const lanePath = (s: Scene): string => join(s.top, ".worktrees/one");

interface Kept {
  readonly name: string;
  readonly prepare: (s: Scene) => void;
  readonly why: string;
}

const kept: readonly Kept[] = [
  {
    name: "an edited file",
    prepare: (s) => s.write(".worktrees/one/a.txt", "edited\n"),
    why: "1 file is not committed",
  },
  {
    name: "an untracked file",
    prepare: (s) => s.write(".worktrees/one/new.txt", "new\n"),
    why: "1 file is not committed",
  },
  { name: "a deleted file", prepare: (s) => rmSync(join(lanePath(s), "a.txt")), why: "1 file is not committed" },
  {
    name: "commits",
    prepare: (s) => s.commit(".worktrees/one", { "x.txt": "x\n" }),
    why: "it has commits that main does not have",
  },
  {
    name: "another branch",
    prepare: (s) => s.at(".worktrees/one", "switch", "-q", "-c", "other"),
    why: "its worktree is on the branch other, not on lane/one/work",
  },
  { name: "a lock", prepare: (s) => s.run("worktree", "lock", lanePath(s)), why: "its worktree is locked" },
  {
    name: "a bisection",
    prepare: (s) => s.at(".worktrees/one", "bisect", "start"),
    why: "a bisect is in progress in it",
  },
  {
    name: "a .git file that names another repository",
    prepare: (s) => writeFileSync(join(lanePath(s), ".git"), `gitdir: ${s.layout.common}\n`),
    why: "git does not remove it",
  },
];

test.each(kept)("a lane with $name stays", async ({ prepare, why }) => {
  const s = await scene();
  yes(await open(s));
  prepare(s);
  const answer = await s.git.closeLane("one", "main");
  expect(answer.removed).toBe(false);
  expect(answer.why).toContain(why);
  expect(existsSync(join(lanePath(s), "b.txt"))).toBe(true);
  expect(s.run("rev-parse", "lane/one/work")).toMatch(/^[0-9a-f]{40}$/);
});

test("a lane without commits goes with its branch; closing again is fine; the target's progress does not matter", async () => {
  const s = await scene();
  yes(await open(s));
  s.commit(".", { "b.txt": "B\n" });
  expect(await s.git.closeLane("one", "main")).toEqual({ removed: true, why: "" });
  expect(s.run("for-each-ref", "--format=%(refname)")).toBe("refs/heads/main");
  expect(await s.git.closeLane("one", "main")).toEqual({ removed: true, why: "" });
  yes(await open(s));
});

test("a lane that landed goes with ignored files that tools make anew, others are kept; what landed stays known", async () => {
  const s = await scene();
  await landed(s);
  s.write(".git/info/exclude", "cache/\n.env*\n/.worktrees/\n/.orchestration/\n");
  s.write(".worktrees/one/cache/x", "x");
  s.write(".worktrees/one/.env \nodd", "secret");
  const aside = ".orchestration/kept/one-1";
  expect(await s.git.closeLane("one", "main")).toEqual({ removed: true, why: "", kept: aside });
  expect(readdirSync(join(s.top, aside))).toEqual([".env \nodd"]);
  expect(existsSync(lanePath(s))).toBe(false);
  expect(s.run("for-each-ref", "--format=%(refname)")).toBe(
    "refs/heads/main\nrefs/lanes/backup/one/1\nrefs/lanes/landed/one",
  );
});

test("a branch that is not on the target stays, and why is said", async () => {
  const s = await scene();
  const tree = s.run("rev-parse", "main^{tree}");
  const base = s.run("commit-tree", tree, "-p", "main", "-m", "a base that never lands");
  yes(await s.git.openLane("one", base));
  expect(await s.git.closeLane("one", "main")).toEqual({
    removed: true,
    why: "the branch lane/one/work stays: it is not on main",
  });
  expect(s.run("rev-parse", "lane/one/work")).toBe(base);
});

test("a worktree that was replaced by a link, or is not git's, is left alone", async () => {
  const s = await scene();
  yes(await open(s));
  renameSync(lanePath(s), join(s.home, "precious"));
  symlinkSync(join(s.home, "precious"), lanePath(s));
  expect((await s.git.closeLane("one", "main")).removed).toBe(false);
  expect(existsSync(join(s.home, "precious/a.txt"))).toBe(true);
  rmSync(lanePath(s));
  mkdirSync(lanePath(s));
  writeFileSync(join(lanePath(s), "mine.txt"), "mine\n");
  rmSync(join(s.layout.common, "worktrees/one"), { recursive: true });
  expect((await s.git.closeLane("one", "main")).why).toContain("remove it by hand");
  expect(readFileSync(join(lanePath(s), "mine.txt"), "utf8")).toBe("mine\n");
});

test("a worktree whose folder is gone is forgotten, and its merged branch with it", async () => {
  const s = await scene();
  await landed(s);
  rmSync(lanePath(s), { recursive: true });
  expect(await s.git.closeLane("one", "main")).toEqual({ removed: true, why: "" });
  expect(s.run("worktree", "list", "--porcelain")).not.toContain("one");
});

test("a removal that was killed half way is finished", async () => {
  const s = await scene();
  await landed(s);
  writeFileSync(join(s.layout.common, "worktrees/one/lanekeeper-removing"), "");
  rmSync(join(lanePath(s), ".git"));
  rmSync(join(lanePath(s), "a.txt"));
  expect(await s.git.closeLane("one", "main")).toEqual({ removed: true, why: "" });
  expect(existsSync(lanePath(s))).toBe(false);
});

test("a removal that was killed half way does not take what came since", async () => {
  const s = await scene();
  await landed(s);
  writeFileSync(join(s.layout.common, "worktrees/one/lanekeeper-removing"), "");
  rmSync(join(lanePath(s), "a.txt"));
  s.write(".worktrees/one/new.txt", "new\n");
  expect((await s.git.closeLane("one", "main")).removed).toBe(false);
  expect(existsSync(join(lanePath(s), "new.txt"))).toBe(true);
});

test("a lane that was never filled with files goes", async () => {
  const s = await scene();
  const step = (name: string): void => {
    if (name === "open:listed") throw new Error("crash");
  };
  await expect(s.again({ step }).openLane("one", s.run("rev-parse", "main"))).rejects.toThrow("crash");
  expect(await s.git.closeLane("one", "main")).toEqual({ removed: true, why: "" });
});

test("a branch whose worktree is gone stays known when it cannot be kept", async () => {
  const s = await scene();
  yes(await open(s));
  const head = s.commit(".worktrees/one", { "x.txt": "x\n" });
  rmSync(lanePath(s), { recursive: true });
  // A ref with the name of the folder: git makes none below it.
  s.run("update-ref", "refs/lanes/trash", "main");
  const answer = await s.git.closeLane("one", "main", { save: true });
  expect(answer.removed).toBe(false);
  expect(answer.why).toContain("keep");
  expect(s.run("rev-parse", "lane/one/work")).toBe(head);
  expect(s.run("worktree", "list", "--porcelain")).toContain("/one");
  s.run("update-ref", "-d", "refs/lanes/trash");
  const saved = "refs/lanes/trash/one/1";
  expect(await s.git.closeLane("one", "main", { save: true })).toEqual({ removed: true, why: "", saved });
});

test("a lane that was taken back by a commit is kept before it goes, and comes back whole", async () => {
  const s = await scene();
  const ask = await ready(s, "one", { "a.txt": "A\n" });
  expect(await s.git.land(ask)).toEqual({ landed: true });
  const { onto, commit: merge, head } = ask;
  const later = s.commit(".", { "later.txt": "later\n" });
  const built = yes(await s.git.reverted({ onto: later, from: onto, to: merge, message: "Undo", at: 0 }));
  const back = { lane: "one", target: "main", onto: later, commit: built.commit, head, merge, back: false };
  expect(await s.git.takeBack(back)).toEqual({ tip: built.commit });
  expect(await s.git.whyStays("one", "main", true)).toBe("what it landed was taken off main again");
  expect(await s.git.closeLane("one", "main", { undone: true })).toMatchObject({ removed: false });
  const saved = "refs/lanes/trash/one/1";
  const how = { save: true, undone: true };
  expect(await s.git.closeLane("one", "main", how)).toEqual({ removed: true, why: "", saved });
  expect(s.attempt("rev-parse", "--verify", "--quiet", "lane/one/work")).toBe(1);
  yes(await s.git.restoreLane("one"));
  expect(s.run("rev-parse", "lane/one/work")).toBe(head);
  expect(readFileSync(join(lanePath(s), "a.txt"), "utf8")).toBe("A\n");
});
