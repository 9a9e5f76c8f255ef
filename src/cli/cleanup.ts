/** `cleanup`: worktrees whose work is on the target are removed; everything else stays and is named. */
import { isNo, type No } from "../core/observed.ts";
import type { Lane, State } from "../core/state.ts";
import type { Engine } from "../engine/engine.ts";
import { type Call, flagOf } from "./call.ts";
import { type Answer, exit } from "./exit.ts";
import { type Report, tell, worktreePath } from "./report.ts";
import { waitFor } from "./wait.ts";
import { wish } from "./wish.ts";

/** Remove worktrees of merged and cancelled lanes. */
export const cleanup = async (call: Call, engine: Engine): Promise<Answer> => {
  const report = flagOf(call, "dryRun") ? preview(engine) : await cleanLanes(call, engine);
  return isNo(report) ? report : tell(call, report);
};

/** The same as a step of `reset`. */
export const cleanLanes = async (call: Call, engine: Engine): Promise<Report | No> => {
  const ids = removable(engine.state()).map(({ id }) => id);
  if (ids.length > 0) {
    const refused = await wish(call, engine, { type: "remove", lanes: ids });
    if (refused) return refused;
    await engine.ensure();
    const cut = await waitFor(call, engine, "remove", ids);
    if (cut) return cut;
  }
  const { lanes } = engine.state();
  const kept = ids.flatMap((id) => lanes.get(id) ?? []).filter((lane) => lane.worktree);
  const removed = ids.filter((id) => !kept.some((lane) => lane.id === id));
  return report(engine, "removed", removed, kept);
};

const removable = (state: State): readonly Lane[] =>
  [...state.lanes.values()].filter((lane) => lane.worktree && (lane.state === "merged" || lane.state === "cancelled"));

const preview = (engine: Engine): Report =>
  report(
    engine,
    "would remove",
    removable(engine.state()).map(({ id }) => id),
    [],
  );

/** Where its ignored files are. */
const keptOf = (engine: Engine, id: string): string => {
  const { detail = "", worktree } = engine.state().lanes.get(id) ?? {};
  return worktree === false && detail !== "" ? `; ${detail}` : "";
};

const report = (engine: Engine, verb: string, removed: readonly string[], kept: readonly Lane[]): Report => {
  const left = [...engine.state().lanes.values()].filter(
    (lane) => lane.worktree && !removed.includes(lane.id) && !kept.includes(lane),
  );
  return {
    code: exit.done,
    lines: [
      ...removed.map((id) => `${verb} ${worktreePath(engine, id)}${keptOf(engine, id)}`),
      ...kept.map(({ id, detail }) => `kept ${worktreePath(engine, id)}: ${detail}`),
      ...left.map(({ id, state }) => `left ${worktreePath(engine, id)}: ${id} is ${state}`),
      ...(removed.length + kept.length + left.length === 0 ? ["nothing to clean up"] : []),
    ],
    json: {
      dryRun: verb !== "removed",
      removed,
      kept: kept.map(({ id, detail }) => ({ lane: id, why: detail })),
      left: left.map(({ id, state }) => ({ lane: id, state })),
    },
  };
};
