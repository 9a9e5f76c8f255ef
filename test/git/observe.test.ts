import {
  appendFileSync,
  chmodSync,
  closeSync,
  cpSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

import { expect, test, vi } from "vitest";

import { findLayout } from "../../src/git/layout.ts";
import { createGit } from "../../src/git/repo.ts";
import { ready, scene, yes } from "./scratch.ts";
import type { Scene } from "./scratch.ts";

const look = (s: Scene, ...status: readonly string[]): ReturnType<Scene["git"]["observe"]> =>
  s.git.observe({ target: "main", status });

test("one look shows the target, every branch and every lane, and the status of the lanes that were asked for", async () => {
  const s = await scene();
  const one = await ready(s, "one", { "a.txt": "A\n" });
  yes(await s.git.openLane("two", one.onto));
  const head = s.commit(".", { "b.txt": "B\n" });
  s.write(".worktrees/two/new file.txt", "new\n");
  s.write(".worktrees/two/a.txt", "edited\n");
  const seen = await look(s, "two");
  expect(seen.target).toEqual({ name: "main", head, subject: "b.txt" });
  expect([...seen.lanes]).toEqual([
    ["one", { head: one.head, subject: "work of one", ahead: 1, behind: 1, worktree: "present" }],
    [
      "two",
      {
        head: one.onto,
        subject: "a.txt b.txt dir/c.txt",
        ahead: 0,
        behind: 1,
        worktree: "present",
        dirty: ["a.txt", "new file.txt"],
      },
    ],
  ]);
  expect(seen.branches.map(({ name, worktree }) => [name, worktree])).toEqual([
    ["lane/one/work", join(s.top, ".worktrees/one")],
    ["lane/two/work", join(s.top, ".worktrees/two")],
    ["main", s.top],
  ]);
  expect(seen.branches.every(({ committedAt }) => committedAt > 1_600_000_000_000)).toBe(true);
  expect(seen.locks).toEqual([]);
});

test("distances follow the lane and the target", async () => {
  const s = await scene();
  await ready(s, "one", { "a.txt": "A\n" });
  const apart = async (): Promise<unknown> => {
    const lane = (await look(s)).lanes.get("one");
    return [lane?.ahead, lane?.behind];
  };
  expect(await apart()).toEqual([1, 0]);
  s.commit(".worktrees/one", { "x.txt": "x\n" });
  expect(await apart()).toEqual([2, 0]);
  s.commit(".", { "b.txt": "B\n" });
  expect(await apart()).toEqual([2, 1]);
  expect(await apart()).toEqual([2, 1]);
});

test("a target that does not exist, a lane without a worktree, one elsewhere, and what a lane is busy with", async () => {
  const s = await scene();
  const onto = s.run("rev-parse", "main");
  for (const id of ["gone", "other", "busy"]) yes(await s.git.openLane(id, onto));
  rmSync(join(s.top, ".worktrees/gone"), { recursive: true });
  s.at(".worktrees/other", "switch", "-q", "-c", "side");
  expect((await s.git.observe({ target: "main", status: [] })).lanes.get("other")).toMatchObject({ on: "side" });
  s.at(
    ".worktrees/busy",
    "merge",
    "--no-commit",
    "--no-ff",
    s.run("commit-tree", `${onto}^{tree}`, "-p", onto, "-m", "x"),
  );
  const seen = await s.git.observe({ target: "nowhere", status: ["gone", "other", "busy", "never"] });
  expect(seen.target).toBeUndefined();
  expect([...seen.lanes].map(([id, lane]) => [id, lane.worktree, lane.busy, lane.dirty])).toEqual([
    ["busy", "present", "merge", []],
    ["gone", "missing", undefined, undefined],
    ["other", "elsewhere", undefined, []],
  ]);
});

test("git's own lock files are told with their age", async () => {
  const s = await scene();
  yes(await s.git.openLane("one", s.run("rev-parse", "main")));
  const locks = [join(s.layout.common, "config.lock"), join(s.layout.common, "worktrees/one/index.lock")];
  for (const lock of locks) {
    writeFileSync(lock, "");
    utimesSync(lock, Date.now() / 1000 - 60, Date.now() / 1000 - 60);
  }
  const seen = await look(s, "one");
  expect(seen.locks.map(({ path }) => path)).toEqual(locks);
  expect(seen.locks.every(({ ageMs }) => ageMs >= 59_000 && ageMs < 90_000)).toBe(true);
});

test("of an old lock is told whether anybody lives who may own it; locked worktrees and guards are told too", async () => {
  const s = await scene();
  yes(await s.git.openLane("one", s.run("rev-parse", "main")));
  yes(await s.git.openLane("two", s.run("rev-parse", "main")));
  const beside = join(s.home, "beside");
  s.run("worktree", "add", "-q", "--detach", beside);
  s.run("worktree", "lock", "--reason", "on a stick", beside);
  mkdirSync(join(s.layout.state, "locks/tracker.lck"), { recursive: true });
  const lock = join(s.layout.common, "worktrees/one/index.lock");
  const young = join(s.layout.common, "worktrees/two/index.lock");
  for (const path of [lock, young]) writeFileSync(path, "");
  utimesSync(lock, Date.now() / 1000 - 60, Date.now() / 1000 - 60);
  const seen = await look(s);
  expect(seen.locks).toMatchObject([{ path: lock, held: false }, { path: young }]);
  expect(seen.locks[1]).not.toHaveProperty("held");
  expect(seen.locked).toMatchObject([{ path: beside, why: "on a stick" }]);
  expect(seen.guards).toMatchObject([{ name: "locks/tracker.lck" }]);
  const file = openSync(lock, "r");
  expect((await look(s)).locks).toMatchObject([{ path: lock, held: true }, { path: young }]);
  closeSync(file);
});

test("looking takes no lock: it works while an agent holds the index, and leaves the index as it is", async () => {
  const s = await scene();
  yes(await s.git.openLane("one", s.run("rev-parse", "main")));
  const admin = join(s.layout.common, "worktrees/one");
  writeFileSync(join(admin, "index.lock"), "");
  utimesSync(join(s.top, ".worktrees/one/a.txt"), 1, 1);
  chmodSync(admin, 0o555);
  expect((await look(s, "one")).lanes.get("one")?.dirty).toEqual([]);
  chmodSync(admin, 0o755);
});

test("a branch whose commit is lost neither hides the others nor stops a landing", async () => {
  const s = await scene();
  const ask = await ready(s, "one", { "a.txt": "A\n" });
  s.write(".git/refs/heads/broken", `${"1".repeat(40)}\n`);
  const seen = await look(s, "one");
  expect(seen.branches.map(({ name }) => name)).toContain("broken");
  expect(seen.lanes.get("one")?.ahead).toBe(1);
  expect(await s.git.land(ask)).toEqual({ landed: true });
});

test("a shallow repository shows and merges its lanes", async () => {
  const origin = await scene();
  origin.commit(".", { "b.txt": "2\n" });
  const top = join(origin.home, "shallow");
  origin.run("clone", "-q", "--depth", "1", `file://${origin.top}`, top);
  const layout = yes(await findLayout(top, origin.env));
  const s = { ...origin, top, layout, git: createGit(layout, { env: origin.env }) };
  const onto = s.at("../shallow", "rev-parse", "main");
  yes(await s.git.openLane("one", onto));
  const head = s.commit("../shallow/.worktrees/one", { "a.txt": "A\n" });
  const later = s.commit("../shallow", { "b.txt": "3\n" });
  expect((await look(s)).lanes.get("one")).toMatchObject({ ahead: 1, behind: 1 });
  const { commit } = yes(await s.git.candidate({ onto: later, head, message: "Merge", at: 0 }));
  expect([await s.git.contains(commit, head), await s.git.contains(onto, head)]).toEqual([true, false]);
  expect(await s.git.changed(later, head)).toEqual(["a.txt"]);
  expect(await s.git.land({ lane: "one", target: "main", onto: later, commit, head })).toEqual({ landed: true });
});

/** Counts what a watch tells until it has told `lane` (or "" for the target). */
const watched = (s: Scene, ...lanes: readonly string[]): { readonly told: Set<string>; readonly end: () => void } => {
  const told = new Set<string>();
  const end = s.git.watch(lanes, (moved) => {
    for (const lane of moved.length === 0 ? [""] : moved) told.add(lane);
  });
  return { told, end };
};

const soon = { interval: 5, timeout: 5000 };

test("a watch tells of commits in lanes and on the target, and of lanes that come later", async () => {
  const s = await scene();
  const onto = s.run("rev-parse", "main");
  yes(await s.git.openLane("one", onto));
  const { told, end } = watched(s, "one", "later");
  const settle = async (): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, 150));
    told.clear();
  };
  await settle();
  s.commit(".worktrees/one", { "x.txt": "x\n" });
  await vi.waitFor(() => expect(told).toContain("one"), soon);
  await settle();
  s.commit(".", { "b.txt": "B\n" });
  await vi.waitFor(() => expect(told).toContain(""), soon);
  expect(told).not.toContain("one");
  yes(await s.git.openLane("later", onto));
  await settle();
  s.commit(".worktrees/later", { "x.txt": "x\n" });
  await vi.waitFor(() => expect(told).toContain("later"), soon);
  // `pack-refs` removes folders that are watched.
  s.run("pack-refs", "--all");
  await settle();
  s.run("branch", "-f", "side", "main");
  s.commit(".", { "b.txt": "C\n" });
  await vi.waitFor(() => expect(told).toContain(""), soon);
  end();
  await settle();
  s.commit(".worktrees/one", { "y.txt": "y\n" });
  await new Promise((resolve) => setTimeout(resolve, 150));
  expect(told.size).toBe(0);
});

