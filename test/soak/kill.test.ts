/** A thousand kills and freezes at moments that nobody chose: nothing acknowledged is lost, nothing happens twice. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
} from "node:fs";
import { dirname, join } from "node:path";

import { expect, test } from "vitest";

import { needsEngine } from "../../src/core/plan.ts";
import { encode } from "../../src/journal/line.ts";
import { bundle, entriesOf, makePlace, record } from "../journal/place.ts";
import { begin, kill, makeScratch, until } from "../story/scratch.ts";
import type { Scratch } from "../story/scratch.ts";
import { eyeOn } from "./eye.ts";
import type { Eye } from "./eye.ts";
import { figure, oneOf, pause, quantile, scaled } from "./scale.ts";

test("writers are killed or frozen and woken: what they acknowledged is there, once", async () => {
  const place = await makePlace();
  const program = bundle(new URL("../journal/writer.ts", import.meta.url), place.folder);
  const kills = scaled(600);
  let [done, frozen] = [0, 0];
  const acknowledged: string[] = [];
  const live = async (name: string): Promise<void> => {
    const said = join(place.folder, `${name}.txt`);
    const output = openSync(said, "w");
    const writer = spawn(process.execPath, [program, place.state, name, "1000000"], {
      stdio: ["ignore", output, "inherit"],
    });
    closeSync(output);
    const ended = new Promise((resolve) => writer.once("exit", resolve));
    // Some die before they have written anything.
    if (Math.random() < 0.9) await until("a first record", () => statSync(said).size > 0 || undefined);
    await pause(Math.random() * 60);
    if (Math.random() < 0.2) {
      frozen += 1;
      writer.kill("SIGSTOP");
      await pause(Math.random() * 300);
      writer.kill("SIGCONT");
      await pause(Math.random() * 20);
    }
    writer.kill("SIGKILL");
    await ended;
    acknowledged.push(...readFileSync(said, "utf8").split("\n").slice(0, -1));
  };
  const tearing = setInterval(() => appendFileSync(place.log, encode(record("torn")).subarray(0, 50)), 50);
  try {
    for (; done < kills; done += 4) await Promise.all([0, 1, 2, 3].map((n) => live(`w${done + n}`)));
  } finally {
    clearInterval(tearing);
  }
  const { entries } = await entriesOf(place.other());
  const ids = entries.map((entry) => ("record" in entry ? entry.record.id : "-"));
  const found = new Set(ids);
  figure(`${done} writers killed, ${frozen} of them frozen before: ${acknowledged.length} records acknowledged`);
  figure(`${ids.filter((id) => id === "-").length} lines torn on purpose of ${ids.length}`);
  expect(acknowledged.length).toBeGreaterThan(done);
  expect(acknowledged.filter((id) => !found.has(id))).toEqual([]);
  place.end();
});

/** Says in files beside the repository which runs lived, and which found another one at work in its lane. */
const agent = (id: string, beside: string): string =>
  [
    `mkdir ${beside}/busy-${id} || { echo "$LANES_RUN" >> ${beside}/twice; exit 9; }`,
    `echo "$LANES_RUN" >> ${beside}/lives; sleep 0.3; echo ${id} > ${id}.txt; git add ${id}.txt`,
    `git diff --cached --quiet || git commit -qm ${id}; rmdir ${beside}/busy-${id}`,
  ].join("; ");

const launchers = (scratch: Scratch): readonly number[] => {
  const runs = join(scratch.repo, ".orchestration", "runs");
  if (!existsSync(runs)) return [];
  return readdirSync(runs).flatMap((run) => {
    const start = join(runs, run, "start");
    if (existsSync(join(runs, run, "exit")) || !existsSync(start)) return [];
    return Number(/^launcher (\d+)$/m.exec(readFileSync(start, "utf8"))?.[1] ?? 0) || [];
  });
};

interface Storm {
  readonly eye: Eye;
  kills: number;
  readonly hits: Record<"engine" | "frozen" | "launcher" | "verb", number>;
  readonly takeOverMs: number[];
}

/** Kill or freeze one process of the repository. Answers whether there was one. */
const strike = async (scratch: Scratch, verbs: readonly ChildProcess[], storm: Storm): Promise<void> => {
  const what = oneOf(["engine", "engine", "engine", "frozen", "launcher", "verb"] as const) ?? "engine";
  const engine = await storm.eye.engine();
  const pid =
    what === "launcher"
      ? oneOf(launchers(scratch))
      : what === "verb"
        ? oneOf(verbs.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null))?.pid
        : engine;
  if (pid === undefined) return;
  storm.kills += 1;
  storm.hits[what] += 1;
  if (what !== "frozen") return kill(pid);
  signal(pid, "SIGSTOP");
  setTimeout(() => signal(pid, "SIGCONT"), 500 + Math.random() * 1500);
};

