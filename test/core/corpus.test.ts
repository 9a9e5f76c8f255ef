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
  "agent.v1.jsonl": "e3005f21b23a3b129ae58f479dc4056efe951f0ec3cbccedad0d878f7aa74a0f",
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