test("a watch says nothing of lock files, and a lane that is closed and opened again is watched again", async () => {
  const s = await scene();
  const onto = s.run("rev-parse", "main");
  yes(await s.git.openLane("one", onto));
  const { told, end } = watched(s, "one");
  await new Promise((resolve) => setTimeout(resolve, 150));
  told.clear();
  const lock = join(s.layout.common, "worktrees/one/index.lock");
  appendFileSync(lock, "");
  rmSync(lock);
  await new Promise((resolve) => setTimeout(resolve, 150));
  expect(told.size).toBe(0);
  await s.git.closeLane("one", "main");
  yes(await s.git.openLane("one", onto));
  await new Promise((resolve) => setTimeout(resolve, 200));
  // The same name, another folder, within one moment.
  const admin = join(s.layout.common, "worktrees/one");
  renameSync(admin, join(s.home, "old"));
  cpSync(join(s.home, "old"), admin, { recursive: true });
  await new Promise((resolve) => setTimeout(resolve, 200));
  told.clear();
  s.commit(".worktrees/one", { "x.txt": "x\n" });
  await vi.waitFor(() => expect(told).toContain("one"), soon);
  end();
});

test("no more than the first paths are told of a lane full of new files", async () => {
  const s = await scene();
  yes(await s.git.openLane("one", s.run("rev-parse", "main")));
  for (let n = 0; n < 300; n += 1) {
    mkdirSync(join(s.top, ".worktrees/one", `d${n}`));
    s.write(`.worktrees/one/d${n}/x`, "");
  }
  expect((await look(s, "one")).lanes.get("one")?.dirty).toHaveLength(200);
});
