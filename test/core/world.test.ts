import fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { Command } from "../../src/core/command.ts";
import { decide, isRefusal } from "../../src/core/decide.ts";
import { runOf } from "../../src/core/id.ts";
import { claimsOf, collide, deadlockIn } from "../../src/core/lease.ts";
import { plan } from "../../src/core/plan.ts";
import { isFrozen, isGoing, isHeld, isLive, isManual, startable, unmetDependencies } from "../../src/core/schedule.ts";
import { type LaneState, laneStates, mayMove, type State } from "../../src/core/state.ts";
import { added, laneOf, now, tell } from "./build.ts";
import { arbitrarySpec, arbitraryStory, ids } from "./story.ts";
import { end, happen, live, round, type Step, type World, worldOf } from "./world.ts";

const policy = { maxRuns: 2, check: "make", requireCheck: false };

/** Live through a story; `look` is called after everything that happens. */
const liveThrough = (look: (world: World) => void, numRuns = 150): void => {
  fc.assert(
    fc.property(arbitraryStory, (story) => {
      const world = worldOf(now, policy);
      for (const happening of story) {
        happen(world, happening);
        look(world);
      }
    }),
    { numRuns },
  );
};

/** States that a lane can be in after at most so many moves. */
const within = (from: LaneState, moves: number): ReadonlySet<LaneState> => {
  let reached = new Set<LaneState>([from]);
  for (let n = 0; n < moves; n += 1)
    reached = new Set([...reached, ...laneStates.filter((to) => [...reached].some((one) => mayMove(one, to)))]);
  return reached;
};

/** Lanes that left the table in a step, or whose run began before the one before had ended. */
const faultsOf = ({ before, after, events }: Step): readonly string[] =>
  [...after.lanes].flatMap(([id, lane]) => {
    const old = before.lanes.get(id);
    if (!old) return [];
    const isNew = events.some((event) => event.type === "lane.added" && event.key === id);
    const left = isNew || within(old.state, events.length + 1).has(lane.state) ? [] : [`${old.state} → ${lane.state}`];
    const [n, next] = [old.run?.n ?? 0, lane.run?.n ?? 0];
    return next === n || (next === n + 1 && !isLive(old)) ? left : [...left, `run ${next} of ${id} after ${n}`];
  });

describe("whatever people wish and the world does", () => {
  test("every fact that was decided or planned takes effect", () => {
    liveThrough((world) => {
      for (const { what, outcome } of world.steps.splice(0))
        expect({ what, ...outcome }).toMatchObject({ effective: true });
    });
  });

  test("lanes move along the table, and each run begins after the one before has ended", () => {
    liveThrough((world) => {
      expect(world.steps.splice(0).flatMap(faultsOf)).toEqual([]);
    });
  });

  test("no lane has two processes, no more run than there are slots and people resumed, and only where a run is known", () => {
    liveThrough((world) => {
      const running = live(world).filter((run) => !run.startsWith("check-"));
      const lanes = running.map((run) => run.slice(0, run.lastIndexOf("-")));
      expect(new Set(lanes).size).toBe(lanes.length);
      const going = lanes.map((id) => laneOf(world.state, id)).filter((lane) => !isFrozen(lane));
      const resumed = going.filter(({ run }) => run?.frozenMs !== undefined).length;
      expect(going.length).toBeLessThanOrEqual(policy.maxRuns + resumed);
      for (const run of running) {
        const lane = laneOf(world.state, run.slice(0, run.lastIndexOf("-")));
        expect([runOf(lane.id, lane.run?.n ?? 0), isLive(lane)]).toEqual([run, true]);
      }
    });
  });

  test("a wish to freeze or to resume is carried out, or gone with its run, as soon as the engine gets to it", () => {
    liveThrough((world) => {
      // What a person has to be waited for stays; everything else comes to rest when no dice are thrown.
      const rounds = {
        ...world,
        state: { ...world.state, lanes: new Map(world.state.lanes) },
        runs: new Map(world.runs),
      };
      for (let n = 0; n < 4; n += 1) round(rounds, [0]);
      for (const lane of rounds.state.lanes.values()) {
        const seen = rounds.runs.get(runOf(lane.id, lane.run?.n ?? 0));
        expect([lane.pausing, isHeld(lane)]).toEqual([undefined, isFrozen(lane)]);
        const isStill = isLive(lane) && seen?.is === "alive" ? (seen.frozen ?? false) : isFrozen(lane);
        expect(isStill).toBe(isFrozen(lane));
      }
    }, 60);
  });

  test("no two lanes hold what keeps each other out, whoever starts has its paths, and nobody waits for ever", () => {
    liveThrough((world) => {
      const claims = claimsOf(world.state);
      const held = claims.filter(({ token }) => token !== undefined);
      for (const [index, claim] of held.entries())
        for (const other of held.slice(index + 1)) expect([claim, other, collide(claim, other)]).toContain(false);
      const rounds = {
        ...world,
        state: { ...world.state, lanes: new Map(world.state.lanes) },
        runs: new Map(world.runs),
      };
      for (let n = 0; n < 8; n += 1) round(rounds, [0]);
      expect(deadlockIn(claimsOf(rounds.state))).toBeUndefined();
      for (const { lane } of claimsOf(rounds.state))
        expect(["merged", "cancelled"]).not.toContain(laneOf(rounds.state, lane).state);
    });
  });

  test("a run is live only in states in which one may be", () => {
    const may: ReadonlySet<LaneState> = new Set(["starting", "running", "waiting", "paused"]);
    liveThrough((world) => {
      for (const lane of world.state.lanes.values()) expect(isLive(lane) && !may.has(lane.state)).toBe(false);
    });
  });

  test("what may start has its dependencies, a slot and its turn", () => {
    liveThrough(({ state, clock }) => {
      const chosen = startable(state, clock, policy);
      const lanes = [...state.lanes.values()];
      for (const lane of chosen) expect([lane.state, unmetDependencies(state, lane)]).toEqual(["queued", []]);
      const runs = chosen.filter((lane) => !isManual(lane)).length;
      expect(runs === 0 || runs + lanes.filter(isGoing).length <= policy.maxRuns).toBe(true);
      const active = lanes.filter((lane) => ["starting", "running", "waiting"].includes(lane.state) || isFrozen(lane));
      const alone = chosen.filter((lane) => !lane.spec.parallel).length;
      expect(alone).toBeLessThanOrEqual(active.some((lane) => !lane.spec.parallel) ? 0 : 1);
    });
  });

  test("a plan has one step for a lane, and the same one when it is made again", () => {
    liveThrough(({ state, runs, clock }) => {
      const steps = plan(state, { runs, rested: new Set() }, clock, policy);
      expect(new Set(steps.map(({ lane }) => lane)).size).toBe(steps.length);
      expect(plan(structuredClone(state), { runs, rested: new Set() }, clock, policy)).toEqual(steps);
    });
  });

  test("a wish that came true is not decided twice", () => {
    liveThrough((world) => {
      const seen = { head: "h", ahead: 1, dirty: [] };
      const wishes = [...world.state.lanes.keys()].flatMap((id): readonly Command[] => [
        ...(["launch", "retry", "stop", "cancel", "remove"] as const).map((type) => ({ type, lanes: [id] })),
        { type: "merge", lanes: [id], evidence: new Map([[id, seen]]) },
        { type: "undo", lanes: [id] },
      ]);
      expect(wishes.flatMap((wish) => leftAfter(world.state, wish))).toEqual([]);
    }, 40);
  });
});

