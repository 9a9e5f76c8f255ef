/** What differs between two JSON values, field by field. */

/** One field: where it is, what it was and what it is now. Undefined: it is not there. */
export interface Difference {
  /** Names joined by dots, from the outside in; empty for the value itself. */
  readonly field: string;
  readonly was: unknown;
  readonly is: unknown;
}

/** Every field in which two JSON values differ. Objects are compared field by field, lists as a whole. */
export const differences = (was: unknown, is: unknown, field = ""): readonly Difference[] => {
  if (!isFields(was) || !isFields(is)) return JSON.stringify(was) === JSON.stringify(is) ? [] : [{ field, was, is }];
  const names = new Set([...Object.keys(was), ...Object.keys(is)]);
  return [...names].flatMap((name) => differences(was[name], is[name], field === "" ? name : `${field}.${name}`));
};

const isFields = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
