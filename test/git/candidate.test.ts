import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { parseConflict } from "../../src/git/candidate.ts";
import { contextOf } from "../../src/git/call.ts";
import { landedMerges } from "../../src/git/porcelain.ts";
import { no, ready, scene, yes } from "./scratch.ts";
import type { Scene } from "./scratch.ts";

/** Objects in the user's own store. */
const objects = (s: Scene): string => s.run("count-objects", "-v").split("\n")[0] ?? "";

/** A branch with one commit on top of `main`; no checkout is touched. */
const branch = (s: Scene, name: string, path: string, text: string): string => {
  s.run("worktree", "add", "-q", "--detach", `../${name}`, "main");
  return s.commit(`../${name}`, { [path]: text });
};

test("the same arguments give the same commit, in any process, without a trace in the user's repository", async () => {
  const s = await scene();
  const onto = s.run("rev-parse", "main");
  const head = branch(s, "one", "a.txt", "A\n");
  const before = [objects(s), s.run("for-each-ref")];
  const ask = { onto, head, message: "Merge one\n\nwith a body", at: 1_700_000_000_999 };
  const first = yes(await s.git.candidate(ask));
  rmSync(join(s.layout.state, "control.git"), { recursive: true });
  const second = yes(await s.again().candidate(ask));
  expect(second).toEqual(first);
  expect([objects(s), s.run("for-each-ref")]).toEqual(before);
  expect(s.attempt("cat-file", "-e", first.commit)).not.toBe(0);
  const shown = s.at(
    ".orchestration/control.git",
    "show",
    "-s",
    "--format=%P|%an <%ae>|%cn|%at|%ct|%ai|%B",
    first.commit,
  );
  expect(shown).toBe(
    `${onto} ${head}|Ada <ada@example.org>|Ada|1700000000|1700000000|2023-11-14 22:13:20 +0000|Merge one\n\nwith a body`,
  );
  expect(s.at(".orchestration/control.git", "rev-parse", `${first.commit}^{tree}`)).toBe(first.tree);
});

test("two processes make the control repository at the same time", async () => {
  const s = await scene();
  const onto = s.run("rev-parse", "main");
  const head = branch(s, "one", "a.txt", "A\n");
  const ask = { onto, head, message: "Merge", at: 0 };
  const made = await Promise.all([s.again().candidate(ask), s.again().candidate(ask)]);
  expect(yes(made[0] ?? {})).toEqual(yes(made[1] ?? {}));
  expect(readdirSync(s.layout.state)).toEqual(["control.git"]);
});

test("a control repository that borrows from another place is made anew", async () => {
  const s = await scene();
  const onto = s.run("rev-parse", "main");
  const head = branch(s, "one", "a.txt", "A\n");
  mkdirSync(join(s.layout.state, "control.git/objects/info"), { recursive: true });
  writeFileSync(join(s.layout.state, "control.git/objects/info/alternates"), "/nowhere\n");
  const { commit } = yes(await s.git.candidate({ onto, head, message: "Merge", at: 0 }));
  expect(await s.git.contains(commit, head)).toBe(true);
});

test("a head that the target contains already, or that contains the target, still makes a merge of two parents", async () => {
  const s = await scene();
  const onto = s.run("rev-parse", "main");
  const head = branch(s, "one", "a.txt", "A\n");
  for (const [target, lane] of [
    [onto, head],
    [head, onto],
  ] as const) {
    const { commit } = yes(await s.git.candidate({ onto: target, head: lane, message: "Merge", at: 0 }));
    expect(s.at(".orchestration/control.git", "cat-file", "-p", commit)).toContain(`parent ${target}\nparent ${lane}`);
  }
});

