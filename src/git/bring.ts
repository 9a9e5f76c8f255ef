/** Objects that merging in advance made, brought into the user's store: as links where both are on one file system. */
import { close, fsync, linkSync, mkdirSync, open, utimesSync } from "node:fs";
import { dirname } from "node:path";
import { setImmediate as pause } from "node:timers/promises";

import { call, durable, endOf, must } from "./call.ts";
import type { Context } from "./call.ts";
import { limit } from "./limit.ts";
import { refsPlace } from "./place.ts";
import type { Place } from "./place.ts";
import { objectFile, objectName } from "./ref.ts";

/**
 * Make `commit` of the control repository `control` and all that belongs to it objects of the user's repository, safely on disk. Only
 * what is not there yet is brought, loose, so that nothing makes git repack; a repetition after a crash completes it. False when
 * there is no such commit (any more).
 *
 * A loose object is a file that nobody ever changes: a second name for it costs microseconds, a copy through a pack a millisecond.
 */
export const bring = async (context: Context, control: Place, commit: string): Promise<boolean> => {
  const user = refsPlace(context.layout);
  const names = await missingOf(context, control, commit);
  // Nothing is missing where a branch leads to it, or where nobody has it.
  if (names.length === 0) return (await call(context, user, ["cat-file", "-e", `${commit}^{commit}`])).code === 0;
  const left: string[] = [];
  const few = limit(syncsMax);
  const syncs: Promise<void>[] = [];
  for (const [at, name] of names.entries()) {
    const path = linked(control, user, name);
    if (path === undefined) left.push(name);
    else syncs.push(few(() => synced(path)));
    if (at % atOnce === atOnce - 1) await pause();
  }
  if (left.length > 0) await copied(context, control, left);
  await Promise.all(syncs);
  return true;
};

/** Links that are made before others have their turn: a millisecond's worth. A link at once costs a tenth of one through the pool of threads. */
const atOnce = 64;

/** Files that are written to disk at the same time: the system does several for the price of one. */
const syncsMax = 16;

/** Objects that belong to a commit and to nothing that the user's branches and our refs lead to. Lost commits count for nothing. */
const missingOf = async (context: Context, control: Place, commit: string): Promise<readonly string[]> => {
  const refs = ["for-each-ref", "--format=^%(objectname)", "refs/heads", "refs/lanes"];
  const tips = await must(context, refsPlace(context.layout), refs);
  const args = ["rev-list", "--objects", "--no-object-names", "--ignore-missing", "--stdin"];
  const ran = await call(context, control, args, { input: `${objectName(commit)}\n${tips.toString()}` });
  // Not one of them is there.
  if (ran.code === usageError) return [];
  if (ran.code !== 0) throw new Error(`the objects of ${commit} cannot be listed: ${endOf(ran)}`);
  return ran.stdout.toString().split("\n").filter(Boolean);
};

const usageError = 129;

/** A second name for a loose object, which is the answer; undefined when it cannot be had so. */
const linked = (control: Place, user: Place, name: string): string | undefined => {
  const [from, to] = [objectFile(control.common, name), objectFile(user.common, name)];
  for (let isFirst = true; ; isFirst = false) {
    try {
      linkSync(from, to);
      return to;
    } catch (error) {
      const { code = "" } = error as NodeJS.ErrnoException;
      if (code === "EEXIST") return freshened(to);
      if (code === "ENOENT" && isFirst) mkdirSync(dirname(to), { recursive: true });
      else if (code === "ENOENT" || otherwise.has(code)) return undefined;
      else throw error;
    }
  }
};

/** Another file system, or one without links, or a system that lets nobody link the files of others. */
const otherwise: ReadonlySet<string> = new Set([
  "EXDEV",
  "EPERM",
  "EMLINK",
  "ENOTSUP",
  "EOPNOTSUPP",
  "ENOSYS",
  "EACCES",
]);

/** Git's own collector leaves young objects alone: one that nothing led to may be an old one. */
const freshened = (path: string): string | undefined => {
  try {
    const now = new Date();
    utimesSync(path, now, now);
    return path;
  } catch {
    return undefined;
  }
};

/** Those that are not loose, or may not be linked, by way of a pack. What the user's store has already is left out. */
const copied = async (context: Context, control: Place, names: readonly string[]): Promise<void> => {
  const input = names.map((name) => `${name}\n`).join("");
  const pack = await must(context, control, ["pack-objects", "--local", "--stdout", "--quiet"], { input });
  await must(context, refsPlace(context.layout), ["unpack-objects", "-q"], { input: pack, settings: durable });
};

/** Its bytes and its name are on disk when it resolves. By callbacks: a handle for each would cost more than the call. */
const synced = (path: string): Promise<void> =>
  new Promise((resolve, reject) => {
    open(path, "r", (missing, file) => {
      if (missing) return reject(missing);
      fsync(file, (fault) => {
        close(file, (unclosed) => (fault || unclosed ? reject(fault ?? unclosed) : resolve()));
      });
    });
  });
