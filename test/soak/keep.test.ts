/** Random sequences of everything that takes lanes away, with kills in between: whatever was in them is reachable from a ref, or on disk. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { expect, test } from "vitest";

import { scene } from "../git/scratch.ts";
import type { Scene } from "../git/scratch.ts";
import { figure, oneOf, scaled } from "./scale.ts";

/** Sequences that share a repository: what an earlier one left is in the way of a later one. */
const perScene = 10;
const stepsMost = 6;

let planted = 0;

interface Stage {
  readonly s: Scene;
  readonly log: string[];
  /** Objects that were looked for. */
  seen: number;
}

const oidOf = (bytes: Buffer): string =>
  createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");

const pathOf = (s: Scene, lane: string): string => join(s.top, ".worktrees", lane);

/** Files below a folder, git's own left out. */
const filesBelow = (folder: string): readonly string[] => {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => !/\/(?:\.git|node_modules)(?:\/|$)/.test(path) && lstatSync(path).isFile());
};

/** A text that nobody else has. */
const fresh = (): string => `planted ${(planted += 1)}\n`;

const put = (s: Scene, lane: string, name: string): void => {
  const path = join(pathOf(s, lane), name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, fresh());
};

/** Plain git in a lane; what it does not want to do here it does not. */
const git = (s: Scene, lane: string, ...args: readonly string[]): void => {
  try {
    execFileSync("git", args, { cwd: pathOf(s, lane), env: s.env, stdio: "ignore" });
  } catch (error) {
    if (typeof (error as { status?: unknown }).status !== "number") throw error;
  }
};

const commit = (s: Scene, lane: string, name: string): void => {
  put(s, lane, name);
  git(s, lane, "add", name);
  git(s, lane, "commit", "--quiet", "--message", name);
};

/** What people and agents leave in a lane. */
const habits: Readonly<Record<string, (s: Scene, lane: string) => void>> = {
  edits: (s, lane) => put(s, lane, "a.txt"),
  adds: (s, lane) => put(s, lane, `new/${planted}.txt`),
  stages: (s, lane) => {
    put(s, lane, "b.txt");
    git(s, lane, "add", "b.txt");
    put(s, lane, "b.txt");
  },
  commits: (s, lane) => commit(s, lane, `c${planted}.txt`),
  amends: (s, lane) => {
    commit(s, lane, `d${planted}.txt`);
    put(s, lane, "a.txt");
    git(s, lane, "commit", "--quiet", "--all", "--amend", "--message", "amended");
  },
  drops: (s, lane) => {
    commit(s, lane, `e${planted}.txt`);
    git(s, lane, "reset", "--quiet", "--hard", "HEAD~1");
  },
  rebases: (s, lane) => {
    commit(s, lane, "a.txt");
    s.commit(".", { "a.txt": fresh() });
    git(s, lane, "rebase", "--quiet", "main");
  },
  merges: (s, lane) => {
    commit(s, lane, "b.txt");
    s.commit(".", { "b.txt": fresh() });
    git(s, lane, "merge", "--quiet", "main");
  },
  detaches: (s, lane) => {
    git(s, lane, "switch", "--quiet", "--detach");
    commit(s, lane, `f${planted}.txt`);
  },
  switches: (s, lane) => {
    git(s, lane, "switch", "--quiet", "-c", `other-${planted}`);
    put(s, lane, "a.txt");
  },
  ignores: (s, lane) => put(s, lane, ".env"),
  hides: (s, lane) => {
    git(s, lane, "update-index", "--assume-unchanged", "dir/c.txt");
    put(s, lane, "dir/c.txt");
  },
  removes: (s, lane) => git(s, lane, "rm", "--quiet", "--cached", "a.txt"),
  nests: (s, lane) => {
    mkdirSync(join(pathOf(s, lane), "inner"), { recursive: true });
    execFileSync("git", ["init", "--quiet", "--template="], { cwd: join(pathOf(s, lane), "inner"), env: s.env });
    put(s, lane, "inner/x.txt");
  },
  unbranches: (s, lane) => git(s, lane, "update-ref", "-d", `refs/heads/lane/${lane}/work`),
};

