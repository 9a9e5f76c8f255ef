import { describe, expect, test } from "vitest";

import { isNo } from "../../src/core/observed.ts";
import type { Git } from "../../src/port.ts";

/** A repository with a commit on `main`, for one test. */
export interface GitPlace {
  readonly git: Git;
  /** What a second process would hold. */
  readonly other: () => Git;
  /** Commit one file in a lane, or on the target without one; answers the commit. */
  readonly commit: (lane: string | undefined, path: string, text: string) => string;
  /** Text of a file in the user's checkout, or undefined. */
  readonly read: (path: string) => string | undefined;
}

/** What every git for lanes has to do. */
export const gitContract = (name: string, make: () => Promise<GitPlace>): void => {
  describe(`git: ${name}`, () => {
    lanes(make);
    merges(make);
    landings(make);
  });
};

const headOf = async (git: Git, branch: string): Promise<string> => {
  const found = await git.tip(branch);
  return isNo(found) ? found.refused : found.head;
};

const lanes = (make: () => Promise<GitPlace>): void => {
  test("a lane opens where it is told, and opening it again changes nothing", async () => {
    const { git, other, commit } = await make();
    const base = await headOf(git, "main");
    const opened = await git.openLane("one", base);
    expect(opened).toMatchObject({ head: base });
    const head = commit("one", "x.txt", "x\n");
    expect(await other().openLane("one", base)).toEqual({ ...opened, head });
  });

  test("one look shows lanes, target and branches", async () => {
    const { git, commit } = await make();
    await git.openLane("one", await headOf(git, "main"));
    const head = commit("one", "x.txt", "x\n");
    const seen = await git.observe({ target: "main", status: ["one"] });
    expect(seen.target?.head).toBe(await headOf(git, "main"));
    expect(seen.lanes.get("one")).toMatchObject({ head, ahead: 1, behind: 0, worktree: "present", dirty: [] });
    expect(seen.branches.map((branch) => branch.name)).toContain("lane/one/work");
  });

  test("a lane with work stays, one without goes, and going twice is fine", async () => {
    const { git, commit } = await make();
    const base = await headOf(git, "main");
    await git.openLane("one", base);
    await git.openLane("two", base);
    commit("one", "x.txt", "x\n");
    expect((await git.closeLane("one", "main")).removed).toBe(false);
    expect((await git.closeLane("two", "main")).removed).toBe(true);
    expect((await git.closeLane("two", "main")).removed).toBe(true);
  });

  test("our folders are kept out of git once", async () => {
    const { git } = await make();
    await git.exclude();
    expect(await git.exclude()).toBe(false);
  });
};

const merges = (make: () => Promise<GitPlace>): void => {
  test("the same merge is the same commit, and contains both sides", async () => {
    const { git, other, commit } = await make();
    const onto = await headOf(git, "main");
    await git.openLane("one", onto);
    const head = commit("one", "x.txt", "x\n");
    const ask = { onto, head, message: "Merge one", at: 1_700_000_000_000 };
    const made = await git.candidate(ask);
    expect(await other().candidate(ask)).toEqual(made);
    const merge = isNo(made) ? made.refused : made.commit;
    expect([await git.contains(merge, head), await git.contains(head, merge)]).toEqual([true, false]);
    expect(await git.known([head, "0".repeat(40), merge])).toEqual(new Set([head, merge]));
    expect([...(await git.filesAt(merge, ""))]).toContainEqual(["x.txt", "x\n"]);
    expect(await git.changed(onto, head)).toEqual(["x.txt"]);
  });

  test("a conflict is a no with its paths", async () => {
    const { git, commit } = await make();
    await git.openLane("one", await headOf(git, "main"));
    const head = commit("one", "x.txt", "lane\n");
    const onto = commit(undefined, "x.txt", "main\n");
    const said = await git.candidate({ onto, head, message: "Merge one", at: 0 });
    expect(said).toMatchObject({ code: 2, paths: ["x.txt"] });
    expect(await git.baseFor(onto, [head])).toMatchObject({ code: 2, paths: ["x.txt"] });
  });
};

const landings = (make: () => Promise<GitPlace>): void => {
  test("a merge lands in the checkout, once, however often it is asked for", async () => {
    const { git, other, commit, read } = await make();
    const onto = await headOf(git, "main");
    await git.openLane("one", onto);
    const head = commit("one", "x.txt", "x\n");
    const made = await git.candidate({ onto, head, message: "Merge one", at: 0 });
    const merge = isNo(made) ? made.refused : made.commit;
    const ask = { lane: "one", target: "main", onto, commit: merge, head };
    expect(await git.land(ask)).toEqual({ landed: true });
    expect(await other().land(ask)).toEqual({ landed: true });
    expect([await headOf(git, "main"), read("x.txt")]).toEqual([merge, "x\n"]);
    expect((await git.closeLane("one", "main")).removed).toBe(true);
  });

  test("a target that moved is told, and nothing lands", async () => {
    const { git, commit, read } = await make();
    const onto = await headOf(git, "main");
    await git.openLane("one", onto);
    const head = commit("one", "x.txt", "x\n");
    const made = await git.candidate({ onto, head, message: "Merge one", at: 0 });
    const moved = commit(undefined, "y.txt", "y\n");
    const merge = isNo(made) ? made.refused : made.commit;
    expect(await git.land({ lane: "one", target: "main", onto, commit: merge, head })).toEqual({ moved });
    expect([await headOf(git, "main"), read("x.txt")]).toEqual([moved, undefined]);
  });
};
