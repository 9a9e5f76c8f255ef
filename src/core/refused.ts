/** Edits of the tracker that were not taken over, by the names of the files in `rejected/` that are kept of them. */

/** For how long `status` speaks of one, in ms; `lanes doctor` does as long as its file is there. */
const tellMs = 86_400_000;

/** The names of those that were found within the last day. */
export const refusedLately = (names: readonly string[], now: number): readonly string[] =>
  names.filter((name) => Math.abs(now - refusedAt(name)) < tellMs);

/** When an edit was found, by its file's name, in ms since 1970; 0 when that does not tell. */
export const refusedAt = (name: string): number => {
  const [, day = "", hour, minute, second] = /\.(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d\.\d+)Z/.exec(name) ?? [];
  return Date.parse(`${day}T${hour}:${minute}:${second}Z`) || 0;
};

/** What is said of some, the newest last: what it means, and where the newest is. */
export const refusedLine = (names: readonly string[]): string => {
  const edits = names.length === 1 ? "an edit of tracker.json was" : `${names.length} edits of tracker.json were`;
  return `${edits} not taken over, or not all of it; kept as .orchestration/rejected/${names.at(-1) ?? ""}; lanes doctor says what to do`;
};
