/** What drivers report of the world: observed, never stored as truth. */
import type { ForecastSeen } from "./forecast.ts";
import type { Identity } from "./state.ts";

/** An expected "no": what, and what to do next. Drivers throw only when the world is broken. */
export interface No {
  readonly refused: string;
  readonly hint: string;
  /** Exit code by cli.md: 2, 3, 4, 65, 69, 73 or 75. */
  readonly code: number;
  /** Paths that are in the way, in conflict or not committed. */
  readonly paths?: readonly string[];
}

/** Is this answer a "no"? */
export const isNo = (answer: object): answer is No => "refused" in answer;

/** What can be seen of a run from its folder and the process table. */
export type RunSeen =
  | { readonly is: "absent" }
  /** The folder is there, the start file is not (yet). `ageMs`: since the folder was made. */
  | { readonly is: "starting"; readonly ageMs: number }
  /** `ageMs`: since it started, by a clock that nobody sets where the system has one. `frozen`: the agent stands still, by whomever. */
  | {
      readonly is: "alive";
      readonly process: Identity;
      readonly startedAt: number;
      readonly ageMs: number;
      readonly frozen?: true;
    }
  | {
      readonly is: "exited";
      readonly process: Identity;
      readonly startedAt: number;
      readonly code: number;
      readonly signal?: string;
      readonly endedAt: number;
      /** From start to end, by a clock that nobody sets where the system has one. */
      readonly ranMs: number;
    }
  /** No launcher and no exit file: nobody knows how it ended. `survivors`: processes of the run that still live. */
  | {
      readonly is: "vanished";
      readonly startedAt?: number;
      readonly ageMs?: number;
      readonly process?: Identity;
      readonly survivors: readonly number[];
    };

/** A lane's worktree as git shows it now. */
export interface LaneSeen {
  readonly head: string;
  readonly subject: string;
  /** Commits on the branch that the target does not have, and the other way round. */
  readonly ahead: number;
  readonly behind: number;
  /** Is there a worktree on disk, and on the lane's own branch? */
  readonly worktree: "present" | "missing" | "elsewhere";
  /** The branch that a worktree is on that is elsewhere; absent when it is on none. */
  readonly on?: string;
  /** Uncommitted paths, at most `dirtyPathsMax`; undefined when not looked at. */
  readonly dirty?: readonly string[];
  /** A merge, rebase, … in progress in it. */
  readonly busy?: string;
}

/** A branch for the branches pane. */
export interface BranchSeen {
  readonly name: string;
  readonly head: string;
  readonly subject: string;
  readonly committedAt: number;
  /** Worktree that has it checked out. */
  readonly worktree?: string;
}

/** What is kept of a lane, and how much it is. */
export interface Kept {
  readonly ref: string;
  readonly lane: string;
  readonly n: number;
  readonly commit: string;
  /** When it was kept, in ms since 1970. */
  readonly at: number;
  /** What was in progress in its worktree: a rebase, a merge, … */
  readonly busy?: string;
  /** Commits since its base, and files that were not committed, with their size in bytes. */
  readonly commits: number;
  readonly files: number;
  readonly bytes: number;
}

/** What one look at the repository shows. */
export interface RepoSeen {
  readonly at: number;
  readonly target: { readonly name: string; readonly head: string; readonly subject: string } | undefined;
  readonly lanes: ReadonlyMap<string, LaneSeen>;
  readonly branches: readonly BranchSeen[];
  /** Git's own `*.lock` files, with age in ms. `held`: may a living process own it? Looked at where it is older than git takes. */
  readonly locks: readonly { readonly path: string; readonly ageMs: number; readonly held?: boolean }[];
  /** Worktrees that somebody has locked, with the reason that they gave; absent for none. */
  readonly locked?: readonly { readonly path: string; readonly why: string; readonly ageMs: number }[];
  /** The lock folders that polite scripts and we hold for moments, by their names; absent for none. */
  readonly guards?: readonly { readonly name: string; readonly ageMs: number }[];
  /** Settings and hooks that the repository's own configuration holds for all lanes; undefined when not looked at. */
  readonly configured?: Configured;
  /** What the engine makes of them. */
  readonly settings?: SettingsSeen;
  /** What it predicts of merges; undefined while it has not. */
  readonly forecast?: ForecastSeen;
}

/** Name (`core.hooksPath in .git/config`, `the hook pre-commit`) → a digest of its value, which may be a secret. */
export type Configured = Readonly<Record<string, string>>;

/** The engine's memory of the repository's configuration: what is taken as the person's, and what changed while agents ran. */
export interface SettingsSeen {
  /** When it was compared last, in ms since 1970. */
  readonly at: number;
  readonly known: Configured;
  readonly remarks: readonly Remark[];
}

/** Somebody changed the shared configuration while agents ran. */
export interface Remark {
  readonly at: number;
  readonly name: string;
  readonly how: "set" | "changed" | "taken out";
  /** The lanes that ran then: one of them, or the person. */
  readonly lanes: readonly string[];
}

/**
 * What was known of git and what a newer look adds: a lane that was not looked at closely keeps the working state that an
 * earlier look saw, unless its head moved since; then nobody knows it.
 */
export const mergeSeen = (before: RepoSeen | undefined, after: RepoSeen): RepoSeen => {
  if (!before) return after;
  const lanes = [...after.lanes].map(([id, lane]): readonly [string, LaneSeen] => {
    const old = before.lanes.get(id);
    const isKept = lane.dirty === undefined && old?.dirty !== undefined && old.head === lane.head;
    return [id, isKept ? { ...lane, dirty: old.dirty } : lane];
  });
  const forecast = after.forecast ?? before.forecast;
  return { ...after, lanes: new Map(lanes), ...(forecast === undefined ? {} : { forecast }) };
};
