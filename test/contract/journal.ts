import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import type { Journal } from "../../src/port.ts";
import { entriesOf, idsOf, record, start } from "../journal/place.ts";

/** A journal for one test; `other` is what a second process would hold. */
export interface JournalPlace {
  readonly journal: Journal;
  readonly other: () => Journal;
  readonly end: () => void;
}

/** What every journal has to do, wherever it keeps its records. `make` answers one that is created and empty. */
export const journalContract = (name: string, make: () => Promise<JournalPlace>): void => {
  describe(`journal: ${name}`, () => {
    let place: JournalPlace;
    beforeEach(async () => {
      place = await make();
    });
    afterEach(() => place.end());
    records(() => place);
    following(() => place);
    publication(() => place);
    snapshots(() => place);
    archives(() => place);
  });
};

const records = (of: () => JournalPlace): void => {
  test("reads nothing from a journal without records", async () => {
    expect(await entriesOf(of().journal)).toEqual({ entries: [], next: start });
  });

  test("gives a record back as it was, at its position", async () => {
    const { journal, other } = of();
    const first = { ...record("a"), cause: "wish", if: [{ engine: 3 }] };
    const second = record("b", "Grüße\n\u0000\u2028 👋 \ud800");
    await journal.append(first);
    await other().append(second);
    const { entries } = await entriesOf(journal);
    expect(entries).toEqual([
      { position: 1, record: first },
      { position: 2, record: second },
    ]);
    expect(entries[0]).not.toHaveProperty("record.crc");
  });

  test("goes on where the last reading ended", async () => {
    const { journal, other } = of();
    await journal.append(record("a"));
    const { next } = await entriesOf(journal);
    expect((await entriesOf(journal, next)).entries).toEqual([]);
    await other().append(record("b"));
    const { entries, next: later } = await entriesOf(journal, next);
    expect(entries).toEqual([{ position: 2, record: record("b") }]);
    expect(later.position).toBe(2);
  });

  test("keeps appends that overlap, in the order of the calls", async () => {
    const { journal } = of();
    const ids = Array.from({ length: 50 }, (_, n) => `r${n}`);
    await Promise.all(ids.map(async (id) => journal.append(record(id))));
    expect(await idsOf(journal)).toEqual(ids);
  });

  test("refuses a record longer than a line may be, and goes on", async () => {
    const { journal } = of();
    await expect(journal.append(record("a", "x".repeat(5_000_000)))).rejects.toThrow("too long");
    await journal.append(record("b"));
    expect(await idsOf(journal)).toEqual(["b"]);
  });
};

const following = (of: () => JournalPlace): void => {
  test("tells followers that the log grew, until they let go", async () => {
    const { journal, other } = of();
    const [told, late] = [vi.fn<() => void>(), vi.fn<() => void>()];
    const release = journal.follow(told);
    journal.follow(late)();
    await vi.waitFor(() => expect(told).toHaveBeenCalled(), { interval: 2 });
    told.mockClear();
    await other().append(record("a"));
    await vi.waitFor(() => expect(told).toHaveBeenCalled(), { interval: 2 });
    release();
    expect(late).not.toHaveBeenCalled();
  });
};

const publication = (of: () => JournalPlace): void => {
  test("publishes text that everybody reads, the newest last", async () => {
    const { journal, other } = of();
    expect(await journal.published("tracker.json")).toBeUndefined();
    await Promise.all(["one", "two", "three"].map(async (text) => journal.publish("tracker.json", text)));
    expect(await other().published("tracker.json")).toBe("three");
    await other().publish("tracker.json", "four");
    expect(await journal.published("tracker.json")).toBe("four");
    await journal.publish("locks/demo.json", "{}");
    expect(await other().published("locks/demo.json")).toBe("{}");
  });

  test.each(["../tracker.json", "/tracker.json", "a//b", "event-log.jsonl", ".hidden", ""])(
    "refuses to publish as %j",
    async (name) => {
      await expect(of().journal.publish(name, "text")).rejects.toThrow("cannot be the name");
    },
  );
};

const snapshots = (of: () => JournalPlace): void => {
  test("keeps a snapshot for every reader of this log, until the log starts anew", async () => {
    const { journal, other } = of();
    expect(await journal.snapshot(1)).toBeUndefined();
    await journal.append(record("a"));
    const { next: from } = await entriesOf(journal);
    await journal.keep({ from, fold: 1, mark: "m", by: "v", text: "state" });
    await journal.append(record("b"));
    const reader = other();
    const found = await reader.snapshot(2);
    expect(found).toMatchObject({ fold: 1, mark: "m", by: "v", text: "state" });
    expect((await entriesOf(reader, found?.from)).entries).toEqual([{ position: 2, record: record("b") }]);
    await journal.archive("old");
    await journal.append(record("c"));
    expect(await other().snapshot(2)).toBeUndefined();
  });
};

const archives = (of: () => JournalPlace): void => {
  test("exists once it was created, and again creating changes nothing", async () => {
    const { journal } = of();
    await journal.append(record("a"));
    await journal.create();
    expect(await journal.exists()).toBe(true);
    expect(await idsOf(journal)).toEqual(["a"]);
  });

  test("starts anew after archiving, and tells readers of the old log", async () => {
    const { journal, other } = of();
    await journal.append(record("a"));
    await journal.publish("tracker.json", "old");
    const reader = other();
    const { next } = await entriesOf(reader);
    expect(await journal.archive("first")).toMatch(/archive.first$/);
    expect(await journal.published("tracker.json")).toBeUndefined();
    await expect(entriesOf(reader, next)).rejects.toThrow(expect.objectContaining({ name: "LogReplaced" }));
    await journal.append(record("b"));
    await expect(entriesOf(reader, next)).rejects.toThrow(expect.objectContaining({ name: "LogReplaced" }));
    expect(await idsOf(reader)).toEqual(["b"]);
    await expect(journal.archive("first")).rejects.toThrow("EEXIST");
    expect(await idsOf(reader)).toEqual(["b"]);
  });
};
