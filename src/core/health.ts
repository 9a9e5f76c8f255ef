/** Facts that `lanes doctor` judges: what drivers saw, without an opinion. Paths are absolute, times in ms. */
import type { No } from "./observed.ts";
import type { LaneState } from "./state.ts";

/** What stands at a path. */
export type Kind = "absent" | "file" | "folder" | "link" | "pipe" | "other";

/** The machine and this person's account. */
export interface BoxFacts {
  readonly home: string;
  readonly node: string;
  /** Open files that a process may have; undefined where that is not known. */
  readonly filesMax: number | undefined;
  /** Space left where we write. `freeFiles` is undefined where the file system does not count. */
  readonly disks: readonly { readonly path: string; readonly freeBytes: number; readonly freeFiles?: number }[];
  readonly tmux: boolean;
  /** Folders for settings and trust that cannot be written. */
  readonly unwritable: readonly string[];
}

/** Settings, and the programs that they name. */
export interface SettingsFacts {
  readonly fault?: No;
  readonly warnings: readonly string[];
  /** Commands that wait for trust. */
  readonly untrusted: number;
  /** Programs that are to be run and are not on PATH. `by`: the setting or lane that names it. */
  readonly missing: readonly { readonly program: string; readonly by: string }[];
}

/** How a worktree stands against what git has noted of it. */
export type TreeState =
  | "whole"
  /** The folder is not where git knows it. `found`: a folder that says it is it. */
  | "gone"
  /** `worktree add` was killed: no index, no files. */
  | "unfinished"
  /** It was listed, and whoever wrote its files was killed. */
  | "unfilled"
  /** The folder has no `.git` file. */
  | "unlinked"
  /** The `.git` file names another place. */
  | "swapped";

/** One linked worktree, by its folder in the git directory. */
export interface TreeFacts {
  readonly path: string;
  readonly admin: string;
  /** The lane whose branch it is on, or in whose place it stands. */
  readonly lane: string | undefined;
  readonly is: TreeState;
  readonly found?: string;
  /** Where the worktree of that lane has to be. */
  readonly place: string | undefined;
  /** The branch that it is on, when there is no such branch; `commit`: where it stood last. */
  readonly lostBranch?: { readonly branch: string; readonly commit?: string };
}

/** Git and this repository. All but `version` and `repository` is undefined where there is none that can be used. */
export interface GitFacts {
  readonly version: { readonly text: string } | No;
  /** Why no repository can be used here; undefined when one can. */
  readonly repository: No | undefined;
  readonly inside?: RepositoryFacts;
}

/** A repository. */
export interface RepositoryFacts {
  readonly common: string;
  readonly checkout: string | undefined;
  readonly identity: boolean;
  readonly head: { readonly is: "branch" | "unborn" | "detached" | "bare"; readonly branch?: string };
  /** Branch to go back to from a detached HEAD. */
  readonly target?: string;
  /** Git's own lock files. `held`: a living process has it open, or a git is at work here. */
  readonly locks: readonly { readonly path: string; readonly ageMs: number; readonly held: boolean }[];
  /** Settings of the repository itself that make git run a program, by the file that holds them. */
  readonly programs: readonly { readonly key: string; readonly file: string; readonly unset: string }[];
  readonly trees: readonly TreeFacts[];
  /** Branches that stand where folders of lanes' branches have to be. */
  readonly inTheWay: readonly string[];
  readonly excluded: boolean;
}

/** The state folder and the log. */
export interface JournalFacts {
  readonly folder: { readonly path: string; readonly is: Kind; readonly mine: boolean };
  /** Files and folders of ours that others may look into or change. */
  readonly open: readonly { readonly path: string; readonly mode: number; readonly wanted: number }[];
  readonly log: {
    readonly path: string;
    readonly is: Kind;
    /** The system's code when it cannot be read. */
    readonly unreadable?: string;
    readonly torn: boolean;
    /** Positions of lines that are no records: the first ones, and how many in all. */
    readonly damaged: readonly number[];
    readonly damagedCount: number;
    /** Time of the newest record, 0 without one. */
    readonly newestAt: number;
  };
  /** Published files that something else stands in the place of, or that are far too large. */
  readonly misplaced: readonly { readonly path: string; readonly is: Kind; readonly bytes: number }[];
  /** Edits of the tracker that are kept in `rejected/`: the newest ones by name, and how many in all. */
  readonly refused: { readonly path: string; readonly names: readonly string[]; readonly count: number };
  /** The lock of polite scripts, when it stands there. `full`: a folder with something in it. */
  readonly lock?: { readonly path: string; readonly is: Kind; readonly full: boolean; readonly ageMs: number };
}

/** What the records say against what runs. */
export interface WorkFacts {
  readonly initialised: boolean;
  readonly engine?: { readonly pid: number; readonly is: "alive" | "frozen" | "dead" | "none"; readonly at: number };
  /** Is there something for an engine to do? */
  readonly needed: boolean;
  readonly lanes: readonly { readonly id: string; readonly state: LaneState; readonly worktree: boolean }[];
  /** Runs that ended, or that nobody leads any more, whose processes live. */
  readonly orphans: readonly { readonly run: string; readonly pids: readonly number[] }[];
  /** Records of a newer version of this program. */
  readonly newer: number;
}

/** Everything that was seen. A part is a text where looking itself failed: the reason. */
export interface Health {
  readonly now: number;
  readonly box: BoxFacts | string;
  readonly git: GitFacts | string;
  /** Absent outside a repository. */
  readonly settings?: SettingsFacts | string;
  readonly journal?: JournalFacts | string;
  readonly work?: WorkFacts | string;
}
