import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { specFault } from "../../src/core/foreign.ts";
import { definitionKeys } from "../../src/core/catalog.ts";
import { known, parseSpec } from "../../src/core/lane-spec.ts";
import { isFault } from "../../src/core/parse.ts";

const faultOf = (value: unknown): string => {
  const answer = parseSpec("a", value);
  return isFault(answer) ? `${answer.path}: ${answer.fault}` : "fine";
};

const hostileIds: readonly unknown[] = [
  "-rf",
  "..",
  "a/b",
  "a\u0000",
  "a\u202E",
  "x".repeat(100_000),
  "__proto__",
  "constructor",
  7,
  null,
  {},
];

describe("a lane's definition", () => {
  test("that says nothing has defaults", () => {
    expect(parseSpec("a", {})).toEqual({
      spec: {
        name: "a",
        tasks: [],
        parallel: true,
        priority: "normal",
        dependsOn: [],
        paths: [],
        env: [],
        commit: "agent",
        retries: 2,
        kind: "work",
      },
      warnings: [],
    });
  });

  test("has all that was said", () => {
    const given = {
      name: "Docs",
      tasks: ["write"],
      parallel: false,
      priority: "high",
      command: ["make", "docs"],
      agent: "bob",
      dependsOn: ["b"],
      paths: ["docs/**"],
      check: "make test",
      acceptance: "make lint",
      target: "next",
      base: "main",
      prompt: "Write.",
      env: ["API_KEY"],
      commit: "auto",
      retries: 0,
      timeoutMs: 60_000,
    };
    expect(parseSpec("a", given)).toEqual({ spec: { ...given, kind: "work" }, warnings: [] });
  });

  test("takes a command as text too, and null as not given", () => {
    expect(parseSpec("a", { command: "make docs", check: null })).toMatchObject({
      spec: { command: ["sh", "-c", "make docs"] },
    });
    expect(parseSpec("a", { check: null })).not.toHaveProperty("spec.check");
  });

  test("says which keys it does not use, and which were meant", () => {
    expect(parseSpec("a", { status: "created", dependson: [], "x\u001B": 1, kind: "probe" })).toMatchObject({
      spec: { kind: "work" },
      warnings: [
        '"status" is kept out: lanekeeper sets it itself or does not use it',
        '"dependson" is not a known key; did you mean "dependsOn"?',
        String.raw`"x\u{1b}" is not a known key`,
        '"kind" is not a known key',
      ],
    });
  });

  test.each<[unknown, string]>([
    [[], ": must be an object, not a list"],
    [undefined, ": must be an object, not nothing"],
    [{ name: "x".repeat(501) }, "name: has 501 characters"],
    [{ tasks: ["a", 5] }, "tasks[1]: must be a string, not 5"],
    [{ command: " " }, "command: is empty"],
    [{ command: [] }, "command: is empty"],
    [{ command: [""] }, "command: is empty"],
    [{ command: ["a\0"] }, "command[0]: holds a NUL character"],
    [{ dependsOn: ["a"] }, "dependsOn: lane a depends on itself"],
    [{ env: ["A=b"] }, 'env[0]: "A=b" is not the name of a variable'],
    [{ env: ["GIT_CONFIG_GLOBAL", "GIT_CONFIG_KEY_0"] }, 'env[1]: "GIT_CONFIG_KEY_0" is how a lane finds its hooks'],
    [{ retries: 21 }, "retries: must be a whole number from 0 to 20, not 21"],
    [{ timeoutMs: 10 }, "timeoutMs: must be a whole number from 1000 to 604800000, not 10"],
  ])("that is %j is refused with the field", (value, fault) => {
    expect(faultOf(value)).toBe(fault);
  });

  test.each(hostileIds.map((id) => [id]))("does not depend on %j", (id) => {
    expect(faultOf({ dependsOn: ["b", id] })).toMatch(/^dependsOn\[1\]: .{1,300}$/);
    // Null is no agent's name: it is as if nothing was said.
    expect(faultOf({ agent: id })).toMatch(id === null ? /^fine$/ : /^agent: .{1,300}$/);
  });

  test.each([
    "-x",
    "/a",
    ".a",
    "a..b",
    "a b",
    "a~1",
    "a^",
    "a:b",
    "a?",
    "a*",
    "a[",
    "a\\b",
    "a@{1}",
    "a/",
    "a.",
    "a.lock",
    "a.lock/b",
    "a//b",
    "a/.b",
    "",
    "@",
    "a\u0007",
  ])("has no branch named %j", (name) => {
    expect(faultOf({ target: name })).toMatch(/^target: .* is not a branch name$/);
    expect(faultOf({ base: name })).toMatch(/^base: .* is not a branch name$/);
  });

  test("never throws, and what it accepts is a definition for the fold", () => {
    const arbitrary = fc.dictionary(
      fc.constantFrom(
        "name",
        "tasks",
        "parallel",
        "priority",
        "command",
        "agent",
        "dependsOn",
        "env",
        "base",
        "retries",
        "__proto__",
        "x",
      ),
      fc.oneof(fc.jsonValue(), fc.constantFrom("low", true, 3, "main"), fc.array(fc.string())),
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(fc.oneof(arbitrary, fc.jsonValue()), (value) => {
        const answer = parseSpec("a", value);
        const wrong = isFault(answer) ? answer.fault.slice(600) || answer.path.slice(100) : specFault(answer.spec);
        expect(wrong ?? "").toBe("");
      }),
    );
  });
});

test("help lists every key of a definition, and no other", () => {
  expect(definitionKeys.map(([key]) => key).toSorted()).toEqual([...known].toSorted());
});
