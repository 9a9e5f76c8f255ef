import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

import { expect, test, vi } from "vitest";

import { createJournal } from "../../src/journal/local.ts";
import { makeFifo } from "../journal/place.ts";
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

/** How people and scripts write a file: into it, over it, and over it while holding the lock that polite ones know. */
const hands: readonly ((path: string, text: string) => Promise<void>)[] = [
  async (path, text) => writeFileSync(path, text),
  async (path, text) => {
    writeFileSync(`${path}.mine`, text);
    renameSync(`${path}.mine`, path);
  },
  async (path, text) => {
    const lock = join(dirname(path), "locks", "tracker.lck");
    await until("the lock", () => isMade(lock) || undefined);
    writeFileSync(`${path}.mine`, text);
    renameSync(`${path}.mine`, path);
    rmdirSync(lock);
  },
];

const isMade = (folder: string): boolean => {
  try {
    mkdirSync(folder);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
};

/** Ours ends with a newline, those of this test do not. */
const isOurs = (scratch: Scratch): boolean => readFileSync(trackerIn(scratch), "utf8").endsWith("}\n");

/** The numbers of the edits that a record says were made, in the order of the log. */
const numbersIn = (changes: unknown): readonly number[] =>
  (changes as readonly { readonly at: readonly string[] }[]).flatMap(({ at }) => {
    const [, n] = /^edit-(\d+)$/.exec(at.at(-1) ?? "") ?? [];
    return n === undefined ? [] : [Number(n)];
  });

test("of two hundred edits during traffic none is lost and none recorded twice", { timeout: 180_000 }, async () => {
  await using scratch = await makeScratch();
  await begin(scratch);
  const path = trackerIn(scratch);
  const all = Array.from({ length: 200 }, (_, n) => n);
  const junk = all.filter((n) => n % 20 === 19);
  {
    await using _ = traffic(scratch);
    for (const n of all) {
      // Who writes a file that he has not read wipes out what others wrote: that much only a lock of theirs could prevent.
      if (junk.includes(n)) await until("the tracker", () => isOurs(scratch) || undefined);
      const tracker = await until("a whole tracker", () => look(scratch));
      const lane = tracker.lanes[`lane-${n % 5}`] ?? {};
      lane[`edit-${n}`] = n;
      if (n % 10 === 0) lane["tasks"] = [`edit ${n}`];
      const text = junk.includes(n) ? `{"edit-${n}": ` : JSON.stringify(tracker, null, n % 3);
      await hands[n % hands.length]?.(path, text);
      await new Promise((resolve) => {
        setTimeout(resolve, n % 7 === 0 ? 60 : 15);
      });
    }
  }
  await until("all edits to be settled", () => inRejected(scratch, true).length === 0 && isOurs(scratch));
  const events = await scratch.events();
  const patched = events.filter(({ type }) => type === "tracker.patched");
  const recorded = patched.flatMap(({ data }) => numbersIn(data["changes"]));
  expect(recorded.toSorted((a, b) => a - b)).toEqual(all.filter((n) => !junk.includes(n)));
  expect(patched.map(({ by, data }) => [by, data["left"]])).toEqual(patched.map(() => ["tracker", []]));
  const { lanes } = JSON.parse((await scratch.lanes("tracker", "get")).stdout) as Tracker;
  expect(all.filter((n) => lanes[`lane-${n % 5}`]?.[`edit-${n}`] === n)).toEqual(all.filter((n) => !junk.includes(n)));
  expect(lanes["lane-0"]?.["tasks"]).toEqual(["edit 190"]);
  const kept = inRejected(scratch, false).map((name) => readFileSync(join(stateIn(scratch), "rejected", name), "utf8"));
  expect(kept).toEqual(junk.map((n) => `{"edit-${n}": `));
  expect(events.filter(({ type }) => type === "tracker.rejected")).toHaveLength(junk.length);
  expect(events.filter(({ effective }) => !effective)).toEqual([]);
});

const hostile: readonly (readonly [string, string | Buffer])[] = [
  ["empty", ""],
  ["cut", '{"lanes": {"lane-0": {"ta'],
  ["NUL", "\0\0\0\0"],
  ["BOM", '\uFEFF{"own": 1}'],
  ["UTF-16", Buffer.from('\uFEFF{"own": 1}', "utf16le")],
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
    ["200 MB", () => truncateSync(path, 200_000_000)],
    ["a FIFO", () => (rmSync(path), makeFifo(path))],
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
  // The journal has the lane first; the files that are made from it come a moment later, each by itself.
  const shown = (name: string, what: object): Promise<void> =>
    vi.waitFor(() => expect(JSON.parse(scratch.read(`.orchestration/${name}`))).toMatchObject(what), {
      timeout: 30_000,
    });
  await shown("tasks/agent-extra/task_extra.json", { id: "extra", tasks: ["by hand"] });
  await shown("task-queue.json", { counts: { open: 6, done: 0 } });
  await shown("agent-registry.json", { agents: [], live: 0 });
  expect(inRejected(scratch, false)).toEqual([]);
});
