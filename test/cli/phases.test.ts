import { existsSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test, vi } from "vitest";

import { committing, patience, type Scene, scene } from "./scratch.ts";

/** A probe that finds the gaps `api` and `ui`, and commands that fill gaps. */
const configure = ({ write, git }: Scene, more: object = {}): void => {
  const report = {
    probe: "v2",
    ok: true,
    gaps: [
      { id: "api", title: "Write the API", priority: "high" },
      { id: "ui", dependsOn: ["api"] },
    ],
  };
  write("report.json", JSON.stringify(report));
  const probe = "mkdir -p docs/_generated && cp report.json docs/_generated/v2.json";
  const fill = 'echo $LANES_LANE > $LANES_LANE.txt && git add . && git commit -qm "fill $LANES_LANE"';
  write(
    "lanes.config.json",
    JSON.stringify({ probes: { v2: { command: probe } }, gaps: { command: fill }, check: "test -e a.txt", ...more }),
  );
  git("add", ".");
  git("commit", "-qm", "configure");
};

describe("the phases of seed 001", patience, () => {
  test("run one after another, as a CI script calls them", async () => {
    const one = scene();
    const { lanes, git, read, json } = one;
    configure(one);
    await lanes("trust", "--yes");
    const codes: Record<string, number | null> = {};
    for (const verb of ["init", "probes", "plan", "execute", "merge", "cleanup"])
      codes[verb] = (await lanes(verb)).code;
    expect(codes).toEqual({ init: 0, probes: 0, plan: 0, execute: 0, merge: 0, cleanup: 0 });
    expect(git("ls-tree", "-r", "--name-only", "main").split("\n")).toEqual([
      "a.txt",
      "api.txt",
      "docs/_generated/v2.json",
      "lanes.config.json",
      "report.json",
      "ui.txt",
    ]);
    expect(git("status", "--porcelain")).toBe("");
    const plan = JSON.parse(read("docs/_generated/execution_plan.json")) as { order: unknown; from: unknown };
    expect([plan.order, plan.from]).toEqual([[["api"], ["ui"]], ["docs/_generated/v2.json"]]);
    expect(existsSync(join(one.top, ".worktrees", "api"))).toBe(false);
    const status = (await json("status")) as {
      phase: number;
      status: string;
      lanes: Record<string, { status: string; priority: string }>;
    };
    expect([status.phase, status.status, status.lanes["api"]?.priority]).toEqual([4, "completed", "high"]);
  });

  test("run again without anything new say so and succeed", async () => {
    const one = scene();
    const { lanes, git } = one;
    configure(one);
    await lanes("trust", "--yes");
    await lanes("full");
    const before = git("rev-parse", "main");
    expect((await lanes("probes")).stdout).toBe("probe-v2-2: its report is the same as before\n1 probe\n");
    expect((await lanes("plan")).stdout).toBe(
      "skipped api: lane api exists and is merged\nskipped ui: lane ui exists and is merged\nadded 0 lanes from 1 report\n",
    );
    expect((await lanes("execute")).stdout).toBe("nothing to execute\n");
    expect((await lanes("merge")).stdout).toBe("nothing to merge: no lane is ready\n");
    expect(git("rev-parse", "main")).toBe(before);
  });

  test("run in one go, with the outcome of each", async () => {
    const one = scene();
    const { lanes, git } = one;
    configure(one);
    await lanes("trust", "--yes");
    const { code, stdout, stderr } = await lanes("full");
    expect(code).toBe(0);
    expect(stdout.replaceAll(/[0-9a-f]{7}/g, "COMMIT")).toMatchInlineSnapshot(`
      "init: wrote .orchestration/
      init: wrote info/exclude (in git's own folder)
      init: ready: lanes land on main
      probes: probe-v2 is merged: COMMIT on main
      probes: 1 probe
      plan: wave 1: api
      plan: wave 2: ui
      plan: added 2 lanes from 1 report
      execute: api is ready
      execute: ui is ready
      execute: 2 lanes: 2 ready
      merge: landed api: COMMIT
      merge: landed ui: COMMIT
      "
    `);
    expect(stderr).toMatch(
      /^== init\n[\s\S]*== probes\n[\s\S]*✓ probe-v2 merged[\s\S]*== plan\n== execute\n[\s\S]*→ api running[\s\S]*== merge\n/,
    );
    expect(git("log", "--format=%s", "-1")).toBe("Merge lanes api, ui");
  });

  test("do nothing when nothing is configured, and say how to", async () => {
    const { lanes } = scene();
    const { code, stdout } = await lanes("full");
    expect(code).toBe(0);
    expect(stdout).toMatchInlineSnapshot(`
      "init: wrote .orchestration/
      init: wrote info/exclude (in git's own folder)
      init: ready: lanes land on main
      probes: no probes are configured: lanes.config.json takes {"probes": {"NAME": {"command": "…"}}}
      plan: nothing to plan: there are no probe reports in docs/_generated
      execute: nothing to execute
      merge: nothing to merge: there are no lanes
      "
    `);
  });
});

