import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { no, scene, yes } from "./scratch.ts";
import type { Scene } from "./scratch.ts";

const folder = ".worktrees/one";

const open = async (): Promise<Scene> => {
  const s = await scene();
  yes(await s.git.openLane("one", s.run("rev-parse", "main")));
  return s;
};

const isGone = (s: Scene): boolean =>
  !existsSync(join(s.top, folder)) &&
  !s.run("worktree", "list", "--porcelain").includes("/one") &&
  s.run("for-each-ref", "refs/heads/lane", "refs/lanes/base") === "";

/** Everything that a person sees of a worktree: branch, staged, edited and new files, sides of conflicts, and every byte on disk. */
const pictureOf = (s: Scene): string => {
  const names = readdirSync(join(s.top, folder), { recursive: true, encoding: "utf8" }).toSorted();
  const files = names
    .filter((name) => name !== ".git" && statSync(join(s.top, folder, name)).isFile())
    .map((name) => {
      const path = join(s.top, folder, name);
      return `${name} ${statSync(path).mode & 0o111} ${readFileSync(path).toString("hex")}`;
    });
  const index = s.at(folder, "ls-files", "--stage");
  const status = s.at(folder, "status", "--porcelain=v2", "--branch", "--untracked-files=all");
  return [...files, index, status].join("\n");
};

const workIn = (s: Scene): void => {
  s.commit(folder, { "work.txt": "committed\n" });
  s.write(`${folder}/a.txt`, "staged\n");
  s.at(folder, "add", "a.txt");
  s.write(`${folder}/a.txt`, "edited after that\n");
  s.write(`${folder}/new/é.txt`, "new\n");
  s.at(folder, "rm", "--quiet", "--cached", "b.txt");
  rmSync(join(s.top, folder, "dir/c.txt"));
};

test("a lane with commits, staged, edited and new files goes, and comes back exactly as it was", async () => {
  const s = await open();
  workIn(s);
  const before = pictureOf(s);
  const ref = "refs/lanes/trash/one/1";
  expect(await s.git.closeLane("one", "main")).toMatchObject({ removed: false });
  expect(await s.git.closeLane("one", "main", { save: true })).toEqual({ removed: true, why: "", saved: ref });
  expect(isGone(s)).toBe(true);
  expect(await s.git.closeLane("one", "main", { save: true })).toEqual({ removed: true, why: "" });
  expect(await s.git.kept()).toMatchObject([{ ref, lane: "one", n: 1, commits: 1, files: 4 }]);
  const back = yes(await s.git.restoreLane("one"));
  expect(back).toMatchObject({ n: 1, commits: 1, files: 4, head: s.run("rev-parse", "lane/one/work") });
  expect(pictureOf(s)).toBe(before);
  expect(yes(await s.again().restoreLane("one"))).toEqual(back);
  expect(s.run("for-each-ref", "refs/lanes/restoring")).toBe("");
});

test("a lane in the middle of a rebase comes back with its conflict, its branch and its commits", async () => {
  const s = await open();
  s.commit(folder, { "fine.txt": "fine\n" });
  s.commit(folder, { "a.txt": "lane\n" });
  const branch = s.run("rev-parse", "lane/one/work");
  s.commit(".", { "a.txt": "main\n" });
  expect(s.attempt("-C", folder, "rebase", "main")).toBe(1);
  s.write(`${folder}/a.txt`, "half resolved\n");
  const [head, sides] = [s.at(folder, "rev-parse", "HEAD"), s.at(folder, "ls-files", "--unmerged")];
  expect(await s.git.closeLane("one", "main", { save: true })).toMatchObject({ removed: true });
  expect(isGone(s)).toBe(true);
  expect(yes(await s.git.restoreLane("one"))).toMatchObject({ busy: "rebase", on: "", head });
  expect(s.run("rev-parse", "lane/one/work")).toBe(branch);
  expect(s.at(folder, "rev-parse", "HEAD")).toBe(head);
  expect(s.at(folder, "ls-files", "--unmerged")).toBe(sides);
  expect(readFileSync(join(s.top, folder, "a.txt"), "utf8")).toBe("half resolved\n");
});

