/** What an agent's output says, in words that are the same for every CLI. */
import type { BlockKind, Tokens } from "../core/state.ts";

/** When a limit is over, as the provider said it: a moment, a span, or a time of day where the agent runs. */
export type Reset =
  | { readonly at: number }
  | { readonly inMs: number }
  | { readonly clock: { readonly hour: number; readonly minute: number } };

/** One thing that an agent's output says. Texts are as the agent wrote them: hostile until sanitised. */
export type AgentEvent =
  /** `session`: what the conversation can be resumed by; `mode`: the permission mode in the CLI's own word. */
  | { readonly type: "started"; readonly session?: string; readonly mode?: string; readonly version?: string }
  | { readonly type: "working" }
  | { readonly type: "tool"; readonly is: "begun" | "done" | "failed"; readonly name: string; readonly about: string }
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "blocked"; readonly kind: BlockKind; readonly question: string }
  | { readonly type: "unblocked" }
  /** `delta`: of one step, to be added up; `total`: of the whole run so far. `cost` in US dollars, as the CLI estimates it. */
  | { readonly type: "usage"; readonly scope: "delta" | "total"; readonly tokens: Tokens; readonly cost?: number }
  /** The provider takes no more for now; `retries`: the CLI tries again by itself. */
  | { readonly type: "limit"; readonly why: string; readonly reset?: Reset; readonly retries?: true }
  | { readonly type: "login"; readonly why: string; readonly retries?: true }
  | { readonly type: "denied"; readonly tool: string; readonly why: string }
  | { readonly type: "error"; readonly why: string }
  | { readonly type: "turn-end"; readonly how: "completed" | "failed"; readonly why: string }
  /** Something that this program has no words for: kept by its name, and counted. */
  | { readonly type: "unknown"; readonly name: string };
