import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { commandsIn, environmentKeys, mergeConfigs, parseConfig, parseEnvironment } from "../../src/core/config.ts";
import { isFault } from "../../src/core/parse.ts";

const faultOf = (value: unknown): string => {
  const answer = parseConfig(typeof value === "string" ? value : JSON.stringify(value));
  return isFault(answer) ? `${answer.path}: ${answer.fault}` : "fine";
};

const whole = {
  target: "main",
  check: "make test",
  requireCheck: true,
  strict: false,
  checkTimeoutMs: 60_000,
  checkSlots: 2,
  maxRuns: 3,
  outputMb: 16,
  pool: 2,
  setup: "npm ci",
  minFreeMb: 0,
  ports: { from: 42_000, to: 42_000 },
  agent: "bob",
  agents: { bob: { command: ["bob"], role: "writer" }, eve: { command: "eve --now" } },
  probes: { gaps: { command: ["probe"], timeoutMs: 5000 }, lint: { command: "lint" } },
  gaps: { agent: "bob", command: ["fix"], check: "make", lanesMax: 5 },
};

describe("configuration", () => {
  test("is read whole", () => {
    expect(parseConfig(JSON.stringify({ $schema: "x", ...whole }))).toEqual({
      config: {
        ...whole,
        agents: { ...whole.agents, eve: { command: ["sh", "-c", "eve --now"] } },
        probes: { ...whole.probes, lint: { command: ["sh", "-c", "lint"], timeoutMs: 600_000 } },
      },
      warnings: [],
    });
    const max = { cli: "claude", permissions: "ask", model: "m", args: ["--x"], role: "reviewer" };
    expect(parseConfig(JSON.stringify({ agents: { max } }))).toMatchObject({ config: { agents: { max } } });
    expect(parseConfig("{}")).toEqual({ config: {}, warnings: [] });
    expect(parseConfig('{"gaps": {}}')).toEqual({ config: { gaps: { lanesMax: 100 } }, warnings: [] });
  });

  test("says which keys it does not know", () => {
    expect(parseConfig('{"chek": "x", "zzzzzzzz": 1}')).toMatchObject({
      warnings: ['"chek" is not a known key; did you mean "check"?', '"zzzzzzzz" is not a known key'],
    });
  });

  test.each<[unknown, string]>([
    ['{"target": }', ": is not JSON (line 1, column 12)"],
    [[], ": must be an object, not a list"],
    [{ target: "-x" }, 'target: "-x" is not a branch name'],
    [{ maxRuns: 0 }, "maxRuns: must be a whole number from 1 to 1000, not 0"],
    [{ checkTimeoutMs: 10 }, "checkTimeoutMs: must be a whole number from 1000 to 86400000, not 10"],
    [{ checkSlots: 0 }, "checkSlots: must be a whole number from 1 to 64, not 0"],
    [{ strict: "no" }, 'strict: must be true or false, not "no"'],
    [{ outputMb: 1.5 }, "outputMb: must be a whole number from 1 to 100000, not 1.5"],
    [{ pool: -1 }, "pool: must be a whole number from 0 to 100, not -1"],
    [{ setup: ["npm"] }, "setup: must be a string, not a list"],
    [{ ports: { from: 42_000 } }, "ports.to: must be a whole number from 42000 to 65535, not nothing"],
    [{ ports: { from: 80, to: 90 } }, "ports.from: must be a whole number from 1024 to 65535, not 80"],
    [{ agent: "a.b" }, 'agent: "a.b" is not an id: letters, digits, "_" and "-", starting with a letter or digit'],
    [{ agents: { bob: {} } }, "agents.bob.command: must be a list, not nothing"],
    [{ agents: { bob: 5 } }, "agents.bob: must be an object, not 5"],
    [
      { agents: { bob: { cli: "clade" } } },
      'agents.bob.cli: must be one of claude, codex, gemini, opencode, copilot, qwen, cline, aider, not "clade"',
    ],
    [{ agents: { bob: { cli: "codex", command: "x" } } }, "agents.bob.command: stands beside a CLI"],
    [{ agents: { bob: { cli: "codex", permision: "ask" } } }, "agents.bob.permision: is not a known key"],
    [{ agents: { bob: { command: "x", model: "m" } } }, "agents.bob.model: is for a CLI"],
    [
      { agents: { bob: { cli: "codex", permissions: "root" } } },
      'agents.bob.permissions: must be one of ask, edit, all, not "root"',
    ],
    [{ agents: { bob: { cli: "codex", args: "-x" } } }, 'agents.bob.args: must be a list, not "-x"'],
    [{ agents: { bob: { command: ["b"], role: 5 } } }, "agents.bob.role: must be a string, not 5"],
    [
      { probes: { x: { command: "x", timeoutMs: 1 } } },
      "probes.x.timeoutMs: must be a whole number from 1000 to 86400000, not 1",
    ],
    [{ gaps: { lanesMax: "all" } }, 'gaps.lanesMax: must be a whole number from 1 to 1000, not "all"'],
    [{ probes: { constructor: { command: "x" } } }, 'probes.constructor: "constructor" is a reserved word'],
    [
      '{"agents": {"__proto__": {"command": "x"}}}',
      'agents["__proto__"]: "__proto__" is not an id: letters, digits, "_" and "-", starting with a letter or digit',
    ],
  ])("%j is refused with the field", (value, fault) => {
    expect(faultOf(value)).toBe(fault);
  });

  test("never repeats a hostile name at length or as it is", () => {
    const fault = faultOf({ probes: { [`\u001B]0;${"x".repeat(100_000)}`]: { command: "x" } } });
    expect(fault.length).toBeLessThan(300);
    expect(fault).not.toMatch(/\p{Cc}/u);
  });

  test("never makes the parser throw", () => {
    const keys = fc.constantFrom("target", "agents", "probes", "gaps", "check", "__proto__", "maxRuns");
    const value = fc.oneof(fc.jsonValue(), fc.dictionary(fc.string(), fc.jsonValue()));
    fc.assert(
      fc.property(
        fc.oneof(
          fc.dictionary(keys, value).map((object) => JSON.stringify(object)),
          fc.string(),
        ),
        (source) => {
          const answer = parseConfig(source);
          expect(isFault(answer) || typeof answer.config === "object").toBe(true);
        },
      ),
    );
  });
});

