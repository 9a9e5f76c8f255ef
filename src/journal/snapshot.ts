/** Snapshots beside the log: a start reads the newest one and the lines after it instead of the whole history. */
import { constants } from "node:fs";
import { dirname, join } from "node:path";
import type { Snapshot } from "../port.ts";
import { crc32 } from "./crc.ts";
import { codeOf, fault } from "./fault.ts";
import { identityOf, readRange } from "./files.ts";
import type { Files } from "./files.ts";
import { requireFolder } from "./folder.ts";
import { newline } from "./line.ts";
import { replace, writeTemporary } from "./publish.ts";
import { readWhole } from "./published.ts";

/** Names in the state folder, the newest first. The one before serves whoever wants the last lines with what became of them. */
const names = ["snapshot.json", "snapshot-before.json"] as const;

/** Version of this file's form. */
const formVersion = 1;

/** Larger ones are neither written nor read: folding is as fast. */
const snapshotBytesMax = 64 * 1024 * 1024;

/** How much of the log is looked at, at its start and before the place that a snapshot speaks of. */
const headBytes = 4096;
const tailBytes = 64 * 1024;

/** No link is followed, and a FIFO in the log's place does not block. */
const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** The first line of the file; the second one is the state. */
interface Header extends Evidence {
  readonly form: number;
  readonly fold: number;
  readonly mark: string;
  readonly by: string;
  readonly position: number;
  readonly byte: number;
  /** Checksum of this line, with 0 in this field, and of the state's bytes. */
  readonly sum: number;
}

/**
 * What the log was seen to be: its inode, and checksums of its first bytes and of those before the place. Enough, and cheap
 * however long the log is: the log only grows, so what was before the place stays; a log that was restored, replaced,
 * truncated or edited has another inode, or other bytes before that place; and it was synced before the snapshot was kept,
 * so that no power cut leaves a snapshot of lines that are gone. What escapes is a change in the middle of the file itself
 * that keeps its length: no tool makes one by accident, and `lanes repair` reads everything.
 */
interface Evidence {
  readonly inode: number;
  readonly head: number;
  readonly tail: number;
}

/** Replace the newest snapshot. Throws when the disk fails; the one that was there can still be read then. */
export const keepSnapshot = async (files: Files, log: string, snapshot: Snapshot): Promise<void> => {
  const { from, fold, mark, by, text } = snapshot;
  const folder = dirname(log);
  const [path, before] = [join(folder, names[0]), join(folder, names[1])];
  const state = Buffer.from(text);
  if (state.length > snapshotBytesMax) return;
  requireFolder(files, folder);
  const evidence = await withLog(files, log, async (file, identity) => {
    if (from.file !== undefined && from.file !== identity) return undefined;
    await files.fdatasync(file);
    return evidenceOf(files, file, from.byte);
  });
  if (evidence === undefined) return;
  const place = { position: from.position, byte: from.byte };
  const unsummed: Header = { form: formVersion, fold, mark, by, ...place, ...evidence, sum: 0 };
  const header: Header = { ...unsummed, sum: sumOfAll(unsummed, state) };
  const temporary = await writeTemporary(files, path, `${JSON.stringify(header)}\n${text}\n`);
  try {
    if (files.lstat(path)?.isFile() === true) files.rename(path, before);
    replace(files, folder, { temporary, path });
  } catch (error) {
    if (files.lstat(temporary) !== undefined) files.unlink(temporary);
    throw fault(`${path} could not be kept`, error);
  }
};

/** The newest snapshot of this log that ends at `position` or before. Whatever is wrong with one: it is as if it were not there. */
export const readSnapshot = async (files: Files, log: string, position: number): Promise<Snapshot | undefined> => {
  for (const name of names) {
    try {
      const kept = parse(readWhole(files, join(dirname(log), name), snapshotBytesMax), position);
      const identity = kept && (await withLog(files, log, async (file, now) => (fits(files, file, kept) ? now : "")));
      if (kept && identity !== undefined && identity !== "") return snapshotOf(kept, identity);
    } catch (error) {
      // What cannot be read is not there; the log itself says it if nothing can.
      if (codeOf(error) === undefined) throw error;
    }
  }
  return undefined;
};

interface Kept {
  readonly header: Header;
  readonly state: Buffer;
}

const snapshotOf = ({ header, state }: Kept, file: string): Snapshot => {
  const { fold, mark, by, position, byte } = header;
  return { from: { position, byte, file }, fold, mark, by, text: state.toString() };
};

const parse = (bytes: Buffer | undefined, position: number): Kept | undefined => {
  const end = bytes?.indexOf(newline) ?? -1;
  if (bytes === undefined || end === -1) return undefined;
  const header = headerOf(bytes.toString("utf8", 0, end));
  const state = bytes.subarray(end + 1, -1);
  if (header === undefined || header.position > position || header.sum !== sumOfAll(header, state)) return undefined;
  return { header, state };
};

/** Only our own form; where a fold of another version wrote it, the caller decides. */
const headerOf = (json: string): Header | undefined => {
  try {
    const header = JSON.parse(json) as Header;
    const { form, fold, mark, by, position, byte } = header;
    const numbers = [fold, position, byte].every((value) => Number.isSafeInteger(value) && value > 0);
    return form === formVersion && numbers && typeof mark === "string" && typeof by === "string" ? header : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
};

/** A digit more or less in the header would be believed otherwise: another position for every line that follows. */
const sumOfAll = (header: Header, state: Buffer): number =>
  sumOf(Buffer.concat([Buffer.from(JSON.stringify({ ...header, sum: 0 })), state]));

const sumOf = (bytes: Uint8Array): number => crc32(bytes, 0, bytes.length);

/** Is this open log the one that the snapshot was taken of? */
const fits = (files: Files, file: number, { header }: Kept): boolean => {
  const now = evidenceOf(files, file, header.byte);
  return now !== undefined && (["inode", "head", "tail"] as const).every((what) => now[what] === header[what]);
};

/** What the log looks like up to `byte`; undefined when no line ends there. */
const evidenceOf = (files: Files, file: number, byte: number): Evidence | undefined => {
  const { ino: inode, size } = files.fstat(file);
  if (size < byte) return undefined;
  const head = readRange(files, file, 0, Math.min(headBytes, byte));
  const from = Math.max(0, byte - tailBytes);
  const tail = readRange(files, file, from, byte - from);
  return tail.at(-1) === newline ? { inode, head: sumOf(head), tail: sumOf(tail) } : undefined;
};

/** Do something with the log open for reading; undefined when there is none. */
const withLog = async <Answer>(
  files: Files,
  log: string,
  act: (file: number, identity: string) => Promise<Answer>,
): Promise<Answer | undefined> => {
  if (files.lstat(log)?.isFile() !== true) return undefined;
  const file = files.open(log, readFlags);
  try {
    return await act(file, identityOf(files.fstat(file)));
  } finally {
    files.close(file);
  }
};
