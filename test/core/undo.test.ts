import { describe, expect, test } from "vitest";

import { nextBatch } from "../../src/core/batch.ts";
import { decide, isRefusal, stoppable } from "../../src/core/decide.ts";
import type { Event } from "../../src/core/event.ts";
import type { RunSeen } from "../../src/core/observed.ts";
import { needsEngine, plan, runsToSee } from "../../src/core/plan.ts";
import { checkRunOf, checkRunsOf, mergeMessage, strategyOf } from "../../src/core/queue.ts";
import { detailOf } from "../../src/core/select.ts";
import type { State } from "../../src/core/state.ts";
import { landedAfter, landedOn, lastLanded, nextToUndo } from "../../src/core/undo.ts";
import { laneIn, laneOf, limits, now, process, reachable, tell, tellForeign, withLane } from "./build.ts";

const policy = { maxRuns: 2, check: "make", requireCheck: false };
const exited: RunSeen = { is: "exited", process, startedAt: now, code: 0, endedAt: now, ranMs: 1 };
const steps = (state: State, runs: Readonly<Record<string, RunSeen>> = {}): string =>
  plan(state, { runs: new Map(Object.entries(runs)), rested: new Set() }, now, policy)
    .map(({ type, lane }) => `${type} ${lane}`)
    .join(", ") || "nothing";

const asked: Event = { type: "merge.undo-asked", key: "a" };
const started = (over: object = {}): Event => ({
  type: "merge.undo-started",
  key: "a",
  how: "revert",
  onto: "tip",
  candidate: "u1",
  check: "make",
  ...over,
});

/** A merged lane that is to be taken back, after these facts. */
const undoing = (...events: readonly Event[]): State => {
  const state = laneIn("merged");
  for (const event of [asked, ...events]) expect(tell(state, [event])).toMatchObject({ effective: true });
  return state;
};

const detail = (state: State): string => detailOf(state, laneOf(state, "a"), now, limits);

describe("a wish to take a landing back", () => {
  test.each(reachable)("of a lane that is %s", (to) => {
    const answer = decide(laneIn(to), { type: "undo", lanes: ["a"] });
    const expected =
      to === "merged"
        ? { events: [asked] }
        : to === "undone"
          ? { events: [] }
          : { refused: `lane a is ${to}: nothing of it has landed`, code: 4 };
    expect(answer).toMatchObject(expected);
  });

  test("names the check that it is asked with; once asked it is asked", () => {
    expect(decide(laneIn("merged"), { type: "undo", lanes: ["a"], check: "true" })).toMatchObject({
      events: [{ ...asked, check: "true" }],
    });
    expect(decide(undoing(), { type: "undo", lanes: ["a"] })).toMatchObject({ events: [] });
  });

  test("is refused where nothing was landed, and taken again after it was refused", () => {
    const state = laneIn("merged");
    const lane = laneOf(state, "a");
    state.lanes.set("a", { ...lane, landed: lane.landed && { ...lane.landed, before: lane.landed.merge } });
    expect(decide(state, { type: "undo", lanes: ["a"] })).toMatchObject({ code: 4 });
    const refused = undoing({ type: "merge.undo-refused", key: "a", why: "conflict", paths: [], code: 2 });
    expect(decide(refused, { type: "undo", lanes: ["a"] })).toMatchObject({ events: [asked] });
  });

  test("is taken back by a stop", () => {
    const state = undoing(started());
    expect(stoppable(laneOf(state, "a"))).toBe(true);
    const answer = decide(state, { type: "stop", lanes: ["a"] });
    if (isRefusal(answer)) throw new Error(answer.refused);
    tell(state, answer.events);
    expect([detail(state), steps(state)]).toEqual(["candida on main; not taken back: stopped", "nothing"]);
  });
});

