/**
 * Long fuzz: thousands of cases for every input from outside. A failure prints the input, made small, and its seed;
 * `LANES_FUZZ_SEED=<seed> npm run soak -- fuzz` plays it again.
 */
import { describe, expect, test } from "vitest";

import { inputs } from "../fuzz/inputs.ts";
import { scaled } from "./scale.ts";

const seed = Number(process.env["LANES_FUZZ_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

describe.each(inputs)("$what", ({ all }) => {
  test.each(all.map((one) => [one.name, one] as const))("%s", async (_, { cases, run }) => {
    expect(await run({ numRuns: scaled(cases), seed })).toBeUndefined();
  });
});