test("a worktree on another branch goes, and comes back on it; the branch itself stays", async () => {
  const s = await open();
  s.at(folder, "switch", "--quiet", "-c", "mine");
  s.commit(folder, { "mine.txt": "mine\n" });
  const before = pictureOf(s);
  expect(await s.git.closeLane("one", "main", { save: true })).toMatchObject({
    removed: true,
    saved: "refs/lanes/trash/one/1",
  });
  expect(s.run("for-each-ref", "--format=%(refname)", "refs/heads")).toBe("refs/heads/main\nrefs/heads/mine");
  expect(yes(await s.git.restoreLane("one"))).toMatchObject({ on: "mine" });
  expect(pictureOf(s)).toBe(before);
});

test("a clean lane that is on the target goes without being kept", async () => {
  const s = await open();
  expect(await s.git.closeLane("one", "main", { save: true })).toEqual({ removed: true, why: "" });
  expect(await s.git.kept()).toEqual([]);
});

test("a worktree that somebody locked stays, whatever is asked", async () => {
  const s = await open();
  s.run("worktree", "lock", join(s.top, folder));
  expect(await s.git.closeLane("one", "main", { save: true })).toEqual({
    removed: false,
    why: "its worktree is locked",
  });
});

test("ignored files and repositories inside go aside, and it is said where", async () => {
  const s = await open();
  s.write(".git/info/exclude", ".env\n/.worktrees/\n/.orchestration/\n");
  s.write(`${folder}/.env`, "secret\n");
  const inner = join(s.top, folder, "deep/inner");
  mkdirSync(inner, { recursive: true });
  execFileSync("git", ["init", "--quiet", "--template="], { cwd: inner, env: s.env });
  s.commit(`${folder}/deep/inner`, { "inner.txt": "inner\n" });
  const answer = await s.git.closeLane("one", "main", { save: true });
  expect(answer).toMatchObject({ removed: true, kept: ".orchestration/kept/one-1" });
  const aside = join(s.top, ".orchestration/kept/one-1");
  expect(readFileSync(join(aside, ".env"), "utf8")).toBe("secret\n");
  expect(s.at(".orchestration/kept/one-1/deep/inner", "log", "--format=%s")).toBe("inner.txt");
  expect(isGone(s)).toBe(true);
});

