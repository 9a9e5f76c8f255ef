import { expect, test } from "vitest";

import { checkStep, failureOf } from "../../src/core/check.ts";
import type { RunSeen } from "../../src/core/observed.ts";
import { now, process } from "./build.ts";

const runs = ["k1", "k2", "k3", "k4"];
const exited = (code: number, ranMs = 10): RunSeen => ({
  is: "exited",
  process,
  startedAt: now,
  code,
  endedAt: now,
  ranMs,
});
const alive = (ageMs: number): RunSeen => ({ is: "alive", process, startedAt: now, ageMs });
const gone: RunSeen = { is: "vanished", survivors: [] };
const absent: RunSeen = { is: "absent" };

/** The step in a few words. */
const step = (seen: readonly RunSeen[], again = true, named = runs): string => {
  const answer = checkStep(named, new Map(seen.map((one, at) => [runs[at] ?? "", one])), { limitMs: 1000, again });
  if (answer.is === "wait") return "wait";
  if (answer.is !== "judge") return `${answer.is} ${answer.run}`;
  return `judge ${answer.run}${answer.again ? " again" : ""}${answer.late ? " late" : ""}`;
};

test.each<[string, readonly RunSeen[], string]>([
  ["that nobody looked at is waited for", [], "wait"],
  ["that was not begun is begun", [absent], "begin k1"],
  ["that begins is waited for", [{ is: "starting", ageMs: 1 }], "wait"],
  ["that runs is waited for", [alive(999)], "wait"],
  ["that runs too long is ended", [alive(1000)], "end k1"],
  ["that passed is judged", [exited(0)], "judge k1"],
  ["that failed is run once more", [exited(1), absent], "begin k2"],
  ["that passed after it failed is judged as such", [exited(1), exited(0)], "judge k2 again"],
  ["that failed twice is judged", [exited(1), exited(1)], "judge k2 again"],
  ["that vanished is run again", [gone, absent], "begin k2"],
  ["that vanished three times is judged", [gone, gone, gone], "judge k3"],
  ["that vanished and then failed is run once more", [gone, gone, exited(1), absent], "begin k4"],
  ["that took too long is late, however it ended", [exited(0, 1000)], "judge k1 late"],
  ["that was ended with its launcher is late too", [{ is: "vanished", ageMs: 1000, survivors: [] }], "judge k1 late"],
])("a check %s", (_, seen, expected) => {
  expect(step(seen)).toBe(expected);
});

test("a check that is not to be tried again is judged at once, and one without any tries left is waited for", () => {
  expect(step([exited(1)], false)).toBe("judge k1");
  expect(step([gone], false, ["k1"])).toBe("wait");
});

test("a failure is told in words", () => {
  const killed: RunSeen = { ...exited(137), signal: "SIGKILL" } as RunSeen;
  expect([
    failureOf(exited(0), false),
    failureOf(exited(3), false),
    failureOf(killed, false),
    failureOf(gone, false),
    failureOf(exited(0), true),
  ]).toEqual([
    undefined,
    "exit code 3",
    "killed by SIGKILL",
    "killed 3 times with its launcher",
    "ended after its time limit (checkTimeoutMs)",
  ]);
});
