/** Facts. A record is one line of the journal: a proposal that takes effect whole or not at all. */
import type { AgentTold, Batch, Halts, Identity, LaneSpec, Phase, Step, Strategy } from "./state.ts";

/** A fact in the past tense. `key` is the lane it is about; facts about the repository have none. */
export type Event =
  | { readonly type: "repo.initialised"; readonly target: string }
  | { readonly type: "phase.entered"; readonly phase: Phase }
  | { readonly type: "plan.written"; readonly lanes: readonly string[]; readonly skipped: number }
  | { readonly type: "engine.elected"; readonly process: Identity; readonly version: string }
  | { readonly type: "engine.retired"; readonly why: string }
  | { readonly type: "lane.added"; readonly key: string; readonly spec: LaneSpec }
  /** `note`: what the next run's agent is told. */
  | { readonly type: "lane.queued"; readonly key: string; readonly why: string; readonly note?: string }
  /** A person lets exactly this head land. */
  | { readonly type: "lane.approved"; readonly key: string; readonly head: string }
  /** What a failed run left was kept under `saved`; branch and worktree are at `base` again. */
  | { readonly type: "lane.rolled-back"; readonly key: string; readonly saved: string; readonly base: string }
  | { readonly type: "lane.unqueued"; readonly key: string }
  | { readonly type: "lane.stop-asked"; readonly key: string; readonly then: "pause" | "cancel" | "queue" }
  | { readonly type: "lane.freeze-asked"; readonly key: string }
  | { readonly type: "lane.resume-asked"; readonly key: string }
  /** Every process of the run was seen to stand still. */
  | { readonly type: "lane.frozen"; readonly key: string; readonly n: number }
  /** Its processes go on, or are gone; or they would not stand still, and `why` says so. */
  | { readonly type: "lane.thawed"; readonly key: string; readonly n: number; readonly why: string }
  | { readonly type: "lane.opened"; readonly key: string; readonly base: string }
  /** `retryAt`: it goes on by itself then, in ms since 1970. */
  | {
      readonly type: "lane.waiting";
      readonly key: string;
      readonly why: string;
      readonly paths: readonly string[];
      readonly retryAt?: number;
      /** Set by a limit whose end was reported. */
      readonly halts?: Halts;
    }
  | { readonly type: "lane.readied"; readonly key: string; readonly head: string; readonly results: readonly string[] }
  | { readonly type: "lane.emptied"; readonly key: string; readonly why: string }
  | { readonly type: "lane.failed"; readonly key: string; readonly why: string; readonly retryAt?: number }
  | { readonly type: "lane.lost"; readonly key: string; readonly why: string }
  | { readonly type: "lane.parked"; readonly key: string; readonly why: string }
  | { readonly type: "lane.paused"; readonly key: string; readonly why: string }
  | { readonly type: "lane.cancelled"; readonly key: string; readonly why: string }
  | { readonly type: "lane.progressed"; readonly key: string; readonly text: string }
  /**
   * `port`: nobody else's run has it while this one lives. `cli`: the agent CLI that it is for; `session`: its conversation, which it
   * begins or, with `resumes`, goes on with.
   */
  | {
      readonly type: "run.asked";
      readonly key: string;
      readonly n: number;
      readonly base: string;
      readonly port?: number;
      readonly cli?: string;
      readonly session?: string;
      readonly resumes?: true;
    }
  /** It waits in the queue for something outside of us: room on the disk. */
  | { readonly type: "lane.held"; readonly key: string; readonly why: string }
  | {
      readonly type: "run.started";
      readonly key: string;
      readonly n: number;
      readonly process: Identity;
      readonly at: number;
      /** The permission mode that its argv asks for. */
      readonly mode?: string;
    }
  /** What the agent of the n-th run told of itself, coarsely: at most now and then, however much it prints. */
  | { readonly type: "agent.reported"; readonly key: string; readonly n: number; readonly told: AgentTold }
  | {
      readonly type: "run.exited";
      readonly key: string;
      readonly n: number;
      readonly code: number;
      readonly signal?: string;
      readonly at: number;
    }
  | {
      readonly type: "merge.asked";
      readonly key: string;
      readonly check?: string;
      readonly strategy?: Strategy;
      /** Why it is to land whatever check, leases and review say. */ readonly override?: string;
      /** Before all others that wait. */ readonly first?: true;
    }
  | { readonly type: "merge.withdrawn"; readonly key: string; readonly why: string }
  | {
      readonly type: "merge.started";
      readonly key: string;
      readonly target: string;
      readonly onto: string;
      readonly head: string;
      readonly candidate: string;
      /** The work is in the target's history although it was taken out: what changed since this commit is applied anew. */
      readonly since?: string;
      /** The check of this candidate: later changes of the configuration do not touch it. */
      readonly check?: string;
      /** What it is tested and lands with: the other events of the record name the others. */
      readonly batch?: Omit<Batch, "id">;
    }
  | {
      readonly type: "merge.tested";
      readonly key: string;
      readonly candidate: string;
      readonly result: "passed" | "unchecked";
    }
  | { readonly type: "merge.check-failed"; readonly key: string; readonly candidate: string; readonly why: string }
  | {
      readonly type: "merge.conflicted";
      readonly key: string;
      readonly why: string;
      readonly paths: readonly string[];
      /** Lanes that landed and changed the same files. */
      readonly with?: readonly string[];
    }
  /** The conflict stands in the lane's worktree; `saved` keeps what was there before. */
  | {
      readonly type: "merge.resolving";
      readonly key: string;
      readonly target: string;
      readonly onto: string;
      readonly saved: string;
    }
  /** It was taken out of there again; `saved` keeps how far it was. */
  | { readonly type: "merge.resolve-dropped"; readonly key: string; readonly saved: string }
  | { readonly type: "merge.held"; readonly key: string; readonly why: string; readonly paths: readonly string[] }
  /** `alone`: it is tested with no other from now on, so that what is in its way is in nobody else's. */
  | { readonly type: "merge.requeued"; readonly key: string; readonly why: string; readonly alone?: true }
  /** Its work conflicts with that of a lane which is being tested: it is built after that one. */
  | { readonly type: "merge.put-off"; readonly key: string; readonly behind: string; readonly why: string }
  /** The check of a batch has ended, or is known to pass because it passed on the very same tree before. `key`: the first lane. */
  | {
      readonly type: "check.ended";
      readonly key: string;
      readonly tree: string;
      readonly check: string;
      readonly passed: boolean;
      readonly lanes: number;
      /** How long it ran; 0 when it did not. */
      readonly ms: number;
      /** It failed before on this tree. */
      readonly flaky?: boolean;
      readonly cached?: boolean;
    }
  /** These lanes failed their check together: the one that spoils it is looked for among them. */
  | { readonly type: "batch.split"; readonly key: string; readonly lanes: readonly string[]; readonly tree: string }
  | {
      readonly type: "merge.landed";
      readonly key: string;
      readonly merge: string;
      readonly target: string;
      readonly before: string;
      readonly head: string;
      readonly tested: "passed" | "unchecked";
      /** How it landed; a merge when absent. */
      readonly strategy?: Strategy;
      /** Of several that landed as one commit: what this lane alone brought. */
      readonly step?: Step;
    }
  /** `save`: whatever is in it, after that was kept. */
  | { readonly type: "worktree.removal-asked"; readonly key: string; readonly save?: true }
  /** `kept`: where ignored files of it are now, below the state folder. `saved`: the ref that keeps its work. */
  | { readonly type: "worktree.removed"; readonly key: string; readonly kept?: string; readonly saved?: string }
  /** Take what landed off the target again. */
  | { readonly type: "merge.undo-asked"; readonly key: string; readonly check?: string }
  | {
      readonly type: "merge.undo-started";
      readonly key: string;
      /** A commit that takes the changes out, or the target moved back. */
      readonly how: "revert" | "back";
      readonly onto: string;
      readonly candidate: string;
      readonly check?: string;
    }
  | { readonly type: "merge.undo-tested"; readonly key: string; readonly candidate: string }
  | { readonly type: "merge.undo-held"; readonly key: string; readonly why: string; readonly paths: readonly string[] }
  | { readonly type: "merge.undo-requeued"; readonly key: string; readonly why: string }
  /** The work stays on the target. `code`: what kind of reason it is, as an exit code. */
  | {
      readonly type: "merge.undo-refused";
      readonly key: string;
      readonly why: string;
      readonly paths: readonly string[];
      readonly code: number;
    }
  /** `commit`: the target's tip without the work. */
  | {
      readonly type: "merge.undone";
      readonly key: string;
      readonly commit: string;
      readonly how: "revert" | "back";
    }
  | { readonly type: "worktree.kept"; readonly key: string; readonly why: string }
  /** Branch and worktree are wanted back as they were kept the `n`-th time, or last. */
  | { readonly type: "lane.restore-asked"; readonly key: string; readonly n?: number }
  /** They are back. `ready`: all of its work is committed. */
  | {
      readonly type: "lane.restored";
      readonly key: string;
      readonly n: number;
      readonly ready: boolean;
      readonly why: string;
    }
  | { readonly type: "lane.restore-failed"; readonly key: string; readonly why: string }
  /** Kept long enough: these refs are let go of, each with the commit that it named. */
  | { readonly type: "trash.dropped"; readonly refs: readonly string[] }
  | {
      readonly type: "tracker.patched";
      readonly changes: readonly Patched[];
      /** What of the edit was not taken over; the file it came from is kept under `kept`, when there is one. */
      readonly left: readonly Left[];
      readonly kept?: string;
    }
  | { readonly type: "tracker.rejected"; readonly why: string; readonly kept: string }
  /** A lane wants these paths and resources: it gets all of them, now or when they are free. With `start`: now or not at all. */
  | {
      readonly type: "lease.asked";
      readonly key: string;
      readonly paths: readonly string[];
      readonly shared: boolean;
      readonly ttlMs: number;
      readonly start: boolean;
    }
  /** `id`: position of the request; `token`: of the grant. Who was woken after others got it has an old token, and renews nothing. */
  | { readonly type: "lease.renewed"; readonly key: string; readonly id: number; readonly token: number }
  | { readonly type: "lease.released"; readonly key: string; readonly id: number }
  /** Taken away by a person, or by the engine after its time was over without a sign of life. */
  | { readonly type: "lease.broken"; readonly key: string; readonly id: number; readonly why: string }
  | { readonly type: "lease.expired"; readonly key: string; readonly id: number; readonly why: string }
  /** Lanes waited for each other: this one gives back what the others wait for, and gets it again after them. */
  | { readonly type: "lease.yielded"; readonly key: string; readonly lanes: readonly string[] };

