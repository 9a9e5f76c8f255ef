/** What git keeps in the admin folder of a worktree: its HEAD, and what it is in the middle of. */
import { join } from "node:path";

import { namesIn, smallText } from "./absent.ts";

/** A worktree's state from its admin folder; no git is started. */
export interface AdminSeen {
  /** Ref that HEAD names; undefined when detached. During a rebase: the branch that is rebased. */
  readonly head: string | undefined;
  /** Commit of a detached HEAD. */
  readonly detached: string | undefined;
  /** What it is in the middle of. */
  readonly busy: string | undefined;
  /** Names of the files in the folder. */
  readonly names: ReadonlySet<string>;
}

/** Look into an admin folder (`<common>`, or `<common>/worktrees/<id>`); `listed`: the names in it, when they are known. */
export const seeAdmin = (admin: string, listed: readonly string[] = namesIn(admin)): AdminSeen => {
  const names = new Set(listed);
  const text = smallText(join(admin, "HEAD")) ?? "";
  const head = /^ref: (.+)\n?$/.exec(text)?.[1] ?? rebased(admin, names);
  const detached = /^([0-9a-f]{40,64})\s*$/.exec(text)?.[1];
  return { head, detached, busy: operations.find(([file]) => names.has(file))?.[1], names };
};

/** Files of git that stand for an operation in progress (gitrepository-layout, wt-status.c). */
const operations: readonly (readonly [file: string, name: string])[] = [
  ["rebase-merge", "rebase"],
  ["rebase-apply", "rebase"],
  ["MERGE_HEAD", "merge"],
  ["CHERRY_PICK_HEAD", "cherry-pick"],
  ["REVERT_HEAD", "revert"],
  ["BISECT_LOG", "bisect"],
  ["sequencer", "cherry-pick"],
];

const rebased = (admin: string, names: ReadonlySet<string>): string | undefined => {
  for (const folder of ["rebase-merge", "rebase-apply"]) {
    if (!names.has(folder)) continue;
    const name = (smallText(join(admin, folder, "head-name")) ?? "").trim();
    if (name.startsWith("refs/heads/")) return name;
  }
  return undefined;
};
