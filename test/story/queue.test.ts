import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { lives } from "../host/living.ts";
import { kill, makeScratch, type Scratch, until } from "./scratch.ts";

const patience = { timeout: 180_000 };

const edit = (file: string, text: string): string =>
  `printf '%s\\n' ${JSON.stringify(text)} > ${file}; git add ${file}; git commit -qm ${JSON.stringify(`edit ${file}`)}`;

/** Lanes with work in them, ready to be merged. */
const ready = async (scratch: Scratch, lanes: Readonly<Record<string, string>>): Promise<void> => {
  for (const [id, command] of Object.entries(lanes)) await scratch.add(id, { command, retries: 0 });
  expect((await scratch.lanes("exec-lane", ...Object.keys(lanes))).code).toBe(0);
};

/** A check that notes the tree that it ran on, beside the repository. */
const noting = (scratch: Scratch, check: string): string => `git rev-parse HEAD >> ${beside(scratch)}; ${check}`;

const beside = (scratch: Scratch): string => join(scratch.repo, "..", "checked");

const checked = (scratch: Scratch): readonly string[] =>
  existsSync(beside(scratch)) ? readFileSync(beside(scratch), "utf8").split("\n").slice(0, -1) : [];

const subjects = async (scratch: Scratch): Promise<readonly string[]> =>
  (await scratch.git("log", "--first-parent", "--format=%s", "main")).split("\n");

/** Every commit that the target got is one that the check ran on. */
const expectTested = async (scratch: Scratch): Promise<void> => {
  const values = (await scratch.git("log", "--first-parent", "--format=%H", "main")).split("\n").slice(0, -1);
  const known = new Set(checked(scratch));
  expect(values.filter((commit) => !known.has(commit))).toEqual([]);
};

test(
  "six lanes of which one spoils the rest: they are tested together, it is found by halves, the others land",
  patience,
  async () => {
    await using scratch = await makeScratch();
    const ids = ["a", "b", "c", "d", "e", "f"];
    await ready(scratch, Object.fromEntries(ids.map((id) => [id, edit(`${id}.txt`, id)])));
    const check = noting(scratch, "test ! -e d.txt");
    const merged = await scratch.lanes("merge", ...ids, "--check", check, "--json");
    expect(merged.code).toBe(1);
    const { landed, refused } = JSON.parse(merged.stdout) as {
      landed: { lane: string }[];
      refused: { lane: string; reason: string }[];
    };
    expect(landed.map(({ lane }) => lane)).toEqual(["a", "b", "c", "e", "f"]);
    expect(refused.map(({ lane }) => lane)).toEqual(["d"]);
    expect(refused[0]?.reason).toMatch(/on top of .*: exit code 1/);
    expect(checked(scratch)).toHaveLength(4);
    await expectTested(scratch);
    for (const id of ["a", "b", "c", "e", "f"]) expect(scratch.read(`${id}.txt`)).toBe(`${id}\n`);
    expect(await subjects(scratch)).toEqual(["Merge lanes e, f", "Merge lanes a, b, c", "Begin"]);
    expect(await scratch.git("log", "-1", "--format=%b", "main")).toContain("Lane: e\nLane: f");
    expect(await scratch.git("log", "-1", "--format=%P", "main")).toMatch(/^[0-9a-f]+ [0-9a-f]+ [0-9a-f]+$/);
    expect((await scratch.lanes("log", "d", "--check")).code).toBe(0);
    expect(await scratch.git("status", "--porcelain")).toBe("");
  },
);

