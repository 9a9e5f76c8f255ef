// What ten lanes cost, as a ratio to ten `git worktree add` one after another, measured in the same run on the same repository.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

import { build } from "esbuild";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const bundle = join(root, "node_modules", ".cache", "lanekeeper-bench", "git.mjs");

/** Rounds, ours and the reference in turn; the median of the rounds' ratios counts. */
const rounds = 5;
const lanes = Array.from({ length: 10 }, (_, index) => `lane-${index}`);
export const files = 5000;

export const loadSources = async () => {
  mkdirSync(dirname(bundle), { recursive: true });
  const contents = 'export * from "./src/git/layout.ts"; export * from "./src/git/repo.ts";';
  const stdin = { contents, resolveDir: root, loader: "ts" };
  await build({ stdin, outfile: bundle, bundle: true, platform: "node", format: "esm", packages: "external" });
  return import(pathToFileURL(bundle).href);
};

/** 5,000 files of 1 to 20 KB in 250 folders: the shape and size of git's own sources. */
export const writeProject = (top) => {
  const words = readFileSync(fileURLToPath(import.meta.url), "utf8").split(/\s+/);
  let seed = 1;
  const dice = (max) => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % max;
  };
  for (let n = 0; n < files; n += 1) {
    const folder = join(top, `part-${n % 25}`, `section-${n % 250}`);
    mkdirSync(folder, { recursive: true });
    const count = 150 + dice(2800);
    const text = Array.from({ length: count }, (_, at) => words[dice(words.length)] + (at % 9 === 8 ? "\n" : " ")).join(
      "",
    );
    writeFileSync(join(folder, `file-${n}.txt`), `${n} ${text}\n`);
  }
};

export const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

export const timed = async (work) => {
  const start = performance.now();
  await work();
  return performance.now() - start;
};

/** Ten lanes at once through the driver, against ten worktrees one after another through git. */
export const createAgainstWorktreeAdd = async () => {
  const { createGit, findLayout } = await loadSources();
  const memory = existsSync("/dev/shm");
  const home = mkdtempSync(join(memory ? "/dev/shm" : tmpdir(), "lanes-bench-"));
  try {
    const top = join(home, "project");
    const env = { PATH: process.env["PATH"], HOME: home, GIT_CONFIG_NOSYSTEM: "1" };
    const git = (...args) =>
      execFileSync("git", args, { cwd: top, env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
    mkdirSync(top);
    writeFileSync(join(home, ".gitconfig"), "[user]\n\tname = Ada\n\temail = ada@example.org\n");
    git("init", "-q", "-b", "main");
    writeProject(top);
    git("add", ".");
    git("commit", "-q", "-m", "project");
    git("repack", "-a", "-d", "-q");
    const base = git("rev-parse", "main");
    const driver = createGit(await findLayout(top, env), { env });
    const remove = (path, branch) => {
      git("worktree", "remove", "--force", path);
      git("branch", "-D", branch);
    };
    const ours = async () => {
      const opened = await Promise.all(lanes.map((lane) => driver.openLane(lane, base)));
      if (opened.some((answer) => "refused" in answer)) throw new Error(JSON.stringify(opened));
    };
    const reference = async () => {
      for (const lane of lanes) git("worktree", "add", "-q", "-b", lane, join(home, lane), "main");
    };
    const times = { ours: [], reference: [] };
    for (let round = 0; round < rounds; round += 1) {
      times.ours.push(await timed(ours));
      for (const lane of lanes) remove(join(top, ".worktrees", lane), `lane/${lane}/work`);
      times.reference.push(await timed(reference));
      for (const lane of lanes) remove(join(home, lane), lane);
    }
    const [own, plain] = [median(times.ours), median(times.reference)];
    const detail = `${lanes.length} lanes of ${files} files: ${own.toFixed(0)} ms at once, ${plain.toFixed(0)} ms by ${lanes.length} git worktree add, one after another; ${memory ? "in memory" : "on disk"}, medians of ${rounds}`;
    const ratio = median(times.ours.map((time, round) => time / times.reference[round]));
    return { name: "create-lanes", ratio, detail };
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
};

/** Files of the repository in which lanes take over idle worktrees: small ones, since their number is what costs. */
const manyFiles = 60_000;

const writeMany = (top) => {
  for (let n = 0; n < manyFiles; n += 1) {
    const folder = join(top, `part-${n % 60}`, `section-${n % 600}`);
    if (n < 600) mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `file-${n}.txt`), `${n}\n`);
  }
};

/** A lane that takes an idle worktree over, against the three calls of git that do it, and against `git worktree add`. */
export const claimAgainstGit = async () => {
  const { createGit, findLayout } = await loadSources();
  const memory = existsSync("/dev/shm");
  const home = mkdtempSync(join(memory ? "/dev/shm" : tmpdir(), "lanes-bench-"));
  try {
    const top = join(home, "project");
    const env = { PATH: process.env["PATH"], HOME: home, GIT_CONFIG_NOSYSTEM: "1" };
    const git = (...args) =>
      execFileSync("git", args, { cwd: top, env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
    mkdirSync(top);
    writeFileSync(join(home, ".gitconfig"), "[user]\n\tname = Ada\n\temail = ada@example.org\n");
    git("init", "-q", "-b", "main");
    writeMany(top);
    git("add", ".");
    git("commit", "-q", "-m", "project");
    git("repack", "-a", "-d", "-q");
    const base = git("rev-parse", "main");
    const driver = createGit(await findLayout(top, env), { env });
    const times = { ours: [], three: [], add: [] };
    // The first call of a driver reads the configuration: not what is measured.
    await driver.fillPool(1, "main");
    await driver.openLane("warm", base);
    for (let round = 0; round < rounds; round += 1) {
      await driver.fillPool(1, "main");
      let opened;
      times.ours.push(
        await timed(async () => {
          opened = await driver.openLane(`lane-${round}`, base);
        }),
      );
      if ("refused" in opened) throw new Error(JSON.stringify(opened));
      const idle = join(home, `idle-${round}`);
      git("worktree", "add", "-q", "--detach", idle, "main");
      times.three.push(
        await timed(() => {
          git("update-ref", `refs/heads/plain-${round}`, base);
          execFileSync("git", ["symbolic-ref", "HEAD", `refs/heads/plain-${round}`], { cwd: idle, env });
          git("worktree", "move", idle, join(home, `plain-${round}`));
        }),
      );
      const added = join(home, `added-${round}`);
      times.add.push(await timed(() => git("worktree", "add", "-q", "-b", `added-${round}`, added, "main")));
      for (const path of [opened.path, join(home, `plain-${round}`), added]) git("worktree", "remove", "--force", path);
    }
    const [own, three, add] = [median(times.ours), median(times.three), median(times.add)];
    const detail = `a lane of ${manyFiles} files: ${own.toFixed(1)} ms from an idle worktree, ${three.toFixed(1)} ms by update-ref, symbolic-ref and worktree move, ${add.toFixed(0)} ms by git worktree add; ${memory ? "in memory" : "on disk"}, medians of ${rounds}`;
    return [
      { name: "claim-lane", ratio: median(times.ours.map((time, round) => time / times.three[round])), detail },
      { name: "claim-against-add", ratio: median(times.add.map((time, round) => time / times.ours[round])), detail },
    ];
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
};