test("a conflict names its files and kinds", async () => {
  const s = await scene();
  s.run("worktree", "add", "-q", "--detach", "../one", "main");
  s.at("../one", "rm", "-q", "b.txt");
  const head = s.commit("../one", { "a.txt": "one\n", 'new\nline "x".txt': "one\n" });
  const onto = s.commit(".", { "a.txt": "main\n", "b.txt": "main\n", 'new\nline "x".txt': "main\n" });
  const said = no(await s.git.candidate({ onto, head, message: "Merge", at: 0 }));
  expect([said.code, said.paths]).toEqual([2, ["a.txt", "b.txt", 'new\nline "x".txt']]);
  expect(said.refused).toBe("3 files in conflict (contents, modify/delete)");
});

test("an answer of git about conflicts is read field by field", () => {
  const text =
    "tree\u0000100644 1 1\ta\u0000100644 2 2\ta\u0000\u00002\u0000x\u0000y\u0000CONFLICT (rename/rename)\u0000words\n\u00001\u0000a\u0000Auto-merging\u0000Auto-merging a\n\u0000";
  expect(parseConflict(text)).toEqual({ paths: ["a", "x", "y"], kinds: ["rename/rename"] });
});

test("histories that have nothing in common do not merge", async () => {
  const s = await scene();
  const onto = s.run("rev-parse", "main");
  const head = s.run("commit-tree", `${onto}^{tree}`, "-m", "another root");
  expect(no(await s.git.candidate({ onto, head, message: "Merge", at: 0 })).refused).toBe(
    "the two have no common history",
  );
});

/** A `git` that dies at `merge-tree`, always or unless directory renames are off. */
const dyingGit = (s: Scene, always: boolean): NodeJS.ProcessEnv => {
  const tools = join(s.home, "tools");
  mkdirSync(tools);
  const off = always ? "" : 'env | grep -q "^GIT_CONFIG_KEY_.*=merge.directoryRenames" || ';
  const script = `#!/bin/sh\ncase " $* " in *" merge-tree "*) ${off}kill -ABRT $$;; esac\nexec /usr/bin/env PATH="${s.env["PATH"]}" git "$@"\n`;
  writeFileSync(join(tools, "git"), script, { mode: 0o755 });
  return { ...s.env, PATH: `${tools}:${s.env["PATH"]}` };
};

test("when git dies on a merge a plainer one is made; when that dies too it is a no", async () => {
  const s = await scene();
  const onto = s.run("rev-parse", "main");
  const ask = { onto, head: branch(s, "one", "a.txt", "A\n"), message: "Merge", at: 0 };
  const made = await s.again({ env: dyingGit(s, false) }).candidate(ask);
  expect(made).toEqual(await s.git.candidate(ask));
  rmSync(join(s.home, "tools"), { recursive: true });
  const said = no(await s.again({ env: dyingGit(s, true) }).candidate(ask));
  expect([said.code, said.refused]).toEqual([2, "git itself failed on this pair: SIGABRT"]);
});

test("a .gitattributes that is edited in the checkout does not change a merge", async () => {
  const s = await scene();
  const head = branch(s, "one", "a.txt", "one\n");
  const onto = s.commit(".", { "a.txt": "main\n" });
  s.write(".gitattributes", "a.txt merge=union\n");
  expect(no(await s.git.candidate({ onto, head, message: "Merge", at: 0 })).paths).toEqual(["a.txt"]);
});

test("a base has what its lanes made, is published, and is the same when asked again", async () => {
  const s = await scene();
  const onto = s.run("rev-parse", "main");
  const heads = [branch(s, "one", "one.txt", "1\n"), branch(s, "two", "two.txt", "2\n")];
  const { base } = yes(await s.git.baseFor(onto, heads));
  expect(s.run("ls-tree", "--name-only", base, "one.txt", "two.txt")).toBe("one.txt\ntwo.txt");
  expect(s.run("fsck", "--no-dangling", "--connectivity-only")).toBe("");
  expect(await s.again().baseFor(onto, heads)).toEqual({ base });
  expect(await s.git.baseFor(base, heads)).toEqual({ base });
  expect(await s.git.baseFor(onto, [])).toEqual({ base: onto });
  const { path } = yes(await s.git.openLane("three", base));
  expect(existsSync(join(path, "two.txt"))).toBe(true);
});

