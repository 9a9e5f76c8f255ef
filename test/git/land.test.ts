import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, utimesSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { no, ready, scene, yes } from "./scratch.ts";
import type { Scene } from "./scratch.ts";

const text = (at: Scene, path: string): string => readFileSync(join(at.top, path), "utf8");

/** Everything that a refused landing must leave alone. */
const picture = (at: Scene): string =>
  [
    "status --porcelain=v2 --ignored",
    "rev-parse main",
    "diff HEAD",
    "diff --cached",
    "ls-files -s",
    "for-each-ref refs/lanes/landed",
  ]
    .map((args) => at.run(...args.split(" ")))
    .join("\n");

test("a landing moves the target, its checkout, the backup and the landed ref, and says so in the reflog", async () => {
  const s = await scene();
  const ask = await ready(s, "one", { "a.txt": "A\n", "dir/c.txt": undefined, "new/deep/file.txt": "new\n" });
  expect(await s.git.land(ask)).toEqual({ landed: true });
  expect(s.run("status", "--porcelain")).toBe("");
  expect([text(s, "a.txt"), text(s, "new/deep/file.txt"), existsSync(join(s.top, "dir"))]).toEqual([
    "A\n",
    "new\n",
    false,
  ]);
  expect(s.run("for-each-ref", "--format=%(refname) %(objectname)", "refs/lanes")).toBe(
    [
      `refs/lanes/backup/one/1 ${ask.onto}`,
      `refs/lanes/base/one ${ask.onto}`,
      `refs/lanes/landed/one ${ask.head}`,
    ].join("\n"),
  );
  expect(s.run("reflog", "show", "--format=%gs", "-1", "main")).toBe("lanes: land one");
  expect(s.run("log", "-1", "--format=%P", "main")).toBe(`${ask.onto} ${ask.head}`);
  expect(s.run("fsck", "--no-dangling")).toBe("");
  expect(existsSync(join(s.layout.common, "lanekeeper-landing"))).toBe(false);
});

test("edits, staged edits and new files that the landing does not touch stay byte for byte", async () => {
  const s = await scene();
  const ask = await ready(s, "one", { "a.txt": "A\n" });
  s.write("b.txt", "my edit\n");
  s.write("dir/c.txt", "staged\n");
  s.run("add", "dir/c.txt");
  s.write("dir/c.txt", "and edited again\n");
  s.write("untracked.txt", "mine\n");
  const before = s.run("status", "--porcelain");
  expect(await s.git.land(ask)).toEqual({ landed: true });
  expect(s.run("status", "--porcelain")).toBe(before);
  expect(text(s, "b.txt") + text(s, "dir/c.txt") + text(s, "untracked.txt")).toBe("my edit\nand edited again\nmine\n");
  expect(s.run("show", ":dir/c.txt")).toBe("staged");
});

test("a file that was touched but not changed is no edit", async () => {
  const s = await scene();
  const ask = await ready(s, "one", { "a.txt": "A\n" });
  utimesSync(join(s.top, "a.txt"), 1, 1);
  expect(await s.git.land(ask)).toEqual({ landed: true });
});

interface Refusal {
  readonly name: string;
  readonly files: Readonly<Record<string, string | undefined>>;
  readonly prepare: (s: Scene) => void;
  readonly paths: readonly string[];
  readonly words: string;
}

