import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { crc32 } from "../../src/journal/crc.ts";
import { committing, patience, scene, type Scene } from "./scratch.ts";

const stateFile = ({ top }: Scene, name: string): string => join(top, ".orchestration", name);

/** A repository in which one lane landed, another is planned, and no engine lives. */
const landed = async (): Promise<Scene> => {
  const repo = scene();
  await repo.lanes("add-lane", "done", committing("done.txt"));
  expect((await repo.lanes("exec-lane", "done")).code).toBe(0);
  expect((await repo.lanes("merge")).code).toBe(0);
  await repo.lanes("add-lane", "next", '{"agent": "manual"}');
  await repo.lanes("engine", "stop");
  return repo;
};

/** Put other words into a snapshot's state, and a checksum that fits: what no accident does. */
const forge = (repo: Scene, from: string, to: string): void => {
  const path = stateFile(repo, "snapshot.json");
  const [header = "{}", state = ""] = readFileSync(path, "utf8").split("\n");
  const forged = Buffer.from(state.replaceAll(from, to));
  expect(forged.toString()).not.toBe(state);
  const unsummed = { ...(JSON.parse(header) as object), sum: 0 };
  const summed = Buffer.concat([Buffer.from(JSON.stringify(unsummed)), forged]);
  const next = { ...unsummed, sum: crc32(summed, 0, summed.length) };
  writeFileSync(path, `${JSON.stringify(next)}\n${forged.toString()}\n`);
};

interface Found {
  readonly projections: readonly {
    readonly name: string;
    readonly found: string;
    readonly differences: readonly { readonly field: string }[];
  }[];
}

const foundIn = (answer: Record<string, unknown>): Readonly<Record<string, string>> =>
  Object.fromEntries((answer as unknown as Found).projections.map(({ name, found }) => [name, found]));

describe("repair", patience, () => {
  test("finds nothing wrong where nothing is, twice", async () => {
    const repo = await landed();
    await repo.lanes("repair");
    const before = repo.world();
    for (const words of [["repair"], ["repair", "--dry-run"]]) {
      const { code, stdout } = await repo.lanes(...words);
      expect([code, stdout.replaceAll(/\d+/g, "N")]).toEqual([
        0,
        "event-log.jsonl: N lines, N in effect, N void, N damaged\ntracker.json: as the log says\nsnapshot.json: as the log says\nobserved.json: as the log says\n",
      ]);
    }
    expect(repo.world()).toBe(before);
  });

  test("shows field by field what is not as the log says, and writes it anew", async () => {
    const repo = await landed();
    await repo.lanes("repair");
    const tracker = stateFile(repo, "tracker.json");
    const right = readFileSync(tracker, "utf8");
    forge(repo, '"state":"merged"', '"state":"ready"');
    expect(await repo.stateOf("done")).toBe("ready");
    const wrong = right.replace('"state": "merged"', '"state": "failed"');
    writeFileSync(tracker, wrong);
    const dry = await repo.lanes("repair", "--dry-run");
    expect(dry.stdout).toContain(
      'tracker.json: not as the log says\n  lanes.done.state: "failed", by the log "merged"\n',
    );
    expect(dry.stdout).toContain(
      'snapshot.json: not as the log says\n  lanes.done.state: "ready", by the log "merged"\n',
    );
    expect(readFileSync(tracker, "utf8")).toBe(wrong);
    const { code, stdout } = await repo.lanes("repair");
    expect([code, stdout]).toEqual([
      0,
      dry.stdout.replaceAll("not as the log says", "not as the log says; written anew"),
    ]);
    expect(JSON.parse(readFileSync(tracker, "utf8"))).toMatchObject({ lanes: { done: { state: "merged" } } });
    expect(foundIn(await repo.json("repair", "--dry-run"))).toEqual({
      "tracker.json": "same",
      "snapshot.json": "same",
      "observed.json": "same",
    });
    expect(await repo.stateOf("done")).toBe("merged");
  });

  test("makes files anew that hold nothing, and lists the lines of the log that are damaged or void", async () => {
    const repo = await landed();
    const log = stateFile(repo, "event-log.jsonl");
    const length = readFileSync(log).length;
    appendFileSync(log, "half a li");
    await repo.lanes("cancel", "next");
    expect((await repo.lanes("cancel", "next")).code).toBe(0);
    // Last, for any other verb would have an engine look at what was put in the tracker's place.
    for (const name of ["tracker.json", "observed.json", "snapshot.json"]) writeFileSync(stateFile(repo, name), "\0\0");
    const { stdout } = await repo.lanes("repair");
    expect(stdout).toContain(`at byte ${length} is damaged: it has no checksum\n`);
    expect(stdout).toContain("tracker.json: holds nothing that can be read; written anew\n");
    expect(stdout).toContain("observed.json: holds nothing that can be read; written anew\n");
    expect(stdout).toContain("snapshot.json: not there; written anew\n");
    expect(existsSync(stateFile(repo, "snapshot.json"))).toBe(true);
    expect(foundIn(await repo.json("repair", "--dry-run"))).toEqual({
      "tracker.json": "same",
      "snapshot.json": "same",
      "observed.json": "same",
    });
    expect(readFileSync(log, "utf8")).toContain("half a li\n");
  });

  test("refuses the log of another repository, and changes nothing", async () => {
    const [one, other] = [await landed(), await landed()];
    writeFileSync(stateFile(other, "event-log.jsonl"), readFileSync(stateFile(one, "event-log.jsonl")));
    other.git("commit", "-q", "--allow-empty", "-m", "unlike the other");
    const before = other.world();
    const { code, stderr } = await other.lanes("repair");
    expect([code, stderr]).toEqual([
      65,
      expect.stringMatching(/^lanes: this log is another repository's: .*lanes reset --yes\n$/),
    ]);
    expect(other.world()).toBe(before);
  });
});