test.each(["as files", "in a pack", "in part there", "for a group"])(
  "what was made in advance, %s, is whole in the user's repository without the control repository",
  async (how) => {
    const s = await scene();
    const control = ".orchestration/control.git";
    const head = branch(s, "one", "deep/in/one.txt", "1\n");
    const onto = s.commit(".", { "deep/in/main.txt": "main\n" });
    const made = yes(await s.git.candidate({ onto, head, message: "Merge", at: 0 }));
    if (how === "in a pack") {
      s.at(control, "update-ref", "refs/heads/kept", made.commit);
      s.at(control, "repack", "-q", "-a", "-d", "-l");
    }
    // An object that nothing leads to, as a call leaves it that was killed.
    if (how === "in part there") {
      const file = join("objects", made.tree.slice(0, 2), made.tree.slice(2));
      cpSync(join(s.layout.state, "control.git", file), join(s.layout.common, file), { recursive: true });
    }
    if (how === "for a group") s.run("config", "core.sharedRepository", "group");
    const file = join("objects", made.commit.slice(0, 2), made.commit.slice(2));
    if (how === "as files") utimesSync(join(s.layout.state, "control.git", file), 1000, 1000);
    const path = await s.git.verification(0, made.commit);
    // Neither an old object, which git's collector might take, nor in such a repository one that is not the group's.
    const seen = statSync(join(s.layout.common, file));
    expect([seen.nlink, Date.now() - seen.mtimeMs < 600_000]).toEqual([
      how === "as files" || how === "in part there" ? 2 : 1,
      true,
    ]);
    expect(readFileSync(join(path, "deep/in/one.txt"), "utf8")).toBe("1\n");
    rmSync(join(s.layout.state, "control.git"), { recursive: true });
    expect(s.run("fsck", "--no-dangling", made.commit)).toBe("");
    expect(s.run("rev-parse", `${made.commit}:deep/in`)).toMatch(/^[0-9a-f]{40}$/);
    expect(await s.again().verification(1, made.commit)).toBe(join(s.layout.state, "verify/1"));
    await expect(s.again().verification(2, "0".repeat(39) + "1")).rejects.toThrow(
      `the merge ${"0".repeat(39)}1 is lost`,
    );
  },
);

test("what a power cut left empty is lost, and made anew", async () => {
  const s = await scene();
  const head = branch(s, "one", "deep/one.txt", "1\n");
  const onto = s.commit(".", { "deep/main.txt": "main\n" });
  const ask = { onto, head, message: "Merge", at: 0 };
  const made = yes(await s.git.candidate(ask));
  const file = join(s.layout.state, "control.git/objects", made.tree.slice(0, 2), made.tree.slice(2));
  rmSync(file);
  writeFileSync(file, "");
  await expect(s.git.verification(0, made.commit)).rejects.toThrow(`the merge ${made.commit} is lost`);
  expect(yes(await s.git.candidate(ask))).toEqual(made);
  const path = await s.git.verification(0, made.commit);
  expect(readFileSync(join(path, "deep/one.txt"), "utf8")).toBe("1\n");
  expect(s.run("fsck", "--no-dangling")).toBe("");
});

test("a base of lanes that conflict is a no with the files", async () => {
  const s = await scene();
  const onto = s.run("rev-parse", "main");
  const heads = [branch(s, "one", "a.txt", "1\n"), branch(s, "two", "a.txt", "2\n")];
  expect(no(await s.git.baseFor(onto, heads)).paths).toEqual(["a.txt"]);
});

