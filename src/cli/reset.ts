/** `reset`: end all runs, put the records away and begin anew. Work that is not merged stays on disk. */
import { branchOf } from "../core/id.ts";
import { isNo } from "../core/observed.ts";
import type { Engine } from "../engine/engine.ts";
import { ask } from "./ask.ts";
import { type Call, flagOf } from "./call.ts";
import { cleanLanes } from "./cleanup.ts";
import { type Answer, exit, no } from "./exit.ts";
import { type Report, tell, worktreePath } from "./report.ts";
import { stopEverything } from "./stop.ts";

/** Stop, clean up, archive; says by name what stays. */
export const reset = async (call: Call, engine: Engine): Promise<Answer> => {
  if (engine.state().position === 0) {
    return tell(call, {
      code: exit.done,
      lines: ["nothing to reset: there are no records"],
      json: { archive: null, stays: [] },
    });
  }
  const sure = flagOf(call, "yes") || (await ask(call, "End all runs and archive all records of this repository?"));
  if (sure !== true) {
    const what = sure === undefined ? "reset ends all runs and archives all records" : "nothing was reset";
    return no(what, "to do it without being asked: lanes reset --yes", exit.refused);
  }
  const stopped = await stopEverything(call, engine);
  if (isNo(stopped)) return stopped;
  const cleaned = await cleanLanes(call, engine);
  if (isNo(cleaned)) return cleaned;
  await engine.stopEngine();
  await engine.refresh();
  await engine.emptyPool();
  return tell(call, await archiveAll(engine));
};

const archiveAll = async (engine: Engine): Promise<Report> => {
  const stays = [...engine.state().lanes.values()]
    .filter((lane) => lane.worktree)
    .map(({ id, state }) => ({ lane: id, state, branch: branchOf(id), worktree: worktreePath(engine, id) }));
  const archive = await engine.archive();
  return {
    code: exit.done,
    lines: [
      `records archived in ${archive}`,
      ...stays.map(({ lane, state, branch, worktree }) => `stays: ${worktree} on ${branch} (${lane} was ${state})`),
    ],
    json: { archive, stays },
  };
};