test("one lane of several that landed as one commit is undone alone, and comes again", patience, async () => {
  await using scratch = await makeScratch();
  await ready(scratch, { a: edit("a.txt", "a"), b: edit("b.txt", "b"), c: edit("c.txt", "c") });
  expect((await scratch.lanes("merge", "a", "b", "c", "--check", "true")).code).toBe(0);
  expect(await subjects(scratch)).toEqual(["Merge lanes a, b, c", "Begin"]);
  expect((await scratch.lanes("undo", "b", "--check", "true", "--yes")).code).toBe(0);
  expect(existsSync(join(scratch.repo, "b.txt"))).toBe(false);
  expect([scratch.read("a.txt"), scratch.read("c.txt")]).toEqual(["a\n", "c\n"]);
  expect((await scratch.lanes("merge", "b", "--check", "true")).code).toBe(0);
  expect(scratch.read("b.txt")).toBe("b\n");
});

test(
  "a lane that conflicts with another one in its batch waits for that, and only then needs somebody",
  patience,
  async () => {
    await using scratch = await makeScratch({ "story.txt": "once\n" });
    await ready(scratch, {
      first: edit("story.txt", "first"),
      second: edit("story.txt", "second"),
      third: edit("third.txt", "x"),
    });
    const merging = scratch.lanes(
      "merge",
      "first",
      "second",
      "third",
      "--check",
      `until test -e ${beside(scratch)}.go; do sleep 0.1; done`,
    );
    await until("the second to be put off", async () => {
      const why = (await scratch.lanes("why", "second")).stdout;
      return why.includes("conflicts with first") ? why : undefined;
    });
    const { stdout } = await scratch.lanes("merge", "--list", "--json");
    const { entries } = JSON.parse(stdout) as { entries: { lane: string; phase: string; lanes: string[] }[] };
    // Who collides with nobody goes first, as soon as the forecast says so.
    const shown = entries.map(({ lane, phase, lanes }) => `${lane} ${phase} ${lanes.toSorted().join("+")}`);
    expect(shown.slice(0, 2).toSorted()).toEqual(["first testing first+third", "third testing first+third"]);
    expect(entries[2]).toMatchObject({ position: 3, lane: "second", phase: "waiting", holder: "first" });
    expect((await scratch.lanes("merge", "--list")).stdout).toMatch(/^3 +second +waiting +main +first/m);
    writeFileSync(`${beside(scratch)}.go`, "");
    expect((await merging).code).toBe(2);
    expect([await scratch.state("first"), await scratch.state("second"), await scratch.state("third")]).toEqual([
      "merged",
      "conflicted",
      "merged",
    ]);
    expect((await scratch.lanes("merge", "--list")).stdout).toBe("the merge queue is empty\n");
  },
);

test("a flaky check is run once more and told; a tree that passed is not tested again", patience, async () => {
  await using scratch = await makeScratch();
  await ready(scratch, { a: edit("a.txt", "a") });
  const flaky = noting(scratch, `test $(wc -l < ${beside(scratch)}) -gt 1`);
  expect((await scratch.lanes("merge", "a", "--check", flaky)).code).toBe(0);
  expect(checked(scratch)).toHaveLength(2);
  expect((await scratch.lanes("merge", "--list")).stdout).toContain("1 flaky check so far");
  expect(
    (await scratch.events()).filter(({ type, data }) => type === "check.ended" && data["flaky"] === true),
  ).toHaveLength(1);
  await ready(scratch, { b: edit("b.txt", "b") });
  const merging = scratch.lanes(
    "merge",
    "b",
    "--check",
    noting(scratch, `until test -e ${beside(scratch)}.go; do sleep 0.1; done`),
  );
  await until("the check to run", () => (checked(scratch).length === 3 ? true : undefined));
  await scratch.git("commit", "-q", "--allow-empty", "-m", "Meanwhile");
  writeFileSync(`${beside(scratch)}.go`, "");
  expect((await merging).code).toBe(0);
  expect(checked(scratch)).toHaveLength(3);
  expect((await subjects(scratch)).slice(0, 2)).toEqual(["Merge lane b", "Meanwhile"]);
});

