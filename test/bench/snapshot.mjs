// A start from a snapshot, however long the history before it is: `lanes status` of a repository with a million events.
import { spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { load, makeRepository, program, quantile } from "./library.mjs";
import { historyOf } from "./replay.mjs";

const rounds = 15;
/** A million events: lanes, and how often each failed before it was merged. */
const [lives, failures, events] = [1000, 198, 1_000_000];

/** Where there is room in memory: a quarter of a gigabyte that is read once. */
const memory = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

/** Write the history, fold it and keep a snapshot of it, as an engine does. */
const writeHistory = async (state) => {
  const parts = ["journal/local", "journal/line", "engine/resume"];
  const { createJournal, encode, frozenOf, readOn, unfolded } = await load("snapshot", parts);
  const path = join(state, "event-log.jsonl");
  rmSync(path, { force: true });
  const file = openSync(path, "w", 0o600);
  let [lines, counted, waiting] = [0, 0, []];
  const flush = () => {
    const bytes = Buffer.concat(waiting);
    for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
    waiting = [];
  };
  for (const record of historyOf(lives, failures)) {
    waiting.push(encode(record));
    lines += 1;
    counted += record.events.length;
    if (waiting.length === 10_000) flush();
  }
  flush();
  closeSync(file);
  const journal = createJournal({ state });
  const folded = unfolded();
  const begin = performance.now();
  await readOn(journal, folded, () => undefined);
  const foldMs = performance.now() - begin;
  if (folded.state.counts.effective !== lines || counted < events)
    throw new Error(`${folded.state.counts.effective} of ${lines} records took effect, with ${counted} events`);
  await journal.keep({ ...frozenOf(folded), by: "0.0.0" });
  return { lines, counted, foldMs, bytes: statSync(path).size };
};

const msOf = (words, cwd, env) => {
  const begin = performance.now();
  const done = spawnSync(process.execPath, words, { cwd, env, stdio: ["ignore", "pipe", "inherit"] });
  if (done.status !== 0) throw new Error(`${words.join(" ")}: exit ${done.status}`);
  return performance.now() - begin;
};

/** `{name, ratio, detail}`: whole processes, against one that does nothing. */
export const startFromSnapshot = async () => {
  const { repo, env, end } = await makeRepository({}, memory);
  try {
    const { lines, counted, foldMs, bytes } = await writeHistory(join(repo, ".orchestration"));
    const [status, bare] = [[], []];
    for (let round = 0; round < rounds; round += 1) {
      bare.push(msOf(["-e", "0"], repo, env));
      status.push(msOf([program, "status"], repo, env));
    }
    const [ours, reference] = [quantile(status, 0.5), quantile(bare, 0.5)];
    const detail = `lanes status ${ours.toFixed(0)} ms, node -e 0 ${reference.toFixed(0)} ms, median of ${rounds}, after ${counted} events in ${lines} records (${Math.round(bytes / 1e6)} MB, folded in ${foldMs.toFixed(0)} ms)`;
    return { name: "snapshot-start", ratio: ours / reference, detail };
  } finally {
    await end();
  }
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { name, ratio, detail } = await startFromSnapshot();
  process.stdout.write(`${name}: ${ratio.toFixed(2)}; ${detail}; Node ${process.versions.node}\n`);
}
