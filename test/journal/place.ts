/** A journal in a temporary folder, and what tests say and ask of it. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { buildSync } from "esbuild";

import type { Entry, LogRecord } from "../../src/core/event.ts";
import { createJournal } from "../../src/journal/local.ts";
import type { Cursor, Journal } from "../../src/port.ts";

export interface Place {
  readonly folder: string;
  readonly state: string;
  /** Path of the log. */
  readonly log: string;
  readonly journal: Journal;
  /** Another journal on the same files, as another process has it. */
  readonly other: () => Journal;
  readonly end: () => void;
}

export const makePlace = async (): Promise<Place> => {
  const folder = mkdtempSync(join(tmpdir(), "lanes-journal-"));
  const state = join(folder, ".orchestration");
  const journal = createJournal({ state });
  await journal.create();
  return {
    folder,
    state,
    log: join(state, "event-log.jsonl"),
    journal,
    other: () => createJournal({ state }),
    end: () => rmSync(folder, { recursive: true, force: true }),
  };
};

export const start: Cursor = { byte: 0, position: 0 };

export const record = (id: string, text = "half way"): LogRecord => ({
  v: 1,
  id,
  at: 1_764_000_000_000,
  by: "lane:demo",
  on: "box",
  events: [{ type: "lane.progressed", key: "demo", text }],
});

export const entriesOf = async (
  journal: Journal,
  from: Cursor = start,
): Promise<{ entries: Entry[]; next: Cursor }> => {
  const entries: Entry[] = [];
  const next = await journal.read(from, (entry) => entries.push(entry));
  return { entries, next };
};

/** Ids in the order of the log; a damaged line is `-`. */
export const idsOf = async (journal: Journal): Promise<string[]> =>
  (await entriesOf(journal)).entries.map((entry) => ("record" in entry ? entry.record.id : "-"));

/** Bundle a test program and answer its path below `folder`. */
export const bundle = (program: URL, folder: string): string => {
  const outfile = join(folder, "program.mjs");
  const entryPoints = [fileURLToPath(program)];
  buildSync({ entryPoints, outfile, bundle: true, platform: "node", format: "esm", external: ["proper-lockfile"] });
  return outfile;
};

/** What blocks whoever opens it without care. */
export const makeFifo = (path: string): void => {
  execFileSync("sh", ["-c", 'mkfifo "$1"', "sh", path]);
};
