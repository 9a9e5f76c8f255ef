/** What agents print, under fuzz: nothing throws, nothing grows, nothing is lost, and pieces are read as the whole is. */
import { readdirSync, readFileSync } from "node:fs";

import fc from "fast-check";
import { expect } from "vitest";

import { type Adapter, streamOf } from "../../src/agent/adapter.ts";
import { hear, silent } from "../../src/agent/hear.ts";
import { noRest, takeLines } from "../../src/agent/lines.ts";
import { adapters } from "../../src/agent/roster.ts";
import type { AgentTold } from "../../src/core/state.ts";
import { damagedText, type Fuzz, twisted } from "./fuzz.ts";

const folder = new URL("../fixture/agent/", import.meta.url);
const recordings = readdirSync(folder).filter((name) => name.endsWith(".jsonl"));
const lines = recordings.flatMap((name) => readFileSync(new URL(name, folder), "utf8").split("\n").filter(Boolean));
const values = lines.map((line) => JSON.parse(line) as unknown);

/** A real line, a real line with something else in one of its places, a damaged one, or anything. */
const someLine = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...lines) },
  { weight: 5, arbitrary: twisted(...values).map((value) => JSON.stringify(value) ?? "") },
  { weight: 2, arbitrary: damagedText(...lines) },
  { weight: 1, arbitrary: fc.string({ unit: "binary" }) },
);

const told = (adapter: Adapter, all: readonly string[], at: number): AgentTold =>
  all.flatMap((line) => adapter.parse(streamOf(line), line)).reduce((so, event) => hear(so, event, at), silent(0));

const anyLine: Fuzz = {
  name: "what any adapter makes of any lines is small, whole and of numbers that are numbers",
  cases: 20_000,
  run: (dice) =>
    fc.assert(
      fc.property(fc.constantFrom(...adapters), fc.array(someLine, { maxLength: 12 }), (adapter, all) => {
        const so = told(adapter, all, 1);
        expect(JSON.stringify(so).length).toBeLessThan(6000);
        expect(JSON.parse(JSON.stringify(so))).toEqual(so);
        for (const count of [so.tokens?.input ?? 0, so.tokens?.cached ?? 0, so.tokens?.output ?? 0, so.cost ?? 0])
          expect(count).toBeGreaterThanOrEqual(0);
      }),
      dice,
    ),
};

const anyPieces: Fuzz = {
  name: "output that comes in any pieces has the lines that it has as a whole, and what is kept of it is bounded",
  cases: 5000,
  run: (dice) =>
    fc.assert(
      fc.property(fc.array(fc.string({ unit: fc.constantFrom("a", "\n", "\r", "é"), maxLength: 30 })), (pieces) => {
        const max = 10;
        let rest = noRest;
        let long = 0;
        const found: string[] = [];
        for (const piece of pieces) {
          const taken = takeLines(rest, piece, max);
          rest = taken.rest;
          long += taken.long;
          found.push(...taken.lines);
          expect(rest.text.length).toBeLessThanOrEqual(max);
        }
        const whole = pieces.join("").split("\n").slice(0, -1);
        expect(found).toEqual(whole.filter((line) => line.length <= max).map((line) => line.replace(/\r$/, "")));
        expect(long).toBe(whole.filter((line) => line.length > max).length);
      }),
      dice,
    ),
};

/** What agents print. */
export const agentFuzz: readonly Fuzz[] = [anyLine, anyPieces];
