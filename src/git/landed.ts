/** Commits as they would be after a lane has landed, made many at a time. */
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { missing } from "./absent.ts";
import { must } from "./call.ts";
import type { Context } from "./call.ts";
import type { Place } from "./place.ts";
import { objectName } from "./ref.ts";

/** A commit to make: its tree and its parents. */
export interface Commit {
  readonly tree: string;
  readonly parents: readonly string[];
}

/** Who they are by, and a date that never changes: the same tree and parents give the same commit. */
const nobody = "lanekeeper <lanekeeper@localhost> 0 +0000";

/** Write these commits into the repository of `place` by one process; their names, in their order. */
export const writeCommits = async (
  context: Context,
  place: Place,
  commits: readonly Commit[],
): Promise<readonly string[]> => {
  if (commits.length === 0) return [];
  const folder = await mkdtemp(join(place.gitDir, "forecast."));
  try {
    const paths = commits.map((_, index) => join(folder, String(index)));
    await Promise.all(commits.map((commit, index) => writeFile(paths[index] ?? "", textOf(commit))));
    const args = ["hash-object", "-t", "commit", "-w", "--no-filters", "--stdin-paths"];
    const said = await must(context, place, args, { input: `${paths.join("\n")}\n` });
    return said.toString().trimEnd().split("\n");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

/** Remove what processes that were killed while they made a forecast left in the control repository. */
export const sweepForecasts = async (place: Place): Promise<void> => {
  const names = (await readdir(place.gitDir)).filter((name) => /^(forecast|work)\.[^.]{6}$/.test(name));
  for (const path of names.map((name) => join(place.gitDir, name))) {
    const seen = await missing(stat(path), undefined);
    if (seen && Date.now() - seen.mtimeMs > leftOverMs) await rm(path, { recursive: true, force: true });
  }
};

/** No forecast takes an hour. */
const leftOverMs = 3_600_000;

const textOf = ({ tree, parents }: Commit): string =>
  [
    `tree ${objectName(tree)}`,
    ...parents.map((parent) => `parent ${objectName(parent)}`),
    `author ${nobody}`,
    `committer ${nobody}`,
    "",
    "forecast",
    "",
  ].join("\n");