describe("a plan", patience, () => {
  const report = (one: Scene, gaps: readonly object[]): void => {
    one.write("docs/_generated/v2.json", JSON.stringify({ probe: "v2", gaps }));
    one.git("add", ".");
    one.git("commit", "-qm", "report");
  };

  test("that would be made is shown, and changes nothing", async () => {
    const one = scene();
    report(one, [{ id: "api" }, { id: "ui", dependsOn: ["api"] }]);
    one.write("docs/_generated/other.json", "[]");
    one.write("docs/_generated/broken.json", "{");
    one.write("docs/_generated/execution_plan.json", "{}");
    one.git("add", ".");
    one.git("commit", "-qm", "other");
    const before = one.world();
    const { code, stdout, stderr } = await one.lanes("plan", "--dry-run");
    expect([code, stdout]).toEqual([
      0,
      "wave 1: api\nwave 2: ui\nwould add 2 lanes from 1 report\nnext: lanes execute\n",
    ]);
    expect(stderr).toBe(
      "docs/_generated/broken.json is not JSON: left out\ndocs/_generated/other.json names no probe: not a report, left out\n",
    );
    expect(one.world()).toBe(before);
  });

  test.each([
    [
      [
        { id: "a", dependsOn: ["b"] },
        { id: "b", dependsOn: ["a"] },
      ],
      "gaps[0].dependsOn: gaps depend on each other: a → b → a",
    ],
    [[{ id: "a", dependsOn: ["z"] }], 'gaps[0].dependsOn[0]: "z" is neither a gap nor a lane'],
    [[{ id: "../../etc" }], 'gaps[0].id: "../../etc" is not an id'],
    [[{ id: "a", command: "rm -rf ." }], "gaps[0].command: is not taken from a probe"],
    [[{ id: "a", tasks: "b" }], 'gaps[0].tasks: must be a list, not "b"'],
  ])("from %j is refused with the field's path", async (gaps, expected) => {
    const one = scene();
    report(one, gaps);
    const before = one.world();
    const { code, stdout, stderr } = await one.lanes("plan");
    expect([code, stdout]).toEqual([65, ""]);
    expect(stderr).toContain(`lanes: plan: docs/_generated/v2.json: ${expected}`);
    expect(stderr.split("\n")).toHaveLength(2);
    expect(one.world()).toBe(before);
  });
});

describe("execute", patience, () => {
  test("tells each lane's outcome, and its code is the worst of them", async () => {
    const { lanes } = scene();
    for (const [id, spec] of [
      ["good", committing("good.txt")],
      ["bad", '{"command": "exit 3", "retries": 0}'],
      ["after", '{"command": "true", "dependsOn": ["bad"]}'],
      ["dirty", '{"command": "echo x > left.txt"}'],
      ["none", "{}"],
    ] as const) {
      await lanes("add-lane", id, spec);
    }
    const { code, stdout, stderr } = await lanes("execute");
    expect(code).toBe(1);
    expect(stdout).toMatchInlineSnapshot(`
      "good is ready
      bad is failed: exit code 3; next: lanes log bad; lanes retry bad
      after is queued: blocked by bad (failed); bad is failed (exit code 3)
      dirty is waiting: 1 file not committed; next: commit or drop the files in .worktrees/dirty, then lanes merge dirty or lanes retry dirty
      5 lanes: 1 ready, 1 failed, 1 queued, 1 waiting, 1 planned
      next: lanes merge good
      "
    `);
    expect(stderr).toContain("none names no command and no agent: left out\n");
    await lanes("cancel", "bad", "after", "dirty");
    expect(await lanes("execute")).toMatchObject({ code: 4, stdout: "1 lane: 1 planned\n" });
    expect((await lanes("exec-lane", "good")).code).toBe(0);
  });

  test("ends where a person has to go on, however often it is asked", async () => {
    const { lanes } = scene();
    await lanes("add-lane", "mine", '{"agent": "manual"}');
    await lanes("add-lane", "dirty", '{"command": "echo x > left.txt"}');
    await lanes("add-lane", "after", '{"command": "true", "dependsOn": ["mine"]}');
    expect((await lanes("exec-lane", "dirty")).code).toBe(4);
    expect((await lanes("execute")).code).toBe(4);
    expect((await lanes("execute")).code).toBe(4);
    expect((await lanes("exec-lane", "after")).code).toBe(4);
    expect((await lanes("exec-lane", "mine")).code).toBe(0);
  });

  test("starts what a named lane depends on", async () => {
    const { lanes, stateOf } = scene();
    await lanes("add-lane", "base", committing("base.txt"));
    await lanes("add-lane", "top", committing("top.txt", { dependsOn: ["base"] }));
    const { code, stderr } = await lanes("exec-lane", "top");
    expect([code, await stateOf("base"), await stateOf("top")]).toEqual([0, "ready", "ready"]);
    expect(stderr).toContain("base runs too: others depend on it\n");
  });
});