/** One field of the tracker that somebody set, by its path: `["lanes", "docs", "tasks"]`. Without `to` it was taken out. */
export interface Patched {
  readonly at: readonly string[];
  readonly to?: unknown;
}

/** One field of an edited tracker that is as it was: where, why, and what to do instead. */
export interface Left {
  readonly path: string;
  readonly why: string;
  readonly hint: string;
}

/** The name of a fact. */
export type EventType = Event["type"];

/**
 * A precondition that the fold evaluates, so that writers who touch different lanes never collide.
 * `engine`: the engine's token is still this one (0: none was ever elected). `lane`: its `rev` is still this one (0: no such lane).
 */
export type Precondition =
  | { readonly engine: number }
  | { readonly lane: string; readonly rev: number }
  | { readonly lane: string; readonly state: readonly string[] };

/** The version that this program writes. A reader meets a higher one: it becomes read-only. */
export const recordVersion = 1;

/** A record as it is written. `at`: ms since 1970 on the writer's clock. */
export interface LogRecord {
  readonly v: number;
  /** Unique; a repetition of the same wish carries the same id and is void. */
  readonly id: string;
  readonly at: number;
  /** Who: `human`, `engine`, `lane:<id>`. */
  readonly by: string;
  /** The box on which it was written. */
  readonly on: string;
  /** The command that this follows from. */
  readonly cause?: string;
  readonly if?: readonly Precondition[];
  readonly events: readonly Event[];
}

/** A line of the journal with its place: a record, or why the bytes are none. */
export type Entry =
  | { readonly position: number; readonly record: LogRecord }
  | { readonly position: number; readonly damaged: string };

/** What became of a line: in effect, or why not. */
export interface Outcome {
  readonly position: number;
  readonly effective: boolean;
  /** Why it is void; undefined when it is in effect. */
  readonly reason?: string;
  /** Void because somebody else was first: deciding again may help. */
  readonly raced?: boolean;
}
