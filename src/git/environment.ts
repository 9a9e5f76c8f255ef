/** The environment that our git calls get. */

/** The caller's environment without git's own variables, in the C locale, unable to ask anything or to use a transport. */
export const cleanEnvironment = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("GIT_") || kept.has(name))),
  LC_ALL: "C",
  GIT_TERMINAL_PROMPT: "0",
  GIT_OPTIONAL_LOCKS: "0",
  // Ours never talk to another repository; a promisor remote of the repository's choice would run its `uploadpack`.
  GIT_ALLOW_PROTOCOL: "none",
  GIT_NO_LAZY_FETCH: "1",
});

/** Which files are the user's configuration: theirs to say. */
const kept: ReadonlySet<string> = new Set(["GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"]);

/** A setting for one call, above every configuration file. */
export type Setting = readonly [key: string, value: string];

/**
 * Settings as environment: unlike `-c key=value` it can carry every name that a configuration file can (`filter.a=b.clean`).
 * Git reads `GIT_CONFIG_COUNT` since 2.31 and hands it to its children.
 */
export const settingsEnvironment = (settings: readonly Setting[]): Record<string, string> => {
  const env: Record<string, string> = { GIT_CONFIG_COUNT: String(settings.length) };
  for (const [index, [key, value]] of settings.entries()) {
    env[`GIT_CONFIG_KEY_${index}`] = key;
    env[`GIT_CONFIG_VALUE_${index}`] = value;
  }
  return env;
};
