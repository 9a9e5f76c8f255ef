/** The state: what follows from all records. Only `fold` makes it; everything else reads it. */
import type { Claim } from "./lease.ts";

/** What a lane can be. One table, used by every shell. */
export type LaneState =
  | "planned"
  | "queued"
  | "starting"
  | "running"
  | "waiting"
  | "paused"
  | "finished-empty"
  | "failed"
  | "lost"
  | "parked"
  | "ready"
  | "merge-queued"
  | "merging"
  | "conflicted"
  | "checks-failed"
  | "landed-pending"
  | "merged"
  | "undone"
  | "cancelled";

/** The four words of seed 001's tracker. */
export type SeedStatus = "created" | "running" | "completed" | "failed";

/** What a state is for the eye; shells turn a tone into a colour. */
export type Tone = "dim" | "plain" | "good" | "busy" | "alert" | "bad";

interface StateRow {
  /** States that a record may move the lane to from here. */
  readonly next: readonly LaneState[];
  readonly seed: SeedStatus;
  readonly glyph: string;
  /** The glyph where the locale is not UTF-8. */
  readonly ascii: string;
  readonly tone: Tone;
}

const row = (glyph: string, ascii: string, tone: Tone, seed: SeedStatus, next: readonly LaneState[]): StateRow => ({
  next,
  seed,
  glyph,
  ascii,
  tone,
});

/** The state table: where a lane may go, and how each state looks. */
export const stateTable: Readonly<Record<LaneState, StateRow>> = {
  planned: row("○", "o", "dim", "created", ["queued", "cancelled"]),
  queued: row("○", "o", "plain", "created", ["starting", "planned", "cancelled"]),
  starting: row("→", ">", "busy", "running", ["running", "paused", "failed", "lost"]),
  running: row("→", "*", "good", "running", ["waiting", "paused", "ready", "finished-empty", "failed", "lost"]),
  waiting: row("!", "!", "alert", "running", [
    "running",
    "waiting",
    "queued",
    "ready",
    "finished-empty",
    "paused",
    "failed",
    "lost",
    "cancelled",
  ]),
  paused: row("‖", "=", "dim", "running", ["running", "queued", "cancelled"]),
  "finished-empty": row("✗", "x", "alert", "failed", ["queued", "ready", "cancelled"]),
  failed: row("✗", "x", "bad", "failed", ["queued", "parked", "cancelled"]),
  lost: row("?", "?", "alert", "failed", ["queued", "cancelled"]),
  parked: row("✗", "x", "bad", "failed", ["queued", "cancelled"]),
  ready: row("✓", "+", "plain", "completed", ["merge-queued", "running", "queued", "waiting", "cancelled"]),
  "merge-queued": row("⇄", "~", "busy", "completed", ["merging", "ready", "waiting"]),
  merging: row("⇄", "~", "busy", "completed", [
    "merged",
    "conflicted",
    "checks-failed",
    "landed-pending",
    "merge-queued",
  ]),
  conflicted: row("≠", "#", "bad", "failed", ["merge-queued", "running", "queued", "cancelled"]),
  "checks-failed": row("✗", "x", "bad", "failed", ["merge-queued", "running", "queued", "cancelled"]),
  "landed-pending": row("⇄", "~", "alert", "completed", ["merged", "merge-queued"]),
  merged: row("✓", "+", "good", "completed", ["undone"]),
  undone: row("○", "o", "dim", "created", ["merge-queued", "cancelled"]),
  cancelled: row("✗", "x", "dim", "failed", []),
};

/** Every lane state, in the order of the table. */
export const laneStates: readonly LaneState[] = Object.keys(stateTable) as LaneState[];

/** May a record move a lane from `from` to `to`? */
export const mayMove = (from: LaneState, to: LaneState): boolean => stateTable[from].next.includes(to);

