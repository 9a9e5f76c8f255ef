/** What runs, processes and lock files look like, under fuzz: agents can write all of it. Nothing throws, hangs or signals anybody. */
import {
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import fc from "fast-check";
import { expect } from "vitest";

import { frozenSearch } from "../../src/host/freeze.ts";
import { bootId, ownIdentity } from "../../src/host/identity.ts";
import { readOutput, readTail } from "../../src/host/output.ts";
import { rowFrom } from "../../src/host/process-table.ts";
import { folderOf, readRunFolder } from "../../src/host/run-folder.ts";
import { seeRun } from "../../src/host/seen.ts";
import { liveViewers } from "../../src/host/viewer.ts";
import { guarded } from "../../src/journal/guard.ts";
import { makeFifo } from "../journal/place.ts";
import { damaged, damagedText, type Fuzz } from "./fuzz.ts";

/** What stands where a file of ours is expected. */
type Thing =
  | { readonly is: "file"; readonly bytes: Uint8Array }
  | { readonly is: "folder" | "full-folder" | "fifo" | "nothing" }
  | { readonly is: "link"; readonly to: string };

const odd: fc.Arbitrary<Thing> = fc.oneof(
  fc.record({ is: fc.constantFrom("folder", "full-folder", "fifo", "nothing") }),
  fc.record({ is: fc.constant("link"), to: fc.constantFrom("nowhere", ".", "start", "/dev/zero", "/etc/passwd") }),
);

const thing = (bytes: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Thing> =>
  fc.oneof(
    { weight: 6, arbitrary: bytes.map((some): Thing => ({ is: "file", bytes: some })) },
    { weight: 1, arbitrary: odd },
  );

/** Another name of the one pipe of this folder: to make another takes a process. */
const linkFifo = (path: string): void => linkSync(made.fifo ?? "", path);

const made: { fifo?: string } = {};

const put = (path: string, what: Thing): void => {
  rmSync(path, { recursive: true, force: true });
  if (what.is === "file") writeFileSync(path, what.bytes);
  if (what.is === "link") symlinkSync(what.to, path);
  if (what.is === "fifo") linkFifo(path);
  if (what.is === "folder" || what.is === "full-folder") mkdirSync(path);
  if (what.is === "full-folder") writeFileSync(join(path, "x"), "");
};

const inFolder = async (act: (folder: string) => Promise<void> | void): Promise<void> => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "lanes-fuzz-")));
  made.fifo = join(folder, "fifo");
  makeFifo(made.fifo);
  try {
    await act(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

const startText = (boot: string): string =>
  `launcher 999999\nlauncher-birth 12345\nagent 999998\nagent-birth 12346\nkeeper 999997\nkeeper-birth 12347\nboot ${boot}\nstarted 1764000000000\nstarted-up 100\n`;

/** What a launcher, a keeper and a freeze leave in the folder of a run, or what stands in its place. */
const begun = startText(bootId());
const runFiles: fc.Arbitrary<Readonly<Record<string, Thing>>> = fc.record({
  start: thing(damaged(fc.constantFrom(begun, startText("other")).map((text) => Buffer.from(text)))),
  exit: thing(damaged(fc.constant(Buffer.from(`${begun}code 3\nended 1764000005000\nended-up 600\n`)))),
  frozen: thing(damaged(fc.constant(Buffer.from(`${bootId()}\n999999 12345\n999998 12346\n`)))),
  log: thing(fc.uint8Array({ maxLength: 60 })),
  "log.40": thing(fc.uint8Array({ maxLength: 60 })),
  "log.000000000000070": thing(fc.uint8Array({ maxLength: 60 })),
});

const fill = (folder: string, found: Readonly<Record<string, Thing>>): void => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [name, what] of Object.entries(found)) put(join(folder, name), what);
};

const outputs: Fuzz = {
  name: "a run's folder may hold anything: its output is what is there, read to its end",
  cases: 1000,
  run: (dice) =>
    inFolder((state) => {
      const area = { state, home: state };
      const folder = folderOf(area, "a-1");
      fc.assert(
        fc.property(runFiles, fc.nat(200), (found, from) => {
          fill(folder, found);
          const { text, next } = readOutput(area, "a-1", from);
          expect(typeof text).toBe("string");
          expect(Number.isSafeInteger(next)).toBe(true);
          expect(Buffer.byteLength(readTail(area, "a-1", 50))).toBeLessThanOrEqual(150);
          let at = 0;
          for (let piece = 0; piece < 20; piece += 1) {
            const more = readOutput(area, "a-1", at);
            expect(more.next).toBeGreaterThanOrEqual(at);
            if (more.next === at) break;
            at = more.next;
          }
          expect(readOutput(area, "a-1", at).next).toBe(at);
        }),
        dice,
      );
      for (const what of ["nowhere", "."]) {
        put(folder, { is: "link", to: what });
        expect(() => readRunFolder(folder)).not.toThrow();
      }
    }),
};

