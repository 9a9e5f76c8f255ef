/** What a crash leaves in a repository (git.md section 5): the next verb works, and nobody has to clean up by hand. */
import { mkdirSync, rmSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { describe, expect, test } from "vitest";

import { makeScratch, until } from "./scratch.ts";
import type { Scratch } from "./scratch.ts";

/** Paths in the repository where something is left. */
interface Places {
  readonly common: string;
  /** The lane's worktree, and its folder in git's. */
  readonly tree: string;
  readonly admin: string;
  readonly state: string;
}

type Seed = (at: Places, scratch: Scratch) => unknown;

const longAgo = 1_000_000_000;
const future = 4_000_000_000;

/** A lock file whose owner is dead. */
const lock = (path: string, time = longAgo): void => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, "");
  utimesSync(path, time, time);
};

/** What `git worktree add` has made when it is killed. */
const halfMade = async (path: string, admin: string, scratch: Scratch, ...branch: readonly string[]): Promise<void> => {
  await scratch.git("worktree", "add", "-q", "--no-checkout", ...branch, path);
  rmSync(join(admin, "index"), { force: true });
  writeFileSync(join(admin, "locked"), "initializing");
};

/** What `git reset` leaves when it is killed while it writes the files. */
const halfFilled = (path: string, admin: string): void => {
  rmSync(join(admin, "locked"));
  writeFileSync(join(admin, "index.lock"), "");
  writeFileSync(join(path, "README.md"), "# Sto");
};

const beforeRun: Readonly<Record<string, Seed>> = {
  "a half-made worktree with its branch": async ({ tree, admin }, scratch) =>
    halfMade(tree, admin, scratch, "-b", "lane/one/work"),
  "a worktree with half a file and a lock on its index": async ({ tree, admin }, scratch) => {
    await halfMade(tree, admin, scratch, "-b", "lane/one/work");
    halfFilled(tree, admin);
  },
  "a half-made worktree whose folder is gone": async ({ tree, admin }, scratch) => {
    await halfMade(tree, admin, scratch, "-b", "lane/one/work");
    rmSync(tree, { recursive: true });
  },
  "locks on refs, HEAD and the configuration": ({ common }) => {
    for (const name of ["HEAD", "config", "refs/heads/lane/one/work", "refs/lanes/base/one"])
      lock(join(common, `${name}.lock`));
  },
};

const beforeRetry: Readonly<Record<string, Seed>> = {
  "locks on the lane's index, HEAD and branch": ({ common, admin }) => {
    for (const path of [join(admin, "index"), join(admin, "HEAD"), join(common, "refs/heads/lane/one/work")])
      lock(`${path}.lock`);
  },
  "a lock on the lane's index from the future": ({ admin }) => lock(join(admin, "index.lock"), future),
  "a worktree that was deleted by hand": ({ tree }) => rmSync(tree, { recursive: true }),
  "a worktree that was deleted by hand and pruned": async ({ tree }, scratch) => {
    rmSync(tree, { recursive: true });
    await scratch.git("worktree", "prune");
  },
};

const beforeMerge: Readonly<Record<string, Seed>> = {
  "a lock on the packed refs": ({ common }) => lock(join(common, "packed-refs.lock")),
  "locks on the target, HEAD and the configuration": ({ common }) => {
    for (const name of ["HEAD", "config", "refs/heads/main"]) lock(join(common, `${name}.lock`));
  },
  "a lock on the index of the checkout from the future": ({ common }) => lock(join(common, "index.lock"), future),
  "a lane's worktree that was deleted by hand": ({ tree }) => rmSync(tree, { recursive: true }),
  "a control repository that was being made": async ({ state }, scratch) => {
    mkdirSync(join(state, "control.git.Ab12Cd", "objects"), { recursive: true });
    mkdirSync(join(state, "control.git", "objects"), { recursive: true });
    expect(await scratch.git("status", "--porcelain")).toBe("");
  },
  "locks in the control repository and in the worktree for checks": async ({ common, state }, scratch) => {
    await landAnother(scratch);
    for (const name of ["packed-refs", "HEAD", "config"]) lock(join(state, `control.git/${name}.lock`));
    for (const name of ["index", "HEAD"]) lock(join(common, `worktrees/0/${name}.lock`));
  },
  "a control repository that a power cut emptied, and no worktree for checks": async ({ state }, scratch) => {
    await landAnother(scratch);
    truncateSync(join(state, "control.git", "HEAD"));
    rmSync(join(state, "verify"), { recursive: true });
  },
  "a half-made worktree for checks": async ({ common, state }, scratch) => {
    mkdirSync(join(state, "verify"), { recursive: true });
    await halfMade(join(state, "verify/0"), join(common, "worktrees/0"), scratch, "--detach");
    halfFilled(join(state, "verify/0"), join(common, "worktrees/0"));
  },
  "a guard of the tracker that is a file, one of seed 001, and files of a killed publisher": ({ state }) => {
    lock(join(state, ".tracker.json.1000-1-1.tmp"));
    lock(join(state, "rejected/.tracker.json.1000-1-1.tmp"));
    lock(join(state, "viewers/1-0123456789abcdef"));
    rmSync(join(state, "locks/tracker.lck"), { recursive: true, force: true });
    lock(join(state, "locks/tracker.lck"));
    lock(join(state, "tracker.lock"));
  },
  "a guard of the tracker that is a folder from the future with something in it": ({ state }) => {
    lock(join(state, "locks/tracker.lck/owner"), future);
    utimesSync(join(state, "locks/tracker.lck"), future, future);
  },
};

