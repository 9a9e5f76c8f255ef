/** Everything that this program can do to the world, on one page. Types only: drivers fill them, the engine uses them. */
import type { Config } from "./core/config.ts";
import type { Layer } from "./core/config-source.ts";
import type { Collision } from "./core/conflict.ts";
import type { Entry, LogRecord } from "./core/event.ts";
import type { Mend } from "./core/finding.ts";
import type { BoxFacts, GitFacts, JournalFacts, WorkFacts } from "./core/health.ts";
import type { Kept, No, RepoSeen, RunSeen } from "./core/observed.ts";
import type { Identity, Strategy } from "./core/state.ts";

/** Ends what a call began: a watch, an announcement. */
export type Release = () => void;

/** Where a repository and our files in it are. Absolute, real paths. */
export interface Layout {
  /** The folder that holds `.orchestration` and `.worktrees`. */
  readonly home: string;
  /** `<home>/.orchestration`, or `<common dir>/lanekeeper` for layouts without a natural home. */
  readonly state: string;
  readonly worktrees: string;
  /** Git's common directory. */
  readonly common: string;
  /** Top of the main worktree; undefined in a bare repository. */
  readonly checkout: string | undefined;
  /** The lane whose worktree the caller stands in, if any. */
  readonly insideLane: string | undefined;
}

/** A place in the log: the next byte to read and the position of the line before it. */
export interface Cursor {
  readonly byte: number;
  readonly position: number;
  /** Which log it is a place in, in the driver's own words: a log that was replaced is noticed by it. */
  readonly file?: string;
}

/** What somebody else put in the place of the published tracker. */
export interface Edited {
  /** Unique and sortable by time. */
  readonly id: string;
  /** What it says; undefined when it is no text, and `fault` says why. */
  readonly text: string | undefined;
  readonly fault: string;
  /** False: it was written to a moment ago, and may not be whole yet. */
  readonly settled: boolean;
}

/** A state as it was at a place in the log, so that nobody has to fold what lies before it. A copy: the log stays the truth. */
export interface Snapshot {
  /** Where to read on. */
  readonly from: Cursor;
  /** Version of the rules by which it was folded. */
  readonly fold: number;
  /** What the writer's fold knew: only a fold that knows the same may go on from it. */
  readonly mark: string;
  /** Version of the program that wrote it. */
  readonly by: string;
  /** The state. */
  readonly text: string;
}

/** The log and the files that are published from it. */
export interface Journal {
  /**
   * Every whole line from `from` on, in order, given to `each` with the byte at which it begins; answers where to go on. A
   * torn tail is left for later.
   * Throws an error named `LogReplaced` when the log is no longer the one that `from` is a place in: fold anew from the start.
   */
  read(from: Cursor, each: (entry: Entry, byte: number) => void): Promise<Cursor>;
  /**
   * Append one record in one write and sync it. Resolves when it is on disk; it still has to be read back. When it rejects
   * the outcome is unknown: read, then try again with the same id.
   */
  append(record: LogRecord): Promise<void>;
  /** `changed` is called soon after the log grew, never missing the last change; sometimes for nothing. */
  follow(changed: () => void): Release;
  /**
   * Replace a published file (`tracker.json`, `observed.json`, …) so that readers see the old or the new one, whole. Without
   * `synced` a power cut may take it, and it has to be published again.
   */
  publish(name: string, text: string, synced?: boolean): Promise<void>;
  /** A published file's text, or undefined when there is none. */
  published(name: string): Promise<string | undefined>;
  /** Did somebody else write `tracker.json` since it was published, by the look of it? Or does an edit wait that was found before? */
  edited(): Promise<boolean>;
  /** Edits of `tracker.json` that were found when it was published anew and that nobody has settled yet, oldest first. */
  edits(): Promise<readonly Edited[]>;
  /** Let go of an edit. `kept`: it stays in `rejected/`; answers the path below the state folder. */
  settle(id: string, kept: boolean): Promise<string | undefined>;
  /** Names of the edits in `rejected/` that were not taken over, or not all of them, oldest first. */
  refusedEdits(): Promise<readonly string[]>;
  /** `changed` is called soon after a published file was written by anybody: a hint that it may not be ours any more. */
  followPublished(name: string, changed: () => void): Release;
  /** Keep a snapshot in the place of the one before, which is kept too. Nothing happens when `from` is no place in this log. */
  keep(snapshot: Snapshot): Promise<void>;
  /** The newest snapshot of this very log that ends at `position` or before; undefined when there is none that can be used. */
  snapshot(position: number): Promise<Snapshot | undefined>;
  /** Make the state folder. Idempotent. */
  create(): Promise<void>;
  exists(): Promise<boolean>;
  /** While nothing runs: move all but earlier archives and `control.git` into `archive/<name>`. The log starts anew. Returns the archive's path. */
  archive(name: string): Promise<string>;
}

