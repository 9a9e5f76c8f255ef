/** A guarded call of git at a place of the repository, with patience for locks that others hold. */
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";

import type { Layout } from "../port.ts";
import { dropStaleLock } from "./dead-lock.ts";
import { cleanEnvironment, settingsEnvironment } from "./environment.ts";
import type { Setting } from "./environment.ts";
import { baseGuards, configStamp, driverGuards, driverKeys, includesFiles, parseConfigured } from "./guard.ts";
import { limit } from "./limit.ts";
import type { Limit } from "./limit.ts";
import type { Place } from "./place.ts";
import { git } from "./run.ts";
import type { Ran } from "./run.ts";

/** Run git at a place, guarded. Resolves with any exit code; waits and repeats while another process holds a lock file. */
export const call = async (context: Context, place: Place, args: readonly string[], more: More = {}): Promise<Ran> => {
  const settings = [...baseGuards, ...(await driversAt(context, place)), ...(more.settings ?? [])];
  const env = { ...placeEnvironment(context, place), ...settingsEnvironment(settings), ...more.env };
  if (more.writes !== undefined) env[writesVariable] = more.writes;
  const { isGentle } = context;
  const options = { cwd: place.cwd, env, input: more.input, timeoutMs: more.timeoutMs ?? timeoutMs, isGentle };
  const until = performance.now() + patienceMs;
  for (let pauseMs = 10; ; pauseMs = Math.min(pauseMs * 2, pauseMsMax)) {
    const ran = await git(["--no-optional-locks", "--no-pager", ...args], options);
    if (ran.code === 0 || !isBusy(ran.stderr)) return ran;
    const removed = await context.locks(() => dropStaleLock(place, context.layout.home, ran.stderr));
    if (removed !== undefined) context.note(`removed ${removed}: a lock of git that nobody held`);
    else if (performance.now() > until) return ran;
    await new Promise((resolve) => setTimeout(resolve, pauseMs * (0.5 + Math.random())));
  }
};

/** Like `call`, but any exit code except 0 is a broken world. */
export const must = async (
  context: Context,
  place: Place,
  args: readonly string[],
  more: More = {},
): Promise<Buffer> => {
  const ran = await call(context, place, args, more);
  if (ran.code !== 0) throw new Error(`git ${args.join(" ")} ended with ${endOf(ran)}`);
  return ran.stdout;
};

/** The output of `must` as one line of text. */
export const line = async (context: Context, place: Place, args: readonly string[], more: More = {}): Promise<string> =>
  (await must(context, place, args, more)).toString().trimEnd();

/** How a run ended, in words: code or signal, and git's own first sentence. */
export const endOf = (ran: Ran): string => {
  const said = ran.stderr.split("\n").find((text) => /^(fatal|error): /.test(text)) ?? ran.stderr.split("\n")[0] ?? "";
  return `${ran.signal ?? `exit ${ran.code}`}${said === "" ? "" : ` (${said.replace(/^(fatal|error): /, "")})`}`;
};

/** What the functions of this driver share about one repository. */
export interface Context {
  readonly layout: Layout;
  /** The user's environment as given; calls get a cleaned one. */
  readonly env: NodeJS.ProcessEnv;
  /** Told between any two steps that change something; a test that throws here is a crash at that point. */
  readonly step: (name: string) => void | Promise<void>;
  /** Told what was repaired on the way, a line each. */
  readonly note: (line: string) => void;
  /** One at a time: judging locks that were left behind. */
  readonly locks: Limit;
  /** One at a time: changes of git's list of worktrees. */
  readonly alone: Limit;
  /** One at a time: making the control repository. */
  readonly control: Limit;
  /** One at a time: hooks that look at a merge share a worktree. */
  readonly hooks: Limit;
  /** As many at once as there are cores. */
  readonly wide: Limit;
  /** Calls that nobody waits for: the system lets everything else go first. */
  readonly isGentle?: true;
  /** Commits that were brought into the user's objects. */
  readonly published: Set<string>;
  /** Settings against local drivers, by configuration stamp. */
  readonly drivers: Map<string, readonly Setting[]>;
  /** What configuration files held when they had this stamp, by path. */
  readonly settings: Map<string, { readonly stamp: string; readonly entries: readonly (readonly [string, string])[] }>;
}

/** Extras of a call. */
export interface More {
  readonly input?: string | Buffer;
  readonly env?: Readonly<Record<string, string>>;
  readonly settings?: readonly Setting[];
  readonly timeoutMs?: number;
  /** Worktree that this call fills: a mark by which a later process finds it, should this one be killed. */
  readonly writes?: string;
}

/** Variable that marks our writing calls; its value is the worktree. */
export const writesVariable = "LANEKEEPER_WRITES";

/** Objects and refs of a call must be on disk before it ends. */
export const durable: readonly Setting[] = [["core.fsync", "all"]];

/** Time limit of a call. A fill of a huge repository on a slow disk takes minutes. */
const timeoutMs = 600_000;
/** How long a lock of another process is waited for. */
const patienceMs = 10_000;
const pauseMsMax = 320;
/** Configurations whose drivers are remembered. */
const stampsMax = 500;

/** A context for one repository. */
export const contextOf = (
  layout: Layout,
  env: NodeJS.ProcessEnv,
  step: Context["step"],
  note: Context["note"] = () => undefined,
): Context => ({
  layout,
  env,
  step,
  note,
  locks: limit(1),
  alone: limit(1),
  control: limit(1),
  hooks: limit(1),
  wide: limit(availableParallelism()),
  published: new Set(),
  drivers: new Map(),
  settings: new Map(),
});

/** Somebody else holds a lock, or 2.39 met a half-made worktree: both pass. Not: a ref that has another value than expected. */
const isBusy = (stderr: string): boolean =>
  /\.lock': File exists|could not lock config file|failed to read .*\/commondir/.test(stderr);

const placeEnvironment = (context: Context, place: Place): NodeJS.ProcessEnv => ({
  ...cleanEnvironment(context.env),
  GIT_DIR: place.gitDir,
  // Only in linked worktrees: git would ignore `core.bare` when it is set.
  ...(place.gitDir === place.common ? {} : { GIT_COMMON_DIR: place.common }),
  ...(place.workTree === undefined ? {} : { GIT_WORK_TREE: place.workTree }),
  ...(place.shallow === undefined || !existsSync(place.shallow) ? {} : { GIT_SHALLOW_FILE: place.shallow }),
});

const driversAt = async (context: Context, place: Place): Promise<readonly Setting[]> => {
  const stamp = configStamp(place.gitDir, place.common);
  const known = context.drivers.get(stamp);
  if (known !== undefined) return known;
  const env = { ...placeEnvironment(context, place), ...settingsEnvironment(baseGuards) };
  const args = ["config", "--includes", "--show-scope", "-z", "--get-regexp", driverKeys];
  const ran = await git(args, { cwd: place.cwd, env, timeoutMs });
  if (ran.code > 1 || ran.code < 0) throw new Error(`the repository's configuration cannot be read: ${endOf(ran)}`);
  const entries = parseConfigured(ran.stdout.toString());
  const settings = driverGuards(entries);
  if (includesFiles(entries)) return settings;
  if (context.drivers.size >= stampsMax) context.drivers.clear();
  context.drivers.set(stamp, settings);
  return settings;
};
