/** Starting processes that outlive us: runs under assets/launcher.sh, and engines. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, readdirSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import type { RunSpec } from "../port.ts";
import { engineEnvironment, lentOf, runEnvironment } from "./environment.ts";
import { makeFolder, readIfThere, unless } from "./file.ts";
import { checkedName, folderOf, runsOf } from "./run-folder.ts";
import type { RunArea } from "./run-folder.ts";

/** How long a start waits for the launcher to make the run's folder, and how often it looks. */
const folderMsMax = 5000;
const lookMs = 4;

/**
 * Start a run and resolve when its folder is there; at once when it was there before. `shell`: argv that runs the
 * launcher's sh. Rejects when there can be no process (ENOENT, E2BIG, EAGAIN …) or no folder for it.
 */
export const startRun = async (area: RunArea, shell: readonly string[], spec: RunSpec): Promise<void> => {
  const folder = folderOf(area, spec.run);
  checkSpec(spec);
  if (existsSync(folder)) return;
  makeFolder(runsOf(area));
  const lent = spec.lent === undefined ? "-" : join(lentOf(area), checkedName(spec.lent));
  const launcher = spawnDetached(
    [...shell, launcherPath(), folder, spec.cwd, lent, `${outputBytesOf(spec)}`, "--", ...spec.argv],
    "/",
    runEnvironment(area, spec, process.env),
  );
  await once(launcher, "spawn");
  for (const deadline = performance.now() + folderMsMax; !existsSync(folder) && performance.now() < deadline;) {
    if (launcher.exitCode !== null || launcher.signalCode !== null)
      throw new Error(`the launcher of run ${spec.run} cannot make ${folder}`);
    await sleep(lookMs);
  }
};

/** What is kept of a run's output, at most, when nobody says otherwise, and at least. */
const outputBytesMax = 64 * 1024 * 1024;
const outputBytesMin = 1024 * 1024;

const outputBytesOf = (spec: RunSpec): number => Math.max(outputBytesMin, spec.outputBytesMax ?? outputBytesMax);

/** Start an engine for this repository and forget it: whoever needs it sees it elected in the journal, or tries again. */
export const startEngine = (area: RunArea, entry: readonly string[]): void => {
  const argv = [...entry, "--repo", area.home, "engine", "run"];
  const engine = spawnDetached(argv, area.home, engineEnvironment(area, process.env));
  // Nothing to say here: whoever needs an engine sees that none is elected in time.
  engine.on("error", () => undefined);
};

/** A process in its own session, without terminal, standard streams or other open files of ours. */
const spawnDetached = (argv: readonly string[], cwd: string, env: Readonly<Record<string, string>>): ChildProcess => {
  const [command, ...rest] = argv;
  if (command === undefined) throw new Error("there is no command to start");
  const nothing = openSync("/dev/null", "r+");
  try {
    const child = spawn(command, rest, { cwd, env, detached: true, stdio: closedStreams(nothing) });
    child.unref();
    return child;
  } finally {
    closeSync(nothing);
  }
};

/**
 * All streams lead to `nothing`: the standard ones, and those that whoever started us left open. Node shields only the
 * first 16 of them, and a pipe or a lock that lives on in an agent keeps others waiting. Linux only (proc_pid_fdinfo(5)).
 * Making the child takes numbers above all of these, so those in the upper half of what is allowed stay as they are.
 */
const closedStreams = (nothing: number): (number | "ignore")[] => {
  const open = unless(["ENOENT"], () => readdirSync("/proc/self/fd")) ?? [];
  const allowed = Number(/^Max open files\s+(\d+)/m.exec(readIfThere("/proc/self/limits") ?? "")?.[1] ?? Infinity);
  const left = open.map(Number).filter((each) => each <= 2 || (each < allowed / 2 && isInherited(each)));
  return Array.from({ length: Math.max(2, ...left) + 1 }, (_, each) =>
    each <= 2 || left.includes(each) ? nothing : "ignore",
  );
};

const closedOnExec = 0o2000000;

const isInherited = (descriptor: number): boolean => {
  const flags = /^flags:\s*([0-7]+)$/m.exec(readIfThere(`/proc/self/fdinfo/${descriptor}`) ?? "")?.[1];
  return flags !== undefined && (Number.parseInt(flags, 8) & closedOnExec) === 0;
};

/** `exec` of sh takes no "--": a command that starts with "-" would be read as an option. */
const checkSpec = ({ argv, cwd }: RunSpec): void => {
  const [command = ""] = argv;
  if (command === "" || command.startsWith("-")) throw new Error(`not a command: ${JSON.stringify(command)}`);
  if (!isAbsolute(cwd)) throw new Error(`not an absolute path: ${JSON.stringify(cwd)}`);
};

/** This package's assets/launcher.sh: sources, bundle and chunks lie at different depths below the package. */
const launcherPath = (): string => {
  const path = ["../", "../../", "../../../"]
    .map((up) => fileURLToPath(new URL(`${up}assets/launcher.sh`, import.meta.url)))
    .find((each) => existsSync(each));
  if (path === undefined) throw new Error("assets/launcher.sh is not where this program was installed");
  return path;
};
