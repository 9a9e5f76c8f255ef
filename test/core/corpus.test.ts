import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";

import { describe, expect, test } from "vitest";

import { effects } from "../../src/core/effect.ts";
import type { Entry } from "../../src/core/event.ts";
import { fold } from "../../src/core/fold.ts";
import { claimsOf } from "../../src/core/lease.ts";
import { emptyState, type State } from "../../src/core/state.ts";
import { eachLine } from "../../src/journal/line.ts";

const folder = new URL("../fixture/journal/", import.meta.url);

/** Logs as earlier versions wrote them, and what they mean. A log's meaning never changes: add logs, change no hash. */
const corpus: Readonly<Record<string, string>> = {
  "every-event.v1.jsonl": "2164b0e82c2d29b32700ef670dffd28390bbd533e628e35857b7ceb31a698959",
  "tracker.v1.jsonl": "5c79c633d73508b5bbf877fb294d61e47f22ceae047b8a576b9e3cc90920755b",
  "freeze.v1.jsonl": "88a4b23a266d1bdf353f02517b6cd3348c352e2e0b27aa7f848953afd51eca4b",
  "lease.v1.jsonl": "4b4585ddb57bed19f2bea0519e0c0e2b2051c30c6c3f18c9b3321e1c6d3a5de8",
  "keep.v1.jsonl": "fb41e4c79c509c6d60656f0c8058adebe062fc7e803c42c20845e4985175d466",
  "queue.v1.jsonl": "a5e080a94eaeea8a94984b7d7ea2f0d500d596c08e52f3c8fbdfe48cc9bac9c6",
  "undo.v1.jsonl": "ec581a122cfa21a8f24b82cfcf03a98188b7d596179347ab2175b7c1711f5451",
  "room.v1.jsonl": "4351d9a761ef065444000c42581e553c31ec66a7bf80a206623bd6849feea046",
  "review.v1.jsonl": "7494ce8186df1d439bed4f348ba73dc025697720ec88805382e1dddb91191dfd",
  "agent.v1.jsonl": "e3005f21b23a3b129ae58f479dc4056efe951f0ec3cbccedad0d878f7aa74a0f",
  "limit.v1.jsonl": "e9346fc87a10d36c5d5ea43b02ffbbca6f522a61b1bd7c4b316e2fad215d025f",
  "one-fact.v0.jsonl": "e7a77f7b29afc25c4cc2db81c2bbcf082b7637b8779469a2ea2e6c612970bc2e",
};

const entriesOf = (file: string): readonly Entry[] => {
  const entries: Entry[] = [];
  eachLine(readFileSync(new URL(file, folder)), 0, (entry) => entries.push(entry));
  return entries;
};

const foldedFrom = (file: string): { readonly state: State; readonly voids: readonly string[] } => {
  const state = emptyState();
  const outcomes = entriesOf(file).map((entry) => fold(state, entry));
  const voids = outcomes.flatMap(({ position, reason }) => (reason === undefined ? [] : [`${position}: ${reason}`]));
  return { state, voids };
};

/** JSON with sorted keys; maps as lists of pairs. The ids seen are no part of a log's meaning. */
const canonical = ({ seen: _seen, ...state }: State): string =>
  JSON.stringify(state, (_, value: unknown) => {
    if (value instanceof Map) return [...value];
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });

describe("the frozen logs", () => {
  test("are all known", () => {
    expect(readdirSync(folder).toSorted()).toEqual(Object.keys(corpus).toSorted());
  });

  test.each(Object.entries(corpus))("%s means what it always meant", (file, hash) => {
    const { state } = foldedFrom(file);
    expect(createHash("sha256").update(canonical(state)).digest("hex")).toBe(hash);
  });

  test("hold every kind of event, in effect", () => {
    const types = new Set<string>();
    for (const file of Object.keys(corpus)) {
      const state = emptyState();
      for (const entry of entriesOf(file))
        if (fold(state, entry).effective && "record" in entry)
          for (const { type } of entry.record.events) types.add(type);
    }
    expect(Object.keys(effects).filter((type) => !types.has(type))).toEqual([]);
  });

  test("hold frozen lanes, and what became of them", () => {
    const { state, voids } = foldedFrom("freeze.v1.jsonl");
    expect(voids).toEqual(["28: lane.frozen: lane again has no run 2"]);
    expect([...state.lanes.values()].map(({ id, state: to, detail }) => `${id} ${to} ${detail}`))
      .toMatchInlineSnapshot(`
      [
        "frozen paused ",
        "again running ",
        "stopped queued tried again",
        "stubborn running could not be frozen: process 7 went on",
      ]
    `);
  });

  test("hold leases, who waits for them, and who gave way", () => {
    const { state, voids } = foldedFrom("lease.v1.jsonl");
    expect(voids).toMatchInlineSnapshot(`
      [
        "11: lease.renewed: claim 8 has another token",
        "14: lease.yielded: lane "api" keeps nobody waiting for ever",
        "16: lease.asked: its paths are leased to others",
        "21: lease.expired: lane "docs" has no claim 19",
      ]
    `);
    expect(
      claimsOf(state).map(({ id, lane, paths, token, place }) => `${id} ${lane} ${paths.join(" ")} ${token} ${place}`),
    ).toMatchInlineSnapshot(`
      [
        "6 api src/api/** 6 6",
        "7 web src/{web,shared}/** @port undefined 15",
        "12 api src/shared/types.ts 15 12",
        "13 web src/api/client.ts undefined 15",
      ]
    `);
  });

  test("hold lanes that were kept, removed and brought back", () => {
    const { state, voids } = foldedFrom("keep.v1.jsonl");
    expect(voids).toMatchInlineSnapshot(`
      [
        "12: lane.restored: nobody wants lane docs back",
        "22: lane.restore-asked: lane api has a worktree",
      ]
    `);
    expect([...state.lanes.values()].map(({ id, state: is, worktree, detail }) => `${id} ${is} ${worktree} ${detail}`))
      .toMatchInlineSnapshot(`
        [
          "docs waiting true restored as it was kept (1); 3 files are not committed",
          "api ready true restored as it was kept (1)",
          "lost planned false ",
        ]
      `);
  });

  test("hold batches, how the one that spoils a batch is looked for, and what the checks taught", () => {
    const { state, voids } = foldedFrom("queue.v1.jsonl");
    expect(voids).toMatchInlineSnapshot(`
      [
        "34: merge.put-off: lane cli is not in the merge queue",
        "37: batch.split: names no lanes",
      ]
    `);
    expect([...state.lanes.values()].map(({ id, state: to, merge }) => `${id} ${to} ${merge?.batch?.id}`))
      .toMatchInlineSnapshot(`
      [
        "docs merged undefined",
        "api merged undefined",
        "web checks-failed 30",
        "cli merging 36",
        "late merging 27",
      ]
    `);
    expect(state.lessons).toMatchInlineSnapshot(`
      {
        "durations": [
          61000,
          59000,
          58000,
          57000,
        ],
        "flaky": 1,
        "passed": [
          {
            "check": "make",
            "tree": "ffffffffffffffffffffffffffffffffffffffff",
          },
          {
            "check": "make",
            "tree": "9999999999999999999999999999999999999999",
          },
        ],
        "results": [
          true,
          true,
          false,
          true,
          true,
        ],
        "slots": [
          [
            "check-docs-23",
            "check-docs-26",
            "check-web-30",
            "check-cli-33",
          ],
          [
            "check-late-27",
          ],
          [
            "check-cli-36",
          ],
        ],
        "suspects": {
          "lanes": [
            "cli",
            "late",
          ],
          "on": [],
          "tree": "7777777777777777777777777777777777777777",
        },
        "taken": [
          22,
          22,
          22,
          22,
          22,
          22,
          22,
          22,
          22,
          22,
        ],
      }
    `);
  });

  test("hold landings that were taken back, or not", () => {
    const { state, voids } = foldedFrom("undo.v1.jsonl");
    expect(voids).toMatchInlineSnapshot(`
      [
        "17: merge.undo-asked: nothing of lane docs has landed",
        "31: merge.undo-asked: lane docs is being taken back",
        "35: merge.undo-tested: lane docs has another candidate",
        "46: merge.undone: lane docs is undone and cannot become undone",
        "49: merge.undo-tested: lane api is not being taken back",
        "51: merge.undo-started: cannot be taken back by "sideways"",
      ]
    `);
    expect([...state.lanes.values()].map(({ id, state: to, undone, undoing }) => ({ id, to, undone, undoing })))
      .toMatchInlineSnapshot(`
      [
        {
          "id": "docs",
          "to": "undone",
          "undoing": undefined,
          "undone": {
            "at": 1767322945000,
            "before": "u2",
            "commit": "u2",
            "head": "head-docs",
            "how": "back",
            "merge": "m4",
            "since": "m0",
            "target": "main",
          },
        },
        {
          "id": "api",
          "to": "merged",
          "undoing": {
            "at": 1767322947000,
            "position": 47,
            "rebuilt": 0,
            "refused": {
              "code": 2,
              "paths": [
                "x",
              ],
              "why": "1 file in conflict",
            },
          },
          "undone": undefined,
        },
        {
          "id": "web",
          "to": "merged",
          "undoing": {
            "at": 1767322950000,
            "candidate": "u3",
            "gate": {
              "built": 52,
              "check": "make",
            },
            "how": "revert",
            "onto": "u2",
            "position": 50,
            "rebuilt": 0,
          },
          "undone": undefined,
        },
      ]
    `);
  });

  test("hold lanes that waited for room, and ports that one of two got", () => {
    const { state, voids } = foldedFrom("room.v1.jsonl");
    expect(voids).toMatchInlineSnapshot(`
      [
        "4: lane.held: lane docs is planned",
        "9: run.asked: port 42000 is lane docs's",
      ]
    `);
    expect([...state.lanes.values()].map(({ id, state: is, run, detail }) => `${id} ${is} ${run?.port} ${detail}`))
      .toMatchInlineSnapshot(`
      [
        "docs ready 42000 ",
        "api starting 42000 ",
      ]
    `);
  });

  test("hold what people said of lanes before they landed", () => {
    const { state, voids } = foldedFrom("review.v1.jsonl");
    expect(voids).toMatchInlineSnapshot(`
      [
        "3: lane.added: its definition has a wrong strategy",
        "5: lane.rolled-back: lane docs is queued",
        "14: lane.approved: names no commit",
        "18: merge.resolve-dropped: no conflict stands in lane docs",
        "32: merge.resolving: lane api is ready",
        "37: lane.approved: lane api is merged",
      ]
    `);
    expect(
      [...state.lanes.values()].map(({ id, state: to, approved, resolving, note, landed, merge }) => ({
        id,
        to,
        approved: approved?.head,
        resolving: resolving?.saved,
        note,
        overridden: landed?.override ?? merge?.override,
      })),
    ).toMatchInlineSnapshot(`
      [
        {
          "approved": "h1",
          "id": "docs",
          "note": "keep both headings",
          "overridden": "the release waits",
          "resolving": "refs/lanes/trash/docs/4",
          "to": "conflicted",
        },
        {
          "approved": undefined,
          "id": "api",
          "note": undefined,
          "overridden": "the release waits",
          "resolving": undefined,
          "to": "merged",
        },
        {
          "approved": undefined,
          "id": "web",
          "note": undefined,
          "overridden": undefined,
          "resolving": undefined,
          "to": "ready",
        },
      ]
    `);
  });

  test("hold how often a limit was met in a row", () => {
    const { state, voids } = foldedFrom("limit.v1.jsonl");
    expect(voids).toEqual([]);
    expect([...state.lanes.values()].map(({ id, state: to, halts, retryAt }) => [id, to, halts, retryAt])).toEqual([
      ["docs", "waiting", { n: 5, head: "base0" }, undefined],
      ["api", "failed", undefined, undefined],
      ["web", "waiting", undefined, undefined],
    ]);
  });

  test("hold what agents told of themselves, and what follows from it", () => {
    const { state, voids } = foldedFrom("agent.v1.jsonl");
    expect(voids).toMatchInlineSnapshot(`
      [
        "9: agent.reported: lane docs has no run 2",
        "10: agent.reported: tells nothing",
      ]
    `);
    expect([...state.lanes.values()].map(({ id, state: to, retryAt, run }) => ({ id, to, retryAt, run })))
      .toMatchInlineSnapshot(`
      [
        {
          "id": "docs",
          "retryAt": 1795244460000,
          "run": {
            "askedAt": 1795240812000,
            "base": "base0",
            "cli": "claude",
            "code": 1,
            "endedAt": 1795240812000,
            "n": 2,
            "process": {
              "boot": "b0",
              "pid": 4242,
              "start": "77",
            },
            "resumes": true,
            "session": "0b2a5a4e-1d2c-4f00-8a00-5b6c7d8e9f00",
            "startedAt": 1795240811000,
            "told": {
              "denied": 0,
              "doing": "Bash: make",
              "heardAt": 1795240806000,
              "kind": "limit",
              "read": 1234,
              "resetAt": 1795244400000,
              "since": 1795240805000,
              "status": "blocked",
              "strange": [],
              "unknown": 0,
            },
          },
          "to": "waiting",
        },
        {
          "id": "api",
          "retryAt": undefined,
          "run": {
            "askedAt": 1795240815000,
            "base": "base0",
            "cli": "codex",
            "n": 1,
            "process": {
              "boot": "b0",
              "pid": 4242,
              "start": "77",
            },
            "startedAt": 1795240801000,
          },
          "to": "waiting",
        },
      ]
    `);
  });

  test("hold lines that are void, each for its own reason", () => {
    const { state, voids } = foldedFrom("every-event.v1.jsonl");
    expect(voids).toMatchInlineSnapshot(`
      [
        "15: lane.queued: lane docs is queued and cannot become queued",
        "35: its checksum does not match",
        "44: repeated: a record with this id is already in effect",
        "45: late: lane by-hand changed meanwhile",
        "47: written by a newer lanes (record version 2)",
      ]
    `);
    expect(state.counts).toMatchInlineSnapshot(`
      {
        "damaged": 1,
        "effective": 43,
        "newer": 1,
        "unknown": 1,
        "void": 4,
      }
    `);
    expect([...state.lanes.values()].map(({ id, state: to }) => `${id} ${to}`)).toMatchInlineSnapshot(`
      [
        "probe-docs merged",
        "docs cancelled",
        "API_v2 merged",
        "by-hand waiting",
        "loop lost",
      ]
    `);
  });

  test("of version 0 mean what the same facts mean today", () => {
    const { state, voids } = foldedFrom("one-fact.v0.jsonl");
    expect(voids).toMatchInlineSnapshot(`
      [
        "11: late: lane docs changed meanwhile",
        "13: repeated: a record with this id is already in effect",
        "14: lane.added: has no definition",
        "15: an event has no type",
      ]
    `);
    expect(state.counts).toMatchInlineSnapshot(`
      {
        "damaged": 1,
        "effective": 14,
        "newer": 0,
        "unknown": 1,
        "void": 3,
      }
    `);
    expect([...state.lanes.values()].map(({ id, state: to, detail }) => `${id} ${to} ${detail}`))
      .toMatchInlineSnapshot(`
      [
        "docs merge-queued ",
        "api cancelled not needed",
      ]
    `);
  });
});
