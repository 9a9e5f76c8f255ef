/** What the person's own configuration says: their files and the system's, never the repository's, which an agent can write. */
import type { Context } from "./call.ts";
import { cleanEnvironment } from "./environment.ts";
import { parseConfigured } from "./guard.ts";
import { git } from "./run.ts";

/** Settings whose names match, by lower-case name (of several values the last); of the system's and the person's files alone. */
export const ownSettings = async (context: Context, pattern: string): Promise<ReadonlyMap<string, string>> => {
  const { common } = context.layout;
  const env = { ...cleanEnvironment(context.env), GIT_DIR: common };
  const args = ["config", "--includes", "--show-scope", "-z", "--get-regexp", pattern];
  const ran = await git(args, { cwd: common, env, timeoutMs });
  const entries = ran.code === 0 ? parseConfigured(ran.stdout.toString()) : [];
  return new Map(
    entries
      .filter(({ scope }) => scope === "system" || scope === "global")
      .map(({ key, value }) => [key.toLowerCase(), value]),
  );
};

const timeoutMs = 10_000;

/** Does a setting say yes, as git reads it? */
export const saysYes = (value: string | undefined): boolean => /^(?:true|yes|on|[1-9]\d*)$/i.test(value ?? "");
