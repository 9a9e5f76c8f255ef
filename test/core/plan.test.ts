import { describe, expect, test } from "vitest";

import type { Event } from "../../src/core/event.ts";
import type { RunSeen } from "../../src/core/observed.ts";
import { needsEngine, plan, type Policy, runsToSee } from "../../src/core/plan.ts";
import { checkRunOf, checkRunsMax } from "../../src/core/queue.ts";
import { emptyState, type State } from "../../src/core/state.ts";
import { force, frozenLane, laneIn, limits, now, process, reachable, tell, withLane, laneOf } from "./build.ts";

const policy: Policy = { maxRuns: 2, check: "make", requireCheck: false };
const steps = (
  state: State,
  runs: Readonly<Record<string, RunSeen>> = {},
  over: Partial<Policy> = {},
  rested: readonly string[] = [],
): string =>
  plan(state, { runs: new Map(Object.entries(runs)), rested: new Set(rested) }, now, { ...policy, ...over })
    .map(({ type, lane }) => `${type} ${lane}`)
    .join(", ") || "nothing";

const alive: RunSeen = { is: "alive", process, startedAt: now, ageMs: 10_000 };
const exited: RunSeen = { is: "exited", process, startedAt: now - 10_000, code: 0, endedAt: now, ranMs: 10_000 };
const gone: RunSeen = { is: "vanished", survivors: [] };
const orphaned: RunSeen = { is: "vanished", startedAt: now, ageMs: 10_000, survivors: [77] };
const absent: RunSeen = { is: "absent" };
const beginning: RunSeen = { is: "starting", ageMs: 5 };

describe("the plan for a run", () => {
  const table: readonly (readonly [RunSeen | undefined, string, string, string])[] = [
    [undefined, "nothing", "nothing", "nothing"],
    [absent, "start a", "lose a", "lose a"],
    [beginning, "nothing", "nothing", "nothing"],
    [alive, "note-start a", "nothing", "note-start a"],
    [exited, "note-start a", "finish a", "note-start a"],
    [gone, "lose a", "lose a", "lose a"],
    [orphaned, "nothing", "nothing", "stop a"],
  ];

  test.each(table)("that looks like %j", (seen, starting, running, stopped) => {
    const runs = seen ? { "a-1": seen } : {};
    expect(steps(laneIn("starting"), runs)).toBe(starting);
    expect(steps(laneIn("running"), runs)).toBe(running);
    const stopping = laneIn("starting");
    tell(stopping, [{ type: "lane.stop-asked", key: "a", then: "pause" }]);
    expect(steps(stopping, runs)).toBe(stopped);
  });

  test("that shall stop is to stop it", () => {
    const state = laneIn("running");
    tell(state, [{ type: "lane.stop-asked", key: "a", then: "pause" }]);
    expect(steps(state, { "a-1": alive })).toBe("stop a");
  });

  test("beyond its time limit is to stop it, even when only its children are left", () => {
    for (const seen of [alive, orphaned]) {
      expect(steps(laneIn("running", { timeoutMs: 10_000 }), { "a-1": seen })).toBe("stop a");
      expect(steps(laneIn("running", { timeoutMs: 10_001 }), { "a-1": seen })).toBe("nothing");
    }
    const nobodyKnows: RunSeen = { is: "vanished", survivors: [77] };
    expect(steps(laneIn("running", { timeoutMs: 1000 }), { "a-1": nobodyKnows })).toBe("nothing");
  });

  test("that shall stand still or go on is to let it, and whom somebody woke stands still again", () => {
    const state = laneIn("running");
    const still: RunSeen = { ...alive, frozen: true };
    expect(steps(state, { "a-1": still })).toBe("nothing");
    for (const [event, step] of [
      [{ type: "lane.freeze-asked", key: "a" }, "freeze a"],
      [{ type: "lane.frozen", key: "a", n: 1 }, "nothing"],
      [{ type: "lane.resume-asked", key: "a" }, "thaw a"],
      [{ type: "lane.freeze-asked", key: "a" }, "freeze a"],
      [{ type: "lane.frozen", key: "a", n: 1 }, "nothing"],
    ] as const) {
      tell(state, [event]);
      for (const seen of [still, orphaned]) expect(steps(state, { "a-1": seen })).toBe(step);
    }
    expect(steps(state, { "a-1": alive })).toBe("freeze a");
    expect([exited, gone, absent].map((seen) => steps(state, { "a-1": seen }))).toEqual([
      "finish a",
      "lose a",
      "lose a",
    ]);
    tell(state, [{ type: "lane.stop-asked", key: "a", then: "cancel" }]);
    expect(steps(state, { "a-1": still })).toBe("stop a");
  });

  test("that stands still uses up none of its time, nor from when it was to", () => {
    const state = laneIn("running", { timeoutMs: 60_000 });
    const at = (ms: number): string =>
      plan(
        state,
        {
          runs: new Map([["a-1", { is: "alive", process, startedAt: 0, ageMs: ms, frozen: true }]]),
          rested: new Set(),
        },
        ms,
        policy,
      )
        .map(({ type }) => type)
        .join();
    const told = (ms: number, event: Event): void => {
      expect(tell(state, [event], { at: ms }).effective).toBe(true);
    };
    expect([at(59_999), at(60_000)]).toEqual(["", "stop"]);
    told(50_000, { type: "lane.freeze-asked", key: "a" });
    expect(at(500_000)).toBe("freeze");
    told(500_000, { type: "lane.frozen", key: "a", n: 1 });
    expect(at(900_000)).toBe("");
    told(900_000, { type: "lane.thawed", key: "a", n: 1, why: "" });
    expect([at(909_999), at(910_000)]).toEqual(["", "stop"]);
  });

  test("that a person waits for goes on while it waits", () => {
    const state = laneIn("running");
    tell(state, [{ type: "lane.waiting", key: "a", why: "asks", paths: [] }]);
    expect(steps(state, { "a-1": exited })).toBe("finish a");
  });
});

