import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";

import { describe, expect, test } from "vitest";

import { explainConfig, variableOf } from "../../src/core/config-source.ts";
import { patience, scene, type Scene } from "./scratch.ts";

interface Row {
  readonly key: string;
  readonly value: unknown;
  readonly source: string;
  readonly overrides: readonly string[];
}

const userFile = (there: Scene): string => join(dirname(there.top), "config", "lanekeeper", "config.json");

const writeUser = (there: Scene, text: string): void => {
  mkdirSync(dirname(userFile(there)), { recursive: true });
  writeFileSync(userFile(there), text);
};

const rows = async (there: Scene, env: NodeJS.ProcessEnv, ...words: readonly string[]): Promise<readonly Row[]> => {
  const { stdout } = await there.lanesWith({ env }, "config", "--json", ...words);
  return (JSON.parse(stdout) as { settings: readonly Row[] }).settings;
};

describe("config --explain", () => {
  test("says of each setting which place it comes from and which it overrides", patience, async () => {
    const there = scene();
    writeUser(there, '{"maxRuns": 2, "agent": "coder", "agents": {"coder": {"command": ["coder"]}}}');
    there.write("lanes.config.json", '{"maxRuns": 3, "requireCheck": true, "agent": "coder"}');
    const repo = join(there.top, "lanes.config.json");
    const found = await rows(there, { LANES_MAX_RUNS: "4" }, "--check", "npm test", "--target", "main");
    expect(found).toEqual([
      { key: "target", value: "main", source: "--target", overrides: [] },
      { key: "check", value: "npm test", source: "--check", overrides: [] },
      { key: "agent", value: "coder", source: repo, overrides: [userFile(there)] },
      { key: "requireCheck", value: true, source: repo, overrides: ["default"] },
      { key: "strategy", value: "merge", source: "default", overrides: [] },
      { key: "strict", value: true, source: "default", overrides: [] },
      { key: "review", value: "none", source: "default", overrides: [] },
      { key: "checkTimeoutMs", value: 1_800_000, source: "default", overrides: [] },
      {
        key: "checkSlots",
        value: Math.max(1, Math.floor(availableParallelism() / 4)),
        source: "default",
        overrides: [],
      },
      { key: "maxRuns", value: 4, source: "LANES_MAX_RUNS", overrides: ["default", userFile(there), repo] },
      { key: "outputMb", value: 64, source: "default", overrides: [] },
      { key: "pool", value: 0, source: "default", overrides: [] },
      { key: "minFreeMb", value: 100, source: "default", overrides: [] },
      { key: "ports", value: { from: 42_000, to: 42_999 }, source: "default", overrides: [] },
      { key: "agents.coder", value: { command: ["coder"] }, source: userFile(there), overrides: [] },
    ]);
  });

  test("shows no command as in force that nobody trusts", patience, async () => {
    const there = scene();
    there.write("lanes.config.json", '{"check": "npm test"}');
    const before = await there.lanes("config", "--explain");
    expect(before.stdout).toMatch(/^check +- +default$/m);
    expect(before.stdout).toMatch(/^not trusted, so not in force: check: npm test$/m);
    await there.lanes("trust", "--yes");
    expect((await there.lanes("config", "--explain")).stdout).toMatch(/^check +npm test +.*lanes\.config\.json$/m);
  });

  test("takes nothing back that the person requires of what lands", patience, async () => {
    const there = scene();
    writeUser(there, '{"review": "required", "requireCheck": true, "strict": true}');
    there.write("lanes.config.json", '{"review": "none", "requireCheck": false, "strict": false, "maxRuns": 3}');
    const told = await rows(there, {});
    const valueOf = (key: string): unknown => told.find((row) => row.key === key)?.value;
    expect(["review", "requireCheck", "strict", "maxRuns"].map(valueOf)).toEqual(["required", true, true, 3]);
  });

  test("says that a prepared repository's target is a fact", patience, async () => {
    const there = scene();
    await there.lanes("init");
    expect((await rows(there, { LANES_TARGET: "other" })).find(({ key }) => key === "target")).toEqual({
      key: "target",
      value: "main",
      source: "lanes init",
      overrides: ["LANES_TARGET"],
    });
  });

  test.each([
    ['{"maxRuns": 0}', "maxRuns must be a whole number from 1 to 1000"],
    ['{"agents": {"a": {"comand": ["x"]}}}', 'agents.a.comand is not a known key; did you mean "command"?'],
    ['{\n  "check": tru\n}', "is not JSON (line 2, column 15)"],
  ])("names file and field of %s", patience, async (text, fault) => {
    const there = scene();
    there.write("lanes.config.json", text);
    const ended = await there.lanes("config", "--explain");
    expect(ended.code).toBe(65);
    expect(ended.stderr).toContain(join(there.top, "lanes.config.json"));
    expect(ended.stderr).toContain(fault);
    expect(ended.stdout).toBe("");
  });

  test("warns of keys that nobody knows", patience, async () => {
    const there = scene();
    there.write("lanes.config.json", '{"maxRun": 1}');
    const ended = await there.lanes("config");
    expect(ended.code).toBe(0);
    expect(ended.stderr).toContain('"maxRun" is not a known key; did you mean "maxRuns"?');
  });
});

test("a roster is joined by name, and each member keeps its place", () => {
  const member = (command: string) => ({ command: [command] });
  const found = explainConfig([
    { source: "a", config: { agents: { x: member("1"), y: member("2") } } },
    { source: "b", config: { agents: { y: member("3") } } },
  ]);
  expect(found.map(({ key, source, overrides }) => [key, source, overrides])).toEqual([
    ["agents.x", "a", []],
    ["agents.y", "b", ["a"]],
  ]);
  expect(variableOf("requireCheck")).toBe("LANES_REQUIRE_CHECK");
});
