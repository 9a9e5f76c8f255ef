/** Locks that were left behind go; one that somebody may hold stays. */
import { spawn } from "node:child_process";
import { closeSync, copyFileSync, existsSync, mkdirSync, openSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { dropDeadLocks, dropStaleLock } from "../../src/git/dead-lock.ts";
import { refsPlace, treePlace } from "../../src/git/place.ts";
import { scene } from "./scratch.ts";
import type { Scene } from "./scratch.ts";

const lock = (s: Scene, name: string, time: number): string => {
  const path = join(s.layout.common, name);
  writeFileSync(path, "");
  utimesSync(path, time, time);
  return path;
};

const said = (path: string): string => `fatal: Unable to create '${path}': File exists.\n`;

/** A process that lives until the test ends. It has begun when this returns. */
const living = (file: string, cwd: string, input: number | "ignore" = "ignore"): void => {
  const child = spawn(file, ["60"], { cwd, stdio: [input, "ignore", "ignore"] });
  onTestFinished(() => void child.kill("SIGKILL"));
};

const now = (): number => Date.now() / 1000;

test.each([
  ["long ago", 1000],
  ["the future", now() + 3600],
])("a lock from %s that nobody holds goes", async (_, time) => {
  const s = await scene();
  const path = lock(s, "packed-refs.lock", time);
  expect(await dropStaleLock(refsPlace(s.layout), s.layout.home, said(path))).toBe(path);
  expect(existsSync(path)).toBe(false);
  expect(await dropStaleLock(refsPlace(s.layout), s.layout.home, said(path))).toBeUndefined();
});

test("the lock of the configuration goes by what git says of it", async () => {
  const s = await scene();
  const path = lock(s, "config.lock", 1000);
  const text = "error: could not lock config file .git/config: File exists\n";
  expect(await dropStaleLock(treePlace(s.layout, s.top, s.layout.common), s.layout.home, text)).toBe(path);
});

test("a young lock, one that is open, one elsewhere and a folder stay", async () => {
  const s = await scene();
  const drop = (path: string): Promise<string | undefined> =>
    dropStaleLock(refsPlace(s.layout), s.layout.home, said(path));
  expect(await drop(lock(s, "HEAD.lock", now()))).toBeUndefined();
  const open = lock(s, "index.lock", 1000);
  const file = openSync(open, "r");
  living("sleep", s.top, file);
  closeSync(file);
  expect(await drop(open)).toBeUndefined();
  expect(await drop(lock(s, "../else.lock", 1000))).toBeUndefined();
  const folder = join(s.layout.common, "config.lock");
  mkdirSync(folder);
  utimesSync(folder, 1000, 1000);
  expect(await drop(folder)).toBeUndefined();
  expect(
    ["HEAD.lock", "index.lock", "../else.lock", "config.lock"].map((n) => existsSync(join(s.layout.common, n))),
  ).toEqual([true, true, true, true]);
});

test("where a git stands in a worktree, locks of that worktree and of the repository stay", async () => {
  const s = await scene();
  const other = join(s.top, "../other");
  s.run("worktree", "add", "-q", other, "-b", "other");
  const beside = join(s.top, "../beside");
  s.run("worktree", "add", "-q", beside, "-b", "beside");
  // Any program of that name will do.
  copyFileSync("/bin/sleep", join(other, "git"));
  living("./git", other);
  const admin = (name: string): string => join(s.layout.common, "worktrees", name);
  const drop = (path: string, tree: string, name: string): Promise<string | undefined> =>
    dropStaleLock(treePlace(s.layout, tree, admin(name)), s.layout.home, said(path));
  expect(await drop(lock(s, "packed-refs.lock", 1000), other, "other")).toBeUndefined();
  expect(await drop(lock(s, "worktrees/other/index.lock", 1000), other, "other")).toBeUndefined();
  await dropDeadLocks([join(admin("other"), "index")], [other]);
  expect(existsSync(join(admin("other"), "index.lock"))).toBe(true);
  const free = lock(s, "worktrees/beside/index.lock", 1000);
  expect(await drop(free, beside, "beside")).toBe(free);
});
