/** What `lanes doctor` sees of the state folder, and the repairs that are the journal's. */
import * as fs from "node:fs";
import { basename, dirname, join } from "node:path";
import { randomBytes } from "node:crypto";

import type { JournalFacts, Kind } from "../core/health.ts";
import type { JournalWard, Layout } from "../port.ts";
import { codeOf } from "./fault.ts";
import { realFiles } from "./files.ts";
import { makeFolder } from "./folder.ts";
import { newline } from "./line.ts";
import { logName } from "./local.ts";
import { fileBytesMax } from "./published.ts";
import { scan } from "./read.ts";
import { keptOf } from "./rejected.ts";

/** Files that are published for readers, and what has to be for us alone even where the folder around it is not. */
const publishedNames: readonly string[] = ["tracker.json", "observed.json", "task-queue.json", "agent-registry.json"];
const privateNames: readonly string[] = [logName, "engine.log", "engine.log.1", "lent", "runs"];

const folderNames: ReadonlySet<string> = new Set(["lent", "runs"]);

/** Damaged lines and refused edits that are named. */
const namedMax = 5;
/** A writer between two system calls has this long, in ms. */
const tornMs = 50;
/** The lock of polite scripts is held for moments, in ms. */
const lockStaleMs = 10_000;

const { constants } = fs;

/** The journal's part of the doctor's work. */
export const createJournalWard = ({ state }: Pick<Layout, "state">): JournalWard => ({
  look: async () => ({
    folder: { path: state, is: kindOf(state), mine: isMine(state) },
    open: openIn(state),
    log: await seeLog(join(state, logName)),
    misplaced: publishedNames.flatMap((name) => misplaced(join(state, name))),
    refused: refusedIn(state),
    ...lockIn(state),
  }),
  mend: async (mend) => {
    switch (mend.type) {
      case "mode":
        return setMode(mend.path, mend.mode);
      case "set-aside":
        return setAside(state, mend.path);
      case "end-line":
        return endLine(join(state, logName));
    }
  },
});

const refusedIn = (state: string): JournalFacts["refused"] => {
  const names = unlessDenied(() => keptOf(realFiles, state, "tracker.json")) ?? [];
  return { path: join(state, "rejected"), names: names.slice(-namedMax), count: names.length };
};

const kindOf = (path: string): Kind => {
  const seen = look(path);
  if (seen === undefined) return "absent";
  if (seen.isFile()) return "file";
  if (seen.isDirectory()) return "folder";
  if (seen.isSymbolicLink()) return "link";
  return seen.isFIFO() ? "pipe" : "other";
};

/** Undefined where nothing is, or where we may not even look. */
const look = (path: string): fs.Stats | undefined => unlessDenied(() => fs.lstatSync(path, { throwIfNoEntry: false }));

const unlessDenied = <Answer>(act: () => Answer): Answer | undefined => {
  try {
    return act();
  } catch (error) {
    if (["EACCES", "EPERM", "ENOTDIR", "ENOENT"].includes(codeOf(error) ?? "")) return undefined;
    throw error;
  }
};

/** Root may use anybody's folder, as `requireFolder` has it. */
const isMine = (path: string): boolean => {
  const self = process.getuid?.();
  const owner = look(path)?.uid;
  return self === undefined || self === 0 || owner === undefined || owner === self;
};

/** The folder must be closed to all others; what is in it is then out of reach, but for what others could have opened before. */
const openIn = (state: string): JournalFacts["open"] => {
  const folder = look(state);
  if (folder?.isDirectory() !== true) return [];
  const inside = privateNames.flatMap((name) => {
    const path = join(state, name);
    const seen = look(path);
    // Something else in its place is another finding.
    if (seen === undefined || !(folderNames.has(name) ? seen.isDirectory() : seen.isFile())) return [];
    const wanted = seen.isDirectory() ? 0o700 : 0o600;
    return (seen.mode & 0o077) === 0 ? [] : [{ path, mode: seen.mode & 0o7777, wanted }];
  });
  const own = (folder.mode & 0o077) === 0 ? [] : [{ path: state, mode: folder.mode & 0o7777, wanted: 0o700 }];
  return [...own, ...inside];
};

