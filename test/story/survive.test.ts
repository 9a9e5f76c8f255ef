import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { begin, kill, makeScratch, type Scratch, until } from "./scratch.ts";
import { openTerminal } from "./terminal.ts";

/** An agent that would be caught if it ran twice at once or twice in all: it counts its lives in a file that it commits. */
const worker = (name: string, seconds: number): string =>
  `mkdir .busy || exit 9; echo life >> ${name}.txt; sleep ${seconds}; git add ${name}.txt; git commit -qm ${name}; rmdir .busy`;

const folders = (scratch: Scratch): readonly string[] =>
  readdirSync(join(scratch.repo, ".orchestration", "runs")).toSorted();

test("three lanes survive the death of the engine and land", { timeout: 120_000 }, async () => {
  await using scratch = await makeScratch();
  for (const id of ["one", "two", "three"]) await scratch.add(id, { command: worker(id, 2), retries: 0 });
  expect((await scratch.lanes("launch", "one", "two", "three")).code).toBe(0);
  await until("three runs", async () =>
    Object.values(await scratch.status()).every((lane) => lane.state === "running") ? true : undefined,
  );
  kill((await scratch.engine()) ?? 0);
  expect((await scratch.lanes("execute")).code).toBe(0);
  kill((await scratch.engine()) ?? 0);
  expect((await scratch.lanes("merge")).code).toBe(0);
  expect((await scratch.git("log", "--first-parent", "--format=%s")).split("\n").toSorted()).toEqual([
    "Begin",
    "Merge lane one",
    "Merge lane three",
    "Merge lane two",
  ]);
  for (const id of ["one", "two", "three"]) expect(scratch.read(`${id}.txt`)).toBe("life\n");
  expect(folders(scratch)).toEqual(["one-1", "three-1", "two-1"]);
  expect(await scratch.git("status", "--porcelain")).toBe("");
});

test("an agent that is killed is tried again and its lane lands", { timeout: 120_000 }, async () => {
  await using scratch = await makeScratch();
  await scratch.add("phoenix", {
    command:
      "rm -rf .busy; test -e .second && sleep 0 || { touch .second; sleep 60; }; rm .second; echo up > up.txt; git add up.txt; git commit -qm up",
  });
  await scratch.lanes("launch", "phoenix");
  const pid = await until("the agent's pid", async () => {
    const file = join(scratch.repo, ".orchestration", "runs", "phoenix-1", "start");
    return existsSync(file)
      ? Number(/^agent (\d+)/m.exec(scratch.read(".orchestration/runs/phoenix-1/start"))?.[1] ?? 0) || undefined
      : undefined;
  });
  await until("the agent at work", () =>
    existsSync(join(scratch.repo, ".worktrees/phoenix/.second")) ? true : undefined,
  );
  kill(pid);
  expect((await scratch.lanes("execute")).code).toBe(0);
  expect((await scratch.lanes("merge", "phoenix")).code).toBe(0);
  expect(scratch.read("up.txt")).toBe("up\n");
  expect(folders(scratch)).toEqual(["phoenix-1", "phoenix-2"]);
});

test("ten lanes outlive a terminal that hangs up", { timeout: 120_000 }, async () => {
  await using scratch = await makeScratch();
  const ids = Array.from({ length: 10 }, (_, index) => `lane-${index}`);
  for (const id of ids) await scratch.add(id, { command: worker(id, 3), retries: 0 });
  const terminal = openTerminal(scratch, [], 120, 40);
  await terminal.shows(/lane-9/);
  await scratch.lanes("launch", ...ids);
  await terminal.shows(/running/);
  terminal.hangUp();
  await terminal.ended;
  await until("all lanes to be ready", async () =>
    Object.values(await scratch.status()).every((lane) => lane.state === "ready") ? true : undefined,
  );
  expect(folders(scratch)).toHaveLength(10);
  expect((await scratch.lanes("merge")).code).toBe(0);
  expect((await scratch.git("log", "--first-parent", "--format=%s")).split("\n")).toHaveLength(11);
});

test("two control centers show the same and one engine leads", { timeout: 120_000 }, async () => {
  await using scratch = await makeScratch();
  await scratch.add("shared", { command: worker("shared", 1) });
  const [left, right] = [openTerminal(scratch, []), openTerminal(scratch, [])];
  await Promise.all([left.shows(/shared +planned|planned +shared/), right.shows(/shared +planned|planned +shared/)]);
  left.type("L");
  await right.shows(/shared +ready|ready +shared/);
  right.type("m");
  await left.shows(/shared +merged|merged +shared/);
  const elected = (await scratch.events()).filter((event) => event.type === "engine.elected" && event.effective);
  expect(elected).toHaveLength(1);
  left.type("q");
  right.type("q");
  expect(await Promise.all([left.ended, right.ended])).toEqual([0, 0]);
});

test("a watching control center replaces an engine that was killed", { timeout: 120_000 }, async () => {
  await using scratch = await makeScratch();
  await scratch.add("long", { command: worker("long", 4) });
  await scratch.lanes("launch", "long");
  const terminal = openTerminal(scratch, []);
  await terminal.shows(/long +running|running +long/);
  const first = await scratch.engine();
  kill(first ?? 0);
  await until("another engine", async () => {
    const now = await scratch.engine();
    return now !== undefined && now !== first ? true : undefined;
  });
  await terminal.shows(/long +ready|ready +long/);
  terminal.type("q");
  expect(await terminal.ended).toBe(0);
});

test("whatever is killed, every lane lands once and the target stays whole", { timeout: 240_000 }, async () => {
  await using scratch = await makeScratch();
  const ids = Array.from({ length: 6 }, (_, index) => `storm-${index}`);
  for (const [index, id] of ids.entries()) {
    const dependsOn = index >= 4 ? [`storm-${index - 4}`] : [];
    await scratch.add(id, {
      command: `echo ${id} > ${id}.txt; sleep 1; git add ${id}.txt; git commit -qm ${id}`,
      dependsOn,
    });
  }
  const terminal = openTerminal(scratch, []);
  await terminal.shows(/storm-5/);
  let over = false;
  const storm = killNow(scratch, () => over);
  const script = begin(scratch, "execute");
  await until("all lanes to be ready", async () =>
    Object.values(await scratch.status()).every((lane) => lane.state === "ready") ? true : undefined,
  );
  await script.ended;
  await scratch.lanes("merge", ...ids, "--detach");
  await until("all lanes to land", async () =>
    Object.values(await scratch.status()).every((lane) => lane.state === "merged") ? true : undefined,
  );
  over = true;
  expect(await storm).toBeGreaterThan(3);
  const subjects = (await scratch.git("log", "--first-parent", "--format=%s", "main")).split("\n");
  expect(subjects.toSorted()).toEqual(["Begin", ...ids.map((id) => `Merge lane ${id}`)]);
  for (const id of ids) expect(scratch.read(`${id}.txt`)).toBe(`${id}\n`);
  expect(await scratch.git("status", "--porcelain")).toBe("");
  expect(await scratch.git("fsck", "--connectivity-only")).not.toMatch(/missing|broken/);
  terminal.hangUp();
});

/** Kill the engine again and again, at moments that nobody chose. Answers how often one was hit. */
const killNow = async (scratch: Scratch, isOver: () => boolean): Promise<number> => {
  let hits = 0;
  while (!isOver()) {
    await new Promise((resolve) => {
      setTimeout(resolve, 100 + Math.random() * 900);
    });
    const pid = await scratch.engine();
    if (pid === undefined || hits >= 12) continue;
    kill(pid);
    hits += 1;
  }
  return hits;
};