const signal = (pid: number, name: NodeJS.Signals): void => {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
};

/** Time from the death of an engine until another leads; undefined where none is needed. Verbs may all be dead: the next one starts it. */
const takeOver = async (scratch: Scratch, eye: Eye): Promise<number | undefined> => {
  const engine = await eye.engine();
  if (engine === undefined) return undefined;
  kill(engine);
  const from = performance.now();
  const { ended } = begin(scratch, "status");
  const isLed = await until("another engine", async () => {
    const now = await eye.engine();
    if (now !== undefined && now !== engine) return { led: true };
    return needsEngine(await eye.state(), Date.now(), { maxRuns: 8 }) ? undefined : { led: false };
  });
  const took = performance.now() - from;
  await ended;
  return isLed.led ? took : undefined;
};

test("engines, launchers and verbs are killed or frozen: every lane lands once, checked, and the target is whole", async () => {
  await using scratch = await makeScratch();
  const beside = join(dirname(scratch.repo), "beside");
  mkdirSync(beside);
  const check = `git rev-parse HEAD^{tree} >> ${beside}/checked; git rev-parse HEAD^1 >/dev/null`;
  const storm: Storm = {
    eye: eyeOn(scratch.repo),
    kills: 0,
    hits: { engine: 0, frozen: 0, launcher: 0, verb: 0 },
    takeOverMs: [],
  };
  const wanted = scaled(400);
  const added: string[] = [];
  const stateOf = async (): Promise<Readonly<Record<string, string>>> =>
    Object.fromEntries([...(await storm.eye.state()).lanes].map(([id, lane]) => [id, lane.state]));
  for (let round = 0; storm.kills < wanted; round += 1) {
    const ids = Array.from({ length: 6 }, (_, n) => `r${round}x${n}`);
    for (const [n, id] of ids.entries()) {
      const dependsOn = n === 5 ? [`r${round}x0`] : [];
      await scratch.add(id, { command: agent(id, beside), retries: 0, dependsOn });
      added.push(id);
    }
    const verbs: ChildProcess[] = [];
    const start = (...words: readonly string[]): void => {
      verbs.push(begin(scratch, ...words).child);
    };
    start("execute");
    for (;;) {
      const states = await stateOf();
      const mine = ids.map((id) => states[id] ?? "");
      if (mine.every((state) => state === "merged")) break;
      if (storm.kills < wanted) {
        await pause(Math.random() * 250);
        await strike(scratch, verbs, storm);
      } else await pause(100);
      const lost = ids.filter((id) => ["lost", "failed", "parked", "finished-empty"].includes(states[id] ?? ""));
      if (lost.length > 0) await scratch.lanes("retry", ...lost, "--detach");
      const ready = ids.filter((id) => states[id] === "ready");
      if (ready.length > 0) await scratch.lanes("merge", ...ready, "--check", check, "--detach");
      if (!verbs.some(({ exitCode, signalCode }) => exitCode === null && signalCode === null)) start("execute");
      if (Math.random() < 0.05) {
        const ms = await takeOver(scratch, storm.eye);
        if (ms !== undefined) storm.takeOverMs.push(ms);
      }
    }
    for (const { pid } of verbs) kill(pid ?? 0);
  }
  const bodies = await scratch.git("log", "--first-parent", "--format=%B", "main");
  const landed = [...bodies.matchAll(/^Lane: (.+)$/gm)].map(([, id]) => id ?? "");
  expect(landed.toSorted()).toEqual(added.toSorted());
  const merges = (await scratch.git("log", "--first-parent", "--format=%T", "main")).split("\n").slice(0, -1);
  const checked = new Set(readFileSync(join(beside, "checked"), "utf8").split("\n"));
  expect(merges.filter((tree) => !checked.has(tree))).toEqual([]);
  const lives = readFileSync(join(beside, "lives"), "utf8").split("\n").slice(0, -1);
  expect(lives.length).toBe(new Set(lives).size);
  expect(existsSync(join(beside, "twice"))).toBe(false);
  for (const id of added) expect(scratch.read(`${id}.txt`)).toBe(`${id}\n`);
  expect(await scratch.git("status", "--porcelain")).toBe("");
  expect(await scratch.git("fsck", "--full")).not.toMatch(/missing|broken|error/);
  figure(
    `${storm.kills} kills of processes of a repository: ${JSON.stringify(storm.hits)}; ${added.length} lanes landed once, ${lives.length} runs`,
  );
  const [half, most] = [quantile(storm.takeOverMs, 0.5), quantile(storm.takeOverMs, 1)];
  figure(
    `taken over after ${half.toFixed(0)} ms (median), ${most.toFixed(0)} ms (longest of ${storm.takeOverMs.length})`,
  );
  expect(half).toBeLessThan(3000);
});
