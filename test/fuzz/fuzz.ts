/** What it means to fuzz an input of the program, and the dice for it. */
import fc from "fast-check";

/** One input from outside, and what holds whatever it is. */
export interface Fuzz {
  readonly name: string;
  /** Cases in `npm run soak`; in `npm test` it is a hundredth of them. */
  readonly cases: number;
  /** It takes seconds for each case: only in the soak. */
  readonly slow?: true;
  /** Throws with seed and path of the smallest input that breaks it. */
  readonly run: (dice: Dice) => Promise<void> | void;
}

/** How often, and from which seed. */
export interface Dice {
  readonly numRuns: number;
  readonly seed: number;
}

/** Words and numbers that programs trip over. */
export const nasty: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(null, true, false, 0, -0, -1, 1, 1.5, 2 ** 53, -(2 ** 53), 1e300, 8.64e15, 8.64e15 + 1),
  fc.constantFrom("", " ", "a", "b", "main", "__proto__", "constructor", "toString", "1", "-1", "\0", "\u{1b}[31m"),
  fc.constantFrom(
    "\u202E",
    "\uD83D",
    "../x",
    "/",
    "-x",
    "a\nb",
    "x".repeat(300),
    "lane/a/work",
    "HEAD",
    "refs/heads/x",
  ),
  fc.constant([]).map((list): unknown => [...list]),
  fc.constantFrom<unknown>({}, [null], [[]], { toString: 1 }, { length: 1 }, [1, "a"], { a: null }),
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.string({ maxLength: 12 }),
  fc.integer(),
  fc.jsonValue({ maxDepth: 2 }),
);

/** One change of a value: at which of its places, and what stands there then; undefined takes the place away. */
interface Twist {
  readonly at: number;
  readonly to: unknown;
}

const twist: fc.Arbitrary<Twist> = fc.record({ at: fc.nat(), to: fc.option(nasty, { nil: undefined, freq: 6 }) });

/** JSON of ours in which up to three places hold something else. Now and then it is left as it is. */
export const twisted = (...values: readonly unknown[]): fc.Arbitrary<unknown> =>
  fc
    .tuple(fc.constantFrom(...values), fc.array(twist, { maxLength: 3 }))
    .map(([value, twists]) => twists.reduce(twistOnce, JSON.parse(JSON.stringify(value)) as unknown));

const twistOnce = (value: unknown, { at, to: given }: Twist): unknown => {
  const to = structuredClone(given);
  const places = placesIn(value);
  const place = places[at % (places.length + 1)];
  if (place === undefined) return to ?? null;
  if (to !== undefined) place.into[place.key] = to;
  else if (Array.isArray(place.into)) place.into.splice(Number(place.key), 1);
  else delete place.into[place.key];
  return value;
};

interface Place {
  readonly into: Record<string, unknown>;
  readonly key: string;
}

const placesIn = (value: unknown): readonly Place[] =>
  typeof value !== "object" || value === null
    ? []
    : Object.entries(value).flatMap(([key, part]) => [
        { into: value as Record<string, unknown>, key },
        ...placesIn(part),
      ]);

/** One change of bytes. */
type Damage =
  | { readonly is: "flip" | "cut" | "drop" | "copy"; readonly at: number; readonly bit: number }
  | { readonly is: "insert"; readonly at: number; readonly bytes: Uint8Array };

const damage: fc.Arbitrary<Damage> = fc.oneof(
  fc.record({ is: fc.constantFrom("flip", "flip", "cut", "drop", "copy"), at: fc.nat(), bit: fc.nat(7) }),
  fc.record({ is: fc.constant("insert"), at: fc.nat(), bytes: fc.uint8Array({ maxLength: 6 }) }),
);

/** These bytes with up to four places damaged: bits flipped, bytes lost or doubled or put in, the end torn off. */
export const damaged = (bytes: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Buffer> =>
  fc.tuple(bytes, fc.array(damage, { maxLength: 4 })).map(([whole, all]) => all.reduce(harm, Buffer.from(whole)));

const harm = (bytes: Buffer, done: Damage): Buffer => {
  const at = done.at % (bytes.length + 1);
  const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)];
  switch (done.is) {
    case "insert":
      return Buffer.concat([head, done.bytes, tail]);
    case "cut":
      return Buffer.from(head);
    case "drop":
      return Buffer.concat([head, tail.subarray(1)]);
    case "copy":
      return Buffer.concat([head, tail.subarray(0, 8), tail]);
    case "flip": {
      const copy = Buffer.from(bytes);
      if (at < copy.length) copy[at] = (copy[at] ?? 0) ^ (1 << done.bit);
      return copy;
    }
  }
};

/** A text with up to four places damaged, as somebody reads it from a file. */
export const damagedText = (...texts: readonly string[]): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 4, arbitrary: damaged(fc.constantFrom(...texts).map((text) => Buffer.from(text))).map(String) },
    { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 60 }) },
  );