const runs: Fuzz = {
  name: "a run's folder may hold anything: what it shows is one of five things, and no process is taken for one of it",
  // Each looks at every process of the machine, twice.
  cases: 150,
  run: (dice) =>
    inFolder((state) => {
      const area = { state, home: state };
      fc.assert(
        fc.property(runFiles, (found) => {
          fill(folderOf(area, "a-1"), found);
          const seen = seeRun(area, "a-1");
          expect(["starting", "exited", "vanished"]).toContain(seen.is);
          if (seen.is === "vanished") expect(seen.survivors).toEqual([]);
          if (seen.is === "exited") expect(seen.ranMs).toBeGreaterThanOrEqual(0);
          expect(frozenSearch(area, "a-1")()).toEqual([]);
        }),
        dice,
      );
    }),
};

const rows: Fuzz = {
  name: "a process may be called anything: its row in /proc says who it is all the same",
  cases: 20_000,
  run: (dice) => {
    const numbers = fc.array(fc.nat(4_000_000), { minLength: 49, maxLength: 49 });
    const name = fc.oneof(
      fc.string({ unit: "binary", maxLength: 15 }),
      fc.constantFrom(") R 1 1 1", "(sd-pam)", "a\nb", "x) (y", ")"),
    );
    const real = readFileSync("/proc/self/stat", "utf8");
    fc.assert(
      fc.property(
        name,
        numbers,
        fc.constantFrom("R", "S", "D", "T", "t", "Z", "X"),
        damagedText(real),
        (called, fields, state, noise) => {
          const text = `77 (${called}) ${state} ${fields.join(" ")}\n`;
          const [parent, group, session] = fields;
          const isOver = state === "X" || (state === "Z" && (fields[16] ?? 0) <= 1);
          expect(rowFrom(77, text)).toEqual(
            isOver
              ? undefined
              : { pid: 77, parent, group, session, start: String(fields[18]), stopped: state === "T" || state === "t" },
          );
          rowFrom(77, noise);
        },
      ),
      dice,
    );
  },
};

const viewers: Fuzz = {
  name: "who looks on is told by files that may hold anything",
  cases: 800,
  run: (dice) =>
    inFolder((state) => {
      const area = { state, home: state };
      const folder = join(state, "viewers");
      const own = ownIdentity();
      const text = JSON.stringify(own);
      const names = fc.constantFrom("1-a", "2-b", "x.new", ".hidden", "\u{1b}[31m");
      const files = fc.array(
        fc.tuple(names, thing(damaged(fc.constantFrom(text, "null", "5", "{}").map((one) => Buffer.from(one))))),
        {
          maxLength: 4,
        },
      );
      fc.assert(
        fc.property(files, (found) => {
          rmSync(folder, { recursive: true, force: true });
          mkdirSync(folder, { recursive: true });
          for (const [name, what] of found) put(join(folder, name), what);
          for (const viewer of liveViewers(area)) expect(viewer).toEqual(own);
        }),
        dice,
      );
    }),
};

const locks: Fuzz = {
  name: "whatever stands where the lock of polite scripts is, the work is done once",
  cases: 30,
  run: (dice) =>
    inFolder(async (state) => {
      const path = join(state, "tracker.lck");
      const ages = fc.constantFrom(-86_400_000, -6000, 0, 86_400_000);
      await fc.assert(
        fc.asyncProperty(thing(fc.uint8Array({ maxLength: 20 })), ages, async (what, ageMs) => {
          put(path, what);
          const at = new Date(Date.now() + ageMs);
          if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === false) utimesSync(path, at, at);
          let done = 0;
          await guarded(path, () => {
            done += 1;
          });
          expect(done).toBe(1);
        }),
        dice,
      );
    }),
};

/** The inputs that come from runs and processes. */
export const hostFuzz: readonly Fuzz[] = [outputs, runs, rows, viewers, locks];
