import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { createJournal } from "../../src/journal/local.ts";
import { begin as startVerb, kill, makeScratch, type Scratch, until } from "./scratch.ts";

type Tracker = Record<string, unknown> & { readonly lanes: Record<string, Record<string, unknown>> };

const stateIn = ({ repo }: Scratch): string => join(repo, ".orchestration");
const trackerIn = (scratch: Scratch): string => join(stateIn(scratch), "tracker.json");

/** The tracker, when what stands there is one. */
const look = (scratch: Scratch): Tracker | undefined => {
  try {
    return JSON.parse(readFileSync(trackerIn(scratch), "utf8")) as Tracker;
  } catch (error) {
    if (error instanceof SyntaxError || (error instanceof Error && "code" in error)) return undefined;
    throw error;
  }
};

const inRejected = (scratch: Scratch, hidden: boolean): readonly string[] =>
  readdirSync(join(stateIn(scratch), "rejected")).filter((name) =>
    hidden ? name.endsWith(".edit") : !name.startsWith("."),
  );

/** A repository with five lanes in which nothing runs, and an engine. */
const begin = async (scratch: Scratch): Promise<number> => {
  for (let n = 0; n < 5; n += 1) await scratch.add(`lane-${n}`, { tasks: ["begin"] });
  // A viewer keeps the engine up.
  const { pid } = startVerb(scratch, "monitor");
  expect((await scratch.lanes("engine", "start")).code).toBe(0);
  await until("the first tracker", () => look(scratch));
  return pid;
};

/** Records as agents make them, until it is told to end: the tracker is published all the time. */
const traffic = (scratch: Scratch): AsyncDisposable => {
  const journal = createJournal({ state: stateIn(scratch) });
  const over = new AbortController();
  const run = async (): Promise<void> => {
    for (let n = 0; !over.signal.aborted; n += 1) {
      const event = { type: "lane.progressed", key: `lane-${n % 5}`, text: `step ${n}` } as const;
      await journal.append({ v: 1, id: `traffic-${n}`, at: Date.now(), by: "lane", on: "box", events: [event] });
      await new Promise((resolve) => {
        setTimeout(resolve, 5);
      });
    }
  };
  const running = run();
  return {
    [Symbol.asyncDispose]: async () => {
      over.abort();
      await running;
    },
  };
};

test("of two hundred edits during traffic, in place and by rename, none is lost", { timeout: 180_000 }, async () => {
  await using scratch = await makeScratch();
  await begin(scratch);
  const path = trackerIn(scratch);
  const isJunk = (n: number): boolean => n % 20 === 19;
  {
    await using _ = traffic(scratch);
    for (let n = 0; n < 200; n += 1) {
      const tracker = await until("a whole tracker", () => look(scratch));
      const lane = tracker.lanes[`lane-${n % 5}`] ?? {};
      lane[`edit-${n}`] = n;
      if (n % 10 === 0) lane["tasks"] = [`edit ${n}`];
      const text = isJunk(n) ? `{"edit-${n}": ` : JSON.stringify(tracker, null, n % 3);
      if (n % 2 === 0) writeFileSync(path, text);
      else {
        writeFileSync(`${path}.mine`, text);
        renameSync(`${path}.mine`, path);
      }
      await new Promise((resolve) => {
        setTimeout(resolve, n % 7 === 0 ? 60 : 15);
      });
    }
  }
  await until("all edits to be settled", () =>
    inRejected(scratch, true).length === 0 && look(scratch) ? true : undefined,
  );
  const { lanes } = JSON.parse((await scratch.lanes("tracker", "get")).stdout) as Tracker;
  const kept = inRejected(scratch, false).map((name) => readFileSync(join(stateIn(scratch), "rejected", name), "utf8"));
  const lost = Array.from({ length: 200 }, (_, n) => n).filter(
    (n) => lanes[`lane-${n % 5}`]?.[`edit-${n}`] !== n && !kept.some((text) => text.includes(`"edit-${n}"`)),
  );
  for (const n of lost)
    console.log(
      n,
      (await scratch.events())
        .filter((e) => JSON.stringify(e.data).includes(`edit-${n}"`))
        .map((e) => [e.position, e.at, e.effective, JSON.stringify(e.data).slice(0, 400)]),
    );
  if (lost.length > 0) console.log(readFileSync(join(stateIn(scratch), "engine.log"), "utf8").slice(0, 5000));
  expect(lost).toEqual([]);
  const imported = Array.from({ length: 200 }, (_, n) => n).filter((n) => lanes[`lane-${n % 5}`]?.[`edit-${n}`] === n);
  expect(imported).toEqual(Array.from({ length: 200 }, (_, n) => n).filter((n) => !isJunk(n)));
  expect(lanes["lane-0"]?.["tasks"]).toEqual(["edit 190"]);
  const events = await scratch.events();
  expect(events.filter(({ type }) => type === "tracker.rejected")).toHaveLength(10);
  expect(events.filter(({ effective }) => !effective)).toEqual([]);
});

