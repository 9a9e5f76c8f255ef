import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { committing, patience, scene } from "./scratch.ts";
import type { Scene } from "./scratch.ts";

const withLane = async (): Promise<Scene> => {
  const there = scene();
  await there.lanes("add-lane", "mine", '{"agent": "manual"}');
  expect((await there.lanes("exec-lane", "mine")).code).toBe(0);
  const folder = join(there.top, ".worktrees/mine");
  there.write(".worktrees/mine/work.txt", "committed\n");
  there.git("-C", folder, "add", ".");
  there.git("-C", folder, "commit", "-qm", "work");
  there.write(".worktrees/mine/a.txt", "staged\n");
  there.git("-C", folder, "add", "a.txt");
  there.write(".worktrees/mine/a.txt", "edited\n");
  there.write(".worktrees/mine/new.txt", "new\n");
  return there;
};

test("a lane with work in it is removed, listed, and brought back as it was", patience, async () => {
  const there = await withLane();
  const folder = join(there.top, ".worktrees/mine");
  const before = there.git("-C", folder, "status", "--porcelain=v2", "--branch");
  const asked = await there.lanes("remove", "mine");
  expect(asked).toMatchObject({ code: 4, stdout: "" });
  expect(asked.stderr).toContain("lanes remove mine --yes");
  const removed = await there.lanes("remove", "mine", "--yes");
  expect(removed).toMatchObject({ code: 0, stderr: "" });
  expect(removed.stdout).toBe(`removed ${folder}; its work is kept in refs/lanes/trash/mine/1: lanes restore mine\n`);
  expect([existsSync(folder), there.git("branch", "--list", "lane/*")]).toEqual([false, ""]);
  expect((await there.lanes("trash")).stdout).toMatch(
    /^mine {2}1 {2}.+ {2}1 commit, 2 uncommitted files {2}\d+ B\nlanes restore LANE \[N\] brings one back; kept for 30 days\n$/,
  );
  expect(await there.json("trash")).toMatchObject({
    kept: [{ lane: "mine", n: 1, ref: "refs/lanes/trash/mine/1", commits: 1, files: 2 }],
  });
  const back = await there.lanes("restore", "mine");
  expect(back).toMatchObject({ code: 0, stderr: "" });
  expect(back.stdout).toContain("mine is waiting: restored as it was kept (1); 2 files are not committed");
  expect(there.git("-C", folder, "status", "--porcelain=v2", "--branch")).toBe(before);
  expect(readFileSync(join(folder, "a.txt"), "utf8")).toBe("edited\n");
  there.git("-C", folder, "add", ".");
  there.git("-C", folder, "commit", "-qm", "the rest");
  expect((await there.lanes("merge", "mine")).code).toBe(0);
  expect(there.git("show", "main:new.txt")).toBe("new");
});

test("a lane whose log was archived comes back too", patience, async () => {
  const there = await withLane();
  expect((await there.lanes("remove", "mine", "--yes")).code).toBe(0);
  expect((await there.lanes("reset", "--yes")).code).toBe(0);
  expect((await there.lanes("restore", "mine", "1")).code).toBe(0);
  expect(await there.stateOf("mine")).toBe("waiting");
});

