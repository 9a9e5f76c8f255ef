/** What would not merge, told before anybody merges. */
import { expect, test } from "vitest";

import { makeScratch, type Scratch, until } from "../story/scratch.ts";

const patience = 60_000;

interface Conflicts {
  readonly pairs: readonly {
    readonly a: string;
    readonly b: string;
    readonly state: string;
    readonly paths: readonly string[];
    readonly kinds: readonly string[];
    readonly ageMs: number;
  }[];
  readonly uncommitted: readonly string[];
  readonly order: readonly string[];
}

const conflicts = async (scratch: Scratch, ...words: readonly string[]): Promise<Conflicts> =>
  JSON.parse((await scratch.lanes("conflicts", "--json", ...words)).stdout) as Conflicts;

test("lanes that collide are told with kind and paths, uncommitted work included", { timeout: patience }, async () => {
  await using scratch = await makeScratch();
  await scratch.lanes("init");
  expect((await scratch.lanes("conflicts")).stdout).toContain("no lane has work that is not on the target\n");
  const saying = (word: string): Readonly<Record<string, unknown>> => ({
    command: `echo ${word} > shared; git add shared; git commit -qm ${word}`,
  });
  await scratch.add("one", saying("one"));
  await scratch.add("two", saying("two"));
  await scratch.add("mine", { agent: "manual" });
  for (const id of ["one", "two", "mine"]) await scratch.lanes("exec-lane", id);
  scratch.write(".worktrees/mine/shared", "mine\n");
  scratch.write(".worktrees/mine/SHARED", "mine too\n");
  const told = await conflicts(scratch, "--refresh");
  expect(told).toMatchObject({
    pairs: [
      { a: "mine", b: "one", state: "conflict", paths: ["SHARED and shared"], kinds: ["case"] },
      { a: "mine", b: "one", state: "conflict", paths: ["shared"], kinds: ["contents"] },
      { a: "mine", b: "two", state: "conflict", paths: ["SHARED and shared"] },
      { a: "mine", b: "two", state: "conflict", paths: ["shared"] },
      { a: "one", b: "two", state: "conflict", paths: ["shared"], kinds: ["contents"] },
    ],
    uncommitted: ["mine"],
  });
  expect(told.order.toSorted()).toEqual(["mine", "one", "two"]);
  expect(await scratch.lanes("merge", "one")).toMatchObject({ code: 0 });
  const after = await scratch.lanes("conflicts", "two", "--refresh");
  expect([after.code, after.stdout]).toEqual([
    0,
    expect.stringMatching(
      /^target and two: shared \(contents\)\nas of (now|\d+ s ago), with what is uncommitted in mine\n$/,
    ),
  ]);
});

test("the engine keeps the forecast, and everybody sees it", { timeout: patience }, async () => {
  await using scratch = await makeScratch();
  await scratch.lanes("init");
  await scratch.add("a", { agent: "manual" });
  await scratch.add("b", { agent: "manual" });
  await scratch.add("busy", { command: "sleep 1000" });
  for (const id of ["a", "b"]) await scratch.lanes("exec-lane", id);
  await scratch.lanes("launch", "busy");
  for (const id of ["a", "b"]) {
    scratch.write(`.worktrees/${id}/new`, `${id}\n`);
    await scratch.git("-C", `.worktrees/${id}`, "add", "new");
    await scratch.git("-C", `.worktrees/${id}`, "commit", "-qm", id);
  }
  // What the engine has not seen yet is looked at for whoever asks.
  expect((await conflicts(scratch)).pairs).toMatchObject([{ a: "a", b: "b", state: "conflict", paths: ["new"] }]);
  const met = async (): Promise<readonly unknown[] | undefined> => {
    const { lanes } = JSON.parse((await scratch.lanes("status", "--json")).stdout) as {
      lanes: Readonly<Record<string, { readonly conflictsWith: readonly string[] }>>;
    };
    return lanes["a"]?.conflictsWith.length === 1 ? [lanes["a"].conflictsWith, lanes["b"]?.conflictsWith] : undefined;
  };
  expect(await until("the engine to foresee it", met)).toEqual([["b"], ["a"]]);
  expect(JSON.parse(scratch.read(".orchestration/forecast.json"))).toMatchObject({ collisions: [{ a: "a", b: "b" }] });
  await scratch.lanes("stop", "busy");
});

test("a lane that there is not is said, with the ones that there are", { timeout: patience }, async () => {
  await using scratch = await makeScratch();
  await scratch.lanes("init");
  expect(await scratch.lanes("conflicts", "nobody")).toMatchObject({
    code: 64,
    stderr: expect.stringContaining('no lane "nobody"'),
  });
});
