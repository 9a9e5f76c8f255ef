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

/** A holder that is held up for long loses its lock; what is measured is the speed. */
const passOver = () => undefined;

/** One change after another as a writer process makes them: `journal` through append and read back, `bare`, or `lockfile`. */
const works = {
  journal: async (folder, name) => {
    const { createJournal } = await load();
    const journal = createJournal({ state: folder });
    let cursor = { byte: 0, position: 0 };
    let read = 0;
    return async (n) => {
      // The line is written when append returns: it is read back while the disk syncs.
      const synced = journal.append(record(`${name}x${n}`));
      cursor = await journal.read(cursor, () => (read += 1));
      await synced;
    };
  },
  bare: async (folder, name, count) => {
    const { encode } = await load();
    const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT;
    const file = openSync(join(folder, "event-log.jsonl"), flags, 0o600);
    const lines = Array.from({ length: count }, (_, n) => encode(record(`${name}x${n}`)));
    return (n) => {
      writeSync(file, lines[n]);
      fdatasyncSync(file);
    };
  },
  // The tracker as seed 001 has it: lock, read, change, write aside, sync, rename, unlock. Retries tuned for throughput.
  lockfile: async (folder, name) => {
    const path = join(folder, "tracker.json");
    const retries = { forever: true, minTimeout: 1, maxTimeout: 10, factor: 1.2, randomize: true };
    return async (n) => {
      const release = await lock(path, { realpath: false, stale: 20_000, retries, onCompromised: passOver });
      const tracker = JSON.parse(readFileSync(path, "utf8"));
      tracker.lanes[name] = n;
      const file = openSync(`${path}.${name}`, "w");
      writeSync(file, JSON.stringify(tracker));
      fsyncSync(file);
      closeSync(file);
      renameSync(`${path}.${name}`, path);
      await release();
    };
  },
};

/** Changes that a writer makes elsewhere before it says that it is ready: what is measured is not the compiler. */
const warmUp = { journal: 8000, bare: 8000, lockfile: 30 };
/** The same where 64 writers warm up on a few cores. */
const crowdWarmUp = { journal: 500, lockfile: 3 };

const changes = async (work, count) => {
  for (let n = 0; n < count; n += 1) {
    const done = work(n);
    if (done !== undefined) await done;
  }
};

/** Change after change for `ms`: how long each took. */
const changesFor = async (work, ms) => {
  const took = [];
  const end = performance.now() + ms;
  for (let n = 0; performance.now() < end; n += 1) {
    const begin = performance.now();
    await work(n);
    took.push(performance.now() - begin);
  }
  return took;
};

/** `how`: `count` for so many changes, `crowd` for so many ms. */
const beWriter = async ([how, kind, folder, name, amount]) => {
  const elsewhere = mkdtempSync(join(dirname(folder), "lanes-bench-warm-"));
  writeFileSync(join(elsewhere, "tracker.json"), emptyTracker);
  const warm = how === "crowd" ? crowdWarmUp[kind] : warmUp[kind];
  await changes(await works[kind](elsewhere, name, warm), warm);
  rmSync(elsewhere, { recursive: true });
  const work = await works[kind](folder, name, Number(amount));
  process.send("ready");
  process.once("message", async () => {
    if (how === "crowd") process.send({ took: await changesFor(work, Number(amount)) });
    else {
      await changes(work, Number(amount));
      process.send("done");
    }
    process.disconnect();
  });
};

/** The next message of a writer. */
const heard = async (writer) =>
  new Promise((resolve, reject) => {
    writer.once("message", resolve);
    writer.once("exit", (code) => code !== 0 && reject(new Error(`a writer ended with ${code}`)));
  });

/** Writers that all start at once, their start-up not counted: what each said at its end, and the ms that all took. */
const together = async (how, kind, writers, amount, disk) => {
  const folder = mkdtempSync(join(disk, "lanes-bench-"));
  writeFileSync(join(folder, "tracker.json"), emptyTracker);
  const all = [];
  try {
    const args = (n) => [self, "--writer", how, kind, folder, `w${n}`, `${amount}`];
    const stdio = ["ignore", "inherit", "inherit", "ipc"];
    for (let n = 0; n < writers; n += 1) all.push(spawn(process.execPath, args(n), { stdio }));
    await Promise.all(all.map(heard));
    const done = all.map(heard);
    const start = performance.now();
    for (const writer of all) writer.send("go");
    return { answers: await Promise.all(done), ms: performance.now() - start };
  } finally {
    for (const writer of all) writer.kill();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
};

/** Durable changes per second of `writers` processes that make `count` each. */
const rateOf = async (kind, writers, count, disk) =>
  (writers * count * 1000) / (await together("count", kind, writers, count, disk)).ms;

/** The same of processes that go on for `ms`, with the time that each change took and how many each writer made. */
const crowdOf = async (kind, writers, ms, disk) => {
  const { answers, ms: all } = await together("crowd", kind, writers, ms, disk);
  const served = answers.map(({ took }) => took.length);
  const took = answers.flatMap((answer) => answer.took).toSorted((a, b) => a - b);
  return {
    rate: (took.length * 1000) / all,
    p99: took[Math.ceil(took.length * 0.99) - 1] ?? 0,
    evenness: Math.min(...served) / Math.max(...served),
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

const crowdRounds = 3;

/** 64 writers for a while: their rate against the same reference, how long the slowest changes take, and whether any writer starves. */
export const appendInCrowd = async (disk = tmpdir()) => {
  await bundleSources();
  const [ours, reference] = [[], []];
  for (let round = 0; round < crowdRounds; round += 1) {
    ours.push(await crowdOf("journal", 64, 8000, disk));
    reference.push(await crowdOf("lockfile", 64, 10_000, disk));
  }
  const of = (list, name) => median(list.map((each) => each[name]));
  const ratio = median(ours.map(({ rate }, round) => rate / reference[round].rate));
  const detail = `64 writers: ${of(ours, "rate").toFixed(0)}/s, p99 ${of(ours, "p99").toFixed(0)} ms; tuned proper-lockfile ${of(reference, "rate").toFixed(1)}/s, p99 ${of(reference, "p99").toFixed(0)} ms, least/most served ${of(reference, "evenness").toFixed(2)}; median of ${crowdRounds}`;
  return [
    { name: "append-64-writers", ratio, detail },
    { name: "append-64-p99", ratio: of(ours, "p99"), detail },
    { name: "append-64-evenness", ratio: of(ours, "evenness"), detail },
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
else if (process.argv[1] === self)
  for (const measure of [readAgainstParse, appendAgainstBare, appendAgainstLockfile, appendInCrowd])
    for (const { name, ratio, detail } of [await measure(process.argv[2])].flat())
      process.stdout.write(`${name}: ${ratio.toFixed(2)}; ${detail}; Node ${process.versions.node}\n`);