/** What a check or an agent is started with. */
export interface RunSpec {
  /** Folder under `runs/` and identity of the run: a second launcher with the same name quits. */
  readonly run: string;
  /** Shown to the process as LANES_LANE. */
  readonly lane: string;
  readonly cwd: string;
  readonly argv: readonly string[];
  /** Variables set on top of the usual allow-list (LANES_*, git identity). */
  readonly env: Readonly<Record<string, string>>;
  /** It works in its lane's worktree: what it commits there is compared with the leases of others, in front of the user's own hooks. */
  readonly isLane?: true;
  /** Name given to `lend` before, when values of the asking shell are waiting. */
  readonly lent?: string;
  /** Less than this is kept of the output: its beginning and its end. At least 1 MiB; 64 MiB when absent. */
  readonly outputBytesMax?: number;
}

/** Where agents live. This driver: detached process trees under a small sh launcher. */
export interface Host {
  /** This process. */
  self(): Identity;
  alive(process: Identity): boolean;
  /** Is the process there but stopped (SIGSTOP, freezer)? */
  frozen(process: Identity): boolean;
  /** Room on the disk that holds the worktrees; undefined when it cannot be seen. */
  room(): Room | undefined;
  /** Start a run, detached. Idempotent by `run`. Rejects when no process can be made. */
  start(spec: RunSpec): Promise<void>;
  seen(run: string): RunSeen;
  /** End the run's whole tree: TERM, `graceMs`, KILL, verify. Returns the pids that would not die. */
  stop(run: string, graceMs: number): Promise<readonly number[]>;
  /** Let every process of the run stand still. Idempotent. Returns the pids that do not: not ours to signal, or too many too fast. */
  freeze(run: string): Promise<readonly number[]>;
  /** Let a frozen run go on: it, and everything of it that a freeze stopped. Idempotent. Returns the pids that still stand. */
  thaw(run: string): Promise<readonly number[]>;
  /** The last `bytes` of a run's output as they are (hostile text). */
  tail(run: string, bytes: number): Promise<string>;
  /** Output of a run from byte `from` on; `next` is where to go on. */
  output(run: string, from: number): Promise<{ readonly text: string; readonly next: number }>;
  /** Keep the asking shell's values of the usual variables and of `names` for the next start of `lane`; 0600, read once. */
  lend(lane: string, names: readonly string[]): Promise<string>;
  /** What was lent last for the next start of `lane`; undefined when nothing is waiting. */
  lent(lane: string): string | undefined;
  /** Write a small file into the run area for the agent to read (`LANES_TASKS`); returns its path. */
  brief(run: string, text: string): Promise<string>;
  /** Write files that an agent is started with into the run area, only for this user to read. */
  place(run: string, files: readonly { readonly name: string; readonly text: string }[]): Promise<void>;
  /** Where `place` puts them: an absolute path. */
  placeOf(run: string): string;
  /**
   * `changed` is called soon after runs started, were stopped or ended, with their names; sometimes for nothing. With `run`:
   * only for that run, and soon after it wrote output too.
   */
  watch(changed: (runs: readonly string[]) => void, run?: string): Release;
  /** Start `lanes engine run` detached from this terminal. Returns at once. */
  spawnEngine(): void;
  /** Say that this process shows or awaits something, until released (or dead): the engine stays up for it. */
  announce(role: "viewer"): Release;
  /** Live processes that announced themselves. */
  announced(): readonly Identity[];
}

/** A merge commit that exists but is on no branch yet. */
export interface Candidate {
  readonly commit: string;
  readonly tree: string;
}

/** What a forecast is asked about. */
export interface ForecastAsk {
  /** Commit of the target. */
  readonly target: string;
  /** Tips of the lanes' branches, by lane. */
  readonly lanes: ReadonlyMap<string, string>;
  /** Lanes in which there may be uncommitted work: it is taken as if it were committed. */
  readonly dirty: readonly string[];
}

/** What is predicted. */
export interface Forecast {
  readonly collisions: readonly Collision[];
  /** Lanes whose uncommitted work is in it. */
  readonly uncommitted: readonly string[];
}

