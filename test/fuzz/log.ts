/** The log and its snapshots under fuzz: whatever bytes stand there, everybody folds the same state, and can show it. */
import { deepStrictEqual } from "node:assert/strict";
import { appendFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import fc from "fast-check";
import { expect } from "vitest";

import type { Command } from "../../src/core/command.ts";
import { decide, isRefusal } from "../../src/core/decide.ts";
import { type Entry, type LogRecord, recordVersion } from "../../src/core/event.ts";
import { fold } from "../../src/core/fold.ts";
import { plan, runsToSee } from "../../src/core/plan.ts";
import { overview, whyLine } from "../../src/core/select.ts";
import { snapshotState, snapshotText } from "../../src/core/snapshot.ts";
import { emptyState, type State } from "../../src/core/state.ts";
import { trackerOf } from "../../src/core/tracker.ts";
import { frozenOf, readOn, resume, unfolded } from "../../src/engine/resume.ts";
import { eachLine, encode } from "../../src/journal/line.ts";
import { limits, now } from "../core/build.ts";
import { arbitraryStory } from "../core/story.ts";
import { happen, worldOf } from "../core/world.ts";
import { entriesOf, makePlace, start } from "../journal/place.ts";
import { damaged, type Fuzz, twisted } from "./fuzz.ts";

const fixtures = new URL("../fixture/journal/", import.meta.url);
const realLines: readonly Buffer[] = readdirSync(fixtures).flatMap((name) =>
  readFileSync(new URL(name, fixtures), "utf8")
    .split(/(?<=\n)/)
    .map((line) => Buffer.from(line)),
);
const realRecords: readonly unknown[] = realLines.map((line) => JSON.parse(line.toString()) as unknown);

/** Those that no newer program wrote: beside such a line nobody keeps a snapshot. */
const ownLines = realLines.filter((_, index) => (realRecords[index] as LogRecord).v <= recordVersion);

/** A line whose checksum is right and whose record is not ours. */
const foreignLine = twisted(...realRecords).map((record) =>
  typeof record === "object" && record !== null ? encode(record as LogRecord) : Buffer.from("{}\n"),
);

/** What a story records, line by line. */
const storyLines = arbitraryStory.map((story): readonly Buffer[] => {
  const world = worldOf(now, { maxRuns: 2, check: "make", requireCheck: false });
  for (const happening of story) happen(world, happening);
  return world.steps.map(({ events }, index) =>
    encode({ v: 1, id: `s${index}`, at: now + index, by: "engine", on: "box", events }),
  );
});

const someLines = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...realLines) },
    { weight: 3, arbitrary: foreignLine },
    { weight: 2, arbitrary: damaged(fc.constantFrom(...realLines)) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)) },
  ),
  { maxLength: 30 },
);

/** A log as it may be found: in order, or shuffled, doubled, damaged, torn. */
const arbitraryLog: fc.Arbitrary<Buffer> = fc.oneof(
  someLines.map((lines) => Buffer.concat(lines)),
  fc.tuple(storyLines, someLines).map(([lines, others]) => Buffer.concat([...lines, ...others, ...lines])),
  damaged(fc.constant(Buffer.concat(realLines))),
  fc.shuffledSubarray([...realLines]).map((lines) => Buffer.concat(lines)),
);

const entriesIn = (log: Buffer): readonly Entry[] => {
  const entries: Entry[] = [];
  eachLine(Buffer.concat([log, Buffer.from("\n")]), 0, (entry) => entries.push(entry));
  return entries;
};

const foldAll = (entries: readonly Entry[], state: State = emptyState()): State => {
  for (const entry of entries) fold(state, entry);
  return state;
};

const wishes = (ids: readonly string[]): readonly Command[] => [
  ...(["launch", "retry", "stop", "cancel", "remove", "resume"] as const).map((type) => ({ type, lanes: ids })),
  { type: "pause", lanes: ids, how: "freeze" },
  { type: "merge", lanes: ids, evidence: new Map() },
  { type: "stop-all" },
];

/** Every answer that a shell or the engine gives about a state. Throws where one of them fails. */
const askEverything = (state: State): void => {
  JSON.stringify(trackerOf(state, undefined, now, limits));
  overview(state, undefined);
  for (const lane of state.lanes.values()) whyLine(state, lane, now, limits);
  const runs = new Map(runsToSee(state).map((run) => [run, { is: "absent" }] as const));
  plan(state, { runs, rested: new Set(state.lanes.keys()) }, now, {
    ...limits,
    check: undefined,
    requireCheck: false,
  });
  for (const id of [...state.lanes.keys()].slice(0, 5))
    for (const wish of wishes([id])) {
      const answer = decide(state, wish);
      if (!isRefusal(answer)) continue;
      expect(answer.refused).not.toBe("");
      expect([4, 64, 65, 75]).toContain(answer.code);
    }
};

