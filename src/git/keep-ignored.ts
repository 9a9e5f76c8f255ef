/** What git ignores is in no commit, and `git worktree remove` deletes it without a word: what cannot be made anew is put aside first. */
import { cp, lstat, mkdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";

import { missing } from "./absent.ts";
import type { Context } from "./call.ts";
import type { Place } from "./place.ts";
import { ignored } from "./status.ts";

/** Folders that tools fill again by themselves. */
const madeAnew: ReadonlySet<string> = new Set(
  ".cache cache .gradle .mypy_cache .next .nuxt .parcel-cache .pytest_cache .ruff_cache .tox .turbo .venv __pycache__ bin build coverage dist node_modules obj out target tmp venv vendor".split(
    " ",
  ),
);

/** Files that are worth nothing. */
const worthless = /(?:^|\/)(?:\.DS_Store|Thumbs\.db|[^/]*\.(?:log|pyc|pyo|o|tmp|swp|tsbuildinfo))$/;

/**
 * Move ignored files and folders of a worktree (`path`) into `kept/` below the state folder, all but those that tools make anew.
 * `more`: what else goes there, under which name.
 * Answers the folder that they are in (`.orchestration/kept/docs-1`), or undefined when there were none. Killed in between, the rest goes into another folder.
 */
export const keepIgnored = async (
  context: Context,
  lane: string,
  path: string,
  place: Place,
  more: readonly (readonly [from: string, name: string])[] = [],
): Promise<string | undefined> => {
  const precious = (await ignored(context, place)).filter((name) =>
    name.endsWith("/") ? !madeAnew.has(basename(name)) : !worthless.test(name),
  );
  const going = [...precious.map((name) => [join(path, name), name] as const), ...more];
  if (going.length === 0) return undefined;
  const { state } = context.layout;
  const folder = await freshFolder(join(state, "kept"), lane);
  for (const [from, name] of going) {
    const to = join(folder, name);
    await mkdir(dirname(to), { recursive: true, mode: 0o700 });
    await move(from, to);
  }
  return join(basename(state), relative(state, folder));
};

const freshFolder = async (parent: string, lane: string): Promise<string> => {
  await mkdir(parent, { recursive: true, mode: 0o700 });
  for (let n = 1; ; n += 1) {
    const folder = join(parent, `${lane}-${n}`);
    if ((await missing(lstat(folder), undefined)) !== undefined) continue;
    await mkdir(folder, { mode: 0o700 });
    return folder;
  }
};

/** Worktrees may be on another disk. */
const move = async (from: string, to: string): Promise<void> => {
  try {
    await rename(from, to);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EXDEV")) throw error;
    await cp(from, to, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
    await rm(from, { recursive: true });
  }
};
