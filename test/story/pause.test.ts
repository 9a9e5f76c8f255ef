import { readdirSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { isStill, processRow, processTable, startedWith } from "../../src/host/process-table.ts";
import { kill, makeScratch, type Scratch, until } from "./scratch.ts";
import { openTerminal } from "./terminal.ts";

/** An agent with a child in a session of its own: both tick, and it commits when the file `go` is there. */
const ticker = [
  "setsid sh -c 'until [ -e ../../go ]; do echo x >>../../child; sleep 0.02; done' &",
  "until [ -e ../../go ]; do echo x >>../../ticks; sleep 0.02; done",
  "echo done > done.txt; git add done.txt; git commit -qm done",
].join("\n");

/** Numbers of all processes of a lane's runs but their launchers, which wait and write down the end. */
const treeOf = (scratch: Scratch, lane: string): readonly number[] => {
  const state = join(scratch.repo, ".orchestration");
  const launchers = new Set(
    readdirSync(join(state, "runs"))
      .filter((run) => run.startsWith(`${lane}-`))
      .map((run) => Number(/^launcher (\d+)$/m.exec(scratch.read(`.orchestration/runs/${run}/start`))?.[1])),
  );
  return processTable()
    .map(({ pid }) => pid)
    .filter((pid) => startedWith(pid, "LANES_RUN")?.startsWith(`${state}:${lane}-`) && !launchers.has(pid));
};

const sizes = (scratch: Scratch): readonly number[] => ["ticks", "child"].map((name) => scratch.read(name).length);

/** Start the ticker in lane `slow`, and wait until both of its processes tick. */
const startSlow = async (scratch: Scratch, over: Readonly<Record<string, unknown>> = {}): Promise<void> => {
  scratch.write("ticks", "");
  scratch.write("child", "");
  await scratch.add("slow", { command: ticker, retries: 2, ...over });
  expect((await scratch.lanes("launch", "slow")).code).toBe(0);
  await until("ticks", () => (sizes(scratch).every((size) => size > 0) ? true : undefined));
  await until("running", async () => ((await scratch.state("slow")) === "running" ? true : undefined));
};

const pause = async (scratch: Scratch): Promise<void> => {
  expect(await scratch.lanes("pause", "slow")).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(
      /^slow is paused(?: for \d+ s)?: frozen, its processes stand still; next: lanes resume slow\n$/,
    ),
  });
};

/** Nothing ticks: looked at twice, with the time for some ticks between. */
const expectStill = async (scratch: Scratch): Promise<void> => {
  expect(treeOf(scratch, "slow").filter((pid) => !isStill(pid))).toEqual([]);
  const before = sizes(scratch);
  await new Promise((resolve) => {
    setTimeout(resolve, 200);
  });
  expect(sizes(scratch)).toEqual(before);
};

const expectTicking = async (scratch: Scratch): Promise<void> => {
  const [ticks = 0, child = 0] = sizes(scratch);
  await until("both to tick", () => {
    const now = sizes(scratch);
    return (now[0] ?? 0) > ticks && (now[1] ?? 0) > child ? true : undefined;
  });
};

