/** What a person has the last word on: approvals, overrides, and how a failed run begins again. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { makeScratch, type Scratch, until } from "./scratch.ts";
import { openTerminal } from "./terminal.ts";

const patience = 300_000;

const ready = async (scratch: Scratch, id: string, command: string, more: object = {}): Promise<void> => {
  await scratch.add(id, { command, retries: 0, ...more });
  expect(await scratch.lanes("exec-lane", id)).toMatchObject({ code: 0 });
};

test.each(["lane", "configuration"])(
  "what has to be reviewed (%s) lands only as it was approved",
  { timeout: patience },
  async (where) => {
    await using scratch = await makeScratch();
    if (where === "configuration") scratch.write("lanes.config.json", JSON.stringify({ review: "required" }));
    await ready(
      scratch,
      "docs",
      "echo a > a; git add .; git commit -qm a",
      where === "lane" ? { review: "required" } : {},
    );
    const refused = await scratch.lanes("merge", "docs");
    expect([refused.code, refused.stdout]).toEqual([
      4,
      expect.stringMatching(/waits for a person's approval of [0-9a-f]{7}: lanes approve docs/),
    ]);
    expect(await scratch.git("log", "--format=%s", "main")).toBe("Begin");
    const head = await scratch.git("rev-parse", "lane/docs/work");
    const begun = await scratch.git("rev-parse", "main");
    const other = await scratch.lanes("approve", "docs", "--head", begun);
    expect([other.code, other.stderr]).toEqual([4, expect.stringContaining(`not at ${begun.slice(0, 7)}`)]);
    expect(await scratch.lanes("approve", "docs", "--head", "HEAD")).toMatchObject({ code: 64 });
    expect((await scratch.lanes("approve", "docs", "--head", head.slice(0, 9))).stdout).toContain(
      `approved docs at ${head.slice(0, 7)}`,
    );
    expect((await scratch.lanes("why", "docs")).stdout).toContain(`approved at ${head.slice(0, 7)}`);
    // A new commit voids it.
    const lane = join(scratch.repo, ".worktrees", "docs");
    await scratch.git("-C", lane, "commit", "-q", "--allow-empty", "-m", "more");
    const again = await scratch.lanes("merge", "docs");
    expect([again.code, again.stdout]).toEqual([
      4,
      expect.stringContaining(`new commits since ${head.slice(0, 7)} was approved`),
    ]);
    expect(await scratch.lanes("approve", "docs")).toMatchObject({ code: 0 });
    expect(await scratch.lanes("merge", "docs")).toMatchObject({ code: 0 });
    expect(await scratch.lanes("approve", "docs")).toMatchObject({ code: 4 });
  },
);

test(
  "an override lands past check, lease and review, and stays visible; an agent has none",
  { timeout: patience },
  async () => {
    await using scratch = await makeScratch();
    await scratch.lanes("init");
    await scratch.add("holder", { agent: "manual" });
    await scratch.lanes("lock", "acquire", "holder", "a");
    await ready(scratch, "docs", "echo a > a; git add .; git commit -nqm a", { review: "required", check: "false" });
    expect(await scratch.lanes("merge", "docs", "--override")).toMatchObject({ code: 64 });
    expect(await scratch.lanes("merge", "docs", "--why", "x")).toMatchObject({ code: 64 });
    expect(await scratch.lanes("merge", "--override", "--why", "x")).toMatchObject({ code: 64 });
    const landed = await scratch.lanes("merge", "docs", "--override", "--why", "the release waits");
    expect([landed.code, landed.stdout]).toEqual([0, expect.stringContaining("overridden: the release waits")]);
    expect(await scratch.git("log", "-1", "--format=%b", "main")).toContain("Overridden: the release waits");
    expect((await scratch.lanes("why", "docs")).stdout).toContain("overridden: the release waits");
    const bin = join(import.meta.dirname, "../../bin/lanes.js");
    const said = join(scratch.repo, "..", "said");
    scratch.write("lanes.config.json", JSON.stringify({ check: "false" }));
    const personal = [
      "approve more",
      "merge more --override --why x",
      "merge more --check true",
      "full --check true",
      "undo --yes",
      "remove holder --yes",
      "lock break 1 --why x",
      "trust --yes",
      "reset --yes",
    ];
    const tries = personal.map((words) => `${process.execPath} ${bin} ${words}; echo $? >> ${said}`);
    await scratch.add("more", { command: tries.join("; ") });
    await scratch.lanes("exec-lane", "more");
    expect(scratch.read("../said")).toBe("4\n".repeat(personal.length));
  },
);

test("an agent's terminal shows the status, not the control center", { timeout: patience }, async () => {
  await using scratch = await makeScratch();
  await scratch.add("docs", { agent: "manual" });
  for (const words of [[], ["status"]]) {
    const terminal = openTerminal({ repo: scratch.repo, env: { ...scratch.env, LANES_LANE: "docs" } }, words);
    expect(await terminal.ended).toBe(0);
    expect(terminal.raw()).toContain("docs");
    expect(terminal.raw()).not.toContain("\u001B[?1049h");
  }
});

test("an override never lands past a conflict", { timeout: patience }, async () => {
  await using scratch = await makeScratch({ "shared.txt": "a\n" });
  await ready(scratch, "api", "echo b > shared.txt; git commit -qam api");
  await ready(scratch, "docs", "echo c > shared.txt; git commit -qam docs");
  expect(await scratch.lanes("merge", "api")).toMatchObject({ code: 0 });
  expect(await scratch.lanes("merge", "docs", "--override", "--why", "now")).toMatchObject({ code: 2 });
});

test(
  "with rollback a failed run's work is kept and the next run begins at the base",
  { timeout: patience },
  async () => {
    await using scratch = await makeScratch({ "shared.txt": "a\n" });
    const tries = join(scratch.repo, "..", "tries");
    writeFileSync(tries, "");
    const command = [
      `ls >> ${tries}; git log --format=%s >> ${tries}; echo --- >> ${tries}`,
      `if ! test -e ../../../once; then touch ../../../once; echo bad > bad.txt; git add .; git commit -qm bad; echo worse > shared.txt; echo new > new.txt; exit 1; fi`,
      "echo good > good.txt; git add .; git commit -qm good",
    ].join("; ");
    await scratch.add("docs", { command, retries: 1, rollback: true });
    expect(await scratch.lanes("exec-lane", "docs")).toMatchObject({ code: 0 });
    await until("the second run", async () => ((await scratch.state("docs")) === "ready" ? true : undefined));
    const first = "README.md\nshared.txt\nBegin\n---\n";
    expect(scratch.read("../tries")).toBe(first + first);
    expect(await scratch.git("log", "--format=%s", "lane/docs/work")).toBe("good\nBegin");
    const kept = "refs/lanes/trash/docs/1";
    expect([
      await scratch.git("show", `${kept}:new.txt`),
      await scratch.git("show", `${kept}:shared.txt`),
      await scratch.git("show", `${kept}:bad.txt`),
    ]).toEqual(["new", "worse", "bad"]);
  },
);
