import { describe, expect, test } from "vitest";

import { diagnose, worstLevel } from "../../src/core/doctor.ts";
import { span, word } from "../../src/core/finding.ts";
import type { BoxFacts, Health, JournalFacts, RepositoryFacts, WorkFacts } from "../../src/core/health.ts";

const now = Date.UTC(2026, 5, 1);
const gib = 1024 ** 3;

const box: BoxFacts = {
  home: "/home/ada",
  node: "v20.19.0",
  filesMax: 1024,
  disks: [{ path: "/home/ada/p", freeBytes: gib, freeFiles: 1_000_000 }],
  tmux: true,
  unwritable: [],
};
const repository: RepositoryFacts = {
  common: "/home/ada/p/.git",
  checkout: "/home/ada/p",
  identity: true,
  head: { is: "branch", branch: "main" },
  locks: [],
  programs: [],
  trees: [],
  inTheWay: [],
  excluded: true,
};
const journal: JournalFacts = {
  folder: { path: "/home/ada/p/.orchestration", is: "folder", mine: true },
  open: [],
  log: { path: "/home/ada/p/.orchestration/l", is: "file", torn: false, damaged: [], damagedCount: 0, newestAt: now },
  refused: { path: "/home/ada/p/.orchestration/rejected", names: [], count: 0 },
  misplaced: [],
};
const work: WorkFacts = { initialised: true, needed: false, lanes: [], orphans: [], newer: 0 };

interface Seen {
  readonly box?: Partial<BoxFacts>;
  readonly inside?: Partial<RepositoryFacts>;
  readonly journal?: Partial<JournalFacts>;
  readonly work?: Partial<WorkFacts>;
  readonly now?: number;
}

const health = (seen: Seen): Health => ({
  now: seen.now ?? now,
  box: { ...box, ...seen.box },
  git: { version: { text: "git 2.39" }, repository: undefined, inside: { ...repository, ...seen.inside } },
  settings: { warnings: [], untrusted: 0, missing: [] },
  journal: { ...journal, ...seen.journal },
  work: { ...work, ...seen.work },
});

/** What is not well, one line each. */
const bad = (seen: Seen): readonly string[] =>
  diagnose(health(seen))
    .filter(({ level }) => level !== "ok")
    .map(({ check, level, what }) => `${level} ${check}: ${what}`);

const disk = (freeBytes: number, freeFiles?: number): Seen => ({
  box: { disks: [{ path: "/home/ada/p", freeBytes, ...(freeFiles === undefined ? {} : { freeFiles }) }] },
});

