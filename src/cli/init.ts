/** `init`: prepare this repository. */
import { branch } from "../core/lane-spec.ts";
import { isNo, type No } from "../core/observed.ts";
import { attempt, isFault } from "../core/parse.ts";
import type { Engine } from "../engine/engine.ts";
import { warnOf } from "./ask.ts";
import { type Call, textOf } from "./call.ts";
import { type Answer, exit, faultNo } from "./exit.ts";
import { type Report, tell } from "./report.ts";
import { existingBranch, targetFor } from "./wish.ts";

/** Make `.orchestration/`, keep our folders out of git and decide the branch that merges land on. */
export const init = async (call: Call, engine: Engine): Promise<Answer> => {
  await warnOf(call, engine);
  const report = await prepareRepository(call, engine);
  return isNo(report) ? report : tell(call, report);
};

/** The same, as a step of `full`. */
export const prepareRepository = async (call: Call, engine: Engine): Promise<Report | No> => {
  const target = await chosenTarget(engine, textOf(call, "target"));
  if (isNo(target)) return target;
  const wrote = await engine.prepare();
  const answer = await engine.execute({ type: "init", target: target.name });
  if ("refused" in answer) return answer;
  const isNew = answer.events.length > 0;
  return {
    code: exit.done,
    lines: [
      ...wrote.map((path) => `wrote ${path}`),
      isNew ? `ready: lanes land on ${target.name}` : `was ready already: lanes land on ${target.name}`,
    ],
    hints: engine.state().lanes.size === 0 ? ["next: lanes add-lane ID JSON, or: lanes probes"] : [],
    json: { target: target.name, wrote, changed: isNew || wrote.length > 0 },
  };
};

const chosenTarget = async (engine: Engine, given: string | undefined): Promise<{ readonly name: string } | No> => {
  const { initialised, target } = engine.state();
  if (given === undefined) {
    if (initialised && target !== undefined) return { name: target };
    return targetFor(engine);
  }
  const parsed = attempt(() => ({ name: branch(given, "--target") }));
  if (isFault(parsed)) return { ...faultNo("init", parsed), code: exit.usage };
  return existingBranch(engine, parsed.name);
};
