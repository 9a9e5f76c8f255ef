/** The control repository: what merging in advance makes stays here until it lands, and no configuration of the user's repository holds. */
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { missing } from "./absent.ts";
import { call, durable, endOf, line, must } from "./call.ts";
import type { Context } from "./call.ts";
import { cleanEnvironment } from "./environment.ts";
import { refsPlace } from "./place.ts";
import type { Place } from "./place.ts";
import { objectName } from "./ref.ts";
import { git } from "./run.ts";

/** The control repository as a place for calls, made when it is not there. It sees all objects of the user's repository. */
export const controlPlace = (context: Context): Promise<Place> =>
  context.control(async () => {
    const place = await existing(context);
    if (place !== undefined) return place;
    await make(context);
    return placeOf(context);
  });

/** Where to read commits: the control repository, which also has the candidates, or the user's while there is none. */
export const readPlace = async (context: Context): Promise<Place> =>
  (await existing(context)) ?? refsPlace(context.layout);

const placeOf = (context: Context): Place => {
  const path = join(context.layout.state, "control.git");
  // A shallow repository's borders hold for those who borrow its objects.
  return { cwd: path, gitDir: path, common: path, shallow: join(context.layout.common, "shallow") };
};

/** The control repository, when it is there, borrows from the right place and was not cut short by a power cut. */
const existing = async (context: Context): Promise<Place | undefined> => {
  const place = placeOf(context);
  const read = (...path: readonly string[]): Promise<string> =>
    missing(readFile(join(place.gitDir, ...path), "utf8"), "");
  const texts = [read("objects", "info", "alternates"), read("HEAD"), read("config")];
  const [borrows, head = "", config = ""] = await Promise.all(texts);
  const whole = borrows === alternatesOf(context.layout.common) && head.startsWith("ref: ") && config !== "";
  return whole ? place : undefined;
};

/** Made beside its place and moved there whole: another process may make one at the same time. */
const make = async (context: Context): Promise<void> => {
  const path = placeOf(context).gitDir;
  await mkdir(context.layout.state, { recursive: true, mode: 0o700 });
  const fresh = await mkdtemp(`${path}.`);
  await init(context, fresh);
  await mkdir(join(fresh, "objects", "info"), { recursive: true });
  await writeFile(join(fresh, "objects", "info", "alternates"), alternatesOf(context.layout.common));
  if (await moved(fresh, path)) return;
  // Another process was faster; or one is there that borrows from a folder that moved, and nothing in it is needed.
  if ((await existing(context)) === undefined) {
    await rm(path, { recursive: true, force: true });
    await rename(fresh, path);
  } else await rm(fresh, { recursive: true, force: true });
};

const moved = async (from: string, to: string): Promise<boolean> => {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOTEMPTY" && code !== "EEXIST") throw error;
    return false;
  }
};

const init = async (context: Context, path: string): Promise<void> => {
  const format = await line(context, refsPlace(context.layout), ["rev-parse", "--show-object-format"]);
  const args = ["init", "--quiet", "--bare", "--template=", `--object-format=${format}`, path];
  const ran = await git(args, { cwd: context.layout.state, env: cleanEnvironment(context.env), timeoutMs: 60_000 });
  if (ran.code !== 0) throw new Error(`the control repository could not be made: ${endOf(ran)}`);
};

/** The line for `objects/info/alternates`; a path with a line break has to be quoted there. */
const alternatesOf = (common: string): string => {
  const objects = join(common, "objects");
  return `${objects.includes("\n") || objects.startsWith('"') ? JSON.stringify(objects) : objects}\n`;
};

/**
 * Copy a commit and all that belongs to it into the user's objects, safely on disk. Only what they do not have yet is
 * copied, loose, so that nothing makes git repack; a repetition after a crash completes it. False when there is no such
 * commit (any more): the control repository was removed.
 */
export const publish = async (context: Context, commit: string): Promise<boolean> => {
  const user = refsPlace(context.layout);
  const tree = `${objectName(commit)}^{tree}`;
  // This process copied it whole a moment ago, for its check: it is there unless somebody took it away.
  if (context.published.has(commit) && (await call(context, user, ["cat-file", "-e", tree])).code === 0) return true;
  const place = await controlPlace(context);
  if ((await call(context, place, ["cat-file", "-e", `${commit}^{commit}`])).code !== 0) return false;
  const pack = await packOf(context, place, `${commit}\n${await knownTips(context, place)}`);
  await must(context, user, ["unpack-objects", "-q"], { input: pack, settings: durable });
  if (context.published.size >= publishedMax) context.published.clear();
  context.published.add(commit);
  return true;
};

/** Commits that are remembered as copied. */
const publishedMax = 100;

/** What the user's repository has: the tips of its branches and of our refs, as lines that leave them out. Lost commits count for nothing. */
const knownTips = async (context: Context, place: Place): Promise<string> => {
  const args = ["for-each-ref", "--format=%(objectname)", "refs/heads", "refs/lanes"];
  const tips = await must(context, refsPlace(context.layout), args);
  const checked = await must(context, place, ["cat-file", "--batch-check"], { input: tips });
  const commits = [...checked.toString().matchAll(/^([0-9a-f]+) commit /gm)];
  return commits.map(([, tip]) => `^${tip}\n`).join("");
};

const packOf = (context: Context, place: Place, input: string): Promise<Buffer> =>
  must(context, place, ["pack-objects", "--revs", "--local", "--stdout", "--quiet"], { input });