describe("the plan for a lane", () => {
  test("that is queued is to take it, when the schedule allows", () => {
    expect(steps(laneIn("queued"))).toBe("take a");
    expect(steps(laneIn("queued"), {}, { maxRuns: 0 })).toBe("nothing");
  });

  test("in which a person works is to open it", () => {
    const state = laneIn("starting", { agent: "manual" });
    expect(steps(state, { "a-1": absent })).toBe("start a");
    force(state, "a", { run: undefined });
    expect(plan(state, { runs: new Map(), rested: new Set() }, now, policy)).toEqual([
      { type: "start", lane: "a", n: 1 },
    ]);
  });

  test("that failed is to queue it when its time has come", () => {
    expect(steps(force(laneIn("failed"), "a", { retryAt: now }), {}, {}, ["a"])).toBe("requeue a");
    expect(steps(force(laneIn("failed"), "a", { retryAt: now }))).toBe("nothing");
    expect(steps(laneIn("failed"), {}, {}, ["a"])).toBe("nothing");
    expect(steps(laneIn("failed"))).toBe("nothing");
  });

  test("whose worktree shall go is to remove it", () => {
    const state = laneIn("merged");
    tell(state, [{ type: "worktree.removal-asked", key: "a" }]);
    expect(steps(state)).toBe("remove a");
  });

  test("that shall come back is to restore it, as the one that was named", () => {
    const state = laneIn("cancelled");
    expect(steps(force(state, "a", { restoring: { cause: "c1" } }))).toBe("restore a");
    const named = force(laneIn("cancelled"), "a", { restoring: { n: 2, cause: "c1" } });
    expect(
      plan(named, { runs: new Map(), rested: new Set() }, now, { ...limits, check: undefined, requireCheck: false }),
    ).toEqual([{ type: "restore", lane: "a", n: 2 }]);
  });

  test("that is a probe's is to land its report by itself, unless a check is required and there is none", () => {
    const probe = { kind: "probe" } as const;
    expect(steps(laneIn("ready", probe))).toBe("ask-merge a");
    const none = { check: undefined, requireCheck: true };
    expect(steps(laneIn("ready", probe), {}, none)).toBe("nothing");
    expect(steps(laneIn("ready", { ...probe, check: "make" }), {}, none)).toBe("ask-merge a");
    expect(steps(laneIn("ready"))).toBe("nothing");
  });

  test("that is a probe's and was taken out of the queue again is to leave it to a person", () => {
    const state = laneIn("merge-queued", { kind: "probe" });
    tell(state, [{ type: "merge.withdrawn", key: "a", why: "taken out of the merge queue" }]);
    expect(steps(state)).toBe("nothing");
    expect(needsEngine(state, now, limits)).toBe(false);
    expect(needsEngine(laneIn("paused", { kind: "probe" }), now, limits)).toBe(false);
  });
});

