/** What the operating system says about its processes: /proc on Linux, ps(1) elsewhere. */
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";

import { hasCode, readIfThere, unless } from "./file.ts";

/** One live process. `start` is opaque: equal for the same process, different for a later one with its number. */
export interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  readonly start: string;
  /** Stopped by a signal or a debugger. */
  readonly stopped: boolean;
}

const linux = process.platform === "linux";

/** The live process with this number, or undefined. One that ended and waits for its parent (a zombie) is not alive. */
export const processRow = (pid: number): ProcessRow | undefined => {
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  return linux ? fromProc(pid) : fromPs(["-p", String(pid)])[0];
};

/** All live processes that can be seen. */
export const processTable = (): readonly ProcessRow[] => {
  if (!linux) return fromPs(["-ax"]);
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => fromProc(Number(pid)) ?? []);
};

/** Has every thread of the process come to a stand? The first one alone tells nothing of the others. */
export const isStill = (pid: number): boolean => isAll(pid, ["", "T", "t", "Z", "X"]);

/** Does it stand still, or sleep where no signal reaches it, as who waits for a child that vfork(2) made and that is no other program yet? */
export const isOutOfReach = (pid: number): boolean => isAll(pid, ["", "T", "t", "Z", "X", "D"]);

/** Are all threads of a process in one of these states of proc_pid_stat(5)? */
const isAll = (pid: number, states: readonly string[]): boolean => {
  if (!linux) return processRow(pid)?.stopped !== false;
  const threads = unless(["ENOENT", "ESRCH"], () => readdirSync(`/proc/${pid}/task`)) ?? [];
  return threads.every((thread) => {
    const text = readIfThere(`/proc/${pid}/task/${thread}/stat`) ?? "";
    return states.includes(text.charAt(text.lastIndexOf(")") + 2));
  });
};

/** The value of a variable in the environment a process was started with; Linux only, undefined elsewhere and for other users. */
export const startedWith = (pid: number, variable: string): string | undefined => {
  const text = linux ? readIfThere(`/proc/${pid}/environ`) : undefined;
  const entry = text?.split("\0").find((each) => each.startsWith(`${variable}=`));
  return entry?.slice(variable.length + 1);
};

/** Fields of proc_pid_stat(5), counted from the state (field 3), which follows the name in brackets. */
const field = { state: 0, parent: 1, group: 2, session: 3, threads: 17, start: 19 } as const;

const fromProc = (pid: number): ProcessRow | undefined => rowFrom(pid, readIfThere(`/proc/${pid}/stat`) ?? "");

/** The row of a live process from its `/proc/<pid>/stat`; undefined for a zombie and for a text that is none. Its name may hold anything. */
export const rowFrom = (pid: number, text: string): ProcessRow | undefined => {
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const state = fields[field.state] ?? "";
  const start = fields[field.start];
  if (start === undefined) return undefined;
  // The first thread may end before the others: then the process is shown as a zombie and lives on.
  if (state === "X" || (state === "Z" && Number(fields[field.threads]) <= 1)) return undefined;
  return {
    pid,
    parent: Number(fields[field.parent]),
    group: Number(fields[field.group]),
    session: Number(fields[field.session]),
    start,
    stopped: state === "T" || state === "t",
  };
};

/** Without /proc: the group stands for the session too, which macOS does not show as a number. */
const fromPs = (which: readonly string[]): readonly ProcessRow[] =>
  listing(which).flatMap((line) => {
    const [, pid, parent, group, state, start] = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(.+?)\s*$/.exec(line) ?? [];
    if (start === undefined || state === undefined || state.startsWith("Z")) return [];
    const numbers = { pid: Number(pid), parent: Number(parent), group: Number(group), session: Number(group) };
    return [{ ...numbers, start, stopped: state.startsWith("T") }];
  });

const listing = (which: readonly string[]): readonly string[] => {
  const env = { PATH: "/bin:/usr/bin", TZ: "UTC", LC_ALL: "C" };
  try {
    return execFileSync("ps", [...which, "-o", "pid=,ppid=,pgid=,stat=,lstart="], { env, encoding: "utf8" }).split(
      "\n",
    );
  } catch (error) {
    // ps ends with 1 when no process was found.
    if (error instanceof Error && "status" in error && error.status === 1) return [];
    if (hasCode(error, ["ENOENT"]))
      throw new Error("ps is needed to look at processes, and it is not there", { cause: error });
    throw error;
  }
};
