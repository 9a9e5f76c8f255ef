import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { crc32 } from "../../src/journal/crc.ts";
import { realFiles } from "../../src/journal/files.ts";
import { encode } from "../../src/journal/line.ts";
import { createJournal } from "../../src/journal/local.ts";
import { journalContract } from "../contract/journal.ts";
import { entriesOf, idsOf, makeFifo, makePlace, record } from "./place.ts";
import type { Place } from "./place.ts";

journalContract("on this disk", makePlace);

let place: Place;
beforeEach(async () => {
  place = await makePlace();
});
afterEach(() => place.end());

describe("the log file", () => {
  test("is one line of JSON a record, with a checksum that other programs can make", async () => {
    await place.journal.append({ ...record("a"), cause: "c", if: [{ engine: 1 }] });
    expect(readFileSync(place.log, "utf8")).toMatchInlineSnapshot(`
      "{"v":1,"id":"a","at":1764000000000,"by":"lane:demo","on":"box","cause":"c","if":[{"engine":1}],"events":[{"type":"lane.progressed","key":"demo","text":"half way"}],"crc":"a0d8c5b0"}
      "
    `);
  });

  test("has a record as soon as append was called, so that it is read back while the disk syncs", async () => {
    const synced = place.journal.append(record("a"));
    expect(await idsOf(place.journal)).toEqual(["a"]);
    await synced;
  });

  test("can be read by nobody else, whatever the umask", async () => {
    const before = process.umask(0);
    const state = join(place.folder, "open", "..", "state");
    mkdirSync(join(place.folder, "open"));
    try {
      const journal = createJournal({ state });
      await journal.create();
      await journal.append(record("a"));
    } finally {
      process.umask(before);
    }
    expect(statSync(state).mode & 0o777).toBe(0o700);
    expect(statSync(join(state, "event-log.jsonl")).mode & 0o777).toBe(0o600);
  });

  test.each([
    ["half a record", encode(record("half")).subarray(0, 60), 1],
    ["a whole record without its newline", encode(record("whole")).subarray(0, -1), 0],
    ["a run of NUL bytes", Buffer.alloc(5000), 1],
    ["bad UTF-8", Buffer.from([0xff, 0xfe, 0xc3, 0x28, 0x80]), 1],
    ["a line of another program", Buffer.from('{"v":1}\n'), 1],
    ["a record with a Windows line end", Buffer.from(encode(record("crlf")).toString().replace("\n", "\r\n")), 1],
    ["a record with a flipped bit", Buffer.from(encode(record("flip")).toString().replace("half", "calf")), 1],
    ["two records glued", Buffer.concat([encode(record("x")).subarray(0, 50), encode(record("y"))]), 1],
    ["empty lines", Buffer.from("\n\n\n"), 0],
    ["a line longer than any record", Buffer.alloc(5_000_000, "x"), 1],
    [
      "several of them",
      Buffer.concat([Buffer.alloc(9_000_000, "y"), Buffer.from("\n\0\n"), Buffer.alloc(4_300_000, "z")]),
      3,
    ],
  ])("survives %s, and so does the record after it", async (_, bytes, damaged) => {
    await place.journal.append(record("before"));
    const { next } = await entriesOf(place.journal);
    appendFileSync(place.log, bytes);
    await place.journal.append(record("after"));
    const ids = await idsOf(place.other());
    expect(ids.filter((id) => id === "-")).toHaveLength(damaged);
    expect([ids[0], ids.at(-1)]).toEqual(["before", "after"]);
    const later = await entriesOf(place.journal, next);
    expect(later.entries).toEqual((await entriesOf(place.other())).entries.slice(1));
  });

  test.each([60_000, 70_000, 300_000, 4_100_000])("reads records of %i bytes between small ones", async (size) => {
    const ids = ["a", "b", "c", "d"];
    for (const [n, id] of ids.entries()) await place.journal.append(record(id, "x".repeat((n % 2) * size)));
    expect(await idsOf(place.journal)).toEqual(ids);
  });

  test("leaves a torn tail for later, and counts it once it has ended", async () => {
    await place.journal.append(record("a"));
    const line = encode(record("b"));
    const { next } = await entriesOf(place.journal);
    appendFileSync(place.log, line.subarray(0, 40));
    const torn = await entriesOf(place.journal, next);
    expect(torn).toEqual({ entries: [], next });
    appendFileSync(place.log, line.subarray(40));
    expect((await entriesOf(place.journal, torn.next)).entries).toEqual([{ position: 2, record: record("b") }]);
  });

  test("keeps a record apart from a torn line that comes just before it is written", async () => {
    const write = (file: number, bytes: Uint8Array): number => {
      if (!readFileSync(place.log, "utf8").includes("torn")) appendFileSync(place.log, "torn");
      return realFiles.write(file, bytes);
    };
    await createJournal({ state: place.state, files: { ...realFiles, write } }).append(record("a"));
    expect(await idsOf(place.journal)).toEqual(["-", "a"]);
  });

  test("says why a line is none", async () => {
    const body = Buffer.from('{"v":1,,');
    const noJson = `${body.toString()},"crc":"${crc32(body, 0, body.length).toString(16).padStart(8, "0")}"}`;
    const noType = encode({ ...record("a"), events: [{ kind: "odd" }] } as never)
      .toString()
      .trim();
    const lines = ["{}", '{"v":1,"crc":"00000000"}', noType, noJson];
    appendFileSync(place.log, `${lines.join("\n")}\n`);
    expect((await entriesOf(place.journal)).entries).toEqual([
      { position: 1, damaged: "it has no checksum" },
      { position: 2, damaged: "its checksum does not match" },
      { position: 3, damaged: "an event has no type" },
      { position: 4, damaged: "it is not JSON" },
    ]);
  });

  test("hands on records of a newer version and of unknown events", async () => {
    const newer = { ...record("a"), v: 9, events: [{ type: "lane.teleported", key: "demo" }] };
    await place.journal.append(newer as never);
    expect((await entriesOf(place.journal)).entries).toEqual([{ position: 1, record: newer }]);
  });
});