/** A process that can be told from a later one with the same number. */
export interface Identity {
  readonly pid: number;
  /** Start time as the operating system counts it; opaque, compared for equality. */
  readonly start: string;
  /** Identifier of this boot of the machine. */
  readonly boot: string;
}

/** Priority of a lane: higher goes first. */
export type Priority = "low" | "normal" | "high";

/** How a lane's work comes onto the target: a merge, one commit, or its commits anew. */
export type Strategy = "merge" | "squash" | "rebase";

/** Must a person approve a lane's head before it lands? */
export type Review = "required" | "none";

/** What a person asked a lane to be: the JSON of `add-lane`, checked. */
export interface LaneSpec {
  readonly name: string;
  readonly tasks: readonly string[];
  /** `false`: never at the same time as another lane that says so. */
  readonly parallel: boolean;
  readonly priority: Priority;
  /** What the agent runs: an argv. A string given by a person becomes `["sh", "-c", text]`. */
  readonly command?: readonly string[];
  /** A member of the roster, or `manual` for a lane in which a person works. */
  readonly agent?: string;
  readonly dependsOn: readonly string[];
  readonly paths: readonly string[];
  /** Run on the merged tree before it lands, by `sh -c`; overrides the configured one. */
  readonly check?: string;
  /** Run in the worktree after the agent, by `sh -c`: the work is ready only when it passes. */
  readonly acceptance?: string;
  /** Branch that the work lands on; the repository's target when absent. */
  readonly target?: string;
  /** Where the lane's branch starts; the target's tip when absent. */
  readonly base?: string;
  readonly prompt?: string;
  /** Names of environment variables that the agent may see in addition to the usual ones. Never values. */
  readonly env: readonly string[];
  /** Who commits: the agent (default), or the engine when a run ends. */
  readonly commit: "agent" | "auto";
  /** Automatic runs after a failed one. */
  readonly retries: number;
  /** A probe looks at the repository, writes `docs/_generated/**` only and lands by itself. */
  readonly kind: "work" | "probe";
  /** End a run after this long, in ms. */
  readonly timeoutMs?: number;
  /** As configured when absent. */
  readonly strategy?: Strategy;
  readonly review?: Review;
  /** What a failed run changed is saved, and the next one starts from the lane's base. */
  readonly rollback?: boolean;
}

/** Tokens of requests: `input` was not read from a cache, `cached` was; their sum is what was sent. */
export interface Tokens {
  readonly input: number;
  readonly cached: number;
  readonly output: number;
}

/** What an agent may wait for. */
export type BlockKind = "permission" | "question" | "login" | "trust" | "limit";

/** What an agent told of itself last, as its output says. Texts are as the agent wrote them, cut. Times are ms since 1970. */
export interface AgentTold {
  readonly status: "starting" | "working" | "blocked" | "idle" | "error";
  /** What it waits for while it is blocked. */
  readonly kind?: BlockKind;
  /** Since when it has this status. */
  readonly since: number;
  /** What it does, or why it does nothing. */
  readonly doing: string;
  /** When its output was heard last, to the minute. */
  readonly heardAt: number;
  /** Where to read on in its output: the first byte that was not understood yet. */
  readonly read: number;
  /** What the conversation can be resumed by. */
  readonly session?: string;
  /** Its permission mode, in its own word. */
  readonly mode?: string;
  /** Of the run so far; absent while nothing was told. */
  readonly tokens?: Tokens;
  /** In US dollars, by the CLI's own estimate. */
  readonly cost?: number;
  /** Tools that it was not allowed to use. */
  readonly denied: number;
  /** Events that this program has no words for, and the names of the first of them. */
  readonly unknown: number;
  readonly strange: readonly string[];
  /** When a limit is over, as the provider reported it. */
  readonly resetAt?: number;
}

