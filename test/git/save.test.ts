import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { refOf } from "../../src/core/id.ts";
import { no, scene, yes } from "./scratch.ts";
import type { Scene } from "./scratch.ts";

const folder = ".worktrees/one";

const open = async (): Promise<Scene> => {
  const s = await scene();
  yes(await s.git.openLane("one", s.run("rev-parse", "main")));
  return s;
};

/** Everything of a worktree that a keeper must not change: git's notes of it, and its files. */
const stateOf = (s: Scene): string => {
  const admin = join(s.layout.common, "worktrees/one");
  const names = readdirSync(admin, { recursive: true, encoding: "utf8" }).toSorted();
  const texts = names.map((name) => {
    const path = join(admin, name);
    return `${name}:${lstatSync(path).isFile() ? readFileSync(path).toString("hex") : ""}`;
  });
  return [...texts, s.at(folder, "--no-optional-locks", "status", "--porcelain=v2", "--branch")].join("\n");
};

test("what is committed, staged, edited, new and hidden is under a ref, and the lane is as it was", async () => {
  const s = await open();
  s.commit(folder, { "work.txt": "committed\n" });
  s.write(`${folder}/a.txt`, "staged\n");
  s.at(folder, "add", "a.txt");
  s.write(`${folder}/a.txt`, "edited after that\n");
  s.write(`${folder}/new/é \n.txt`, "new\n");
  symlinkSync("../a.txt", join(s.top, folder, "new/link"));
  chmodSync(join(s.top, folder, "dir/c.txt"), 0o755);
  rmSync(join(s.top, folder, "work.txt"));
  s.at(folder, "update-index", "--assume-unchanged", "b.txt");
  s.write(`${folder}/b.txt`, "git was told not to look\n");
  const before = stateOf(s);
  const saved = yes(await s.git.saveLane("one"));
  expect(stateOf(s)).toBe(before);
  expect(saved).toMatchObject({ ref: "refs/lanes/trash/one/1", n: 1, nested: [] });
  expect(saved.head).toBe(s.run("rev-parse", "lane/one/work"));
  const show = (path: string): string => s.run("cat-file", "-p", `${saved.ref}:${path}`);
  expect([show("a.txt"), show("b.txt"), show("new/é \n.txt"), show("new/link")]).toEqual([
    "edited after that",
    "git was told not to look",
    "new",
    "../a.txt",
  ]);
  expect(s.run("ls-tree", "-r", saved.ref)).toMatch(/^100755 .*dir\/c.txt$/m);
  expect(s.attempt("cat-file", "-e", `${saved.ref}:work.txt`)).not.toBe(0);
  expect(s.run("cat-file", "-p", `${saved.ref}^2:a.txt`)).toBe("staged");
  expect(s.run("rev-parse", `${saved.ref}^1`)).toBe(saved.head);
});

test("what was written in the same tick as git's index is kept", async () => {
  const s = await open();
  s.run("config", "core.trustctime", "false");
  const [file, index] = [join(s.top, folder, "a.txt"), join(s.layout.common, "worktrees/one/index")];
  const tick = 1_700_000_000;
  utimesSync(file, tick, tick);
  s.at(folder, "update-index", "--refresh");
  utimesSync(index, tick, tick);
  writeFileSync(file, "A\n");
  utimesSync(file, tick, tick);
  const saved = yes(await s.git.saveLane("one"));
  expect(s.run("cat-file", "-p", `${saved.ref}:a.txt`)).toBe("A");
});

test("what was kept last is the same ref, other work is the next", async () => {
  const s = await open();
  s.write(`${folder}/a.txt`, "one\n");
  const first = yes(await s.git.saveLane("one"));
  expect(yes(await s.again().saveLane("one"))).toEqual(first);
  s.write(`${folder}/a.txt`, "two\n");
  const second = yes(await s.git.saveLane("one"));
  expect(second.n).toBe(2);
  s.write(`${folder}/a.txt`, "one\n");
  // What was kept last is what comes back: work that is as it was before is kept anew.
  const third = yes(await s.git.saveLane("one"));
  expect(third.n).toBe(3);
  const refs = s.run("for-each-ref", "--format=%(refname)", "refs/lanes/trash").split("\n");
  expect(refs).toEqual([first.ref, second.ref, third.ref]);
});

/** Two commits of the lane on a file that `main` changed as well, so that a rebase stops at the second. */
const stopped = async (): Promise<Scene> => {
  const s = await open();
  s.commit(folder, { "fine.txt": "fine\n" });
  s.commit(folder, { "a.txt": "lane\n" });
  s.commit(".", { "a.txt": "main\n" });
  expect(s.attempt("-C", folder, "rebase", "main")).toBe(1);
  return s;
};

test("in the middle of a rebase, HEAD, the branch, every side of the conflict and what is on disk are kept", async () => {
  const s = await stopped();
  s.write(`${folder}/a.txt`, "half resolved\n");
  s.write(`${folder}/new.txt`, "new\n");
  const before = stateOf(s);
  const saved = yes(await s.git.saveLane("one"));
  expect(stateOf(s)).toBe(before);
  const held = s.run("rev-list", "--objects", saved.ref);
  for (const wanted of [s.run("rev-parse", refOf("one")), s.at(folder, "rev-parse", "HEAD")])
    expect(held).toContain(wanted);
  const sides = s.at(folder, "ls-files", "--unmerged").split("\n");
  expect(sides.length).toBe(3);
  for (const side of sides) expect(held).toContain(side.split(" ")[1]);
  expect(s.run("cat-file", "-p", `${saved.ref}:a.txt`)).toBe("half resolved");
  expect(s.run("cat-file", "-p", `${saved.ref}:new.txt`)).toBe("new");
  expect(s.run("log", "-1", "--format=%b", saved.ref)).toContain("Busy: rebase");
});

