/** A small world for the core: processes, git and an engine that only add up, driven by dice. */
import { stacksOf } from "../../src/core/batch.ts";
import {
  begun,
  type Ground,
  judged,
  landedAs,
  type Layer,
  sentBack,
  startedAs,
  unchecked,
} from "../../src/core/batch-fact.ts";
import { isSuccess } from "../../src/core/check.ts";
import type { Command } from "../../src/core/command.ts";
import { decide, isRefusal } from "../../src/core/decide.ts";
import type { Event, Outcome } from "../../src/core/event.ts";
import { runOf } from "../../src/core/id.ts";
import type { RunSeen } from "../../src/core/observed.ts";
import { type Action, plan, type Policy, runsToSee } from "../../src/core/plan.ts";
import { isFrozen, leaseAtStart } from "../../src/core/schedule.ts";
import { emptyState, type Lane, type LaneState, type State } from "../../src/core/state.ts";
import { lostVerdict, verdict } from "../../src/core/verdict.ts";
import { laneOf, process, tell } from "./build.ts";

/** One thing that happens: a wish, time that passes with one round of the engine, or something in the world. */
export type Happening =
  | { readonly type: "wish"; readonly command: Command }
  | { readonly type: "round"; readonly afterMs: number; readonly dice: readonly number[] }
  | { readonly type: "end"; readonly code: number }
  | { readonly type: "vanish"; readonly survivors: readonly number[] }
  /** Somebody else wakes an agent. */
  | { readonly type: "wake" }
  | { readonly type: "ask" };

/** What a world went through: each record, with the state before and after. */
export interface Step {
  readonly what: string;
  readonly events: readonly Event[];
  readonly outcome: Outcome;
  readonly before: State;
  readonly after: State;
}

export interface World {
  readonly state: State;
  readonly runs: Map<string, RunSeen>;
  readonly steps: Step[];
  readonly policy: Policy;
  clock: number;
}

export const worldOf = (clock: number, policy: Policy): World => ({
  state: emptyState(),
  runs: new Map(),
  steps: [],
  policy,
  clock,
});

/** Record facts; what became of them is kept for the tests. */
const write = (world: World, what: string, events: readonly Event[], lane?: Lane): void => {
  const before = copyOf(world.state);
  const over = { at: world.clock, ...(lane ? { if: [{ lane: lane.id, rev: lane.rev }] } : {}) };
  const outcome = tell(world.state, events, over);
  world.steps.push({ what, events, outcome, before, after: copyOf(world.state) });
};

/** Lanes are never changed, only replaced: a shallow copy keeps them as they are. */
const copyOf = (state: State): State => ({ ...state, lanes: new Map(state.lanes) });

export const live = (world: World): string[] =>
  [...world.runs].filter(([, seen]) => seen.is === "alive").map(([run]) => run);

export const happen = (world: World, happening: Happening): void => {
  switch (happening.type) {
    case "wish":
      wish(world, happening.command);
      return;
    case "round":
      world.clock += happening.afterMs;
      round(world, happening.dice);
      return;
    case "end": {
      const [run] = live(world);
      if (run !== undefined) end(world, run, happening.code);
      return;
    }
    case "vanish": {
      const [run] = live(world);
      if (run !== undefined) world.runs.set(run, { is: "vanished", survivors: happening.survivors });
      return;
    }
    case "wake": {
      const [run] = live(world);
      if (run !== undefined) hold(world, run, false);
      return;
    }
    case "ask": {
      const lane = [...world.state.lanes.values()].find(
        (one) => one.state === "running" && one.run?.endedAt === undefined,
      );
      if (lane) write(world, "ask", [{ type: "lane.waiting", key: lane.id, why: "asks", paths: [] }], lane);
    }
  }
};

export const end = (world: World, run: string, code: number): void => {
  world.runs.set(run, {
    is: "exited",
    process,
    startedAt: world.clock - 5000,
    code,
    endedAt: world.clock,
    ranMs: 5000,
  });
};

