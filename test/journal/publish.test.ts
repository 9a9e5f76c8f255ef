import { spawn } from "node:child_process";
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";

import { lock } from "proper-lockfile";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { realFiles } from "../../src/journal/files.ts";
import { createJournal } from "../../src/journal/local.ts";
import { makeFifo, makePlace } from "./place.ts";
import type { Place } from "./place.ts";

let place: Place;
let tracker: string;
beforeEach(async () => {
  place = await makePlace();
  tracker = join(place.state, "tracker.json");
});
afterEach(() => place.end());

/** Keep every edit that was found, as whoever can make nothing of it does. */
const keepAll = async (): Promise<void> => {
  for (const { id } of await place.journal.edits()) await place.journal.settle(id, true);
};
const found = async (): Promise<(string | undefined)[]> => (await place.journal.edits()).map(({ text }) => text);
const rejected = (): string[] =>
  readdirSync(join(place.state, "rejected"))
    .filter((name) => !name.startsWith("."))
    .toSorted();
const rejectedTexts = (): string[] =>
  rejected().map((name) => readFileSync(join(place.state, "rejected", name), "utf8"));

/** Reads as fast as it can until it is stopped, and says how many of its readings were not one whole text. */
const hammer = `
  const { readFileSync, existsSync } = require("node:fs");
  const [path, stop] = process.argv.slice(1);
  let bad = 0;
  console.log("started");
  for (let reads = 0; reads < 100 || !existsSync(stop); reads += 1) {
    const text = readFileSync(path, "utf8");
    if (text.length < 2 || text !== text[0].repeat(text.length)) bad += 1;
  }
  console.log("bad: " + bad);
`;

