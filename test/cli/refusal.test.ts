import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { committing, patience, scene } from "./scratch.ts";

/** Words that are refused in a repository with the lanes `planned` and `mine`: code, and the one line that says why. */
const bad: readonly (readonly [words: readonly string[], code: number, line: string])[] = [
  [["add-lane", "x", "{,}"], 65, "lane x is not JSON (line 1, column 2); check quotes, commas and brackets"],
  [["add-lane", "x", '{"tasks": ["a", 2]}'], 65, 'lane x: tasks[1]: must be a string, not 2; write "…"'],
  [
    ["add-lane", "x", '{"parallel": "yes"}'],
    65,
    'lane x: parallel: must be true or false, not "yes"; write true or false without quotes',
  ],
  [
    ["add-lane", "x", '{"priority": "hgh"}'],
    65,
    'lane x: priority: must be one of low, normal, high, not "hgh"; did you mean "high"?',
  ],
  [["add-lane", "x", "[]"], 65, 'lane x must be an object, not a list; write {"tasks": ["…"]}'],
  [["add-lane", "x", ""], 65, "lane x is not JSON: it is empty; check quotes, commas and brackets"],
  [["add-lane", "x", "-"], 65, "lane x is not JSON: it is empty; check quotes, commas and brackets"],
  [
    ["add-lane", "x", "@nowhere"],
    65,
    '"nowhere" cannot be read (ENOENT); look at the path; it is relative to this folder',
  ],
  [["add-lane", "x", "@."], 65, '"." is not a file; name a file, or pipe it in with -'],
  [
    ["add-lane", "x", '{"dependsOn": ["nobody"]}'],
    65,
    'dependsOn[0]: lane x depends on "nobody", which does not exist; add that lane first',
  ],
  [
    ["add-lane", "x", '{"dependsOn": ["x"]}'],
    65,
    "lane x: dependsOn: lane x depends on itself; take it out of the list",
  ],
  [["add-lane", "planned", "{}"], 65, "lane planned exists (planned); choose another id, or: lanes why planned"],
  [
    ["add-lane", "PLANNED", "{}"],
    65,
    "PLANNED differs from lane planned only in case; choose another id: some file systems cannot tell them apart",
  ],
  [
    ["add-lane", "../x", "{}"],
    65,
    '"../x" is not an id: letters, digits, "_" and "-", starting with a letter or digit; choose another id',
  ],
  [
    ["add-lane", "--", "-x", "{}"],
    65,
    '"-x" is not an id: letters, digits, "_" and "-", starting with a letter or digit; choose another id',
  ],
  [["add-lane", "", "{}"], 65, "an id must not be empty; choose another id"],
  [["add-lane", "head", "{}"], 65, '"head" is a reserved word; choose another id'],
  [["add-lane", "x".repeat(64), "{}"], 65, "an id has at most 63 characters, this one has 64; choose another id"],
  [
    ["add-lane", "x", "x".repeat(100_000)],
    65,
    "lane x is not JSON (line 1, column 1); check quotes, commas and brackets",
  ],
  [["exec-lane", "nobody"], 64, 'no lane "nobody"; lanes: planned, mine'],
  [["exec-lane", "Planned"], 64, 'no lane "Planned"; did you mean planned?'],
  [
    ["exec-lane", "planned"],
    4,
    'lane planned names no command and no agent; lanes cancel planned, then lanes add-lane planned JSON with a "command", a roster "agent", or "agent": "manual" for a lane in which you work',
  ],
  [
    ["launch", "planned"],
    4,
    'lane planned names no command and no agent; lanes cancel planned, then lanes add-lane planned JSON with a "command", a roster "agent", or "agent": "manual" for a lane in which you work',
  ],
  [["launch", "mine", "nobody"], 64, 'no lane "nobody"; lanes: planned, mine'],
  [["launch", "\u001B[31m"], 64, String.raw`no lane "\u{1b}[31m"; lanes: planned, mine`],
  [["execute", "nobody"], 64, 'no lane "nobody"; lanes: planned, mine'],
  [["retry", "planned"], 4, "lane planned is planned: there is nothing to retry; lanes launch planned"],
  [["stop", "nobody"], 64, 'no lane "nobody"; lanes: planned, mine'],
  [["cancel", "nobody", "planned"], 64, 'no lane "nobody"; lanes: planned, mine'],
  [["merge", "nobody"], 64, 'no lane "nobody"; lanes: planned, mine'],
  [["why", "nobody"], 64, 'no lane "nobody"; lanes: planned, mine'],
  [["why", "--", "--json"], 64, 'no lane "--json"; lanes: planned, mine'],
  [["log", "planned"], 4, "lane planned has not run yet; lanes why planned"],
  [["log", "planned", "--check"], 4, "lane planned has not been checked yet; lanes why planned"],
  [["log", "planned", "-n", "many"], 64, "--lines takes a number; lanes log LANE -n 20"],
  [["events", "--since", "-1"], 64, "--since takes a position; the number at the start of each line of lanes events"],
  [["engine", "fly"], 64, 'unknown action "fly"; lanes engine takes status, start, stop or run'],
  [["init", "--target", "nowhere"], 65, "there is no branch nowhere to land on; make it first: git branch nowhere"],
  [
    ["init", "--target", "--upload-pack=x"],
    64,
    'init: --target: "--upload-pack=x" is not a branch name; use a name such as main or team/alpha',
  ],
  [["probes", "nope"], 64, 'no probe "nope"; none is configured'],
  [["reset"], 4, "reset ends all runs and archives all records; to do it without being asked: lanes reset --yes"],
  [
    ["reset", "--no-input"],
    4,
    "reset ends all runs and archives all records; to do it without being asked: lanes reset --yes",
  ],
  ...["--override", "--detach", "--strategy=squash", "--why=x", "--check=true", "planned"].map(
    (word) =>
      [
        ["merge", "--list", word],
        64,
        "--list shows the whole queue and takes nothing more; lanes merge --list",
      ] as const,
  ),
  [["lunch"], 64, 'unknown verb "lunch"; did you mean launch?'],
  [["status", "--jsno"], 64, 'unknown option "--jsno"; did you mean --json?'],
];