const wish = (world: World, command: Command): void => {
  const decision = decide(world.state, command);
  if (isRefusal(decision) || decision.events.length === 0) return;
  const before = copyOf(world.state);
  const outcome = tell(world.state, decision.events, {
    if: decision.if,
    at: world.clock,
    cause: `c${world.state.position}`,
  });
  world.steps.push({
    what: `wish ${command.type}`,
    events: decision.events,
    outcome,
    before,
    after: copyOf(world.state),
  });
};

/** One round of the engine: plan, then carry each step out. */
export const round = (world: World, dice: readonly number[]): readonly Action[] => {
  const runs = new Map(runsToSee(world.state).map((run) => [run, world.runs.get(run) ?? ({ is: "absent" } as const)]));
  const lanes = [...world.state.lanes.values()];
  const rested = new Set(lanes.filter(({ retryAt }) => (retryAt ?? Infinity) <= world.clock).map(({ id }) => id));
  const actions = plan(world.state, { runs, rested }, world.clock, world.policy);
  for (const [index, action] of actions.entries()) act(world, action, dice[index % dice.length] ?? 0);
  return actions;
};

const act = (world: World, action: Action, die: number): void => {
  const lane = laneOf(world.state, action.lane);
  const events = eventsOf(world, action, lane, die);
  if (events.length > 0) write(world, action.type, events, lane);
};

/** What the engine records for a step, and what the step does to the world. */
const eventsOf = (world: World, action: Action, lane: Lane, die: number): readonly Event[] => {
  const key = action.lane;
  switch (action.type) {
    case "take": {
      const asked: Event = { type: "run.asked", key, n: (lane.run?.n ?? 0) + 1, base: die === 1 ? "" : "base" };
      return die === 1
        ? [asked, { type: "lane.failed", key, why: "no base" }]
        : [asked, ...leaseAtStart(world.state, lane)];
    }
    case "start":
      return start(world, action.n, lane, die);
    case "note-start":
      return [{ type: "run.started", key, n: action.n, process, at: world.clock }];
    case "finish": {
      const { seen, n } = action;
      const dirty = die === 1 ? ["x"] : [];
      return verdict(lane, { ...seen, n, head: "h", commits: die === 2 ? 0 : 1, dirty, results: [] }, world.clock);
    }
    case "lose":
      return lostVerdict(lane, world.clock);
    case "stop":
      end(world, runOf(key, action.n), 143);
      return [];
    case "freeze":
      if (die === 1) return [{ type: "lane.thawed", key, n: action.n, why: "could not be frozen" }];
      hold(world, runOf(key, action.n), true);
      return isFrozen(lane) && !lane.pausing ? [] : [{ type: "lane.frozen", key, n: action.n }];
    case "thaw":
      hold(world, runOf(key, action.n), false);
      return [{ type: "lane.thawed", key, n: action.n, why: "" }];
    case "requeue":
      return [{ type: "lane.queued", key, why: "tried again" }];
    case "ask-merge":
      return [{ type: "merge.asked", key }];
    case "remove":
      return [die === 1 ? { type: "worktree.kept", key, why: "dirty" } : { type: "worktree.removed", key }];
    case "restore":
      return [
        die === 1
          ? { type: "lane.restore-failed", key, why: "nothing is kept" }
          : { type: "lane.restored", key, n: 1, ready: die === 2, why: "restored" },
      ];
    case "yield":
      return [{ type: "lease.yielded", key, lanes: action.lanes }];
    case "expire":
      return [{ type: "lease.expired", key, id: action.claim, why: action.why }];
    case "refuse-unchecked":
      return [{ type: "merge.withdrawn", key, why: "no check" }];
    case "end-check":
      end(world, action.run, 143);
      return [];
    case "undo-build":
    case "undo-test":
    case "undo-judge":
    case "undo-land":
      return undoEvents(world, action, lane, die);
    default:
      return mergeEvents(world, action, lane, die);
  }
};

const hold = (world: World, run: string, frozen: boolean): void => {
  const seen = world.runs.get(run);
  if (seen?.is !== "alive") return;
  const { process: agent, startedAt, ageMs } = seen;
  world.runs.set(run, { is: "alive", process: agent, startedAt, ageMs, ...(frozen ? { frozen } : {}) });
};