const hostile: readonly (readonly [string, string | Buffer])[] = [
  ["empty", ""],
  ["cut", '{"lanes": {"lane-0": {"ta'],
  ["NUL", "\0\0\0\0"],
  ["BOM", '\uFEFF{"own": 1}'],
  ["UTF-16", Buffer.from('\uFEFF{"own": 1}', "utf16le")],
  ["17 MB", Buffer.alloc(17_000_000, " ")],
  ["deep", `${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`],
  ["duplicate keys", '{"own": 1, "own": 2}'],
  ["__proto__", '{"__proto__": {"own": 1}}'],
  ["NaN", '{"own": NaN}'],
  ["conflict markers", '<<<<<<< ours\n{"own": 1}\n=======\n{}\n>>>>>>> theirs\n'],
  ["a list", "[]"],
];

test("bytes that are no tracker are kept, said, and give way to the tracker", { timeout: 180_000 }, async () => {
  await using scratch = await makeScratch();
  await begin(scratch);
  const path = trackerIn(scratch);
  const things: readonly (readonly [string, () => void])[] = [
    ...hostile.map(([name, bytes]) => [name, () => writeFileSync(path, bytes)] as const),
    ["a FIFO", () => (rmSync(path), execFileSync("mkfifo", [path]))],
    ["a folder", () => (rmSync(path), mkdirSync(join(path, "full"), { recursive: true }))],
    ["a link", () => (rmSync(path), symlinkSync("/etc/passwd", path))],
    ["a link to nothing", () => (rmSync(path), symlinkSync("nowhere", path))],
  ];
  for (const [count, [name, put]] of things.entries()) {
    put();
    await until(`${name} to be kept`, () => (inRejected(scratch, false).length === count + 1 ? true : undefined));
    await until(`the tracker after ${name}`, () => (look(scratch)?.lanes["lane-0"] ? true : undefined));
  }
  const told = await until("all to be said", async () => {
    const rejected = (await scratch.events()).filter(({ type }) => type === "tracker.rejected");
    return rejected.length === things.length ? rejected : undefined;
  });
  expect(told.map(({ data }) => data["kept"])).toEqual(
    inRejected(scratch, false)
      .toSorted()
      .map((name) => `rejected/${name}`),
  );
  expect(JSON.parse((await scratch.lanes("tracker", "get")).stdout)).not.toHaveProperty("own");
  expect(readFileSync("/etc/passwd", "utf8")).toContain("root");
});

test("an edit made while no engine runs is taken over by the next verb", { timeout: 90_000 }, async () => {
  await using scratch = await makeScratch();
  kill(await begin(scratch));
  expect((await scratch.lanes("engine", "stop")).code).toBe(0);
  const tracker = look(scratch);
  writeFileSync(
    trackerIn(scratch),
    JSON.stringify({ ...tracker, lanes: { ...tracker?.lanes, extra: { tasks: ["by hand"] } } }),
  );
  expect((await scratch.lanes("why", "lane-0")).code).toBe(0);
  await until("the lane", async () => ((await scratch.state("extra")) === "planned" ? true : undefined));
  expect(JSON.parse(scratch.read(".orchestration/tasks/agent-extra/task_extra.json"))).toMatchObject({
    id: "extra",
    tasks: ["by hand"],
  });
  expect(JSON.parse(scratch.read(".orchestration/task-queue.json"))).toMatchObject({ counts: { open: 6, done: 0 } });
  expect(JSON.parse(scratch.read(".orchestration/agent-registry.json"))).toMatchObject({ agents: [], live: 0 });
  expect(inRejected(scratch, false)).toEqual([]);
});