const states: Fuzz = {
  name: "a log of any bytes folds to one state that can be shown, kept and gone on from",
  cases: 2500,
  run: (dice) =>
    fc.assert(
      fc.property(arbitraryLog, fc.nat(), (log, die) => {
        const entries = entriesIn(log);
        const whole = foldAll(entries);
        deepStrictEqual(foldAll(entriesIn(log)), whole);
        const at = die % (entries.length + 1);
        const restored = snapshotState(snapshotText(foldAll(entries.slice(0, at))));
        deepStrictEqual(restored && foldAll(entries.slice(at), restored), whole);
        expect(whole.position).toBe(entries.length);
        askEverything(whole);
      }),
      dice,
    ),
};

const repetitions: Fuzz = {
  name: "a record that took effect does so once, however often its line is repeated",
  cases: 2500,
  run: (dice) =>
    fc.assert(
      fc.property(arbitraryLog, (log) => {
        const state = emptyState();
        const effective = entriesIn(log).filter((entry) => fold(state, entry).effective);
        const before = snapshotText({ ...state, position: 0, counts: emptyState().counts });
        for (const entry of effective)
          expect(fold(state, { ...entry, position: state.position + 1 })).toMatchObject({ effective: false });
        expect(snapshotText({ ...state, position: 0, counts: emptyState().counts })).toBe(before);
      }),
      dice,
    ),
};

const reading: Fuzz = {
  name: "a log that grows in pieces is read as it is in the end",
  cases: 1000,
  run: async (dice) => {
    const place = await makePlace();
    try {
      await fc.assert(
        fc.asyncProperty(arbitraryLog, fc.array(fc.nat(), { maxLength: 5 }), async (log, cuts) => {
          rmSync(place.log, { force: true });
          const journal = place.other();
          const ends = [...cuts.map((cut) => cut % (log.length + 1)), log.length].toSorted((a, b) => a - b);
          const read: Entry[] = [];
          let [from, cursor] = [0, start];
          for (const end of ends) {
            appendFileSync(place.log, log.subarray(from, end));
            from = end;
            const { entries, next } = await entriesOf(journal, cursor);
            read.push(...entries);
            cursor = next;
          }
          expect(read).toEqual((await entriesOf(place.other())).entries);
          expect(read).toEqual(entriesIn(log.subarray(0, log.lastIndexOf("\n") + 1)));
        }),
        dice,
      );
    } finally {
      place.end();
    }
  },
};

/** A text in which one digit is another one: nothing that a parser could notice. */
const anotherDigit = (text: string): fc.Arbitrary<Buffer> => {
  const digits = [...text.matchAll(/\d/g)].map(({ index }) => index);
  return fc
    .tuple(fc.constantFrom(...digits), fc.nat(9))
    .map(([at, digit]) => Buffer.from(`${text.slice(0, at)}${digit}${text.slice(at + 1)}`));
};

const snapshots: Fuzz = {
  name: "a snapshot file of any bytes is used only when it says what the log says",
  cases: 800,
  run: async (dice) => {
    const place = await makePlace();
    try {
      writeFileSync(place.log, Buffer.concat(ownLines));
      const kept = unfolded();
      await readOn(place.journal, kept, () => undefined);
      const frozen = frozenOf(kept);
      if (!frozen) throw new Error("the log of the fixtures cannot be kept");
      await place.journal.keep({ ...frozen, by: "1.0.0" });
      appendFileSync(place.log, Buffer.concat(ownLines.slice(0, 3)));
      const whole = unfolded();
      await readOn(place.other(), whole, () => undefined);
      const path = join(place.state, "snapshot.json");
      const text = readFileSync(path);
      // Most of the damage goes where most can be misunderstood: into the first line.
      const header = text.indexOf("\n") + 1;
      const first = text.subarray(0, header);
      const heads = fc.oneof(damaged(fc.constant(first)), anotherDigit(first.toString()));
      const bytes = fc.oneof(
        { weight: 5, arbitrary: heads.map((head) => Buffer.concat([head, text.subarray(header)])) },
        { weight: 1, arbitrary: damaged(fc.constant(text)) },
      );
      await fc.assert(
        fc.asyncProperty(bytes, async (found) => {
          writeFileSync(path, found);
          const journal = place.other();
          const folded = await resume(journal);
          await readOn(journal, folded, () => undefined);
          expect(folded.newer).toEqual(whole.newer);
          deepStrictEqual(folded.state, whole.state);
          expect(folded.cursor).toMatchObject({ byte: whole.cursor.byte, position: whole.cursor.position });
        }),
        dice,
      );
    } finally {
      place.end();
    }
  },
};

/** The inputs of the journal. */
export const logFuzz: readonly Fuzz[] = [states, repetitions, reading, snapshots];
