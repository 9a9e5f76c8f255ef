import { expect, test } from "vitest";

import { committing, patience, scene } from "./scratch.ts";

interface Cleaned {
  readonly removed: readonly string[];
  readonly kept: readonly { readonly lane: string; readonly why: string }[];
}

const names = ["clean", "later", "detached", "dirty", "aside"] as const;

test("a dry run says of each worktree what cleanup then does", patience, async () => {
  const there = scene();
  there.git("branch", "next");
  for (const id of names)
    await there.lanes("add-lane", id, committing(`${id}.txt`, id === "aside" ? { target: "next" } : {}));
  expect((await there.lanes("execute")).code).toBe(0);
  expect((await there.lanes("merge")).code).toBe(0);
  there.write(".worktrees/later/more.txt", "more");
  there.git("-C", ".worktrees/later", "add", ".");
  there.git("-C", ".worktrees/later", "commit", "-qm", "more");
  there.git("-C", ".worktrees/detached", "checkout", "-q", "--detach");
  there.write(".worktrees/dirty/note.txt", "a note");
  const before = there.world();
  const said = (await there.json("cleanup", "--dry-run")) as unknown as Cleaned;
  expect(said).toMatchObject({
    removed: ["clean", "aside"],
    kept: [
      { lane: "later", why: "it has commits that main does not have" },
      { lane: "detached", why: "its worktree is on no branch, not on lane/detached/work" },
      { lane: "dirty", why: "1 file is not committed" },
    ],
  });
  expect((await there.lanes("cleanup", "--dry-run")).stdout).toMatch(/^would keep .*later: it has commits that main/m);
  expect(there.world()).toBe(before);
  const done = (await there.json("cleanup")) as unknown as Cleaned;
  expect(done.removed).toEqual(said.removed);
  expect(done.kept.map(({ lane }) => lane)).toEqual(said.kept.map(({ lane }) => lane));
});
