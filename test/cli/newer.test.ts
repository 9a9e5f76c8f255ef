import { appendFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { encode } from "../../src/journal/line.ts";
import { createJournal } from "../../src/journal/local.ts";
import { patience, scene, type Scene } from "./scratch.ts";

/** A newer program has written one record. */
const newerRecord = ({ top }: Scene): void => {
  const record = { v: 7, id: "from-tomorrow", at: 1, by: "human", on: "box", events: [] };
  appendFileSync(join(top, ".orchestration", "event-log.jsonl"), encode(record));
};

/** The engine of a newer program, which folds by other rules, has kept a snapshot. */
const newerFold = async ({ top }: Scene): Promise<void> => {
  const journal = createJournal({ state: join(top, ".orchestration") });
  const from = await journal.read({ byte: 0, position: 0 }, () => undefined);
  await journal.keep({ from, fold: 9, mark: "9", by: "4.5.6", text: "{}" });
};

const cases: readonly [string, string, (of: Scene) => Promise<void> | void][] = [
  [
    "record",
    "lanes: this repository's log was written by a newer lanes (record version 7, this one knows 1); install a lanes that knows record version 7; status, log and events work\n",
    newerRecord,
  ],
  [
    "fold",
    "lanes: this repository's log is folded by a newer lanes (fold version 9, this one knows 1); install lanes 4.5.6 or newer; status, log and events work\n",
    newerFold,
  ],
];

const writing: readonly (readonly string[])[] = [
  ["init"],
  ["add-lane", "more", "{}"],
  ["launch", "mine"],
  ["cancel", "mine"],
  ["merge"],
  ["plan"],
  ["cleanup"],
  ["stop-all"],
  ["reset", "--yes"],
  ["tracker", "patch", '{"own": 1}'],
  ["engine", "start"],
  ["engine", "run"],
  ["engine", "stop"],
];

const reading: readonly (readonly string[])[] = [
  ["status"],
  ["status", "--plain"],
  ["why", "mine"],
  ["events"],
  ["tracker", "get"],
  ["tracker", "export"],
  ["engine"],
  ["cleanup", "--dry-run"],
];

describe("a log whose %s version is newer than this program", patience, () => {
  test.each(cases)("%s: nothing is written, and looking works with a remark", async (_, line, happen) => {
    const repo = scene();
    expect((await repo.lanes("init")).code).toBe(0);
    expect((await repo.lanes("add-lane", "mine", '{"agent": "manual"}')).code).toBe(0);
    await happen(repo);
    const before = repo.world();
    for (const words of writing)
      expect([words, await repo.lanes(...words)]).toEqual([words, { code: 4, stdout: "", stderr: line }]);
    expect(repo.world()).toBe(before);
    for (const words of reading) {
      const { code, stdout, stderr } = await repo.lanes(...words);
      expect([words, code, stderr]).toEqual([words, 0, line]);
      expect(stdout).not.toBe("");
    }
    expect(repo.world()).toBe(before);
  });
});
