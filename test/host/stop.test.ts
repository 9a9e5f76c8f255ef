import { spawn } from "node:child_process";
import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { afterEach, beforeEach, expect, test } from "vitest";

import { processRow } from "../../src/host/process-table.ts";
import { killNow, launcherOf, lives, makePlace, seenAs, until, writeScript } from "./living.ts";
import type { Place } from "./living.ts";

let place: Place;
beforeEach(() => {
  place = makePlace();
});
afterEach(() => place.end());

/** Who has to end with a run, and the script that starts it and writes its number into `pid`. */
const members = {
  "a child": "sleep 1000 & echo $! >pid",
  "a grandchild": "sh -c 'sleep 1000 & echo $! >pid; wait' &",
  "who ignores SIGTERM": "sh -c 'trap \"\" TERM; echo $$ >pid; while :; do sleep 0.01; done' &",
  "who has an own session": "setsid sh -c 'echo $$ >pid; exec sleep 1000' &",
  "who has an own process group": "set -m; sh -c 'echo $$ >pid; exec sleep 1000' & set +m",
  "a daemon whose parents are gone": "(setsid sh -c 'sleep 1000 & echo $! >pid' &)",
  "an orphan in the run's session that cleared its environment and ignores SIGTERM":
    "(env -i sh -c 'trap \"\" TERM; echo $$ >pid; while :; do sleep 0.01; done' &)",
  "who is known as a child alone: with an own session, no environment, and deaf to SIGTERM":
    "env -i setsid sh -c 'trap \"\" TERM; echo $$ >pid; while :; do sleep 0.01; done' &",
};

for (const [who, script] of Object.entries(members)) {
  test(`a stop ends ${who}`, async () => {
    const { host, start, pidIn } = place;
    await start(`${script}\nsleep 1000 & wait`);
    const pid = await pidIn("pid");
    expect(lives(pid)).toBe(true);
    expect(await host.stop("demo-1", 200)).toEqual([]);
    expect(lives(pid)).toBe(false);
    expect(host.seen("demo-1").is).toBe("exited");
  });
}

test("a stop ends who is started while it goes on", async () => {
  const { host, start, said, pidIn } = place;
  await start("trap 'setsid sleep 1000 & echo $! >late; exit' TERM; echo >ready; while :; do sleep 0.01; done");
  await said("ready");
  expect(await host.stop("demo-1", 5000)).toEqual([]);
  expect(lives(await pidIn("late"))).toBe(false);
});

test("a stop ends what a run left behind when it ended", async () => {
  const { host, start, pidIn } = place;
  await start("(setsid sh -c 'sleep 1000 & echo $! >pid' &)");
  const pid = await pidIn("pid");
  const seen = await seenAs(host, "exited");
  expect(lives(pid)).toBe(true);
  expect(await host.stop("demo-1", 5000)).toEqual([]);
  expect(lives(pid)).toBe(false);
  expect(host.seen("demo-1")).toEqual(seen);
});

test("a stop ends who multiplies faster than it is asked to end", async () => {
  const { host, start, said } = place;
  await start("trap '' TERM; echo >ready; while :; do sleep 0.2 & sleep 0.005; done");
  await said("ready");
  expect(await host.stop("demo-1", 100)).toEqual([]);
  expect(host.seen("demo-1")).toMatchObject({ is: "exited", signal: "SIGKILL" });
});

test("a stop wakes who was stopped, so that it can obey", async () => {
  const { host, start, said } = place;
  await start("trap 'exit 9' TERM; echo >ready; while :; do sleep 0.01; done");
  await said("ready");
  const { process: agent } = await seenAs(host, "alive");
  process.kill(agent.pid, "SIGSTOP");
  process.kill(launcherOf(place), "SIGSTOP");
  await until("the agent to be frozen", () => host.frozen(agent));
  expect(await host.stop("demo-1", 60_000)).toEqual([]);
  expect(host.seen("demo-1")).toMatchObject({ is: "exited", code: 9 });
});

