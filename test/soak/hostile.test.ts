import { describe, expect, test } from "vitest";

import { makeRepository } from "../story/place.ts";
import { callAll, planted, spring, traps } from "../story/trap.ts";

describe("each trap alone, with every verb:", () => {
  test.concurrent.each(Object.keys(traps))("%s", async (name) => {
    await using place = makeRepository();
    const scene = planted(place, [name]);
    for (const told of await callAll(scene)) expect(told).toMatchObject({ words: told.words, ran: [], failed: false });
    // The trap is a trap: plain git runs the program.
    await spring(scene, [name]);
    expect(scene.ran()).toEqual([name]);
  });
});
