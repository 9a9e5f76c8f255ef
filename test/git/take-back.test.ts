import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { isNo } from "../../src/core/observed.ts";
import type { TakeBackAsk } from "../../src/git/take-back.ts";
import { no, ready, scene } from "./scratch.ts";
import type { Scene } from "./scratch.ts";

/** A landing with files added, changed and deleted, in two checkouts with the user's edits, and what takes it back. */
const landedScene = async (back: boolean): Promise<{ s: Scene; ask: TakeBackAsk }> => {
  const s = await scene();
  s.run("worktree", "add", "-q", "--force", "../second", "main");
  s.write("b.txt", "my edit\n");
  s.write("../second/b.txt", "my other edit\n");
  const {
    onto,
    commit: merge,
    head,
    ...rest
  } = await ready(s, "one", {
    "a.txt": "A\n",
    "dir/c.txt": undefined,
    "new/file.txt": "new\n",
  });
  expect(await s.git.land({ onto, commit: merge, head, ...rest })).toEqual({ landed: true });
  const built = back
    ? { commit: onto }
    : await s.git.reverted({ onto: merge, from: onto, to: merge, message: "Undo", at: 0 });
  if (isNo(built)) throw new Error(built.refused);
  return { s, ask: { lane: "one", target: "main", onto: merge, commit: built.commit, head, merge, back } };
};

const text = (s: Scene, path: string): string => readFileSync(join(s.top, path), "utf8");

const expectTakenBack = (s: Scene, ask: TakeBackAsk): void => {
  expect(s.run("rev-parse", "main")).toBe(ask.commit);
  expect([s.run("status", "--porcelain"), s.at("../second", "status", "--porcelain")]).toEqual([
    " M b.txt",
    " M b.txt",
  ]);
  expect(text(s, "b.txt") + text(s, "../second/b.txt")).toBe("my edit\nmy other edit\n");
  expect(text(s, "a.txt") + text(s, "../second/dir/c.txt")).toBe("a\nc\n");
  expect(existsSync(join(s.top, "new"))).toBe(false);
  expect(
    s.run(
      "for-each-ref",
      "--format=%(refname) %(objectname)",
      "refs/lanes/backup",
      "refs/lanes/landed",
      "refs/lanes/candidate",
    ),
  ).toBe(`refs/lanes/backup/one/1 ${s.run("rev-parse", `${ask.merge}^1`)}\nrefs/lanes/backup/one/2 ${ask.merge}`);
  expect(existsSync(join(s.layout.common, "lanekeeper-landing"))).toBe(false);
};

describe.each([true, false])("taking a landing back (by moving back: %s)", (back) => {
  test.each([0, 1, 2, 3, 4, 5, 6])("ends once and wholly, whatever step it dies at (%i)", async (n) => {
    const { s, ask } = await landedScene(back);
    s.run("update-ref", "-d", "refs/heads/lane/one/work");
    let count = 0;
    const step = (name: string): void => {
      count += 1;
      if (count === n) throw new Error(`crash at ${name}`);
    };
    const [died] = await Promise.allSettled([s.again({ step }).takeBack(ask)]);
    expect(died.status).toBe(n > 0 ? "rejected" : "fulfilled");
    expect(await s.again().takeBack(ask)).toEqual({ tip: ask.commit });
    expectTakenBack(s, ask);
    expect(s.run("rev-parse", "lane/one/work")).toBe(ask.head);
    expect(await s.again().takeBack(ask)).toEqual({ tip: ask.commit });
    expectTakenBack(s, ask);
  });

  test.each([2, 3, 4, 5])("leaves nothing behind when the target moved after a crash (step %i)", async (n) => {
    const { s, ask } = await landedScene(back);
    let count = 0;
    const step = (name: string): void => {
      count += 1;
      if (count === n) throw new Error(`crash at ${name}`);
    };
    await expect(s.again({ step }).takeBack(ask)).rejects.toThrow("crash at");
    const later = s.run("commit-tree", `${ask.merge}^{tree}`, "-p", ask.merge, "-m", "later");
    s.run("update-ref", "refs/heads/main", later);
    expect(await s.again().takeBack(ask)).toEqual({ moved: later });
    expect(s.run("status", "--porcelain")).toBe(" M b.txt");
    expect(text(s, "a.txt") + text(s, "new/file.txt")).toBe("A\nnew\n");
  });

  test("is refused before anything changes where the user's edits are in the way", async () => {
    const { s, ask } = await landedScene(back);
    s.write("a.txt", "mine\n");
    const refused = no(await s.git.takeBack(ask));
    expect(refused.paths).toEqual(["a.txt"]);
    s.write("a.txt", "A\n");
    s.write("dir/c.txt", "ignored or not, mine\n");
    expect(no(await s.git.takeBack(ask)).refused).toContain("in the way");
    expect([text(s, "dir/c.txt"), s.run("rev-parse", "main")]).toEqual(["ignored or not, mine\n", ask.merge]);
  });
});

test("what is on a tag, another branch or a remote is not moved away", async () => {
  const { s, ask } = await landedScene(true);
  expect(await s.git.onlyTip("main", ask.merge)).toBe(true);
  for (const ref of ["refs/tags/v1", "refs/heads/other", "refs/remotes/origin/main"]) {
    s.run("update-ref", ref, ask.merge);
    expect(await s.git.onlyTip("main", ask.merge)).toBe(false);
    s.run("update-ref", "-d", ref);
  }
  expect(await s.git.onlyTip("main", s.run("rev-parse", "main^"))).toBe(false);
});

test.each(["refs/tags/v1", "refs/heads/other", "refs/remotes/origin/main"])(
  "what came to be on %s since that was decided is not moved away, nor half moved",
  async (name) => {
    const { s, ask } = await landedScene(true);
    s.run("update-ref", name, ask.merge);
    expect(await s.git.takeBack(ask)).toEqual({ moved: ask.merge });
    s.run("update-ref", "-d", name);
    let count = 0;
    const step = (): void => {
      count += 1;
      if (count === 4) throw new Error("crash");
    };
    await expect(s.again({ step }).takeBack(ask)).rejects.toThrow("crash");
    s.run("update-ref", name, ask.merge);
    expect(await s.again().takeBack(ask)).toEqual({ moved: ask.merge });
    expect(s.run("rev-parse", "main")).toBe(ask.merge);
    expect([s.run("status", "--porcelain"), s.at("../second", "status", "--porcelain")]).toEqual([
      " M b.txt",
      " M b.txt",
    ]);
    expect(text(s, "a.txt") + text(s, "new/file.txt")).toBe("A\nnew\n");
  },
);
