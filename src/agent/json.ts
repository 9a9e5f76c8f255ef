/** Looking into JSON of which nothing is certain. */

/** The object that a line holds; undefined when it is none. Never throws. */
export const objectIn = (line: string): object | undefined => {
  if (!line.startsWith("{")) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
};

/** What stands at a path; undefined when nothing does. Only own fields count. */
export const at = (value: unknown, ...path: readonly string[]): unknown => {
  let found = value;
  for (const key of path) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, key)) return undefined;
    found = (found as Readonly<Record<string, unknown>>)[key];
  }
  return found;
};

/** The text at a path; empty when there is none. */
export const textAt = (value: unknown, ...path: readonly string[]): string => {
  const found = at(value, ...path);
  return typeof found === "string" ? found : "";
};

/** The count at a path: a number that is not negative, or 0. */
export const countAt = (value: unknown, ...path: readonly string[]): number => {
  const found = at(value, ...path);
  return typeof found === "number" && Number.isFinite(found) && found > 0 ? found : 0;
};

/** The items of a list at a path; none when there is no list. */
export const listAt = (value: unknown, ...path: readonly string[]): readonly unknown[] => {
  const found = at(value, ...path);
  return Array.isArray(found) ? (found as readonly unknown[]) : [];
};

/** The values of an object at a path; none when there is no object. */
export const valuesAt = (value: unknown, ...path: readonly string[]): readonly unknown[] => {
  const found = at(value, ...path);
  return typeof found === "object" && found !== null ? Object.values(found) : [];
};

/** What a tool was asked for, in short: the first of its usual fields, or all of them as JSON. */
export const aboutOf = (input: unknown): string => {
  for (const field of ["command", "commands", "cmd", "file_path", "filePath", "path", "pattern", "query", "url"]) {
    const found = at(input, field);
    if (typeof found === "string" && found !== "") return found;
    if (Array.isArray(found)) return found.filter((part) => typeof part === "string").join("; ");
  }
  return input === undefined ? "" : JSON.stringify(input).slice(0, aboutMax);
};

/** Longest text that is made of a tool's fields. */
const aboutMax = 400;