test("a submodule's files and commits go aside", async () => {
  const s = await open();
  mkdirSync(join(s.home, "lib"));
  execFileSync("git", ["init", "--quiet", "--template="], { cwd: join(s.home, "lib"), env: s.env });
  s.commit("../lib", { "lib.txt": "lib\n" });
  s.at(folder, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", join(s.home, "lib"), "lib");
  s.at(folder, "commit", "--quiet", "--message", "lib");
  s.commit(`${folder}/lib`, { "lib.txt": "changed\n" });
  const inner = s.at(`${folder}/lib`, "rev-parse", "HEAD");
  expect(await s.git.closeLane("one", "main", { save: true })).toMatchObject({
    removed: true,
    kept: ".orchestration/kept/one-1",
  });
  const aside = join(s.top, ".orchestration/kept/one-1");
  expect(readFileSync(join(aside, "lib/lib.txt"), "utf8")).toBe("changed\n");
  const itsGit = ["--git-dir", join(aside, "modules of git/lib"), "--work-tree", join(aside, "lib")];
  expect(s.run(...itsGit, "rev-parse", "HEAD")).toBe(inner);
  expect(isGone(s)).toBe(true);
});

test("what is written while it goes keeps it from going until that is kept too", async () => {
  const s = await open();
  s.write(`${folder}/a.txt`, "edited\n");
  let late = 0;
  const git = s.again({
    step: (name) => {
      if (name !== "close:removing" || late > 0) return;
      late += 1;
      s.write(`${folder}/late.txt`, "written in the last moment\n");
    },
  });
  expect(await git.closeLane("one", "main", { save: true })).toMatchObject({
    removed: true,
    saved: "refs/lanes/trash/one/2",
  });
  expect(s.run("cat-file", "-p", "refs/lanes/trash/one/2:late.txt")).toBe("written in the last moment");
});

test("who never stops writing keeps the worktree, as it was", async () => {
  const s = await open();
  workIn(s);
  let n = 0;
  const git = s.again({
    step: (name) => {
      if (name === "close:removing") s.write(`${folder}/late.txt`, `${(n += 1)}\n`);
    },
  });
  const answer = await git.closeLane("one", "main", { save: true });
  expect(answer.removed).toBe(false);
  expect(answer.why).toContain("modified or untracked files");
  expect(s.at(folder, "status", "--porcelain=v2", "--branch")).toContain("branch.head lane/one/work");
  expect(s.at(folder, "diff", "--cached", "--name-only")).toBe("a.txt\nb.txt");
});

const points = ["save:snapshot", "save:written", "park:marked", "park:parked", "close:removing", "close:removed"];

test.each(points)("killed at %s, the next call removes it, and it comes back as it was", async (point) => {
  const s = await open();
  workIn(s);
  const before = pictureOf(s);
  const dying = s.again({
    step: (name) => {
      if (name === point) throw new Error("killed");
    },
  });
  await expect(dying.closeLane("one", "main", { save: true })).rejects.toThrow("killed");
  expect(await s.again().closeLane("one", "main", { save: true })).toMatchObject({ removed: true });
  expect(isGone(s)).toBe(true);
  yes(await s.again().restoreLane("one"));
  expect(pictureOf(s)).toBe(before);
});

test.each(["restore:refs", "restore:opened", "restore:files", "restore:filled"])(
  "killed at %s, the next call brings it back as it was",
  async (point) => {
    const s = await open();
    workIn(s);
    const before = pictureOf(s);
    await s.git.closeLane("one", "main", { save: true });
    const dying = s.again({
      step: (name) => {
        if (name === point) throw new Error("killed");
      },
    });
    await expect(dying.restoreLane("one")).rejects.toThrow("killed");
    yes(await s.again().restoreLane("one"));
    expect(pictureOf(s)).toBe(before);
    expect(s.run("for-each-ref", "refs/lanes/restoring")).toBe("");
  },
);

test("a removal that git has begun and did not end is ended, and nothing is lost", async () => {
  const s = await open();
  workIn(s);
  const before = pictureOf(s);
  const dying = s.again({
    step: (name) => {
      if (name === "close:removing") throw new Error("killed");
    },
  });
  await expect(dying.closeLane("one", "main", { save: true })).rejects.toThrow("killed");
  for (const name of [".git", "a.txt", "new"]) rmSync(join(s.top, folder, name), { recursive: true });
  expect(await s.again().closeLane("one", "main", { save: true })).toMatchObject({ removed: true });
  yes(await s.again().restoreLane("one"));
  expect(pictureOf(s)).toBe(before);
});

test("what stands in the place of a lane keeps it from coming back", async () => {
  const s = await open();
  s.write(`${folder}/a.txt`, "edited\n");
  expect(no(await s.git.restoreLane("one")).refused).toBe("nothing is kept of lane one");
  await s.git.closeLane("one", "main", { save: true });
  mkdirSync(join(s.top, folder));
  writeFileSync(join(s.top, folder, "mine.txt"), "mine\n");
  expect(no(await s.git.restoreLane("one")).refused).toBe("lane one has a worktree");
  rmSync(join(s.top, folder), { recursive: true });
  s.run("branch", "lane/one/work", s.run("commit-tree", "main^{tree}", "-m", "other"));
  expect(no(await s.git.restoreLane("one")).refused).toContain("with other commits");
  expect(no(await s.git.restoreLane("one", 7)).hint).toBe("there is: 1");
});

test("what is kept is let go of by its name and commit, and by nothing else", async () => {
  const s = await open();
  s.write(`${folder}/a.txt`, "edited\n");
  const saved = yes(await s.git.saveLane("one"));
  expect(await s.git.dropKept([{ ref: saved.ref, commit: s.run("rev-parse", "main") }])).toEqual([]);
  await expect(s.git.dropKept([{ ref: "refs/heads/main", commit: saved.commit }])).rejects.toThrow(
    "nothing that was kept",
  );
  expect(await s.git.dropKept([saved])).toEqual([saved.ref]);
  expect(await s.git.kept()).toEqual([]);
});

test("restored, killed before its mark is gone, removed unchanged and restored again, it has its commits", async () => {
  const s = await open();
  s.commit(folder, { "work.txt": "committed\n" });
  const [before, branch] = [pictureOf(s), s.run("rev-parse", "lane/one/work")];
  const mark = "refs/lanes/restoring/one";
  await s.git.closeLane("one", "main", { save: true });
  const { commit } = (await s.git.kept())[0] ?? { commit: "" };
  yes(await s.git.restoreLane("one"));
  // As a kill after the last file leaves it.
  s.run("update-ref", mark, commit);
  yes(await s.again().restoreLane("one"));
  expect(s.run("for-each-ref", mark)).toBe("");
  s.run("update-ref", mark, commit);
  await s.git.closeLane("one", "main", { save: true });
  expect(isGone(s)).toBe(true);
  yes(await s.again().restoreLane("one"));
  expect([s.run("rev-parse", "lane/one/work"), pictureOf(s)]).toEqual([branch, before]);
});

test("a lane that was half restored and in which somebody worked since stays as it is", async () => {
  const s = await open();
  workIn(s);
  await s.git.closeLane("one", "main", { save: true });
  const dying = s.again({
    step: (name) => {
      if (name === "restore:files") throw new Error("killed");
    },
  });
  await expect(dying.restoreLane("one")).rejects.toThrow("killed");
  s.write(`${folder}/a.txt`, "theirs\n");
  s.at(folder, "add", "a.txt");
  const before = pictureOf(s);
  expect(no(await s.git.restoreLane("one"))).toMatchObject({ refused: "lane one has a worktree", code: 4 });
  expect(pictureOf(s)).toBe(before);
  expect(await s.git.closeLane("one", "main", { save: true })).toMatchObject({ saved: "refs/lanes/trash/one/2" });
  expect(yes(await s.git.restoreLane("one", 1))).toMatchObject({ n: 1, files: 4 });
});

test("what is staged, or in conflict, in a worktree that a killed removal left parked is kept, too", async () => {
  const s = await open();
  workIn(s);
  const dying = s.again({
    step: (name) => {
      if (name === "close:removing") throw new Error("killed");
    },
  });
  await expect(dying.closeLane("one", "main", { save: true })).rejects.toThrow("killed");
  s.write(`${folder}/a.txt`, "staged while it was parked\n");
  s.at(folder, "add", "a.txt");
  const blob = s.at(folder, "rev-parse", ":a.txt");
  s.write(`${folder}/a.txt`, "and edited\n");
  const closed = await s.git.closeLane("one", "main", { save: true });
  expect(closed).toMatchObject({ removed: true });
  expect(s.run("rev-list", "--objects", "--glob=refs/lanes/trash")).toContain(blob);
  expect(isGone(s)).toBe(true);
  const back = yes(await s.git.restoreLane("one"));
  expect(readFileSync(join(back.path, "a.txt"), "utf8")).toBe("and edited\n");
  expect(s.at(folder, "rev-parse", ":a.txt")).toBe(blob);
});

test("a conflict outlives a removal that was killed between index and HEAD", async () => {
  const s = await open();
  s.commit(folder, { "a.txt": "lane\n" });
  s.commit(".", { "a.txt": "main\n" });
  expect(() => s.at(folder, "merge", "--quiet", "main")).toThrow("merge");
  const before = pictureOf(s);
  const dying = s.again({
    step: (name) => {
      if (name === "park:index") throw new Error("killed");
    },
  });
  await expect(dying.closeLane("one", "main", { save: true })).rejects.toThrow("killed");
  expect(await s.git.closeLane("one", "main", { save: true })).toMatchObject({ removed: true });
  yes(await s.git.restoreLane("one"));
  expect(s.at(folder, "ls-files", "--unmerged")).not.toBe("");
  expect(pictureOf(s)).toBe(before);
});

test("a file that is ignored by now and stands where a half restored lane has another one is not written over", async () => {
  const s = await open();
  s.write(`${folder}/new.bin`, "kept\n");
  await s.git.closeLane("one", "main", { save: true });
  const dying = s.again({
    step: (name) => {
      if (name === "restore:opened") throw new Error("killed");
    },
  });
  await expect(dying.restoreLane("one")).rejects.toThrow("killed");
  writeFileSync(join(s.layout.common, "info/exclude"), "*.bin\n");
  s.write(`${folder}/new.bin`, "hours of work\n");
  expect(no(await s.git.restoreLane("one"))).toMatchObject({ code: 4 });
  expect(readFileSync(join(s.top, folder, "new.bin"), "utf8")).toBe("hours of work\n");
  s.write(`${folder}/new.bin`, "kept\n");
  expect(yes(await s.git.restoreLane("one"))).toMatchObject({ n: 1 });
});
