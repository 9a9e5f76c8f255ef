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
  const report = flagOf(call, "dryRun") ? await preview(engine) : await cleanLanes(call, engine);
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

/** What would become of the worktrees, by what git shows of them now. Nothing is changed. */
const preview = async (engine: Engine): Promise<Report> => {
  const kept: Kept[] = [];
  const removed: string[] = [];
  for (const { id } of removable(engine.state())) {
    const why = await engine.whyStays(id);
    if (why === undefined) removed.push(id);
    else kept.push({ id, detail: why });
  }
  return report(engine, "would remove", removed, kept);
};

/** Where its ignored files are. */
const keptOf = (engine: Engine, id: string): string => {
  const { detail = "", worktree } = engine.state().lanes.get(id) ?? {};
  return worktree === false && detail !== "" ? `; ${detail}` : "";
};

/** A worktree that stays, and why. */
type Kept = Pick<Lane, "id" | "detail">;

const report = (engine: Engine, verb: string, removed: readonly string[], kept: readonly Kept[]): Report => {
  const named = new Set([...removed, ...kept.map(({ id }) => id)]);
  const left = [...engine.state().lanes.values()].filter((lane) => lane.worktree && !named.has(lane.id));
  const keeping = verb === "removed" ? "kept" : "would keep";
  return {
    code: exit.done,
    hints: kept.map(({ id }) => `lanes remove ${id} keeps what is in it, then takes it away`),
    lines: [
      ...removed.map((id) => `${verb} ${worktreePath(engine, id)}${keptOf(engine, id)}`),
      ...kept.map(({ id, detail }) => `${keeping} ${worktreePath(engine, id)}: ${detail}`),
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