/** Blobs that the lane's index, HEAD, branch and reflogs hold, and files that are in its folder. */
const contentOf = ({ s }: Stage, lane: string): ReadonlyMap<string, string> => {
  const folder = pathOf(s, lane);
  const wanted = new Map<string, string>();
  for (const path of filesBelow(folder)) wanted.set(oidOf(readFileSync(path)), path);
  if (!existsSync(join(folder, ".git"))) return wanted;
  const args = ["rev-list", "--objects", "--reflog", "--indexed-objects", `--glob=refs/heads/lane/${lane}`];
  const rows = execFileSync("git", args, {
    cwd: folder,
    env: s.env,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  for (const row of rows.split("\n")) if (row !== "") wanted.set(row.slice(0, 40), `${lane}: ${row.slice(41)}`);
  return wanted;
};

/** A driver that dies at a random point of what it does next, or not at all. */
const mortal = (s: Scene): Scene["git"] => {
  let left = Math.random() < 0.4 ? Math.ceil(Math.random() * 6) : Number.POSITIVE_INFINITY;
  return s.again({
    step: () => {
      left -= 1;
      if (left <= 0) throw new Error("killed");
    },
  });
};

/** Everything that takes a lane away, or brings one to where it may be taken away. */
const verbs: Readonly<Record<string, (driver: Scene["git"], s: Scene, lane: string) => Promise<unknown>>> = {
  remove: (driver, _, lane) => driver.closeLane(lane, "main", { save: true }),
  "remove into the pool": (driver, _, lane) => driver.closeLane(lane, "main", { save: true, pool: 2 }),
  cleanup: (driver, _, lane) => driver.closeLane(lane, "main"),
  "cleanup into the pool": (driver, _, lane) => driver.closeLane(lane, "main", { pool: 2 }),
  keep: (driver, _, lane) => driver.saveLane(lane),
  restore: (driver, _, lane) => driver.restoreLane(lane),
  open: (driver, s, lane) => driver.openLane(lane, s.run("rev-parse", "main")),
  fill: (driver) => driver.fillPool(2, "main"),
  empty: (driver) => driver.fillPool(0, "main"),
};

const died = (error: unknown): string => {
  if (error instanceof Error && error.message === "killed") return "killed";
  throw error;
};

const play = async (stage: Stage, lane: string): Promise<void> => {
  const { s, log } = stage;
  log.push(`open ${lane}: ${JSON.stringify(await s.git.openLane(lane, s.run("rev-parse", "main")))}`);
  const length = 1 + Math.floor(Math.random() * stepsMost);
  for (let step = 0; step < length; step += 1) {
    if (existsSync(join(pathOf(s, lane), ".git"))) {
      for (let count = Math.floor(Math.random() * 4); count > 0; count -= 1) {
        const habit = oneOf(Object.keys(habits)) ?? "";
        log.push(`${lane} ${habit}`);
        habits[habit]?.(s, lane);
      }
    }
    const before = contentOf(stage, lane);
    const verb = oneOf(Object.keys(verbs)) ?? "";
    const answer = await verbs[verb]?.(mortal(s), s, lane).catch(died);
    log.push(`${verb} ${lane}: ${JSON.stringify(answer)}`);
    stage.seen += before.size;
    const lost = lostOf(stage, lane, before);
    expect(lost.length === 0 ? [] : [...lost, ...log]).toEqual([]);
  }
};

/** Object names of what refs, indexes and reflogs reach: those of a lane go with it, those of others stand. */
const reachable = ({ s }: Stage): ReadonlySet<string> => {
  const trees = s.run("worktree", "list", "--porcelain").split("\n");
  const folders = trees.flatMap((row) => /^worktree (.+)/.exec(row)?.[1] ?? []);
  const found = new Set<string>();
  for (const folder of folders.filter((path) => existsSync(path))) {
    const args = ["rev-list", "--objects", "--all", "--indexed-objects", "--reflog"];
    const rows = execFileSync("git", args, { cwd: folder, env: s.env, encoding: "utf8", maxBuffer: 2 ** 30 });
    for (const row of rows.split("\n")) found.add(row.slice(0, 40));
  }
  return found;
};

/** What was in a lane before a verb is still there after it: in git, or on disk. */
const lostOf = (stage: Stage, lane: string, before: ReadonlyMap<string, string>): readonly string[] => {
  const { s } = stage;
  const there = reachable(stage);
  const missing = [...before].filter(([oid]) => !there.has(oid));
  if (missing.length === 0) return [];
  const onDisk = new Set(filesBelow(s.top).map((path) => oidOf(readFileSync(path))));
  const lost = missing.filter(([oid]) => !onDisk.has(oid));
  // A commit or a tree that was replaced is no work: what counts are the bytes of files.
  return lost
    .filter(([oid, where]) => where.startsWith("/") || isBlob(s, oid))
    .map(([oid, where]) => `${oid} ${where}`);
};

const isBlob = (s: Scene, oid: string): boolean => {
  try {
    return s.run("cat-file", "-t", oid) === "blob";
  } catch {
    return false;
  }
};

test("whatever takes lanes away, and however often it is killed, every byte in them is reachable or on disk", async () => {
  const scenes = Math.max(1, Math.round(scaled(500) / perScene));
  let kept = 0;
  for (let round = 0; round < scenes; round += 1) {
    const s = await scene();
    writeFileSync(join(s.layout.common, "info/exclude"), ".env\nnode_modules/\n/.worktrees/\n/.orchestration/\n");
    const stage: Stage = { s, log: [], seen: 0 };
    for (let n = 0; n < perScene; n += 1) await play(stage, oneOf(["one", "two", "three"]) ?? "one");
    kept += stage.seen;
  }
  figure(`${scenes * perScene} sequences, ${kept} objects looked for, none lost`);
  expect(kept).toBeGreaterThan(scenes);
});
