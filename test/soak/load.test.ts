/** As much as a build box ever sees at once: 200 agents that print and commit, 1,000 lanes in the tracker, an agent that floods. */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { expect, test } from "vitest";

import { makeScratch, until } from "../story/scratch.ts";
import type { Scratch } from "../story/scratch.ts";
import { openTerminal } from "../story/terminal.ts";
import { eyeOn } from "./eye.ts";
import { figure, pause, quantile, scaled } from "./scale.ts";

/** Memory that a process holds, in bytes. */
const held = (pid: number): number =>
  1024 * Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);

const beside = (scratch: Scratch): string => {
  const folder = join(dirname(scratch.repo), "beside");
  mkdirSync(folder, { recursive: true });
  return folder;
};

/** Bytes of all files below a folder; what goes meanwhile counts nothing. */
const bytesBelow = (folder: string): number =>
  readdirSync(folder, { recursive: true, encoding: "utf8" }).reduce(
    (sum, name) => sum + (statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0),
    0,
  );

/**
 * Five lines a second, and a commit at every 150th, until the story is over. `read` from a pipe that stays silent is a sleep
 * without a process: 200 agents would start a thousand a second.
 */
const chatter = (folder: string): readonly string[] => [
  "bash",
  "-c",
  `exec 3<> <(:); n=0
  while [ ! -e ${folder}/over ]; do
    n=$((n+1)); echo "$LANES_LANE says line $n"; read -r -t 0.2 -u 3
    if [ $((n % 150)) = $((\${LANES_LANE#lane-} % 150)) ]; then
      echo $n > $LANES_LANE.txt
      { git add $LANES_LANE.txt && git commit -qm "Line $n" && echo >> ${folder}/commits; } || echo "$LANES_LANE $n" >> ${folder}/failed
    fi
  done
  echo $n > ${folder}/count-$LANES_LANE`,
];

const linesIn = (path: string): number =>
  statSync(path, { throwIfNoEntry: false }) ? readFileSync(path, "utf8").split("\n").length - 1 : 0;

test("200 agents print and commit while everybody looks: no commit fails, none is behind, the screen answers", async () => {
  const count = 200;
  const seconds = scaled(300);
  await using scratch = await makeScratch({ "lanes.config.json": JSON.stringify({ maxRuns: count }) });
  const folder = beside(scratch);
  const ids = Array.from({ length: count }, (_, n) => `lane-${n + 1}`);
  await scratch.lanes("init");
  const tracker = { lanes: Object.fromEntries(ids.map((id) => [id, { tasks: ["talk"] }])) };
  for (const id of ids) await scratch.add(id, { ...tracker.lanes[id], command: chatter(folder), retries: 0 });
  expect(await scratch.lanes("launch", ...ids)).toMatchObject({ code: 0 });
  for (const late = performance.now() + 180_000; ; await pause(500)) {
    const waiting = Object.values(await scratch.status()).filter(({ state }) => state !== "running");
    if (waiting.length === 0) break;
    if (performance.now() > late) throw new Error(`${waiting.length} lanes do not run: ${JSON.stringify(waiting[0])}`);
  }
  const eye = eyeOn(scratch.repo);
  const engine = (await eye.engine()) ?? 0;
  const terminal = openTerminal(scratch, [], 160, 50);
  await terminal.shows(/lane-1 +running/);
  await pause(5000);
  const before = { engine: held(engine), screen: held(terminal.pid) };

  const looks: number[] = [];
  const keys: number[] = [];
  const sees = (pattern: RegExp): boolean => terminal.screen().some((row) => pattern.test(row));
  const press = async (open: boolean): Promise<void> => {
    const pressed = performance.now();
    terminal.type("?");
    while (sees(/─ Keys ─/) !== open) await pause(5);
    keys.push(performance.now() - pressed);
  };
  for (const end = performance.now() + seconds * 1000; performance.now() < end;) {
    const began = performance.now();
    expect(await scratch.lanes("status", "--refresh", "--json")).toMatchObject({ code: 0 });
    looks.push(performance.now() - began);
    await press(true);
    await press(false);
    await pause(1000);
  }
  const after = { engine: held(engine), screen: held(terminal.pid) };
  expect(await eye.engine()).toBe(engine);
  terminal.type("q");
  expect(await terminal.ended).toBe(0);
  writeFileSync(join(folder, "over"), "");
  await until("all lanes to be ready", async () =>
    Object.values(await scratch.status()).every(({ state }) => state === "ready") ? true : undefined,
  );
  const lines = ids.map((id) => Number(readFileSync(join(folder, `count-${id}`), "utf8")));
  const [least, most] = [Math.min(...lines), Math.max(...lines)];
  const commits = linesIn(join(folder, "commits"));
  figure(
    `${count} agents for ${seconds} s: ${lines.reduce((sum, n) => sum + n, 0)} lines, of one agent ${least} to ${most}`,
  );
  figure(`${commits} commits meanwhile, ${linesIn(join(folder, "failed"))} failed`);
  figure(
    `status --refresh took ${Math.round(quantile(looks, 0.5))} ms (median), ${Math.round(Math.max(...looks))} at most`,
  );
  figure(
    `a key was answered in ${Math.round(quantile(keys, 0.5))} ms (median), ${Math.round(quantile(keys, 0.95))} (p95)`,
  );
  figure(
    `engine ${mega(before.engine)} → ${mega(after.engine)}, screen ${mega(before.screen)} → ${mega(after.screen)}`,
  );
  expect(linesIn(join(folder, "failed"))).toBe(0);
  expect(commits).toBeGreaterThan(count * Math.floor(seconds / 60));
  expect(least / most).toBeGreaterThan(0.5);
  expect(after.engine - before.engine).toBeLessThan(50_000_000);
  expect(after.screen - before.screen).toBeLessThan(50_000_000);
});

