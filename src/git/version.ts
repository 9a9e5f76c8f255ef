/** Which git there is. */
import type { No } from "../core/observed.ts";
import { cleanEnvironment } from "./environment.ts";
import { git } from "./run.ts";

/** Major and minor version of the git on PATH, or a No (69) when there is none or it is too old. */
export const gitVersion = async (cwd: string, env: NodeJS.ProcessEnv): Promise<{ readonly version: number } | No> => {
  const said = await versionText(cwd, env);
  const found = /git version (\d+)\.(\d+)/.exec(said ?? "");
  if (found === null) return { refused: "git was not found", hint: "install git 2.38 or newer", code: 69 };
  const version = numberOf(Number(found[1]), Number(found[2]));
  if (version >= oldest) return { version };
  return { refused: `git ${found[1]}.${found[2]} is too old`, hint: "install git 2.38 or newer", code: 69 };
};

/** A version as one number that grows: 2.41 is 2041. */
const numberOf = (major: number, minor: number): number => major * 1000 + minor;

/** `git merge-tree --write-tree` came with 2.38. */
const oldest = numberOf(2, 38);

/** Since 2.41: `%(ahead-behind:…)` in `for-each-ref`, and `--attr-source`. */
export const aheadBehindSince: number = numberOf(2, 41);

const versionText = async (cwd: string, env: NodeJS.ProcessEnv): Promise<string | undefined> => {
  try {
    return (await git(["--version"], { cwd, env: cleanEnvironment(env), timeoutMs: 10_000 })).stdout.toString();
  } catch (error) {
    const cause = (error as Error).cause as NodeJS.ErrnoException | undefined;
    if (cause?.code === "ENOENT" || cause?.code === "EACCES") return undefined;
    throw error;
  }
};
