import { afterEach, beforeEach, expect, test } from "vitest";

import { identify, isAlive, isFrozen, ownIdentity } from "../../src/host/identity.ts";
import { processTable } from "../../src/host/process-table.ts";
import { lives, makePlace, until } from "./living.ts";
import type { Place } from "./living.ts";

let place: Place;
beforeEach(() => {
  place = makePlace();
});
afterEach(() => place.end());

test("a process is itself, and not another with its number or from another boot", () => {
  const self = ownIdentity();
  expect([self.pid, isAlive(self), isFrozen(self)]).toEqual([process.pid, true, false]);
  expect(isAlive({ ...self, start: `${self.start}0` })).toBe(false);
  expect(isAlive({ ...self, boot: "another" })).toBe(false);
  for (const pid of [0, -1, 0.5, Number.NaN, 2 ** 31]) expect(identify(pid)).toBeUndefined();
});

test("a process that ended is not alive, though its parent has not asked for it", async () => {
  const { start, pidIn } = place;
  await start(
    "sh -c 'echo $$ >child; until [ -e /proc/$PPID/exe ] && readlink /proc/$PPID/exe | grep -q sleep; do sleep 0.01; done' & exec sleep 1000",
  );
  const child = await pidIn("child");
  await until("the child to end", () => !lives(child));
  process.kill(child, 0);
  expect(processTable().map((row) => row.pid)).not.toContain(child);
});
