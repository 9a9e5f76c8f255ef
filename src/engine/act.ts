/** One switch from planned steps to what carries them out. */
import type { Action } from "../core/plan.ts";
import type { Lane } from "../core/state.ts";
import { askMerge, build, judge, land, passUnchecked, refuseUnchecked, test } from "./act-merge.ts";
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
      return build(work, lane);
    case "refuse-unchecked":
      return refuseUnchecked(work, lane);
    case "pass-unchecked":
      return passUnchecked(work, lane, action.candidate);
    case "test":
      return test(work, lane, action.candidate, action.run, action.check);
    case "judge":
      return judge(work, lane, action.candidate, action.seen);
    case "land":
      return land(work, lane, action.candidate);
    case "undo-build":
      return undoBuild(work, lane);
    case "undo-test":
      return undoTest(work, lane, action.candidate, action.run, action.check);
    case "undo-judge":
      return undoJudge(work, lane, action.candidate, action.seen);
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
