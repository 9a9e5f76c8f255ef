/** A thousand lanes through the merge queue, with planted faults and kills: every value that the target ever had passes its check. */
import type { ChildProcess } from "node:child_process";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { expect, test } from "vitest";

import type { LaneState, State } from "../../src/core/state.ts";
import { lessonsOf } from "../../src/core/queue.ts";
import { begin, kill, makeScratch } from "../story/scratch.ts";
import type { Scratch } from "../story/scratch.ts";
import { type Eye, eyeOn } from "./eye.ts";
import { figure, oneOf, pause, scaled } from "./scale.ts";

/** Fails where a lane is bad by itself, and where two lanes are there that do not go together. */
const gate = "! grep -hs '^bad' *.txt && test -z \"$(grep -hs '^clash' *.txt | sort | uniq -d)\"";

/** What a lane writes: mostly work, sometimes something bad, something that clashes with another lane's, or the line of all. */
const workOf = (id: string, round: number): string => {
  const die = Math.random();
  if (die < 0.08) return `echo bad > ${id}.txt; git add ${id}.txt`;
  if (die < 0.3) return `echo clash ${round} > ${id}.txt; git add ${id}.txt`;
  if (die < 0.42) return `echo ${id} > ${id}.txt; echo ${id} > shared.txt; git add ${id}.txt shared.txt`;
  return `echo ${id} > ${id}.txt; git add ${id}.txt`;
};

/** Launchers of runs, or of checks, that have not ended. */
const launchers = (scratch: Scratch, prefix: string): readonly number[] => {
  const runs = join(scratch.repo, ".orchestration", "runs");
  if (!existsSync(runs)) return [];
  return readdirSync(runs).flatMap((run) => {
    const start = join(runs, run, "start");
    if (!run.startsWith(prefix) || existsSync(join(runs, run, "exit")) || !existsSync(start)) return [];
    return Number(/^launcher (\d+)$/m.exec(readFileSync(start, "utf8"))?.[1] ?? 0) || [];
  });
};

interface Storm {
  readonly scratch: Scratch;
  readonly eye: Eye;
  readonly wanted: number;
  kills: number;
  readonly hits: Record<"engine" | "check" | "verb", number>;
}

const running = (verbs: readonly ChildProcess[]): readonly ChildProcess[] =>
  verbs.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);

const strike = async (storm: Storm, verbs: readonly ChildProcess[]): Promise<void> => {
  const what = oneOf(["engine", "engine", "check", "check", "verb"] as const) ?? "engine";
  const live = running(verbs);
  const pid =
    what === "check"
      ? oneOf(launchers(storm.scratch, "check-"))
      : what === "verb"
        ? oneOf(live)?.pid
        : await storm.eye.engine();
  if (pid === undefined) return;
  kill(pid);
  storm.kills += 1;
  storm.hits[what] += 1;
};

const over: ReadonlySet<LaneState> = new Set<LaneState>(["merged", "conflicted", "checks-failed"]);

