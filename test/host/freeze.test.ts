import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { afterEach, beforeEach, expect, test } from "vitest";

import { isStill, processRow, processTable, startedWith } from "../../src/host/process-table.ts";
import { createHost } from "../../src/host/process.ts";
import { killNow, launcherOf, lives, makePlace, seenAs, until } from "./living.ts";
import type { Place } from "./living.ts";

let place: Place;
beforeEach(() => {
  place = makePlace();
});
afterEach(() => place.end());

/** Numbers of all processes that carry the mark of the run, without its launcher and the keeper of its output. */
const treeOf = ({ state }: Place, run = "demo-1"): readonly number[] => {
  const keeper = Number(/^keeper (\d+)$/m.exec(readFileSync(join(state, "runs", run, "start"), "utf8"))?.[1]);
  return processTable()
    .filter(({ pid, parent }) => pid !== launcherOf(place, run) && pid !== keeper && parent !== keeper)
    .map(({ pid }) => pid)
    .filter((pid) => startedWith(pid, "LANES_RUN") === `${state}:${run}`);
};

/** Says a letter again and again, so that one can see whether it goes on. */
const ticking = "while :; do echo x >>ticks; sleep 0.01; done";
const ticks = (): number => readFileSync(join(place.work, "ticks"), "utf8").length;

/** The same host in a process that knows nothing of what was done before. */
const anotherHost = () => createHost({ state: place.state, home: place.home, entry: [process.execPath] });

/** Who has to stand still with a run, and the script that starts it and writes its number into `pid`. */
const members = {
  "a child": `sh -c 'echo $$ >pid; ${ticking}' &`,
  "a grandchild": `sh -c "sh -c 'echo \\$\\$ >pid; ${ticking}' & wait" &`,
  "who has an own session": `setsid sh -c 'echo $$ >pid; ${ticking}' &`,
  "who has an own process group": `set -m; sh -c 'echo $$ >pid; ${ticking}' & set +m`,
  "a daemon whose parents are gone": `(setsid sh -c "sh -c 'echo \\$\\$ >pid; ${ticking}' &" &)`,
  "an orphan in the run's session that cleared its environment": `(env -i sh -c 'echo $$ >pid; ${ticking}' &)`,
  "who is known as a child alone, with an own session and no environment": `env -i setsid sh -c 'echo $$ >pid; ${ticking}' &`,
};

for (const [who, script] of Object.entries(members)) {
  test(`a freeze holds ${who}, and a thaw by another process lets it go on`, async () => {
    const { host, start, said, pidIn } = place;
    await start(`${script}\nsleep 1000 & wait`);
    const pid = await pidIn("pid");
    await said("ticks");
    expect(await host.freeze("demo-1")).toEqual([]);
    expect([isStill(pid), host.seen("demo-1")]).toMatchObject([true, { is: "alive", frozen: true }]);
    const frozen = ticks();
    expect(await anotherHost().thaw("demo-1")).toEqual([]);
    await until("it to go on", () => ticks() > frozen);
    expect(host.seen("demo-1")).not.toHaveProperty("frozen");
  });
}

test("a freeze that is repeated, and a thaw that is repeated, change nothing", async () => {
  const { host, start, said } = place;
  await start(ticking);
  await said("ticks");
  expect([await host.freeze("demo-1"), await host.freeze("demo-1")]).toEqual([[], []]);
  expect([await host.thaw("demo-1"), await host.thaw("demo-1")]).toEqual([[], []]);
  const before = ticks();
  await until("it to go on", () => ticks() > before);
  expect([await host.freeze("gone-1"), await host.thaw("gone-1")]).toEqual([[], []]);
});

test("a freeze holds who multiplies, and nobody of them comes later", async () => {
  const { host, start, said, work } = place;
  // Fifty at most: each child begins with one try less, and waits to be stopped.
  const spawner = [
    "n=0",
    "while [ $n -lt 50 ]; do n=$((n+1)); (echo $n >>born; exec sleep 1000) & [ -e slow ] && sleep 0.01; done",
    "wait",
  ].join("\n");
  writeFileSync(join(work, "slow"), "");
  await start(spawner);
  await said("born");
  expect(await host.freeze("demo-1")).toEqual([]);
  const [tree, born] = [treeOf(place), readFileSync(join(work, "born"), "utf8")];
  expect(tree.filter((pid) => !isStill(pid))).toEqual([]);
  expect(born.split("\n").length).toBeLessThan(50);
  // Looked at again after as many births as there could have been.
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect([treeOf(place), readFileSync(join(work, "born"), "utf8")]).toEqual([tree, born]);
  expect(await host.thaw("demo-1")).toEqual([]);
  await until("all to be born", () => readFileSync(join(work, "born"), "utf8").split("\n").length === 51);
  expect(await host.stop("demo-1", 5000)).toEqual([]);
  expect(treeOf(place)).toEqual([]);
});

test("a freeze holds a chain in which everybody starts the next and ends", async () => {
  const { host, start, said } = place;
  await start(
    "echo >ready; n=0; while [ $n -lt 2000 ]; do n=$((n+1)); (sleep 0.002; echo $n >>count); done; exec sleep 1000",
  );
  await said("count");
  expect(await host.freeze("demo-1")).toEqual([]);
  const count = await said("count");
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(await said("count")).toBe(count);
  await host.thaw("demo-1");
  await until("it to go on", () => readFileSync(join(place.work, "count"), "utf8") !== `${count}\n`);
});

