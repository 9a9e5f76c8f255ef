import { execFileSync, spawn, spawnSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

import { describe, expect, onTestFinished, test } from "vitest";

import type { LogRecord } from "../../src/core/event.ts";
import { encode } from "../../src/journal/line.ts";
import { committing, patience, scene, type Scene } from "./scratch.ts";

interface Found {
  readonly check: string;
  readonly level: string;
  readonly what: string;
  readonly where?: string;
  readonly fix?: string;
  readonly fixable: boolean;
}

interface Told {
  readonly code: number | null;
  readonly bad: readonly Found[];
  readonly fixed: readonly Found[];
}

/** A program that is called tmux: no machine of a developer has to have the real one. */
const withTmux = (there: Scene): NodeJS.ProcessEnv => {
  const folder = mkdtempSync(join(dirname(there.top), "bin-"));
  writeFileSync(join(folder, "tmux"), "#!/bin/sh\n", { mode: 0o755 });
  return { PATH: `${folder}:${process.env["PATH"]}` };
};

const told = (stdout: string, code: number | null): Told => {
  const { findings, fixed } = JSON.parse(stdout) as { findings: Found[]; fixed: Found[] };
  return { code, bad: findings.filter(({ level }) => level !== "ok"), fixed };
};

const examine = async (there: Scene, env: NodeJS.ProcessEnv = {}, ...words: readonly string[]): Promise<Told> => {
  const ended = await there.lanesWith({ env: { ...withTmux(there), ...env } }, "doctor", "--json", ...words);
  return told(ended.stdout, ended.code);
};

const state = (there: Scene, ...names: readonly string[]): string => join(there.top, ".orchestration", ...names);

const prepared = async (): Promise<Scene> => {
  const there = scene();
  expect((await there.lanes("init")).code).toBe(0);
  return there;
};

/** A lane in whose worktree a person works, with a commit of its own, and no engine. */
const manual = async (): Promise<Scene> => {
  const there = await prepared();
  await there.lanes("add-lane", "docs", '{"agent": "manual"}');
  expect((await there.lanes("exec-lane", "docs")).code).toBe(0);
  there.write(".worktrees/docs/b.txt", "two\n");
  there.git("-C", ".worktrees/docs", "add", ".");
  there.git("-C", ".worktrees/docs", "commit", "-qm", "two");
  await there.lanes("engine", "stop");
  return there;
};

const old = (path: string, seconds = 3600): void => {
  const then = Date.now() / 1000 - seconds;
  utimesSync(path, then, then);
};

const append = (there: Scene, more: Partial<LogRecord>): void => {
  const record = { v: 1, id: `seed-${Math.random()}`, at: Date.now(), by: "human", on: "box", events: [], ...more };
  appendFileSync(state(there, "event-log.jsonl"), encode(record));
};

interface Fault {
  readonly given?: () => Promise<Scene>;
  readonly seed: (there: Scene) => unknown;
  readonly env?: (there: Scene) => NodeJS.ProcessEnv;
  /** What is found: check, level, and what the sentence and the command say. */
  readonly check: string;
  readonly level: "warn" | "fail";
  readonly what: RegExp;
  readonly fix: RegExp;
  /** Does `--fix` mend it? `milder`: into a milder finding of the same check. */
  readonly mended?: boolean | "milder";
}

const faults: Readonly<Record<string, Fault>> = {
  "no git on PATH": {
    seed: () => undefined,
    env: (there) => ({ PATH: withTmux(there)["PATH"]?.split(":", 1)[0] }),
    check: "git",
    level: "fail",
    what: /git was not found/,
    fix: /install git 2\.38/,
  },
  "a git that is too old": {
    seed: () => undefined,
    env: (there) => {
      const folder = mkdtempSync(join(dirname(there.top), "old-"));
      writeFileSync(join(folder, "git"), "#!/bin/sh\necho git version 2.30.2\n", { mode: 0o755 });
      return { PATH: `${folder}:${process.env["PATH"]}` };
    },
    check: "git",
    level: "fail",
    what: /git 2\.30 is too old/,
    fix: /install git 2\.38/,
  },
  "no name and address": {
    seed: () => undefined,
    env: () => ({ GIT_CONFIG_GLOBAL: "/dev/null" }),
    check: "identity",
    level: "warn",
    what: /no name and address/,
    fix: /^git config --global user\.name/,
  },
  "no commit": {
    seed: (there) => there.git("checkout", "-q", "--orphan", "fresh"),
    check: "repository",
    level: "fail",
    what: /no commit yet/,
    fix: /commit --allow-empty/,
  },
  "a detached HEAD": {
    seed: (there) => there.git("switch", "-q", "--detach"),
    check: "repository",
    level: "warn",
    what: /detached HEAD/,
    fix: /git -C ~\/project switch main/,
  },
  "a stale index.lock": {
    seed: (there) => {
      there.write(".git/index.lock", "");
      old(join(there.top, ".git/index.lock"));
    },
    check: "git-locks",
    level: "fail",
    what: /no process holds/,
    fix: /^rm ~\/project\/\.git\/index\.lock$/,
    mended: true,
  },
  "a stale lock on a branch": {
    seed: (there) => {
      there.write(".git/refs/heads/main.lock", "");
      old(join(there.top, ".git/refs/heads/main.lock"));
    },
    check: "git-locks",
    level: "fail",
    what: /no process holds/,
    fix: /main\.lock$/,
    mended: true,
  },
  "a worktree that was begun and never finished": {
    seed: (there) => {
      there.git("branch", "lane/half/work");
      there.write(".git/worktrees/half/locked", "initializing");
      there.write(".git/worktrees/half/HEAD", "ref: refs/heads/lane/half/work\n");
      there.write(".git/worktrees/half/commondir", "../..\n");
      there.write(".git/worktrees/half/gitdir", `${join(there.top, ".worktrees/half/.git")}\n`);
      there.write(".worktrees/half/.git", `gitdir: ${join(there.top, ".git/worktrees/half")}\n`);
    },
    check: "worktrees",
    level: "warn",
    what: /never finished/,
    fix: /doctor --fix/,
    mended: true,
  },
  "a worktree whose files were never written": {
    seed: (there) => there.git("worktree", "add", "-q", "--no-checkout", "-b", "lane/raw/work", ".worktrees/raw"),
    check: "worktrees",
    level: "warn",
    what: /never all written/,
    fix: /^lanes launch raw$/,
  },
  "a worktree that was deleted": {
    given: manual,
    seed: (there) => rmSync(join(there.top, ".worktrees/docs"), { recursive: true }),
    check: "worktrees",
    level: "warn",
    what: /was deleted but git still lists it/,
    fix: /^git worktree remove --force ~\/project\/\.worktrees\/docs/,
  },
  "a worktree that was moved by hand": {
    given: manual,
    seed: (there) => renameSync(join(there.top, ".worktrees/docs"), join(there.top, "elsewhere")),
    check: "worktrees",
    level: "fail",
    what: /was moved to ~\/project\/elsewhere/,
    fix: /^mv ~\/project\/elsewhere ~\/project\/\.worktrees\/docs$/,
  },
  "a worktree that git moved": {
    given: manual,
    seed: (there) => there.git("worktree", "move", ".worktrees/docs", "elsewhere"),
    check: "worktrees",
    level: "warn",
    what: /not in its place/,
    fix: /^git worktree move ~\/project\/elsewhere ~\/project\/\.worktrees\/docs$/,
  },
  "a lane's branch that is gone": {
    given: manual,
    seed: (there) => there.git("update-ref", "-d", "refs/heads/lane/docs/work"),
    check: "worktrees",
    level: "fail",
    what: /branch lane\/docs\/work is gone/,
    fix: /^git branch lane\/docs\/work [0-9a-f]{40}$/,
    mended: true,
  },
  "a worktree without its .git file": {
    given: manual,
    seed: (there) => rmSync(join(there.top, ".worktrees/docs/.git")),
    check: "worktrees",
    level: "fail",
    what: /lost its \.git file/,
    fix: /^git worktree repair$/,
    mended: true,
  },
  "a .git file that was swapped": {
    given: manual,
    seed: (there) => there.write(".worktrees/docs/.git", "gitdir: /nowhere/else\n"),
    check: "worktrees",
    level: "fail",
    what: /names another place/,
    fix: /git worktree repair$/,
  },
  "a damaged line": {
    seed: (there) => appendFileSync(state(there, "event-log.jsonl"), "no record\n"),
    check: "log",
    level: "warn",
    what: /1 damaged line is passed over \(position 2\): what it said is lost, all other records hold/,
    fix: /^nothing has to be done: .*lanes repair --dry-run lists/,
  },
  "an edit of the tracker that was refused": {
    seed: (there) => there.write(".orchestration/rejected/tracker.2026-01-02T03-04-05.678Z-1-2.json", "garbage"),
    check: "edits",
    level: "warn",
    what: /1 edit of tracker\.json was not taken over, or not all of it: tracker\..*\.json/,
    fix: /^cat ~\/project\/\.orchestration\/rejected\/tracker\..*lanes events says why; .*lanes tracker patch/,
  },
  "a torn tail": {
    seed: (there) => appendFileSync(state(there, "event-log.jsonl"), '{"v":1,"id":"x'),
    check: "log",
    level: "warn",
    what: /has no end/,
    fix: /doctor --fix/,
    mended: "milder",
  },
  "a pipe in the place of the log": {
    seed: (there) => {
      rmSync(state(there, "event-log.jsonl"));
      execFileSync("mkfifo", [state(there, "event-log.jsonl")]);
    },
    check: "log",
    level: "fail",
    what: /a pipe stands in the place of the log/,
    fix: /^mv /,
  },
  "a folder in the place of the log": {
    seed: (there) => {
      rmSync(state(there, "event-log.jsonl"));
      mkdirSync(state(there, "event-log.jsonl"));
    },
    check: "log",
    level: "fail",
    what: /a folder stands in the place of the log/,
    fix: /^mv /,
  },
  "a pipe in the place of tracker.json": {
    seed: (there) => execFileSync("mkfifo", [state(there, "tracker.json")]),
    check: "tracker",
    level: "warn",
    what: /a pipe stands/,
    fix: /^mv /,
    mended: true,
  },
  "a folder in the place of tracker.json": {
    seed: (there) => mkdirSync(state(there, "tracker.json", "inner"), { recursive: true }),
    check: "tracker",
    level: "warn",
    what: /a folder stands/,
    fix: /^mv /,
    mended: true,
  },
  "a link in the place of tracker.json": {
    seed: (there) => symlinkSync(join(there.top, "a.txt"), state(there, "tracker.json")),
    check: "tracker",
    level: "warn",
    what: /a symbolic link stands/,
    fix: /^mv /,
    mended: true,
  },
  "a tracker.json of 200 MB": {
    seed: (there) => {
      writeFileSync(state(there, "tracker.json"), "{}");
      truncateSync(state(there, "tracker.json"), 200 * 1024 * 1024);
    },
    check: "tracker",
    level: "warn",
    what: /200 MiB/,
    fix: /^mv /,
    mended: true,
  },
  "a lock folder that polite scripts left": {
    seed: (there) => {
      mkdirSync(state(there, "locks", "tracker.lck"), { recursive: true });
      old(state(there, "locks", "tracker.lck"));
    },
    check: "tracker-lock",
    level: "warn",
    what: /left behind \(a folder, 60 min old\)/,
    fix: /^mv /,
    mended: true,
  },
  "a lock file of an older kind": {
    seed: (there) => {
      mkdirSync(state(there, "locks"), { recursive: true });
      writeFileSync(state(there, "locks", "tracker.lck"), "4711\n");
      old(state(there, "locks", "tracker.lck"));
    },
    check: "tracker-lock",
    level: "warn",
    what: /left behind \(a file/,
    fix: /^mv /,
    mended: true,
  },
  "a lock folder with something in it": {
    seed: (there) => {
      mkdirSync(state(there, "locks", "tracker.lck", "owner"), { recursive: true });
      old(state(there, "locks", "tracker.lck"));
    },
    check: "tracker-lock",
    level: "warn",
    what: /a folder with something in it/,
    fix: /^mv /,
    mended: true,
  },
  "a lock from the future": {
    seed: (there) => {
      mkdirSync(state(there, "locks", "tracker.lck"), { recursive: true });
      old(state(there, "locks", "tracker.lck"), -7200);
    },
    check: "tracker-lock",
    level: "warn",
    what: /dated in the future/,
    fix: /^mv /,
    mended: true,
  },
  "a state folder that everybody can write": {
    seed: (there) => chmodSync(state(there), 0o777),
    check: "state",
    level: "fail",
    what: /others may change this \(mode 777\)/,
    fix: /^chmod 700 ~\/project\/\.orchestration$/,
    mended: true,
  },
  "a log that others can read": {
    seed: (there) => chmodSync(state(there, "event-log.jsonl"), 0o644),
    check: "state",
    level: "warn",
    what: /others may read this \(mode 644\)/,
    fix: /^chmod 600 /,
    mended: true,
  },
  "a file in the place of the state folder": {
    given: async () => scene(),
    seed: (there) => there.write(".orchestration", "mine\n"),
    check: "state",
    level: "fail",
    what: /a file stands in the place of the state folder/,
    fix: /^mv /,
  },
  "a setting that a lane made for all": {
    given: manual,
    seed: (there) => there.git("-C", ".worktrees/docs", "config", "core.fsmonitor", "/tmp/watch --password=hunter22"),
    check: "git-config",
    level: "warn",
    what: /sets core\.fsmonitor/,
    fix: /^git config --file .*\/\.git\/config --unset-all core\.fsmonitor$/,
  },
  "hooks that a lane turned on for all": {
    given: manual,
    seed: (there) => there.git("-C", ".worktrees/docs", "config", "core.hooksPath", ".worktrees/docs/hooks"),
    check: "git-config",
    level: "warn",
    what: /sets core\.hookspath/,
    fix: /--unset-all core\.hookspath$/,
  },
  "folders that are not kept out of git": {
    seed: (there) => there.write(".git/info/exclude", ""),
    check: "exclude",
    level: "warn",
    what: /would be committed/,
    fix: /^lanes init$/,
    mended: true,
  },
  "a branch that is named lane": {
    seed: (there) => there.git("branch", "lane"),
    check: "branches",
    level: "fail",
    what: /a branch is named lane/,
    fix: /^git branch -m lane lane-old$/,
  },
  "a clock that is behind": {
    seed: (there) => append(there, { at: Date.now() + 7_200_000 }),
    check: "clock",
    level: "warn",
    what: /the newest record is 11\d min in the future/,
    fix: /^timedatectl/,
  },
  "records of a newer version": {
    seed: (there) => append(there, { v: 99 }),
    check: "version",
    level: "fail",
    what: /1 record was written by a newer lanekeeper/,
    fix: /^npm install/,
  },
  "an agent that is not installed": {
    seed: (there) => {
      mkdirSync(join(dirname(there.top), "config", "lanekeeper"), { recursive: true });
      const config = join(dirname(there.top), "config", "lanekeeper", "config.json");
      writeFileSync(config, '{"agents": {"ghost": {"command": ["no-such-agent", "-p"]}}}');
    },
    check: "programs",
    level: "warn",
    what: /the program no-such-agent is not there/,
    fix: /agents\.ghost/,
  },
  "no tmux": {
    seed: () => undefined,
    env: (there) => {
      const folder = mkdtempSync(join(dirname(there.top), "few-"));
      const git = execFileSync("sh", ["-c", "command -v git"], { encoding: "utf8" }).trim();
      symlinkSync(git, join(folder, "git"));
      return { PATH: folder };
    },
    check: "tmux",
    level: "warn",
    what: /tmux is not installed/,
    fix: /install tmux/,
  },
  "a configuration with a wrong field": {
    seed: (there) => there.write("lanes.config.json", '{"maxRuns": "many"}'),
    check: "config",
    level: "fail",
    what: /~\/project\/lanes\.config\.json: maxRuns must be a whole number/,
    fix: /^correct it there, then: lanes doctor$/,
  },
  "a configuration with a misspelt key": {
    seed: (there) => there.write("lanes.config.json", '{"maxRun": 3}'),
    check: "config",
    level: "warn",
    what: /did you mean "maxRuns"/,
    fix: /^lanes config --explain$/,
  },
  "commands that nobody trusts yet": {
    seed: (there) => there.write("lanes.config.json", '{"check": "true"}'),
    check: "trust",
    level: "warn",
    what: /1 command of lanes\.config\.json waits for your trust/,
    fix: /^lanes trust$/,
  },
};

const canMount = (): boolean =>
  spawnSync("unshare", ["-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], { stdio: "ignore" }).status === 0;

describe("doctor", () => {
  test.each(Object.entries(faults))("finds %s, names its fix and makes nothing worse", patience, async (_, fault) => {
    const there = await (fault.given ?? prepared)();
    expect((await examine(there)).bad).toEqual([]);
    fault.seed(there);
    const env = fault.env?.(there) ?? {};
    const before = await examine(there, env);
    const found = before.bad.filter(({ check }) => check === fault.check);
    expect(before.bad).toEqual(found);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({
      level: fault.level,
      what: expect.stringMatching(fault.what) as string,
      fix: expect.stringMatching(fault.fix) as string,
    });
    expect(before.code).toBe(fault.level === "fail" ? 1 : 0);
    const refs = there.git("for-each-ref", "--format=%(refname) %(objectname)").split("\n");
    const after = await examine(there, env, "--fix");
    const mended = fault.mended ?? false;
    expect(after.fixed.map(({ check }) => check)).toEqual(mended === false ? [] : [fault.check]);
    expect(after.bad.map(({ check }) => check)).toEqual(mended === true ? [] : [fault.check]);
    expect(there.git("for-each-ref", "--format=%(refname) %(objectname)").split("\n")).toEqual(
      expect.arrayContaining(refs),
    );
    // Once more: nothing is left to do.
    expect((await examine(there, env, "--fix")).fixed).toEqual([]);
  });

  test("finds a low limit of open files", patience, async () => {
    const there = await prepared();
    const program = join(import.meta.dirname, "../../bin/lanes.js");
    const line = `ulimit -n 64; exec "${process.execPath}" "${program}" doctor --json`;
    const stdout = execFileSync("sh", ["-c", line], {
      cwd: there.top,
      encoding: "utf8",
      env: { ...withTmux(there), HOME: dirname(there.top), GIT_CONFIG_GLOBAL: join(dirname(there.top), "gitconfig") },
    });
    expect(told(stdout, 0).bad).toEqual([
      expect.objectContaining({
        check: "open-files",
        what: expect.stringMatching(/only 64/) as string,
        fix: "ulimit -n 4096",
      }),
    ]);
  });

  test.skipIf(!canMount())("finds a full disk (needs the right to mount)", patience, async () => {
    const there = await prepared();
    const program = join(import.meta.dirname, "../../bin/lanes.js");
    const line = `mount -t tmpfs -o size=8m,mode=700 tmpfs .orchestration && exec "${process.execPath}" "${program}" doctor --json`;
    const ran = spawnSync("unshare", ["-m", "sh", "-c", line], {
      cwd: there.top,
      encoding: "utf8",
      env: {
        ...withTmux(there),
        HOME: dirname(there.top),
        GIT_CONFIG_GLOBAL: join(dirname(there.top), "gitconfig"),
      },
    });
    expect(ran.status).toBe(1);
    expect(told(ran.stdout, ran.status).bad).toEqual([
      expect.objectContaining({ check: "disk", level: "fail", what: "the disk is full: 8 MiB free" }),
    ]);
  });

  test("restores a branch at the commit that its worktree stood at", patience, async () => {
    const there = await manual();
    const head = there.git("rev-parse", "lane/docs/work");
    there.git("update-ref", "-d", "refs/heads/lane/docs/work");
    await examine(there, {}, "--fix");
    expect(there.git("rev-parse", "lane/docs/work")).toBe(head);
    expect(there.git("-C", ".worktrees/docs", "status", "--porcelain")).toBe("");
  });

  test("killed at any moment while it mends, makes nothing worse and mends all in the end", patience, async () => {
    const there = await manual();
    const head = there.git("rev-parse", "lane/docs/work");
    const files = (): string => there.git("-C", ".worktrees/docs", "ls-tree", "-r", "HEAD");
    const [filesBefore, mainBefore] = [files(), there.git("rev-parse", "main")];
    const log = there.read(".orchestration/event-log.jsonl");
    rmSync(state(there, "tracker.json"), { force: true });
    for (const name of [
      "a torn tail",
      "a stale index.lock",
      "a stale lock on a branch",
      "a pipe in the place of tracker.json",
      "a worktree that was begun and never finished",
      "a lock folder with something in it",
    ])
      faults[name]?.seed(there);
    there.git("update-ref", "-d", "refs/heads/lane/docs/work");
    there.write(".git/info/exclude", "");
    const begun = performance.now();
    expect((await examine(there)).bad).toHaveLength(8);
    const took = performance.now() - begun;
    const left: number[] = [];
    for (let round = 0; round < 6; round += 1) {
      const { child, ended } = there.begin({ env: withTmux(there) }, "doctor", "--fix");
      const timer = setTimeout(() => child.kill("SIGKILL"), took * (0.65 + round * 0.07));
      await ended;
      clearTimeout(timer);
      left.push((await examine(there)).bad.length);
    }
    // Never more than before.
    expect(left).toEqual(left.toSorted((a, b) => b - a));
    const after = await examine(there, {}, "--fix");
    expect(after.bad.map(({ check }) => check)).toEqual(["log"]);
    expect(there.git("rev-parse", "lane/docs/work", "main")).toBe(`${head}\n${mainBefore}`);
    expect(files()).toBe(filesBefore);
    expect(there.git("-C", ".worktrees/docs", "status", "--porcelain")).toBe("");
    expect(there.read(".orchestration/event-log.jsonl").startsWith(log)).toBe(true);
  });

  test("takes settings that were there before any lane for the person's own", patience, async () => {
    const there = await prepared();
    there.git("config", "core.hooksPath", ".husky/_");
    const { code, stdout } = await there.lanes("doctor");
    expect([code, stdout]).toEqual([0, expect.not.stringContaining("hookspath")]);
  });

  test("leaves a lock that a living process has open, and one that is young", patience, async () => {
    const there = await prepared();
    const lock = join(there.top, ".git", "index.lock");
    const holder = spawn("sh", ["-c", 'exec 9>"$1"; exec sleep 600', "sh", lock], { stdio: "ignore" });
    onTestFinished(() => void holder.kill("SIGKILL"));
    while (!existsSync(lock)) await new Promise((resolve) => setTimeout(resolve, 5));
    there.write(".git/HEAD.lock", "");
    old(lock);
    expect((await examine(there, {}, "--fix")).bad).toEqual([]);
    expect(existsSync(lock)).toBe(true);
    expect(existsSync(join(there.top, ".git", "HEAD.lock"))).toBe(true);
  });

  test("keeps what it sets aside", patience, async () => {
    const there = await prepared();
    writeFileSync(state(there, "tracker.json"), "mine");
    truncateSync(state(there, "tracker.json"), 20 * 1024 * 1024);
    await examine(there, {}, "--fix");
    expect(existsSync(state(there, "tracker.json"))).toBe(false);
    const kept = execFileSync("ls", [state(there, "rejected")], { encoding: "utf8" }).trim();
    expect(kept).toMatch(/^aside-tracker\.json\./);
    expect(readFileSync(state(there, "rejected", kept), "utf8").slice(0, 4)).toBe("mine");
  });

  test("finds a dead engine and a frozen one, and starts another", patience, async () => {
    const there = scene();
    await there.lanes("add-lane", "slow", '{"command": "sleep 600"}');
    await there.lanes("launch", "slow");
    const pidOf = async (): Promise<number> => (await there.json("engine", "status"))["pid"] as number;
    while ((await there.stateOf("slow")) !== "running") await new Promise((resolve) => setTimeout(resolve, 20));
    const first = await pidOf();
    process.kill(first, "SIGSTOP");
    const frozen = await examine(there);
    expect(frozen.bad).toEqual([
      expect.objectContaining({ check: "engine", level: "fail", fix: `kill -CONT ${first}`, fixable: true }),
    ]);
    process.kill(first, "SIGKILL");
    const dead = await examine(there);
    expect(dead.code).toBe(1);
    expect(dead.bad).toEqual([
      expect.objectContaining({
        check: "engine",
        what: expect.stringMatching(/is dead/) as string,
        fix: "lanes engine start",
      }),
    ]);
    const after = await examine(there, {}, "--fix");
    expect(after.bad).toEqual([]);
    expect(await pidOf()).not.toBe(first);
    expect(await there.stateOf("slow")).toBe("running");
  });

  test("finds a lost run, and processes that a finished one left", patience, async () => {
    const there = scene();
    await there.lanes("add-lane", "lost", `{"command": "kill -9 $PPID; exit 1"}`);
    await there.lanes("exec-lane", "lost");
    await there.lanes("add-lane", "left", committing("left"));
    await there.lanes("exec-lane", "left");
    // What could not be ended with its run: it stood still in the kernel, say.
    const env = { ...process.env, LANES_RUN: `${state(there)}:left-1` };
    spawn("sleep", ["600"], { cwd: state(there), env, stdio: "ignore", detached: true }).unref();
    let bad: readonly Found[] = [];
    while (bad.length < 2) ({ bad } = await examine(there));
    const orphan = bad.find(({ where }) => where?.startsWith("pid "));
    onTestFinished(() => void process.kill(Number(orphan?.where?.slice(4)), "SIGKILL"));
    expect(bad).toEqual([
      expect.objectContaining({ check: "runs", where: "lane lost", fix: "lanes retry lost" }),
      expect.objectContaining({
        what: "1 process of the finished run left-1 still lives",
        fix: `kill ${orphan?.where?.slice(4)}`,
      }),
    ]);
  });

  test("finds nothing on a clean box, at any moment of a lane's life", patience, async () => {
    const there = scene();
    const clean = async (): Promise<void> => expect((await examine(there)).bad).toEqual([]);
    await clean();
    await there.lanes("init");
    await there.lanes("add-lane", "docs", committing("docs"));
    await clean();
    await there.lanes("exec-lane", "docs");
    await there.lanes("add-lane", "slow", '{"command": "sleep 600"}');
    await there.lanes("launch", "slow");
    await clean();
    await there.lanes("merge", "docs", "--check", "true");
    await clean();
    await there.lanes("cleanup");
    await there.lanes("stop-all");
    await clean();
    there.git("config", "core.fsmonitor", "true");
    there.git("config", "alias.st", "status");
    there.git("config", "credential.helper", "cache");
    await clean();
    await there.lanes("reset", "--yes");
    await clean();
  });

  test("works outside a repository", patience, async () => {
    const there = scene();
    const ended = await there.lanesWith({ cwd: dirname(there.top), env: withTmux(there) }, "doctor");
    expect(ended.code).toBe(0);
    expect(ended.stdout).toMatch(/! repository +not a git repository: ~ \(only the machine was looked at\)/);
    expect(ended.stderr).toBe("");
  });

  test("can be pasted: no home folder, no secret, nothing that a terminal acts on", patience, async () => {
    const there = await manual();
    there.git("config", "core.sshCommand", "ssh -o token=abcdef123456");
    there.git("branch", "-m", "main", "main\u00AB");
    there.write("lanes.config.json", '{"check\\u001b[31m": 1, "maxRun": 2}');
    there.git("switch", "-q", "--detach");
    const ended = await there.lanesWith({ env: withTmux(there) }, "doctor", "--plain");
    expect(ended.stdout).toContain("~/project");
    expect(ended.stdout).not.toContain(dirname(there.top));
    expect(ended.stdout).not.toContain("abcdef123456");
    // oxlint-disable-next-line no-control-regex -- control characters are what this is about
    expect(ended.stdout).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u007F]/);
  });

  test("looks without changing anything", patience, async () => {
    const there = await manual();
    rmSync(join(there.top, ".worktrees/docs/.git"));
    writeFileSync(state(there, "tracker.json"), "{}");
    const before = [there.world(), statSync(state(there)).mtimeMs];
    await examine(there);
    expect([there.world(), statSync(state(there)).mtimeMs]).toEqual(before);
  });
});
