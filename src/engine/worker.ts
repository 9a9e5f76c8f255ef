/** Who does the work of a lane: its adapter, what it is asked for, and with which conversation. */
import { createHash } from "node:crypto";

import type { Adapter, Ask, Launch } from "../agent/adapter.ts";
import { commandAgent } from "../agent/command.ts";
import { promptOf } from "../agent/prompt.ts";
import { adapterOf } from "../agent/roster.ts";
import type { Config, RosterEntry } from "../core/config.ts";
import type { Event } from "../core/event.ts";
import type { Lane, Run } from "../core/state.ts";

/** An adapter and its member of the roster. */
interface Worker {
  readonly adapter: Adapter;
  readonly entry: RosterEntry;
}

/** Why nobody is known who could do the work. */
interface Missing {
  readonly missing: string;
}

/** Who works in a lane as the roster is now. */
const workerOf = (lane: Lane, config: Config): Worker | Missing => {
  const { command, agent } = lane.spec;
  const entry = agent === undefined ? undefined : config.agents?.[agent];
  const argv = command ?? entry?.command;
  if (argv) return { adapter: commandAgent(argv), entry: {} };
  const adapter = entry?.cli === undefined ? undefined : adapterOf(entry.cli);
  if (adapter && entry) return { adapter, entry };
  if (agent === undefined) return { missing: "it names no command and no agent" };
  return { missing: `there is no agent "${agent}" in the roster, or its command is not trusted (lanes trust)` };
};

/** What is recorded of the conversation when a run is asked for. `dice`: a new unique text. */
export const conversationOf = (
  lane: Lane,
  config: Config,
  dice: string,
): Pick<Extract<Event, { type: "run.asked" }>, "cli" | "session" | "resumes"> => {
  const worker = workerOf(lane, config);
  if ("missing" in worker || worker.adapter.cli === "command") return {};
  const { cli, session: who } = worker.adapter;
  // A lane that begins anew with each run goes on with nothing.
  const before = who === "none" || lane.spec.rollback === true ? undefined : interrupted(lane.run, cli);
  if (before !== undefined) return { cli, session: before, resumes: true };
  return who === "chosen" ? { cli, session: uuidFrom(dice) } : { cli };
};

/** The conversation of a run that was cut off in the middle of its work. One that could not be gone on with is not tried again. */
const interrupted = (run: Run | undefined, cli: string): string | undefined => {
  if (run?.cli !== cli || !run.told || run.told.status === "starting" || run.code === 0) return undefined;
  if (run.resumes && run.told.session === undefined) return undefined;
  return run.told.session ?? run.session;
};

/** A UUID of version 4 (RFC 9562), as CLIs ask for, from a text that nobody else has. */
const uuidFrom = (dice: string): string => {
  const hex = createHash("sha256").update(dice).digest("hex");
  const variant = ((Number.parseInt(hex.charAt(16), 16) % 4) + 8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
};

/** The folders that a launch speaks of. */
type Places = Pick<Ask, "cwd" | "folder" | "git">;

/** What the lane's current run is started with. It was asked for with a CLI: another one in the roster since then is another run's. */
export const launchOf = (lane: Lane, config: Config, places: Places): Launch | Missing => {
  const worker = workerOf(lane, config);
  if ("missing" in worker) return worker;
  const { adapter, entry } = worker;
  const { run, spec } = lane;
  if ((run?.cli ?? "command") !== adapter.cli)
    return { missing: `its agent was changed in the roster while it was about to start; lanes retry ${lane.id}` };
  const resumes = run?.resumes === true;
  return adapter.headless({
    ...places,
    lane: spec,
    prompt: promptOf(lane.id, spec, resumes, lane.note),
    session: run?.session,
    resumes,
    permissions: entry.permissions ?? "edit",
    model: entry.model,
    args: entry.args ?? [],
  });
};

/** The permission mode that the argv of the lane's run asks for, for its badge. */
export const modeOf = (lane: Lane, config: Config): { readonly mode?: string } => {
  const worker = workerOf(lane, config);
  const launch = launchOf(lane, config, { cwd: "/", folder: "/", git: { own: "/", common: "/" } });
  if ("missing" in worker || "missing" in launch) return {};
  const mode = worker.adapter.permissions(launch);
  return mode === undefined ? {} : { mode };
};