describe("a log that is not the same any more", () => {
  test.each<[string, () => void]>([
    ["removed", () => rmSync(place.log)],
    ["truncated", () => truncateSync(place.log, 10)],
    ["emptied and filled with something longer", () => writeFileSync(place.log, "x".repeat(10_000))],
    [
      "replaced by a longer one",
      () => {
        writeFileSync(`${place.log}.new`, Buffer.concat(["x", "y", "z"].map((id) => encode(record(id)))));
        renameSync(`${place.log}.new`, place.log);
      },
    ],
  ])("is noticed by its readers when it is %s", async (_, change) => {
    await place.journal.append(record("a"));
    const { next } = await entriesOf(place.journal);
    change();
    await expect(entriesOf(place.journal, next)).rejects.toThrow(expect.objectContaining({ name: "LogReplaced" }));
  });

  test.each([
    ["moved away", []],
    ["replaced", ["new"]],
  ])("is noticed by its writers when it is %s: they append to the new one", async (_, ids) => {
    await place.journal.append(record("a"));
    renameSync(place.log, `${place.log}.old`);
    for (const id of ids) appendFileSync(place.log, encode(record(id)));
    await place.journal.append(record("b"));
    expect(await idsOf(place.journal)).toEqual([...ids, "b"]);
  });
});

test("appends that overlap share a sync, and each waits for one that began after its write", async () => {
  let syncs = 0;
  let durable = "";
  const fdatasync = async (file: number): Promise<void> => {
    syncs += 1;
    const written = readFileSync(place.log, "utf8");
    await realFiles.fdatasync(file);
    durable = written;
  };
  const journal = createJournal({ state: place.state, files: { ...realFiles, fdatasync } });
  const append = async (id: string): Promise<void> => {
    await journal.append(record(id));
    expect(durable).toContain(`"id":"${id}"`);
  };
  await Promise.all(Array.from({ length: 50 }, async (_, n) => append(`early${n}`)));
  expect(syncs).toBe(2);
  await append("late");
  expect(syncs).toBe(3);
});

describe("a state folder that is not ours alone", () => {
  const acts = (): Promise<unknown>[] => [
    place.other().append(record("b")),
    place.other().publish("tracker.json", "{}"),
    idsOf(place.other()),
    place.other().create(),
  ];
  const reasons = async (): Promise<string[]> =>
    (await Promise.allSettled(acts())).map((act) => (act.status === "rejected" ? String(act.reason) : "done"));

  test("is refused when it is a link", async () => {
    await place.journal.append(record("a"));
    renameSync(place.state, `${place.state}.real`);
    symlinkSync(`${place.state}.real`, place.state);
    for (const reason of await reasons()) expect(reason).toContain("is a symbolic link: put the folder itself there.");
  });

  test("is refused when others can write in it", async () => {
    await place.journal.append(record("a"));
    chmodSync(place.state, 0o770);
    for (const reason of await reasons()) expect(reason).toContain(`run "chmod go-w ${place.state}"`);
  });

  test("is refused when it belongs to another user", async () => {
    await place.journal.append(record("a"));
    const getuid = vi.spyOn(process, "getuid").mockReturnValue(statSync(place.state).uid + 1);
    try {
      for (const reason of await reasons()) expect(reason).toContain("belongs to another user");
    } finally {
      getuid.mockRestore();
    }
  });

  test("is refused when there is none, with what to do", async () => {
    const journal = createJournal({ state: join(place.folder, "none") });
    expect(await journal.exists()).toBe(false);
    expect(await idsOf(journal)).toEqual([]);
    await expect(journal.append(record("a"))).rejects.toThrow('make it with "lanes init"');
  });

  test.each<[string, () => void]>([
    ["a FIFO", () => makeFifo(place.log)],
    ["a folder", () => mkdirSync(place.log)],
    [
      "a link",
      () => {
        writeFileSync(`${place.log}.real`, encode(record("a")));
        symlinkSync(`${place.log}.real`, place.log);
      },
    ],
  ])("does not hang or follow when the log is %s", async (_, make) => {
    make();
    await expect(place.journal.append(record("a"))).rejects.toThrow(place.log);
    await expect(entriesOf(place.journal)).rejects.toThrow(place.log);
  });
});
