import { spawn } from "node:child_process";
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
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

const rejected = (): string[] => readdirSync(join(place.state, "rejected")).toSorted();
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
    expect(rejected()).toEqual([expect.stringMatching(/^tracker\.20\d\d-\d\d-\d\dT[\d-]+\.\d+Z\.json$/)]);
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
    expect(rejectedTexts()).toEqual(["in time"]);
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
    expect(rejectedTexts()).toEqual(["edited"]);
  });

  test("is kept when the process that found it was killed", async () => {
    mkdirSync(join(place.state, "rejected"));
    writeFileSync(join(place.state, "rejected", ".tracker.json.1000-1-2.tmp"), "edited");
    await place.journal.publish("tracker.json", "one");
    expect(rejectedTexts()).toEqual(["edited"]);
    expect(rejected()).toEqual([expect.stringMatching(/^tracker\..+\.json$/)]);
  });

  test("is not what another process of ours published", async () => {
    await place.journal.publish("tracker.json", "one");
    await place.other().publish("tracker.json", "two");
    await place.journal.publish("tracker.json", "three");
    expect(rejected()).toEqual([]);
  });

  test("is kept up to twenty times, the newest", async () => {
    await place.journal.publish("tracker.json", "start");
    for (let n = 0; n < 23; n += 1) {
      writeFileSync(tracker, `edit ${n}`);
      await place.journal.publish("tracker.json", `text ${n}`);
    }
    expect(rejectedTexts()).toEqual(Array.from({ length: 20 }, (_, n) => `edit ${n + 3}`));
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
    expect(rejected()[0] ?? "observed").toMatch(/^(?:observed|tracker)\./);
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