const refusals: readonly Refusal[] = [
  {
    name: "edited files that it would change, all named",
    files: { "a.txt": "A\n", "dir/c.txt": "C\n", "b.txt": "b\n" },
    prepare: (s) => {
      s.write("a.txt", "mine\n");
      s.write("dir/c.txt", "mine too\n");
      s.write("b.txt", "not in the way\n");
    },
    paths: ["a.txt", "dir/c.txt"],
    words: "your edits",
  },
  {
    name: "a staged file that it would change",
    files: { "a.txt": "A\n" },
    prepare: (s) => {
      s.write("a.txt", "mine\n");
      s.run("add", "a.txt");
    },
    paths: ["a.txt"],
    words: "your edits",
  },
  {
    name: "an edited file that it would delete",
    files: { "a.txt": undefined },
    prepare: (s) => s.write("a.txt", "mine\n"),
    paths: ["a.txt"],
    words: "your edits",
  },
  {
    name: "an edited file that git was told to take for unchanged",
    files: { "a.txt": "A\n" },
    prepare: (s) => {
      s.run("update-index", "--assume-unchanged", "a.txt");
      s.write("a.txt", "mine\n");
    },
    paths: [],
    words: "your edits",
  },
  {
    name: "an untracked file where it adds one",
    files: { "new.txt": "new\n" },
    prepare: (s) => s.write("new.txt", "mine\n"),
    paths: ["new.txt"],
    words: "in the way",
  },
  {
    name: "an ignored file where it adds one",
    files: { ".env": "EXAMPLE=1\n" },
    prepare: (s) => {
      appendFileSync(join(s.top, ".git/info/exclude"), ".env\n");
      s.write(".env", "SECRET=1\n");
    },
    paths: [".env"],
    words: "in the way",
  },
  {
    name: "an ignored file where it adds a folder",
    files: { "out/file.txt": "new\n" },
    prepare: (s) => {
      appendFileSync(join(s.top, ".git/info/exclude"), "/out\n");
      s.write("out", "mine\n");
    },
    paths: ["out"],
    words: "in the way",
  },
  {
    name: "ignored files in a folder where it adds a file",
    files: { out: "new\n" },
    prepare: (s) => {
      appendFileSync(join(s.top, ".git/info/exclude"), "/out\n");
      s.write("out/deep/cache.bin", "mine\n");
    },
    paths: ["out/deep/cache.bin"],
    words: "in the way",
  },
  {
    name: "a link where it adds a folder",
    files: { "out/file.txt": "new\n" },
    prepare: (s) => {
      appendFileSync(join(s.top, ".git/info/exclude"), "/out\n");
      symlinkSync(s.home, join(s.top, "out"));
    },
    paths: ["out"],
    words: "in the way",
  },
];

test.each(refusals)(
  "a landing is refused, and nothing has changed, for $name",
  async ({ files, prepare, paths, words }) => {
    const s = await scene();
    const ask = await ready(s, "one", files);
    prepare(s);
    const before = picture(s);
    const said = no(await s.git.land(ask));
    expect([said.code, said.paths]).toEqual([4, paths]);
    expect(said.refused).toContain(words);
    expect(picture(s)).toBe(before);
    // The verified merge is kept until it can land.
    expect(s.run("rev-parse", "refs/lanes/candidate/one")).toBe(ask.commit);
  },
);

test("an empty folder where it adds a file, and a tracked file that becomes a folder, are not in the way", async () => {
  const s = await scene();
  const ask = await ready(s, "one", { "new.txt": "new\n", "a.txt": undefined, "a.txt/inner": "inner\n" });
  mkdirSync(join(s.top, "new.txt"));
  expect(await s.git.land(ask)).toEqual({ landed: true });
  expect(text(s, "a.txt/inner")).toBe("inner\n");
  expect(s.run("status", "--porcelain")).toBe("");
});

const operations: readonly (readonly [name: string, start: readonly string[]])[] = [
  ["merge", ["merge", "--no-commit", "--no-ff", "side"]],
  ["cherry-pick", ["cherry-pick", "clash"]],
  ["revert", ["revert", "HEAD~1"]],
  ["rebase", ["rebase", "clash"]],
  ["bisect", ["bisect", "start"]],
];

test.each(operations)("a landing is refused while the user is in the middle of a %s", async (name, start) => {
  const s = await scene();
  s.run("switch", "-q", "-c", "side");
  s.commit(".", { "side.txt": "side\n" });
  s.run("switch", "-q", "-c", "clash", "main");
  s.commit(".", { "b.txt": "clash\n" });
  s.run("switch", "-q", "main");
  s.commit(".", { "b.txt": "first\n" });
  s.commit(".", { "b.txt": "second\n" });
  const ask = await ready(s, "one", { "a.txt": "A\n" });
  s.attempt(...start);
  const before = picture(s);
  const said = no(await s.git.land(ask));
  expect([said.code, said.refused]).toEqual([4, `a ${name} is in progress in ${s.top}`]);
  expect(picture(s)).toBe(before);
});

test("a target that moved is reported with its new tip, and nothing else happens", async () => {
  const s = await scene();
  const ask = await ready(s, "one", { "a.txt": "A\n" });
  const later = s.commit(".", { "b.txt": "later\n" });
  const before = picture(s);
  expect(await s.git.land(ask)).toEqual({ moved: later });
  expect(picture(s)).toBe(before);
});

test("a lane that has other commits than those that were merged does not land", async () => {
  const s = await scene();
  const ask = await ready(s, "one", { "a.txt": "A\n" });
  s.commit(".worktrees/one", { "more.txt": "more\n" });
  const before = picture(s);
  expect(no(await s.git.land(ask)).code).toBe(4);
  expect(picture(s)).toBe(before);
});

