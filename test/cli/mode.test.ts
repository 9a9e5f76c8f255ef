import { lstatSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";

import { describe, expect, test } from "vitest";

import { committing, patience, scene, type Scene } from "./scratch.ts";

const state = (there: Scene): string => join(there.top, ".orchestration");

/** Begin as a shell with `umask 000` does; everything that is started inherits it. */
const openMasked = (): (() => void) => {
  const before = process.umask(0);
  return () => void process.umask(before);
};

/** Every file and folder at and below `path`, links not followed. `closed`: folders that git fills, which are looked at from outside. */
const walk = (path: string, closed: (path: string) => boolean): readonly string[] => {
  const isFolder = lstatSync(path).isDirectory();
  const below = isFolder && !closed(path) ? readdirSync(path).map((name) => join(path, name)) : [];
  return [path, ...below.flatMap((each) => walk(each, closed))];
};

const openTo = (path: string): boolean => !lstatSync(path).isSymbolicLink() && (lstatSync(path).mode & 0o077) !== 0;

/** What others may get into from outside, although each folder on the way has to let them pass. */
const reachable = (top: string): readonly string[] => {
  if (!openTo(top)) return [];
  const names = lstatSync(top).isDirectory() ? readdirSync(top) : [];
  return [top, ...names.flatMap((name) => reachable(join(top, name)))];
};

describe("with umask 000", () => {
  test("nobody else can read what is kept of a lane that ran, failed, was checked and merged", patience, async () => {
    const restore = openMasked();
    try {
      const there = scene();
      await there.lanesWith(
        { env: { SECRET_WORD: "swordfish" } },
        "add-lane",
        "docs",
        committing("docs", { env: ["SECRET_WORD"] }),
      );
      await there.lanesWith({ env: { SECRET_WORD: "swordfish" } }, "exec-lane", "docs");
      await there.lanes("add-lane", "bad", '{"command": "echo said; exit 3"}');
      await there.lanes("exec-lane", "bad");
      await there.lanes("add-lane", "slow", '{"command": "sleep 600"}');
      await there.lanes("launch", "slow");
      expect((await there.lanes("merge", "docs", "--check", "touch from-check")).code).toBe(0);
      writeFileSync(join(state(there), "tracker.json"), "{}");
      await there.lanes("status", "--refresh");
      while (!readdirSync(state(there)).includes("snapshot.json")) await new Promise((go) => setTimeout(go, 20));
      const filledByGit = (path: string): boolean =>
        path === join(state(there), "control.git") || basename(dirname(path)) === "verify";
      const all = walk(state(there), filledByGit);
      const names = all.map((path) => relative(state(there), path));
      expect(names).toEqual(
        expect.arrayContaining([
          "event-log.jsonl",
          "engine.log",
          "tracker.json",
          "observed.json",
          "snapshot.json",
          "control.git",
          "briefs",
          "runs/docs-1/log",
          "runs/docs-1/start",
          "runs/docs-1/exit",
          "runs/bad-1/log",
          "verify/0",
          "lent",
          "viewers",
        ]),
      );
      // Git makes the folder of a worktree as the umask says: the folder around it keeps others out.
      expect(all.filter(openTo).map((path) => relative(state(there), path))).toEqual(["verify/0"]);
      expect(reachable(state(there))).toEqual([]);
      expect(reachable(join(there.top, ".worktrees"))).toEqual([]);
      expect(readFileSync(join(state(there), "engine.log"), "utf8")).not.toContain("swordfish");
      await there.lanes("stop-all");
      await there.lanes("reset", "--yes");
      const archived = walk(state(there), filledByGit);
      expect(archived.length).toBeGreaterThan(all.length - 5);
      expect(archived.filter(openTo).map((path) => relative(dirname(dirname(path)), path))).toEqual(["verify/0"]);
      expect(reachable(state(there))).toEqual([]);
    } finally {
      restore();
    }
  });

  test("the folders for settings and trust let nobody else in", patience, async () => {
    const restore = openMasked();
    try {
      const there = scene();
      there.write("lanes.config.json", '{"check": "true"}');
      await there.lanes("trust", "--yes");
      const mine = join(dirname(there.top), "state");
      expect(readdirSync(join(mine, "lanekeeper"))).toEqual(["trusted"]);
      expect(walk(mine, () => false).filter(openTo)).toEqual([]);
    } finally {
      restore();
    }
  });
});

/** Names of the program's files that a call loaded, as V8 tells them. */
const loadedBy = async (
  there: Scene,
  env: NodeJS.ProcessEnv,
  ...words: readonly string[]
): Promise<readonly string[]> => {
  const folder = mkdtempSync(join(dirname(there.top), "loaded-"));
  expect((await there.lanesWith({ env: { ...env, NODE_V8_COVERAGE: folder } }, ...words)).code).toBe(0);
  return readdirSync(folder).flatMap((name) => {
    const { result } = JSON.parse(readFileSync(join(folder, name), "utf8")) as { result: { url: string }[] };
    return result.map(({ url }) => url);
  });
};

test("pino is loaded with the log's first line and by no verb that writes none", patience, async () => {
  const there = scene();
  await there.lanes("init");
  const isPino = (url: string): boolean => /\bpino\b/.test(url);
  for (const words of [["status"], ["status", "--plain"], ["events"], ["--version"]])
    expect((await loadedBy(there, {}, ...words)).filter(isPino)).toEqual([]);
  expect((await loadedBy(there, { LANES_ENGINE_IDLE_MS: "1" }, "engine", "run")).filter(isPino)).not.toEqual([]);
});
