/** The demonstration's scratch repository: real files, a real first commit, nothing of the user's touched. */
import { execFile } from "node:child_process";
import { cp, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Where a demonstration lives. Both are new folders that only this user can look into. */
export interface Scratch {
  readonly repo: string;
  /** For what the demonstration trusts: the user's own trust file is left alone. */
  readonly state: string;
}

/** Copy the project below `assets` into a new repository and commit it. Rejects when git is missing. */
export const makeScratch = async (assets: string): Promise<Scratch> => {
  const home = await mkdtemp(join(tmpdir(), "lanes-demo-"));
  const repo = join(home, "tidewatch");
  await cp(assets, repo, { recursive: true });
  const git = (...words: readonly string[]): Promise<unknown> =>
    run("git", ["-C", repo, ...words], { env: environment() });
  await git("init", "-q");
  await git("symbolic-ref", "HEAD", "refs/heads/main");
  await git("add", ".");
  await git("-c", "core.hooksPath=/dev/null", "-c", "commit.gpgSign=false", "commit", "-q", "-m", "Begin Tidewatch");
  return { repo, state: join(home, "state") };
};

/** A shell variable must not lead git elsewhere, and a new machine has no identity yet. */
const environment = (): NodeJS.ProcessEnv => {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith("GIT_"));
  const who = { NAME: "Lanekeeper demo", EMAIL: "demo@lanekeeper.invalid" };
  const identity = ["AUTHOR", "COMMITTER"].flatMap((role) =>
    Object.entries(who).map(([part, value]) => [`GIT_${role}_${part}`, value]),
  );
  return Object.fromEntries([...kept, ...identity]);
};

/** What the project that the lanes built prints now; empty when it does not run. */
export const tryProject = async (repo: string): Promise<string> => {
  try {
    return (await run(process.execPath, [join(repo, "bin", "tide.js")])).stdout.trim();
  } catch (error) {
    if (error instanceof Error && "code" in error) return "";
    throw error;
  }
};
