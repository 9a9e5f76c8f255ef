import { spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { fileURLToPath } from "node:url";
import { join } from "node:path";

import { buildSync } from "esbuild";
import { describe, expect, test, vi } from "vitest";

import { branchOf } from "../../src/core/id.ts";
import { no, scene, yes } from "./scratch.ts";
import type { Scene } from "./scratch.ts";

const ids = Array.from({ length: 10 }, (_, index) => `lane-${index}`);

/** What is not as it should be with a lane: on its own branch, with all files, and nothing in git's way. */
const faultsOf = (s: Scene, lane: string): readonly string[] => {
  const status = s.at(`.worktrees/${lane}`, "status", "--porcelain", "--branch");
  const listed = s.run("worktree", "list", "--porcelain").match(new RegExp(`^worktree .*/\\.worktrees/${lane}$`, "gm"));
  const names = readdirSync(join(s.layout.common, "worktrees", lane));
  return [
    ...(status === `## lane/${lane}/work` ? [] : [status]),
    ...(listed?.length === 1 ? [] : ["not listed once"]),
    ...names.filter((name) => name.endsWith(".lock") || name === "locked"),
  ];
};

const tip = (s: Scene): string => s.run("rev-parse", "main");

test("ten lanes at once, three times over, all open", async () => {
  const s = await scene();
  for (const round of ["a", "b", "c"]) {
    const opened = await Promise.all(ids.map((id) => s.git.openLane(`${round}-${id}`, tip(s))));
    expect(opened.map((answer) => yes(answer).head)).toEqual(ids.map(() => tip(s)));
  }
  for (const round of ["a", "b", "c"]) for (const id of ids) expect(faultsOf(s, `${round}-${id}`)).toEqual([]);
});

test("opening writes nothing into the user's configuration and survives a held config.lock", async () => {
  const s = await scene();
  s.run("config", "branch.autoSetupMerge", "always");
  s.run("config", "branch.autoSetupRebase", "always");
  const config = readFileSync(join(s.layout.common, "config"), "utf8");
  const lock = join(s.layout.common, "config.lock");
  writeFileSync(lock, "");
  setTimeout(() => rmSync(lock, { force: true }), 1000);
  const opened = await Promise.all(ids.map((id) => s.git.openLane(id, tip(s))));
  expect(opened.every((answer) => "path" in answer)).toBe(true);
  expect(readFileSync(join(s.layout.common, "config"), "utf8")).toBe(config);
});

test("opening waits for a packed-refs.lock and a lock on its own branch's neighbours", async () => {
  const s = await scene();
  const lock = join(s.layout.common, "packed-refs.lock");
  writeFileSync(lock, "");
  setTimeout(() => rmSync(lock, { force: true }), 300);
  yes(await s.git.openLane("one", tip(s)));
  expect(faultsOf(s, "one")).toEqual([]);
});

test("opening again changes nothing: work in the lane stays", async () => {
  const s = await scene();
  const { path } = yes(await s.git.openLane("one", tip(s)));
  const head = s.commit(".worktrees/one", { "work.txt": "work\n" });
  writeFileSync(join(path, "a.txt"), "edited\n");
  writeFileSync(join(path, "untracked.txt"), "untracked\n");
  expect(await s.again().openLane("one", tip(s))).toMatchObject({ path, head });
  expect(
    s
      .at(".worktrees/one", "status", "--porcelain")
      .split("\n")
      .map((row) => row.trim()),
  ).toEqual(["M a.txt", "?? untracked.txt"]);
});

test("a branch with commits of its own is checked out, not moved", async () => {
  const s = await scene();
  s.run("switch", "-q", "-c", "lane/one/work");
  const head = s.commit(".", { "work.txt": "work\n" });
  s.run("switch", "-q", "main");
  expect(yes(await s.git.openLane("one", tip(s))).head).toBe(head);
  expect(existsSync(join(s.top, ".worktrees/one/work.txt"))).toBe(true);
  expect(faultsOf(s, "one")).toEqual([]);
});

test("a base without files makes an empty lane", async () => {
  const s = await scene();
  const tree = s.run("hash-object", "-t", "tree", "-w", "/dev/null");
  const base = s.run("commit-tree", tree, "-m", "empty");
  yes(await s.git.openLane("one", base));
  yes(await s.again().openLane("one", base));
  expect(faultsOf(s, "one")).toEqual([]);
});

const blockers: readonly (readonly [branch: string, hint: string])[] = [
  ["lane", "git branch -m lane lane-old"],
  ["lane/one", "git branch -m lane/one lane-one-old"],
  [`${branchOf("one")}/deeper`, `git branch -m ${branchOf("one")}/deeper lane-one-work-deeper-old`],
];

test.each(blockers)("a branch %s is in the way, and how to rename it is said", async (branch, hint) => {
  const s = await scene();
  s.run("branch", branch);
  const said = no(await s.git.openLane("one", tip(s)));
  expect([said.code, said.hint]).toEqual([4, `rename it: ${hint}`]);
  s.run(...hint.split(" ").slice(1));
  yes(await s.git.openLane("one", tip(s)));
});

test("a folder that git does not know is named and left alone; an empty one is used", async () => {
  const s = await scene();
  s.write(".worktrees/one/precious.txt", "precious\n");
  mkdirSync(join(s.top, ".worktrees/two"));
  const said = no(await s.git.openLane("one", tip(s)));
  expect([said.code, said.paths]).toEqual([4, [join(s.top, ".worktrees/one")]]);
  expect(readFileSync(join(s.top, ".worktrees/one/precious.txt"), "utf8")).toBe("precious\n");
  expect(s.attempt("rev-parse", "--verify", "lane/one/work")).not.toBe(0);
  yes(await s.git.openLane("two", tip(s)));
});

test("a worktree whose folder was deleted is made again; another one like it stays in git's list", async () => {
  const s = await scene();
  yes(await s.git.openLane("one", tip(s)));
  yes(await s.git.openLane("two", tip(s)));
  const head = s.commit(".worktrees/one", { "work.txt": "work\n" });
  rmSync(join(s.top, ".worktrees/one"), { recursive: true });
  rmSync(join(s.top, ".worktrees/two"), { recursive: true });
  expect(yes(await s.git.openLane("one", tip(s))).head).toBe(head);
  expect(faultsOf(s, "one")).toEqual([]);
  expect(existsSync(join(s.layout.common, "worktrees/two"))).toBe(true);
});

test("a worktree that was replaced by a link is not followed", async () => {
  const s = await scene();
  const { path } = yes(await s.git.openLane("one", tip(s)));
  renameSync(path, join(s.home, "moved"));
  symlinkSync(join(s.home, "moved"), path);
  expect(no(await s.git.openLane("one", tip(s))).code).toBe(4);
  expect(existsSync(join(s.home, "moved/a.txt"))).toBe(true);
  expect((await s.git.observe({ target: "main", status: ["one"] })).lanes.get("one")?.worktree).toBe("missing");
});

test("a lane on another branch, one on none, and one whose branch is used elsewhere are refused", async () => {
  const s = await scene();
  for (const id of ["one", "two", "three"]) yes(await s.git.openLane(id, tip(s)));
  s.at(".worktrees/one", "switch", "-q", "-c", "other");
  s.at(".worktrees/two", "switch", "-q", "--detach");
  s.run("worktree", "remove", ".worktrees/three");
  s.run("worktree", "add", "-q", "../three", "lane/three/work");
  const said = await Promise.all(["one", "two", "three"].map((id) => s.git.openLane(id, tip(s))));
  expect(said.map((answer) => no(answer).code)).toEqual([4, 4, 4]);
  expect(said.map((answer) => no(answer).refused.replaceAll(s.home, ""))).toEqual([
    "the worktree of one is on other",
    "the worktree of two is on no branch",
    "lane/three/work is checked out at /three, not at /project/.worktrees/three",
  ]);
});

test("a lane in the middle of a rebase of its own branch opens as it is", async () => {
  const s = await scene();
  yes(await s.git.openLane("one", tip(s)));
  s.commit(".worktrees/one", { "a.txt": "lane\n" });
  s.commit(".", { "a.txt": "main\n" });
  s.attempt("-C", ".worktrees/one", "rebase", "main");
  yes(await s.git.openLane("one", tip(s)));
  const seen = (await s.git.observe({ target: "main", status: ["one"] })).lanes.get("one");
  expect([seen?.worktree, seen?.busy, seen?.dirty]).toEqual(["present", "rebase", ["a.txt"]]);
});

test("a locked worktree of the user's is left alone", async () => {
  const s = await scene();
  const { path } = yes(await s.git.openLane("one", tip(s)));
  s.run("worktree", "lock", "--reason", "on a stick", path);
  rmSync(path, { recursive: true });
  expect(no(await s.git.openLane("one", tip(s))).refused).toContain("on a stick");
});

describe("after a kill", () => {
  const program = fileURLToPath(new URL("../../node_modules/.cache/lanekeeper-git/child.mjs", import.meta.url));
  const bundle = (): void => {
    const entryPoints = [fileURLToPath(new URL("child.ts", import.meta.url))];
    buildSync({ entryPoints, outfile: program, bundle: true, platform: "node", format: "esm", packages: "external" });
  };

  /** Run the child; resolves with its signal and when it is gone. `kill` is told its process. */
  const opener = (s: Scene, last: string): { readonly kill: () => void; readonly gone: Promise<unknown> } => {
    const child = spawn(process.execPath, [program, s.top, "one", tip(s), last], { env: s.env, stdio: "ignore" });
    return { kill: () => child.kill("SIGKILL"), gone: new Promise((resolve) => child.once("close", resolve)) };
  };

  test.each(["open:branched", "open:listed", "open:filled"])("at %s the lane opens again", async (last) => {
    bundle();
    const s = await scene();
    await opener(s, last).gone;
    yes(await s.git.openLane("one", tip(s)));
    expect(faultsOf(s, "one")).toEqual([]);
  });

  test("while files are written, what still writes is ended and the rest is written", async () => {
    bundle();
    const s = await scene();
    const config = readFileSync(join(s.home, "gitconfig"), "utf8");
    s.commit(".", { ".gitattributes": "*.slow filter=slow\n", "m.slow": "slow\n", "z.txt": "z\n" });
    writeFileSync(
      join(s.home, "gitconfig"),
      `${config}[filter "slow"]\n\tsmudge = "echo $$ > ${s.home}/pid; sleep 60; cat"\n`,
    );
    const child = opener(s, "never");
    const admin = join(s.layout.common, "worktrees/one");
    const pid = (): number => Number(existsSync(join(s.home, "pid")) ? readFileSync(join(s.home, "pid"), "utf8") : 0);
    await vi.waitFor(() => expect(pid()).toBeGreaterThan(0), { interval: 5, timeout: 10_000 });
    child.kill();
    await child.gone;
    expect(existsSync(join(admin, "index.lock"))).toBe(true);
    writeFileSync(join(s.home, "gitconfig"), config);
    expect(isRunning(pid())).toBe(existsSync("/proc/self"));
    yes(await s.git.openLane("one", tip(s)));
    expect(isRunning(pid())).toBe(false);
    expect(faultsOf(s, "one")).toEqual([]);
  });

  test("at any instant the lane opens again", async () => {
    bundle();
    const s = await scene();
    for (let round = 0; round < 6; round += 1) {
      const child = opener(s, "never");
      setTimeout(child.kill, 60 + round * 12);
      await child.gone;
      yes(await s.again().openLane("one", tip(s)));
      expect(faultsOf(s, "one")).toEqual([]);
      s.run("worktree", "remove", ".worktrees/one");
      s.run("branch", "-q", "-D", "lane/one/work");
    }
  });
});

/** A process that ended but that nobody waited for is still listed, without arguments. */
const isRunning = (pid: number): boolean =>
  existsSync(`/proc/${pid}`) && readFileSync(`/proc/${pid}/cmdline`, "utf8") !== "";

/** What `git worktree add` leaves when it is killed itself, made by hand: the order is that of builtin/worktree.c. */
const leftovers: readonly (readonly [name: string, make: (s: Scene, admin: string, path: string) => void])[] = [
  ["an empty admin folder", () => undefined],
  ["a lock alone", (_s, admin) => writeFileSync(join(admin, "locked"), "initializing")],
  ["a lock that was not written yet", (_s, admin) => writeFileSync(join(admin, "locked"), "")],
  [
    "the way to the worktree",
    (_s, admin, path) => {
      writeFileSync(join(admin, "locked"), "initializing");
      writeFileSync(join(admin, "gitdir"), `${path}/.git\n`);
    },
  ],
  [
    "the way there and back",
    (_s, admin, path) => {
      writeFileSync(join(admin, "locked"), "initializing");
      writeFileSync(join(admin, "gitdir"), `${path}/.git\n`);
      mkdirSync(path, { recursive: true });
      writeFileSync(join(path, ".git"), `gitdir: ${admin}\n`);
      writeFileSync(join(admin, "HEAD"), `${"0".repeat(40)}\n`);
      writeFileSync(join(admin, "commondir"), "../..\n");
    },
  ],
  [
    "all but files, with a lock on the index and a branch",
    (s, admin, path) => {
      rmSync(admin, { recursive: true });
      s.run("worktree", "add", "-q", "--no-checkout", "-b", "lane/one/work", path);
      writeFileSync(join(admin, "index.lock"), "");
      writeFileSync(join(path, "a.txt"), "half");
    },
  ],
  [
    "locks on the refs",
    (s) => {
      s.write(".git/refs/heads/lane/one/work.lock", "");
      s.write(".git/refs/lanes/base/one.lock", "");
    },
  ],
];

test.each(leftovers)("a killed git left %s: the lane opens", async (_name, make) => {
  const s = await scene();
  const admin = join(s.layout.common, "worktrees/one");
  mkdirSync(admin, { recursive: true });
  make(s, admin, join(s.top, ".worktrees/one"));
  yes(await s.git.openLane("one", tip(s)));
  expect(faultsOf(s, "one")).toEqual([]);
});

test("a worktree of the user's with the same name elsewhere is no obstacle", async () => {
  const s = await scene();
  s.run("worktree", "add", "-q", "../one", "-b", "mine");
  const { path } = yes(await s.git.openLane("one", tip(s)));
  expect(s.at(".worktrees/one", "status", "--porcelain", "--branch")).toBe("## lane/one/work");
  expect(yes(await s.git.openLane("one", tip(s))).path).toBe(path);
  expect((await s.git.observe({ target: "main", status: ["one"] })).lanes.get("one")?.worktree).toBe("present");
});
