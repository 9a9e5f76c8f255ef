import { appendFileSync, existsSync, readFileSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { scene, yes } from "./scratch.ts";
import type { Scene } from "./scratch.ts";

const opened = async (): Promise<Scene> => {
  const s = await scene();
  yes(await s.git.openLane("one", s.run("rev-parse", "main")));
  return s;
};

const inLane = (s: Scene, ...args: readonly string[]): string => s.at(".worktrees/one", ...args);

test("everything that is uncommitted is committed by the user, ignored files stay out", async () => {
  const s = await opened();
  appendFileSync(join(s.layout.common, "info/exclude"), "*.log\n");
  s.write(".worktrees/one/a.txt", "A\n");
  s.write(".worktrees/one/-dash \n*.txt", "odd\n");
  s.write(".worktrees/one/noise.log", "noise\n");
  rmSync(join(s.top, ".worktrees/one/b.txt"));
  expect(await s.git.commitAll("one", "All\n\n# of it")).toBe(true);
  expect(inLane(s, "status", "--porcelain")).toBe("");
  expect(inLane(s, "log", "-1", "--format=%an|%cn|%B")).toBe("Ada|Ada|All\n\n# of it");
  expect(inLane(s, "show", "--format=", "--name-status", "-z", "HEAD")).toBe("A\0-dash \n*.txt\0M\0a.txt\0D\0b.txt\0");
  expect(await s.git.commitAll("one", "again")).toBe(false);
});

test("below a folder only what is there is committed, also when more is staged", async () => {
  const s = await opened();
  s.write(".worktrees/one/a.txt", "A\n");
  inLane(s, "add", "a.txt");
  s.write(".worktrees/one/dir/new.txt", "new\n");
  s.write(".worktrees/one/b.txt", "B\n");
  expect(await s.git.commitAll("one", "part", "dir")).toBe(true);
  expect(inLane(s, "show", "--format=", "--name-only", "HEAD")).toBe("dir/new.txt");
  expect(inLane(s, "status", "--porcelain")).toBe("M  a.txt\n M b.txt");
  expect(await s.git.commitAll("one", "part", "dir")).toBe(false);
  expect(await s.git.commitAll("one", "part", "nowhere")).toBe(false);
});

test("nothing is committed in the middle of a merge, or on a branch that is not the lane's", async () => {
  const s = await opened();
  s.commit(".worktrees/one", { "a.txt": "lane\n" });
  s.commit(".", { "a.txt": "main\n" });
  s.attempt("-C", ".worktrees/one", "merge", "main");
  expect(await s.git.commitAll("one", "conflict markers")).toBe(false);
  inLane(s, "merge", "--abort");
  inLane(s, "switch", "-q", "-c", "other");
  s.write(".worktrees/one/b.txt", "B\n");
  expect(await s.git.commitAll("one", "elsewhere")).toBe(false);
});

test("a user without a name gets one, for our commits and for agents", async () => {
  const s = await opened();
  expect(await s.git.identity()).toEqual({});
  writeFileSync(join(s.home, "gitconfig"), "[user]\n\tname = Ada\n");
  const supplied = {
    GIT_AUTHOR_NAME: "Ada",
    GIT_AUTHOR_EMAIL: "lanekeeper@localhost",
    GIT_COMMITTER_NAME: "Ada",
    GIT_COMMITTER_EMAIL: "lanekeeper@localhost",
  };
  expect(await s.again().identity()).toEqual(supplied);
  writeFileSync(join(s.home, "gitconfig"), "[user]\n\tuseConfigOnly = true\n");
  s.write(".worktrees/one/a.txt", "A\n");
  expect(await s.git.commitAll("one", "work")).toBe(true);
  expect(inLane(s, "log", "-1", "--format=%an <%ae>")).toBe("Lanekeeper <lanekeeper@localhost>");
  const env = {
    ...s.env,
    GIT_AUTHOR_NAME: "Eve",
    GIT_AUTHOR_EMAIL: "eve@example.org",
    EDITOR: "vi",
    PAGER: "less",
    GIT_PAGER: "less",
  };
  expect(await s.again({ env }).identity()).toEqual({});
});

test("files at a commit come as text by path: regular files below the folder, nothing else", async () => {
  const s = await scene();
  symlinkSync("a.txt", join(s.top, "dir/link"));
  const commit = s.commit(".", {
    "dir/new\nline.txt": "ü\n",
    "dir/empty": "",
    "dirt.txt": "no\n",
    "dir/deep/x": "no newline at end",
  });
  const files = await s.git.filesAt(commit, "dir");
  expect([...files]).toEqual([
    ["dir/c.txt", "c\n"],
    ["dir/deep/x", "no newline at end"],
    ["dir/empty", ""],
    ["dir/new\nline.txt", "ü\n"],
  ]);
  expect([...(await s.git.filesAt(commit, "dir/"))]).toEqual([...files]);
  expect((await s.git.filesAt(commit, "nowhere")).size).toBe(0);
  expect((await s.git.filesAt(commit, "*")).size).toBe(0);
  expect((await s.git.filesAt(commit, "")).size).toBe(7);
});

test("changed paths are those of the lane alone, renames as two", async () => {
  const s = await opened();
  inLane(s, "mv", "b.txt", "renamed \u001b[31m.txt");
  const head = s.commit(".worktrees/one", { "a.txt": "A\n" });
  const onto = s.commit(".", { "dir/c.txt": "main\n" });
  expect([...(await s.git.changed(onto, head))].toSorted()).toEqual(["a.txt", "b.txt", "renamed \u001b[31m.txt"]);
});

test("containing is about history; a commit that does not exist is a fault", async () => {
  const s = await scene();
  const first = s.run("rev-parse", "main");
  const second = s.commit(".", { "a.txt": "A\n" });
  expect([await s.git.contains(second, first), await s.git.contains(first, second)]).toEqual([true, false]);
  await expect(s.git.contains(first, "1".repeat(40))).rejects.toThrow("cannot compare");
});

test("only missing lines are added to info/exclude, and what was there stays", async () => {
  const s = await scene();
  const file = join(s.layout.common, "info/exclude");
  writeFileSync(file, "mine\r\n/.worktrees/\r\nno line break");
  s.write(".gitignore", "untouched\n");
  expect(await s.git.exclude()).toBe(true);
  expect(readFileSync(file, "utf8")).toBe(
    "mine\r\n/.worktrees/\r\nno line break\n/.orchestration/\n/docs/_generated/execution_plan.json\n",
  );
  expect(await s.git.exclude()).toBe(false);
  rmSync(join(s.layout.common, "info"), { recursive: true });
  expect(await s.git.exclude()).toBe(true);
  expect(readFileSync(join(s.top, ".gitignore"), "utf8")).toBe("untouched\n");
});

test("a generated file is written into the checkout, never through a link", async () => {
  const s = await scene();
  await s.git.writeOut("docs/_generated/plan.json", "1");
  await s.git.writeOut("docs/_generated/plan.json", "2");
  expect(readFileSync(join(s.top, "docs/_generated/plan.json"), "utf8")).toBe("2");
  rmSync(join(s.top, "docs"), { recursive: true });
  symlinkSync(s.home, join(s.top, "docs"));
  await expect(s.git.writeOut("docs/_generated/plan.json", "3")).rejects.toThrow("is not a folder");
  expect(existsSync(join(s.home, "_generated"))).toBe(false);
  unlinkSync(join(s.top, "docs"));
});

test("branches with names like options or with odd paths are seen, landed on and never taken for options", async () => {
  const s = await opened();
  const onto = s.run("rev-parse", "main");
  for (const name of ["--output=x", "-x", "ü/\u{1f600}"]) s.run("update-ref", `refs/heads/${name}`, onto);
  const seen = await s.git.observe({ target: "--output=x", status: ["one"] });
  expect(seen.target).toEqual({ name: "--output=x", head: onto, subject: "a.txt b.txt dir/c.txt" });
  expect(await s.git.tip("--output=x")).toEqual({ head: onto });
  const head = s.commit(".worktrees/one", { "-rf": "x\n", "tab\there": "x\n", 'quote"\\': "x\n", "new\nline": "x\n" });
  const { commit } = yes(await s.git.candidate({ onto, head, message: "--amend", at: 0 }));
  expect(await s.git.land({ lane: "one", target: "--output=x", onto, commit, head })).toEqual({ landed: true });
  expect(await s.git.land({ lane: "one", target: "main", onto, commit, head })).toEqual({ landed: true });
  expect(s.run("status", "--porcelain")).toBe("");
  expect(existsSync(join(s.top, "x"))).toBe(false);
  s.write(".worktrees/one/-rf", "y\n");
  s.write(".worktrees/one/new\nline", "y\n");
  const lane = (await s.git.observe({ target: "main", status: ["one"] })).lanes.get("one");
  expect(lane?.dirty).toEqual(["-rf", "new\nline"]);
});

test("a file whose name is not text stands in the way like any other", async () => {
  const s = await opened();
  const onto = s.run("rev-parse", "main");
  const name = Buffer.from([0x66, 0xff, 0x67]);
  writeFileSync(Buffer.concat([Buffer.from(join(s.top, ".worktrees/one/")), name]), "theirs\n");
  await s.git.commitAll("one", "work");
  const head = s.run("rev-parse", "lane/one/work");
  const { commit } = yes(await s.git.candidate({ onto, head, message: "Merge", at: 0 }));
  const mine = Buffer.concat([Buffer.from(`${s.top}/`), name]);
  writeFileSync(mine, "mine\n");
  const said = await s.git.land({ lane: "one", target: "main", onto, commit, head });
  expect(said).toMatchObject({ code: 4, paths: ["f\u{fffd}g"] });
  expect(readFileSync(mine, "utf8")).toBe("mine\n");
});
