/** A merge queue whose git only adds up: a commit is the lanes in it, a check looks for those that spoil it. */
import { stacksOf } from "../../src/core/batch.ts";
import { begun, judged, landedAs, type Layer, sentBack, startedAs } from "../../src/core/batch-fact.ts";
import { isSuccess } from "../../src/core/check.ts";
import type { Event } from "../../src/core/event.ts";
import type { RunSeen } from "../../src/core/observed.ts";
import { type Action, plan, type Policy, runsToSee } from "../../src/core/plan.ts";
import { emptyState, type Lane, type LaneState, type State } from "../../src/core/state.ts";
import { laneOf, now, process, tell, withLane } from "./build.ts";

/** What is wrong with the lanes: alone, together in meaning, or together in text. */
export interface Flaws {
  readonly bad?: readonly string[];
  readonly clash?: readonly (readonly [string, string])[];
  readonly conflict?: readonly (readonly [string, string])[];
}

export interface MergeWorld {
  readonly state: State;
  readonly flaws: Flaws;
  readonly policy: Policy;
  readonly runs: Map<string, RunSeen>;
  /** Every value that the target had: lanes and commits of others, in order. */
  readonly values: (readonly string[])[];
  /** Runs of checks that were begun, by what they looked at. */
  readonly checks: string[];
  readonly going: Map<string, readonly string[]>;
}

export const mergeWorld = (ids: readonly string[], flaws: Flaws = {}, over: Partial<Policy> = {}): MergeWorld => {
  const state = emptyState();
  for (const id of ids) withLane(state, "merge-queued", {}, id);
  const policy: Policy = { maxRuns: 8, check: "make", requireCheck: false, ...over };
  return { state, flaws, policy, runs: new Map(), values: [[]], checks: [], going: new Map() };
};

/** Does the check pass on these? */
export const passes = ({ bad = [], clash = [] }: Flaws, value: readonly string[]): boolean =>
  !value.some((id) => bad.includes(id)) && !clash.some((pair) => pair.every((id) => value.includes(id)));

/** Lanes in a commit; a plus stands before those that land as one. */
const has = (commit: string): readonly string[] => commit.split(" ").filter((id) => id !== "" && id !== "+");

const fits = ({ conflict = [] }: Flaws, value: readonly string[], id: string): boolean =>
  !conflict.some((pair) => pair.includes(id) && pair.some((other) => other !== id && value.includes(other)));

const tip = (world: MergeWorld): readonly string[] => world.values.at(-1) ?? [];

/** Plan, and carry out each step. `ends`: does the check of these lanes end now? */
export const turn = (
  world: MergeWorld,
  ends: (value: readonly string[]) => boolean = () => true,
): readonly Action[] => {
  for (const [run, value] of world.going) {
    if (!ends(value)) continue;
    world.going.delete(run);
    const code = passes(world.flaws, value) ? 0 : 1;
    world.runs.set(run, { is: "exited", process, startedAt: now, code, endedAt: now, ranMs: 60_000 });
  }
  const runs = new Map(runsToSee(world.state).map((run) => [run, world.runs.get(run) ?? ({ is: "absent" } as const)]));
  const actions = plan(world.state, { runs, rested: new Set() }, now, world.policy);
  for (const action of actions) act(world, action);
  for (const run of world.going.keys()) if (!runsToSee(world.state).includes(run)) world.going.delete(run);
  return actions;
};

/** Everything to its end; answers whether it came to one. */
export const settle = (world: MergeWorld, turns = 400, ends?: (value: readonly string[]) => boolean): boolean => {
  for (let n = 0; n < turns; n += 1) if (turn(world, ends).length === 0 && world.going.size === 0) return true;
  return false;
};

const act = (world: MergeWorld, action: Action): void => {
  const { state } = world;
  if (action.type === "build") return build(world, action);
  if (!("batch" in action)) return;
  const stack = stacksOf(state, landing).find(({ id }) => id === action.batch);
  if (!stack) return;
  switch (action.type) {
    case "rebuild":
      return say(world, sentBack(stack, action.why));
    case "test":
      world.checks.push(has(stack.commit).join(" "));
      world.going.set(action.run, has(stack.commit));
      world.runs.set(action.run, { is: "alive", process, startedAt: now, ageMs: 0 });
      return;
    case "judge": {
      const passed = isSuccess(action.seen);
      return say(
        world,
        judged(state, stack, { check: "make", passed, again: action.again, how: "exit code 1", ms: 60_000 }),
      );
    }
    case "land": {
      if (has(stack.onto).join(" ") !== tip(world).join(" "))
        return say(world, sentBack(stack, "main moved while it was tested"));
      say(world, landedAs(stack));
      world.values.push(has(stack.commit));
      return;
    }
    case "pass-unchecked":
      throw new Error(`this world has no ${action.type}`);
  }
};

const landing: ReadonlySet<LaneState> = new Set<LaneState>(["merging", "landed-pending"]);

const say = (world: MergeWorld, events: readonly Event[]): void => {
  const { effective, reason } = tell(world.state, events);
  if (!effective) throw new Error(`a fact of the queue is void: ${reason ?? ""}`);
};

const build = (world: MergeWorld, { lanes, on, slot }: Extract<Action, { type: "build" }>): void => {
  const { state, flaws } = world;
  const below = stacksOf(state).find(({ id }) => id === on);
  const onto = below?.commit ?? tip(world).join(" ");
  const ground = { target: "main", check: "make", onto, on, slot };
  const layers: Layer[] = [];
  for (const lane of lanes.map((id): Lane => laneOf(state, id))) {
    const { id } = lane;
    const base = layers.at(-1)?.commit ?? onto;
    if (!fits(flaws, tip(world), id))
      say(world, [
        startedAs(ground, lane, { head: id, commit: "" }),
        { type: "merge.conflicted", key: id, why: "", paths: [id] },
      ]);
    else if (fits(flaws, has(base), id)) {
      const commit = [...has(base), id].join(" ");
      layers.push({ lane, head: id, commit, tree: has(commit).toSorted().join(" ") });
    } else
      say(world, [{ type: "merge.put-off", key: id, behind: layers.at(-1)?.lane.id ?? below?.lead ?? "", why: "" }]);
  }
  const [first, ...others] = layers;
  const { commit: top = "", tree = "" } = layers.at(-1) ?? {};
  const whole = { commit: others.length === 0 ? top : `+ ${top}`, tree };
  if (first) say(world, begun(state, ground, [first, ...others], whole));
};

/** Somebody else commits to the target. */
export const moveTarget = (world: MergeWorld, what: string): void => {
  world.values.push([...tip(world), what]);
};

/** The lanes in a state, in the order of addition. */
export const lanesIn = ({ state }: MergeWorld, is: LaneState): readonly string[] =>
  [...state.lanes.values()].filter((lane) => lane.state === is).map(({ id }) => id);