test("what is not an object name never reaches git", async () => {
  const s = await scene();
  const onto = s.run("rev-parse", "main");
  const ask = { onto, message: "Merge", at: 0 };
  for (const head of ["main", "--output=x", "", "HEAD^{/x}"]) {
    await expect(s.git.candidate({ ...ask, head })).rejects.toThrow("not an object name");
    await expect(s.git.contains(onto, head)).rejects.toThrow("not an object name");
    await expect(s.git.openLane("one", head)).rejects.toThrow("not an object name");
    await expect(s.git.verification(0, head)).rejects.toThrow("not an object name");
  }
});

test("a worktree for checks has exactly the commit, keeps ignored files and is on no branch", async () => {
  const s = await scene();
  s.commit(".", { ".gitignore": "cache/\n" });
  const ask = await ready(s, "one", { "a.txt": "A\n", "b.txt": undefined });
  const path = await s.git.verification(0, ask.commit);
  expect(path).toBe(join(s.layout.state, "verify/0"));
  const inside = (...args: readonly string[]): string => s.at(".orchestration/verify/0", ...args);
  s.write(".orchestration/verify/0/cache/warm", "warm");
  s.write(".orchestration/verify/0/junk/x", "junk");
  inside("init", "-q", "nested");
  s.write(".orchestration/verify/0/a.txt", "broken by a check\n");
  inside("switch", "-q", "-c", "made-by-a-check");
  writeFileSync(join(s.layout.common, "worktrees/0/index.lock"), "");
  expect(await s.git.verification(0, ask.onto)).toBe(path);
  expect([inside("status", "--porcelain"), inside("rev-parse", "HEAD"), inside("branch", "--show-current")]).toEqual([
    "",
    ask.onto,
    "",
  ]);
  expect(readFileSync(join(path, "a.txt"), "utf8") + readFileSync(join(path, "cache/warm"), "utf8")).toBe("a\nwarm");
  expect([existsSync(join(path, "junk")), existsSync(join(path, "nested"))]).toEqual([false, false]);
  expect(s.run("rev-parse", "made-by-a-check")).toBe(ask.commit);
});

const wrecks: readonly (readonly [name: string, wreck: (s: Scene, path: string) => void])[] = [
  ["its folder is gone", (_s, path) => rmSync(path, { recursive: true })],
  ["git forgot it", (s) => rmSync(join(s.layout.common, "worktrees/0"), { recursive: true })],
  ["its .git file is gone", (_s, path) => rmSync(join(path, ".git"))],
  ["its .git file names another place", (_s, path) => writeFileSync(join(path, ".git"), "gitdir: /nowhere\n")],
  ["its index is gone", (s) => rmSync(join(s.layout.common, "worktrees/0/index"))],
  [
    "its HEAD is no commit",
    (s) => writeFileSync(join(s.layout.common, "worktrees/0/HEAD"), "ref: refs/heads/nowhere\n"),
  ],
];

test.each(wrecks)("a worktree for checks is repaired when %s", async (_name, wreck) => {
  const s = await scene();
  const ask = await ready(s, "one", { "a.txt": "A\n" });
  const path = await s.git.verification(0, ask.onto);
  wreck(s, path);
  expect(await s.git.verification(0, ask.commit)).toBe(path);
  expect(s.at(".orchestration/verify/0", "status", "--porcelain", "--branch")).toBe("## HEAD (no branch)");
  expect(readFileSync(join(path, "a.txt"), "utf8")).toBe("A\n");
});

test("a worktree for checks that died at any step is repaired", async () => {
  const s = await scene();
  const ask = await ready(s, "one", { "a.txt": "A\n" });
  for (const last of ["verify:listed", "verify:written"]) {
    const step = (name: string): void => {
      if (name === last) throw new Error("crash");
    };
    await expect(s.again({ step }).verification(1, ask.onto)).rejects.toThrow("crash");
    const path = await s.git.verification(1, ask.commit);
    expect(readFileSync(join(path, "a.txt"), "utf8")).toBe("A\n");
  }
});

