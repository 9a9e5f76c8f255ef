import { appendFileSync, copyFileSync, readFileSync, renameSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import type { Snapshot } from "../../src/port.ts";
import { entriesOf, makeFifo, makePlace, record } from "./place.ts";
import type { Place } from "./place.ts";

let place: Place;
let path: string;
beforeEach(async () => {
  place = await makePlace();
  path = join(place.state, "snapshot.json");
});
afterEach(() => place.end());

const newest = Number.MAX_SAFE_INTEGER;

/** Append these records and keep a snapshot of everything up to the last one. */
const keepAfter = async (...ids: readonly string[]): Promise<Snapshot> => {
  for (const id of ids) await place.journal.append(record(id));
  const { next: from } = await entriesOf(place.journal);
  const snapshot = { from, fold: 1, mark: "1 1 a b", by: "0.1.0", text: `state after ${ids.join(" ")}` };
  await place.journal.keep(snapshot);
  return snapshot;
};

const found = async (position = newest): Promise<string | undefined> => (await place.other().snapshot(position))?.text;

describe("a snapshot", () => {
  test("is given back as it was kept, and reading goes on where it ends", async () => {
    const { from, fold, mark, by } = await keepAfter("a", "b");
    await place.other().append(record("c"));
    const other = place.other();
    const snapshot = await other.snapshot(newest);
    expect(snapshot).toEqual({ from, fold, mark, by, text: "state after a b" });
    const { entries } = await entriesOf(other, snapshot?.from);
    expect(entries).toEqual([{ position: 3, record: record("c") }]);
  });

  test("whose first line says another position is none, although every other byte is right", async () => {
    await keepAfter("a", "b", "c");
    const text = readFileSync(path, "utf8");
    expect(text).toContain('"position":3');
    writeFileSync(path, text.replace('"position":3', '"position":2'));
    expect(await found()).toBeUndefined();
  });

  test("can be read by nobody else, whatever the umask", async () => {
    const before = process.umask(0);
    try {
      await keepAfter("a");
    } finally {
      process.umask(before);
    }
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test("leaves the one before for those who need to begin earlier", async () => {
    await keepAfter("a");
    await keepAfter("b", "c");
    expect(await found()).toBe("state after b c");
    expect(await found(3)).toBe("state after b c");
    expect(await found(2)).toBe("state after a");
    expect(await found(0)).toBeUndefined();
  });

  test("of a log that is not there any more is not kept", async () => {
    const { from } = await keepAfter("a");
    renameSync(path, `${path}.put-aside`);
    copyFileSync(place.log, `${place.log}.copy`);
    renameSync(`${place.log}.copy`, place.log);
    await place.journal.keep({ from, fold: 1, mark: "", by: "", text: "late" });
    expect(await found()).toBeUndefined();
  });
});

const spoil = (bytes: (old: Buffer) => Buffer | string): void => writeFileSync(path, bytes(readFileSync(path)));

const spoilt: readonly [string, () => void][] = [
  ["is cut short", () => truncateSync(path, statSync(path).size - 3)],
  ["is empty", () => truncateSync(path, 0)],
  ["was changed by hand", () => spoil((old) => old.toString().replace("state after b", "state after z"))],
  ["is of another form", () => spoil((old) => old.toString().replace('"form":1', '"form":2'))],
  ["has no header", () => spoil(() => "null\nstate\n")],
  ["is no text", () => spoil(() => Buffer.from([0xff, 0x0a, 0xfe, 0x0a]))],
  ["is a FIFO", () => (renameSync(path, `${path}.aside`), makeFifo(path))],
];

describe("a snapshot that", () => {
  test.each(spoilt)(
    "%s is as if it were not there: the one before serves, and the next one takes its place",
    async (_, happen) => {
      await keepAfter("a");
      await keepAfter("b");
      happen();
      expect(await found()).toBe("state after a");
      await keepAfter("c");
      expect(await found()).toBe("state after c");
    },
  );
});

/** Change the log in its place: its inode stays. */
const edit = (change: (text: string) => string): void =>
  writeFileSync(place.log, change(readFileSync(place.log, "utf8")));

/** What happens to a log, and whether its snapshots still speak of it. */
const logs: readonly [string, boolean, () => void][] = [
  ["goes on", true, () => appendFileSync(place.log, "torn")],
  ["is cut before that place", false, () => truncateSync(place.log, statSync(place.log).size - 1)],
  ["is emptied", false, () => truncateSync(place.log, 0)],
  [
    "is a copy, as after a restore",
    false,
    () => (copyFileSync(place.log, `${place.log}.2`), renameSync(`${place.log}.2`, place.log)),
  ],
  ["was edited at its start", false, () => edit((text) => text.replace("first", "moved"))],
  ["was edited later on", false, () => edit((text) => text.replace("third", "moved"))],
];

test.each(logs)("when the log %s, its snapshot is used: %s", async (_, isUsed, happen) => {
  // More than the bytes that are looked at first.
  for (const id of ["first", "b"]) await place.journal.append(record(id, id.repeat(1000)));
  await keepAfter("third");
  happen();
  expect(await found()).toBe(isUsed ? "state after third" : undefined);
});