describe("what cannot be done", patience, () => {
  test("is refused in one line with its code, and changes nothing", async () => {
    const { lanes, world } = scene();
    await lanes("add-lane", "planned", "{}");
    await lanes("add-lane", "mine", '{"agent": "manual"}');
    await lanes("exec-lane", "mine");
    await lanes("engine", "stop");
    const before = world();
    const ended: unknown[] = [];
    for (let at = 0; at < bad.length; at += 4) {
      const some = bad.slice(at, at + 4).map(async ([words]) => ({ words, ...(await lanes(...words)) }));
      ended.push(...(await Promise.all(some)));
    }
    expect(ended).toEqual(bad.map(([words, code, line]) => ({ words, code, stdout: "", stderr: `lanes: ${line}\n` })));
    expect(world()).toBe(before);
  });

  test("is refused before a repository is prepared for it", async () => {
    const { lanes, world } = scene();
    const before = world();
    for (const words of [
      ["add-lane", "x", "nonsense"],
      ["add-lane", "x", '{"dependsOn": ["nobody"]}'],
      ["exec-lane", "x"],
      ["merge", "x"],
      ["engine", "start"],
      ["init", "--target", "nowhere"],
    ]) {
      expect((await lanes(...words)).code).toBeGreaterThan(0);
    }
    for (const words of [
      ["status"],
      ["merge"],
      ["execute"],
      ["cleanup"],
      ["stop-all"],
      ["reset"],
      ["events"],
      ["plan", "--dry-run"],
      ["probes"],
      ["monitor", "--until-idle"],
      ["trust"],
      ["engine"],
      [],
    ]) {
      expect({ words, code: (await lanes(...words)).code }).toEqual({ words, code: 0 });
    }
    expect(world()).toBe(before);
  });
});

