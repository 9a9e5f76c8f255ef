// What the journal costs, as ratios to a reference measured in the same run. Each function answers
// {name, ratio, detail} with its name in budgets.json, where there is one. By itself: node test/bench/journal.mjs [FOLDER]
import { spawn } from "node:child_process";
import {
  closeSync,
  constants,
  fdatasyncSync,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

import { build } from "esbuild";
import { lock } from "proper-lockfile";

const self = fileURLToPath(import.meta.url);
const root = join(dirname(self), "..", "..");

/** Rounds of each measurement; the median of the rounds' ratios counts. */
const rounds = 7;

/** Our sources as one module, bundled anew by the first process and loaded by its writers. */
const bundle = join(root, "node_modules", ".cache", "lanekeeper-bench", "journal.mjs");

const bundleSources = async () => {
  mkdirSync(dirname(bundle), { recursive: true });
  const contents = 'export * from "./src/journal/local.ts"; export * from "./src/journal/line.ts";';
  await build({
    stdin: { contents, resolveDir: root, loader: "ts" },
    outfile: bundle,
    bundle: true,
    platform: "node",
    format: "esm",
    external: ["proper-lockfile"],
  });
};

const load = async () => import(pathToFileURL(bundle).href);

const record = (id) => ({
  v: 1,
  id: `01KAJ${id.padStart(21, "0")}`,
  at: 1_764_000_000_000,
  by: "engine",
  on: "box-1",
  cause: "01KAJ000000000000000000000",
  if: [{ engine: 3 }],
  events: [{ type: "run.exited", key: "lane-17", n: 3, code: 0, at: 1_764_000_000_000 }],
});

const emptyTracker = '{"version":1,"lanes":{}}';

/** What a writer process does `count` times: `journal` through append and read back, `bare`, or `lockfile`. */
const works = {
  journal: async (folder, name, count) => {
    const { createJournal } = await load();
    const journal = createJournal({ state: folder });
    let cursor = { byte: 0, position: 0 };
    let read = 0;
    return async () => {
      for (let n = 0; n < count; n += 1) {
        // The line is written when append returns: it is read back while the disk syncs.
        const synced = journal.append(record(`${name}x${n}`));
        cursor = await journal.read(cursor, () => (read += 1));
        await synced;
      }
    };
  },
  bare: async (folder, name, count) => {
    const { encode } = await load();
    const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT;
    const file = openSync(join(folder, "event-log.jsonl"), flags, 0o600);
    const lines = Array.from({ length: count }, (_, n) => encode(record(`${name}x${n}`)));
    return async () => {
      for (const line of lines) {
        writeSync(file, line);
        fdatasyncSync(file);
      }
    };
  },
  // The tracker as seed 001 has it: lock, read, change, write aside, sync, rename, unlock. Retries tuned for throughput.
  lockfile: async (folder, name, count) => {
    const path = join(folder, "tracker.json");
    const retries = { forever: true, minTimeout: 1, maxTimeout: 10, factor: 1.2, randomize: true };
    return async () => {
      for (let n = 0; n < count; n += 1) {
        const release = await lock(path, { realpath: false, stale: 20_000, retries });
        const tracker = JSON.parse(readFileSync(path, "utf8"));
        tracker.lanes[name] = n;
        const file = openSync(`${path}.${name}`, "w");
        writeSync(file, JSON.stringify(tracker));
        fsyncSync(file);
        closeSync(file);
        renameSync(`${path}.${name}`, path);
        await release();
      }
    };
  },
};

/** Changes that a writer makes elsewhere before it says that it is ready: what is measured is not the compiler. */
const warmUp = { journal: 8000, bare: 8000, lockfile: 30 };

const warm = async (kind, folder, name, count) => {
  const elsewhere = mkdtempSync(join(dirname(folder), "lanes-bench-warm-"));
  writeFileSync(join(elsewhere, "tracker.json"), emptyTracker);
  await (
    await works[kind](elsewhere, name, count)
  )();
  rmSync(elsewhere, { recursive: true });
};

/** A writer of a crowd: changes for so many milliseconds, and tells how long each took. */
const beOneOfMany = async ([kind, folder, name, ms]) => {
  await warm(kind, folder, name, 20);
  const change = await works[kind](folder, name, 1);
  process.send("ready");
  process.once("message", async () => {
    const took = [];
    for (const end = performance.now() + Number(ms); performance.now() < end;) {
      const start = performance.now();
      await change();
      took.push(performance.now() - start);
    }
    process.send(took, () => process.disconnect());
  });
};

const beWriter = async ([kind, folder, name, count]) => {
  await warm(kind, folder, name, warmUp[kind]);
  const work = await works[kind](folder, name, Number(count));
  process.send("ready");
  process.once("message", async () => {
    await work();
    process.send("done");
    process.disconnect();
  });
};

const told = async (writer) =>
  new Promise((resolve, reject) => {
    writer.once("message", resolve);
    writer.once("exit", (code) => code !== 0 && reject(new Error(`a writer ended with ${code}`)));
  });

const said = async (writer, word) => {
  const message = await told(writer);
  if (message !== word) throw new Error(`said ${message}`);
};

/** Let `writers` processes that do `how` start all at once; answers what each told at its end, and how long it took in all. */
const together = async (how, kind, writers, amount, disk) => {
  const folder = mkdtempSync(join(disk, "lanes-bench-"));
  writeFileSync(join(folder, "tracker.json"), emptyTracker);
  try {
    const args = (n) => [self, how, kind, folder, `w${n}`, `${amount}`];
    const stdio = ["ignore", "inherit", "inherit", "ipc"];
    const all = Array.from({ length: writers }, (_, n) => spawn(process.execPath, args(n), { stdio }));
    await Promise.all(all.map(async (writer) => said(writer, "ready")));
    const ends = all.map(told);
    const start = performance.now();
    for (const writer of all) writer.send("go");
    const answers = await Promise.all(ends);
    return { answers, ms: performance.now() - start };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** Durable changes per second of `writers` processes, their start-up not counted. */
const rateOf = async (kind, writers, count, disk) => {
  const { answers, ms } = await together("--writer", kind, writers, count, disk);
  if (answers.some((answer) => answer !== "done")) throw new Error(`said ${answers.join(" ")}`);
  return (writers * count * 1000) / ms;
};

/** What a crowd of 64 writers got done for a while: changes per second, the slowest of a hundred, the least served by the most. */
const crowdOf = async (kind, seconds, disk) => {
  const { answers, ms } = await together("--crowd", kind, 64, seconds * 1000, disk);
  const counts = answers.map((took) => took.length);
  const all = answers.flat().toSorted((a, b) => a - b);
  return {
    rate: (all.length * 1000) / ms,
    p99: all[Math.floor(all.length * 0.99)],
    even: Math.min(...counts) / Math.max(...counts),
  };
};

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

/** Ours and the reference in turns, so that a slow moment of the machine hits both. */
const inTurns = async (ours, reference) => {
  const pairs = [];
  for (let round = 0; round < rounds; round += 1) pairs.push([await ours(), await reference()]);
  return {
    ratio: median(pairs.map(([a, b]) => a / b)),
    ours: median(pairs.map(([a]) => a)),
    reference: median(pairs.map(([, b]) => b)),
  };
};

const appends = 1500;

/** 4 writers: append, sync and read back, against O_APPEND + fdatasync of the same bytes and nothing else. */
export const appendAgainstBare = async (disk = tmpdir()) => {
  await bundleSources();
  const measured = await inTurns(
    async () => rateOf("journal", 4, appends, disk),
    async () => rateOf("bare", 4, appends, disk),
  );
  const detail = `4 writers x ${appends}: ${measured.ours.toFixed(0)}/s, bare O_APPEND + fdatasync ${measured.reference.toFixed(0)}/s`;
  return { name: "append-4-writers", ratio: measured.ratio, detail };
};

/** 16 writers: the same against read, change and write of one file under proper-lockfile. */
export const appendAgainstLockfile = async (disk = tmpdir()) => {
  await bundleSources();
  const measured = await inTurns(
    async () => rateOf("journal", 16, 300, disk),
    async () => rateOf("lockfile", 16, 10, disk),
  );
  const detail = `16 writers: ${measured.ours.toFixed(0)}/s, tuned proper-lockfile ${measured.reference.toFixed(0)}/s`;
  return { name: "append-16-writers", ratio: measured.ratio, detail };
};

/** 64 writers: the same, and that nobody of so many waits for long or is passed over. */
export const crowdAgainstLockfile = async (disk = tmpdir()) => {
  await bundleSources();
  const [ours, reference] = [[], []];
  for (let round = 0; round < 3; round += 1) {
    ours.push(await crowdOf("journal", 5, disk));
    reference.push(await crowdOf("lockfile", 10, disk));
  }
  const middle = (crowds, what) => median(crowds.map((crowd) => crowd[what]));
  const shown = (crowds) =>
    `${middle(crowds, "rate").toFixed(0)}/s, p99 ${middle(crowds, "p99").toFixed(0)} ms, least/most ${middle(crowds, "even").toFixed(2)}`;
  const detail = `64 writers: ${shown(ours)}; tuned proper-lockfile: ${shown(reference)}`;
  return [
    { name: "append-64-writers", ratio: median(ours.map(({ rate }, n) => rate / reference[n].rate)), detail },
    { name: "append-64-p99", ratio: middle(ours, "p99"), detail },
    { name: "append-64-even", ratio: middle(ours, "even"), detail },
  ];
};

const replayLines = 100_000;

/** Reading a log of 100,000 records, checksums included, against JSON.parse of the same lines held in memory. */
export const readAgainstParse = async (disk = tmpdir()) => {
  await bundleSources();
  const { createJournal, encode } = await load();
  const lines = Array.from({ length: replayLines }, (_, n) => encode(record(`r${n}`)));
  const folder = mkdtempSync(join(disk, "lanes-bench-"));
  try {
    writeFileSync(join(folder, "event-log.jsonl"), Buffer.concat(lines));
    const texts = lines.map((line) => line.toString().trimEnd());
    let seen = 0;
    const timed = async (work) => {
      const start = performance.now();
      await work();
      return performance.now() - start;
    };
    const measured = await inTurns(
      async () =>
        timed(async () =>
          createJournal({ state: folder }).read({ byte: 0, position: 0 }, (entry) => (seen += entry.record.v)),
        ),
      async () => timed(async () => texts.forEach((text) => (seen += JSON.parse(text).v))),
    );
    if (seen !== 2 * rounds * replayLines) throw new Error(`read ${seen} records`);
    const detail = `${replayLines} records: ${measured.ours.toFixed(0)} ms, JSON.parse ${measured.reference.toFixed(0)} ms`;
    return { name: "journal-read", ratio: measured.ratio, detail };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

if (process.argv[2] === "--writer") await beWriter(process.argv.slice(3));
else if (process.argv[2] === "--crowd") await beOneOfMany(process.argv.slice(3));
else if (process.argv[1] === self)
  for (const measure of [readAgainstParse, appendAgainstBare, appendAgainstLockfile]) {
    const { name, ratio, detail } = await measure(process.argv[2]);
    process.stdout.write(`${name}: ${ratio.toFixed(2)}; ${detail}; Node ${process.versions.node}\n`);
  }
