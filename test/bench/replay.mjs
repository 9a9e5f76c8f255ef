// Start-up from the log alone: read, checksum, parse and fold a whole history, against JSON.parse of the same lines.
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

import { build } from "esbuild";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const rounds = 9;
/** Lanes, and how often each is run before it is merged: a long history of a large repository. */
const [lives, failures] = [1000, 20];

const load = async () => {
  const outfile = join(root, "node_modules", ".cache", "lanekeeper-bench", "replay.mjs");
  mkdirSync(dirname(outfile), { recursive: true });
  const parts = ["journal/local", "journal/line", "core/fold", "core/state"];
  const contents = parts.map((part) => `export * from "./src/${part}.ts";`).join("\n");
  const stdin = { contents, resolveDir: root, loader: "ts" };
  await build({ stdin, outfile, bundle: true, platform: "node", format: "esm", external: ["proper-lockfile"] });
  return import(pathToFileURL(outfile).href);
};

const sha = (n) => n.toString(16).padStart(40, "a");

/** The records of a run that failed. */
const failedRun = (key, run, n) => [
  [{ type: "lane.queued", key, why: "tried again" }],
  [{ type: "run.asked", key, n: run, base: sha(n + 1) }],
  [
    {
      type: "run.started",
      key,
      n: run,
      process: { pid: 4000 + run, start: "343777", boot: "dd55ad2b-8f7f-4fe5-8a50-1f526385b841" },
      at: 1_764_000_000_000,
    },
  ],
  [
    { type: "run.exited", key, n: run, code: 3, at: 1_764_000_001_000 },
    { type: "lane.failed", key, why: "exit code 3" },
  ],
];

/** The records of one lane from a wish to merged, as the program writes them. */
const lifeOf = (n, failed) => {
  const key = `lane-${n}`;
  const candidate = sha(n);
  const run = {
    type: "run.started",
    key,
    n: failed + 1,
    process: { pid: 4000 + n, start: "343777", boot: "dd55ad2b-8f7f-4fe5-8a50-1f526385b841" },
    at: 1_764_000_000_000,
  };
  const spec = {
    name: key,
    tasks: ["write the guide"],
    parallel: true,
    priority: "normal",
    command: ["sh", "-c", "./work.sh"],
    dependsOn: [],
    paths: [],
    env: [],
    commit: "agent",
    retries: 2,
    kind: "work",
  };
  return [
    [{ type: "lane.added", key, spec }],
    ...Array.from({ length: failed }, (_, index) => failedRun(key, index + 1, n)).flat(),
    [{ type: "lane.queued", key, why: "" }],
    [{ type: "run.asked", key, n: failed + 1, base: sha(n + 1) }],
    [run],
    [
      { type: "run.exited", key, n: failed + 1, code: 0, at: 1_764_000_001_000 },
      { type: "lane.readied", key, head: sha(n + 2), results: [] },
    ],
    [{ type: "merge.asked", key }],
    [{ type: "merge.started", key, target: "main", onto: sha(n + 3), head: sha(n + 2), candidate }],
    [{ type: "merge.tested", key, candidate, result: "passed" }],
    [
      {
        type: "merge.landed",
        key,
        merge: candidate,
        target: "main",
        before: sha(n + 3),
        head: sha(n + 2),
        tested: "passed",
      },
    ],
  ];
};

/** `count` lives with `failed` failed runs each, record after record, under the conditions that the program writes: the engine's token and the lane's rev. */
export const historyOf = function* (count, failed) {
  const elected = { type: "engine.elected", process: { pid: 4, start: "1", boot: "b" }, version: "0.1.0" };
  const head = { v: 1, at: 1_764_000_000_000, on: "box-1" };
  yield { ...head, id: "mt8hy0k1-first", by: "engine", if: [{ engine: 0 }], events: [elected] };
  const byHand = new Set(["lane.added", "lane.queued", "merge.asked"]);
  let position = 1;
  for (let n = 0; n < count; n += 1) {
    let rev = 0;
    for (const events of lifeOf(n, failed)) {
      position += 1;
      const human = byHand.has(events[0].type);
      const id = `mt8hy0k1-${String(position).padStart(12, "0")}`;
      const fenced = { lane: events[0].key, rev };
      yield {
        v: 1,
        id,
        at: 1_764_000_000_000 + position,
        by: human ? "human" : "engine",
        on: "box-1",
        cause: id,
        if: human ? [fenced] : [{ engine: 1 }, fenced],
        events,
      };
      rev = position;
    }
  }
};

const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];

/** The reference reads nothing: the log lies in memory where it can, so that no disk is measured. */
const memory = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

/** Read and fold against parse alone. */
export const replayAgainstParse = async (disk = memory) => {
  const { createJournal, emptyState, encode, fold } = await load();
  const records = [...historyOf(lives, failures)];
  const lines = records.map((record) => encode(record));
  const folder = mkdtempSync(join(disk, "lanes-bench-"));
  try {
    writeFileSync(join(folder, "event-log.jsonl"), Buffer.concat(lines), { mode: 0o600 });
    const texts = lines.map((line) => line.toString().trimEnd());
    const [ours, parse, ratios] = [[], [], []];
    for (let round = 0; round < rounds; round += 1) {
      const state = emptyState();
      let begin = performance.now();
      await createJournal({ state: folder }).read({ byte: 0, position: 0 }, (entry) => fold(state, entry));
      ours.push(performance.now() - begin);
      if (state.counts.effective !== records.length)
        throw new Error(`${state.counts.effective} of ${records.length} records took effect`);
      begin = performance.now();
      let seen = 0;
      for (const text of texts) seen += JSON.parse(text).v;
      parse.push(performance.now() - begin);
      if (seen !== records.length) throw new Error(`parsed ${seen}`);
      ratios.push(ours.at(-1) / parse.at(-1));
    }
    const detail = `${records.length} records of ${lives} lanes: ${median(ours).toFixed(0)} ms against ${median(parse).toFixed(0)} ms of JSON.parse`;
    return { name: "replay", ratio: median(ratios), detail };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