const seeLog = async (path: string): Promise<JournalFacts["log"]> => {
  const nothing = { path, is: kindOf(path), torn: false, damaged: [], damagedCount: 0, newestAt: 0 };
  if (nothing.is !== "file") return nothing;
  let file: number;
  try {
    file = fs.openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    return { ...nothing, unreadable: codeOf(error) ?? String(error) };
  }
  try {
    return { ...nothing, ...read(file, path), torn: await isTorn(file) };
  } finally {
    fs.closeSync(file);
  }
};

const read = (file: number, path: string): Pick<JournalFacts["log"], "damaged" | "damagedCount" | "newestAt"> => {
  const damaged: number[] = [];
  let [damagedCount, newestAt] = [0, 0];
  const { size } = fs.fstatSync(file);
  const each = (entry: Parameters<Parameters<typeof scan>[0]["each"]>[0]): void => {
    if ("record" in entry) newestAt = entry.record.at;
    else {
      damagedCount += 1;
      if (damaged.length < namedMax) damaged.push(entry.position);
    }
  };
  scan({ files: realFiles, path, file, size, each }, { byte: 0, position: 0 });
  return { damaged, damagedCount, newestAt };
};

/** Does the log end without a newline, and still so a moment later? */
const isTorn = async (file: number): Promise<boolean> => {
  if (!endsOpen(file)) return false;
  await new Promise((resolve) => {
    setTimeout(resolve, tornMs);
  });
  return endsOpen(file);
};

const endsOpen = (file: number): boolean => {
  const { size } = fs.fstatSync(file);
  const last = Buffer.alloc(1);
  return size > 0 && fs.readSync(file, last, 0, 1, size - 1) === 1 && last[0] !== newline;
};

const misplaced = (path: string): JournalFacts["misplaced"] => {
  const is = kindOf(path);
  const bytes = look(path)?.size ?? 0;
  return is === "absent" || (is === "file" && bytes <= fileBytesMax) ? [] : [{ path, is, bytes }];
};

const lockIn = (state: string): Pick<JournalFacts, "lock"> => {
  const path = join(state, "locks", "tracker.lck");
  const seen = look(path);
  if (seen === undefined) return {};
  const full = seen.isDirectory() && (unlessDenied(() => fs.readdirSync(path)) ?? []).length > 0;
  return { lock: { path, is: kindOf(path), full, ageMs: Math.floor(Date.now() - seen.mtimeMs) } };
};

/** No link is followed: what is behind one is not ours. */
const setMode = (path: string, mode: number): boolean => {
  const file = fs.openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    fs.fchmodSync(file, mode);
    return true;
  } finally {
    fs.closeSync(file);
  }
};

/** Nothing is deleted: a person may want to see what it was. */
const setAside = (state: string, path: string): boolean => {
  const lock = lockIn(state).lock;
  const stale = lock?.path === path && Math.abs(lock.ageMs) > lockStaleMs;
  if (!stale && (dirname(path) !== state || misplaced(path).length === 0)) return false;
  const rejected = join(state, "rejected");
  makeFolder(realFiles, rejected);
  const time = new Date().toISOString().replaceAll(/[:.]/g, "-");
  fs.renameSync(path, join(rejected, `aside-${basename(path)}.${time}-${randomBytes(4).toString("hex")}`));
  return true;
};

const endLine = (path: string): boolean => {
  const flags = constants.O_RDWR | constants.O_APPEND | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = fs.openSync(path, flags);
  try {
    if (!endsOpen(file)) return false;
    // An empty line is no position: should a writer have ended the line meanwhile, this does no harm.
    fs.writeSync(file, "\n");
    fs.fdatasyncSync(file);
    return true;
  } finally {
    fs.closeSync(file);
  }
};