const mega = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;

test("1,000 lanes in the tracker: twenty of them live their whole life, and edits by hand are taken over", async () => {
  await using scratch = await makeScratch();
  await scratch.lanes("init");
  const ids = Array.from({ length: 1000 }, (_, n) => `lane-${String(n + 1).padStart(4, "0")}`);
  for (let from = 0; from < ids.length; from += 250) {
    const lanes = Object.fromEntries(ids.slice(from, from + 250).map((id) => [id, { tasks: [`do ${id}`] }]));
    expect(await scratch.lanes("tracker", "patch", JSON.stringify({ lanes }))).toMatchObject({ code: 0 });
  }
  const working = Array.from({ length: 20 }, (_, n) => `work-${n + 1}`);
  for (const id of working) await scratch.add(id, { command: `echo ${id} > ${id}.txt`, commit: "auto" });
  const began = performance.now();
  expect(await scratch.lanes("launch", ...working)).toMatchObject({ code: 0 });
  const path = join(scratch.repo, ".orchestration", "tracker.json");
  let [edits, publications, last] = [0, 0, 0];
  const watch = setInterval(() => {
    const at = statSync(path).mtimeMs;
    if (at !== last) publications += 1;
    last = at;
  }, 20);
  const states = async (): Promise<readonly string[]> => {
    const lanes = await scratch.status();
    return working.map((id) => lanes[id]?.state ?? "");
  };
  await until("the twenty to be ready", async () => {
    const tracker = JSON.parse(readFileSync(path, "utf8")) as { lanes: Record<string, { progress?: unknown }> };
    edits += 1;
    const id = ids[edits] ?? "";
    tracker.lanes[id] = { ...tracker.lanes[id], progress: `edited ${edits}` };
    writeFileSync(path, JSON.stringify(tracker));
    return (await states()).every((state) => state === "ready") ? true : undefined;
  });
  expect(await scratch.lanes("merge", ...working)).toMatchObject({ code: 0 });
  expect(await states()).toEqual(working.map(() => "merged"));
  clearInterval(watch);
  const seconds = (performance.now() - began) / 1000;
  const got = JSON.parse((await scratch.lanes("tracker", "get")).stdout) as {
    lanes: Record<string, { progress?: unknown }>;
  };
  for (let n = 1; n <= edits; n += 1) expect([n, got.lanes[ids[n] ?? ""]?.progress]).toEqual([n, `edited ${n}`]);
  const looked = performance.now();
  await scratch.lanes("status", "--json");
  figure(`1,000 lanes: twenty lived and landed in ${seconds.toFixed(0)} s, ${edits} edits by hand meanwhile`);
  figure(`tracker.json: ${statSync(path).size} bytes, written ${(publications / seconds).toFixed(1)} times a second`);
  figure(`lanes status took ${Math.round(performance.now() - looked)} ms`);
});

test("an agent that prints as fast as it can: little of it is kept, nobody else waits", async () => {
  await using scratch = await makeScratch();
  await scratch.lanes("init");
  const bytes = scaled(6_000_000_000);
  await scratch.add("flood", {
    command: `yes "$(printf '%01000d' 7)" | head -c ${bytes}; echo flood > flood.txt`,
    commit: "auto",
  });
  await scratch.add("other", { command: "sleep 1; echo other > other.txt", commit: "auto" });
  const began = performance.now();
  await scratch.lanes("launch", "flood");
  await until("the flood to begin", async () => ((await scratch.state("flood")) === "running" ? true : undefined));
  const engine = (await eyeOn(scratch.repo).engine()) ?? 0;
  const before = held(engine);
  const lived = performance.now();
  expect(await scratch.lanes("exec-lane", "other")).toMatchObject({ code: 0 });
  expect(await scratch.lanes("merge", "other")).toMatchObject({ code: 0 });
  const others = (performance.now() - lived) / 1000;
  const during = await scratch.state("flood");
  let kept = 0;
  for (;;) {
    kept = Math.max(kept, bytesBelow(join(scratch.repo, ".orchestration")));
    if ((await scratch.state("flood")) !== "running") break;
    await pause(200);
  }
  const seconds = (performance.now() - began) / 1000;
  figure(
    `${mega(bytes)} printed in ${seconds.toFixed(0)} s, ${mega(bytes / seconds)} a second; at most ${mega(kept)} kept`,
  );
  figure(
    `meanwhile (${during}) another lane lived and landed in ${others.toFixed(1)} s; the engine grew by ${mega(held(engine) - before)}`,
  );
  expect(kept).toBeLessThan(100_000_000);
  expect(held(engine) - before).toBeLessThan(50_000_000);
  await until("the flood's work to be ready", async () =>
    (await scratch.state("flood")) === "ready" ? true : undefined,
  );
  expect(await scratch.lanes("log", "flood")).toMatchObject({ code: 0 });
});
