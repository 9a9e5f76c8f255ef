/** The control repository: what merging in advance makes stays here until it lands, and no configuration of the user's repository holds. */
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { missing } from "./absent.ts";
import { bring } from "./bring.ts";
import { endOf, line } from "./call.ts";
import type { Context } from "./call.ts";
import { cleanEnvironment } from "./environment.ts";
import { refsPlace } from "./place.ts";
import type { Place } from "./place.ts";
import { objectFile, objectName } from "./ref.ts";
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
 * Make a commit and all that belongs to it part of the user's objects, safely on disk. False when there is no such commit (any
 * more): the control repository was removed.
 */
export const publish = async (context: Context, commit: string): Promise<boolean> => {
  // This process brought it whole a moment ago, for its check: it is there unless somebody took it away.
  const file = objectFile(context.layout.common, objectName(commit));
  if (context.published.has(commit) && existsSync(file)) return true;
  if (!(await bring(context, await controlPlace(context), commit))) return false;
  if (context.published.size >= publishedMax) context.published.clear();
  context.published.add(commit);
  return true;
};

/** Commits that are remembered as brought. */
const publishedMax = 100;
