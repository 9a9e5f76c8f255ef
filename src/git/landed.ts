/** Commits as they would be after a lane has landed, made many at a time. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

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