describe("merge", patience, () => {
  test("lands what it can and tells what it could not", async () => {
    const { lanes, lanesWith, json, write, git, top } = scene();
    await lanes("add-lane", "one", '{"command": "echo 1 > f; git add f; git commit -qm 1"}');
    await lanes("add-lane", "two", '{"command": "echo 2 > f; git add f; git commit -qm 2"}');
    await lanes("add-lane", "mine", '{"agent": "manual"}');
    await lanes("execute");
    write(".worktrees/mine/notes.txt", "not committed");
    const merged = await lanes("merge", "one", "two", "mine", "--json");
    expect(merged.code).toBe(2);
    const { landed, refused } = JSON.parse(merged.stdout) as {
      landed: { lane: string; merge: string }[];
      refused: object[];
    };
    expect(landed).toEqual([{ lane: "one", merge: git("rev-parse", "main") }]);
    expect(refused).toMatchObject([
      { lane: "mine", reason: "lane mine has 1 uncommitted file: notes.txt" },
      { lane: "two", paths: ["f"] },
    ]);
    expect((await json("why", "two"))["state"]).toBe("conflicted");
    git("-C", ".worktrees/mine", "add", ".");
    git("-C", ".worktrees/mine", "commit", "-qm", "notes");
    const again = await lanesWith({ cwd: join(top, ".worktrees", "mine") }, "merge", "mine");
    expect([again.code, again.stdout]).toEqual([
      0,
      `landed mine: ${git("rev-parse", "--short=7", "main")}, unchecked\n`,
    ]);
  });

  test("does not land what fails its check, and shows the check's output", async () => {
    const { lanes, git } = scene();
    await lanes("add-lane", "docs", committing("docs.txt"));
    await lanes("exec-lane", "docs");
    const before = git("rev-parse", "main");
    const { code, stdout } = await lanes("merge", "docs", "--check", "echo 'docs are wrong'; exit 9");
    expect([code, git("rev-parse", "main")]).toEqual([1, before]);
    expect(stdout).toMatch(
      /^not landed: docs is checks-failed: the check failed on the merged tree: exit code 9 .*\n$/,
    );
    expect((await lanes("log", "docs", "--check")).stdout).toBe("docs are wrong\n");
    expect((await lanes("merge", "docs", "--check", "")).code).toBe(0);
  });

  test("that something of the person's is in the way of is told, and lands later by itself", async () => {
    const { lanes, write, read, git } = scene();
    await lanes("add-lane", "docs", '{"command": "echo new > a.txt; git commit -qam new"}');
    await lanes("exec-lane", "docs");
    write("a.txt", "mine, not committed\n");
    const { code, stdout } = await lanes("merge", "docs");
    expect(code).toBe(4);
    expect(stdout).toMatch(/^not landed: docs is landed-pending: .*; commit or move what is in the way/);
    git("checkout", "-q", "a.txt");
    await vi.waitFor(async () => expect((await lanes("merge", "docs")).code).toBe(0), { timeout: 60_000 });
    expect(read("a.txt")).toBe("new\n");
  });
});
