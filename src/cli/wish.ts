/** What verbs share on the way from words to records: lanes by name, a prepared repository, one wish. */
import type { Command } from "../core/command.ts";
import { decide, isRefusal, unknownLane } from "../core/decide.ts";
import { branch } from "../core/lane-spec.ts";
import { isNo, type No } from "../core/observed.ts";
import { attempt, isFault } from "../core/parse.ts";
import type { Lane, State } from "../core/state.ts";
import type { Engine } from "../engine/engine.ts";
import type { Call } from "./call.ts";
import { exit, no } from "./exit.ts";

/** The lanes with these ids, each once; a No names the first that does not exist. */
export const lanesNamed = (state: State, ids: readonly string[]): readonly Lane[] | No => {
  const lanes: Lane[] = [];
  for (const id of new Set(ids)) {
    const lane = state.lanes.get(id);
    if (!lane) return unknownLane(state, id);
    lanes.push(lane);
  }
  return lanes;
};

/** Record a wish; a repository that was never prepared is prepared first, unless the wish is refused anyway. */
export const wish = async (call: Call, engine: Engine, command: Command): Promise<No | undefined> => {
  if (command.type !== "merge" && command.type !== "approve") {
    const first = decide(engine.state(), command);
    if (isRefusal(first)) return first;
  }
  const unprepared = await prepareOnce(call, engine);
  if (unprepared) return unprepared;
  const answer = await engine.execute(command);
  return "refused" in answer ? answer : undefined;
};

/** Prepare the repository if nobody has: the branch that the checkout is on becomes the target. */
export const prepareOnce = async (call: Call, engine: Engine): Promise<No | undefined> => {
  if (engine.state().initialised) return undefined;
  const target = await targetFor(engine);
  if (isNo(target)) return target;
  for (const path of await engine.prepare()) call.output.say(`wrote ${path}`);
  const answer = await engine.execute({ type: "init", target: target.name });
  return "refused" in answer ? answer : undefined;
};

/** The branch that merges are to land on when nobody names one: as configured, else where the checkout is. */
export const targetFor = async (engine: Engine): Promise<{ readonly name: string } | No> => {
  const settings = await engine.settings();
  if (isNo(settings)) return settings;
  const { target } = settings.config;
  return target === undefined ? checkedOut(engine) : existingBranch(engine, target);
};

/** Where the checkout is. Git has branches that look like options, although it makes none: our hints would hand them to a shell. */
const checkedOut = async (engine: Engine): Promise<{ readonly name: string } | No> => {
  const current = await engine.currentBranch();
  if (isNo(current)) return current;
  const parsed = attempt(() => ({ name: branch(current.name, "HEAD") }));
  if (!isFault(parsed)) return parsed;
  return no(
    `the checkout's HEAD ${parsed.fault}`,
    "name the branch to land on: lanes init --target BRANCH",
    exit.unusable,
  );
};

/** A branch by its name, if there is one. A repository without a commit has none at all: that is said first. */
export const existingBranch = async (engine: Engine, name: string): Promise<{ readonly name: string } | No> => {
  const { branches } = await engine.look([]);
  if (branches.some((one) => one.name === name)) return { name };
  const current = await engine.currentBranch();
  if (isNo(current) && branches.length === 0) return current;
  return no(`there is no branch ${name} to land on`, `make it first: git branch ${name}`, exit.data);
};
