/** The journal on this machine's disk: `event-log.jsonl` and the files published from it. */
import { join } from "node:path";
import type { Journal, Layout } from "../port.ts";
import { realFiles } from "./files.ts";
import type { Files } from "./files.ts";
import { archiveFolder, createFolder } from "./folder.ts";
import { followFile } from "./edits.ts";
import { createEdited } from "./edited.ts";
import { createWriter } from "./log.ts";
import { createPublisher } from "./publish.ts";
import { readPublished } from "./published.ts";
import { keptOf } from "./rejected.ts";
import { createReader } from "./read.ts";
import { keepSnapshot, readSnapshot } from "./snapshot.ts";
import { followLog } from "./watch.ts";

/** Name of the log in the state folder. */
export const logName: string = "event-log.jsonl";

/** `tracker.json`, `locks/lane-1.json`: below the state folder, and no dot file. */
const namePattern = /^(?:[A-Za-z0-9_-][A-Za-z0-9._-]*\/)*[A-Za-z0-9_-][A-Za-z0-9._-]*$/;

/** What a journal needs of a layout. `files` stands in for the disk in tests that make it fail. */
export interface JournalOptions extends Pick<Layout, "state"> {
  readonly files?: Files;
}

/**
 * The journal of the repository whose state folder is `state`. Opens nothing before it is used; what it opened stays open
 * as long as the process lives, and keeps no process alive.
 */
export const createJournal = ({ state, files = realFiles }: JournalOptions): Journal => {
  const log = join(state, logName);
  const read = createReader(files, log);
  const append = createWriter(files, state, log);
  const edited = createEdited(files, state);
  const publish = createPublisher(files, state, edited);
  return {
    read: async (from, each) => read(from, each),
    append,
    follow: (changed) => followLog(files, log, changed),
    publish: async (name, text, synced = true) => publish(checked(name), text, synced),
    published: async (name) => readPublished(files, join(state, checked(name))),
    edited: async () => edited.edited(),
    edits: async () => edited.edits(),
    settle: async (id, kept) => edited.settle(id, kept),
    refusedEdits: async () => keptOf(files, state, "tracker.json"),
    followPublished: (name, changed) => followFile(join(state, checked(name)), changed),
    keep: async (snapshot) => keepSnapshot(files, log, snapshot),
    snapshot: async (position) => readSnapshot(files, log, position),
    create: async () => createFolder(files, state),
    exists: async () => files.lstat(state) !== undefined,
    archive: async (name) => archiveFolder(files, state, logName, checked(name)),
  };
};

/** Names come from our own code: a bad one is a mistake in it. */
const checked = (name: string): string => {
  if (!namePattern.test(name) || name === logName)
    throw new RangeError(`"${name}" cannot be the name of a published file.`);
  return name;
};
