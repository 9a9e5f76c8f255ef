import { cpSync, existsSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { findLayoutFast } from "../../src/git/layout-fast.ts";
import { findLayout } from "../../src/git/layout.ts";
import { createGit } from "../../src/git/repo.ts";
import { no, scene, yes } from "./scratch.ts";
import type { Scene } from "./scratch.ts";

const layoutAt = async (s: Scene, folder: string): Promise<object> => findLayout(join(s.top, folder), s.env);

test("sub-folders, linked worktrees and lanes share one layout, and no git is needed to find it", async () => {
  const s = await scene();
  yes(await s.git.openLane("one", s.run("rev-parse", "main")));
  s.run("worktree", "add", "-q", "../linked");
  const home = s.top;
  const whole = {
    home,
    state: join(home, ".orchestration"),
    worktrees: join(home, ".worktrees"),
    common: join(home, ".git"),
    checkout: home,
    insideLane: undefined,
  };
  for (const folder of [".", "dir", "../linked", "../linked/dir"]) {
    expect(await layoutAt(s, folder)).toEqual(whole);
    expect(findLayoutFast(join(s.top, folder))).toEqual(whole);
  }
  expect(await layoutAt(s, ".worktrees/one/dir")).toEqual({ ...whole, insideLane: "one" });
  expect(findLayoutFast(join(s.top, ".worktrees/one/dir"))).toEqual({ ...whole, insideLane: "one" });
});

test("a folder reached through a link is where it really is", async () => {
  const s = await scene();
  symlinkSync(join(s.top, "dir"), join(s.home, "link"));
  expect(yes(await findLayout(join(s.home, "link"), s.env)).home).toBe(s.top);
});

test("a lane whose .git file names another repository still belongs to ours", async () => {
  const s = await scene();
  yes(await s.git.openLane("one", s.run("rev-parse", "main")));
  s.run("init", "-q", join(s.home, "fake"));
  writeFileSync(join(s.top, ".worktrees/one/.git"), `gitdir: ${join(s.home, "fake/.git")}\n`);
  expect(await layoutAt(s, ".worktrees/one")).toEqual({ ...s.layout, insideLane: "one" });
});

test("a bare repository named .bare keeps the state beside it; lanes work", async () => {
  const s = await scene();
  const home = join(s.home, "tree");
  mkdirSync(home);
  s.run("clone", "-q", "--bare", s.top, join(home, ".bare"));
  writeFileSync(join(home, ".git"), "gitdir: ./.bare\n");
  s.at("../tree", "worktree", "add", "-q", "main");
  const layout = yes(await findLayout(join(home, "main", "dir"), s.env));
  expect(layout).toMatchObject({
    home,
    state: join(home, ".orchestration"),
    checkout: undefined,
    insideLane: undefined,
  });
  expect(findLayoutFast(join(home, "main", "dir"))).toEqual(layout);
  expect(await findLayout(home, s.env)).toEqual(layout);
  const git = createGit(layout, { env: s.env });
  const { path, head } = yes(await git.openLane("one", s.run("rev-parse", "main")));
  expect(yes(await findLayout(path, s.env))).toEqual({ ...layout, insideLane: "one" });
  expect(await git.currentBranch()).toEqual({ name: "main" });
  writeFileSync(join(path, "a.txt"), "A\n");
  await git.commitAll("one", "work");
  const tip = s.at("../tree", "rev-parse", "lane/one/work");
  const { commit } = yes(await git.candidate({ onto: head, head: tip, message: "Merge", at: 0 }));
  expect(await git.land({ lane: "one", target: "main", onto: head, commit, head: tip })).toEqual({ landed: true });
  expect(s.at("../tree/main", "status", "--porcelain")).toBe("");
});

test("other bare repositories and separate git directories keep the state inside them", async () => {
  const s = await scene();
  s.run("clone", "-q", "--bare", s.top, join(s.home, "x.git"));
  s.at("../x.git", "worktree", "add", "-q", join(s.home, "x"), "main");
  const state = join(s.home, "x.git", "lanekeeper");
  expect(await findLayout(join(s.home, "x"), s.env)).toMatchObject({ home: state, state, checkout: undefined });
  s.run("clone", "-q", "--separate-git-dir", join(s.home, "store"), s.top, join(s.home, "work"));
  const layout = yes(await findLayout(join(s.home, "work", "dir"), s.env));
  expect(layout).toMatchObject({
    common: join(s.home, "store"),
    home: join(s.home, "store", "lanekeeper"),
    checkout: join(s.home, "work"),
  });
  const git = createGit(layout, { env: s.env });
  const { path } = yes(await git.openLane("one", s.run("rev-parse", "main")));
  expect(await findLayout(path, s.env)).toMatchObject({ insideLane: "one", common: layout.common, home: layout.home });
});

test("the main checkout of a separate git directory cannot be found from elsewhere, so nothing lands in it", async () => {
  const s = await scene();
  s.run("clone", "-q", "--separate-git-dir", join(s.home, "store"), s.top, join(s.home, "work"));
  s.at("../work", "worktree", "add", "-q", "../linked");
  const layout = yes(await findLayout(join(s.home, "linked"), s.env));
  const git = createGit(layout, { env: s.env });
  const onto = s.run("rev-parse", "main");
  yes(await git.openLane("one", onto));
  const said = await git.land({ lane: "one", target: "main", onto, commit: await candidateOf(git, onto), head: onto });
  expect(no(said).refused).toContain("cannot be reached");
});

test("a noted checkout of a separate git directory is found from everywhere, as long as it is there", async () => {
  const s = await scene();
  s.run("clone", "-q", "--separate-git-dir", join(s.home, "store"), s.top, join(s.home, "work"));
  s.at("../work", "worktree", "add", "-q", "../linked");
  const layout = yes(await findLayout(join(s.home, "work"), s.env));
  mkdirSync(layout.state);
  await createGit(layout, { env: s.env }).noteCheckout();
  for (const folder of ["linked", "store/lanekeeper", "work/dir"])
    expect(yes(await findLayout(join(s.home, folder), s.env))).toEqual(layout);
  renameSync(join(s.home, "work"), join(s.home, "moved"));
  expect(yes(await findLayout(join(s.home, "linked"), s.env)).checkout).toBeUndefined();
  cpSync(s.top, join(s.home, "work"), { recursive: true });
  expect(yes(await findLayout(join(s.home, "linked"), s.env)).checkout).toBeUndefined();
  await s.git.noteCheckout();
  expect(existsSync(join(s.layout.common, "lanekeeper"))).toBe(false);
});

test.each([
  ["a NUL", "gitdir: a\0b\n"],
  ["a name that is too long", `gitdir: ${"x".repeat(300)}\n`],
  ["a path that is too long", `gitdir: /${"x/".repeat(3000)}\n`],
  ["itself", "gitdir: .git\n"],
])("a .git file that names %s is left to git, which says that it is no repository", async (_, text) => {
  const s = await scene();
  s.run("worktree", "add", "-q", join(s.home, "linked"));
  writeFileSync(join(s.home, "linked", ".git"), text);
  expect(findLayoutFast(join(s.home, "linked"))).toBeUndefined();
  expect(no(await findLayout(join(s.home, "linked"), s.env)).code).toBe(3);
});

const candidateOf = async (git: ReturnType<typeof createGit>, onto: string): Promise<string> =>
  yes(await git.candidate({ onto, head: onto, message: "Merge", at: 0 })).commit;

test("no repository, a bare one alone, and a folder that is gone are not usable", async () => {
  const s = await scene();
  s.run("clone", "-q", "--bare", s.top, join(s.home, "x.git"));
  const said = [await layoutAt(s, ".."), await layoutAt(s, "../x.git"), await layoutAt(s, "nowhere")].map(no);
  expect(said.map(({ code }) => code)).toEqual([3, 3, 3]);
  expect(said.map(({ refused }) => refused.replaceAll(s.home, ""))).toEqual([
    "not a git repository: ",
    "this is a bare repository without a worktree",
    "there is no folder /project/nowhere",
  ]);
  expect(findLayoutFast(s.home)).toBeUndefined();
  expect(findLayoutFast(join(s.home, "x.git"))).toBeUndefined();
});

test("a repository without a commit has a layout, but no branch to stand on", async () => {
  const s = await scene();
  s.run("init", "-q", join(s.home, "new"));
  const git = createGit(yes(await findLayout(join(s.home, "new"), s.env)), { env: s.env });
  const said = [no(await git.tip("main")), no(await git.currentBranch())];
  expect(said.map(({ code, hint }) => [code, hint])).toEqual([
    [3, "make the first: git commit --allow-empty -m 'first commit'"],
    [3, "make the first: git commit --allow-empty -m 'first commit'"],
  ]);
  expect((await git.observe({ target: "main", status: [] })).branches).toEqual([]);
});

test("a detached checkout is on no branch", async () => {
  const s = await scene();
  s.run("switch", "-q", "--detach");
  expect(no(await s.git.currentBranch()).code).toBe(3);
  expect(no(await s.git.tip("nowhere")).refused).toBe("there is no branch nowhere");
});

test("git that is missing or too old is said to be so", async () => {
  const s = await scene();
  const tools = join(s.home, "tools");
  mkdirSync(tools);
  expect(no(await findLayout(s.top, { ...s.env, PATH: tools }))).toMatchObject({
    code: 69,
    refused: "git was not found",
  });
  writeFileSync(join(tools, "git"), "#!/bin/sh\necho git version 2.37.9\n", { mode: 0o755 });
  expect(no(await findLayout(s.top, { ...s.env, PATH: `${tools}:/usr/bin:/bin` }))).toMatchObject({
    code: 69,
    refused: "git 2.37 is too old",
  });
});

test("what only git can tell is left to git: a configured worktree, an included file, another user's repository", async () => {
  const s = await scene();
  s.run("config", "include.path", "/dev/null");
  expect(findLayoutFast(s.top)).toBeUndefined();
  expect(yes(await findLayout(s.top, s.env))).toEqual(s.layout);
  s.run("config", "--unset", "include.path");
  s.run("config", "core.worktree", s.home);
  expect(findLayoutFast(s.top)).toBeUndefined();
  expect(yes(await findLayout(join(s.top, ".git"), s.env)).checkout).toBe(s.home);
  s.run("config", "--unset", "core.worktree");
  cpSync(join(s.top, ".git"), join(s.home, "copy/.git"), { recursive: true });
  rmSync(join(s.home, "copy/.git/HEAD"));
  expect(findLayoutFast(join(s.home, "copy"))).toBeUndefined();
  expect(no(await findLayout(join(s.home, "copy"), s.env)).code).toBe(3);
});

test("a submodule is a repository of its own", async () => {
  const s = await scene();
  s.run("init", "-q", join(s.home, "other"));
  s.at("../other", "commit", "-q", "--allow-empty", "-m", "first");
  s.run("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", join(s.home, "other"), "sub");
  const layout = yes(await findLayout(join(s.top, "sub"), s.env));
  expect(layout).toMatchObject({ common: join(s.top, ".git/modules/sub"), checkout: join(s.top, "sub") });
});