test("a freeze and a thaw spare bystanders that look alike", async () => {
  const { host, start, work, state, said, pidIn } = place;
  const bystander = (name: string, mark?: string): number => {
    const env = { ...process.env, NAME: name, ...(mark !== undefined && { LANES_RUN: mark }) };
    const options = { cwd: work, env, stdio: "ignore", detached: true } as const;
    return spawn("sh", ["-c", "echo $$ >$NAME; exec sleep 1000"], options).pid ?? 0;
  };
  const bystanders = [bystander("a"), bystander("b", `${state}:demo-11`), bystander("c", `${state}:`)];
  await start("echo $$ >$NAME; exec sleep 1000", { run: "demo-2", env: { NAME: "d" } });
  await start(ticking);
  for (const name of ["a", "b", "c"]) await pidIn(name);
  await said("ticks");
  const all = [...bystanders, await pidIn("d"), launcherOf(place), process.pid];
  expect(await host.freeze("demo-1")).toEqual([]);
  expect(all.filter((pid) => processRow(pid)?.stopped !== false)).toEqual([]);
  process.kill(bystanders[0] ?? 0, "SIGSTOP");
  await until("the bystander to stop", () => processRow(bystanders[0] ?? 0)?.stopped);
  expect(await host.thaw("demo-1")).toEqual([]);
  expect(processRow(bystanders[0] ?? 0)?.stopped).toBe(true);
  await killNow(bystanders);
});

test("a thaw finds whom only the freeze could find", async () => {
  const { host, start, said, pidIn } = place;
  // With an own session and no environment it is known as a child alone: when its parent is killed, nothing tells of it.
  await start(`env -i setsid sh -c 'echo $$ >pid; ${ticking}' & echo >ready; wait`);
  await said("ticks");
  const [pid, agent] = [await pidIn("pid"), (await seenAs(host, "alive")).process];
  expect(await host.freeze("demo-1")).toEqual([]);
  process.kill(agent.pid, "SIGKILL");
  await seenAs(host, "exited");
  expect(isStill(pid)).toBe(true);
  expect(await anotherHost().thaw("demo-1")).toEqual([]);
  expect(isStill(pid)).toBe(false);
  expect(await anotherHost().stop("demo-1", 5000)).toEqual([]);
  expect(lives(pid)).toBe(false);
});

test("notes on a frozen run from before a restart of the machine, or of no meaning, hit nobody", async () => {
  const { host, start, state, said } = place;
  await start(ticking);
  await said("ticks");
  const stranger = spawn("sleep", ["1000"], { stdio: "ignore", detached: true }).pid ?? 0;
  const birth = await until("the stranger", () => processRow(stranger)?.start);
  for (const note of [`another boot\n${stranger} ${birth}\n`, `${host.self().boot}\n${stranger} 1\nx\n\n-1 2\n`]) {
    writeFileSync(join(state, "runs", "demo-1", "frozen"), note);
    expect(await host.freeze("demo-1")).toEqual([]);
    expect(processRow(stranger)?.stopped).toBe(false);
    expect(await host.thaw("demo-1")).toEqual([]);
  }
  expect(await host.stop("demo-1", 5000)).toEqual([]);
  expect(lives(stranger)).toBe(true);
  await killNow([stranger]);
});

test("an agent that is killed while it is frozen is seen to have ended", async () => {
  const { host, start } = place;
  await start("exec sleep 1000");
  const { process: agent } = await seenAs(host, "alive");
  expect(await host.freeze("demo-1")).toEqual([]);
  process.kill(agent.pid, "SIGKILL");
  expect(await seenAs(host, "exited")).toMatchObject({ code: 137, signal: "SIGKILL" });
});

test("a stop ends a frozen tree, deaf ones too", async () => {
  const { host, start, said } = place;
  await start(
    `setsid sh -c "trap '' TERM; echo >ready; ${ticking}" & trap 'exit 9' TERM; while :; do sleep 0.01; done`,
  );
  await said("ready");
  await said("ticks");
  expect(await host.freeze("demo-1")).toEqual([]);
  expect(await anotherHost().stop("demo-1", 200)).toEqual([]);
  expect(treeOf(place)).toEqual([]);
  expect(host.seen("demo-1")).toMatchObject({ is: "exited", code: 9 });
});

test("a shell with job control does not take its children for stopped when all go on", async () => {
  const { host, start, said } = place;
  const script = "set -m; sh -c 'echo >ready; until [ -e go ]; do sleep 0.01; done; exit 6'; echo $? >code; exit 5";
  await start(script, { argv: ["bash", "-c", script] });
  await said("ready");
  for (let round = 0; round < 5; round += 1) {
    expect(await host.freeze("demo-1")).toEqual([]);
    expect(await host.thaw("demo-1")).toEqual([]);
  }
  writeFileSync(join(place.work, "go"), "");
  expect(await seenAs(host, "exited")).toMatchObject({ code: 5 });
  expect(await said("code")).toBe("6");
});