describe("the plan for a landing that is to be taken back", () => {
  test("builds it when nobody is being merged, and lets nobody begin meanwhile", () => {
    const state = withLane(undoing(), "merge-queued");
    expect([steps(state), nextBatch(state, policy)]).toEqual(["undo-build a", undefined]);
    expect(detail(state)).toBe("candida on main; is next to be taken back");
    const merging = withLane(undoing(), "merging");
    expect(steps(merging)).toBe("nothing");
  });

  test("checks it, judges the check, and moves the target", () => {
    const state = undoing(started());
    const run = checkRunOf("a", state.position, 1);
    expect([runsToSee(state)[0], checkRunsOf(laneOf(state, "a"))[0]]).toEqual([run, run]);
    expect(needsEngine(state, now, limits)).toBe(true);
    expect(detail(state)).toBe("candida on main; the target without it is being checked");
    expect([steps(state), steps(state, { [run]: { is: "absent" } }), steps(state, { [run]: exited })]).toEqual([
      "nothing",
      "undo-test a",
      "undo-judge a",
    ]);
    expect(steps(state, { [run]: { is: "alive", process, startedAt: now, ageMs: 1_800_000 } })).toBe("end-check a");
    tell(state, [{ type: "merge.undo-tested", key: "a", candidate: "u1" }]);
    expect([runsToSee(state), steps(state), detail(state)]).toEqual([
      [],
      "undo-land a",
      "candida on main; is being taken back",
    ]);
  });

  test("moves the target without a check where there is none, again and again while something is in the way", () => {
    const { check: _, ...unchecked } = started() as Extract<Event, { type: "merge.undo-started" }>;
    const state = withLane(undoing(unchecked), "merge-queued");
    expect(steps(state)).toBe("undo-land a");
    tell(state, [{ type: "merge.undo-held", key: "a", why: "your edits", paths: ["x"] }]);
    expect([steps(state), detail(state)]).toEqual([
      "undo-land a, build b",
      "candida on main; is to be taken back; your edits",
    ]);
    tell(state, [{ type: "merge.undo-requeued", key: "a", why: "moved" }]);
    expect(steps(state)).toBe("undo-build a");
  });

  test("waits for a worktree that is being removed", () => {
    const state = undoing();
    tell(state, [{ type: "worktree.removal-asked", key: "a" }]);
    expect(steps(state)).toBe("remove a");
  });

  test("takes the oldest request first, and of one request the newest landing", () => {
    const state = withLane(laneIn("merged"), "merged");
    tell(state, [asked, { type: "merge.undo-asked", key: "b" }]);
    expect(nextToUndo(state)?.id).toBe("b");
    const other = withLane(undoing(), "merged");
    tell(other, [{ type: "merge.undo-asked", key: "b" }]);
    expect(nextToUndo(other)?.id).toBe("a");
  });
});

describe("a fact about it", () => {
  const foreign = (event: object): string | undefined => {
    const state = laneIn("merged");
    return tellForeign(state, { v: 1, id: "x", at: now, by: "human", on: "box", events: [event] }).reason;
  };

  test.each<[object, string]>([
    [{ ...asked, check: 5 }, "its check is no text"],
    [{ ...asked, key: "b" }, 'no lane "b"'],
    [started(), "lane a is not being taken back"],
    [started({ how: 5 }), "cannot be taken back by 5"],
    [{ type: "merge.undone", key: "a", commit: "c", how: "back" }, "lane a is not being taken back"],
    [{ type: "merge.undo-tested", key: "a", candidate: "c" }, "lane a is not being taken back"],
  ])("%j is void", (event, reason) => {
    expect(foreign(event)).toContain(reason);
  });

  test("is void of a lane that has not landed, is asked already, was refused, or has another candidate", () => {
    expect(tell(laneIn("ready"), [asked]).reason).toContain("nothing of lane a has landed");
    expect(tell(undoing(), [asked]).reason).toContain("lane a is being taken back");
    const refused = undoing({ type: "merge.undo-refused", key: "a", why: "no", paths: [], code: 4 });
    expect(tell(refused, [started()]).reason).toContain("lane a is not being taken back");
    expect(tell(refused, [{ type: "merge.undone", key: "a", commit: "c", how: "back" }]).reason).toContain("not being");
    expect(tell(undoing(started()), [{ type: "merge.undo-tested", key: "a", candidate: "u0" }]).reason).toContain(
      "another candidate",
    );
  });

  test("ends it: what was there is kept until it lands again", () => {
    const state = undoing(started(), { type: "merge.undone", key: "a", commit: "u1", how: "revert" });
    expect(laneOf(state, "a")).toMatchObject({
      state: "undone",
      landed: undefined,
      undoing: undefined,
      undone: { merge: "candidate1", before: "onto1", since: "onto1", head: "head1", commit: "u1", how: "revert" },
    });
    expect(detail(state)).toBe("taken off main by u1");
    expect(detail(laneIn("undone"))).toBe("main is at onto1 again");
    tell(state, [{ type: "merge.asked", key: "a" }]);
    expect(mergeMessage(laneOf(state, "a"))).toContain("This brings back what was taken back in u1.");
    tell(state, [
      { type: "merge.started", key: "a", target: "main", onto: "u2", head: "head1", candidate: "c2", since: "onto1" },
    ]);
    tell(state, [
      { type: "merge.landed", key: "a", merge: "c2", target: "main", before: "u2", head: "head1", tested: "passed" },
    ]);
    expect(laneOf(state, "a")).toMatchObject({ undone: undefined, landed: { before: "u2", since: "onto1" } });
    tell(state, [asked]);
    tell(state, [{ type: "merge.undone", key: "a", commit: "u3", how: "back" }]);
    expect(laneOf(state, "a").undone).toMatchObject({ before: "u2", since: "onto1" });
  });
});