test("a lane that is frozen stays so without an engine, goes on and lands", { timeout: 120_000 }, async () => {
  await using scratch = await makeScratch();
  await startSlow(scratch, { timeoutMs: 5000 });
  await pause(scratch);
  kill((await scratch.engine()) ?? 0);
  await expectStill(scratch);
  expect((await scratch.lanes("engine", "stop")).code).toBe(0);
  expect((await scratch.lanes("engine", "status")).stdout).toMatch(/1 frozen, with or without an engine\n$/);
  expect((await scratch.lanes("status")).stdout).toMatch(/paused +slow .*frozen, its processes stand still/);
  // Longer than its time limit allows: no limit runs while it is frozen.
  await new Promise((resolve) => {
    setTimeout(resolve, 6000);
  });
  expect((await scratch.lanes("why", "slow")).stdout).toMatch(
    /^slow is paused for \d+ s: frozen, its processes stand still; next: lanes resume slow\n$/,
  );
  expect(await scratch.lanes("resume", "slow")).toMatchObject({ code: 0, stdout: "slow is running\n" });
  await expectTicking(scratch);
  scratch.write("go", "");
  await until("ready", async () => ((await scratch.state("slow")) === "ready" ? true : undefined));
  expect((await scratch.lanes("merge", "slow")).code).toBe(0);
  expect(scratch.read("done.txt")).toBe("done\n");
  const paused = (await scratch.events()).filter(({ key, effective }) => key === "slow" && effective);
  expect(paused.map(({ type }) => type).filter((type) => /freeze|frozen|resume|thaw/.test(type))).toEqual([
    "lane.freeze-asked",
    "lane.frozen",
    "lane.resume-asked",
    "lane.thawed",
  ]);
});

test("a frozen lane that is cancelled leaves no process, nor does a reset", { timeout: 120_000 }, async () => {
  await using scratch = await makeScratch();
  await startSlow(scratch);
  await pause(scratch);
  expect(treeOf(scratch, "slow").length).toBeGreaterThanOrEqual(2);
  expect((await scratch.lanes("cleanup")).stdout).toMatch(/^left .*slow: slow is paused\n$/);
  expect((await scratch.lanes("cancel", "slow")).code).toBe(0);
  expect([await scratch.state("slow"), treeOf(scratch, "slow")]).toEqual(["cancelled", []]);
  expect((await scratch.lanes("cleanup")).code).toBe(0);
  await startSlow(scratch);
  await pause(scratch);
  const tree = treeOf(scratch, "slow");
  expect((await scratch.lanes("reset", "--yes")).code).toBe(0);
  expect(processTable().filter(({ pid }) => tree.includes(pid))).toEqual([]);
});

test("a frozen lane is stopped, by name and with all others, and run again", { timeout: 120_000 }, async () => {
  await using scratch = await makeScratch();
  await startSlow(scratch);
  await pause(scratch);
  expect((await scratch.lanes("retry", "slow")).code).toBe(0);
  await until("its second run", async () => {
    const lane = (await scratch.status())["slow"];
    return lane?.state === "running" && lane.run?.n === 2 ? true : undefined;
  });
  for (const verb of [["stop", "slow"], ["stop-all"]]) {
    await pause(scratch);
    expect(await scratch.lanes(...verb)).toMatchObject({
      code: 0,
      stdout: "slow is paused: stopped; next: lanes resume slow\n",
    });
    expect(treeOf(scratch, "slow")).toEqual([]);
    expect((await scratch.lanes("resume", "slow")).stdout).toMatch(/^slow is (?:queued: resumed|starting|running)\n$/);
    await until("running", async () => ((await scratch.state("slow")) === "running" ? true : undefined));
  }
  scratch.write("go", "");
  await until("ready", async () => ((await scratch.state("slow")) === "ready" ? true : undefined));
});

test(
  "an agent that dies frozen, without an engine, has failed and is not tried again",
  { timeout: 120_000 },
  async () => {
    await using scratch = await makeScratch();
    await startSlow(scratch);
    await pause(scratch);
    expect((await scratch.lanes("engine", "stop")).stdout).toBe(
      "stopped; agents that run go on, frozen ones stay frozen\n",
    );
    kill((await scratch.status())["slow"]?.run?.pid ?? 0);
    await until("failed", async () => ((await scratch.state("slow")) === "failed" ? true : undefined));
    expect((await scratch.lanes("why", "slow")).stdout).toBe(
      "slow is failed: killed by SIGKILL while it was frozen; next: lanes log slow; lanes retry slow\n",
    );
  },
);