test("a reader in another process never sees half a file, or none", async () => {
  const texts = Array.from({ length: 60 }, (_, n) => String.fromCodePoint(97 + (n % 26)).repeat(2 + n * 4001));
  await place.journal.publish("tracker.json", "zz");
  const stop = join(place.folder, "stop");
  const reader = spawn(process.execPath, ["-e", hammer, tracker, stop], { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  reader.stdout.setEncoding("utf8").on("data", (text: string) => (said += text));
  await vi.waitFor(() => expect(said).toContain("started"), { interval: 2, timeout: 10_000 });
  for (const text of texts) await place.journal.publish("tracker.json", text);
  writeFileSync(stop, "");
  await vi.waitFor(() => expect(said).toContain("bad: 0"), { interval: 2, timeout: 10_000 });
});

test("a published file can be read by nobody else, and no temporary file stays", async () => {
  await place.journal.publish("tracker.json", "{}");
  await place.journal.publish("observed.json", "{}");
  expect(statSync(tracker).mode & 0o777).toBe(0o600);
  expect(readdirSync(place.state).toSorted()).toEqual([
    ".tracker.json.sum",
    "locks",
    "observed.json",
    "rejected",
    "tracker.json",
  ]);
});

test("text that is published already is not written again, unless the file changed", async () => {
  let renames = 0;
  const rename = (from: string, to: string): void => {
    renames += 1;
    realFiles.rename(from, to);
  };
  const journal = createJournal({ state: place.state, files: { ...realFiles, rename } });
  await journal.publish("observed.json", "same");
  await journal.publish("observed.json", "same");
  expect(renames).toBe(1);
  writeFileSync(join(place.state, "observed.json"), "else");
  await journal.publish("observed.json", "same");
  expect(await journal.published("observed.json")).toBe("same");
});

test("a publication that failed does not stop the next", async () => {
  let disk = "full";
  const fsync = async (): Promise<void> => {
    if (disk === "full") throw Object.assign(new Error("ENOSPC"), { code: "ENOSPC" });
  };
  const journal = createJournal({ state: place.state, files: { ...realFiles, fsync } });
  await expect(journal.publish("tracker.json", "one")).rejects.toThrow("the disk is full (ENOSPC): free some space");
  disk = "free";
  await journal.publish("tracker.json", "two");
  expect(await journal.published("tracker.json")).toBe("two");
});

test("temporary files that a killed process left are removed, younger ones are not", async () => {
  const [old, young] = [".tracker.json.1000-1-2.tmp", `.tracker.json.${Date.now()}-3-4.tmp`];
  for (const name of [old, young]) writeFileSync(join(place.state, name), "");
  await place.journal.publish("tracker.json", "{}");
  expect(readdirSync(place.state).filter((name) => name.endsWith(".tmp"))).toEqual([young]);
});

describe("an edit of the tracker file", () => {
  test.each<[string, () => void]>([
    ["written in place", () => writeFileSync(tracker, "edited")],
    [
      "put there by rename",
      () => {
        writeFileSync(`${tracker}.new`, "edited");
        renameSync(`${tracker}.new`, tracker);
      },
    ],
  ])("is kept when it was %s", async (_, edit) => {
    await place.journal.publish("tracker.json", "one");
    edit();
    await place.journal.publish("tracker.json", "two");
    await place.journal.publish("tracker.json", "three");
    expect(await found()).toEqual(["edited"]);
    await keepAll();
    expect(await found()).toEqual([]);
    expect(rejected()).toEqual([expect.stringMatching(/^tracker\.20\d\d-\d\d-\d\dT[\d-]+\.\d+Z[\d-]+\.json$/)]);
    expect(rejectedTexts()).toEqual(["edited"]);
    expect(await place.journal.published("tracker.json")).toBe("three");
  });

  test("is found though it comes just before the rename", async () => {
    const files = {
      ...realFiles,
      rename: (from: string, to: string): void => {
        if (to === tracker) writeFileSync(tracker, "in time");
        realFiles.rename(from, to);
      },
    };
    await place.journal.publish("tracker.json", "one");
    await createJournal({ state: place.state, files }).publish("tracker.json", "two");
    expect(await found()).toEqual(["in time"]);
  });

  test("is kept where the file system has no hard links", async () => {
    const link = (): never => {
      throw Object.assign(new Error("EPERM"), { code: "EPERM" });
    };
    const journal = createJournal({ state: place.state, files: { ...realFiles, link } });
    await journal.publish("tracker.json", "one");
    await journal.publish("tracker.json", "two");
    writeFileSync(tracker, "edited");
    await journal.publish("tracker.json", "three");
    expect(await found()).toEqual(["edited"]);
  });

  test("is found when the process that found it was killed", async () => {
    mkdirSync(join(place.state, "rejected"));
    writeFileSync(join(place.state, "rejected", ".tracker.json.1000-1-2.tmp"), "edited");
    writeFileSync(join(place.state, "rejected", ".tracker.json.1000-1-3.4-c43ea900.tmp"), "ours");
    await place.journal.publish("tracker.json", "one");
    expect(await found()).toEqual(["edited"]);
  });

  test("is not what another process of ours published", async () => {
    await place.journal.publish("tracker.json", "one");
    await place.other().publish("tracker.json", "two");
    await place.journal.publish("tracker.json", "three");
    expect(await found()).toEqual([]);
  });

  test("is found though its writer had opened the file before it was replaced", async () => {
    await place.journal.publish("tracker.json", "one");
    const file = openSync(tracker, "r+");
    await place.journal.publish("tracker.json", "two");
    expect(await found()).toEqual([]);
    writeSync(file, "ten");
    closeSync(file);
    expect(await found()).toEqual(["ten"]);
    expect(await place.journal.published("tracker.json")).toBe("two");
  });

  test("is found though the file looks as before: as long, and within one tick of the clock", async () => {
    await place.journal.publish("tracker.json", "one");
    const { atime, mtime } = statSync(tracker);
    utimesSync(tracker, atime, mtime);
    await place.journal.publish("tracker.json", "two");
    const before = statSync(tracker);
    writeFileSync(tracker, "ten");
    utimesSync(tracker, before.atime, before.mtime);
    await place.journal.publish("tracker.json", "two");
    expect(await found()).toEqual(["ten"]);
  });

  test("is told by the look of the file, to processes too that have published nothing", async () => {
    const other = place.other();
    expect(await other.edited()).toBe(false);
    await place.journal.publish("tracker.json", "one");
    expect([await place.journal.edited(), await other.edited()]).toEqual([false, false]);
    writeFileSync(tracker, "edited");
    expect([await place.journal.edited(), await other.edited()]).toEqual([true, true]);
    await place.journal.publish("tracker.json", "two");
    expect(await other.edited()).toBe(true);
    for (const { id } of await other.edits()) expect(await other.settle(id, false)).toBeUndefined();
    expect([await place.journal.edited(), await other.edited()]).toEqual([false, false]);
    expect(rejected()).toEqual([]);
    rmSync(tracker);
    expect(await other.edited()).toBe(true);
  });

  test("is settled by one process only", async () => {
    await place.journal.publish("tracker.json", "one");
    writeFileSync(tracker, "edited");
    await place.journal.publish("tracker.json", "two");
    const [edit] = await place.journal.edits();
    expect(await place.journal.settle(edit?.id ?? "", true)).toBe(`rejected/tracker.${edit?.id}.json`);
    expect(await place.other().settle(edit?.id ?? "", true)).toBeUndefined();
    expect(rejectedTexts()).toEqual(["edited"]);
  });

  test("is said to be unsettled while it may still be written", async () => {
    await place.journal.publish("tracker.json", "one");
    writeFileSync(tracker, "half");
    await place.journal.publish("tracker.json", "two");
    expect(await place.journal.edits()).toMatchObject([{ text: "half", settled: false }]);
    writeFileSync(tracker, "whole");
    utimesSync(tracker, 1000, 1000);
    await place.journal.publish("tracker.json", "three");
    expect(await place.journal.edits()).toMatchObject([{ text: "half" }, { text: "whole", settled: true }]);
  });

  test("is kept up to five hundred times, the newest", { timeout: 60_000 }, async () => {
    await place.journal.publish("tracker.json", "start");
    const folder = join(place.state, "rejected");
    for (let n = 0; n < 520; n += 1) writeFileSync(join(folder, `tracker.2020-01-01T00-00-00.${1000 + n}Z.json`), "");
    writeFileSync(tracker, "newest");
    await place.journal.publish("tracker.json", "next");
    await keepAll();
    expect(rejected()).toHaveLength(500);
    expect(rejectedTexts().at(-1)).toBe("newest");
    expect(rejected()[0]).toBe("tracker.2020-01-01T00-00-00.1021Z.json");
  });

  test("that is no text says why", async () => {
    const wrong: [Buffer, string][] = [
      [Buffer.from([0xff, 0xfe, 0x7b, 0]), "is not UTF-8 text"],
      [Buffer.alloc(16 * 1024 * 1024 + 1, " "), "is larger than 16777216 bytes"],
    ];
    for (const [bytes, fault] of wrong) {
      await place.journal.publish("tracker.json", "one");
      writeFileSync(tracker, bytes);
      await place.journal.publish("tracker.json", "two");
      expect(await place.journal.edits()).toMatchObject([{ text: undefined, fault }]);
      await keepAll();
    }
  });
});

describe("whatever lies in the place of a published file", () => {
  const things: [string, (path: string) => void][] = [
    ["a FIFO", makeFifo],
    ["a folder", (path) => mkdirSync(join(path, "full"), { recursive: true })],
    ["a link", (path) => symlinkSync("/etc/passwd", path)],
    ["a link to nothing", (path) => symlinkSync("nowhere", path)],
    [
      "a file of 200 MB",
      (path) => {
        writeFileSync(path, "");
        truncateSync(path, 200_000_000);
      },
    ],
  ];

  test.each(things)("is no text: %s", async (_, make) => {
    make(tracker);
    expect(await place.journal.published("tracker.json")).toBeUndefined();
  });

  test.each(things)("gives way: %s", async (_, make) => {
    for (const name of ["tracker.json", "observed.json"]) {
      await place.journal.publish(name, "before");
      rmSync(join(place.state, name));
      make(join(place.state, name));
      await place.journal.publish(name, "{}");
      expect(await place.journal.published(name)).toBe("{}");
    }
    expect(await place.journal.edits()).toMatchObject([{ text: undefined }]);
    await keepAll();
    expect(await place.journal.edits()).toEqual([]);
    expect(rejected().at(-1)).toMatch(/^tracker\./);
    expect(statSync("/etc/passwd").size).toBeGreaterThan(10);
  });
});

describe("the guard for polite scripts", () => {
  const guard = (): string => join(place.state, "locks", "tracker.lck");

  test("is held while the tracker file is replaced, and free after it", async () => {
    const seen: boolean[] = [];
    const files = {
      ...realFiles,
      rename: (from: string, to: string): void => {
        seen.push(statSync(guard()).isDirectory());
        realFiles.rename(from, to);
      },
    };
    await createJournal({ state: place.state, files }).publish("tracker.json", "{}");
    expect(seen).toEqual([true]);
    expect(readdirSync(join(place.state, "locks"))).toEqual([]);
  });

  test("does not stop us when another holds it, and stays theirs", async () => {
    mkdirSync(join(place.state, "locks"));
    const release = await lock(guard(), { lockfilePath: guard(), realpath: false });
    await place.journal.publish("tracker.json", "{}");
    expect(await place.journal.published("tracker.json")).toBe("{}");
    expect(statSync(guard()).isDirectory()).toBe(true);
    await release();
  });

  test.each<[string, () => void]>([
    ["a file", () => writeFileSync(guard(), "")],
    ["an old file", () => utimesSync((writeFileSync(guard(), ""), guard()), 1000, 1000)],
    ["a folder from the future", () => utimesSync((mkdirSync(guard()), guard()), 4_000_000_000, 4_000_000_000)],
    ["a folder of long ago", () => utimesSync((mkdirSync(guard()), guard()), 1000, 1000)],
    ["a link to nowhere", () => symlinkSync("nowhere", guard())],
    ["a FIFO", () => makeFifo(guard())],
    [
      "the file of seed 001, and one beside the tracker",
      () => {
        for (const path of [guard(), join(place.state, "tracker.lock"), `${tracker}.lock`]) writeFileSync(path, "4242");
      },
    ],
    [
      "an old folder with a file in it",
      () => {
        mkdirSync(join(guard(), "owner"), { recursive: true });
        utimesSync(guard(), 1000, 1000);
      },
    ],
  ])("does not stop us when %s is in its place", async (_, make) => {
    mkdirSync(join(place.state, "locks"));
    make();
    await place.journal.publish("tracker.json", "{}");
    expect(await place.journal.published("tracker.json")).toBe("{}");
  });

  test("is not taken from whoever took it over while we held it", async () => {
    const files = {
      ...realFiles,
      rename: (from: string, to: string): void => {
        renameSync(guard(), `${guard()}.gone`);
        mkdirSync(guard());
        realFiles.rename(from, to);
      },
    };
    await createJournal({ state: place.state, files }).publish("tracker.json", "{}");
    expect(statSync(guard()).isDirectory()).toBe(true);
  });
});
