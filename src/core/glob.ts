/**
 * Path patterns: which paths a lane claims, and whether two claims can mean the same path. Decided exactly, by walking both
 * patterns at once; matching one against the other's text misses one overlap in eight.
 */

/** Characters that a place in a name may have, as ranges of code points; `not`: all others. */
interface Place {
  readonly not: boolean;
  readonly ranges: readonly (readonly [from: number, to: number])[];
}

/** A name between two slashes: places, and `*` for any number of them. */
type Name = readonly (Place | "*")[];

/** A part of a path: a name as it may be read, or `**` for any number of names. */
type Part = "**" | readonly Name[];

/** A pattern, read. Any of its alternatives will do. */
export interface Glob {
  readonly alternatives: readonly (readonly Part[])[];
}

/** Longest pattern, and most alternatives that its braces may make. */
const lengthMax = 1024;
const alternativesMax = 64;

/** Why `text` cannot be a pattern of paths; undefined when it can. */
export const globFault = (text: string): string | undefined => {
  if (text.length > lengthMax) return `a pattern has at most ${lengthMax} characters`;
  if (text.includes("\0")) return "a pattern has no NUL";
  if (text.startsWith("/")) return "a pattern is relative to the top of the repository";
  const names = split(text);
  if (names.length === 0) return 'a pattern names something: "**" is the whole repository';
  if (names.includes("..")) return 'a pattern has no ".."';
  return expand(text).length > alternativesMax ? `braces make at most ${alternativesMax} alternatives` : undefined;
};

/**
 * Read a pattern: `*` and `?` within a name, `**` across names, `{a,b}`, `[a-z]`, `\` before a character that is meant as it is.
 * Whatever lies below a path that it covers is covered too. Brackets are also read as they stand: files are called `[id].tsx`.
 */
export const readGlob = (text: string): Glob => ({
  alternatives: expand(text.slice(0, lengthMax))
    .slice(0, alternativesMax)
    .map((one) => {
      const parts = split(one).map((name): Part =>
        name === "**" ? name : [readName(name, true), readName(name, false)],
      );
      return parts.at(-1) === "**" ? parts : [...parts, "**"];
    }),
});

/** Is there a path that both cover? */
export const overlap = (a: Glob, b: Glob): boolean =>
  a.alternatives.some((one) => b.alternatives.some((other) => meet(one, other, namesMeet)));

/** Does the pattern cover this path, relative to the top of the repository? */
export const covers = (glob: Glob, path: string): boolean => {
  const exact = split(path).map((name): readonly Name[] => [Array.from(name, literal)]);
  return glob.alternatives.some((one) => meet(one, exact, namesMeet));
};

/**
 * Can two sequences match the same? Both are walked at once, from their ends: the cost is the product of their lengths. What
 * is open, `*` in names and `**` in paths, takes any number of the other's.
 */
const meet = <T>(a: readonly Step<T>[], b: readonly Step<T>[], same: (x: T, y: T) => boolean): boolean => {
  // row[j]: can a from here on and b from j on match the same? `below`: the row of a's next step.
  let below: boolean[] = [];
  for (let i = a.length; i >= 0; i -= 1) {
    const row: boolean[] = [];
    const x = a[i];
    for (let j = b.length; j >= 0; j -= 1) {
      const y = b[j];
      if (isOpen(x)) row[j] = below[j] === true || (y !== undefined && row[j + 1] === true);
      else if (isOpen(y)) row[j] = row[j + 1] === true || (x !== undefined && below[j] === true);
      else if (x === undefined || y === undefined) row[j] = x === y;
      else row[j] = below[j + 1] === true && same(x, y);
    }
    below = row;
  }
  return below[0] === true;
};

type Step<T> = T | "*" | "**";

const isOpen = (step: unknown): step is "*" | "**" => step === "*" || step === "**";

const namesMeet = (a: readonly Name[], b: readonly Name[]): boolean =>
  a.some((one) => b.some((other) => meet(one, other, placesMeet)));