describe("a place without lanes", patience, () => {
  test("that is no repository is told so", async () => {
    const { lanesWith, top } = scene();
    const cwd = join(top, "..");
    for (const words of [["status"], ["init"], []]) {
      const { code, stdout, stderr } = await lanesWith({ cwd }, ...words);
      expect([code, stdout]).toEqual([3, ""]);
      expect(stderr).toMatch(/^lanes: not a git repository: .*; .*\n$/);
    }
  });

  test("that has no commit, or no branch checked out, is not usable yet", async () => {
    const { lanes, lanesWith, git, top, world } = scene();
    mkdirSync(join(top, "unborn"));
    git("-C", "unborn", "init", "-q");
    const unborn = await lanesWith({ cwd: join(top, "unborn") }, "add-lane", "x", committing("x"));
    expect([unborn.code, unborn.stderr.split("\n").length]).toEqual([3, 2]);
    const aimed = await lanesWith({ cwd: join(top, "unborn"), env: { LANES_TARGET: "main" } }, "init");
    expect([aimed.code, aimed.stderr.split("\n").length]).toEqual([3, 2]);
    git("checkout", "-q", "--detach");
    const before = world();
    const detached = await lanes("add-lane", "x", committing("x"));
    expect([detached.code, detached.stderr.split("\n").length]).toEqual([3, 2]);
    expect(world()).toBe(before);
    expect((await lanesWith({ env: { LANES_TARGET: "main" } }, "add-lane", "x", committing("x"))).code).toBe(0);
  });
});

describe("commands of lanes.config.json", patience, () => {
  test("are not run before a person has trusted them", async () => {
    const { lanes, write, world, git } = scene();
    write(
      "lanes.config.json",
      JSON.stringify({ check: "touch ran", gaps: { command: "touch ran" }, probes: { v2: { command: "touch ran" } } }),
    );
    git("add", ".");
    git("commit", "-qm", "configure");
    await lanes("add-lane", "docs", committing("docs.txt"));
    await lanes("exec-lane", "docs");
    await lanes("engine", "stop");
    const before = world();
    for (const words of [["probes"], ["plan"], ["merge"], ["merge", "docs"], ["full"]]) {
      expect({ words, ...(await lanes(...words)) }).toEqual({
        words,
        code: 4,
        stdout: "",
        stderr: "lanes: commands of lanes.config.json are not trusted yet; look at them and allow them: lanes trust\n",
      });
    }
    const asked = await lanes("trust");
    expect([asked.code, asked.stderr]).toEqual([
      4,
      "lanes: trust needs a person's answer; after reading the commands: lanes trust --yes\n",
    ]);
    expect(world()).toBe(before);
    expect((await lanes("merge", "docs", "--check", "true")).code).toBe(0);
  });

  test("are trusted once for what they are", async () => {
    const { lanes, write } = scene();
    write("lanes.config.json", JSON.stringify({ check: "true" }));
    expect((await lanes("trust", "--yes")).stdout).toBe("check: true\ntrusted, until one of them changes\n");
    expect((await lanes("trust")).stdout).toBe("there is nothing to trust: no command waits for it\n");
    write("lanes.config.json", JSON.stringify({ check: "touch ran" }));
    expect((await lanes("trust")).code).toBe(4);
  });

  test("that do not parse are told of with the file and the field", async () => {
    const { lanes, write, world } = scene();
    write("lanes.config.json", JSON.stringify({ probes: { v2: { command: 7 } } }));
    const before = world();
    const { code, stderr } = await lanes("probes");
    expect(code).toBe(65);
    expect(stderr).toMatch(/^lanes: \S*lanes\.config\.json: probes\.v2\.command must be .*\n$/);
    expect(world()).toBe(before);
  });
});

describe("a reader of the output", patience, () => {
  test("may leave early", async () => {
    const { lanes, begin } = scene();
    await lanes("add-lane", "x", "{}");
    const { child, ended } = begin({}, "events", "--follow");
    await new Promise((resolve) => child.stdout?.once("data", resolve));
    child.stdout?.destroy();
    await lanes("add-lane", "y", "{}");
    expect(await ended).toMatchObject({ code: 0, stderr: "" });
  });
});
