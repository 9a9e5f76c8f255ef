/** Text of unknown origin → text that a terminal can be trusted with. Everything from agents, git and files passes here. */

/**
 * One line without anything that a terminal acts on: escape sequences are dropped, other control characters become
 * visible, direction and zero-width marks go, and what terminals disagree about (flags, joined emoji, private glyphs)
 * becomes one plain character, so that widths are certain. Idempotent; linear in the length of the text.
 */
export const sanitize = (text: string): string => {
  if (printable.test(text)) return text;
  const { blanks, clusters, controls, invisible, joined, sara, uncertain } = tables();
  const bare = text
    .replaceAll(sequences, "")
    .replaceAll(blanks, " ")
    .replaceAll(controls, picture)
    .replaceAll(joined, "")
    .replaceAll(invisible, "");
  if (printable.test(bare)) return bare;
  const composed = bare.normalize("NFC").replaceAll(sara, apart).replaceAll(uncertain, box);
  return clusters.test(composed) ? flattened(composed) : composed;
};

/**
 * The last `linesMax` lines of an output, each sanitised. A line that was overwritten after a carriage return shows its
 * last version; tabs reach the next multiple of eight; a line longer than any screen is cut.
 */
export const sanitizeLines = (text: string, linesMax: number = Number.POSITIVE_INFINITY): readonly string[] => {
  if (text === "") return [];
  const end = text.endsWith("\n") ? text.length - 1 : text.length;
  const lines: string[] = [];
  for (let stop = end; stop >= 0 && lines.length < linesMax;) {
    const start = stop === 0 ? 0 : text.lastIndexOf("\n", stop - 1) + 1;
    lines.push(sanitize(expand(lastVersion(text.slice(start, stop)))));
    stop = start - 1;
  }
  return lines.toReversed();
};

/** Longest line that is looked at; screens are at most a few hundred columns wide. */
const lineMax = 4000;

/** Most combining marks on one character; more is decoration that climbs into other rows. */
const marksMax = 2;

const box = "□";

/** Letters and signs that are what they are, whatever stands beside them: no reason to make the tables. */
const printable =
  /^[\u0020-\u007E\u00A1-\u00AC\u00AE-\u024F\u2010-\u2027\u2190-\u2193\u2500-\u259F○→‖✗✓⇄≠▶□\u3041-\u3096\u30A1-\u30FA\u4E00-\u9FFF\uAC00-\uD7A3]*$/;

// A control string (title, clipboard, graphics, …) ends at BEL or ST; one that does not end is given up at its line's end.
const sequences =
  // oxlint-disable-next-line no-control-regex -- control characters are what this is about
  /(?:\u001B\[|\u009B)[0-?]*[ -/]*[@-~]?|(?:\u001B[\]PX^_]|[\u0090\u0098\u009D-\u009F])[^\u0007\u001B\u009C\n\r]*(?:\u0007|\u001B\\|\u009C)?|\u001B[ -/]*[0-~]?/g;

/** Everything that goes by Unicode's tables, made when the first text needs it: the tables take V8 some 15 ms. */
const makeTables = () => ({
  blanks: /[\t\n\v\f\r\u0085\u2028\u2029]/g,
  controls: /\p{Cc}/gu,
  joined: /\u200D\p{Extended_Pictographic}\p{Emoji_Modifier}?/gu,
  invisible: /[\p{Cf}\p{Me}\p{Default_Ignorable_Code_Point}]/gu,
  /** Flags, conjoining letters that did not compose, letters that bind to the next one, private, unassigned and half characters. */
  uncertain:
    /[\u{1F1E6}-\u{1F1FF}]{1,2}|[\u1100-\u11FF\uA960-\uA97F\uD7B0-\uD7FF]+|[\p{Co}\p{Cn}\p{Cs}\u0D4E\u{111C2}\u{111C3}\u{1193F}\u{11941}\u{11A3A}\u{11A84}-\u{11A89}\u{11D46}\u{11F02}]/gu,
  /** Thai and Lao letters that stand for a mark and a letter: terminals count them as one cell or two. */
  sara: /[\u0E33\u0EB3]/g,
  /** Only text with marks or emoji can hold several characters in one cluster. */
  clusters: /[\p{M}\p{Emoji_Modifier}]/u,
  segmenter: new Intl.Segmenter(),
  mark: /^\p{Mn}$/u,
  attached: /^[\p{M}\p{Emoji_Modifier}]$/u,
  emoji: /^\p{Extended_Pictographic}$/u,
});

let made: ReturnType<typeof makeTables> | undefined;
const tables = (): ReturnType<typeof makeTables> => (made ??= makeTables());

const apart = (letter: string): string => (letter === "\u0E33" ? "\u0E4D\u0E32" : "\u0ECD\u0EB2");

/** C0 characters have pictures of their own; DEL has one too, C1 have none. */
const picture = (char: string): string => {
  const code = char.charCodeAt(0);
  return code < 0x20 ? String.fromCharCode(0x24_00 + code) : code === 0x7f ? "\u2421" : box;
};

/** Each cluster as one base character with a few marks, or as its letters one by one. */
const flattened = (text: string): string => {
  let flat = "";
  for (const { segment } of tables().segmenter.segment(text)) flat += cluster(segment);
  return flat;
};

const cluster = (segment: string): string => {
  const { attached, emoji, mark } = tables();
  const [base = "", ...rest] = segment;
  // Without a letter of its own it would bind to whatever is shown before it.
  if (attached.test(base)) return box;
  if (rest.length === 0) return base;
  const marks = rest.filter((char) => mark.test(char));
  if (marks.length === rest.length) return emoji.test(base) ? base : base + marks.slice(0, marksMax).join("");
  if (emoji.test(base)) return base;
  return [base, ...rest.filter((char) => !attached.test(char))].join("");
};

const lastVersion = (line: string): string => {
  const whole = line.endsWith("\r") ? line.slice(0, -1) : line;
  const version = whole.slice(whole.lastIndexOf("\r") + 1);
  return version.length > lineMax ? version.slice(0, lineMax) : version;
};

const expand = (line: string): string => {
  if (!line.includes("\t")) return line;
  let wide = "";
  for (const [at, part] of line.replaceAll(sequences, "").split("\t").entries()) {
    if (at > 0) wide += " ".repeat(8 - (wide.length % 8));
    wide += part;
  }
  return wide;
};
