/** What a screen shows, as plain values. Every text in it is sanitised. */
import type { PairRow } from "../core/forecast.ts";
import type { AgentRow, BranchRow, LaneRow, LockRow, Overview } from "../core/select.ts";
import { emptyState, type Tone } from "../core/state.ts";
import { overview } from "../core/select.ts";

/** One line of the list of recent events. `at`: ms since 1970. */
export interface EventRow {
  readonly position: number;
  readonly at: number;
  /** The lane it is about; empty for the repository. */
  readonly lane: string;
  readonly text: string;
  readonly tone: Tone;
}

/** Is there a process that carries lanes out? `idle`: none, and nothing to do for it. */
export type Liveness = "idle" | "starting" | "alive" | "silent";

/** The selected lane in full. */
export interface LaneDetail {
  readonly id: string;
  readonly branch: string;
  readonly worktree: string;
  /** Why it is in its state, with the chain behind it. */
  readonly why: string;
  /** The command that moves it on; empty when nothing has to be done. */
  readonly next: string;
  /** Which run the log is of; empty when there was none. */
  readonly run: string;
  /** The end of what the run printed. */
  readonly log: readonly string[];
}

/** What the screen is about at the moment: it says so here, and `syncStore` follows. */
export interface Viewer {
  /** The lane whose detail is shown. */
  readonly lane: string | undefined;
  /** Lanes whose rows are on the screen: the ones whose working state is looked at. */
  readonly visible: readonly string[];
  /** Counts key presses: after one, changes are shown at once. */
  readonly presses: number;
}

/** Everything that panes show. Rows and lists keep their identity while nothing in them changes. */
export interface View {
  readonly lanes: readonly LaneRow[];
  readonly agents: readonly AgentRow[];
  readonly locks: readonly LockRow[];
  readonly branches: readonly BranchRow[];
  /** What is predicted not to merge. */
  readonly pairs: readonly PairRow[];
  readonly overview: Overview;
  /** Newest last. */
  readonly events: readonly EventRow[];
  readonly engine: Liveness;
  readonly detail: LaneDetail | undefined;
  /** What cannot be read at the moment; empty when all is well. */
  readonly note: string;
  /** The time that ages are counted to: moves on minute edges, and each second while the selected lane is young. */
  readonly now: number;
  readonly viewer: Viewer;
}

/** The view before anything was read. */
export const emptyView = (now: number): View => ({
  lanes: [],
  agents: [],
  locks: [],
  branches: [],
  pairs: [],
  overview: overview(emptyState(), undefined),
  events: [],
  engine: "idle",
  detail: undefined,
  note: "",
  now,
  viewer: { lane: undefined, visible: [], presses: 0 },
});