/** Where a lane's work is kept. */
export interface Saved {
  /** `refs/lanes/trash/<lane>/<n>`: a commit whose tree is what was on disk; its parents hold HEAD, branch and index. */
  readonly ref: string;
  readonly n: number;
  readonly commit: string;
  /** Where HEAD of the worktree stood; the branch's tip when there is no worktree. */
  readonly head: string;
  /** Repositories inside the worktree, relative to it: their files are in no snapshot. */
  readonly nested: readonly string[];
}

/** What a worktree got besides its commit, and what is to be known of it before an agent starts. */
export interface Furnished {
  /** Ignored files that were copied into it. */
  readonly copied: number;
  /** Those that were not: too many, too large, not ignored in the lane, or something stands in the way. */
  readonly left: readonly string[];
  /** Paths of its submodules; nobody fetches them. */
  readonly submodules: readonly string[];
  /** File in git's folder that says which setup command has succeeded in it. */
  readonly setupMark: string;
  /** Has the last setup command that ran in it succeeded? */
  readonly isSetUp: boolean;
}

/** Room on the disk of the worktrees. */
export interface Room {
  readonly freeBytes: number;
  /** Undefined where the file system does not count them. */
  readonly freeFiles?: number;
}

/** A lane that is back. */
export interface Restored {
  readonly path: string;
  readonly n: number;
  /** Where HEAD of the worktree is. */
  readonly head: string;
  /** Files that are not committed in it. */
  readonly files: number;
  readonly commits: number;
  /** What was in progress, and is not any more: its commits and files are as they were. */
  readonly busy?: string;
  /** Where HEAD is, when that is not the lane's branch: another branch, or empty for none. */
  readonly on?: string;
}

