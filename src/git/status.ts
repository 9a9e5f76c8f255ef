/** What is uncommitted in a worktree. */
import { must } from "./call.ts";
import type { Context } from "./call.ts";
import type { Place } from "./place.ts";

/**
 * Uncommitted paths of a worktree, relative to it, untracked ones included. Takes no lock, looks into no submodule
 * (git would run what a submodule's own configuration names) and runs no program of the repository.
 */
export const uncommitted = async (
  context: Context,
  place: Place,
  ...within: readonly string[]
): Promise<readonly Uncommitted[]> =>
  parseStatus((await must(context, place, [...statusArgs, "--", ...within])).toString());

/** The same with every untracked file by its own name; other repositories in the worktree are left out. */
export const allUncommitted = async (context: Context, place: Place): Promise<readonly string[]> => {
  const seen = parseStatus((await must(context, place, [...statusArgs, "--untracked-files=all"])).toString());
  return seen.flatMap(({ path }) => (path.endsWith("/") ? [] : [path]));
};

/** Ignored files and folders of a worktree, relative to it; of a folder that is ignored as a whole only its name, with a `/`. */
export const ignored = async (context: Context, place: Place): Promise<readonly string[]> => {
  const text = (await must(context, place, [...statusArgs, "--ignored=matching"])).toString();
  return text.split("\0").flatMap((record) => (record.startsWith("! ") ? [record.slice(2)] : []));
};

const statusArgs: readonly string[] = [
  "--literal-pathspecs",
  "status",
  "--porcelain=v2",
  "-z",
  "--untracked-files=normal",
  "--ignore-submodules=dirty",
  "--no-renames",
];

/** One uncommitted path. `index` and `worktree` are git's letters, `.` for unchanged; both `?` when untracked. */
export interface Uncommitted {
  readonly path: string;
  readonly index: string;
  readonly worktree: string;
}

/** Fields before the path in each kind of record (git-status, "Porcelain Format Version 2"). */
const fieldsBefore: Readonly<Record<string, number>> = { "1": 8, "2": 9, u: 10, "?": 1 };

/** Parse `status --porcelain=v2 -z`; records of kinds that are not known are left out. */
export const parseStatus = (text: string): readonly Uncommitted[] => {
  const records = text.split("\0");
  const found: Uncommitted[] = [];
  for (let at = 0; at < records.length; at += 1) {
    const record = records[at] ?? "";
    const kind = record[0] ?? "";
    const count = fieldsBefore[kind];
    if (count === undefined) continue;
    const path = record.split(" ").slice(count).join(" ");
    found.push({
      path,
      index: kind === "?" ? "?" : (record[2] ?? "."),
      worktree: kind === "?" ? "?" : (record[3] ?? "."),
    });
    // A rename is followed by the path that it came from.
    if (kind === "2") at += 1;
  }
  return found;
};