describe("a diagnosis", () => {
  test("of a healthy box is all ok, one line a check", () => {
    const found = diagnose(health({}));
    expect(worstLevel(found)).toBe("ok");
    expect(new Set(found.map(({ check }) => check)).size).toBe(found.length);
    expect(worstLevel([])).toBe("ok");
  });

  test.each([
    [disk(256 * 1024 ** 2), []],
    [disk(256 * 1024 ** 2 - 1), ["warn disk: the disk is almost full: 255 MiB free"]],
    [disk(16 * 1024 ** 2 - 1), ["fail disk: the disk is full: 15 MiB free"]],
    [disk(gib, 4999), ["warn disk: the disk is almost full: room for 4999 more files"]],
    [disk(gib, 99), ["fail disk: the disk is full: room for 99 more files"]],
    [{ box: { node: "v20.18.9" } }, ["fail node: Node 20.18.9 is too old: 20.19 or newer is needed"]],
    [{ box: { node: "v24.0.0" } }, []],
    [
      { box: { filesMax: 31 } },
      ["fail open-files: a process may have only 31 open files: with many lanes they run out"],
    ],
    [{ box: { filesMax: undefined } }, []],
    [{ now: 0 }, ["fail clock: the clock was never set"]],
    [{ now: now - 300_000 }, []],
    [{ now: now - 300_001 }, ["warn clock: the clock is behind: the newest record is 5 min in the future"]],
    [
      { box: { unwritable: ["/home/ada/.config"] } },
      ["warn account: this folder cannot be written: trust and settings will not be kept"],
    ],
  ] satisfies readonly (readonly [Seen, readonly string[]])[])("of %j is %j", (seen, expected) => {
    expect(bad(seen)).toEqual(expected);
  });

  test.each([
    ["alive", true, []],
    ["none", false, []],
    ["dead", false, []],
    ["dead", true, ["fail engine: the engine (pid 7, elected 60 s ago) is dead, and there is work to do"]],
    ["none", true, ["fail engine: there is work to do and no engine"]],
    ["frozen", true, ["fail engine: the engine (pid 7, elected 60 s ago) is frozen: nothing goes on"]],
    ["frozen", false, ["warn engine: the engine (pid 7, elected 60 s ago) is frozen"]],
  ] as const)("of an engine that is %s, work waiting: %s", (is, needed, expected) => {
    expect(bad({ work: { engine: { pid: 7, is, at: now - 60_000 }, needed } })).toEqual(expected);
  });

  test.each([
    [{ ageMs: 10_001, held: false }, 1],
    [{ ageMs: 10_000, held: false }, 0],
    [{ ageMs: -10_001, held: false }, 1],
    [{ ageMs: 99_999, held: true }, 0],
  ])("takes a lock of git %j for left behind only when it is old and held by nobody", (lock, count) => {
    expect(bad({ inside: { locks: [{ path: "/home/ada/p/.git/index.lock", ...lock }] } })).toHaveLength(count);
  });

  test("does not take a worktree that is being filled at this moment for left behind", () => {
    const tree = { path: "/w/a", admin: "/g/a", lane: "a", is: "unfilled", place: "/w/a" } as const;
    const lane = { id: "a", worktree: true } as const;
    const seen = (state: "starting" | "failed"): Seen => ({
      inside: { trees: [tree] },
      work: { lanes: [{ ...lane, state }] },
    });
    expect(bad(seen("starting"))).toEqual([]);
    expect(bad(seen("failed"))).toHaveLength(1);
  });

  test("says where looking itself failed, and goes on", () => {
    const found = diagnose({ now, box, git: "git took longer than 10000 ms", work: "EIO: broken" });
    expect(found.filter(({ level }) => level === "fail").map(({ check, what }) => `${check}: ${what}`)).toEqual([
      "git: this could not be looked at: git took longer than 10000 ms",
      "records: this could not be looked at: EIO: broken",
    ]);
  });

  test("says only once why the log cannot be read", () => {
    const pipe = {
      ...health({}),
      journal: { ...journal, log: { ...journal.log, is: "pipe" } },
      work: "EISDIR",
    } as const;
    expect(diagnose(pipe).filter(({ level }) => level !== "ok")).toHaveLength(1);
  });

  test("shortens the home folder, conceals secrets and drops what a terminal acts on", () => {
    const trust = { refused: "/home/ada/p: https://ada:hunter22@x \u001B[31mred /home/adam", hint: "", code: 3 };
    const found = diagnose({ now, box, git: { version: { text: "git" }, repository: trust } });
    expect(found.at(-1)?.what).toBe("~/p: https://[secret]@x red /home/adam");
  });
});

describe("a path in a command", () => {
  test.each([
    ["/home/ada/p", "~/p"],
    ["/home/ada", "~"],
    ["/home/adam/p", "/home/adam/p"],
    ["/home/ada/a b", "~/'a b'"],
    ["/x/it's; rm", String.raw`'/x/it'\''s; rm'`],
  ])("%s is %s", (path, expected) => {
    expect(word(path, "/home/ada")).toBe(expected);
  });
});

test.each([
  [0, "0 s"],
  [119_999, "119 s"],
  [120_000, "2 min"],
  [7_200_000, "2 h"],
  [172_800_000, "2 d"],
])("a span of %i ms is %s", (ms, expected) => {
  expect(span(ms)).toBe(expected);
});