/** One life of an agent process. Times are ms since 1970. */
export interface Run {
  /** Counts from 1 in each lane. */
  readonly n: number;
  /** Commit on which the run began. */
  readonly base: string;
  readonly askedAt: number;
  readonly startedAt?: number;
  readonly process?: Identity;
  readonly endedAt?: number;
  readonly code?: number;
  readonly signal?: string;
  /** Port that nobody else's run has while this one lives. */
  readonly port?: number;
  /** How long it stood still, frozen, in ms; without a freeze that lasts. */
  readonly frozenMs?: number;
  /** The CLI that it was asked for with, where it is one whose output is read. */
  readonly cli?: string;
  /** The conversation: chosen by us, or that of an earlier run. */
  readonly session?: string;
  /** It goes on with that conversation. */
  readonly resumes?: true;
  /** The permission mode that its argv asks for. */
  readonly mode?: string;
  readonly told?: AgentTold;
}

/** A wish to end the current run, not carried out yet. */
export interface Stopping {
  /** What becomes of the lane: it rests, is given up, or runs again. */
  readonly then: "pause" | "cancel" | "queue";
  readonly at: number;
}

/** A wish that the current run stand still or go on, not carried out yet. */
export interface Pausing {
  readonly to: "freeze" | "resume";
  readonly at: number;
}

/** The check of one candidate. */
export interface Gate {
  readonly check: string;
  /** Position of the record that began the merge: it names the check's runs. */
  readonly built: number;
  /** The lane that names them, of several that are tested together; the lane itself when absent. */
  readonly lead?: string;
}

/** Lanes that are tested and land together, as one of them knows it. A single lane is a batch of one. */
export interface Batch {
  /** Position of the record that began it. */
  readonly id: number;
  /** Place of the lane in the stack, from 0. */
  readonly place: number;
  /** Lanes that it has: one that misses some may not land. */
  readonly size: number;
  /** The first of them: it names the check's runs. */
  readonly lead: string;
  /** What is tested and lands, byte for byte. */
  readonly commit: string;
  readonly tree: string;
  /** The verification worktree. */
  readonly slot: number;
  /** The batch that this one is stacked on, while that is being tested itself. */
  readonly on?: number;
}

/** How a lane's way onto the target stands. */
export interface Merge {
  /** Position of the request: the order of the queue. */
  readonly position: number;
  readonly requestedAt: number;
  /** Command that asked for it. */
  readonly cause?: string;
  /** Check of this request, when it differs from the lane's; an empty string asks for none. */
  readonly check?: string;
  /** How this request wants it to land, when that differs from the lane's way. */
  readonly strategy?: Strategy;
  /** Why a person wants it to land whatever check, leases and review say. */
  readonly override?: string;
  /** A person wants it before all others that wait. */
  readonly first?: true;
  readonly target?: string;
  /** Target's tip on which the candidate was built. */
  readonly onto?: string;
  readonly head?: string;
  /** The merge commit that will land, byte for byte. */
  readonly candidate?: string;
  /** What is run on it before it lands, as it was decided when the candidate was built; nothing when absent. */
  readonly gate?: Gate;
  readonly tested?: "passed" | "unchecked";
  /** Its work was on the target before and was taken out: what it changed since it left this commit is applied anew. */
  readonly since?: string;
  readonly startedAt?: number;
  /** Times that the target moved away under it. */
  readonly rebuilt: number;
  readonly batch?: Batch;
  /** A lane of an earlier batch that its work conflicts with: it is built after that one. */
  readonly behind?: string;
  /** A person's edits are in the way of this one: others are not to wait with it. */
  readonly alone?: true;
}

/** Lanes of which the whole is known to fail its check, while the one that spoils it is looked for. */
export interface Suspects {
  /** In stacking order. */
  readonly lanes: readonly string[];
  /** The tree that failed. */
  readonly tree: string;
  /** Lanes of the same batch that have landed since: what the others are stacked on. */
  readonly on: readonly string[];
}

