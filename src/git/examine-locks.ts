/** Git's lock files in a repository, and whether somebody may hold them. */
import { lstat, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";

import type { RepositoryFacts, TreeFacts } from "../core/health.ts";
import type { Layout } from "../port.ts";
import { missing } from "./absent.ts";
import { isHeld } from "./dead-lock.ts";

/** Entries below `refs` that are looked at; more of them are in `packed-refs` as a rule. */
const entriesMax = 50_000;

/** All `*.lock` files: beside HEAD, index, config and packed-refs, in the folders of worktrees, and on refs. */
export const locksOf = async (layout: Layout, trees: readonly TreeFacts[]): Promise<RepositoryFacts["locks"]> => {
  const admins = trees.map(({ admin }) => admin);
  const refs = [join(layout.common, "refs"), ...admins.map((admin) => join(admin, "refs"))];
  const found = [
    ...(await Promise.all([layout.common, ...admins].map(locksIn))).flat(),
    ...(await Promise.all(refs.map(locksBelow))).flat(),
  ];
  const places = [layout.home, layout.common, ...(layout.checkout === undefined ? [] : [layout.checkout])];
  return Promise.all(found.map(async (path) => lockAt(path, [...places, ...placesOf(path, trees)])));
};

const placesOf = (path: string, trees: readonly TreeFacts[]): readonly string[] =>
  trees.filter(({ admin }) => admin === dirname(path)).map((tree) => tree.path);

const lockAt = async (path: string, places: readonly string[]): Promise<RepositoryFacts["locks"][number]> => {
  const seen = await missing(lstat(path), undefined);
  // Gone meanwhile: it was held by somebody who works.
  if (seen === undefined) return { path, ageMs: 0, held: true };
  return { path, ageMs: Math.floor(Date.now() - seen.mtimeMs), held: (await isHeld(path, places)) === true };
};

const locksIn = async (folder: string): Promise<readonly string[]> =>
  (await missing(readdir(folder), [])).filter((name) => name.endsWith(".lock")).map((name) => join(folder, name));

const locksBelow = async (folder: string): Promise<readonly string[]> => {
  const open = [folder];
  const found: string[] = [];
  let seen = 0;
  for (let next = open.pop(); next !== undefined && seen < entriesMax; next = open.pop()) {
    for (const entry of await missing(readdir(next, { withFileTypes: true }), [])) {
      seen += 1;
      const path = join(next, entry.name);
      if (entry.isDirectory()) open.push(path);
      else if (entry.name.endsWith(".lock")) found.push(path);
    }
  }
  return found;
};