test("two slots hold two merges at once", async () => {
  const s = await scene();
  const ask = await ready(s, "one", { "a.txt": "A\n" });
  const paths = await Promise.all([s.git.verification(0, ask.commit), s.git.verification(1, ask.onto)]);
  expect(paths.map((path) => readFileSync(join(path, "a.txt"), "utf8"))).toEqual(["A\n", "a\n"]);
});

test("the merges that landed are listed, newest first", async () => {
  const s = await scene();
  await s.git.land(await ready(s, "one", { "a.txt": "A\n" }));
  await s.git.land(await ready(s, "two", { "b.txt": "B\n" }));
  const merges = await landedMerges(
    contextOf(s.layout, s.env, () => undefined),
    s.run("rev-parse", "main"),
    10,
  );
  expect(merges.map(({ subject, at }) => [subject, at])).toEqual([
    ["Merge two", 1_700_000_000_000],
    ["Merge one", 1_700_000_000_000],
  ]);
});

test("a count that would lead a parse backwards ends it", () => {
  const told = ["a".repeat(40), "100644 b 1\ta.txt", "", "-3", "a.txt", "CONFLICT (contents)", "text\n", ""].join("\0");
  expect(parseConflict(told)).toEqual({ paths: ["a.txt"], kinds: [] });
});

test("the person's hooks run from a place of theirs only, never from the tree that is to land", async () => {
  const s = await scene();
  const trap = join(s.home, "trap");
  const hook = join(s.top, "hooks/commit-msg");
  s.write("hooks/commit-msg", `#!/bin/sh\ntouch '${trap}'\n`);
  chmodSync(hook, 0o755);
  s.run("add", "--all");
  s.run("-c", "core.hooksPath=/dev/null", "commit", "--quiet", "--message", "hooks");
  for (const value of ["hooks", "./hooks", "../900/hooks"]) {
    s.run("config", "--global", "core.hooksPath", value);
    await ready(s, `lane-${value.length}`, { [`${value.length}.txt`]: "x\n" });
    expect(existsSync(trap)).toBe(false);
  }
  s.run("config", "--global", "core.hooksPath", "~/project/hooks");
  await ready(s, "own", { "own.txt": "x\n" });
  expect(existsSync(trap)).toBe(true);
});

test("a trial asks no hook and no signer, and finds the same tree", async () => {
  const s = await scene();
  const trap = join(s.home, "trap");
  mkdirSync(join(s.home, "hooks"));
  for (const name of ["hooks/commit-msg", "hooks/pre-merge-commit", "signer"]) {
    writeFileSync(join(s.home, name), `#!/bin/sh\ntouch '${trap}'\nexit 1\n`);
    chmodSync(join(s.home, name), 0o755);
  }
  const ask = await ready(s, "one", { "a.txt": "A\n" });
  const tree = s.run("rev-parse", "lane/one/work^{tree}");
  s.run("config", "--global", "core.hooksPath", join(s.home, "hooks"));
  const wishes = [{}, { strategy: "squash" }, { strategy: "rebase" }] as const;
  const signer = (): string => s.run("config", "--global", "core.hooksPath", "/dev/null");
  const { onto, head } = ask;
  for (const prepare of [(): string => "", signer]) {
    prepare();
    s.run("config", "--global", "commit.gpgSign", "true");
    s.run("config", "--global", "gpg.program", join(s.home, "signer"));
    for (const wish of wishes) {
      expect(yes(await s.git.candidate({ onto, head, message: "Trial", at: 0, trial: true, ...wish })).tree).toBe(tree);
    }
    const back = { onto: head, from: onto, to: head, message: "Undo", at: 0 };
    expect(yes(await s.git.reverted({ ...back, trial: true })).tree).toBe(s.run("rev-parse", `${onto}^{tree}`));
    expect(existsSync(trap)).toBe(false);
    expect(no(await s.git.reverted(back)).code).toBe(4);
    expect(existsSync(trap)).toBe(true);
    rmSync(trap);
  }
});