/** What the merge queue learned from the checks so far. The newest is last; each list is short. */
export interface Lessons {
  /** Did the check of a lane pass, lane by lane? */
  readonly results: readonly boolean[];
  /** How long checks ran, in ms. */
  readonly durations: readonly number[];
  /** Trees that passed a check: no need to run it again. */
  readonly passed: readonly { readonly tree: string; readonly check: string }[];
  /** Requests that were taken, by position: who was passed over follows from it. */
  readonly taken: readonly number[];
  /** Names of the checks' runs in each slot, without the number of the try. */
  readonly slots: readonly (readonly string[])[];
  /** Checks that failed and passed on the same tree. */
  readonly flaky: number;
  readonly suspects?: Suspects;
}

/** A merge that is on the target. */
export interface Landed {
  readonly merge: string;
  readonly target: string;
  readonly before: string;
  readonly head: string;
  readonly tested: "passed" | "unchecked";
  readonly at: number;
  /** The check that it passed; undefined when there was none. */
  readonly gate: Gate | undefined;
  /** How it landed; a merge when absent. */
  readonly strategy?: Exclude<Strategy, "merge">;
  /** Why a person let it land past check, leases and review. */
  readonly override?: string;
  /** Of work that landed before: the commit since which its changes count. */
  readonly since?: string;
  /** Where several landed as one commit: the stack below this lane and with it. The difference is what it brought alone. */
  readonly step?: Step;
}

/** What one lane of several brought: from one commit of their stack to the next. */
export interface Step {
  readonly from: string;
  readonly to: string;
}

/** A wish to take a landing back, and how far that is. */
export interface Undoing {
  /** Position of the request. */
  readonly position: number;
  readonly at: number;
  /** Command that asked for it. */
  readonly cause?: string;
  /** Check of this request, when it differs from the configured one; an empty string asks for none. */
  readonly check?: string;
  /** By a commit that takes the changes out again, or by moving the target back to where it was. */
  readonly how?: "revert" | "back";
  /** Target's tip on which the candidate was built. */
  readonly onto?: string;
  /** Where the target is to go. */
  readonly candidate?: string;
  readonly gate?: Gate;
  readonly tested?: "passed";
  /** Times that the target moved away under it. */
  readonly rebuilt: number;
  /** What of the user's is in the way of it. */
  readonly held?: string;
  /** Why it came to nothing: the work stays on the target. `code`: exit code by cli.md. */
  readonly refused?: { readonly why: string; readonly paths: readonly string[]; readonly code: number };
}

/** A landing that was taken back. */
export interface Undone {
  /** What had landed: the merge, the target before it, and the lane's tip. */
  readonly merge: string;
  readonly before: string;
  readonly head: string;
  /** The target before this work landed for the first time: what the lane changed since it left that is its work. */
  readonly since: string;
  /** The target's tip after that. */
  readonly commit: string;
  readonly target: string;
  readonly how: "revert" | "back";
  readonly at: number;
}

/** A conflict that stands in the lane's worktree, to be resolved there. */
export interface Resolving {
  readonly target: string;
  /** The target's tip that is merged there. */
  readonly onto: string;
  /** The ref that keeps what the lane was before. */
  readonly saved: string;
  readonly at: number;
}

/** A person's word that exactly this head may land. */
export interface Approved {
  readonly head: string;
  readonly at: number;
}

