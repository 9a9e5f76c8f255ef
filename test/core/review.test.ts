import { describe, expect, test } from "vitest";

import { capability, whyNot } from "../../src/core/catalog.ts";
import { decide } from "../../src/core/decide.ts";
import { checkOf, mayLand, mergeMessage } from "../../src/core/queue.ts";
import { detailOf, nextStep } from "../../src/core/select.ts";
import type { Event } from "../../src/core/event.ts";
import type { State } from "../../src/core/state.ts";
import { force, frozenLane, laneIn, laneOf, limits, now, reachable, tell } from "./build.ts";

const detail = (state: State): string => detailOf(state, laneOf(state, "a"), now, limits);
const next = (state: State): string => nextStep(state, laneOf(state, "a"));

describe("an approval", () => {
  const heads = new Map([["a", "head1"]]);

  test.each(reachable)("of a lane that is %s", (to) => {
    const answer = decide(laneIn(to), { type: "approve", lanes: ["a"], heads });
    const isOver = to === "merged" || to === "cancelled";
    expect(answer).toMatchObject(
      isOver
        ? { refused: `lane a is ${to}`, code: 4 }
        : { events: [{ type: "lane.approved", key: "a", head: "head1" }] },
    );
  });

  test("needs a branch, and is given once", () => {
    expect(decide(laneIn("ready"), { type: "approve", lanes: ["a"], heads: new Map() })).toMatchObject({ code: 4 });
    const state = laneIn("ready");
    tell(state, [{ type: "lane.approved", key: "a", head: "head1" }]);
    expect(decide(state, { type: "approve", lanes: ["a"], heads })).toMatchObject({ events: [] });
    const row = capability("approve");
    expect(row && whyNot(state, row, "a")).toBeUndefined();
  });

  test("is of what the person looked at", () => {
    const about = (seen: string): unknown =>
      decide(laneIn("ready"), { type: "approve", lanes: ["a"], heads: new Map([["a", "0123456789"]]), seen });
    expect(about("0123")).toMatchObject({ events: [{ head: "0123456789" }] });
    expect(about("9876543210")).toMatchObject({ refused: "lane a is at 0123456 now, not at 9876543", code: 4 });
  });

  test("is told of a ready lane, and that one is missing", () => {
    const state = laneIn("ready", { review: "required" });
    expect([detail(state), next(state)]).toEqual([
      "waits for a person's approval",
      expect.stringContaining("lanes approve a"),
    ]);
    tell(state, [{ type: "lane.approved", key: "a", head: "0123456789" }]);
    expect([detail(state), next(state)]).toEqual(["approved at 0123456", "lanes merge a"]);
    tell(state, [{ type: "merge.asked", key: "a" }]);
    const why =
      "waits for a person's approval of 9876543, which has new commits since 0123456 was approved: lanes approve a";
    tell(state, [{ type: "merge.withdrawn", key: "a", why }]);
    expect(detail(state)).toBe(why);
    tell(state, [{ type: "lane.approved", key: "a", head: "9876543210" }]);
    expect(detail(state)).toBe("approved at 9876543");
    expect(detail(laneIn("ready"))).toBe("");
  });
});

describe("a lane that is handed back", () => {
  const about = (state: State, note?: string): unknown =>
    decide(state, { type: "handoff", lanes: ["a"], ...(note === undefined ? {} : { note }) });

  test("is queued with the note, or with what was wrong", () => {
    expect(about(laneIn("conflicted"), "keep both")).toMatchObject({
      events: [{ type: "lane.queued", why: "handed back", note: "keep both" }],
    });
    const noteOf = (state: State): unknown => (about(state) as { events: readonly { note: string }[] }).events[0]?.note;
    expect(noteOf(laneIn("conflicted"))).toMatch(
      /^Your work does not merge with main \(2 files do not merge\): a\.txt, b\.txt\./,
    );
    expect(noteOf(laneIn("checks-failed"))).toBe("Your work did not land: exit code 1. Mend it and commit.");
    expect(noteOf(laneIn("ready"))).toBe("Look at your work once more.");
    const state = laneIn("conflicted");
    tell(state, [{ type: "lane.queued", key: "a", why: "", note: "x" }]);
    expect(laneOf(state, "a").note).toBe("x");
  });

  test("tells its note until a run that was told it has ended well", () => {
    const again = (state: State): unknown => {
      const answer = decide(state, { type: "retry", lanes: ["a"] });
      if ("events" in answer) tell(state, answer.events);
      return laneOf(state, "a").note;
    };
    for (const to of ["failed", "ready", "conflicted", "checks-failed"] as const) {
      const state = force(laneIn(to), "a", { note: "keep both" });
      expect([to, again(state)]).toEqual([to, to === "failed" ? "keep both" : undefined]);
      expect(laneOf(state, "a").state).toBe("queued");
    }
  });

  test("is not, where nobody would take it", () => {
    expect(about(laneIn("conflicted", { agent: "manual" }))).toMatchObject({ code: 4 });
    expect(about(laneIn("planned"))).toMatchObject({ code: 4 });
    expect(about(laneIn("queued"))).toMatchObject({ events: [] });
    // A frozen agent is ended first.
    expect(about(frozenLane())).toMatchObject({ events: [{ type: "lane.stop-asked", then: "queue" }] });
    const standing = laneIn("conflicted");
    tell(standing, [{ type: "merge.resolving", key: "a", target: "main", onto: "o", saved: "s" }]);
    expect(about(standing)).toMatchObject({ refused: expect.stringContaining("stands in lane a") as string });
    const undone = laneIn("undone");
    tell(undone, [{ type: "merge.asked", key: "a" }]);
    tell(undone, [
      { type: "merge.started", key: "a", target: "main", onto: "o", head: "h", candidate: "" },
      { type: "merge.conflicted", key: "a", why: "1 file", paths: ["x"] },
    ]);
    expect(about(undone)).toMatchObject({ hint: expect.stringContaining("lanes resolve a") as string });
  });
});

