/** A cross-section of the fuzz in `npm run soak`: a few cases of each input, the same ones every time. */
import { describe, expect, test } from "vitest";

import { inputs } from "./inputs.ts";

/** One of so many cases is played here. */
const part = 100;

describe.each(inputs)("$what", ({ all }) => {
  test.each(all.filter(({ slow }) => !slow).map((one) => [one.name, one] as const))("%s", async (_, { cases, run }) => {
    expect(await run({ numRuns: Math.ceil(cases / part), seed: 1 })).toBeUndefined();
  });
});