test("a check that takes too long is ended with all that it started", patience, async () => {
  await using scratch = await makeScratch();
  scratch.write("lanes.config.json", '{"checkTimeoutMs": 1500}');
  await ready(scratch, { a: edit("a.txt", "a") });
  const pids = `${beside(scratch)}.pids`;
  const merged = await scratch.lanes("merge", "a", "--check", `sh -c 'echo $$ >> ${pids}; exec sleep 300' & sleep 300`);
  expect([merged.code, merged.stdout]).toEqual([
    1,
    expect.stringContaining("ended after its time limit (checkTimeoutMs)"),
  ]);
  const left = readFileSync(pids, "utf8").trim().split("\n").map(Number);
  expect(left).toHaveLength(1);
  expect(left.filter(lives)).toEqual([]);
  expect(await subjects(scratch)).toEqual(["Begin"]);
});

test(
  "two slots test batches on top of each other; the engine is killed meanwhile; all land once, and tested",
  patience,
  async () => {
    await using scratch = await makeScratch();
    scratch.write("lanes.config.json", '{"checkSlots": 2}');
    await ready(scratch, { a: edit("a.txt", "a"), b: edit("b.txt", "b"), c: edit("c.txt", "c") });
    const check = noting(scratch, `until test -e ${beside(scratch)}.go; do sleep 0.1; done`);
    const first = scratch.lanes("merge", "a", "--check", check);
    await until("the first check", () => (checked(scratch).length === 1 ? true : undefined));
    const second = scratch.lanes("merge", "b", "c", "--check", check);
    await until("the second check", () => (checked(scratch).length === 2 ? true : undefined));
    expect([await scratch.state("a"), await scratch.state("b"), await scratch.state("c")]).toEqual([
      "merging",
      "merging",
      "merging",
    ]);
    expect((await scratch.lanes("why", "b")).stdout).toContain("together with c, on top of a");
    kill((await scratch.engine()) ?? 0);
    writeFileSync(`${beside(scratch)}.go`, "");
    expect([(await first).code, (await second).code]).toEqual([0, 0]);
    expect(await subjects(scratch)).toEqual(["Merge lanes b, c", "Merge lane a", "Begin"]);
    expect(checked(scratch)).toHaveLength(2);
    await expectTested(scratch);
  },
);

test("without strict mode a batch lands as it was stacked, lane by lane", patience, async () => {
  await using scratch = await makeScratch();
  scratch.write("lanes.config.json", '{"strict": false}');
  appendFileSync(join(scratch.repo, ".git", "info", "exclude"), "lanes.config.json\n");
  await ready(scratch, { a: edit("a.txt", "a"), b: edit("b.txt", "b") });
  expect((await scratch.lanes("merge", "a", "b", "--check", "true")).code).toBe(0);
  expect(await subjects(scratch)).toEqual(["Merge lane b", "Merge lane a", "Begin"]);
});

test("what your own edits are in the way of waits alone; the lanes tested with it land", patience, async () => {
  await using scratch = await makeScratch({ "mine.txt": "begin\n" });
  const commands = { a: edit("a.txt", "a"), b: edit("mine.txt", "b"), c: edit("c.txt", "c") };
  await ready(scratch, commands);
  scratch.write("mine.txt", "my own edit\n");
  const merged = await scratch.lanes("merge", "a", "b", "c", "--check", noting(scratch, "true"));
  expect([merged.code, merged.stdout]).toEqual([4, expect.stringContaining("b is landed-pending: your edits")]);
  expect(await Promise.all(["a", "b", "c"].map((id) => scratch.state(id)))).toEqual([
    "merged",
    "landed-pending",
    "merged",
  ]);
  expect(scratch.read("mine.txt")).toBe("my own edit\n");
  scratch.write("mine.txt", "begin\n");
  await until("the landing", async () => ((await scratch.state("b")) === "merged" ? true : undefined));
  expect(scratch.read("mine.txt")).toBe("b\n");
  // What lands last is the tree that was tested with all three: it is not tested again.
  expect(new Set(checked(scratch)).size).toBe(checked(scratch).length);
});
