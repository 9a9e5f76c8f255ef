/** What an agent sees of our environment: an allow-list, by value for the start of a run, by file for a later one. */
import { createHash, randomBytes } from "node:crypto";
import { chmodSync, lstatSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { isGitSetting } from "../core/lane-spec.ts";
import type { RunSpec } from "../port.ts";
import { hookEnvironment } from "./hook.ts";
import { makeFolder, readIfThere, unless } from "./file.ts";
import { checkedName, freeMarkOf, markOf } from "./run-folder.ts";
import type { RunArea } from "./run-folder.ts";

type Variables = Readonly<Record<string, string | undefined>>;

/** Who the user is, where things are, how to reach the network. Nothing in it is a secret, and nothing of npm's. */
const allowed: ReadonlySet<string> = new Set([
  ..."PATH HOME USER LOGNAME SHELL LANG TZ TMPDIR SSH_AUTH_SOCK NODE_EXTRA_CA_CERTS".split(" "),
  ..."http_proxy https_proxy no_proxy all_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY ALL_PROXY".split(" "),
]);

const isAllowed = (name: string): boolean => allowed.has(name) || /^(?:LC|XDG)_[A-Z0-9_]+$/.test(name);

/** The variables that a run starts with: the usual ones, `spec.env`, and on top what tells a process where it is. */
export const runEnvironment = (area: RunArea, spec: RunSpec, from: Variables): Record<string, string> => ({
  ...usual(from),
  // A run has no terminal.
  TERM: "dumb",
  ...spec.env,
  ...(spec.isLane ? hookEnvironment(area) : {}),
  LANES_LANE: spec.lane,
  LANES_REPO: area.home,
  LANES_NAME: nameOf(area, spec.lane),
  LANES_RUN: markOf(area, spec.run),
});

/**
 * A name that no lane of another repository has: for what is made outside of the worktree (containers, databases, buckets). Small letters,
 * digits and hyphens, at most 63 of them: what DNS and docker take.
 */
const nameOf = ({ home }: RunArea, lane: string): string => {
  const hash = createHash("sha256").update(`${home}\0${lane}`).digest("hex").slice(0, 8);
  return `lanes-${lane.toLowerCase().replaceAll("_", "-").slice(0, 48)}-${hash}`;
};

/** The variables of an engine: the usual ones and our own settings, but not the run that its first asker may stand in. */
export const engineEnvironment = (area: RunArea, from: Variables): Record<string, string> => {
  const settings = Object.entries(from).filter(([name]) => name.startsWith("LANES_") && !aboutRun.has(name));
  return { ...usual(from), ...defined(settings), LANES_RUN: freeMarkOf(area) };
};

const aboutRun: ReadonlySet<string> = new Set(["LANES_LANE", "LANES_NAME", "LANES_REPO", "LANES_RUN", "LANES_TASKS"]);

const usual = (from: Variables): Record<string, string> => ({
  PATH: "/usr/local/bin:/usr/bin:/bin",
  ...defined(Object.entries(from).filter(([name]) => isAllowed(name))),
});

const defined = (entries: readonly (readonly [string, string | undefined])[]): Record<string, string> =>
  Object.fromEntries(entries.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));

/** Folder of the values that wait for a run. */
export const lentOf = (area: RunArea): string => join(area.state, "lent");

/**
 * Keep the usual variables and those called `names`, as they are in `from`, in a 0600 file that the launcher reads and
 * deletes. What is not set stays unset; LANES_*, settings for git and what a shell keeps for itself are not lent. Returns the file's
 * name; an older file of the same lane is deleted.
 */
export const lendEnvironment = (area: RunArea, lane: string, names: readonly string[], from: Variables): string => {
  const lent = `${checkedName(lane)}-${randomBytes(nonceLength / 2).toString("hex")}`;
  const values = { ...usual(from), ...defined(names.filter(isLendable).map((name) => [name, from[name]])) };
  const folder = lentOf(area);
  makeFolder(folder);
  if (!lstatSync(folder).isDirectory()) throw new Error(`${folder} is not a folder`);
  chmodSync(folder, 0o700);
  const older = waitingFor(folder, lane);
  const text = Object.entries(values).map(exportLine).join("");
  writeFileSync(join(folder, lent), text, { flag: "wx", mode: 0o600 });
  for (const each of older) rmSync(join(folder, each), { force: true });
  return lent;
};

/** Name of the file that waits for the next run of a lane, or undefined. */
export const lentFor = (area: RunArea, lane: string): string | undefined => waitingFor(lentOf(area), lane)[0];

/** The values in a lent file that are no usual variables, as the launcher is going to read them. */
export const lentValues = (area: RunArea, lent: string): readonly string[] => {
  const text = readIfThere(join(lentOf(area), checkedName(lent))) ?? "";
  const rows = [...text.matchAll(/^export ([A-Za-z_]\w*)='((?:[^']|'\\'')*)'$/gm)];
  return rows
    .filter(([, name = ""]) => !isAllowed(name))
    .map(([, , value = ""]) => value.replaceAll(String.raw`'\''`, "'"));
};

const waitingFor = (folder: string, lane: string): readonly string[] =>
  (unless(["ENOENT"], () => readdirSync(folder)) ?? []).filter((each) => each.slice(0, -(nonceLength + 1)) === lane);

const nonceLength = 16;

/** Variables that a shell keeps for itself: assigning some of them ends it. */
const shellsOwn: ReadonlySet<string> = new Set(
  "BASHOPTS BASH_ENV BASH_VERSINFO ENV EUID IFS LINENO OPTARG OPTIND PPID PS4 SHELLOPTS UID".split(" "),
);

const isLendable = (name: string): boolean => {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw new Error(`not the name of a variable: ${JSON.stringify(name)}`);
  return !name.startsWith("LANES_") && !isGitSetting(name) && !shellsOwn.has(name);
};

const exportLine = ([name, value]: [string, string]): string => `export ${name}='${value.replaceAll("'", `'\\''`)}'\n`;
