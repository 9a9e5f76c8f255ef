/** Wishes: what a person, an agent or a script can ask for. */
import type { Event, Precondition } from "./event.ts";
import type { LaneSpec, Phase, Strategy } from "./state.ts";

/** What was seen of a lane when somebody asked to merge it. */
export interface Evidence {
  readonly head: string;
  readonly ahead: number;
  /** Paths that are not committed. */
  readonly dirty: readonly string[];
  /** Where its worktree stands, when that is not the lane's branch. */
  readonly stray?: string;
}

/** A wish, in the imperative. `lanes` are ids. */
export type Command =
  | { readonly type: "init"; readonly target: string }
  | {
      readonly type: "add";
      readonly lanes: readonly { readonly id: string; readonly spec: LaneSpec }[];
      readonly skipped?: number;
    }
  /** Start lanes; `again`: also those whose last run failed. */
  | { readonly type: "launch"; readonly lanes: readonly string[]; readonly again?: boolean }
  | { readonly type: "retry"; readonly lanes: readonly string[] }
  | { readonly type: "stop"; readonly lanes: readonly string[] }
  | { readonly type: "cancel"; readonly lanes: readonly string[] }
  /** Let runs stand still, or end them; what rests is taken up by `resume`. */
  | { readonly type: "pause"; readonly lanes: readonly string[]; readonly how: "freeze" | "stop" }
  | { readonly type: "resume"; readonly lanes: readonly string[] }
  | { readonly type: "stop-all" }
  | {
      readonly type: "merge";
      readonly lanes: readonly string[];
      /** Check command of this request; an empty string asks for none. */
      readonly check?: string;
      /** How they land this time. */
      readonly strategy?: Strategy;
      /** Land whatever check, leases and review say, for this reason. */
      readonly override?: string;
      /** Before all others that wait. */
      readonly first?: true;
      readonly evidence: ReadonlyMap<string, Evidence>;
    }
  /** A person lets these lanes land as they are now. */
  | {
      readonly type: "approve";
      readonly lanes: readonly string[];
      /** Lane → head, as git shows it. */
      readonly heads: ReadonlyMap<string, string>;
      /** What the person looked at, or its beginning: nothing else is approved. */
      readonly seen?: string;
    }
  /** Give lanes back to their agents, with a word on what is to be done; without one it is said what was wrong. */
  | { readonly type: "handoff"; readonly lanes: readonly string[]; readonly note?: string }
  /** A conflict was put into the lane's worktree, or taken out again (no `onto`). */
  | {
      readonly type: "resolve";
      readonly lane: string;
      readonly target: string;
      readonly onto?: string;
      readonly saved: string;
    }
  /** Take the landings of these lanes back. */
  | { readonly type: "undo"; readonly lanes: readonly string[]; readonly check?: string }
  | { readonly type: "enter"; readonly phase: Phase }
  /** Take worktrees away; with `save` whatever is in them, after that was kept, and lanes that are not merged are given up. */
  | { readonly type: "remove"; readonly lanes: readonly string[]; readonly save?: true }
  /** Bring a lane back as it was kept the `n`-th time, or last. */
  | { readonly type: "restore"; readonly lane: string; readonly n?: number }
  /** A lease of paths and resources for a lane: now, or when it is free. */
  | {
      readonly type: "claim";
      readonly lane: string;
      readonly paths: readonly string[];
      readonly shared: boolean;
      readonly ttlMs: number;
    }
  /** `token`: only the lease that was granted there; a lease that others got meanwhile has another one. */
  | { readonly type: "renew"; readonly lane: string; readonly token?: number }
  | { readonly type: "release"; readonly lane: string; readonly claim?: number }
  | { readonly type: "break"; readonly claim: number; readonly why: string };

/** Why not, and what to do instead: an expected outcome, a value. */
export interface Refusal {
  readonly refused: string;
  readonly hint: string;
  /** Exit code by cli.md. */
  readonly code: number;
  readonly lane?: string;
}

/** What a wish leads to: facts that hold together, on condition that nobody was faster. No events: it already is so. */
export interface Decision {
  readonly events: readonly Event[];
  readonly if: readonly Precondition[];
}
