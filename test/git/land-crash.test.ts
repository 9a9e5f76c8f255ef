import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { no, ready, scene } from "./scratch.ts";
import type { Ready, Scene } from "./scratch.ts";

const text = (at: Scene, path: string): string => readFileSync(join(at.top, path), "utf8");

/** Land with a driver that dies at the n-th step. True when there was such a step. */
const crash = async (at: Scene, ask: Ready, n: number): Promise<boolean> => {
  let count = 0;
  const step = (name: string): void => {
    count += 1;
    if (count === n) throw new Error(`crash at ${name}`);
  };
  try {
    await at.again({ step }).land(ask);
    return false;
  } catch (error) {
    if (!String(error).includes("crash at")) throw error;
    return true;
  }
};

/** Two checkouts of `main`, edits of the user in both, and a lane that adds, changes and deletes files. */
const busyScene = async (): Promise<{ s: Scene; ask: Ready }> => {
  const s = await scene();
  s.run("worktree", "add", "-q", "--force", "../second", "main");
  s.write("b.txt", "my edit\n");
  s.write("../second/b.txt", "my other edit\n");
  const ask = await ready(s, "one", { "a.txt": "A\n", "dir/c.txt": undefined, "new/file.txt": "new\n" });
  return { s, ask };
};

/** What the user sees in both checkouts: nothing but their own edits. */
const expectOnlyEdits = (s: Scene): void => {
  expect([s.run("status", "--porcelain"), s.at("../second", "status", "--porcelain")]).toEqual([
    " M b.txt",
    " M b.txt",
  ]);
  expect(text(s, "b.txt") + text(s, "../second/b.txt")).toBe("my edit\nmy other edit\n");
};

/** Notes of landings that did not end. */
const notes = (s: Scene): readonly string[] =>
  [s.layout.common, join(s.layout.common, "worktrees/second")].filter((folder) =>
    existsSync(join(folder, "lanekeeper-landing")),
  );

const steps = [1, 2, 3, 4, 5, 6];

describe("a landing that dies at a step and is asked for again", () => {
  test("has these steps with two checkouts", async () => {
    const { s, ask } = await busyScene();
    const names: string[] = [];
    await s.again({ step: (name) => void names.push(name) }).land(ask);
    expect(names).toEqual([
      "land:published",
      "land:marked",
      "land:written",
      "land:marked",
      "land:written",
      "land:moved",
    ]);
  });

  test.each(steps)("lands once, wholly (step %i)", async (n) => {
    const { s, ask } = await busyScene();
    expect(await crash(s, ask, n)).toBe(true);
    expect(await s.again().land(ask)).toEqual({ landed: true });
    expect(s.run("rev-parse", "main")).toBe(ask.commit);
    expectOnlyEdits(s);
    expect(text(s, "a.txt") + text(s, "../second/new/file.txt")).toBe("A\nnew\n");
    expect(s.run("for-each-ref", "--format=%(refname)", "refs/lanes/backup", "refs/lanes/candidate")).toBe(
      "refs/lanes/backup/one/1",
    );
    expect(await s.again().land(ask)).toEqual({ landed: true });
    expect(notes(s)).toEqual([]);
  });

  test.each(steps.slice(0, 5))(
    "leaves nothing behind when the target moved meanwhile without files (step %i)",
    async (n) => {
      const { s, ask } = await busyScene();
      expect(await crash(s, ask, n)).toBe(true);
      const tree = s.run("rev-parse", `${ask.onto}^{tree}`);
      const later = s.run("commit-tree", tree, "-p", ask.onto, "-m", "later");
      s.run("update-ref", "refs/heads/main", later);
      expect(await s.again().land(ask)).toEqual({ moved: later });
      expectOnlyEdits(s);
      expect(text(s, "a.txt") + text(s, "dir/c.txt")).toBe("a\nc\n");
      expect(notes(s)).toEqual([]);
    },
  );

  test.each(steps.slice(0, 5))("leaves nothing behind when the user committed meanwhile (step %i)", async (n) => {
    const { s, ask } = await busyScene();
    expect(await crash(s, ask, n)).toBe(true);
    s.write("mine.txt", "mine\n");
    s.run("add", "mine.txt");
    s.run("commit", "-q", "-m", "mine", "--only", "mine.txt");
    const later = s.run("rev-parse", "main");
    expect(await s.again().land(ask)).toEqual({ moved: later });
    expect(s.run("status", "--porcelain")).toBe(" M b.txt");
    expect(s.run("show", "--format=", "--name-only", "main")).toBe("mine.txt");
    expect(text(s, "a.txt") + text(s, "mine.txt")).toBe("a\nmine\n");
  });

  test("keeps what the user committed together with the landed files", async () => {
    const { s, ask } = await busyScene();
    expect(await crash(s, ask, 3)).toBe(true);
    s.run("commit", "-q", "-m", "all that is staged");
    const later = s.run("rev-parse", "main");
    expect(await s.again().land(ask)).toEqual({ moved: later });
    expect(s.run("status", "--porcelain")).toBe(" M b.txt");
    expect(text(s, "a.txt")).toBe("A\n");
  });

  test("does not follow the user to another branch", async () => {
    const { s, ask } = await busyScene();
    expect(await crash(s, ask, 3)).toBe(true);
    s.run("switch", "-q", "-c", "elsewhere");
    expect(await s.again().land(ask)).toEqual({ landed: true });
    expect([s.run("status", "--porcelain"), text(s, "a.txt")]).toEqual([" M b.txt", "a\n"]);
    expect(s.run("rev-parse", "main")).toBe(ask.commit);
  });

  test("keeps edits that the user made in files that it had moved", async () => {
    const { s, ask } = await busyScene();
    expect(await crash(s, ask, 3)).toBe(true);
    s.write("a.txt", "edited after the crash\n");
    expect(await s.again().land(ask)).toEqual({ landed: true });
    expect(s.run("status", "--porcelain")).toBe(" M a.txt\n M b.txt");
    expect(text(s, "a.txt")).toBe("edited after the crash\n");
  });

  test("leaves alone what the user stages after the refs moved, even the files as they were before", async () => {
    const { s, ask } = await busyScene();
    expect(await crash(s, ask, 6)).toBe(true);
    s.write("a.txt", "a\n");
    s.run("add", "a.txt");
    s.commit("../second", { "later.txt": "later\n" });
    expect(await s.again().land(ask)).toEqual({ landed: true });
    expect([text(s, "a.txt"), s.run("show", ":a.txt")]).toEqual(["a\n", "a"]);
  });

  test("takes a note that was cut short for none", async () => {
    const { s, ask } = await busyScene();
    writeFileSync(join(s.layout.common, "lanekeeper-landing"), `${ask.onto} ${ask.commit.slice(0, 20)}`);
    expect(await s.again().land(ask)).toEqual({ landed: true });
    expectOnlyEdits(s);
  });

  test("says so when files that it had moved were edited since and the target moved", async () => {
    const { s, ask } = await busyScene();
    expect(await crash(s, ask, 3)).toBe(true);
    s.write("a.txt", "edited after the crash\n");
    const later = s.run("commit-tree", `${ask.onto}^{tree}`, "-p", ask.onto, "-m", "later");
    s.run("update-ref", "refs/heads/main", later);
    expect(no(await s.again().land(ask)).refused).toContain("interrupted landing");
    expect(text(s, "a.txt")).toBe("edited after the crash\n");
    s.write("a.txt", "A\n");
    expect(await s.again().land(ask)).toEqual({ moved: later });
    expectOnlyEdits(s);
  });
});

