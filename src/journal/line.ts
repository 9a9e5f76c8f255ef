/** One record, one line: the text of the log. This format is for ever, old logs have to fold. */
import { isAscii } from "node:buffer";
import { type Entry, type LogRecord, recordVersion } from "../core/event.ts";
import { upcast } from "../core/upcast.ts";
import { crc32 } from "./crc.ts";

/** Longest line that is written or believed. */
export const lineBytesMax: number = 4 * 1024 * 1024;

/** The byte that ends a line. */
export const newline = 0x0a;

const trailerStart = ',"crc":"';
/** `,"crc":"` + 8 hex digits + `"}`. */
const trailerLength = trailerStart.length + 8 + 2;

/**
 * The line of a record, newline included: its JSON with `,"crc":"xxxxxxxx"` before the last brace, where the checksum
 * is CRC-32 (zlib) of all bytes before that comma. Throws a RangeError when it is longer than `lineBytesMax`.
 */
export const encode = (record: LogRecord): Buffer => {
  const { v, id, at, by, on, cause, if: preconditions, events } = record;
  const body = JSON.stringify({ v, id, at, by, on, cause, if: preconditions, events }).slice(0, -1);
  const line = Buffer.from(`${body}${trailerStart}00000000"}\n`);
  const length = line.length - 1;
  if (length > lineBytesMax)
    throw new RangeError(`A record of ${length} bytes is too long: a line has at most ${lineBytesMax}.`);
  const sum = crc32(line, 0, length - trailerLength);
  line.write(sum.toString(16).padStart(8, "0"), length - 10);
  return line;
};

/**
 * Give every line in `chunk` (which ends with a newline) to `each`, the first with `position + 1`; answers the last
 * position. `each` hears at which byte of the chunk a line begins. Empty lines are no positions. What is not a record of ours is `damaged`; no bytes make this throw.
 */
export const eachLine = (chunk: Buffer, position: number, each: (entry: Entry, byte: number) => void): number => {
  // In latin1 one character is one byte, and in ASCII the text is right as it is: decoding once is what makes this fast.
  const lines: Lines = { chunk, text: chunk.toString("latin1"), ascii: isAscii(chunk) };
  let start = 0;
  for (let end = lines.text.indexOf("\n"); end !== -1; end = lines.text.indexOf("\n", start)) {
    if (end > start) {
      position += 1;
      const found = decode(lines, start, end);
      each(typeof found === "string" ? { position, damaged: found } : { position, record: found }, start);
    }
    start = end + 1;
  }
  return position;
};

interface Lines {
  readonly chunk: Buffer;
  readonly text: string;
  readonly ascii: boolean;
}

const decode = ({ chunk, text, ascii }: Lines, start: number, end: number): LogRecord | string => {
  const trailer = end - trailerLength;
  if (trailer < start || !text.startsWith(trailerStart, trailer) || !text.startsWith('"}', end - 2))
    return "it has no checksum";
  if (crc32(chunk, start, trailer) !== hexAt(chunk, end - 10)) return "its checksum does not match";
  // Without its checksum: taking the property off again would cost as much as a third of the parsing.
  const body = ascii ? text.slice(start, trailer) : chunk.toString("utf8", start, trailer);
  const value = parse(`${body}}`);
  if (value === undefined) return "it is not JSON";
  if (isDeep(body)) return `it is nested more than ${depthMax} deep`;
  // Anything may stand there: an object's own toString would throw when it is compared.
  const record =
    typeof value.v === "number" && value.v < recordVersion ? (upcast({ ...value }) as unknown as LogRecord) : value;
  return shapeFault(record) ?? record;
};

/** Deepest nesting that is believed. Ours is below ten; what is deeper than some thousands nobody could print or keep: JSON.stringify gives up. */
const depthMax = 500;

/** Texts, escapes in them included, and whatever else is no bracket. */
const noBrackets = /"[^"\\]*(?:\\.[^"\\]*)*"|[^[\]{}"]+/g;

/** Is this JSON nested deeper than that? Short texts cannot be: hardly a line is looked at. */
const isDeep = (json: string): boolean => {
  if (json.length <= 2 * depthMax) return false;
  const brackets = json.replaceAll(noBrackets, "");
  if (brackets.length <= 2 * depthMax) return false;
  let depth = 0;
  for (const bracket of brackets) {
    depth += bracket === "[" || bracket === "{" ? 1 : -1;
    if (depth > depthMax) return true;
  }
  return false;
};

/** The number that eight lower-case hex digits say; -1 when they are none. */
const hexAt = (chunk: Buffer, from: number): number => {
  let sum = 0;
  for (let at = from; at < from + 8; at += 1) {
    const digit = chunk[at]!;
    if (digit < 0x30 || digit > 0x66 || (digit > 0x39 && digit < 0x61)) return -1;
    sum = sum * 16 + (digit <= 0x39 ? digit - 0x30 : digit - 0x57);
  }
  return sum;
};

const parse = (json: string): LogRecord | undefined => {
  try {
    return JSON.parse(json) as LogRecord;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
};

/** Only what every version has: a record of a higher version is passed on, the fold counts it. */
const shapeFault = (value: LogRecord): string | undefined => {
  if (typeof value.v !== "number") return "it has no version";
  if (typeof value.id !== "string") return "it has no id";
  if (typeof value.at !== "number") return "it has no time";
  if (typeof value.by !== "string" || typeof value.on !== "string") return "it has no writer";
  if (value.if !== undefined && !Array.isArray(value.if)) return "its conditions are not a list";
  if (!Array.isArray(value.events)) return "it has no events";
  for (const event of value.events)
    if (typeof event !== "object" || event === null || typeof event.type !== "string") return "an event has no type";
  return undefined;
};