describe("the plan for a merge", () => {
  const run = (k: number): string => checkRunOf("a", laneOf(laneIn("merging"), "a").merge?.gate?.built ?? 0, k);

  test("is to build the next one", () => {
    expect(steps(withLane(laneIn("merge-queued"), "merge-queued"))).toBe("build a");
  });

  test("is to send it back when a check is required and there is none", () => {
    expect(steps(laneIn("merge-queued"), {}, { check: undefined, requireCheck: true })).toBe("refuse-unchecked a");
    expect(steps(laneIn("merge-queued"), {}, { check: undefined })).toBe("build a");
  });

  test("without a check is to let it pass", () => {
    const state = laneIn("merge-queued");
    tell(state, [{ type: "merge.started", key: "a", target: "main", onto: "o", head: "h", candidate: "c" }]);
    expect([steps(state), runsToSee(state)]).toEqual(["pass-unchecked a", []]);
  });

  test("is to run the check that was decided when it was built, whatever the configuration says now", () => {
    expect(steps(laneIn("merging"), { [run(1)]: absent }, { check: undefined })).toBe("test a");
  });

  test("with a check is to run it, wait for it and judge it", () => {
    const state = laneIn("merging");
    expect(steps(state)).toBe("nothing");
    expect(steps(state, { [run(1)]: absent })).toBe("test a");
    expect(steps(state, { [run(1)]: beginning })).toBe("nothing");
    expect(steps(state, { [run(1)]: alive })).toBe("nothing");
    expect(steps(state, { [run(1)]: exited })).toBe("judge a");
  });

  test("is to run a check again that vanished, but not for ever", () => {
    const state = laneIn("merging");
    const runs: Record<string, RunSeen> = { [run(1)]: gone, [run(2)]: absent };
    expect(plan(state, { runs: new Map(Object.entries(runs)), rested: new Set() }, now, policy)).toEqual([
      { type: "test", lane: "a", batch: 8, run: run(2), check: "make" },
    ]);
    expect(steps(state, { [run(1)]: gone, [run(2)]: gone, [run(3)]: absent })).toBe("test a");
    for (const last of [beginning, alive])
      expect(steps(state, { [run(1)]: gone, [run(2)]: gone, [run(3)]: last })).toBe("nothing");
    const all = Object.fromEntries(Array.from({ length: checkRunsMax }, (_, k) => [run(k + 1), gone]));
    expect(steps(state, all)).toBe("judge a");
  });

  test("with a check that takes too long is to end it, by the time limit of the moment", () => {
    const state = laneIn("merging");
    const old: RunSeen = { is: "alive", process, startedAt: now, ageMs: 1_800_000 };
    expect(steps(state, { [run(1)]: old })).toBe("end-check a");
    expect(steps(state, { [run(1)]: old }, { checkTimeoutMs: 1_800_001 })).toBe("nothing");
  });

  test("with a check that failed is to run it once more, and to judge it then", () => {
    const state = laneIn("merging");
    const failed: RunSeen = { is: "exited", process, startedAt: now, code: 1, endedAt: now, ranMs: 5 };
    expect(steps(state, { [run(1)]: failed, [run(2)]: absent })).toBe("test a");
    expect(steps(state, { [run(1)]: failed, [run(2)]: failed })).toBe("judge a");
  });

  test("of a batch that lost a lane, or stands on nothing, is to build it anew", () => {
    const state = withLane(laneIn("merge-queued"), "merge-queued");
    const batch = { place: 0, size: 2, lead: "a", commit: "c", tree: "t", slot: 0 };
    const started = { type: "merge.started", key: "a", target: "main", onto: "o", head: "h", candidate: "c" } as const;
    tell(state, [{ ...started, batch }]);
    expect(steps(state)).toBe("rebuild a");
    tell(state, [
      { type: "merge.held", key: "a", why: "in the way", paths: [] },
      { ...started, key: "b", batch: { ...batch, size: 1, lead: "b", on: 3 } },
    ]);
    expect(steps(state)).toBe("rebuild b, rebuild a");
  });

  test("that was tested, or is held up, is to land it", () => {
    const state = laneIn("merging");
    tell(state, [{ type: "merge.tested", key: "a", candidate: "candidate1", result: "passed" }]);
    expect(steps(state)).toBe("land a");
    expect(steps(laneIn("landed-pending"))).toBe("land a");
  });

  test("whose candidate is not known is to leave it alone", () => {
    for (const to of ["merging", "landed-pending"] as const)
      expect(steps(force(laneIn(to), "a", { merge: undefined }))).toBe("nothing");
  });
});

