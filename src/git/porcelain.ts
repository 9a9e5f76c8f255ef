/** Git through simple-git, where a few milliseconds do not matter. Loaded when it is first needed (11 ms). */
import type { SimpleGit } from "simple-git";

import type { Context } from "./call.ts";
import { cleanEnvironment, settingsEnvironment } from "./environment.ts";
import { baseGuards } from "./guard.ts";

/** Name and address on a commit. */
export interface Person {
  readonly name: string;
  readonly email: string;
}

/** Who the merges that we make are by: the user as configured a moment ago, and Lanekeeper where nothing is. */
export const userIdentity = async (context: Context): Promise<Person> => {
  return { ...nobodyConfigured, ...(await configuredLately(context)) };
};

const nobodyConfigured: Person = { name: "Lanekeeper", email: "lanekeeper@localhost" };

/** Environment that supplies the identity which the user has not configured; empty when git knows it by itself. */
export const identity = async (context: Context): Promise<Readonly<Record<string, string>>> => {
  return supplied(await configured(context));
};

/** The same as it was a moment ago: many lanes start in one moment. */
export const identityLately = async (context: Context): Promise<Readonly<Record<string, string>>> =>
  supplied(await configuredLately(context));

const supplied = (known: Partial<Person>): Readonly<Record<string, string>> => {
  if (known.name !== undefined && known.email !== undefined) return {};
  const { name, email } = { ...nobodyConfigured, ...known };
  return { GIT_AUTHOR_NAME: name, GIT_AUTHOR_EMAIL: email, GIT_COMMITTER_NAME: name, GIT_COMMITTER_EMAIL: email };
};

/** A merge on a branch, newest first. `at`: ms since 1970. */
export interface MergeSeen {
  readonly commit: string;
  readonly subject: string;
  readonly at: number;
}

/** The last merges that landed on a commit's first-parent line. */
export const landedMerges = async (context: Context, commit: string, max: number): Promise<readonly MergeSeen[]> => {
  const format = { commit: "%H", subject: "%s", at: "%ct" };
  const options = { format, "--first-parent": null, "--merges": null, "--end-of-options": null, [commit]: null };
  const found = await (await open(context)).log({ maxCount: max, ...options });
  return found.all.map((entry) => ({ commit: entry.commit, subject: entry.subject, at: Number(entry.at) * 1000 }));
};

/** Many lanes start or land in one moment, and each would ask anew. */
const configuredMs = 5000;

const answers = new WeakMap<Context, { readonly at: number; readonly person: Promise<Partial<Person>> }>();

const configuredLately = (context: Context): Promise<Partial<Person>> => {
  const known = answers.get(context);
  if (known !== undefined && performance.now() - known.at < configuredMs) return known.person;
  const person = configured(context);
  answers.set(context, { at: performance.now(), person });
  person.catch(() => answers.delete(context));
  return person;
};

const configured = async (context: Context): Promise<Partial<Person>> => {
  const git = await open(context);
  const [name, email] = await Promise.all([git.getConfig("user.name"), git.getConfig("user.email")]);
  const { env } = context;
  return {
    ...pick("name", env["GIT_AUTHOR_NAME"] ?? name.value),
    ...pick("email", env["GIT_AUTHOR_EMAIL"] ?? email.value ?? env["EMAIL"]),
  };
};

const pick = (field: keyof Person, value: string | null | undefined): Partial<Person> =>
  value === null || value === undefined || value.trim() === "" ? {} : { [field]: value };

/** The one factory. simple-git refuses our protections, as settings and as environment, unless they are named (trust.md, finding 5). */
const open = async (context: Context): Promise<SimpleGit> => {
  const { simpleGit } = await import("simple-git");
  const env = { ...cleanEnvironment(context.env), ...settingsEnvironment(baseGuards), GIT_DIR: context.layout.common };
  return simpleGit({
    baseDir: context.layout.common,
    allowEnvironment: Object.keys(env),
    timeout: { block: 60_000 },
    unsafe: ourProtections,
  }).env(env);
};

/** Each allows us to turn something off, or the user's own environment to name their configuration, editor and pager. */
const ourProtections = {
  allowUnsafeAskPass: true,
  allowUnsafeCommandBinaries: true,
  allowUnsafeConfigEnvCount: true,
  allowUnsafeConfigPaths: true,
  allowUnsafeCredentialHelper: true,
  allowUnsafeDiffExternal: true,
  allowUnsafeEditor: true,
  allowUnsafeFsMonitor: true,
  allowUnsafeGpgProgram: true,
  allowUnsafeHooksPath: true,
  allowUnsafePager: true,
  allowUnsafeProtocolOverride: true,
  allowUnsafeSshCommand: true,
  allowUnsafeSubmodule: true,
} as const;
