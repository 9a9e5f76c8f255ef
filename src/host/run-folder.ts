/** The folder of a run under `runs/`: where it is, and what assets/launcher.sh wrote into it. */
import { statSync } from "node:fs";
import { join } from "node:path";

import type { Identity } from "../core/state.ts";
import { readIfThere, readSmall } from "./file.ts";

/** Where the runs of one repository live. Absolute, real paths: `state` also marks the processes of its runs. */
export interface RunArea {
  readonly state: string;
  readonly home: string;
}

/**
 * How a run began. `agent` is missing when the launcher did not come that far. `startedAt`: ms since 1970; `startedUp`: ms
 * since the machine started, where the launcher could tell.
 */
export interface Begun {
  readonly launcher: Identity;
  readonly agent?: Identity;
  /** Who writes the output into its files; missing where the agent writes them itself. */
  readonly keeper?: Identity;
  readonly startedAt: number;
  readonly startedUp?: number;
}

/** How a run ended: the status as a shell gives it (128 + n for signal n). `endedAt`: ms since 1970; `ranMs`: whatever was done to the clock. */
export interface Ended extends Begun {
  readonly code: number;
  readonly endedAt: number;
  readonly ranMs: number;
}

/** What the folder of a run shows. `ageMs`: since it was made, by the clock of now. */
export interface RunFolder {
  readonly begun: Begun | undefined;
  readonly ended: Ended | undefined;
  readonly ageMs: number;
}

/** A run's, lane's or lent file's name: one path segment that no tool takes for anything else. */
const namePattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/;

/** The name itself, when it can be the name of a file of ours; throws otherwise, because names come checked. */
export const checkedName = (name: string): string => {
  if (!namePattern.test(name)) throw new Error(`not a name for a run or a lane: ${JSON.stringify(name)}`);
  return name;
};

/** `runs/`, which holds one folder a run. */
export const runsOf = (area: RunArea): string => join(area.state, "runs");

/** The folder of one run. */
export const folderOf = (area: RunArea, run: string): string => join(runsOf(area), checkedName(run));

/** Value of LANES_RUN in every process of the run: unique on the machine, so that they can be found wherever they went. */
export const markOf = (area: RunArea, run: string): string => `${area.state}:${checkedName(run)}`;

/** LANES_RUN of processes of ours that belong to no run, whoever started them. */
export const freeMarkOf = (area: RunArea): string => `${area.state}:`;

/** What the folder at `path` shows, or undefined when there is none. */
export const readRunFolder = (path: string): RunFolder | undefined => {
  const made = statSync(path, { throwIfNoEntry: false });
  if (made === undefined) return undefined;
  const ended = readEnded(path);
  return { begun: begunFrom(fieldsOf(join(path, "start"))) ?? ended, ended, ageMs: Date.now() - made.mtimeMs };
};

/** How the run in the folder at `path` ended, or undefined when nobody wrote it down. */
export const readEnded = (path: string): Ended | undefined => {
  const fields = fieldsOf(join(path, "exit"));
  const begun = begunFrom(fields);
  const code = numberIn(fields, "code");
  const endedAt = numberIn(fields, "ended");
  if (!begun || code === undefined || endedAt === undefined) return undefined;
  return { ...begun, code, endedAt, ranMs: span(begun, { at: endedAt, up: upIn(fields, "ended-up") }) };
};

/** For how long a run goes on, in ms. Whoever asks knows that the machine was not started anew meanwhile. */
export const ageOf = (begun: Begun): number => {
  const text = readIfThere("/proc/uptime");
  return span(begun, { at: Date.now(), up: text === undefined ? undefined : Number.parseFloat(text) * 1000 });
};

/** From the start to a moment: by the machine's uptime, which nobody sets, or else by the time of day. Never negative. */
const span = ({ startedAt, startedUp }: Begun, to: { readonly at: number; readonly up: number | undefined }): number =>
  Math.max(0, startedUp === undefined || to.up === undefined ? to.at - startedAt : Math.round(to.up - startedUp));

type Fields = ReadonlyMap<string, string>;

/** "key value" lines; an absent or unreadable file has none. */
const fieldsOf = (path: string): Fields => {
  const lines = readSmall(path)
    .split("\n")
    .filter((line) => line.includes(" "));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1).trim()]));
};

const begunFrom = (fields: Fields): Begun | undefined => {
  const launcher = identityIn(fields, "launcher");
  const startedAt = numberIn(fields, "started");
  if (launcher === undefined || startedAt === undefined) return undefined;
  const agent = identityIn(fields, "agent");
  const keeper = identityIn(fields, "keeper");
  const startedUp = upIn(fields, "started-up");
  return {
    launcher,
    ...(agent && { agent }),
    ...(keeper && { keeper }),
    startedAt,
    ...(startedUp === undefined ? {} : { startedUp }),
  };
};

/** Hundredths of a second in the file, milliseconds here. */
const upIn = (fields: Fields, key: string): number | undefined => {
  const hundredths = numberIn(fields, key);
  return hundredths === undefined ? undefined : hundredths * 10;
};

const identityIn = (fields: Fields, who: "launcher" | "agent" | "keeper"): Identity | undefined => {
  const pid = numberIn(fields, who);
  const start = fields.get(`${who}-birth`);
  const boot = fields.get("boot");
  return pid !== undefined && start !== undefined && boot !== undefined ? { pid, start, boot } : undefined;
};

const numberIn = (fields: Fields, key: string): number | undefined => {
  const text = fields.get(key) ?? "";
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
};
