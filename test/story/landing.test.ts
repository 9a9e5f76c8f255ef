import { expect, test } from "vitest";

import { makeScratch, type Scratch, until } from "./scratch.ts";

const edit = (file: string, text: string, message: string): string =>
  `printf '%s\\n' ${JSON.stringify(text)} > ${file}; git add ${file}; git commit -qm ${JSON.stringify(message)}`;

const ready = async (scratch: Scratch, id: string, command: string): Promise<void> => {
  await scratch.add(id, { command, retries: 0 });
  expect((await scratch.lanes("exec-lane", id)).code).toBe(0);
};

test("the user's edits in the way hold a landing back until they are committed", { timeout: 120_000 }, async () => {
  await using scratch = await makeScratch({ "shared.txt": "one\n", "other.txt": "mine\n" });
  await ready(scratch, "edit", edit("new.txt", "from the lane", "edit"));
  scratch.write("other.txt", "mine, changed\n");
  scratch.write("new.txt", "the user's own\n");
  const merged = await scratch.lanes("merge", "edit", "--json");
  expect(merged.code).toBe(4);
  expect(await scratch.state("edit")).toBe("landed-pending");
  expect(scratch.read("new.txt")).toBe("the user's own\n");
  expect(await scratch.git("log", "--format=%s", "main")).toBe("Begin");
  scratch.write("kept.txt", scratch.read("new.txt"));
  await scratch.git("clean", "-fq", "--", "new.txt");
  await until("the lane to land by itself", async () =>
    (await scratch.state("edit")) === "merged" ? true : undefined,
  );
  expect(scratch.read("new.txt")).toBe("from the lane\n");
  expect(scratch.read("other.txt")).toBe("mine, changed\n");
  expect(scratch.read("kept.txt")).toBe("the user's own\n");
});

test("a check that fails on the merged tree keeps the lane from the target", { timeout: 120_000 }, async () => {
  await using scratch = await makeScratch();
  await ready(scratch, "broken", edit("broken.txt", "x", "broken"));
  const merged = await scratch.lanes("merge", "broken", "--check", "test ! -e broken.txt");
  expect(merged.code).toBe(1);
  expect(await scratch.state("broken")).toBe("checks-failed");
  expect(await scratch.git("log", "--format=%s", "main")).toBe("Begin");
  expect((await scratch.lanes("merge", "broken", "--check", "test -e broken.txt")).code).toBe(0);
  expect(scratch.read("broken.txt")).toBe("x\n");
});

test(
  "two lanes that are fine alone but not together: the second one is tested as merged and stays out",
  { timeout: 120_000 },
  async () => {
    await using scratch = await makeScratch();
    await ready(scratch, "left", edit("left.txt", "x", "left"));
    await ready(scratch, "right", edit("right.txt", "x", "right"));
    const merged = await scratch.lanes(
      "merge",
      "left",
      "right",
      "--check",
      "test ! -e left.txt || test ! -e right.txt",
    );
    expect(merged.code).toBe(1);
    expect([await scratch.state("left"), await scratch.state("right")]).toEqual(["merged", "checks-failed"]);
  },
);

test("a conflict names its files, is resolved in the lane's worktree, and lands", { timeout: 120_000 }, async () => {
  await using scratch = await makeScratch({ "story.txt": "once\n" });
  await ready(scratch, "first", edit("story.txt", "first", "first"));
  await ready(scratch, "second", edit("story.txt", "second", "second"));
  const merged = await scratch.lanes("merge", "first", "second", "--json");
  expect(merged.code).toBe(2);
  const { landed, refused } = JSON.parse(merged.stdout) as {
    landed: { lane: string }[];
    refused: { lane: string; paths: string[] }[];
  };
  expect(landed.map(({ lane }) => lane)).toEqual(["first"]);
  expect(refused.map(({ lane, paths }) => [lane, paths])).toEqual([["second", ["story.txt"]]]);
  expect((await scratch.lanes("why", "second")).stdout).toMatch(
    /conflict.*with first.*story\.txt.*lanes resolve second/s,
  );
  expect((await scratch.lanes("merge", "second")).code).toBe(2);
  await scratch.git("-C", ".worktrees/second", "merge", "-X", "ours", "-m", "resolve", "main");
  expect((await scratch.lanes("merge", "second")).code).toBe(0);
  expect(scratch.read("story.txt")).toBe("second\n");
});

test(
  "the target moves while a lane is tested: it is built and tested again on the new tip",
  { timeout: 120_000 },
  async () => {
    await using scratch = await makeScratch();
    await ready(scratch, "slow", edit("slow.txt", "x", "slow"));
    const merging = scratch.lanes("merge", "slow", "--check", "sleep 2; ls");
    await until("the check to run", async () => ((await scratch.state("slow")) === "merging" ? true : undefined));
    await scratch.git("commit", "-q", "--allow-empty", "-m", "Meanwhile");
    expect((await merging).code).toBe(0);
    expect((await scratch.git("log", "--first-parent", "--format=%s", "main")).split("\n")).toEqual([
      "Merge lane slow",
      "Meanwhile",
      "Begin",
    ]);
    expect((await scratch.events()).filter((event) => event.type === "merge.requeued" && event.effective)).toHaveLength(
      1,
    );
  },
);

test("a manual lane is prepared, committed in by a person, and merged", { timeout: 120_000 }, async () => {
  await using scratch = await makeScratch();
  await scratch.add("mine", { agent: "manual" });
  const opened = await scratch.lanes("exec-lane", "mine");
  expect(opened.code).toBe(0);
  expect(opened.stdout).toContain(".worktrees/mine");
  expect((await scratch.lanes("merge", "mine")).code).toBe(4);
  scratch.write(".worktrees/mine/mine.txt", "by hand\n");
  expect((await scratch.lanes("merge", "mine")).stdout).toMatch(/1 uncommitted file: mine\.txt/);
  await scratch.git("-C", ".worktrees/mine", "add", "mine.txt");
  await scratch.git("-C", ".worktrees/mine", "commit", "-qm", "By hand");
  expect((await scratch.lanes("merge", "mine")).code).toBe(0);
  expect(scratch.read("mine.txt")).toBe("by hand\n");
  expect((await scratch.lanes("cleanup")).code).toBe(0);
  expect(await scratch.git("worktree", "list")).not.toContain("mine");
});

test("runs are shown as what they were: failed, empty, dirty, stopped", { timeout: 120_000 }, async () => {
  await using scratch = await makeScratch();
  await scratch.add("fails", { command: "exit 7", retries: 0 });
  await scratch.add("empty", { command: "true" });
  await scratch.add("dirty", { command: "echo x > left.txt" });
  await scratch.add("sleeps", { command: "sleep 300" });
  await scratch.lanes("launch", "sleeps");
  expect((await scratch.lanes("exec-lane", "fails", "empty", "dirty")).code).toBe(1);
  await until("the sleeper to run", async () => ((await scratch.state("sleeps")) === "running" ? true : undefined));
  expect((await scratch.lanes("stop", "sleeps")).code).toBe(0);
  const lanes = await scratch.status();
  expect(Object.entries(lanes).map(([id, { state, detail }]) => `${id}: ${state}, ${detail}`)).toEqual([
    "fails: failed, exit code 7",
    "empty: finished-empty, the run ended without a commit",
    "dirty: waiting, 1 file not committed",
    "sleeps: paused, stopped",
  ]);
});
