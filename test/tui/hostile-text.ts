/** Text as an agent, git or a file may bring it: pieces of sequences, marks without a letter, halves of characters. */
import fc from "fast-check";

const starts = ["\u001B[", "\u001B]", "\u001BP", "\u001BX", "\u001B^", "\u001B_", "\u009B", "\u009D", "\u0090"];
const ends = [
  "\u0007",
  "\u001B\\",
  "\u009C",
  "m",
  "31m",
  "H",
  "2J",
  "6n",
  "c",
  "?1049h",
  "0;",
  "52;c;",
  "8;;",
  "\u001Bc",
];
const marks = ["\u0301", "\u1100", "\u1161", "\u202E", "\u2066", "\u200D", "\uFE0F", "\uD83D", "\u{E0067}", "\u0600"];
const wide = ["日", "ｶﾞ", "กำ", "क्ष", "\uFFA0", "\u0D4E", "👩", "👍🏽", "🏽", "🇩🇪", "1️⃣"];
const controls = ["\t", "\r", "\n", "\b", "\u0000", "\u007F"];
const piece = fc.oneof(
  fc.constantFrom(...starts, ...ends, ...marks, ...wide, ...controls),
  fc.string({ unit: "binary", maxLength: 6 }),
  fc.string({ maxLength: 8 }),
);

/** Up to fourteen such pieces. */
export const hostileText: fc.Arbitrary<string> = fc.array(piece, { maxLength: 14 }).map((parts) => parts.join(""));
