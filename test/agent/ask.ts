/** What agents' tests start a run with, and recorded streams as one value each. */
import { readFileSync } from "node:fs";

import type { Adapter, Ask } from "../../src/agent/adapter.ts";
import { streamOf } from "../../src/agent/adapter.ts";
import type { AgentEvent } from "../../src/agent/event.ts";
import { hear, silent } from "../../src/agent/hear.ts";
import { noRest, takeLines } from "../../src/agent/lines.ts";
import type { AgentTold, LaneSpec } from "../../src/core/state.ts";

export const lane: LaneSpec = {
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

export const askOf = (over: Partial<Ask> = {}): Ask => ({
  lane,
  prompt: "Your task in lane demo:",
  cwd: "/repo/.worktrees/demo",
  folder: "/state/briefs/demo-1",
  session: undefined,
  resumes: false,
  permissions: "edit",
  model: undefined,
  args: [],
  git: { own: "/repo/.git/worktrees/demo", common: "/repo/.git" },
  ...over,
});

/** A recorded stream's text: `claude-basic`. */
export const recorded = (name: string): string =>
  readFileSync(new URL(`../fixture/agent/${name}.jsonl`, import.meta.url), "utf8");

export const eventsIn = (adapter: Adapter, text: string): readonly AgentEvent[] =>
  takeLines(noRest, text).lines.flatMap((line) => adapter.parse(streamOf(line), line));

/** When the recordings are heard. */
export const heardAt: number = Date.UTC(2026, 10, 21, 6, 0, 0);

export const toldBy = (adapter: Adapter, text: string): AgentTold =>
  eventsIn(adapter, text).reduce((told, event) => hear(told, event, heardAt), silent(heardAt - 60_000));
