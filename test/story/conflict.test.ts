/** Conflicts: who they are with, and the ways out. */
import { existsSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { makeScratch, type Scratch, until } from "./scratch.ts";

const patience = 300_000;

const ready = async (scratch: Scratch, id: string, command: string, more: object = {}): Promise<void> => {
  await scratch.add(id, { command, retries: 0, ...more });
  expect(await scratch.lanes("exec-lane", id)).toMatchObject({ code: 0 });
};

/** Two lanes that changed the same line; the first has landed. */
const collided = async (more: object = {}): Promise<Scratch> => {
  const scratch = await makeScratch({ "shared.txt": "a\n" });
  await ready(scratch, "api", "echo b > shared.txt; git commit -qam api");
  await ready(
    scratch,
    "docs",
    "echo c > shared.txt; git commit -qam docs; echo new > new.txt; git add .; git commit -qm new",
    more,
  );
  expect(await scratch.lanes("merge", "api")).toMatchObject({ code: 0 });
  expect(await scratch.lanes("merge", "docs")).toMatchObject({ code: 2 });
  return scratch;
};

const inLane = (scratch: Scratch, ...words: readonly string[]): Promise<string> =>
  scratch.git("-C", join(scratch.repo, ".worktrees", "docs"), ...words);

test(
  "a conflict names the files and the lane that landed them; resolved in its worktree it lands",
  { timeout: patience },
  async () => {
    await using scratch = await collided();
    expect((await scratch.lanes("why", "docs")).stdout).toContain("1 file in conflict (contents) with api: shared.txt");
    expect((await scratch.lanes("resolve", "api")).code).toBe(4);
    const put = await scratch.lanes("resolve", "docs");
    expect([put.code, put.stdout]).toEqual([0, expect.stringContaining("1 file in conflict with main in")]);
    expect(scratch.read(".worktrees/docs/shared.txt")).toContain("<<<<<<< ");
    expect((await scratch.lanes("why", "docs")).stdout).toContain(
      "its conflict with main stands in .worktrees/docs: shared.txt",
    );
    expect(await scratch.lanes("resolve", "docs")).toMatchObject({ code: 0 });
    expect(await scratch.lanes("merge", "docs")).toMatchObject({ code: 4 });
    expect(await scratch.lanes("handoff", "docs")).toMatchObject({ code: 4 });
    scratch.write(".worktrees/docs/shared.txt", "b and c\n");
    await inLane(scratch, "commit", "-qam", "both");
    expect(await scratch.lanes("merge", "docs")).toMatchObject({ code: 0 });
    expect([scratch.read("shared.txt"), scratch.read("new.txt")]).toEqual(["b and c\n", "new\n"]);
  },
);

test("a resolution that is given up leaves nothing behind and loses nothing", { timeout: patience }, async () => {
  await using scratch = await collided();
  scratch.write(".worktrees/docs/untracked.txt", "mine\n");
  const head = await scratch.git("rev-parse", "lane/docs/work");
  await scratch.lanes("resolve", "docs");
  scratch.write(".worktrees/docs/shared.txt", "half of it\n");
  const dropped = await scratch.lanes("resolve", "docs", "--abort");
  const saved = /kept in (refs\/lanes\/trash\/docs\/\d+)/.exec(dropped.stdout)?.[1] ?? "none";
  expect(await scratch.git("show", `${saved}:shared.txt`)).toBe("half of it");
  expect([scratch.read(".worktrees/docs/shared.txt"), scratch.read(".worktrees/docs/untracked.txt")]).toEqual([
    "c\n",
    "mine\n",
  ]);
  expect([await inLane(scratch, "status", "--porcelain"), await inLane(scratch, "rev-parse", "HEAD")]).toEqual([
    "?? untracked.txt",
    head,
  ]);
  expect(existsSync(join(scratch.repo, ".git/worktrees/docs/MERGE_HEAD"))).toBe(false);
  expect((await scratch.lanes("resolve", "docs", "--abort")).stdout).toBe("no conflict stands in docs\n");
});

test("work that was taken back and does not merge any more can be resolved too", { timeout: patience }, async () => {
  await using scratch = await makeScratch({ "shared.txt": "a\n" });
  await ready(scratch, "docs", "echo c > shared.txt; git commit -qam docs");
  expect(await scratch.lanes("merge", "docs")).toMatchObject({ code: 0 });
  await ready(scratch, "other", "echo x > x.txt; git add .; git commit -qm other");
  expect(await scratch.lanes("merge", "other")).toMatchObject({ code: 0 });
  expect(await scratch.lanes("undo", "docs", "--yes")).toMatchObject({ code: 0 });
  await ready(scratch, "api", "echo b > shared.txt; git commit -qam api");
  expect(await scratch.lanes("merge", "api")).toMatchObject({ code: 0 });
  expect(await scratch.lanes("merge", "docs")).toMatchObject({ code: 2 });
  expect(await scratch.lanes("handoff", "docs")).toMatchObject({ code: 4 });
  expect(await scratch.lanes("resolve", "docs")).toMatchObject({ code: 0 });
  expect(scratch.read(".worktrees/docs/shared.txt")).toMatch(/<<<<<<< lane\/docs\/work\nc\n=======\nb\n>>>>>>> main\n/);
  scratch.write(".worktrees/docs/shared.txt", "b and c\n");
  await inLane(scratch, "commit", "-qam", "both");
  expect(await scratch.lanes("merge", "docs")).toMatchObject({ code: 0 });
  expect([scratch.read("shared.txt"), scratch.read("x.txt")]).toEqual(["b and c\n", "x\n"]);
});

test("handed back, the agent is told what was wrong, or what the person wrote", { timeout: patience }, async () => {
  const command = `node -e 'require("fs").appendFileSync(process.env.NOTES, (JSON.parse(require("fs").readFileSync(process.env.LANES_TASKS)).note ?? "none") + "\\n")'`;
  await using scratch = await makeScratch({ "shared.txt": "a\n" });
  const notes = join(scratch.repo, "..", "notes");
  const work = `NOTES=${notes}; export NOTES; ${command}; git merge -q -X ours main 2>/dev/null; echo $(date +%N) > shared.txt; git commit -qam docs`;
  await ready(scratch, "docs", work);
  await ready(scratch, "api", "echo b > shared.txt; git commit -qam api");
  expect(await scratch.lanes("merge", "api")).toMatchObject({ code: 0 });
  expect(await scratch.lanes("merge", "docs")).toMatchObject({ code: 2 });
  expect(await scratch.lanes("handoff", "docs")).toMatchObject({ code: 0 });
  await until("the agent to be done", async () => ((await scratch.state("docs")) === "ready" ? true : undefined));
  expect(await scratch.lanes("handoff", "docs", "--note", "keep both")).toMatchObject({ code: 0 });
  await until("the agent to be done again", async () => ((await scratch.state("docs")) === "ready" ? true : undefined));
  expect(scratch.read("../notes").split("\n")).toEqual([
    "none",
    expect.stringMatching(
      /^Your work does not merge with main \(1 file in conflict \(contents\) with api\): shared\.txt\. Merge main/,
    ),
    "keep both",
    "",
  ]);
  expect(await scratch.lanes("merge", "docs")).toMatchObject({ code: 0 });
});
