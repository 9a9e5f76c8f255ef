/** The journal folded: this process's copy of the state, and the only way to add to the log. */
import {
  type Entry,
  type Event,
  type LogRecord,
  type Outcome,
  type Precondition,
  recordVersion,
} from "../core/event.ts";
import type { Refusal } from "../core/command.ts";
import type { State } from "../core/state.ts";
import type { Clock, Journal, Release, Snapshot } from "../port.ts";
import { frozenOf, isReplaced, readOn, resume, unfolded } from "./resume.ts";

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

/** What became of a proposal. Somebody else may have recorded the same id first: then `cause` is of that record. */
export interface Recorded extends Outcome {
  readonly cause: string | undefined;
}

/** The state of one process, kept up to date from the log. */
export interface Ledger {
  /** Advanced in place by `refresh`. */
  readonly state: State;
  /** Why nothing may be recorded: a newer program wrote this log. Undefined when this one may. */
  newer(): Refusal | undefined;
  /** How far the log was read, in bytes, and how much of that a snapshot spared. */
  read(): { readonly byte: number; readonly spared: number };
  /** The state as it is now, to be kept; undefined when there is none that others may go on from. */
  freeze(): Omit<Snapshot, "by"> | undefined;
  /** Read what is new. Calls share one read. */
  refresh(): Promise<void>;
  /** Append, sync, read back: what became of it. Throws when the disk fails; the same id may then be proposed again. */
  propose(proposal: Proposal): Promise<Recorded>;
  follow(listener: (state: State, told: readonly Told[]) => void): Release;
}

/** A ledger on a journal. Nothing is read before the first `refresh`. `whole`: read every line, whatever snapshots say. */
export const createLedger = (
  journal: Journal,
  clock: Clock,
  { whole = false }: { readonly whole?: boolean } = {},
): Ledger => {
  const folded = unfolded();
  const { state } = folded;
  const listeners = new Set<Listener>();
  const awaited = new Map<string, (outcome: Recorded) => void>();
  let spared = 0;
  let current: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  let unfollow: Release | undefined;

  const read = async (): Promise<void> => {
    if (state.position === 0) await beginAnew();
    const told: Told[] = [];
    await readOn(journal, folded, (entry, outcome) => {
      if ("record" in entry) awaited.get(entry.record.id)?.({ ...outcome, cause: entry.record.cause });
      if (listeners.size > 0) told.push({ entry, outcome });
    });
    if (told.length > 0) for (const listener of listeners) listener(state, told);
  };

  const beginAnew = async (): Promise<void> => {
    // A snapshot would hide what became of a record that somebody waits for.
    const { state: at, cursor, newer } = whole || awaited.size > 0 ? unfolded() : await resume(journal);
    Object.assign(state, at);
    Object.assign(folded, { cursor, newer });
    spared = cursor.byte;
  };

  /** Another log stands in the old one's place (archived, restored): begin anew. */
  const readAnew = async (error: unknown): Promise<void> => {
    if (!isReplaced(error)) throw error;
    state.position = 0;
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

  const propose = async (proposal: Proposal): Promise<Recorded> => {
    if (folded.newer) throw new Error(`${folded.newer.refused}; ${folded.newer.hint}`);
    let outcome: Recorded | undefined;
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

  return {
    state,
    newer: () => folded.newer,
    read: () => ({ byte: folded.cursor.byte, spared }),
    freeze: () => frozenOf(folded),
    refresh,
    propose,
    follow,
  };
};

type Listener = (state: State, told: readonly Told[]) => void;

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
