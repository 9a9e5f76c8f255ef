/** One switch from planned steps to what carries them out. */
import type { Action } from "../core/plan.ts";
import type { Lane } from "../core/state.ts";
import { askMerge, land, passUnchecked, rebuild, refuseUnchecked } from "./act-merge.ts";
import { build } from "./act-build.ts";
import { endCheck, judge, test } from "./act-check.ts";
import { freeze, thaw } from "./act-pause.ts";
import { finish, lose, noteStart, remove, requeue, restore, start, stop, take } from "./act-run.ts";
import { undoBuild, undoJudge, undoLand, undoTest } from "./act-undo.ts";
import { tell, type Work } from "./work.ts";

/** Carry out one step for a lane as it was when the step was planned. Rejects when the world is broken. */
export const act = async (work: Work, lane: Lane, action: Action): Promise<void> => {
  switch (action.type) {
    case "take":
      return take(work, lane);
    case "start":
      return start(work, lane, action.n);
    case "note-start":
      return noteStart(work, lane, action.n, action.seen);
    case "finish":
      return finish(work, lane, action.n, action.seen);
    case "lose":
      return lose(work, lane);
    case "stop":
      return stop(work, lane, action.n);
    case "freeze":
      return freeze(work, lane, action.n);
    case "thaw":
      return thaw(work, lane, action.n);
    case "requeue":
      return requeue(work, lane);
    case "ask-merge":
      return askMerge(work, lane);
    case "build":
      return build(work, action);
    case "rebuild":
      return rebuild(work, action);
    case "refuse-unchecked":
      return refuseUnchecked(work, lane);
    case "pass-unchecked":
      return passUnchecked(work, action.batch);
    case "test":
      return test(work, action);
    case "end-check":
      return endCheck(work, action.run);
    case "judge":
      return judge(work, action);
    case "land":
      return land(work, action.batch);
    case "undo-build":
      return undoBuild(work, lane);
    case "undo-test":
      return undoTest(work, lane, action.candidate, action.run, action.check);
    case "undo-judge":
      return undoJudge(work, lane, action);
    case "undo-land":
      return undoLand(work, lane, action.candidate);
    case "remove":
      return remove(work, lane);
    case "restore":
      return restore(work, lane, action.n);
    case "yield":
      await tell(work, lane, [{ type: "lease.yielded", key: lane.id, lanes: action.lanes }]);
      return;
    case "expire":
      await tell(work, lane, [{ type: "lease.expired", key: lane.id, id: action.claim, why: action.why }]);
      return;
  }
};