const start = (world: World, n: number, lane: Lane, die: number): readonly Event[] => {
  const { id: key } = lane;
  if (die === 2) return [{ type: "lane.failed", key, why: "no such program" }];
  if (lane.spec.agent === "manual") {
    return [
      { type: "lane.opened", key, base: "" },
      { type: "lane.waiting", key, why: "you work in this lane", paths: [] },
    ];
  }
  const seen: RunSeen =
    die === 3 ? { is: "vanished", survivors: [] } : { is: "alive", process, startedAt: world.clock, ageMs: 0 };
  world.runs.set(runOf(key, n), seen);
  return [];
};

type MergeAction = Extract<Action, { type: "build" | "rebuild" | "pass-unchecked" | "test" | "judge" | "land" }>;
type UndoAction = Extract<Action, { type: "undo-build" | "undo-test" | "undo-judge" | "undo-land" }>;

const undoEvents = (world: World, action: UndoAction, { id: key, undoing }: Lane, die: number): readonly Event[] => {
  switch (action.type) {
    case "undo-build": {
      if (die === 1) return [{ type: "merge.undo-refused", key, why: "conflict", paths: ["x"], code: 2 }];
      const candidate = `undo${world.state.position}`;
      const started = { type: "merge.undo-started", key, onto: "o", candidate } as const;
      return [die === 2 ? { ...started, how: "back" } : { ...started, how: "revert", check: "make" }];
    }
    case "undo-test":
      end(world, action.run, die % 2);
      return [];
    case "undo-judge":
      return action.seen.is === "exited" && action.seen.code === 0
        ? [{ type: "merge.undo-tested", key, candidate: action.candidate }]
        : [{ type: "merge.undo-refused", key, why: "exit code 1", paths: [], code: 1 }];
    case "undo-land":
      if (die === 1)
        return undoing?.held === undefined ? [{ type: "merge.undo-held", key, why: "in the way", paths: [] }] : [];
      if (die === 2) return [{ type: "merge.undo-requeued", key, why: "moved" }];
      return [{ type: "merge.undone", key, commit: action.candidate, how: undoing?.how ?? "revert" }];
  }
};

const mergeEvents = (world: World, action: MergeAction, lane: Lane, die: number): readonly Event[] => {
  if (action.type === "build") return buildEvents(world, action, lane, die);
  const batches = stacksOf(world.state, new Set<LaneState>(["merging", "landed-pending"]));
  const stack = batches.find(({ id }) => id === action.batch);
  if (!stack) return [];
  switch (action.type) {
    case "rebuild":
      return sentBack(stack, action.why);
    case "pass-unchecked":
      return unchecked(stack);
    case "test":
      end(world, action.run, die % 2);
      return [];
    case "judge":
      return judged(world.state, stack, {
        check: "make",
        passed: isSuccess(action.seen),
        again: action.again,
        how: "exit 1",
        ms: 5,
      });
    case "land":
      if (die === 1)
        return lane.state === "merging"
          ? stack.lanes.map(({ id: key }) => ({ type: "merge.held", key, why: "in the way", paths: [] }))
          : [];
      return die === 2 ? sentBack(stack, "moved") : landedAs(stack);
  }
};

/** A tree is called after what was merged into it. */
const buildEvents = (
  { state }: World,
  action: Extract<Action, { type: "build" }>,
  lane: Lane,
  die: number,
): readonly Event[] => {
  const { on, slot } = action;
  const below = stacksOf(state).find(({ id }) => id === on);
  const ground: Ground = { target: "main", check: "make", onto: below?.commit ?? "o", on, slot };
  if (die === 1)
    return [
      startedAs(ground, lane, { head: "h", commit: "" }),
      { type: "merge.conflicted", key: lane.id, why: "", paths: ["x"] },
    ];
  const layers = action.lanes.map((id, place): Layer => {
    const commit = `candidate${state.position}.${place}`;
    return { lane: laneOf(state, id), head: "h", commit, tree: `tree of ${commit}` };
  });
  const [first, ...others] = layers;
  const whole = { commit: `joined${state.position}`, tree: `tree${state.position}` };
  return first ? begun(state, ground, [first, ...others], whole) : [];
};