describe("what builds on a landing", () => {
  const state = withLane(
    withLane(withLane(laneIn("merged"), "merged"), "merged", { dependsOn: ["b"] }, "c"),
    "ready",
    { dependsOn: ["a"] },
    "d",
  );
  const ids = (lanes: readonly { readonly id: string }[]): readonly string[] => lanes.map(({ id }) => id);

  test("is what landed later on the same branch, and what depends on it and has landed", () => {
    expect([ids(landedAfter(state, laneOf(state, "a"))), ids(landedAfter(state, laneOf(state, "d")))]).toEqual([
      ["b", "c"],
      [],
    ]);
    expect([ids(landedOn(state, laneOf(state, "b"))), ids(landedOn(state, laneOf(state, "a")))]).toEqual([["c"], []]);
  });

  test("is nothing on the last landing", () => {
    // All three have the same merge in this test: a batch.
    expect(ids(lastLanded(state))).toEqual(["a", "b", "c"]);
    expect(lastLanded(laneIn("ready"))).toEqual([]);
  });
});

describe("a strategy", () => {
  test("is of the request, of the lane, or as configured", () => {
    const state = laneIn("ready", { strategy: "rebase" });
    expect([strategyOf(laneOf(state, "a"), "squash"), strategyOf(laneOf(laneIn("ready"), "a"), "squash")]).toEqual([
      "rebase",
      "squash",
    ]);
    expect(strategyOf(laneOf(laneIn("ready"), "a"), undefined)).toBe("merge");
    tell(state, [{ type: "merge.asked", key: "a", strategy: "squash" }]);
    expect(strategyOf(laneOf(state, "a"), undefined)).toBe("squash");
    expect(mergeMessage(laneOf(state, "a"), "squash")).toContain("Lane a");
  });

  test("that nobody knows makes a request void", () => {
    const event = { type: "merge.asked", key: "a", strategy: "sideways" };
    const { reason } = tellForeign(laneIn("ready"), {
      v: 1,
      id: "x",
      at: now,
      by: "human",
      on: "box",
      events: [event],
    });
    expect(reason).toContain('cannot land by "sideways"');
  });

  test("asked for while the lane is in the queue begins anew, unless it is the same", () => {
    const state = laneIn("ready");
    tell(state, [{ type: "merge.asked", key: "a", strategy: "squash" }]);
    const asking = (strategy: "squash" | "rebase"): object =>
      decide(state, { type: "merge", lanes: ["a"], evidence: new Map(), strategy });
    expect(asking("squash")).toMatchObject({ events: [] });
    expect(asking("rebase")).toMatchObject({
      events: [
        { type: "merge.withdrawn", why: "another strategy was asked for" },
        { type: "merge.asked", strategy: "rebase" },
      ],
    });
  });

  test.each([
    ["squash", "squash"],
    ["rebase", "rebase"],
    ["merge", undefined],
  ] as const)("is kept of what landed (%s)", (strategy, kept) => {
    const state = laneIn("merging");
    tell(state, [
      {
        type: "merge.landed",
        key: "a",
        merge: "m",
        target: "main",
        before: "o",
        head: "h",
        tested: "passed",
        strategy,
      },
    ]);
    expect(laneOf(state, "a").landed?.strategy).toBe(kept);
  });
});
