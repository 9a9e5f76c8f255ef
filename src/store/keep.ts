/** Rows that did not change keep their identity, so that React skips them. */

/** `after`, with each value of `before` that says the same in its place; `before` itself when all of them do. */
export const keep = <T extends object>(before: readonly T[], after: readonly T[]): readonly T[] => {
  const known = new Map(before.map((row) => [nameOf(row), row]));
  const kept = after.map((row) => {
    const old = known.get(nameOf(row));
    return old !== undefined && same(old, row) ? old : row;
  });
  return kept.length === before.length && kept.every((row, index) => row === before[index]) ? before : kept;
};

/** `after`, or `before` when it says the same. */
export const keepOne = <T extends object | undefined>(before: T, after: T): T => (same(before, after) ? before : after);

/** Do two plain values (no functions, no circles) say the same? */
export const same = (a: unknown, b: unknown): boolean => {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => same((a as Record<string, unknown>)[name], (b as Record<string, unknown>)[name]))
  );
};

/** Rows are told apart by whichever of these they have. */
const nameOf = (row: object): string => {
  const { id, position, lane, name, what } = row as Partial<Record<string, unknown>>;
  return [id, position, typeof lane === "string" ? lane : "", name, what].join("\n");
};