test("a target that moves between the files and the refs gets its files back", async () => {
  const { s, ask } = await busyScene();
  let later = "";
  const step = (name: string): void => {
    if (name !== "land:written" || later !== "") return;
    later = s.run("commit-tree", `${ask.onto}^{tree}`, "-p", ask.onto, "-m", "later");
    s.run("update-ref", "refs/heads/main", later);
  };
  expect(await s.again({ step }).land(ask)).toEqual({ moved: later });
  expectOnlyEdits(s);
  expect(text(s, "a.txt")).toBe("a\n");
});

test("a lane that moves between the files and the refs does not land", async () => {
  const { s, ask } = await busyScene();
  const step = (name: string): void => {
    if (name === "land:marked") s.at(".worktrees/one", "commit", "-q", "--allow-empty", "-m", "more");
  };
  expect(no(await s.again({ step }).land(ask)).code).toBe(4);
  expectOnlyEdits(s);
  expect([text(s, "a.txt"), s.run("rev-parse", "main")]).toEqual(["a\n", ask.onto]);
});

/** What a git leaves that was killed while it wrote files: some new, one cut short, one gone, the old index, its lock. */
const tear = (s: Scene): void => {
  s.write("new/file.txt", "ne");
  s.write("a.txt", "A\n");
  rmSync(join(s.top, "dir/c.txt"));
  writeFileSync(join(s.layout.common, "index.lock"), "");
};

test("files that a dying git left half written are taken back, then landed", async () => {
  const { s, ask } = await busyScene();
  expect(await crash(s, ask, 2)).toBe(true);
  tear(s);
  expect(await s.again().land(ask)).toEqual({ landed: true });
  expectOnlyEdits(s);
  expect(text(s, "new/file.txt")).toBe("new\n");
});

test("files that a dying git left half written are taken back when the target moved", async () => {
  const { s, ask } = await busyScene();
  expect(await crash(s, ask, 2)).toBe(true);
  tear(s);
  const later = s.run("commit-tree", `${ask.onto}^{tree}`, "-p", ask.onto, "-m", "later");
  s.run("update-ref", "refs/heads/main", later);
  expect(await s.again().land(ask)).toEqual({ moved: later });
  expectOnlyEdits(s);
  expect(text(s, "a.txt") + text(s, "dir/c.txt")).toBe("a\nc\n");
});

test("what the user wrote beside half-written files is theirs: nothing is taken back", async () => {
  const { s, ask } = await busyScene();
  expect(await crash(s, ask, 2)).toBe(true);
  tear(s);
  s.write("a.txt", "edited after the crash\n");
  const said = no(await s.again().land(ask));
  expect([said.code, said.paths]).toEqual([4, ["a.txt"]]);
  expect(text(s, "a.txt") + text(s, "new/file.txt")).toBe("edited after the crash\nne");
});