/** Git for lanes. Every reading call is guarded: nothing that the repository's own configuration names is run. */
export interface Git {
  /** One look: all refs, and the status of the lanes in `status` (ids). */
  observe(ask: { readonly target: string; readonly status: readonly string[] }): Promise<RepoSeen>;
  /** Tip of a branch (short name), or a No when there is none. */
  tip(branch: string): Promise<{ readonly head: string } | No>;
  /** Name of the branch that the user's checkout is on, or that a bare repository's HEAD names; or a No (detached, no commit yet). */
  currentBranch(): Promise<{ readonly name: string } | No>;
  /** Is `ancestor` contained in `head`? */
  contains(head: string, ancestor: string): Promise<boolean>;
  /** Those of these commits that this repository has. */
  known(commits: readonly string[]): Promise<ReadonlySet<string>>;
  /** Where a lane starts: `onto` with the heads that it does not contain yet merged in. A No names the paths that do not merge. */
  baseFor(onto: string, heads: readonly string[]): Promise<{ readonly base: string } | No>;
  /** Branch and worktree for a lane at `base`; takes over what an earlier, killed call left. Idempotent. `admin`: git's own folder of it. */
  openLane(
    lane: string,
    base: string,
  ): Promise<{ readonly path: string; readonly head: string; readonly admin: string } | No>;
  /** Copy the ignored files that `.worktreeinclude` names from the user's checkout into a lane's worktree, once. */
  furnish(lane: string): Promise<Furnished>;
  /** Commit what is uncommitted in a lane (below `within`, when given). False when there was nothing. */
  commitAll(lane: string, message: string, within?: string): Promise<boolean>;
  /**
   * Remove a lane's worktree if it is clean and everything in it is on the target; else say why it stays. Branches stay unless
   * merged. `kept`: where ignored files of it are now (`.orchestration/kept/docs-1`), when there were any that nobody can make anew.
   */
  closeLane(
    lane: string,
    target: string,
    how?: {
      /** Work that is not on the target does not keep it from going: it is kept first, by `saveLane`, and `saved` is where. */
      readonly save?: boolean;
      /** Its worktree is not removed but waits for another lane, while fewer than so many do. */
      readonly pool?: number;
      /** Its landing was taken back: that its commits are in the target's history does not mean that its work is there. */
      readonly undone?: boolean;
    },
  ): Promise<{ readonly removed: boolean; readonly why: string; readonly kept?: string; readonly saved?: string }>;
  /**
   * Have `size` idle worktrees wait for lanes, parked at the target's tip: `openLane` takes them over. Sets right what killed calls
   * left in the pool. For idle time, one call at a time.
   */
  fillPool(size: number, target: string): Promise<void>;
  /** Why `closeLane` would leave the worktree, without saving; undefined when it would remove it. Changes nothing. */
  whyStays(lane: string, target: string, undone?: boolean): Promise<string | undefined>;
  /**
   * Keep all of a lane's work (HEAD, branch, index, tracked and untracked files; not the ignored ones) under a ref, changing nothing
   * in the lane. The same work once more is the same ref. A No when there is neither branch nor worktree, or git cannot read it.
   */
  saveLane(lane: string): Promise<Saved | No>;
  /** Branch and worktree of a lane as they were kept the `n`-th time (the newest when absent): index, edits and new files too. Idempotent. */
  restoreLane(lane: string, n?: number): Promise<Restored | No>;
  /**
   * Branch and worktree of a lane at `base` again, after everything in them was kept (`saveLane`): `saved` is where, absent when
   * there was nothing to keep. Ignored files stay. Idempotent.
   */
  rollBack(lane: string, base: string): Promise<{ readonly saved?: string } | No>;
  /**
   * Merge the target's tip into the lane's worktree and leave it there, with conflict markers and uncommitted, after everything in it
   * was kept. `since`: see `candidate`. `paths`: what is in conflict; none when the two merge, and then the worktree is as it was.
   */
  putConflict(
    lane: string,
    ask: { readonly target: string; readonly since?: string | undefined },
  ): Promise<{ readonly onto: string; readonly paths: readonly string[]; readonly saved: string } | No>;
  /** Take it out again: files and index as they were, after everything was kept (`saved`). False: none stands there. */
  dropConflict(lane: string): Promise<{ readonly saved: string } | false | No>;
  /** What is kept of all lanes, oldest first for each. */
  kept(): Promise<readonly Kept[]>;
  /** Let go of these refs, each only if it still names this commit. Answers those that are gone. */
  dropKept(refs: readonly Pick<Kept, "ref" | "commit">[]): Promise<readonly string[]>;
  /** The merge of `head` into `onto` as a commit, made outside every worktree. Same arguments, same commit. */
  candidate(ask: {
    readonly onto: string;
    readonly head: string;
    readonly message: string;
    readonly at: number;
    /** Apply what `head` changed since it left this commit, although `onto` has it in its history; `onto` when that changes nothing. */
    readonly since?: string | undefined;
    /** Apply only what this lane changed since its branch was made: what it began on is on the target as other commits. */
    readonly own?: string | undefined;
    /** A merge when absent; one commit; or the commits anew, under one merge commit unless `strict` is false. */
    readonly strategy?: Strategy;
    readonly strict?: boolean;
    /** Only to see whether it goes: no hook is asked, nothing is signed, and the commit is never to land. */
    readonly trial?: boolean;
  }): Promise<Candidate | No>;
  /** What a stack of candidates lands as: its tree in one commit, whose parents are `onto` and all heads. */
  join(ask: {
    readonly onto: string;
    readonly heads: readonly string[];
    readonly tree: string;
    readonly message: string;
    readonly at: number;
  }): Promise<Candidate | No>;
  /** The tip `onto` with what went from `from` to `to` taken out, as a commit outside every worktree; `onto` when nothing of it is left. */
  reverted(ask: {
    readonly onto: string;
    readonly from: string;
    readonly to: string;
    readonly message: string;
    readonly at: number;
    /** As for `candidate`. */
    readonly trial?: boolean;
  }): Promise<Candidate | No>;
  /** Is `merge` the target's tip, and on no other branch, tag or remote-tracking branch? Then nothing builds on it and nobody got it. */
  onlyTip(target: string, merge: string): Promise<boolean>;
  /**
   * Take the landing `merge` of a lane back, like `land` in all: the target goes from `onto` to `commit`, a commit without the
   * work or (`back`) the place where it was. The lane's branch is there again afterwards, at `head` when it was gone.
   */
  takeBack(ask: {
    readonly lane: string;
    readonly target: string;
    readonly onto: string;
    readonly commit: string;
    readonly head: string;
    readonly merge: string;
    readonly back: boolean;
  }): Promise<{ readonly tip: string } | { readonly moved: string } | No>;
  /** A warm worktree with exactly `commit` checked out, ignored files of earlier checks kept. Returns its path. */
  verification(slot: number, commit: string): Promise<string>;
  /**
   * Move the target from `onto` to `commit`, every checkout of it included, in the safe order. Replays after a crash. `others`: lanes that
   * are merged by the same commit; all land, or none.
   */
  land(ask: {
    readonly lane: string;
    readonly target: string;
    readonly onto: string;
    readonly commit: string;
    readonly head: string;
    readonly others?: readonly { readonly lane: string; readonly head: string }[];
  }): Promise<{ readonly landed: true } | { readonly moved: string } | No>;
  /**
   * Which of these lanes would not merge with the target, and which not with each other: for those that land on the same target.
   * Low in priority; nothing of the user's is touched. `first` is told what is known before lanes are compared with each other.
   */
  forecast(ask: ForecastAsk, first?: (told: Forecast) => void): Promise<Forecast>;
  /** Text of the files below `folder` at a commit, by path. */
  filesAt(commit: string, folder: string): Promise<ReadonlyMap<string, string>>;
  /** Paths that `head` changed since it left `onto`. */
  changed(onto: string, head: string): Promise<readonly string[]>;
  /** Write a generated file below the user's checkout (`writeOut` in write-out.ts): whole or not at all, never through a link. */
  writeOut(path: string, text: string): Promise<void>;
  /** Keep our folders out of git through `info/exclude`. True when a line was added. */
  exclude(): Promise<boolean>;
  /** Note in the state folder where the main checkout is, when git does not say so itself: a separate git directory. */
  noteCheckout(): Promise<void>;
  /** Name and address for commits when the user has configured none: environment for agents and for our own commits. */
  identity(): Promise<Readonly<Record<string, string>>>;
  /** `changed` is called soon after a ref, HEAD or index of the target or of these lanes moved; sometimes for nothing. */
  watch(lanes: readonly string[], changed: (lanes: readonly string[]) => void): Release;
}