describe("several configurations", () => {
  test("are merged: later ones win, rosters and probes are joined by name", () => {
    const one = { check: "a", target: "main", agents: { bob: { command: ["1"] }, eve: { command: ["2"] } } };
    const two = { check: "b", agents: { bob: { command: ["3"] } }, probes: { p: { command: ["4"], timeoutMs: 1000 } } };
    expect(mergeConfigs([one, {}, two])).toEqual({
      check: "b",
      target: "main",
      agents: { bob: { command: ["3"] }, eve: { command: ["2"] } },
      probes: two.probes,
    });
    expect(mergeConfigs([])).toEqual({});
  });
});

describe("the commands that trust is given to", () => {
  test("are all that a file would have run, in an order of their own", () => {
    const { config } = parseConfig(JSON.stringify(whole)) as { config: Parameters<typeof commandsIn>[0] };
    expect(commandsIn(config)).toMatchInlineSnapshot(`
      [
        "check: make test",
        "setup: npm ci",
        "gaps.check: make",
        "gaps.command: ["fix"]",
        "agents.bob: ["bob"]",
        "agents.eve: ["sh","-c","eve --now"]",
        "probes.gaps: ["probe"]",
        "probes.lint: ["sh","-c","lint"]",
      ]
    `);
    expect(commandsIn({ target: "main", gaps: { lanesMax: 3 } })).toEqual([]);
    const agents = { max: { cli: "codex", permissions: "all", args: ["-c", "x=1"], model: "m", role: "any" } } as const;
    expect(commandsIn({ agents })).toEqual([
      'agents.max: {"cli":"codex","permissions":"all","args":["-c","x=1"],"model":"m"}',
    ]);
  });
});

describe("variables", () => {
  const faultIn = (environment: Record<string, string>): string => {
    const answer = parseEnvironment(environment);
    return isFault(answer) ? `${answer.path}: ${answer.fault}` : "fine";
  };

  test("override what files say", () => {
    const all = {
      LANES_TARGET: "next",
      LANES_CHECK: "",
      LANES_MAX_RUNS: "4",
      LANES_REQUIRE_CHECK: "1",
      LANES_AGENT: "bob",
    };
    expect(Object.keys(all).toSorted()).toEqual(environmentKeys.toSorted());
    expect(parseEnvironment(all)).toEqual({ target: "next", check: "", maxRuns: 4, requireCheck: true, agent: "bob" });
    expect(parseEnvironment({ LANES_TARGET: "", LANES_MAX_RUNS: "", OTHER: "x" })).toEqual({});
  });

  test("say yes or no, and nothing in between", () => {
    const required = (word: string): unknown => parseEnvironment({ LANES_REQUIRE_CHECK: word });
    for (const yes of ["1", "true"]) expect(required(yes)).toEqual({ requireCheck: true });
    for (const not of ["0", "false"]) expect(required(not)).toEqual({ requireCheck: false });
    expect(required("")).toEqual({});
    expect(faultIn({ LANES_REQUIRE_CHECK: "yes" })).toBe('LANES_REQUIRE_CHECK: must be 1 or 0, not "yes"');
  });

  test("are refused by name", () => {
    expect(faultIn({ LANES_MAX_RUNS: "many" })).toBe(
      'LANES_MAX_RUNS: must be a whole number from 1 to 1000, not "many"',
    );
    expect(faultIn({ LANES_MAX_RUNS: "5000" })).toMatch("from 1 to 1000, not 5000");
    expect(faultIn({ LANES_TARGET: "a b" })).toBe('LANES_TARGET: "a b" is not a branch name');
    expect(faultIn({ LANES_AGENT: "../x" })).toMatch('LANES_AGENT: "../x" is not an id');
  });
});
