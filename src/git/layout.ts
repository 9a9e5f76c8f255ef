/** Where the repository and our files in it are. */
import { readdir, realpath } from "node:fs/promises";
import { join } from "node:path";

import { isNo } from "../core/observed.ts";
import type { No } from "../core/observed.ts";
import type { Layout } from "../port.ts";
import { missing } from "./absent.ts";
import { cleanEnvironment, settingsEnvironment } from "./environment.ts";
import { baseGuards } from "./guard.ts";
import { findLayoutFast, layoutOf, mainTree } from "./layout-fast.ts";
import { git } from "./run.ts";
import { gitVersion } from "./version.ts";

/**
 * The layout of the repository around `cwd`, or a No: 3 when there is none that can be used, 69 when git is missing or too old.
 * Costs one `rev-parse` and one `git --version`, side by side.
 */
export const findLayout = async (cwd: string, env: NodeJS.ProcessEnv = process.env): Promise<Layout | No> => {
  const here = await missing(realpath(cwd), undefined);
  if (here === undefined) return { refused: `there is no folder ${cwd}`, hint: "go to a folder that exists", code: 3 };
  const [version, layout] = await Promise.all([gitVersion(here, env), find(here, env)]);
  return isNo(version) ? version : (layout ?? { refused: "git was not found", hint: "install git", code: 69 });
};

/** A lane's `.git` file could be swapped by an agent: lanes are found by their place first, the rest is asked of git. */
const find = async (here: string, env: NodeJS.ProcessEnv): Promise<Layout | No | undefined> => {
  const fast = findLayoutFast(here);
  if (fast?.insideLane !== undefined) return fast;
  return parse(await ask(here, env), here);
};

interface Said {
  readonly lines: readonly string[];
  readonly error: string;
}

const ask = async (cwd: string, env: NodeJS.ProcessEnv): Promise<Said | undefined> => {
  const args = ["rev-parse", "--path-format=absolute", "--git-common-dir", "--git-dir"];
  args.push("--is-bare-repository", "--is-inside-work-tree", "--show-toplevel");
  try {
    const options = { cwd, env: { ...cleanEnvironment(env), ...settingsEnvironment(baseGuards) }, timeoutMs: 20_000 };
    const ran = await git(args, options);
    return { lines: ran.stdout.toString().split("\n").slice(0, -1), error: ran.stderr };
  } catch (error) {
    const cause = (error as Error).cause as NodeJS.ErrnoException | undefined;
    if (cause?.code === "ENOENT" || cause?.code === "EACCES") return undefined;
    throw error;
  }
};

const parse = async (said: Said | undefined, here: string): Promise<Layout | No | undefined> => {
  if (said === undefined) return undefined;
  const [common, gitDir, , inside, top] = said.lines;
  if (common === undefined || gitDir === undefined) return noRepository(said.error, here);
  if (said.lines.length > 5)
    return { refused: "the path of this repository has a line break", hint: "move it", code: 3 };
  const realCommon = await realpath(common);
  const realTop = inside === "true" && top !== undefined ? await realpath(top) : undefined;
  const main = gitDir === common && realTop !== undefined ? realTop : mainTree(realCommon);
  if (main === undefined && !(await hasWorktrees(realCommon))) return bareAlone;
  return layoutOf(realCommon, main, realTop);
};

const noRepository = (error: string, here: string): No => {
  if (error.includes("not a git repository"))
    return { refused: `not a git repository: ${here}`, hint: "run `git init`, or go to a repository", code: 3 };
  const said = error.split("\n").find((text) => text.startsWith("fatal: ")) ?? "fatal: git gave no reason";
  return { refused: `git cannot use this repository: ${said.slice(7)}`, hint: "try `git status` here", code: 3 };
};

const bareAlone: No = {
  refused: "this is a bare repository without a worktree",
  hint: "run `git worktree add ../main main`, and lanes in it",
  code: 3,
};

const hasWorktrees = async (common: string): Promise<boolean> =>
  (await missing(readdir(join(common, "worktrees")), [])).length > 0;