/** Somebody commits in the checkout. Git waits for no lock of its index, nor for a branch that moved: who meets a landing tries again; what stays is a fault. */
const commitMeanwhile = async (scratch: Scratch): Promise<void> => {
  for (let tries = 1; ; tries += 1) {
    try {
      await scratch.git("commit", "-q", "--allow-empty", "-m", "Meanwhile");
      return;
    } catch (error) {
      if (tries === 100 || !/\.lock': File exists|but expected/.test(String(error))) throw error;
      await pause(100);
    }
  }
};

/** One round: lanes are made, asked for in pieces, and struck until each has landed or was refused. Somebody else commits meanwhile. */
const play = async (storm: Storm, ids: readonly string[], round: number): Promise<void> => {
  const { scratch, eye } = storm;
  scratch.write("lanes.config.json", JSON.stringify({ checkSlots: 1 + (round % 3), maxRuns: 16 }));
  for (const id of ids)
    await scratch.add(id, { command: `${workOf(id, round)}; git commit -qm ${id}`, retries: 9, commit: "agent" });
  await scratch.lanes("execute", ...ids);
  const verbs: ChildProcess[] = [];
  const asked = new Set<string>();
  for (;;) {
    const { lanes } = await eye.state();
    const open = ids.filter((id) => !over.has(lanes.get(id)?.state ?? "planned"));
    if (open.length === 0) break;
    const lost = open.filter((id) => ["lost", "failed", "parked"].includes(lanes.get(id)?.state ?? ""));
    if (lost.length > 0) await scratch.lanes("retry", ...lost);
    const ready = open.filter((id) => lanes.get(id)?.state === "ready");
    const some = ready.filter(() => Math.random() < 0.6);
    for (const id of some) asked.add(id);
    // Most ask and go; some stay until it is over.
    const stays = Math.random() < 0.3 ? [] : ["--detach"];
    if (some.length > 0) verbs.push(begin(scratch, "merge", ...some, "--check", gate, ...stays).child);
    // More of them would only take turns.
    else if (ready.length === 0 && running(verbs).length < 4) verbs.push(begin(scratch, "status").child);
    if (Math.random() < 0.1) await commitMeanwhile(scratch);
    await pause(Math.random() * 400);
    if (storm.kills < storm.wanted) await strike(storm, verbs);
  }
  for (const { pid } of verbs) kill(pid ?? 0);
  const { lanes } = await eye.state();
  const left = ids.filter((id) => lanes.get(id)?.state !== "merged");
  if (left.length > 0) await scratch.lanes("cancel", ...left, "--detach");
  await scratch.lanes("cleanup");
};

const landedIn = (state: State): readonly string[] =>
  [...state.lanes.values()].filter((lane) => lane.state === "merged").map(({ id }) => id);

/** Every value that the branch had, by its reflog and by its first parents, checked anew in a worktree. Answers those that do not pass. */
const redValues = async (scratch: Scratch): Promise<readonly string[]> => {
  const logged = (await scratch.git("reflog", "show", "--format=%H", "main")).split("\n");
  const parents = (await scratch.git("log", "--first-parent", "--format=%H", "main")).split("\n");
  const tree = join(dirname(scratch.repo), "again");
  await scratch.git("worktree", "add", "-q", "--detach", tree, "main");
  const red: string[] = [];
  for (const value of new Set([...logged, ...parents])) {
    await scratch.git("-C", tree, "checkout", "-q", "--detach", value);
    try {
      execFileSync("sh", ["-c", gate], { cwd: tree, stdio: "ignore" });
    } catch {
      red.push(value);
    }
  }
  return red;
};

test("lanes that spoil each other and processes that are killed: the target is always green, and no lane lands twice", async () => {
  await using scratch = await makeScratch({ "shared.txt": "all\n" });
  await scratch.git("config", "core.logAllRefUpdates", "true");
  const storm: Storm = {
    scratch,
    eye: eyeOn(scratch.repo),
    wanted: scaled(300),
    kills: 0,
    hits: { engine: 0, check: 0, verb: 0 },
  };
  const wanted = scaled(1000);
  let [played, round] = [0, 0];
  for (; played < wanted || storm.kills < storm.wanted; round += 1) {
    const ids = Array.from({ length: 16 }, (_, n) => `r${round}x${n}`);
    await play(storm, ids, round);
    played += ids.length;
  }
  const state = await storm.eye.state();
  const bodies = await scratch.git("log", "--first-parent", "--format=%B", "main");
  const lanes = [...bodies.matchAll(/^Lane: (.+)$/gm)].map(([, id]) => id ?? "");
  expect(lanes.toSorted()).toEqual(landedIn(state).toSorted());
  expect(new Set(lanes).size).toBe(lanes.length);
  expect(await redValues(scratch)).toEqual([]);
  expect(await scratch.git("fsck", "--full")).not.toMatch(/missing|broken|error/);
  const { results, flaky } = lessonsOf(state);
  figure(`${played} lanes asked for, ${lanes.length} landed, ${storm.kills} kills: ${JSON.stringify(storm.hits)}`);
  figure(
    `${round} rounds; last results ${results.filter((passed) => passed).length} of ${results.length}; ${flaky} flaky`,
  );
});