const work = "echo one >> one.txt; git add one.txt; git commit -qm one";
const check = "test -s README.md";

/** A landing that makes the control repository and the worktree for checks. */
const landAnother = async (scratch: Scratch): Promise<void> => {
  await scratch.add("other", { command: "git commit -q --allow-empty -m other" });
  expect(await scratch.lanes("exec-lane", "other", "-q")).toMatchObject({ code: 0 });
  expect(await scratch.lanes("merge", "other", "--check", check, "-q")).toMatchObject({ code: 0 });
};

const placesOf = ({ repo }: Scratch): Places => ({
  common: join(repo, ".git"),
  tree: join(repo, ".worktrees/one"),
  admin: join(repo, ".git/worktrees/one"),
  state: join(repo, ".orchestration"),
});

/** Land the lane; what is seen then, of which nothing may stop the next git. */
const land = async (scratch: Scratch): Promise<unknown> => {
  const { code, stderr } = await scratch.lanes("merge", "one", "--check", check, "-q");
  const dirty = await scratch.git("status", "--porcelain");
  const broken = /missing|broken|error/.test(await scratch.git("fsck", "--full"));
  await scratch.git("commit", "-q", "--allow-empty", "-m", "After");
  const tracker = JSON.parse(scratch.read(".orchestration/tracker.json")) as {
    lanes: Record<string, { status: string }>;
  };
  return { code, stderr, text: scratch.read("one.txt"), dirty, broken, seed: tracker.lanes["one"]?.status };
};

/** All of the lane's work is on the target and in the checkout. */
const landed = (text: string) => ({ code: 0, stderr: "", text, dirty: "", broken: false, seed: "completed" });

const ready = async (scratch: Scratch): Promise<void> => {
  await scratch.add("one", { command: work, retries: 0 });
  expect(await scratch.lanes("exec-lane", "one", "-q")).toMatchObject({ code: 0, stderr: "" });
};

describe.concurrent("a crash left", () => {
  const patience = { timeout: 60_000 };

  test.each(Object.entries(beforeRun))("%s: the lane opens, runs and lands", patience, async (_, seed) => {
    await using scratch = await makeScratch();
    await scratch.add("one", { command: work, retries: 0 });
    await seed(placesOf(scratch), scratch);
    expect(await scratch.lanes("exec-lane", "one", "-q")).toMatchObject({ code: 0, stderr: "" });
    expect(await land(scratch)).toEqual(landed("one\n"));
  });

  test.each(Object.entries(beforeRetry))("%s: the lane runs again and lands", patience, async (_, seed) => {
    await using scratch = await makeScratch();
    await ready(scratch);
    await seed(placesOf(scratch), scratch);
    expect(await scratch.lanes("retry", "one", "-q")).toMatchObject({ code: 0, stderr: "" });
    const ended = await until("the second run to end", async () => {
      const { state, run } = (await scratch.status())["one"] ?? {};
      return run?.n === 2 && state !== "starting" && state !== "running" ? state : undefined;
    });
    expect(ended).toBe("ready");
    expect(await land(scratch)).toEqual(landed("one\none\n"));
  });

  test.each(Object.entries(beforeMerge))("%s: the lane lands", patience, async (_, seed) => {
    await using scratch = await makeScratch();
    await ready(scratch);
    await seed(placesOf(scratch), scratch);
    expect(await land(scratch)).toEqual(landed("one\n"));
  });
});