describe("a conflict in the lane's worktree", () => {
  const put = { type: "resolve", lane: "a", target: "main", onto: "o", saved: "s" } as const;
  const { onto: _, ...dropped } = put;

  test("is noted once, and once that it is gone", () => {
    const state = laneIn("conflicted");
    expect(next(state)).toBe("lanes resolve a, or lanes handoff a gives it back to its agent");
    expect(next(laneIn("conflicted", { agent: "manual" }))).toBe("lanes resolve a");
    expect(decide(state, dropped)).toMatchObject({ events: [] });
    expect(decide(state, put)).toMatchObject({ events: [{ type: "merge.resolving", onto: "o" }] });
    tell(state, [{ type: "merge.resolving", key: "a", target: "main", onto: "o", saved: "s" }]);
    expect(decide(state, put)).toMatchObject({ events: [] });
    expect(detail(state)).toBe("its conflict with main stands in .worktrees/a: a.txt, b.txt");
    expect(next(state)).toContain("lanes resolve a --abort");
    expect(decide(state, dropped)).toMatchObject({ events: [{ type: "merge.resolve-dropped" }] });
    tell(state, [{ type: "merge.asked", key: "a" }]);
    expect(laneOf(state, "a").resolving).toBeUndefined();
    expect(decide(state, put)).toMatchObject({ code: 4 });
  });
});

describe("an override", () => {
  test("needs no check, names its reason in the commit, and in what landed", () => {
    const state = laneIn("ready", { check: "make" });
    tell(state, [{ type: "merge.asked", key: "a", override: "now\nor never" }]);
    const lane = laneOf(state, "a");
    expect([checkOf(lane, "make"), mayLand(lane, { check: "make", requireCheck: true })]).toEqual([undefined, true]);
    expect(mergeMessage(lane)).toContain("\nLane: a\nOverridden: now\n");
    tell(state, [{ type: "merge.started", key: "a", target: "main", onto: "o", head: "h", candidate: "0123456789" }]);
    tell(state, [{ type: "merge.requeued", key: "a", why: "moved" }]);
    expect(laneOf(state, "a").merge?.override).toBe("now\nor never");
    tell(state, [{ type: "merge.started", key: "a", target: "main", onto: "o", head: "h", candidate: "0123456789" }]);
    tell(state, [
      {
        type: "merge.landed",
        key: "a",
        merge: "0123456789",
        target: "main",
        before: "o",
        head: "h",
        tested: "unchecked",
      },
    ]);
    expect(detail(state)).toBe("0123456 on main, overridden: now\nor never");
  });

  test("of a lane in the queue begins anew", () => {
    const asking = (override: string): unknown =>
      decide(laneIn("merging"), { type: "merge", lanes: ["a"], evidence: new Map(), override });
    expect(asking("now")).toMatchObject({
      events: [
        { type: "merge.requeued", why: "an override was asked for" },
        { type: "merge.withdrawn" },
        { type: "merge.asked", override: "now" },
      ],
    });
    const state = laneIn("ready");
    tell(state, [{ type: "merge.asked", key: "a", override: "now" }]);
    expect(decide(state, { type: "merge", lanes: ["a"], evidence: new Map(), override: "now" })).toMatchObject({
      events: [],
    });
  });
});

describe("a rollback", () => {
  const kept: Event = { type: "lane.rolled-back", key: "a", saved: "refs/lanes/trash/a/1", base: "b" };
  const spoiled = (state: State): true | undefined => laneOf(state, "a").spoiled;

  test("is due after a run that failed, once, and only where the lane wants it", () => {
    const state = laneIn("failed", { rollback: true });
    expect([spoiled(state), spoiled(laneIn("failed"))]).toEqual([true, undefined]);
    tell(state, [{ type: "lane.queued", key: "a", why: "again" }]);
    tell(state, [{ type: "run.asked", key: "a", n: 2, base: "b" }]);
    expect(spoiled(state)).toBe(true);
    tell(state, [kept]);
    expect(spoiled(state)).toBeUndefined();
  });

  test("is not due after a run that stands still, although one failed before", () => {
    const state = laneIn("failed", { rollback: true });
    tell(state, [{ type: "lane.queued", key: "a", why: "again" }]);
    tell(state, [{ type: "run.asked", key: "a", n: 2, base: "b" }]);
    const process = { pid: 1, start: "1", boot: "b" };
    tell(state, [{ type: "run.started", key: "a", n: 2, process, at: 1 }]);
    tell(state, [{ type: "lane.waiting", key: "a", why: "3 files not committed", paths: [] }]);
    expect([laneOf(state, "a").failures, spoiled(state)]).toEqual([1, undefined]);
  });
});