test("whoever wakes a frozen agent, it stands still again", { timeout: 120_000 }, async () => {
  await using scratch = await makeScratch();
  await startSlow(scratch);
  await pause(scratch);
  for (const pid of treeOf(scratch, "slow")) process.kill(pid, "SIGCONT");
  await until("all to stand still", () => (treeOf(scratch, "slow").every(isStill) ? true : undefined));
  await expectStill(scratch);
  expect(await scratch.state("slow")).toBe("paused");
});

test("an engine that was itself frozen, and is woken late, disturbs nothing", { timeout: 240_000 }, async () => {
  await using scratch = await makeScratch();
  await startSlow(scratch);
  for (const [verb, opposite] of [
    ["pause", "resume"],
    ["resume", "pause"],
  ] as const) {
    // In the middle of something, at a moment that nobody chose.
    await scratch.lanes(verb, "slow", "--detach");
    const old = (await scratch.engine()) ?? 0;
    process.kill(old, "SIGSTOP");
    for (const next of [verb, opposite]) expect((await scratch.lanes(next, "slow")).code).toBe(0);
    expect(await scratch.engine()).not.toBe(old);
    process.kill(old, "SIGCONT");
    await until("the old engine to see that it does not lead", () => (processRow(old) ? undefined : true));
    await (opposite === "resume" ? expectTicking(scratch) : expectStill(scratch));
    await scratch.lanes(verb, "slow");
  }
});

test("engines that are killed at any moment leave a lane as people want it", { timeout: 240_000 }, async () => {
  await using scratch = await makeScratch();
  await startSlow(scratch);
  for (let round = 0; round < 3; round += 1) {
    for (const verb of ["pause", "resume"] as const) {
      await scratch.lanes(verb, "slow", "--detach");
      await new Promise((resolve) => {
        setTimeout(resolve, Math.random() * 60);
      });
      const pid = await scratch.engine();
      if (pid !== undefined) kill(pid);
      expect((await scratch.lanes(verb, "slow")).code).toBe(0);
      if (verb === "pause") await expectStill(scratch);
      else await expectTicking(scratch);
    }
  }
  scratch.write("go", "");
  await until("ready", async () => ((await scratch.state("slow")) === "ready" ? true : undefined));
});

test("p freezes a lane in the control center, and lets it go on", { timeout: 120_000 }, async () => {
  await using scratch = await makeScratch();
  await startSlow(scratch);
  const terminal = openTerminal(scratch, []);
  await terminal.shows(/slow +running|running +slow/);
  terminal.type("p");
  await terminal.shows(/slow +paused|paused +slow/);
  await expectStill(scratch);
  terminal.type("p");
  await terminal.shows(/slow +running|running +slow/);
  await expectTicking(scratch);
  terminal.type("q");
  expect(await terminal.ended).toBe(0);
});

test("what cannot be paused says so in one line and changes nothing", { timeout: 120_000 }, async () => {
  await using scratch = await makeScratch();
  await scratch.add("idle", { command: "true" });
  const before = await scratch.events();
  const said = async (...words: readonly string[]): Promise<readonly [number, string]> => {
    const { code, stderr } = await scratch.lanes(...words);
    return [code, stderr];
  };
  expect(await said("pause", "idle")).toEqual([
    4,
    "lanes: lane idle is planned: no agent runs in it that could be frozen; lanes why idle\n",
  ]);
  expect(await said("resume", "idle")).toEqual([
    4,
    "lanes: lane idle is planned: it is not paused; lanes launch idle\n",
  ]);
  for (const how of ["checkpoint", "soft"])
    expect(await said("pause", "idle", "--how", how)).toEqual([
      64,
      `lanes: pause --how ${how} is not there yet; pause --how takes freeze or stop\n`,
    ]);
  const [code, text] = await said("pause", "idle", "--how", "x\u001B[31m");
  expect([code, text.includes("\u001B")]).toEqual([64, false]);
  expect(text).toMatch(/^lanes: unknown way to pause "x.*"; pause --how takes freeze or stop\n$/);
  expect(await scratch.events()).toEqual(before);
});
