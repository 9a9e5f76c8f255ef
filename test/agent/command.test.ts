import { expect, test } from "vitest";

import { commandAgent } from "../../src/agent/command.ts";
import type { LaneSpec } from "../../src/core/state.ts";

const lane: LaneSpec = {
  name: "demo",
  tasks: ["Say $(hello)"],
  parallel: true,
  priority: "normal",
  dependsOn: [],
  paths: [],
  env: [],
  commit: "agent",
  retries: 0,
  kind: "work",
};

test("a command agent runs the roster's command as it is", () => {
  const agent = commandAgent(["fix", "--all", "{tasks}"]);
  expect(agent.launch(lane)).toEqual({ argv: ["fix", "--all", "{tasks}"], env: {} });
  expect(agent.probe).toBeUndefined();
});

test("a lane's own command goes before the roster's", () => {
  expect(commandAgent(["fix"]).launch({ ...lane, command: ["sh", "-c", "make fix"] }).argv).toEqual([
    "sh",
    "-c",
    "make fix",
  ]);
});