describe("the runs to look at before planning", () => {
  test("are live ones and those of the check that is under way", () => {
    const state = withLane(withLane(laneIn("running"), "merging"), "paused", {}, "c");
    expect(runsToSee(state)).toEqual([
      "a-1",
      ...[1, 2, 3, 4].map((k) => checkRunOf("b", laneOf(state, "b").merge?.gate?.built ?? 0, k)),
    ]);
    tell(state, [{ type: "merge.tested", key: "b", candidate: "candidate1", result: "passed" }]);
    expect(runsToSee(state)).toEqual(["a-1"]);
  });
});

describe("an engine is needed", () => {
  test("while something runs, lands, shall go, is tried again or may start", () => {
    const needed = reachable.filter((to) => needsEngine(laneIn(to), now, limits));
    expect(needed).toEqual(["queued", "starting", "running", "merge-queued", "merging", "landed-pending"]);
    expect(needsEngine(force(laneIn("failed"), "a", { retryAt: now + 1 }), now, limits)).toBe(true);
    expect(needsEngine(force(laneIn("merged"), "a", { removal: "c1" }), now, limits)).toBe(true);
    expect(needsEngine(force(laneIn("cancelled"), "a", { restoring: { cause: "c1" } }), now, limits)).toBe(true);
    expect(needsEngine(laneIn("ready", { kind: "probe" }), now, limits)).toBe(true);
    expect(needsEngine(emptyState(), now, limits)).toBe(false);
  });

  test("by no frozen lane, until somebody wants something of it", () => {
    expect(needsEngine(frozenLane(), now, limits)).toBe(false);
    for (const event of [
      { type: "lane.resume-asked", key: "a" },
      { type: "lane.stop-asked", key: "a", then: "pause" },
    ] as const) {
      const state = frozenLane();
      tell(state, [event]);
      expect(needsEngine(state, now, limits)).toBe(true);
    }
  });
});

test("planning twice gives the same steps, and no lane gets two", () => {
  let state = emptyState();
  for (const [index, to] of reachable.entries()) state = withLane(state, to, {}, `lane${index}`);
  const runs = new Map(runsToSee(state).map((run) => [run, absent] as const));
  const first = plan(state, { runs, rested: new Set() }, now, { ...policy, maxRuns: 99 });
  expect(plan(structuredClone(state), { runs, rested: new Set() }, now, { ...policy, maxRuns: 99 })).toEqual(first);
  expect(new Set(first.map(({ lane }) => lane)).size).toBe(first.length);
});
