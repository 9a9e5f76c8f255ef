/** The journal folded: this process's copy of the state, and the only way to add to the log. */
import {
  type Entry,
  type Event,
  type LogRecord,
  type Outcome,
  type Precondition,
  recordVersion,
} from "../core/event.ts";
import { fold } from "../core/fold.ts";
import { emptyState, type State } from "../core/state.ts";
import type { Clock, Cursor, Journal, Release } from "../port.ts";

/** A line of the journal and what became of it. */
export interface Told {
  readonly entry: Entry;
  readonly outcome: Outcome;
}

/** What somebody wants to be recorded. */
export interface Proposal {
  /** Given again on a retry, so that a repetition is void. */
  readonly id: string;
  readonly by: string;
  readonly cause?: string;
  readonly if: readonly Precondition[];
  readonly events: readonly Event[];
}

/** The state of one process, kept up to date from the log. */
export interface Ledger {
  /** Advanced in place by `refresh`. */
  readonly state: State;
  /** Read what is new. Calls share one read. */
  refresh(): Promise<void>;
  /** Append, sync, read back: what became of it. Throws when the disk fails; the same id may then be proposed again. */
  propose(proposal: Proposal): Promise<Outcome>;
  follow(listener: (state: State, told: readonly Told[]) => void): Release;
}

/** A ledger on a journal. Nothing is read before the first `refresh`. */
export const createLedger = (journal: Journal, clock: Clock): Ledger => {
  const state = emptyState();
  const listeners = new Set<Listener>();
  const awaited = new Map<string, (outcome: Outcome) => void>();
  let cursor: Cursor = start;
  let current: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  let unfollow: Release | undefined;

  const read = async (): Promise<void> => {
    const told: Told[] = [];
    cursor = await journal.read(cursor, (entry) => {
      const outcome = fold(state, entry);
      if ("record" in entry) awaited.get(entry.record.id)?.(outcome);
      if (listeners.size > 0) told.push({ entry, outcome });
    });
    if (told.length > 0) for (const listener of listeners) listener(state, told);
  };

  /** Another log stands in the old one's place (archived, restored): begin anew. */
  const readAnew = async (error: unknown): Promise<void> => {
    if (!(error instanceof Error) || error.name !== "LogReplaced") throw error;
    Object.assign(state, emptyState());
    cursor = start;
    await read();
  };

  const run = (): Promise<void> => {
    current = read()
      .catch(readAnew)
      .finally(() => {
        current = undefined;
      });
    return current;
  };

  /** One read at a time. A call that arrives during one is answered by the next, which sees all that was there before the call. */
  const refresh = (): Promise<void> => {
    if (!current) return run();
    const begin = (): Promise<void> => {
      next = undefined;
      return run();
    };
    next ??= current.then(begin, begin);
    return next;
  };

  const propose = async (proposal: Proposal): Promise<Outcome> => {
    let outcome: Outcome | undefined;
    awaited.set(proposal.id, (seen) => {
      outcome ??= seen;
    });
    try {
      await journal.append(recordOf(proposal, clock));
      await refresh();
    } finally {
      awaited.delete(proposal.id);
    }
    if (!outcome) throw new Error("a record was written but could not be read back: the log was replaced meanwhile");
    return outcome;
  };

  const follow = (listener: Listener): Release => {
    listeners.add(listener);
    unfollow ??= journal.follow(() => {
      refresh().catch(unread);
    });
    return () => {
      listeners.delete(listener);
      if (listeners.size > 0) return;
      unfollow?.();
      unfollow = undefined;
    };
  };

  return { state, refresh, propose, follow };
};

type Listener = (state: State, told: readonly Told[]) => void;

const start: Cursor = { byte: 0, position: 0 };

/** A read that a hint asked for failed: whoever asks next by `refresh` gets the error itself. */
const unread = (): void => undefined;

const recordOf = (proposal: Proposal, clock: Clock): LogRecord => ({
  v: recordVersion,
  id: proposal.id,
  at: clock.now(),
  by: proposal.by,
  on: clock.box(),
  ...(proposal.cause === undefined ? {} : { cause: proposal.cause }),
  ...(proposal.if.length === 0 ? {} : { if: proposal.if }),
  events: proposal.events,
});
