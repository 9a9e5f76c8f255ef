import { readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { realFiles } from "../../src/journal/files.ts";
import { createJournal } from "../../src/journal/local.ts";
import { failingFiles } from "../journal/failing.ts";
import type { Failing, Fault } from "../journal/failing.ts";
import { entriesOf, idsOf, makePlace, record } from "../journal/place.ts";
import type { Place } from "../journal/place.ts";

const places: Place[] = [];
let place: Place;
const anew = async (): Promise<void> => {
  place = await makePlace();
  places.push(place);
};
beforeEach(anew);
afterEach(() => {
  for (const each of places.splice(0)) each.end();
});

/** No scenario makes more calls than this. */
const callsMax = 200;

const kinds: [string, (at: number) => Fault][] = [
  ["fails with EIO", (at) => ({ at, kind: "fail", code: "EIO" })],
  ["fails with ENOSPC", (at) => ({ at, kind: "fail", code: "ENOSPC" })],
  ["fails with EMFILE", (at) => ({ at, kind: "fail", code: "EMFILE" })],
  ["fails with EROFS", (at) => ({ at, kind: "fail", code: "EROFS" })],
  ["is cut short", (at) => ({ at, kind: "short" })],
  ["finds the disk full", (at) => ({ at, kind: "full" })],
  ["is never made: killed", (at) => ({ at, kind: "die" })],
];

/** Play the scenario with the Nth call failing, N = 1, 2, 3 …, each in a new place, until it gets through. */
const storm = async (fault: (at: number) => Fault, play: (failing: Failing) => Promise<void>): Promise<void> => {
  for (let at = 1; at < callsMax; at += 1) {
    await anew();
    const failing = failingFiles(fault(at));
    await play(failing);
    if (!failing.struck()) return expect(at).toBeGreaterThan(5);
  }
  throw new Error("the scenario never got through");
};

/** Did the call succeed? */
const isKept = async (call: Promise<unknown>): Promise<boolean> =>
  call.then(
    () => true,
    () => false,
  );

describe.each(kinds)("when the Nth call %s", (_, fault) => {
  test("acknowledged records are in the log, and a retry with the same id adds the others", async () => {
    await storm(fault, async ({ files }) => {
      const journal = createJournal({ state: place.state, files });
      const acknowledged: string[] = [];
      const append = async (id: string): Promise<void> => {
        if (await isKept(journal.append(record(id)))) acknowledged.push(id);
      };
      await append("a");
      await append("b");
      await Promise.all([append("c"), append("d")]);
      const found = await idsOf(place.other());
      expect(found).toEqual(expect.arrayContaining(acknowledged));
      const missing = ["a", "b", "c", "d"].filter((id) => !acknowledged.includes(id));
      const next = place.other();
      for (const id of missing) await next.append(record(id));
      expect(new Set(await idsOf(place.other()))).toEqual(
        new Set(["a", "b", "c", "d", ...(await idsOf(place.other())).filter((id) => id === "-")]),
      );
    });
  });

  test("the journal of the same process goes on, unless it is dead", async () => {
    await storm(fault, async ({ files, struck }) => {
      const journal = createJournal({ state: place.state, files });
      for (const id of ["a", "b"]) {
        const first = await isKept(journal.append(record(id)));
        const second = first || (await isKept(journal.append(record(id))));
        const gone = ["full", "die"].includes(fault(1).kind) && struck();
        expect(second || gone).toBe(true);
        expect(!second || (await idsOf(place.other())).includes(id)).toBe(true);
      }
    });
  });

  test("a published file is the old one or the new one, and an edit is kept or still in place", async () => {
    await storm(fault, async ({ files }) => {
      const tracker = join(place.state, "tracker.json");
      const texts = ["one", "edited", "two"];
      const journal = createJournal({ state: place.state, files });
      const first = await isKept(journal.publish("tracker.json", "one"));
      writeFileSync(`${tracker}.new`, "edited");
      renameSync(`${tracker}.new`, tracker);
      const second = await isKept(journal.publish("tracker.json", "two"));
      expect(texts).toContain(await place.other().published("tracker.json"));
      expect(first && second ? await place.other().published("tracker.json") : "two").toBe("two");
      await place.other().publish("tracker.json", "three");
      expect(await place.other().published("tracker.json")).toBe("three");
      expect(everyText(place)).toContain("edited");
    });
  });

  test("a snapshot speaks of this log, and folding on from it misses no record", async () => {
    await storm(fault, async ({ files }) => {
      const journal = createJournal({ state: place.state, files });
      const kept: string[] = [];
      for (const id of ["a", "b"]) {
        await place.journal.append(record(id));
        const { next: from } = await entriesOf(place.journal);
        if (await isKept(journal.keep({ from, fold: 1, mark: "m", by: "v", text: id }))) kept.push(id);
      }
      const found = await place.other().snapshot(Number.MAX_SAFE_INTEGER);
      const text = found?.text ?? "none";
      expect(kept.length > 0 ? ["a", "b"] : ["none", "a", "b"]).toContain(text);
      const rest = (await entriesOf(place.other(), found?.from)).entries.length;
      expect(rest).toBe({ none: 2, a: 1, b: 0 }[text]);
      const { next: from } = await entriesOf(place.other());
      await place.other().keep({ from, fold: 1, mark: "m", by: "v", text: "c" });
      expect((await place.other().snapshot(from.position))?.text).toBe("c");
    });
  });

  test("a snapshot that cannot be read is as if there were none", async () => {
    await storm(fault, async ({ files, struck }) => {
      await place.journal.append(record("a"));
      const { next: from } = await entriesOf(place.journal);
      await place.journal.keep({ from, fold: 1, mark: "m", by: "v", text: "a" });
      const found = await createJournal({ state: place.state, files })
        .snapshot(from.position)
        .then(
          (snapshot) => snapshot?.text,
          (error: unknown) => (error instanceof Error ? error.message : error),
        );
      expect(struck() ? [undefined, "a", "killed"] : ["a"]).toContain(found);
    });
  });

  test("an archived log is whole, where it was or in the archive, and archiving again completes what was begun", async () => {
    await storm(fault, async ({ files }) => {
      await place.journal.append(record("a"));
      await place.journal.publish("tracker.json", "one");
      const { next: from } = await entriesOf(place.journal);
      await place.journal.keep({ from, fold: 1, mark: "m", by: "v", text: "a" });
      const archived = await isKept(createJournal({ state: place.state, files }).archive("old"));
      const old = join(place.state, "archive", "old");
      const here = await idsOf(place.other());
      const there = await idsOf(createJournal({ state: old }));
      expect([...here, ...there]).toEqual(["a"]);
      expect(archived && here.length > 0).toBe(false);
      // What a program did that came in between.
      await place.other().publish("tracker.json", "two");
      if (here.length > 0) await place.other().archive("again");
      const [archive] = readdirSync(join(place.state, "archive"));
      expect(readdirSync(join(place.state, "archive"))).toHaveLength(1);
      const names = readdirSync(join(place.state, "archive", archive ?? ""));
      expect(names).toEqual(
        expect.arrayContaining(["event-log.jsonl", "locks", "rejected", "snapshot.json", "tracker.json"]),
      );
      expect(await place.other().snapshot(1)).toBeUndefined();
    });
  });
});

test("an open file whose sync failed is never trusted again", async () => {
  // The system says EIO once; later syncs of the same open file succeed, though the bytes are lost.
  const failed = new Set<number>();
  let disk = "broken";
  const fdatasync = async (file: number): Promise<void> => {
    if (failed.has(file)) throw new Error("synced again");
    if (disk === "broken") failed.add(file);
    if (disk === "broken") throw Object.assign(new Error("EIO"), { code: "EIO" });
  };
  // Closed files keep their number, so that it is not given to the next one.
  const files = { ...realFiles, fdatasync, close: () => {} };
  const journal = createJournal({ state: place.state, files });
  const three = await Promise.allSettled(["a", "b", "c"].map(async (id) => journal.append(record(id))));
  for (const { status } of three) expect(status).toBe("rejected");
  await expect(journal.append(record("a"))).rejects.toThrow(expect.objectContaining({ code: "EIO" }));
  disk = "mended";
  await journal.append(record("a"));
  expect(await idsOf(place.other())).toContain("a");
});

/** Texts of the tracker file and of all that was set aside, judged or not. */
const everyText = (of: Place): string[] => {
  const rejected = join(of.state, "rejected");
  const aside = readdirSync(rejected).map((name) => join(rejected, name));
  return [join(of.state, "tracker.json"), ...aside].map((path) => readFileSync(path, "utf8"));
};
