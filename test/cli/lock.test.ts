/** Leases from the command line, and the queue that nobody gets round. */
import { join } from "node:path";

import { expect, test } from "vitest";

import { makeScratch, type Scratch, until } from "../story/scratch.ts";

const patience = 60_000;

const working = (id: string, path: string, more: object = {}): readonly [string, Readonly<Record<string, unknown>>] => [
  id,
  { command: `mkdir -p src docs; echo ${id} > ${path}; git add ${path}; git commit --no-verify -qm ${id}`, ...more },
];

interface LeaseJson {
  readonly id: number;
  readonly lane: string;
  readonly token: number | null;
  readonly behind: readonly string[];
}

const leases = async (scratch: Scratch): Promise<readonly LeaseJson[]> =>
  (JSON.parse((await scratch.lanes("lock", "list", "--json")).stdout) as { leases: readonly LeaseJson[] }).leases;

test(
  "a lane's paths are leased with its start; who wants the same waits, and says for whom",
  { timeout: patience },
  async () => {
    await using scratch = await makeScratch();
    await scratch.lanes("init");
    await scratch.add(...working("one", "src/a", { paths: ["src/**"] }));
    await scratch.add(...working("two", "src/b", { paths: ["src/b"] }));
    expect(await scratch.lanes("exec-lane", "one")).toMatchObject({
      code: 0,
      stderr: expect.not.stringContaining("warning"),
    });
    const warning = "meet src/** of one, which is ready: it waits until they are given back";
    expect((await scratch.lanes("launch", "two")).stderr).toContain(`warning: paths of two ${warning}`);
    const third = JSON.stringify({ agent: "manual", paths: ["**/a"] });
    expect((await scratch.lanes("add-lane", "three", third)).stderr).toContain(`warning: paths of three ${warning}`);
    expect((await scratch.lanes("why", "two")).stdout).toContain("waits for src/** (leased to one)");
    expect(await leases(scratch)).toMatchObject([{ lane: "one", behind: [] }]);
    expect(await scratch.lanes("merge", "one")).toMatchObject({ code: 0 });
    await until("the other to start", async () => ((await scratch.state("two")) === "ready" ? true : undefined));
    expect(JSON.parse(scratch.read(".orchestration/locks/leases.json"))).toMatchObject({ leases: [{ lane: "two" }] });
    expect(await scratch.lanes("merge", "two")).toMatchObject({ code: 0 });
    expect(await leases(scratch)).toEqual([]);
  },
);

test("leases are taken, waited for, renewed, given back and broken", { timeout: patience }, async () => {
  await using scratch = await makeScratch();
  await scratch.lanes("init");
  for (const id of ["a", "b"]) await scratch.add(id, { agent: "manual" });
  expect((await scratch.lanes("lock")).stdout).toBe("no paths are leased\n");
  const first = await scratch.lanes("lock", "acquire", "a", "src/**", "@port", "--ttl", "2h");
  expect([first.code, first.stdout]).toEqual([
    0,
    expect.stringMatching(/^\d+ {2}a {2}src\/\*\*, @port: granted with token \d+ now, 1 h left$/m),
  ]);
  const second = await scratch.lanes("lock", "acquire", "b", "@port", "--json");
  expect([second.code, JSON.parse(second.stdout)]).toMatchObject([75, { lane: "b", token: null, behind: ["a"] }]);
  const [held] = await leases(scratch);
  expect(await scratch.lanes("lock", "renew", "a", "--token", "1")).toMatchObject({ code: 4 });
  expect(await scratch.lanes("lock", "renew", "a", "--token", `${held?.token}`)).toMatchObject({ code: 0 });
  expect(await scratch.lanes("lock", "break", `${held?.id}`)).toMatchObject({ code: 64 });
  expect(await scratch.lanes("lock", "break", `${held?.id}`, "--why", "it hangs")).toMatchObject({ code: 0 });
  expect(await leases(scratch)).toMatchObject([{ lane: "b", behind: [] }]);
  expect((await scratch.lanes("lock", "release", "b")).stdout).toBe("lane b has no lease\n");
  expect((await scratch.lanes("events")).stdout).toContain("lease.broken  a");
});

