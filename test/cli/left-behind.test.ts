/** What agents leave behind: processes that go on, checks that nobody waits for, files that git ignores, commits after a landing. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { expect, test } from "vitest";

import { makeScratch, until } from "../story/scratch.ts";

const patience = 60_000;
const commit = "echo x > x; git add x; git commit -qm x";

test("processes of an agent that has ended are ended before its lane is judged", { timeout: patience }, async () => {
  await using scratch = await makeScratch();
  await scratch.lanes("init");
  const late = join(dirname(scratch.repo), "late");
  await scratch.add("bg", { command: `(while :; do echo >> ${late}; sleep 0.1; done) & ${commit}` });
  expect(await scratch.lanes("exec-lane", "bg")).toMatchObject({ code: 0 });
  expect(await scratch.state("bg")).toBe("ready");
  const before = readFileSync(late, "utf8");
  await new Promise((resolve) => setTimeout(resolve, 400));
  expect(readFileSync(late, "utf8")).toBe(before);
});

test("stop-all and reset end a check that is under way", { timeout: patience }, async () => {
  await using scratch = await makeScratch();
  await scratch.lanes("init");
  const ticks = join(dirname(scratch.repo), "ticks");
  const check = `while :; do echo >> ${ticks}; sleep 0.1; done`;
  for (const id of ["one", "two"]) {
    await scratch.add(id, { command: `echo ${id} > ${id}; git add ${id}; git commit -qm ${id}` });
    await scratch.lanes("exec-lane", id);
  }
  const still = async (): Promise<void> => {
    const before = readFileSync(ticks, "utf8");
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(readFileSync(ticks, "utf8")).toBe(before);
  };
  const checking = async (id: string): Promise<void> => {
    const size = existsSync(ticks) ? readFileSync(ticks).length : 0;
    await scratch.lanes("merge", id, "--check", check, "--detach");
    await until("the check to run", () => (existsSync(ticks) && readFileSync(ticks).length > size ? true : undefined));
  };
  await checking("one");
  expect(await scratch.lanes("stop-all")).toMatchObject({ code: 0 });
  expect(await scratch.state("one")).toBe("ready");
  await still();
  await checking("two");
  expect(await scratch.lanes("reset", "--yes")).toMatchObject({ code: 0 });
  await still();
});

test(
  "a lane in the queue that is asked for with another check lands by that one only",
  { timeout: patience },
  async () => {
    await using scratch = await makeScratch();
    await scratch.lanes("init");
    await scratch.add("one", { command: commit });
    await scratch.lanes("exec-lane", "one");
    await scratch.lanes("merge", "one", "--check", "sleep 600", "--detach");
    await until("the first check", async () => ((await scratch.state("one")) === "merging" ? true : undefined));
    expect(await scratch.lanes("merge", "one", "--check", "exit 9")).toMatchObject({ code: 1 });
    expect(await scratch.state("one")).toBe("checks-failed");
    expect(await scratch.git("log", "--format=%s", "main")).toBe("Begin");
  },
);

test("commits after a landing are no success, and the hint lands them", { timeout: patience }, async () => {
  await using scratch = await makeScratch();
  await scratch.lanes("init");
  await scratch.add("w", { agent: "manual" });
  await scratch.lanes("exec-lane", "w");
  const work = async (name: string): Promise<void> => {
    writeFileSync(join(scratch.repo, ".worktrees", "w", name), name);
    await scratch.git("-C", ".worktrees/w", "add", ".");
    await scratch.git("-C", ".worktrees/w", "commit", "-qm", name);
  };
  await work("w1");
  expect(await scratch.lanes("merge", "w")).toMatchObject({ code: 0 });
  expect(await scratch.lanes("merge", "w")).toMatchObject({ code: 0 });
  await work("w2");
  const { code, stdout } = await scratch.lanes("merge", "w");
  expect([code, stdout]).toEqual([4, expect.stringContaining("lane w has landed, and has 1 commit since")]);
  const [, words = ""] = /lanes add-lane (.*)$/m.exec(stdout) ?? [];
  const [id = "", spec = ""] = words.split(/ (.*)/s);
  expect(await scratch.lanes("add-lane", id, spec.replaceAll("'", ""))).toMatchObject({ code: 0 });
  expect(await scratch.lanes("exec-lane", id)).toMatchObject({ code: 0 });
  expect(await scratch.lanes("merge", id)).toMatchObject({ code: 0 });
  expect(await scratch.git("show", "main:w2")).toBe("w2");
});

test("ignored files that nobody can make anew are put aside, and said", { timeout: patience }, async () => {
  await using scratch = await makeScratch({ ".gitignore": ".env\ndata/\nnode_modules/\n*.log\n" });
  await scratch.lanes("init");
  const files =
    "mkdir data node_modules sub; echo s > .env; echo d > data/d; echo n > node_modules/n; echo e > sub/.env; echo l > a.log";
  await scratch.add("ig", { command: `${files}; ${commit}` });
  await scratch.lanes("exec-lane", "ig");
  await scratch.lanes("merge", "ig");
  const { code, stdout } = await scratch.lanes("cleanup");
  expect([code, stdout]).toEqual([
    0,
    expect.stringMatching(/removed .*ig; its ignored files are in \.orchestration\/kept\/ig-1$/m),
  ]);
  const kept = join(scratch.repo, ".orchestration", "kept", "ig-1");
  expect(readdirSync(kept, { recursive: true, encoding: "utf8" }).toSorted()).toEqual([
    ".env",
    "data",
    "data/d",
    "sub",
    "sub/.env",
  ]);
  expect(existsSync(join(scratch.repo, ".worktrees", "ig"))).toBe(false);
});
