/** What every process can do: ask, follow and wish. Shells hold one of these; it holds the ports. */
import type { Command, Refusal } from "../core/command.ts";
import type { Config } from "../core/config.ts";
import type { ForecastSeen } from "../core/forecast.ts";
import type { Kept, No, RepoSeen } from "../core/observed.ts";
import type { Doc } from "../core/patch.ts";
import type { Limits } from "../core/schedule.ts";
import type { State } from "../core/state.ts";
import type { Layout, Loaded, Release } from "../port.ts";
import type { Receipt } from "./execute.ts";
import type { Told } from "./ledger.ts";
import type { Repair } from "./repair.ts";
import type { Asked, Patched } from "./tracker.ts";

/** How the elected engine is. */
export interface Pulse {
  /** `none`: nobody was elected, or the last one retired. */
  readonly is: "none" | "alive" | "frozen" | "dead";
  /** Is there something for an engine to do? */
  readonly needed: boolean;
  /** The last time that it gave a sign: its last publication or its election, ms since 1970; 0 without one. */
  readonly heardAt: number;
  /** What there is to do now, each as `step lane`: `start docs`, `test api`. */
  readonly steps: readonly string[];
}

/** A conflict in a lane's worktree. `saved`: the ref that keeps what the lane was before. */
export interface Resolved {
  readonly worktree: string;
  readonly target: string;
  readonly paths: readonly string[];
  readonly saved: string;
}

/** What taking a landing back would mean. */
export interface UndoSeen {
  readonly lane: string;
  readonly merge: string;
  readonly target: string;
  readonly way:
    | { readonly how: "back"; readonly to: string }
    /** `check`: what tests the target without it; nothing does when undefined. */
    | { readonly how: "revert"; readonly check: string | undefined }
    | { readonly how: "refused"; readonly why: string; readonly paths: readonly string[]; readonly code: number };
  /** Lanes that have landed and depend on it. */
  readonly dependants: readonly string[];
  /** Lanes that landed after it and changed the same files. */
  readonly later: readonly string[];
}

/** The library half of the engine, as shells see it. */
export interface Engine {
  readonly layout: Layout;
  /** The state as far as this process has read; `refresh` reads on. The same object, advanced in place. */
  state(): State;
  refresh(): Promise<State>;
  /** Why this program may only read: a newer one wrote this log. As far as this process has read; undefined when it may write. */
  newer(): Refusal | undefined;
  /** Called after every batch of new lines, with the lines. */
  follow(listener: (state: State, told: readonly Told[]) => void): Release;
  /** Every line after `since`, read anew from the log. */
  history(since: number): Promise<readonly Told[]>;
  /** Decide, record, read back. Refusals are answers; a broken disk throws. */
  execute(command: Command): Promise<Receipt | Refusal>;
  /** Make sure that a reconciler lives, starting one when needed. False: there is one but it is frozen or silent. */
  ensure(): Promise<boolean>;
  /** Start a reconciler when one is needed and none lives, without waiting for it. Every verb does this first. */
  rescue(): Promise<void>;
  /** Put a lane's conflict with the target into its worktree; `paths` are in conflict, none when the two merge by now. */
  resolve(lane: string): Promise<Resolved | No>;
  /** Take it out again. Undefined: none stood there. */
  dropResolve(lane: string): Promise<{ readonly saved: string } | undefined | No>;
  /** What taking the landings of these lanes back would mean, as things stand now; `check` as in the wish. Nothing changes. */
  foresee(lanes: readonly string[], check?: string): Promise<readonly UndoSeen[]>;
  limits(): Promise<Limits>;
  /** Configuration as it holds now; a No names the file and field. */
  settings(): Promise<Loaded | No>;
  /** What holds where nobody sets anything. */
  defaults(): Config;
  trust(hash: string): Promise<void>;
  /** What the reconciler published last of git, with its age; undefined when nothing was. Never runs git. */
  observed(): Promise<RepoSeen | undefined>;
  /** What is predicted of merges: as the leading engine published it, or made now when none leads or `isFresh`. Undefined without a target. */
  forecast(isFresh: boolean): Promise<ForecastSeen | undefined>;
  /** Look at git now: all refs, and the working state of these lanes. `target`: measured against it instead of the repository's. */
  look(lanes: readonly string[], target?: string): Promise<RepoSeen>;
  /** Why a lane's worktree would stay if it were cleaned up now; undefined when it would go. Changes nothing. */
  whyStays(lane: string): Promise<string | undefined>;
  /** What is kept of lanes that were removed, oldest first for each. */
  kept(): Promise<readonly Kept[]>;
  /** Called when refs or working state of lanes, or what is predicted of them, may have changed. */
  watchGit(lanes: readonly string[], changed: (lanes: readonly string[]) => void): Release;
  /** The end of a run's output, as it is: hostile until sanitised. */
  tail(run: string, bytes: number): Promise<string>;
  output(run: string, from: number): Promise<{ readonly text: string; readonly next: number }>;
  /** Called soon after this run began, wrote output or ended. */
  watchRun(run: string, changed: () => void): Release;
  /** Keep the reconciler up while this process shows something. */
  attend(): Release;
  /** Text of the files below `folder` at the tip of a branch, by path; empty when there are none. */
  filesAt(branch: string, folder: string): Promise<ReadonlyMap<string, string>>;
  /** Branch that the user's checkout is on; a No when there is none, no commit yet, or a detached HEAD. */
  currentBranch(): Promise<{ readonly name: string } | No>;
  /** Create `.orchestration` and keep our folders out of git; says what was written (paths, relative). Idempotent. */
  prepare(): Promise<readonly string[]>;
  /** Keep the asking shell's environment for the next start of these lanes. */
  lend(lanes: readonly string[]): Promise<void>;
  /** Write a published file such as the execution plan; the path is relative to the checkout. */
  writeOut(path: string, text: string): Promise<void>;
  /** Read the whole log and compare what is published with what follows from it. A No: it is another repository's log. */
  survey(): Promise<Repair | No>;
  /** Let git remove the worktrees that wait in the pool. */
  emptyPool(): Promise<void>;
  /** Archive all records after everything was stopped; returns where. */
  archive(): Promise<string>;
  /** The tracker as of now, published too; what others wrote into its file is taken over first. */
  tracker(): Promise<object>;
  /** Names of the files in `rejected/` that are kept of edits of the tracker, oldest first. */
  refusedEdits(): Promise<readonly string[]>;
  /** Set fields of the tracker: all of them, on disk and in effect, or none. */
  patch(doc: Doc, asked: Asked): Promise<Patched | Refusal>;
  /** End runs that nobody waits for any more, with all their processes. Those that are over, or never were, do no harm. */
  end(runs: readonly string[]): Promise<void>;
  /** This process as the elected reconciler, until it retires or loses the election. */
  reconcile(): Promise<void>;
  /** Whether the elected engine lives, and what there is for it to do. Reads only. */
  pulse(): Promise<Pulse>;
  /** End the elected engine, if one lives; runs go on. False: none was there. */
  stopEngine(): Promise<boolean>;
}
