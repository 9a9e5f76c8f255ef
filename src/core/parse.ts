/** Checks on JSON of unknown origin: a typed value, or the path of the first field that is wrong. */
import { idPattern, quote } from "./id.ts";

/** What is wrong with some input: where, what, and what would be right. */
export interface Fault {
  /** Field path such as `tasks[2]`; empty for the whole value. */
  readonly path: string;
  readonly fault: string;
  readonly hint: string;
}

/** Thrown and caught inside one parse only: the first fault ends it. */
class Wrong extends Error {
  readonly where: Fault;
  constructor(where: Fault) {
    super(where.fault);
    this.where = where;
  }
}

/** Run a parser; its first fault is the answer when there is one. */
export const attempt = <T extends object>(parse: () => T): T | Fault => {
  try {
    return parse();
  } catch (error) {
    if (error instanceof Wrong) return error.where;
    throw error;
  }
};

/** Is this answer a fault? */
export const isFault = (answer: object): answer is Fault => "fault" in answer;

/** End the parse at `path`. */
export const wrong = (path: string, fault: string, hint: string): never => {
  throw new Wrong({ path, fault, hint });
};

/** A JSON text's value; the fault says line and column. Texts above `bytesMax` characters are refused unread. */
export const json = (text: string, bytesMax = 1_048_576): unknown => {
  if (text.length > bytesMax) return wrong("", `is ${text.length} characters long`, `at most ${bytesMax} are read`);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return wrong("", `is not JSON${placeOf(text)}`, "check quotes, commas and brackets");
  }
};

/** Where a text stops being the beginning of JSON. V8 says so only of some faults: halve until the place is found. */
const placeOf = (text: string): string => {
  if (text.trim() === "") return ": it is empty";
  if (mayGoOn(text)) return ": it ends too early";
  let good = 0;
  let bad = text.length;
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2);
    if (mayGoOn(text.slice(0, middle))) good = middle;
    else bad = middle;
  }
  const before = text.slice(0, good).split("\n");
  return ` (line ${before.length}, column ${Number(before.at(-1)?.length) + 1})`;
};

/** Is this JSON, or at least the beginning of some? */
const mayGoOn = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    const message = String(error);
    const at = /position (\d+)/.exec(message)?.[1];
    return at === undefined ? message.includes("end of JSON") : Number(at) >= text.length;
  }
};

/** The path of a field; a name that is no plain word is quoted and cut. */
export const below = (path: string, key: string): string =>
  idPattern.test(key) ? `${path}.${key}` : `${path}[${quote(key)}]`;

/** An object's fields, by name. Arrays and null are no objects. */
export const fields = (value: unknown, path: string): ReadonlyMap<string, unknown> => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return wrong(path, `must be an object, not ${kindOf(value)}`, 'write {"tasks": ["…"]}');
  }
  return new Map(Object.entries(value));
};

/** Text without NUL, at most `max` characters. */
export const text = (value: unknown, path: string, max = 100_000): string => {
  if (typeof value !== "string") return wrong(path, `must be a string, not ${kindOf(value)}`, 'write "…"');
  if (value.length > max) return wrong(path, `has ${value.length} characters`, `at most ${max} are allowed`);
  if (value.includes("\0")) return wrong(path, "holds a NUL character", "take it out");
  return value;
};

/** True or false. */
export const flag = (value: unknown, path: string): boolean =>
  typeof value === "boolean"
    ? value
    : wrong(path, `must be true or false, not ${kindOf(value)}`, "write true or false without quotes");

/** A whole number between `min` and `max`. */
export const whole = (value: unknown, path: string, min: number, max: number): number =>
  typeof value === "number" && Number.isInteger(value) && value >= min && value <= max
    ? value
    : wrong(
        path,
        `must be a whole number from ${min} to ${max}, not ${kindOf(value)}`,
        "write it without quotes and units",
      );

/** A list, each item parsed at its own path. */
export const items = <T>(
  value: unknown,
  path: string,
  each: (item: unknown, path: string) => T,
  max = 1000,
): readonly T[] => {
  if (!Array.isArray(value)) return wrong(path, `must be a list, not ${kindOf(value)}`, 'write ["…", "…"]');
  if (value.length > max) return wrong(path, `has ${value.length} items`, `at most ${max} are allowed`);
  return value.map((item, index) => each(item, `${path}[${index}]`));
};

/** One of some words. */
export const oneOf = <T extends string>(value: unknown, path: string, words: readonly T[]): T => {
  const found = words.find((word) => word === value);
  if (found !== undefined) return found;
  const near = typeof value === "string" ? nearest(value, words) : undefined;
  return wrong(
    path,
    `must be one of ${words.join(", ")}, not ${kindOf(value)}`,
    near ? `did you mean "${near}"?` : `write "${words[0] ?? ""}"`,
  );
};

const kindOf = (value: unknown): string => {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "string") return quote(value);
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return value === undefined ? "nothing" : "an object";
};

/** The nearest of some words, if one is near enough to be meant. */
export const nearest = (word: string, words: readonly string[]): string | undefined => {
  const ranked = words
    .map((other) => ({ other, far: distance(word.toLowerCase().slice(0, 40), other.toLowerCase()) }))
    .toSorted((a, b) => a.far - b.far);
  const best = ranked[0];
  return best && best.far <= Math.max(1, Math.floor(best.other.length / 3)) ? best.other : undefined;
};

/** Edit distance (Levenshtein), by rows. */
const distance = (a: string, b: string): number => {
  let before = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const now = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const swap = (before[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      now.push(Math.min(swap, (before[j] ?? 0) + 1, (now[j - 1] ?? 0) + 1));
    }
    before = now;
  }
  return before[b.length] ?? 0;
};
