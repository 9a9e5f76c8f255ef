/** `resolve LANE [--abort]`: a conflict is put into the lane's worktree, and taken out of it again. */
import { isNo } from "../core/observed.ts";
import type { Engine } from "../engine/engine.ts";
import { type Call, flagOf } from "./call.ts";
import { type Answer, exit } from "./exit.ts";
import { count, tell } from "./report.ts";
import { lanesNamed } from "./wish.ts";

/** Says where the conflict stands, and what to do there. */
export const resolve = async (call: Call, engine: Engine): Promise<Answer> => {
  const lanes = lanesNamed(engine.state(), call.words);
  if (isNo(lanes)) return lanes;
  const id = lanes[0]?.id ?? "";
  if (flagOf(call, "abort")) return abort(call, engine, id);
  const found = await engine.resolve(id);
  if (isNo(found)) return found;
  const { worktree, target, paths, saved } = found;
  if (paths.length === 0)
    return tell(call, {
      code: exit.done,
      lines: [`${id} and ${target} have no conflict any more; to land it: lanes merge ${id}`],
      json: { lane: id, worktree, target, paths, saved },
    });
  return tell(call, {
    code: exit.done,
    lines: [`${count(paths.length, "file")} in conflict with ${target} in ${worktree}: ${paths.join(", ")}`],
    hints: [`resolve and commit there, then: lanes merge ${id}; or: lanes resolve ${id} --abort`],
    json: { lane: id, worktree, target, paths, saved },
  });
};

const abort = async (call: Call, engine: Engine, id: string): Promise<Answer> => {
  const dropped = await engine.dropResolve(id);
  if (dropped !== undefined && isNo(dropped)) return dropped;
  const saved = dropped?.saved ?? "";
  return tell(call, {
    code: exit.done,
    lines: [
      dropped === undefined
        ? `no conflict stands in ${id}`
        : `the conflict is out of ${id} again${saved === "" ? "" : `; what was resolved is kept in ${saved}`}`,
    ],
    json: { lane: id, aborted: dropped !== undefined, saved: saved === "" ? null : saved },
  });
};
