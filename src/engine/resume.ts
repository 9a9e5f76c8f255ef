/** Where a fold begins: at the newest snapshot that our fold may go on from, or at the first line. */
import type { Refusal } from "../core/command.ts";
import type { Entry, Outcome } from "../core/event.ts";
import { recordVersion } from "../core/event.ts";
import { fold, foldMark, foldVersion } from "../core/fold.ts";
import { snapshotState, snapshotText } from "../core/snapshot.ts";
import { emptyState, type State } from "../core/state.ts";
import type { Cursor, Journal, Snapshot } from "../port.ts";

/** A state and where to read on. */
export interface Folded {
  readonly state: State;
  cursor: Cursor;
  /** Why this program may only read this log; undefined when it may write. */
  newer: Refusal | undefined;
}

/** Before the first line. */
export const unfolded = (): Folded => ({ state: emptyState(), cursor: { byte: 0, position: 0 }, newer: undefined });

/** The state of the newest snapshot up to `position`. A snapshot that our fold cannot use means that every line is read. */
export const resume = async (
  journal: Pick<Journal, "snapshot">,
  position: number = Number.MAX_SAFE_INTEGER,
): Promise<Folded> => {
  const kept = await journal.snapshot(position);
  if (kept === undefined) return unfolded();
  if (kept.fold > foldVersion) return { ...unfolded(), newer: newerFold(kept) };
  const state = kept.mark === foldMark ? snapshotState(kept.text) : undefined;
  return state === undefined ? unfolded() : { state, cursor: kept.from, newer: undefined };
};

/** Fold what lies after the cursor, in place. Throws what the journal throws: `LogReplaced` means to begin anew. */
export const readOn = async (
  journal: Pick<Journal, "read">,
  folded: Folded,
  each: (entry: Entry, outcome: Outcome, byte: number) => void,
): Promise<void> => {
  const { state } = folded;
  folded.cursor = await journal.read(folded.cursor, (entry, byte) => {
    const before = state.counts.newer;
    const outcome = fold(state, entry);
    if (state.counts.newer > before && "record" in entry) folded.newer = newerRecord(entry.record.v);
    each(entry, outcome, byte);
  });
};

/** The state now, and every line after `since` with what became of it. */
export const replay = async (
  journal: Pick<Journal, "read" | "snapshot">,
  since: number = Number.MAX_SAFE_INTEGER,
  each: (entry: Entry, outcome: Outcome) => void = () => undefined,
): Promise<Folded> => {
  const later = (entry: Entry, outcome: Outcome): void => {
    if (entry.position > since) each(entry, outcome);
  };
  const folded = await resume(journal, since);
  try {
    await readOn(journal, folded, later);
    return folded;
  } catch (error) {
    if (!isReplaced(error)) throw error;
  }
  const anew = unfolded();
  await readOn(journal, anew, later);
  return anew;
};

/** The state as it is now, to be kept; undefined when there is none that others may go on from. */
export const frozenOf = ({ state, cursor: from, newer }: Folded): Omit<Snapshot, "by"> | undefined => {
  // While a read is under way the state is ahead of the cursor.
  if (newer || from.position === 0 || from.position !== state.position) return undefined;
  return { from, fold: foldVersion, mark: foldMark, text: snapshotText(state) };
};

/** Is another log in the old one's place? */
export const isReplaced = (error: unknown): boolean => error instanceof Error && error.name === "LogReplaced";

const newerRecord = (version: number): Refusal => ({
  refused: `this repository's log was written by a newer lanes (record version ${version}, this one knows ${recordVersion})`,
  hint: `install a lanes that knows record version ${version}; status, log and events work`,
  code: 4,
});

const newerFold = ({ fold: version, by }: Snapshot): Refusal => ({
  refused: `this repository's log is folded by a newer lanes (fold version ${version}, this one knows ${foldVersion})`,
  hint: `install lanes ${by} or newer; status, log and events work`,
  code: 4,
});