/** One unit of parallel work. */
export interface Lane {
  readonly id: string;
  readonly spec: LaneSpec;
  readonly state: LaneState;
  /** Why it is in this state, for people: sanitised, one line; empty when the state says it all. */
  readonly detail: string;
  /** Files that the detail speaks of: conflicting, uncommitted or in the way. */
  readonly paths: readonly string[];
  readonly addedAt: number;
  /** Since when it is in this state. */
  readonly since: number;
  /** Position of the last record that touched it, progress apart: what a precondition compares. */
  readonly rev: number;
  /** Position of the record that queued it last; the scheduler's age. */
  readonly queuedAt: number | undefined;
  readonly run: Run | undefined;
  /** Runs that failed one after another. */
  readonly failures: number;
  /** When a failed lane is queued again by itself. */
  readonly retryAt: number | undefined;
  /** Set while a limit, or the run after it, is all that happened last. */
  readonly halts: Halts | undefined;
  readonly stopping: Stopping | undefined;
  readonly pausing: Pausing | undefined;
  readonly merge: Merge | undefined;
  readonly landed: Landed | undefined;
  readonly undoing: Undoing | undefined;
  /** Kept until its work lands again: what was taken back does not come with a plain merge. */
  readonly undone: Undone | undefined;
  readonly resolving: Resolving | undefined;
  readonly approved: Approved | undefined;
  /** Its last run failed, and the next one is to begin at the base (`rollback`). */
  readonly spoiled: true | undefined;
  /** What a person wrote to the agent when the lane was handed back; kept until the lane lands, or is queued for something else after a run that was told it. */
  readonly note: string | undefined;
  readonly results: readonly string[];
  readonly progress: string | undefined;
  /** False once its worktree was removed. */
  readonly worktree: boolean;
  /** Set while somebody wants its worktree removed: the command that asked. */
  readonly removal: string | undefined;
  /** The removal takes the worktree away whatever is in it, after that was kept; undefined for one that leaves work alone. */
  readonly saves: true | undefined;
  /** Set while somebody wants its branch and worktree back. */
  readonly restoring: Restoring | undefined;
}

/** Runs in a row that ended at a limit and left the branch at the same tip. */
export interface Halts {
  readonly n: number;
  readonly head: string;
}

/** A wish to bring a lane back as it was kept, not carried out yet. */
export interface Restoring {
  /** Which of the kept ones; the newest when absent. */
  readonly n?: number;
  /** The command that asked. */
  readonly cause: string;
}

/** The engine that the journal elected last. */
export interface Elected {
  /** Position of its election: the fencing token. */
  readonly token: number;
  readonly process: Identity;
  readonly version: string;
  readonly at: number;
  readonly retired: boolean;
}

/** The phases of seed 001; 0 before the first. */
export type Phase = 0 | 1 | 2 | 3 | 4;

/** Everything that follows from the log. `lanes` keeps the order of addition. */
export interface State {
  /** Position of the last record folded; 0 before the first. */
  position: number;
  lanes: Map<string, Lane>;
  /** Lower-case id → id: two lanes may not differ in case alone. */
  names: Map<string, string>;
  engine: Elected | undefined;
  /** Branch that merges land on, and when that was decided. */
  target: string | undefined;
  initialised: boolean;
  phase: Phase;
  /** Fields of the tracker that mean nothing here and are kept for those who wrote them, by `foreignKey`; undefined before the first. */
  foreign: Readonly<Record<string, unknown>> | undefined;
  /** Who has a right to which paths, and who waits for one, in the order of the requests; undefined before the first. See `claimsOf`. */
  claims: readonly Claim[] | undefined;
  /** What the checks of merges taught; undefined before the first. See `lessonsOf`. */
  lessons: Lessons | undefined;
  /** Ids of records in effect, in two generations of at most `retryWindow`. */
  seen: { young: Set<string>; old: Set<string> };
  counts: { effective: number; void: number; damaged: number; unknown: number; newer: number };
}

/** How many records back a repeated id is recognised for certain. */
export const retryWindow = 100_000;

/** The state before the first record. */
export const emptyState = (): State => ({
  position: 0,
  lanes: new Map(),
  names: new Map(),
  engine: undefined,
  target: undefined,
  initialised: false,
  phase: 0,
  foreign: undefined,
  claims: undefined,
  lessons: undefined,
  seen: { young: new Set(), old: new Set() },
  counts: { effective: 0, void: 0, damaged: 0, unknown: 0, newer: 0 },
});
