import { Readable } from "node:stream";

import { describe, expect, test } from "vitest";

import { ask, needTrust } from "../../src/cli/ask.ts";
import { reset } from "../../src/cli/reset.ts";
import type { Reader } from "../../src/cli/shell.ts";
import { trust } from "../../src/cli/trust.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { laneIn } from "../core/build.ts";
import { fakeCall, fakeEngine, fakeShell, paper } from "./fake.ts";

/** A person at a terminal who types this. */
const person = (typed: string) =>
  fakeShell({
    stdin: Object.assign(Readable.from([typed]), { isTTY: true }) as Reader,
    stderr: paper({ isTTY: true, columns: 80 }),
  });

/** An engine whose configuration holds commands that nobody has trusted; remembers what it is told to trust. */
const untrusting = () => {
  const trusted: string[] = [];
  const settings: Engine["settings"] = () =>
    Promise.resolve({
      config: {},
      warnings: [],
      untrusted: ["check: npm \u001B[2Jtest", 'probes.v2: ["sh","-c","true"]', 'agents.coder: ["coder"]'],
      hash: "h1",
      sources: [],
      layers: [],
    });
  const keep: Engine["trust"] = (hash) => {
    trusted.push(hash);
    return Promise.resolve();
  };
  return { engine: fakeEngine(laneIn("planned"), { settings, trust: keep }), trusted };
};

describe("a question", () => {
  test.each([
    ["y\n", true],
    ["Yes\n", true],
    [" y \n", true],
    ["\n", false],
    ["n\n", false],
    ["yesterday\n", false],
    ["", false],
  ])("that is answered with %j is answered %s", async (typed, expected) => {
    const shell = person(typed);
    expect(await ask(fakeCall(shell), "Sure?")).toBe(expected);
    expect(shell.stderr.text()).toBe("Sure? [y/N] ");
  });

  test("is not asked without a person, nor with --no-input", async () => {
    expect(await ask(fakeCall(fakeShell()), "Sure?")).toBeUndefined();
    expect(await ask(fakeCall(person("y\n"), { globals: { input: false } }), "Sure?")).toBeUndefined();
  });
});

describe("trust", () => {
  test("is asked for when a verb would run commands, which are shown", async () => {
    const shell = person("y\n");
    const { engine, trusted } = untrusting();
    expect(await needTrust(fakeCall(shell), engine, ["check"])).toBeUndefined();
    expect(trusted).toEqual(["h1"]);
    expect(shell.stderr.text()).toMatchInlineSnapshot(`
      "  check: npm test
        probes.v2: ["sh","-c","true"]
        agents.coder: ["coder"]
      lanes.config.json wants to run these commands. Trust them? [y/N] "
    `);
  });

  test("is not needed by a verb that would run none of the commands", async () => {
    const { engine, trusted } = untrusting();
    expect(await needTrust(fakeCall(fakeShell()), engine, ["gaps", "agents.other", "probes.v"])).toBeUndefined();
    expect(trusted).toEqual([]);
  });

  test.each([["check"], ["probes"], ["probes.v2"], ["agents.coder"]])(
    "is refused for %s when nobody says yes",
    async (place) => {
      const { engine, trusted } = untrusting();
      expect(await needTrust(fakeCall(person("n\n")), engine, [place])).toMatchObject({ code: 4 });
      expect(await needTrust(fakeCall(fakeShell()), engine, [place])).toMatchObject({
        code: 4,
        hint: expect.stringContaining("lanes trust") as string,
      });
      expect(trusted).toEqual([]);
    },
  );

  test("is given by the verb when a person says yes", async () => {
    const { engine, trusted } = untrusting();
    expect(await trust(fakeCall(person("n\n")), engine)).toMatchObject({ code: 4, refused: "nothing was trusted" });
    expect(await trust(fakeCall(person("y\n")), engine)).toBe(0);
    expect(trusted).toEqual(["h1"]);
  });
});

test("a reset that a person thinks better of does nothing", async () => {
  expect(await reset(fakeCall(person("\n")), fakeEngine(laneIn("running")))).toMatchObject({
    code: 4,
    refused: "nothing was reset",
  });
});