/** Configuration as it holds now, from all files and variables. */
export interface Loaded {
  /** Only what may be used: commands of an untrusted file are left out. */
  readonly config: Config;
  readonly warnings: readonly string[];
  /** Commands of `lanes.config.json` that nobody has trusted yet; empty when all are. */
  readonly untrusted: readonly string[];
  /** What trust would be given to: a hash of those commands; empty when the file names none. */
  readonly hash: string;
  /** Files that were read. */
  readonly sources: readonly string[];
  /** Who sets what, the weakest first: files by their path, variables by their name. Only what may be used. */
  readonly layers: readonly Layer[];
}

/** Settings of this person and this repository. */
export interface Settings {
  /** A No (65) names the file and field that is wrong. */
  load(): Promise<Loaded | No>;
  /** Trust the commands with this hash from now on. */
  trust(hash: string): Promise<void>;
}

/**
 * What `lanes doctor` asks of the git driver. Looking changes nothing and throws only where looking is impossible. A mend looks again
 * first; false: it is no longer so, or may not be touched.
 */
export interface GitWard {
  look(): Promise<GitFacts>;
  mend(
    mend: Extract<Mend, { type: "unlock" | "exclude" | "relink" | "forget-unfinished" | "restore-branch" }>,
  ): Promise<boolean>;
}

/** The same of the journal driver. */
export interface JournalWard {
  look(): Promise<JournalFacts>;
  mend(mend: Extract<Mend, { type: "mode" | "set-aside" | "end-line" }>): Promise<boolean>;
}

/** The same of the host driver, which mends nothing. */
export interface HostWard {
  box(): Promise<BoxFacts>;
  /** Those of these programs that cannot be started. */
  missing(programs: readonly string[]): readonly string[];
  orphans(): WorkFacts["orphans"];
}

/** Time and dice, so that nothing else needs them. */
export interface Clock {
  /** Milliseconds since 1970: for records and for people. Somebody may set it, back or ahead, at any moment. */
  now(): number;
  /** Milliseconds since some moment of this process, by a clock that nobody sets: what waiting within a process goes by. */
  elapsed(): number;
  /** A new unique id, sortable by time. */
  id(): string;
  /** Name of this box. */
  box(): string;
  sleep(ms: number): Promise<void>;
}

/** How much a line of the engine's own log matters. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** The engine's own log (`engine.log`), for people who look for a fault. Never throws, and knows how to keep secrets. */
export interface Log extends Readonly<
  Record<LogLevel, (what: string, more?: Readonly<Record<string, unknown>>) => void>
> {
  /** These values were lent to a run: they never stand in the log. */
  conceal(values: readonly string[]): void;
}

/** All of it, as `main` wires it for one repository. */
export interface World {
  readonly layout: Layout;
  readonly journal: Journal;
  readonly git: Git;
  readonly host: Host;
  readonly settings: Settings;
  readonly clock: Clock;
  readonly log: Log;
}