test("a stop spares bystanders that look alike", async () => {
  const { host, start, work, state, pidIn } = place;
  const script = "echo $$ >$NAME; exec sleep 1000";
  const bystander = (name: string, mark?: string): number => {
    const env = { ...process.env, NAME: name, ...(mark !== undefined && { LANES_RUN: mark }) };
    return spawn("sh", ["-c", script], { cwd: work, env, stdio: "ignore", detached: true }).pid ?? 0;
  };
  const bystanders = [bystander("a"), bystander("b", `${state}:demo-11`), bystander("c", `${state}:demo-`)];
  await start(script, { env: { NAME: "d" } });
  await start(script, { run: "demo-2", env: { NAME: "e" } });
  for (const name of ["a", "b", "c", "d", "e"]) await pidIn(name);
  await host.stop("demo-1", 5000);
  expect([host.seen("demo-1").is, host.seen("demo-2").is]).toEqual(["exited", "alive"]);
  expect(bystanders.filter(lives)).toEqual(bystanders);
  await killNow(bystanders);
});

test("a stop spares an engine that the run's agent started, and the runs of that engine", async () => {
  const { host, start, state, pidIn } = place;
  const engine = 'echo $$ >engine; LANES_RUN=$STATE:demo-2 setsid sh -c "echo \\$\\$ >other; exec sleep 1000" & wait';
  await start('LANES_RUN=$STATE: setsid sh -c "$ENGINE" & wait', { env: { STATE: state, ENGINE: engine } });
  const spared = [await pidIn("engine"), await pidIn("other")];
  expect(await host.stop("demo-1", 5000)).toEqual([]);
  expect(spared.filter(lives)).toEqual(spared);
  await killNow(spared);
});

test("a stop spares a later process that has the number of the launcher or the agent", async () => {
  const { host, state } = place;
  const strangers = ["launcher", "agent"].map(
    () => spawn("sleep", ["1000"], { stdio: "ignore", detached: true }).pid ?? 0,
  );
  const { boot } = host.self();
  const [launcher, agent] = strangers;
  const who = [`launcher ${launcher}`, "launcher-birth 1", `agent ${agent}`, "agent-birth 1"];
  mkdirSync(join(state, "runs", "demo-1"), { recursive: true });
  writeFileSync(
    join(state, "runs", "demo-1", "start"),
    ["version 1", ...who, `boot ${boot}`, "started 1", ""].join("\n"),
  );
  expect(host.seen("demo-1")).toMatchObject({ is: "vanished", process: { pid: agent }, survivors: [] });
  expect(await host.stop("demo-1", 5000)).toEqual([]);
  expect(strangers.filter(lives)).toEqual(strangers);
  await killNow(strangers);
});

test("a stop leaves the launcher the tools with which it writes down the end", async () => {
  const { host, home, start, said } = place;
  const slow = ['case $3 in *exit) echo moved >>"$MOVES"; sleep 0.3 ;; esac', 'exec /bin/mv "$@"'];
  writeScript(join(home, "mv"), ["#!/bin/sh", ...slow]);
  const PATH = `${home}:${process.env["PATH"] ?? ""}`;
  await start("echo >ready; exec sleep 1000", { env: { PATH, MOVES: join(place.work, "moves") } });
  await said("ready");
  expect(await host.stop("demo-1", 100)).toEqual([]);
  expect(host.seen("demo-1")).toMatchObject({ is: "exited", signal: "SIGTERM" });
  expect(await said("moves")).toBe("moved");
});

test("who survived a killed launcher and agent is found by its mark", async () => {
  const { host, start, pidIn } = place;
  await start("(setsid sh -c 'sleep 1000 & echo $! >pid' &); echo $$ >agent; exec sleep 1000");
  const [pid, agent] = [await pidIn("pid"), await pidIn("agent")];
  process.kill(launcherOf(place), "SIGKILL");
  process.kill(agent, "SIGKILL");
  await until("the agent to end", () => processRow(agent) === undefined);
  expect(await seenAs(host, "vanished")).toMatchObject({ survivors: [pid] });
  expect(await host.stop("demo-1", 5000)).toEqual([]);
  expect(lives(pid)).toBe(false);
});

test("a folder that no launcher fills is vanished after a while", async () => {
  const { host, state } = place;
  const folder = join(state, "runs", "demo-1");
  mkdirSync(folder, { recursive: true });
  expect(host.seen("demo-1")).toMatchObject({ is: "starting" });
  const early = Date.now() / 1000 - 6;
  utimesSync(folder, early, early);
  expect(host.seen("demo-1")).toEqual({ is: "vanished", survivors: [] });
});