test("in the middle of a merge, the other side is kept although no branch has it", async () => {
  const s = await open();
  s.commit(folder, { "a.txt": "lane\n" });
  s.run("switch", "--quiet", "--detach");
  const other = s.commit(".", { "a.txt": "other\n" });
  s.run("switch", "--quiet", "main");
  expect(s.attempt("-C", folder, "merge", other)).toBe(1);
  const saved = yes(await s.git.saveLane("one"));
  expect(s.run("rev-list", saved.ref)).toContain(other);
});

test("commits that only a reflog names are kept, and the branch beside a detached HEAD", async () => {
  const s = await open();
  const dropped = s.commit(folder, { "x.txt": "given up\n" });
  s.at(folder, "reset", "--quiet", "--hard", "HEAD~1");
  const branch = s.commit(folder, { "y.txt": "y\n" });
  s.at(folder, "switch", "--quiet", "--detach");
  const detached = s.commit(folder, { "z.txt": "z\n" });
  const saved = yes(await s.git.saveLane("one"));
  expect(saved.head).toBe(detached);
  const held = s.run("rev-list", saved.ref);
  for (const commit of [dropped, branch, detached]) expect(held).toContain(commit);
});

test("a branch without a worktree, and a worktree without its branch, are kept; nothing at all is a No", async () => {
  const s = await open();
  const tip = s.commit(folder, { "x.txt": "x\n" });
  s.run("worktree", "remove", join(s.top, folder));
  expect(yes(await s.git.saveLane("one"))).toMatchObject({ head: tip });
  s.run("worktree", "add", "--quiet", join(s.top, folder), "lane/one/work");
  s.write(`${folder}/new.txt`, "new\n");
  s.run("update-ref", "-d", refOf("one"));
  const saved = yes(await s.git.saveLane("one"));
  expect(saved.head).toBe(tip);
  expect(s.run("cat-file", "-p", `${saved.ref}:new.txt`)).toBe("new");
  expect(no(await s.git.saveLane("two")).refused).toBe("there is nothing of lane two to keep");
});

test("a repository inside the worktree is named, and keeps nobody from keeping the rest", async () => {
  const s = await open();
  for (const path of ["empty", "deep/full"]) {
    mkdirSync(join(s.top, folder, path), { recursive: true });
    execFileSync("git", ["init", "--quiet", "--template="], { cwd: join(s.top, folder, path), env: s.env });
  }
  s.commit(`${folder}/deep/full`, { "inner.txt": "inner\n" });
  s.write(`${folder}/deep/beside.txt`, "beside\n");
  const saved = yes(await s.git.saveLane("one"));
  expect(saved.nested).toEqual(["deep/full", "empty"]);
  expect(s.run("cat-file", "-p", `${saved.ref}:deep/beside.txt`)).toBe("beside");
});

test("a hook, a filter and a monitor of the repository's own do not run, nor does a setting stop it", async () => {
  const s = await open();
  const trap = join(s.home, "trapped");
  s.run("config", "filter.trap.clean", `touch ${trap}`);
  s.run("config", "core.fsmonitor", `touch ${trap}`);
  s.run("config", "core.safecrlf", "true");
  s.run("config", "commit.gpgSign", "true");
  s.write(`${folder}/.gitattributes`, "*.bin filter=trap\n*.txt text eol=lf\n");
  s.write(`${folder}/x.bin`, "bytes\n");
  s.write(`${folder}/crlf.txt`, "a\r\nb\n");
  const saved = yes(await s.git.saveLane("one"));
  expect(s.run("cat-file", "-p", `${saved.ref}:x.bin`)).toBe("bytes");
  expect(existsSync(trap)).toBe(false);
});

test("killed at any point, nothing is lost and the next call keeps it", async () => {
  const s = await open();
  s.write(`${folder}/a.txt`, "edited\n");
  for (const point of ["save:snapshot", "save:written"]) {
    const dying = s.again({
      step: (name) => {
        if (name === point) throw new Error("killed");
      },
    });
    await expect(dying.saveLane("one")).rejects.toThrow("killed");
  }
  expect(s.run("for-each-ref", "refs/lanes/trash")).toBe("");
  const saved = yes(await s.git.saveLane("one"));
  expect(s.run("cat-file", "-p", `${saved.ref}:a.txt`)).toBe("edited");
  expect(readdirSync(join(s.layout.common, "worktrees/one")).filter((name) => name.startsWith("lanekeeper"))).toEqual(
    [],
  );
});

test("what cannot be read is a No that names it", async () => {
  const s = await open();
  s.write(`${folder}/.gitattributes`, "*.odd working-tree-encoding=UTF-16\n");
  writeFileSync(join(s.top, folder, "x.odd"), Buffer.from([0xff]));
  const answer = no(await s.git.saveLane("one"));
  expect(answer.code).toBe(73);
  expect(answer.refused).toContain("x.odd");
});