const placesMeet = (a: Place, b: Place): boolean => {
  if (a.not && b.not) return true; // there are more characters than any two patterns rule out
  if (a.not) return placesMeet(b, a);
  if (!b.not) return a.ranges.some(([from, to]) => b.ranges.some(([low, high]) => from <= high && low <= to));
  return a.ranges.some((range) => !isWithin(range, b.ranges));
};

/** Does the union of `ranges` hold all of this one? */
const isWithin = ([from, to]: readonly [number, number], ranges: Place["ranges"]): boolean => {
  let next = from;
  for (const [low, high] of ranges.toSorted((a, b) => a[0] - b[0])) if (low <= next) next = Math.max(next, high + 1);
  return next > to;
};

const point = (char: string): number => char.codePointAt(0) ?? 0;

const literal = (char: string): Place => ({ not: false, ranges: [[point(char), point(char)]] });

const anyPlace: Place = { not: true, ranges: [] };

/** The names of a pattern, without those that mean nothing. */
const split = (text: string): readonly string[] => text.split("/").filter((name) => name !== "" && name !== ".");

/** `brackets`: `[…]` is a choice of characters, where it is closed; else it stands for itself. */
const readName = (text: string, brackets: boolean): Name => {
  const chars = Array.from(text);
  const steps: (Place | "*")[] = [];
  for (let at = 0; at < chars.length; at += 1) {
    const char = chars[at] ?? "";
    const end = brackets && char === "[" ? closing(chars, at) : -1;
    if (char === "*") {
      if (steps.at(-1) !== "*") steps.push("*");
    } else if (char === "?") steps.push(anyPlace);
    else if (end !== -1) {
      steps.push(readChoice(chars.slice(at + 1, end)));
      at = end;
    } else if (char === "\\" && at + 1 < chars.length) steps.push(literal(chars[(at += 1)] ?? ""));
    else steps.push(literal(char));
  }
  return steps;
};

/** Where the choice that begins at `at` is closed: a bracket at its very beginning belongs to it; -1 when nowhere. */
const closing = (chars: readonly string[], at: number): number => {
  const first = chars[at + 1] === "!" || chars[at + 1] === "^" ? at + 2 : at + 1;
  return chars.indexOf("]", first + 1);
};

const readChoice = (chars: readonly string[]): Place => {
  const not = chars[0] === "!" || chars[0] === "^";
  const ranges: [number, number][] = [];
  for (let at = not ? 1 : 0; at < chars.length; at += 1) {
    const from = point(chars[at] ?? "");
    const isRange = chars[at + 1] === "-" && at + 2 < chars.length;
    ranges.push([from, isRange ? point(chars[at + 2] ?? "") : from]);
    if (isRange) at += 2;
  }
  return { not, ranges };
};

/** The texts that a pattern with braces stands for: at most one more than may be. Braces without a comma stand for themselves. */
const expand = (text: string): readonly string[] => {
  const found = firstBraces(text);
  if (!found) return [text];
  const { open, close, commas } = found;
  const bounds = [open, ...commas, close];
  const all: string[] = [];
  for (let n = 0; n + 1 < bounds.length && all.length <= alternativesMax; n += 1) {
    const middle = text.slice((bounds[n] ?? 0) + 1, bounds[n + 1]);
    all.push(...expand(`${text.slice(0, open)}${middle}${text.slice(close + 1)}`));
  }
  return all.slice(0, alternativesMax + 1);
};

/** The first braces with a comma of their own, and where it stands. */
const firstBraces = (
  text: string,
): { readonly open: number; readonly close: number; readonly commas: readonly number[] } | undefined => {
  const begun: { readonly open: number; readonly commas: number[] }[] = [];
  let outermost: { readonly open: number; readonly close: number; readonly commas: readonly number[] } | undefined;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (char === "\\") at += 1;
    else if (char === "{") begun.push({ open: at, commas: [] });
    else if (char === ",") begun.at(-1)?.commas.push(at);
    else if (char === "}") {
      const one = begun.pop();
      if (one && one.commas.length > 0 && (!outermost || one.open < outermost.open)) outermost = { ...one, close: at };
    }
  }
  return outermost;
};
