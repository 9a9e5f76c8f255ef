/** Real repositories in temporary folders, for the tests of the git driver. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { onTestFinished } from "vitest";

import { isNo } from "../../src/core/observed.ts";
import type { No } from "../../src/core/observed.ts";
import { exclude } from "../../src/git/exclude.ts";
import { findLayout } from "../../src/git/layout.ts";
import { createGit } from "../../src/git/repo.ts";
import type { GitOptions } from "../../src/git/repo.ts";
import type { Git, Layout } from "../../src/port.ts";

/** A real, empty folder, in memory where that is possible, that goes away when the test ends. */
const scratch = (): string => {
  const path = realpathSync(mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "lanes-git-")));
  onTestFinished(() => rmSync(path, { recursive: true, force: true, maxRetries: 5 }));
  return path;
};

/** The environment of a person with a name, whose own configuration is empty. */
const personEnvironment = (home: string): NodeJS.ProcessEnv => ({
  PATH: process.env["PATH"],
  HOME: home,
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: join(home, "gitconfig"),
});

/** A repository, plain git in it, and the driver on it. */
export interface Scene {
  readonly top: string;
  readonly home: string;
  readonly layout: Layout;
  readonly env: NodeJS.ProcessEnv;
  readonly git: Git;
  /** Another driver on the same repository, as a later process would have. */
  readonly again: (options?: GitOptions) => Git;
  /** Plain git in a folder below the top; returns its output without the last line break. */
  readonly run: (...args: readonly string[]) => string;
  readonly at: (folder: string, ...args: readonly string[]) => string;
  /** Plain git that may fail; returns its exit code. */
  readonly attempt: (...args: readonly string[]) => number | null;
  readonly write: (path: string, text: string) => void;
  /** Write files and commit them in a folder; returns the commit. */
  readonly commit: (folder: string, files: Readonly<Record<string, string>>) => string;
}

/** A repository with one commit on `main`: `a.txt`, `b.txt` and `dir/c.txt`. */
export const scene = async (): Promise<Scene> => {
  const home = scratch();
  const top = join(home, "project");
  mkdirSync(top);
  const env = personEnvironment(home);
  writeFileSync(
    join(home, "gitconfig"),
    "[user]\n\tname = Ada\n\temail = ada@example.org\n[init]\n\tdefaultBranch = main\n",
  );
  const at: Scene["at"] = (folder, ...args) =>
    execFileSync("git", args, {
      cwd: join(top, folder),
      env,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    }).trimEnd();
  const run: Scene["run"] = (...args) => at(".", ...args);
  const attempt: Scene["attempt"] = (...args) =>
    spawnSync("git", args, { cwd: top, env, stdio: "ignore", timeout: 10_000 }).status;
  const write: Scene["write"] = (path, text) => {
    mkdirSync(dirname(join(top, path)), { recursive: true });
    writeFileSync(join(top, path), text);
  };
  const commit: Scene["commit"] = (folder, files) => {
    for (const [path, text] of Object.entries(files)) write(join(folder, path), text);
    at(folder, "add", "--all");
    at(folder, "commit", "--quiet", "--message", Object.keys(files).join(" "));
    return at(folder, "rev-parse", "HEAD");
  };
  run("init", "--quiet", "--template=");
  commit(".", { "a.txt": "a\n", "b.txt": "b\n", "dir/c.txt": "c\n" });
  const layout = yes(await findLayout(top, env));
  await exclude(layout);
  const again: Scene["again"] = (options = {}) => createGit(layout, { env, ...options });
  return { top, home, layout, env, git: again(), again, run, at, attempt, write, commit };
};

/** The answer, which must not be a No. */
export const yes = <Answer extends object>(answer: Answer | No): Answer => {
  if (isNo(answer)) throw new Error(`unexpected no: ${JSON.stringify(answer)}`);
  return answer;
};

/** The answer, which must be a No. */
export const no = (answer: object): No => {
  if (!isNo(answer)) throw new Error(`unexpected yes: ${JSON.stringify(answer)}`);
  return answer;
};

/** A lane with one commit, and the merge of it that is to land. */
export interface Ready {
  readonly lane: string;
  readonly target: string;
  readonly onto: string;
  readonly commit: string;
  readonly head: string;
}

/** Open a lane at the tip of `main`, commit files in it (`undefined` deletes one) and build the candidate. */
export const ready = async (
  at: Scene,
  lane: string,
  files: Readonly<Record<string, string | undefined>>,
): Promise<Ready> => {
  const onto = at.run("rev-parse", "main");
  const { path } = yes(await at.git.openLane(lane, onto));
  for (const [file, text] of Object.entries(files)) {
    rmSync(join(path, file), { recursive: true, force: true });
    if (text !== undefined) at.write(join(".worktrees", lane, file), text);
  }
  await at.git.commitAll(lane, `work of ${lane}`);
  const head = at.run("rev-parse", `lane/${lane}/work`);
  const { commit } = yes(await at.git.candidate({ onto, head, message: `Merge ${lane}`, at: 1_700_000_000_000 }));
  return { lane, target: "main", onto, commit, head };
};
