/** Objects that merging in advance made, brought into the user's store: as links where both are on one file system. */
import { close, fsync, linkSync, lstatSync, mkdirSync, open, rmSync, utimesSync } from "node:fs";
import { dirname, join } from "node:path";

import { namesIn, smallText } from "./absent.ts";
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
  const few = limit(atOnce);
  const ways = isShared(user) ? [] : names.map((name) => few(() => linked(control, user, name)));
  const isLinked = await Promise.all(ways);
  const left = names.filter((_, at) => isLinked[at] !== true);
  if (left.length > 0) await copied(context, control, left);
  return true;
};

/** Files that are written to disk at the same time: the system does several for the price of one. */
const atOnce = 16;

/** Git gives the files of such a repository to a group, which a link has no part in. */
const isShared = ({ common }: Place): boolean =>
  /^\s*sharedrepository\s*=/im.test(smallText(join(common, "config")) ?? "");

/** Objects that belong to a commit and to nothing that the user's branches and our refs lead to. Lost commits count for nothing. */
const missingOf = async (context: Context, control: Place, commit: string): Promise<readonly string[]> => {
  const refs = ["for-each-ref", "--format=^%(objectname)", "refs/heads", "refs/lanes"];
  const tips = await must(context, refsPlace(context.layout), refs);
  const args = ["rev-list", "--objects", "--no-object-names", "--ignore-missing", "--stdin"];
  const ran = await call(context, control, args, { input: `${objectName(commit)}\n${tips.toString()}` });
  // Not one of them is there.
  if (ran.code === usageError) return [];
  // A power cut leaves files of young objects empty: without them the merge is lost, and is made anew.
  if (ran.code !== 0 && ran.stderr.includes("is empty") && dropEmpty(control) > 0) return [];
  if (ran.code !== 0) throw new Error(`the objects of ${commit} cannot be listed: ${endOf(ran)}`);
  return ran.stdout.toString().split("\n").filter(Boolean);
};

const usageError = 129;

/** Remove loose objects without a byte from the control repository; answers how many there were. */
const dropEmpty = ({ common }: Place): number => {
  const objects = join(common, "objects");
  const folders = namesIn(objects).filter((name) => /^[0-9a-f]{2}$/.test(name));
  const files = folders.flatMap((name) => namesIn(join(objects, name)).map((file) => join(objects, name, file)));
  const empty = files.filter((file) => lstatSync(file, { throwIfNoEntry: false })?.size === 0);
  for (const file of empty) rmSync(file, { force: true });
  return empty.length;
};

/** Give a loose object a second name, safely on disk; false when it cannot be had so. Its bytes first: the name may come to disk at any moment. */
const linked = async (control: Place, user: Place, name: string): Promise<boolean> => {
  const [from, to] = [objectFile(control.common, name), objectFile(user.common, name)];
  if (!(await synced(from))) return false;
  return makesLink(from, to) && freshened(to) && (await synced(to));
};

const makesLink = (from: string, to: string): boolean => {
  for (let isFirst = true; ; isFirst = false) {
    try {
      linkSync(from, to);
      return true;
    } catch (error) {
      const { code = "" } = error as NodeJS.ErrnoException;
      if (code === "EEXIST") return true;
      if (code === "ENOENT" && isFirst) mkdirSync(dirname(to), { recursive: true });
      else if (code === "ENOENT" || otherwise.has(code)) return false;
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

/** Git's own collector leaves young objects alone: nothing leads to this one yet, and it may be an old one. */
const freshened = (path: string): boolean => {
  try {
    const now = new Date();
    utimesSync(path, now, now);
    return true;
  } catch {
    return false;
  }
};

/** Those that are not loose, or may not be linked, by way of a pack. What the user's store has already is left out. */
const copied = async (context: Context, control: Place, names: readonly string[]): Promise<void> => {
  const input = names.map((name) => `${name}\n`).join("");
  const pack = await must(context, control, ["pack-objects", "--local", "--stdout", "--quiet"], { input });
  await must(context, refsPlace(context.layout), ["unpack-objects", "-q"], { input: pack, settings: durable });
};

/** A file's bytes, and its name, are on disk when this resolves; false when there is no such file. By callbacks: a handle costs more than the call. */
const synced = (path: string): Promise<boolean> =>
  new Promise((resolve, reject) => {
    open(path, "r", (missing, file) => {
      if (missing) return missing.code === "ENOENT" ? resolve(false) : reject(missing);
      fsync(file, (fault) => {
        close(file, (unclosed) => (fault || unclosed ? reject(fault ?? unclosed) : resolve(true)));
      });
    });
  });
