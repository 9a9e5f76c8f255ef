/** What `lanes doctor` sees of the machine, of this person's account and of processes. Changes nothing. */
import { accessSync, constants, existsSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, isAbsolute, join } from "node:path";

import type { BoxFacts, WorkFacts } from "../core/health.ts";
import type { HostWard } from "../port.ts";
import { readIfThere, unless } from "./file.ts";
import { isAlive } from "./identity.ts";
import { processTable, startedWith } from "./process-table.ts";
import { folderOf, freeMarkOf, readRunFolder } from "./run-folder.ts";
import type { RunArea } from "./run-folder.ts";
import { configFolder, stateFolder } from "./settings.ts";
import { roomAt } from "./room.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Who ended so recently may still be clearing up, in ms. */
const endingMs = 2000;

/** The host's part of the doctor's work. `area` is undefined outside a repository. */
export const createHostWard = (area: RunArea | undefined, cwd: string, environment: Environment): HostWard => ({
  box: async () => seeBox(area, cwd, environment),
  missing: (programs) => programs.filter((program) => !isThere(program, environment)),
  orphans: () => (area === undefined ? [] : orphansOf(area)),
});

const seeBox = (area: RunArea | undefined, cwd: string, environment: Environment): BoxFacts => ({
  home: environment["HOME"] ?? homedir(),
  node: process.version,
  filesMax: openFilesMax(),
  disks: [...new Set([nearest(area?.state ?? cwd)])].flatMap(diskAt),
  tmux: isThere("tmux", environment),
  unwritable: [configFolder(environment), stateFolder(environment)].filter((path) => !isWritable(nearest(path))),
});

/** The folder itself, or the nearest one above it that is there. */
const nearest = (path: string): string => {
  let at = path;
  while (!existsSync(at) && at !== dirname(at)) at = dirname(at);
  return at;
};

const isWritable = (path: string): boolean =>
  unless(["EACCES", "EROFS", "EPERM", "ENOENT", "ENOTDIR"], () => {
    accessSync(path, constants.W_OK | constants.X_OK);
    return true;
  }) === true && statSync(path).isDirectory();

const diskAt = (path: string): BoxFacts["disks"] => {
  const room = roomAt(path);
  return room === undefined ? [] : [{ path, ...room }];
};

/** Node raises its own limit as far as it may: this is what there is. proc_pid_limits(5). */
const openFilesMax = (): number | undefined => {
  const soft = /^Max open files\s+(\d+)/m.exec(readIfThere("/proc/self/limits") ?? "")?.[1];
  return soft === undefined ? undefined : Number(soft);
};

/** Can this program be started? A path that is relative to a lane's worktree cannot be looked at from here. */
const isThere = (program: string, environment: Environment): boolean => {
  if (program.includes("/")) return !isAbsolute(program) || isProgram(program);
  return (environment["PATH"] ?? "")
    .split(delimiter)
    .some((folder) => folder !== "" && isProgram(join(folder, program)));
};

const isProgram = (path: string): boolean =>
  unless(["EACCES", "ENOENT", "ENOTDIR", "ELOOP", "EPERM", "ENAMETOOLONG"], () => {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  }) === true;

/** Living processes that carry the mark of a run which ended or which nobody leads any more. */
const orphansOf = (area: RunArea): WorkFacts["orphans"] => {
  const mark = freeMarkOf(area);
  const runs = new Map<string, number[]>();
  for (const { pid } of processTable()) {
    const value = startedWith(pid, "LANES_RUN");
    const run = value?.startsWith(mark) === true ? value.slice(mark.length) : "";
    if (run !== "" && pid !== process.pid) runs.set(run, [...(runs.get(run) ?? []), pid]);
  }
  return [...runs].filter(([run]) => isOver(area, run)).map(([run, pids]) => ({ run, pids }));
};

const isOver = (area: RunArea, run: string): boolean => {
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/.test(run)) return false;
  const folder = readRunFolder(folderOf(area, run));
  if (folder === undefined) return true;
  if (folder.ended !== undefined) return Math.abs(Date.now() - folder.ended.endedAt) > endingMs;
  return folder.begun !== undefined ? !isAlive(folder.begun.launcher) : folder.ageMs > endingMs * 5;
};