test.each<[readonly string[], number, RegExp]>([
  [["fly"], 64, /unknown action "fly"/],
  [["list", "a"], 64, /takes nothing more/],
  [["break"], 64, /number of the claim is missing/],
  [["break", "a", "--why", "x"], 64, /is no number of a claim/],
  [["break", "99", "--why", "x"], 4, /there is no claim 99/],
  [["break", "9", "x", "--why", "x"], 64, /takes nothing more/],
  [["acquire"], 64, /the lane is missing/],
  [["acquire", "a"], 64, /the paths are missing/],
  [["acquire", "a", "/etc"], 65, /relative to the top/],
  [["acquire", "zz", "x"], 64, /no lane "zz"/],
  [["acquire", "a", "x", "--ttl", "soon"], 64, /no time from 1s to 7d/],
  [["check"], 64, /the lane is missing/],
  [["check", "a"], 64, /the paths are missing/],
  [["check", "zz", "x"], 64, /no lane "zz"/],
  [["renew", "a"], 4, /lane a has no lease/],
  [["renew", "a", "x"], 64, /takes nothing more/],
  [["renew", "a", "--token", "x"], 64, /no number of a token/],
  [["release", "a", "x"], 64, /no number of a claim/],
  [["release", "a", "1", "2"], 64, /takes nothing more/],
])("lock %j is refused in one line", { timeout: patience }, async (words, code, line) => {
  await using scratch = await makeScratch();
  await scratch.lanes("init");
  await scratch.add("a", { agent: "manual" });
  const before = scratch.read(".orchestration/event-log.jsonl");
  const ended = await scratch.lanes("lock", ...words);
  expect([ended.code, ended.stderr]).toEqual([code, expect.stringMatching(line)]);
  expect(ended.stderr.trimEnd().split("\n")).toHaveLength(1);
  expect(scratch.read(".orchestration/event-log.jsonl")).toBe(before);
});

test("an agent speaks only for its own lane, and breaks nothing", { timeout: patience }, async () => {
  await using scratch = await makeScratch();
  await scratch.lanes("init");
  await scratch.add("a", { agent: "manual" });
  const said = join(scratch.repo, "..", "said");
  const lanes = `${process.execPath} ${join(import.meta.dirname, "../../bin/lanes.js")} lock`;
  const command = `${lanes} acquire b src; echo $? > ${said}; ${lanes} acquire a src; echo $? >> ${said}; ${lanes} break 1 --why x; echo $? >> ${said}`;
  await scratch.add("b", { command });
  await scratch.lanes("exec-lane", "b");
  expect(scratch.read("../said")).toBe("0\n4\n4\n");
});

test("nothing lands that another lane has leased, whatever was committed", { timeout: patience }, async () => {
  await using scratch = await makeScratch();
  await scratch.lanes("init");
  await scratch.add("holder", { agent: "manual" });
  await scratch.lanes("lock", "acquire", "holder", "src/**");
  await scratch.add(...working("other", "src/x"));
  await scratch.lanes("exec-lane", "other");
  const refused = await scratch.lanes("merge", "other");
  expect([refused.code, refused.stdout]).toEqual([4, expect.stringContaining("src/x is leased to holder")]);
  expect(await scratch.git("log", "--format=%s", "main")).toBe("Begin");
  await scratch.lanes("lock", "release", "holder");
  expect(await scratch.lanes("merge", "other")).toMatchObject({ code: 0 });
});

test("lanes that wait for each other get on: one gives way, and gets it back", { timeout: patience }, async () => {
  await using scratch = await makeScratch();
  await scratch.lanes("init");
  for (const id of ["a", "b"]) await scratch.add(id, { agent: "manual", priority: id === "a" ? "high" : "low" });
  await scratch.lanes("lock", "acquire", "a", "x");
  await scratch.lanes("lock", "acquire", "b", "y");
  await scratch.lanes("lock", "acquire", "a", "y");
  await scratch.lanes("lock", "acquire", "b", "x");
  await until("one to give way", async () => {
    const all = await leases(scratch);
    return all.filter(({ lane, token }) => lane === "a" && token !== null).length === 2 ? true : undefined;
  });
  expect((await scratch.lanes("events")).stdout).toContain("lease.yielded  b");
  await scratch.lanes("lock", "release", "a");
  expect((await leases(scratch)).map(({ lane, token }) => [lane, token !== null])).toEqual([
    ["b", true],
    ["b", true],
  ]);
});