/** Decide on a copy of the state, record it, decide again: what is left to do, or why the first decision was void. */
const leftAfter = (state: State, command: Command): readonly unknown[] => {
  const copy: State = { ...structuredClone({ ...state, seen: undefined }), seen: { young: new Set(), old: new Set() } };
  const decision = decide(copy, command);
  if (isRefusal(decision) || decision.events.length === 0) return [];
  const { effective, reason } = tell(copy, decision.events, { if: decision.if });
  if (!effective) return [reason];
  const again = decide(copy, command);
  return isRefusal(again) ? [again] : again.events;
};

describe("nothing starves", () => {
  test("every queued lane whose way is free is started as long as runs end, however many urgent ones come after it", () => {
    const specs = fc.array(arbitrarySpec, { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(specs, fc.integer({ min: 1, max: 2 }), (made, maxRuns) => {
        const world = worldOf(now, { ...policy, maxRuns });
        for (const [index, spec] of made.entries()) {
          const over = {
            ...spec,
            agent: "bob",
            // Work that nobody merges keeps its paths.
            paths: [],
            dependsOn: spec.dependsOn.filter((id) => ids.indexOf(id as "a") < index),
          };
          tell(world.state, [added(ids[index] ?? "a", over), { type: "lane.queued", key: ids[index] ?? "a", why: "" }]);
        }
        for (let turn = 0; turn < 60; turn += 1) {
          world.clock += 120_000;
          const key = `urgent${turn}`;
          const urgent = added(key, { priority: "high", parallel: false });
          tell(world.state, [urgent, { type: "lane.queued", key, why: "" }], { at: world.clock });
          for (let step = 0; step < 3; step += 1) round(world, [0]);
          for (const run of live(world)) end(world, run, 0);
          round(world, [0]);
        }
        for (const id of ids.slice(0, made.length)) expect(laneOf(world.state, id).run?.n).toBe(1);
      }),
      { numRuns: 25 },
    );
  });

  test("with nothing in the way everything lands, and then the engine has nothing to do", () => {
    fc.assert(
      fc.property(fc.array(arbitrarySpec, { minLength: 1, maxLength: 5 }), (made) => {
        const world = worldOf(now, policy);
        for (const [index, spec] of made.entries()) {
          const over = {
            ...spec,
            agent: "bob",
            dependsOn: spec.dependsOn.filter((id) => ids.indexOf(id as "a") < index),
          };
          tell(world.state, [added(ids[index] ?? "a", over), { type: "lane.queued", key: ids[index] ?? "a", why: "" }]);
        }
        const lanes = ids.slice(0, made.length);
        for (let turn = 0; turn < 60; turn += 1) {
          round(world, [0]);
          for (const run of live(world)) end(world, run, 0);
          const ready = lanes.filter((id) => laneOf(world.state, id).state === "ready");
          happen(world, { type: "wish", command: { type: "merge", lanes: ready, evidence: new Map() } });
        }
        for (const id of lanes) expect(laneOf(world.state, id).state).toBe("merged");
        expect(round(world, [0])).toEqual([]);
      }),
      { numRuns: 25 },
    );
  });
});
