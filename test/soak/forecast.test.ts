/**
 * Random lanes by thousands: renames of files and folders, modes, links, files where folders were, and lanes that begin at the target, before
 * it or at each other. What the forecast says of a pair is what landing one and merging the other comes to, in every case.
 * `LANES_FUZZ_SEED=<seed> npm run soak -- forecast` begins at that seed.
 */
import { expect, test } from "vitest";

import { forecastAndTruth } from "../git/forecast-scene.ts";
import { figure, scaled } from "./scale.ts";

const first = Number(process.env["LANES_FUZZ_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const pairsMin = scaled(10_000);

test("a forecast of random lanes agrees with real merges, pair by pair", async () => {
  let [pairs, collisions, rounds] = [0, 0, 0];
  for (; pairs < pairsMin; rounds += 1) {
    const seed = first + rounds;
    const round = await forecastAndTruth(seed, rounds % 3 > 0);
    expect([seed, ...round.told]).toEqual([seed, ...round.truth]);
    pairs += round.pairs;
    collisions += round.truth.length;
  }
  figure(`${pairs} pairs of random lanes, ${collisions} of which collide: all of them foretold, and no other`);
});
