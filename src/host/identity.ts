/** Telling a process from a later one with the same number: number, start time and boot of the machine together. */
import { execFileSync } from "node:child_process";

import type { Identity } from "../core/state.ts";
import { readIfThere } from "./file.ts";
import { type ProcessRow, processRow } from "./process-table.ts";

/** The live process with this number, or undefined when there is none. */
export const identify = (pid: number): Identity | undefined => {
  const row = processRow(pid);
  return row && { pid, start: row.start, boot: bootId() };
};

/** This process. */
export const ownIdentity = (): Identity => {
  const own = identify(process.pid);
  if (own === undefined) throw new Error(`process ${process.pid} cannot see itself: is /proc mounted?`);
  return own;
};

/** Is this very process alive? False for a zombie, for a later process with its number, and after a restart of the machine. */
export const isAlive = (process: Identity): boolean => rowOf(process) !== undefined;

/** Is it alive but stopped: by a signal, a debugger or a frozen cgroup? */
export const isFrozen = (process: Identity): boolean => {
  const row = rowOf(process);
  return row !== undefined && (row.stopped || inFrozenGroup(process.pid));
};

const rowOf = ({ pid, start, boot }: Identity): ProcessRow | undefined => {
  const row = processRow(pid);
  return row?.start === start && boot === bootId() ? row : undefined;
};

/** Identifies this boot as assets/launcher.sh does: random(4) on Linux, sysctl elsewhere. */
export const bootId = (): string => (boot ??= readBootId());

/** No process outlives a boot: read once. */
let boot: string | undefined;

const readBootId = (): string => {
  const text = readIfThere("/proc/sys/kernel/random/boot_id") ?? bootSession();
  return text.trim() || "unknown";
};

const bootSession = (): string =>
  process.platform === "darwin"
    ? execFileSync("/usr/sbin/sysctl", ["-n", "kern.bootsessionuuid"], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      })
    : "";

/** Where cgroup v2 is mounted: alone, or beside v1. */
const groupRoots: readonly string[] = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];

/** Does a frozen cgroup hold it? cgroups(7): the line "0::PATH" names the v2 group; "frozen 1" in its cgroup.events says that all in it stand still. */
export const inFrozenGroup = (pid: number): boolean => {
  const path = /^0::(.*)$/m.exec(readIfThere(`/proc/${pid}/cgroup`) ?? "")?.[1];
  return (
    path !== undefined &&
    groupRoots.some((root) => /^frozen 1$/m.test(readIfThere(`${root}${path}/cgroup.events`) ?? ""))
  );
};