test("what cannot be removed or brought back says why, and changes nothing", patience, async () => {
  const there = await withLane();
  await there.lanes("add-lane", "busy", '{"command": "sleep 1000"}');
  await there.lanes("launch", "busy");
  await there.lanes("add-lane", "idle", '{"command": "true"}');
  await expect.poll(() => there.stateOf("busy"), { timeout: 60_000 }).toBe("running");
  // The engine forecasts and publishes meanwhile.
  const world = (): readonly string[] =>
    there
      .world()
      .split("\n")
      .filter((row) => !row.includes("/control.git") && !row.includes(".orchestration/tasks/"));
  const before = world();
  const refusals: readonly (readonly [readonly string[], number, string])[] = [
    [["remove", "busy", "--yes"], 4, "an agent runs in lane busy; lanes stop busy"],
    [["remove", "nobody", "--yes"], 64, 'no lane "nobody"'],
    [["restore", "nobody"], 64, 'nothing is kept of lane "nobody"; lanes trash'],
    [["restore", "mine"], 4, 'nothing is kept of lane "mine"; lanes trash'],
    [["restore", "mine", "x"], 64, '"x" is no number of what is kept'],
    [["trash", "nobody"], 64, 'nothing is kept of lane "nobody"'],
  ];
  for (const [words, code, text] of refusals) {
    const answer = await there.lanes(...words);
    expect([words, answer.code]).toEqual([words, code]);
    expect(answer.stderr).toContain(text);
  }
  const agent = await there.lanesWith({ env: { LANES_LANE: "busy" } }, "remove", "mine", "--yes");
  expect(agent).toMatchObject({ code: 4 });
  expect(world()).toEqual(before);
  expect((await there.lanes("trash")).stdout).toBe("nothing is kept\n");
});

test("a locked worktree stays, and the lane says why; unlocked it goes", patience, async () => {
  const there = await withLane();
  const folder = join(there.top, ".worktrees/mine");
  there.git("worktree", "lock", folder);
  const kept = await there.lanes("remove", "mine", "--yes");
  expect(kept).toMatchObject({ code: 4, stdout: `kept ${folder}: its worktree is locked\n` });
  there.git("worktree", "unlock", folder);
  expect((await there.lanes("remove", "mine", "--yes")).code).toBe(0);
  mkdirSync(folder);
  there.write(".worktrees/mine/foreign.txt", "foreign\n");
  const back = await there.lanes("restore", "mine");
  expect(back.code).toBe(4);
  expect(back.stdout).toContain("lane mine has a worktree");
  expect(readFileSync(join(folder, "foreign.txt"), "utf8")).toBe("foreign\n");
  rmSync(folder, { recursive: true });
  expect((await there.lanes("restore", "mine")).code).toBe(0);
});

test("what cleanup leaves it hands on to remove", patience, async () => {
  const there = scene();
  await there.lanes("add-lane", "docs", committing("docs.txt"));
  await there.lanes("execute");
  await there.lanes("merge");
  there.write(".worktrees/docs/note.txt", "a note\n");
  const cleaned = await there.lanes("cleanup");
  expect(cleaned.stdout).toContain("1 file is not committed\nlanes remove docs keeps what is in it");
  expect((await there.lanes("remove", "docs", "--yes")).code).toBe(0);
  expect(there.git("show", "refs/lanes/trash/docs/1:note.txt")).toBe("a note");
  expect(await there.stateOf("docs")).toBe("merged");
});

test(
  "what was kept for more than 30 days is let go of, and the journal says which commit it was",
  patience,
  async () => {
    const there = scene();
    const keep = (n: number, env: NodeJS.ProcessEnv): string => {
      const args = ["commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", "kept"];
      const commit = execFileSync("git", args, {
        cwd: there.top,
        env: { ...identity, ...env },
        encoding: "utf8",
      }).trim();
      there.git("update-ref", `refs/lanes/trash/old/${n}`, commit);
      return commit;
    };
    const old = keep(1, { GIT_COMMITTER_DATE: "@1000000000 +0000" });
    keep(2, {});
    await there.lanes("add-lane", "mine", '{"agent": "manual"}');
    await there.lanes("exec-lane", "mine");
    const refs = (): string => there.git("for-each-ref", "--format=%(refname)", "refs/lanes/trash");
    await expect.poll(refs, { timeout: 60_000 }).toBe("refs/lanes/trash/old/2");
    expect((await there.lanes("events", "--json")).stdout).toContain(`refs/lanes/trash/old/1 ${old}`);
  },
);

const identity: NodeJS.ProcessEnv = {
  PATH: process.env["PATH"],
  GIT_AUTHOR_NAME: "Ada",
  GIT_AUTHOR_EMAIL: "ada@example.org",
  GIT_COMMITTER_NAME: "Ada",
  GIT_COMMITTER_EMAIL: "ada@example.org",
};