test("every worktree that is on the target moves; one that is in the way stops the landing in all", async () => {
  const s = await scene();
  s.run("worktree", "add", "-q", "--force", "../second", "main");
  const ask = await ready(s, "one", { "a.txt": "A\n" });
  s.write("../second/a.txt", "mine\n");
  const before = picture(s);
  const said = no(await s.git.land(ask));
  expect(said.refused).toContain(join(s.home, "second"));
  expect(picture(s)).toBe(before);
  s.at("../second", "checkout", "-q", "a.txt");
  expect(await s.git.land(ask)).toEqual({ landed: true });
  expect([s.run("status", "--porcelain"), s.at("../second", "status", "--porcelain")]).toEqual(["", ""]);
  expect(text(s, "../second/a.txt")).toBe("A\n");
});

test("a worktree in which the target is being rebased stops the landing", async () => {
  const s = await scene();
  s.run("branch", "clash");
  s.commit(".", { "b.txt": "main\n" });
  s.run("switch", "-q", "clash");
  s.commit(".", { "b.txt": "clash\n" });
  s.run("worktree", "add", "-q", "../second", "main");
  const ask = await ready(s, "one", { "a.txt": "A\n" });
  expect(() => s.at("../second", "rebase", "clash")).toThrow("could not apply");
  expect(no(await s.git.land(ask)).refused).toContain("a rebase is in progress");
});

test("a detached checkout stays where it is; only refs move", async () => {
  const s = await scene();
  const ask = await ready(s, "one", { "a.txt": "A\n" });
  s.run("switch", "-q", "--detach");
  expect(await s.git.land(ask)).toEqual({ landed: true });
  expect([s.run("rev-parse", "HEAD"), s.run("rev-parse", "main"), text(s, "a.txt")]).toEqual([
    ask.onto,
    ask.commit,
    "a\n",
  ]);
});

test("a target that nobody has checked out lands by refs alone", async () => {
  const s = await scene();
  s.run("branch", "release/1");
  const ask = { ...(await ready(s, "one", { "a.txt": "A\n" })), target: "release/1" };
  s.write("a.txt", "my edit on main\n");
  expect(await s.git.land(ask)).toEqual({ landed: true });
  expect([s.run("rev-parse", "release/1"), s.run("rev-parse", "main")]).toEqual([ask.commit, ask.onto]);
  expect(text(s, "a.txt")).toBe("my edit on main\n");
});

test("a target that does not exist is refused", async () => {
  const s = await scene();
  const ask = { ...(await ready(s, "one", { "a.txt": "A\n" })), target: "nowhere" };
  expect(no(await s.git.land(ask)).code).toBe(4);
});

test("a worktree whose folder is gone does not stop a landing, a locked one does", async () => {
  const s = await scene();
  s.run("worktree", "add", "-q", "--force", "../second", "main");
  rmSync(join(s.home, "second"), { recursive: true });
  const ask = await ready(s, "one", { "a.txt": "A\n" });
  s.run("worktree", "lock", "../second");
  expect(no(await s.git.land(ask)).refused).toContain("cannot be reached");
  s.run("worktree", "unlock", "../second");
  expect(await s.git.land(ask)).toEqual({ landed: true });
});

test("a checkout with a submodule stays clean", async () => {
  const s = await scene();
  const other = join(s.home, "other");
  s.run("init", "-q", other);
  s.at("../other", "commit", "-q", "--allow-empty", "-m", "first");
  s.run("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", other, "sub");
  s.run("commit", "-q", "-m", "submodule");
  const ask = await ready(s, "one", { "a.txt": "A\n" });
  expect(await s.git.land(ask)).toEqual({ landed: true });
  expect(s.run("status", "--porcelain")).toBe("");
});

test("the second landing of a lane gets the second backup", async () => {
  const s = await scene();
  expect(await s.git.land(await ready(s, "one", { "a.txt": "A\n" }))).toEqual({ landed: true });
  expect(await s.git.land(await ready(s, "one", { "a.txt": "AA\n" }))).toEqual({ landed: true });
  expect(s.run("for-each-ref", "--format=%(refname)", "refs/lanes/backup")).toBe(
    "refs/lanes/backup/one/1\nrefs/lanes/backup/one/2",
  );
});

test("a merge that was lost with the control repository has to be built again", async () => {
  const s = await scene();
  const ask = await ready(s, "one", { "a.txt": "A\n" });
  rmSync(s.layout.state, { recursive: true });
  expect(await s.git.land(ask)).toEqual({ moved: ask.onto });
  const again = yes(await s.git.candidate({ ...ask, message: "Merge one", at: 1_700_000_000_000 }));
  expect(again.commit).toBe(ask.commit);
  expect(await s.git.land(ask)).toEqual({ landed: true });
});
