import { expect, test } from "vitest";

import { commandAgent } from "../../src/agent/command.ts";
import { askOf, lane } from "./ask.ts";

test("a command agent runs the roster's command as it is", () => {
  const agent = commandAgent(["fix", "--all", "{tasks}"]);
  expect(agent.headless(askOf())).toEqual({ argv: ["fix", "--all", "{tasks}"], env: {}, files: [] });
  expect(agent.probe).toBeUndefined();
});

test("a lane's own command goes before the roster's", () => {
  const ask = askOf({ lane: { ...lane, command: ["sh", "-c", "make fix"] } });
  expect(commandAgent(["fix"]).headless(ask).argv).toEqual(["sh", "-c", "make fix"]);
});
