import { describe, expect, test } from "vitest";

import { strayText } from "../../src/core/id.ts";
import type { Command, Evidence } from "../../src/core/command.ts";
import { decide, isRefusal } from "../../src/core/decide.ts";
import type { State } from "../../src/core/state.ts";
import { emptyState } from "../../src/core/state.ts";
import {
  added,
  force,
  frozenLane,
  idleSpec,
  laneIn,
  now,
  reachable,
  specOf,
  stateOf,
  tell,
  wayTo,
  withLane,
  laneOf,
} from "./build.ts";

/** What a wish leads to, in short: `type key` for each fact, or the refusal with its code and hint. */
const asked = (state: State, command: Command): string => {
  const answer = decide(state, command);
  if (isRefusal(answer)) return `${answer.code}: ${answer.refused} [${answer.hint}]`;
  return answer.events.map((event) => event.type).join(", ") || "nothing to do";
};

const about = (type: "launch" | "retry" | "stop" | "cancel" | "resume" | "remove", ...lanes: string[]): Command => ({
  type,
  lanes,
});
const seen = (over: Partial<Evidence> = {}): Evidence => ({ head: "head1", ahead: 1, dirty: [], ...over });
const merging = (evidence?: Evidence, check?: string): Command => ({
  type: "merge",
  lanes: ["a"],
  evidence: new Map(evidence ? [["a", evidence]] : []),
  ...(check === undefined ? {} : { check }),
});
const adding = (...lanes: (readonly [string, ReturnType<typeof specOf>])[]): Command => ({
  type: "add",
  lanes: lanes.map(([id, spec]) => ({ id, spec })),
});

/** What a wish about lane a leads to in every state that it can be in. */
const inEveryState = (command: Command): string =>
  `\n${reachable.map((to) => `${to} -> ${asked(laneIn(to), command)}`).join("\n")}\n`;

describe("in each state of a lane", () => {
  test("launch means", () => {
    expect(inEveryState(about("launch", "a"))).toMatchInlineSnapshot(`
      "
      planned -> lane.queued
      queued -> nothing to do
      starting -> nothing to do
      running -> nothing to do
      waiting -> 4: lane a is waiting and cannot be launched [lanes retry a]
      paused -> lane.queued
      finished-empty -> 4: lane a is finished-empty and cannot be launched [lanes retry a]
      failed -> 4: lane a is failed and cannot be launched [lanes retry a]
      lost -> 4: lane a is lost and cannot be launched [lanes retry a]
      parked -> 4: lane a is parked and cannot be launched [lanes retry a]
      ready -> 4: lane a is ready and cannot be launched [lanes why a]
      merge-queued -> 4: lane a is merge-queued and cannot be launched [lanes why a]
      merging -> 4: lane a is merging and cannot be launched [lanes why a]
      conflicted -> 4: lane a is conflicted and cannot be launched [lanes retry a]
      checks-failed -> 4: lane a is checks-failed and cannot be launched [lanes retry a]
      landed-pending -> 4: lane a is landed-pending and cannot be launched [lanes why a]
      merged -> 4: lane a is merged and cannot be launched [lanes why a]
      undone -> 4: lane a is undone and cannot be launched [lanes why a]
      cancelled -> 4: lane a is cancelled and cannot be launched [lanes why a]
      "
    `);
  });

  test("launch again means", () => {
    expect(inEveryState({ type: "launch", lanes: ["a"], again: true })).toMatchInlineSnapshot(`
      "
      planned -> lane.queued
      queued -> nothing to do
      starting -> nothing to do
      running -> nothing to do
      waiting -> lane.queued
      paused -> lane.queued
      finished-empty -> lane.queued
      failed -> lane.queued
      lost -> lane.queued
      parked -> lane.queued
      ready -> 4: lane a is ready and cannot be launched [lanes why a]
      merge-queued -> 4: lane a is merge-queued and cannot be launched [lanes why a]
      merging -> 4: lane a is merging and cannot be launched [lanes why a]
      conflicted -> lane.queued
      checks-failed -> lane.queued
      landed-pending -> 4: lane a is landed-pending and cannot be launched [lanes why a]
      merged -> 4: lane a is merged and cannot be launched [lanes why a]
      undone -> 4: lane a is undone and cannot be launched [lanes why a]
      cancelled -> 4: lane a is cancelled and cannot be launched [lanes why a]
      "
    `);
  });

  test("retry means", () => {
    expect(inEveryState(about("retry", "a"))).toMatchInlineSnapshot(`
      "
      planned -> 4: lane a is planned: there is nothing to retry [lanes launch a]
      queued -> nothing to do
      starting -> nothing to do
      running -> nothing to do
      waiting -> lane.queued
      paused -> 4: lane a is paused: there is nothing to retry [lanes launch a]
      finished-empty -> lane.queued
      failed -> lane.queued
      lost -> lane.queued
      parked -> lane.queued
      ready -> lane.queued
      merge-queued -> 4: lane a is merge-queued: there is nothing to retry [lanes why a]
      merging -> 4: lane a is merging: there is nothing to retry [lanes why a]
      conflicted -> lane.queued
      checks-failed -> lane.queued
      landed-pending -> 4: lane a is landed-pending: there is nothing to retry [lanes why a]
      merged -> 4: lane a is merged: there is nothing to retry [lanes why a]
      undone -> 4: lane a is undone: there is nothing to retry [lanes why a]
      cancelled -> 4: lane a is cancelled: there is nothing to retry [lanes why a]
      "
    `);
  });

  test("stop means", () => {
    expect(inEveryState(about("stop", "a"))).toMatchInlineSnapshot(`
      "
      planned -> nothing to do
      queued -> lane.unqueued
      starting -> lane.stop-asked
      running -> lane.stop-asked
      waiting -> nothing to do
      paused -> nothing to do
      finished-empty -> nothing to do
      failed -> nothing to do
      lost -> nothing to do
      parked -> nothing to do
      ready -> nothing to do
      merge-queued -> merge.withdrawn
      merging -> merge.requeued, merge.withdrawn
      conflicted -> nothing to do
      checks-failed -> nothing to do
      landed-pending -> merge.requeued, merge.withdrawn
      merged -> nothing to do
      undone -> nothing to do
      cancelled -> nothing to do
      "
    `);
  });

  test("cancel means", () => {
    expect(inEveryState(about("cancel", "a"))).toMatchInlineSnapshot(`
      "
      planned -> lane.cancelled
      queued -> lane.cancelled
      starting -> lane.stop-asked
      running -> lane.stop-asked
      waiting -> lane.cancelled
      paused -> lane.cancelled
      finished-empty -> lane.cancelled
      failed -> lane.cancelled
      lost -> lane.cancelled
      parked -> lane.cancelled
      ready -> lane.cancelled
      merge-queued -> merge.withdrawn, lane.cancelled
      merging -> merge.requeued, merge.withdrawn, lane.cancelled
      conflicted -> lane.cancelled
      checks-failed -> lane.cancelled
      landed-pending -> merge.requeued, merge.withdrawn, lane.cancelled
      merged -> 4: lane a is merged and cannot be cancelled [its work is on the target already]
      undone -> lane.cancelled
      cancelled -> nothing to do
      "
    `);
  });

  test("merge means, when git shows a commit and a clean tree", () => {
    expect(inEveryState(merging(seen()))).toMatchInlineSnapshot(`
      "
      planned -> 4: lane a is planned and cannot be merged [lanes why a]
      queued -> 4: lane a is queued and cannot be merged [lanes why a]
      starting -> 4: lane a is starting and cannot be merged [wait until its run has ended, or: lanes stop a]
      running -> 4: lane a is running and cannot be merged [wait until its run has ended, or: lanes stop a]
      waiting -> lane.readied, merge.asked
      paused -> 4: lane a is paused and cannot be merged [lanes why a]
      finished-empty -> lane.readied, merge.asked
      failed -> 4: lane a is failed and cannot be merged [lanes why a]
      lost -> 4: lane a is lost and cannot be merged [lanes why a]
      parked -> 4: lane a is parked and cannot be merged [lanes why a]
      ready -> merge.asked
      merge-queued -> nothing to do
      merging -> nothing to do
      conflicted -> merge.asked
      checks-failed -> merge.asked
      landed-pending -> nothing to do
      merged -> nothing to do
      undone -> merge.asked
      cancelled -> 4: lane a is cancelled and cannot be merged [lanes why a]
      "
    `);
  });

  test("remove that keeps what is in it means", () => {
    expect(inEveryState({ type: "remove", lanes: ["a"], save: true })).toMatchInlineSnapshot(`
      "
      planned -> lane.cancelled
      queued -> lane.cancelled
      starting -> 4: an agent runs in lane a [lanes stop a]
      running -> 4: an agent runs in lane a [lanes stop a]
      waiting -> lane.cancelled, worktree.removal-asked
      paused -> lane.cancelled, worktree.removal-asked
      finished-empty -> lane.cancelled, worktree.removal-asked
      failed -> lane.cancelled, worktree.removal-asked
      lost -> lane.cancelled, worktree.removal-asked
      parked -> lane.cancelled, worktree.removal-asked
      ready -> lane.cancelled, worktree.removal-asked
      merge-queued -> merge.withdrawn, lane.cancelled, worktree.removal-asked
      merging -> merge.requeued, merge.withdrawn, lane.cancelled, worktree.removal-asked
      conflicted -> lane.cancelled, worktree.removal-asked
      checks-failed -> lane.cancelled, worktree.removal-asked
      landed-pending -> merge.requeued, merge.withdrawn, lane.cancelled, worktree.removal-asked
      merged -> worktree.removal-asked
      undone -> lane.cancelled, worktree.removal-asked
      cancelled -> nothing to do
      "
    `);
  });

  test("restore means", () => {
    expect(inEveryState({ type: "restore", lane: "a" })).toMatchInlineSnapshot(`
      "
      planned -> 4: lane a is planned [lanes cancel a, then restore it]
      queued -> 4: lane a is queued [lanes cancel a, then restore it]
      starting -> 4: lane a is starting [lanes cancel a, then restore it]
      running -> 4: lane a has a worktree [lanes remove a keeps what is there; then restore it]
      waiting -> 4: lane a has a worktree [lanes remove a keeps what is there; then restore it]
      paused -> 4: lane a has a worktree [lanes remove a keeps what is there; then restore it]
      finished-empty -> 4: lane a has a worktree [lanes remove a keeps what is there; then restore it]
      failed -> 4: lane a has a worktree [lanes remove a keeps what is there; then restore it]
      lost -> 4: lane a has a worktree [lanes remove a keeps what is there; then restore it]
      parked -> 4: lane a has a worktree [lanes remove a keeps what is there; then restore it]
      ready -> 4: lane a has a worktree [lanes remove a keeps what is there; then restore it]
      merge-queued -> 4: lane a has a worktree [lanes remove a keeps what is there; then restore it]
      merging -> 4: lane a has a worktree [lanes remove a keeps what is there; then restore it]
      conflicted -> 4: lane a has a worktree [lanes remove a keeps what is there; then restore it]
      checks-failed -> 4: lane a has a worktree [lanes remove a keeps what is there; then restore it]
      landed-pending -> 4: lane a has a worktree [lanes remove a keeps what is there; then restore it]
      merged -> 4: lane a has a worktree [lanes remove a keeps what is there; then restore it]
      undone -> 4: lane a has a worktree [lanes remove a keeps what is there; then restore it]
      cancelled -> lane.restore-asked
      "
    `);
  });

  test("remove means", () => {
    expect(inEveryState(about("remove", "a"))).toMatchInlineSnapshot(`
      "
      planned -> nothing to do
      queued -> nothing to do
      starting -> nothing to do
      running -> 4: lane a is running: its worktree stays [merge or cancel it first, or: lanes remove a]
      waiting -> 4: lane a is waiting: its worktree stays [merge or cancel it first, or: lanes remove a]
      paused -> 4: lane a is paused: its worktree stays [merge or cancel it first, or: lanes remove a]
      finished-empty -> 4: lane a is finished-empty: its worktree stays [merge or cancel it first, or: lanes remove a]
      failed -> 4: lane a is failed: its worktree stays [merge or cancel it first, or: lanes remove a]
      lost -> 4: lane a is lost: its worktree stays [merge or cancel it first, or: lanes remove a]
      parked -> 4: lane a is parked: its worktree stays [merge or cancel it first, or: lanes remove a]
      ready -> 4: lane a is ready: its worktree stays [merge or cancel it first, or: lanes remove a]
      merge-queued -> 4: lane a is merge-queued: its worktree stays [merge or cancel it first, or: lanes remove a]
      merging -> 4: lane a is merging: its worktree stays [merge or cancel it first, or: lanes remove a]
      conflicted -> 4: lane a is conflicted: its worktree stays [merge or cancel it first, or: lanes remove a]
      checks-failed -> 4: lane a is checks-failed: its worktree stays [merge or cancel it first, or: lanes remove a]
      landed-pending -> 4: lane a is landed-pending: its worktree stays [merge or cancel it first, or: lanes remove a]
      merged -> worktree.removal-asked
      undone -> 4: lane a is undone: its worktree stays [merge or cancel it first, or: lanes remove a]
      cancelled -> nothing to do
      "
    `);
  });
});

describe("a decision", () => {
  test.each(reachable)(
    "about a lane that is %s takes effect when it is recorded, and then there is nothing left",
    (to) => {
      const wishes: Command[] = [
        about("launch", "a"),
        { type: "launch", lanes: ["a"], again: true },
        about("retry", "a"),
        about("stop", "a"),
        { type: "stop-all" },
        about("cancel", "a"),
        about("remove", "a"),
        merging(seen()),
        merging(seen(), "make"),
      ];
      for (const wish of wishes) {
        const state = laneIn(to);
        const answer = decide(state, wish);
        if (isRefusal(answer) || answer.events.length === 0) continue;
        expect(tell(state, answer.events, { if: answer.if })).toMatchObject({ effective: true });
        expect(asked(state, wish)).toBe("nothing to do");
      }
    },
  );

  test("holds only as long as nobody touches its lanes", () => {
    const state = laneIn("planned");
    const answer = decide(state, about("launch", "a"));
    expect(answer).toMatchObject({ if: [{ lane: "a", rev: 2 }] });
    tell(state, [{ type: "lane.cancelled", key: "a", why: "" }]);
    if (isRefusal(answer)) throw new Error("launching was refused");
    expect(tell(state, answer.events, { if: answer.if })).toMatchObject({ effective: false, raced: true });
  });

  test("about several lanes is made for all of them or for none, and for each once", () => {
    const state = withLane(laneIn("planned"), "planned");
    expect(asked(state, about("launch", "a", "b", "a"))).toBe("lane.queued, lane.queued");
    withLane(state, "cancelled", {}, "c");
    expect(asked(state, about("launch", "a", "c"))).toMatch(/^4: lane c is cancelled/);
  });

  test("is refused once a newer lanes has written, and says what to do", () => {
    const state = laneIn("planned");
    tell(state, [], { v: 9 });
    expect(asked(state, about("launch", "a"))).toMatch(/^4: .*newer lanes \[upgrade lanes/);
  });
});

describe("a lane that does not exist", () => {
  test("is answered with the nearest name, some names, or how to add one", () => {
    const state = laneIn("planned");
    expect(asked(state, about("launch", "A"))).toBe('64: no lane "A" [did you mean a?]');
    expect(asked(state, about("stop", "z\u001B[31m"))).toBe(String.raw`64: no lane "z\u{1b}[31m" [lanes: a]`);
    for (const id of ["b", "c", "d", "e", "f"]) withLane(state, "planned", {}, id);
    expect(asked(state, about("stop", "z"))).toBe('64: no lane "z" [lanes: a, b, c, d, e, …]');
    expect(asked(emptyState(), about("stop", "z"))).toBe(
      '64: no lane "z" [there are no lanes yet: lanes add-lane ID JSON]',
    );
  });
});

describe("the repository", () => {
  test("is initialised once for each target", () => {
    const state = emptyState();
    expect(asked(state, { type: "init", target: "main" })).toBe("repo.initialised");
    tell(state, [{ type: "repo.initialised", target: "main" }]);
    expect(asked(state, { type: "init", target: "main" })).toBe("nothing to do");
    expect(asked(state, { type: "init", target: "next" })).toBe("repo.initialised");
  });

  test("enters a phase once", () => {
    expect(asked(emptyState(), { type: "enter", phase: 2 })).toBe("phase.entered");
    expect(asked(emptyState(), { type: "enter", phase: 0 })).toBe("nothing to do");
  });
});

describe("a lane that was kept", () => {
  const removal: Command = { type: "remove", lanes: ["a"], save: true };
  const restoring: Command = { type: "restore", lane: "a" };
  const gone = (): State => {
    const state = laneIn("merged");
    tell(state, [{ type: "worktree.removed", key: "a" }]);
    return state;
  };

  test("is removed once; a removal that leaves work alone becomes one that keeps it, and not the other way", () => {
    const state = laneIn("merged");
    tell(state, [{ type: "worktree.removal-asked", key: "a" }]);
    expect(asked(state, about("remove", "a"))).toBe("nothing to do");
    expect(asked(state, removal)).toBe("worktree.removal-asked");
    tell(state, [{ type: "worktree.removal-asked", key: "a", save: true }]);
    expect(asked(state, removal)).toBe("nothing to do");
    expect(asked(state, about("remove", "a"))).toBe("nothing to do");
    expect(asked(state, restoring)).toBe("75: lane a is being removed [try again in a moment]");
  });

  test("comes back once, as the one that was named", () => {
    const state = gone();
    const answer = decide(state, { ...restoring, n: 2 });
    expect(answer).toMatchObject({ events: [{ type: "lane.restore-asked", key: "a", n: 2 }] });
    tell(state, [{ type: "lane.restore-asked", key: "a" }]);
    expect(asked(state, restoring)).toBe("nothing to do");
    expect(asked(state, removal)).toBe("nothing to do");
  });

  test("keeps its name while it comes back", () => {
    const state = laneIn("planned");
    tell(state, [{ type: "lane.cancelled", key: "a", why: "" }]);
    expect(asked(state, adding(["a", specOf()]))).toBe("lane.added");
    tell(state, [{ type: "lane.restore-asked", key: "a" }]);
    expect(asked(state, adding(["a", specOf()]))).toBe(
      "65: lane a is being brought back [choose another id, or: lanes why a]",
    );
  });

  test("and that the log does not know comes back as one in which a person works", () => {
    const state = emptyState();
    expect(asked(state, { type: "restore", lane: "docs" })).toBe("lane.added, lane.restore-asked");
    expect(asked(state, { type: "restore", lane: "../up" })).toContain('65: "../up" is not an id');
  });
});

describe("adding lanes", () => {
  test("takes effect together with the plan that they come from", () => {
    const state = laneIn("merged");
    const wish: Command = {
      type: "add",
      skipped: 3,
      lanes: [
        { id: "b", spec: specOf({ dependsOn: ["a", "c"] }) },
        { id: "c", spec: specOf() },
      ],
    };
    const answer = decide(state, wish);
    if (isRefusal(answer)) throw new Error(answer.refused);
    expect(answer.events.at(-1)).toEqual({ type: "plan.written", lanes: ["b", "c"], skipped: 3 });
    expect(answer.if).toEqual([
      { lane: "b", rev: 0 },
      { lane: "c", rev: 0 },
    ]);
    expect(tell(state, answer.events, { if: answer.if }).effective).toBe(true);
  });

  test.each([
    ["../up", '65: "../up" is not an id'],
    ["constructor", '65: "constructor" is a reserved word'],
    ["a", "65: lane a exists (planned) [choose another id, or: lanes why a]"],
    ["A", "65: A differs from lane a only in case"],
    [
      "gone",
      "65: lane gone exists (cancelled, with a worktree) [choose another id, or take its worktree away: lanes cleanup, or lanes remove gone, which keeps what is in it]",
    ],
  ])("refuses the id %s", (id, refusal) => {
    const state = withLane(laneIn("planned"), "paused", {}, "gone");
    tell(state, [{ type: "lane.cancelled", key: "gone", why: "" }]);
    expect(asked(state, adding([id, specOf()])).startsWith(refusal)).toBe(true);
  });

  test("refuses two lanes of one name in one wish, even when a cancelled one makes room", () => {
    const state = laneIn("cancelled");
    expect(asked(state, adding(["a", specOf()], ["a", specOf()]))).toBe("65: lane a is named twice [name it once]");
    expect(asked(state, adding(["b", specOf()], ["B", specOf()]))).toMatch(/^65: B differs from lane b only in case/);
  });

  test("puts a new lane in a cancelled one's place", () => {
    const state = laneIn("cancelled");
    const answer = decide(state, adding(["a", specOf()]));
    if (isRefusal(answer)) throw new Error(answer.refused);
    expect(tell(state, answer.events, { if: answer.if }).effective).toBe(true);
  });

  test("refuses a name that the log holds without a lane, rather than guess", () => {
    const state = emptyState();
    state.names.set("a", "a");
    expect(asked(state, adding(["a", specOf()]))).toMatch(/^65: lane a exists \(unknown\)/);
  });

  test("refuses dependencies on nothing and in circles", () => {
    const state = laneIn("planned");
    expect(asked(state, adding(["b", specOf({ dependsOn: ["a", "z\n"] })]))).toBe(
      String.raw`65: dependsOn[1]: lane b depends on "z\u{a}", which does not exist [add that lane first]`,
    );
    expect(asked(state, adding(["b", specOf({ dependsOn: ["c"] })], ["c", specOf({ dependsOn: ["b"] })]))).toBe(
      "65: dependsOn: lanes depend on each other: b → c → b [take one of these dependencies away]",
    );
    expect(asked(state, adding(["b", specOf({ dependsOn: ["b"] })]))).toMatch(/b → b/);
  });

  test("finds a circle that closes through a cancelled lane's successor", () => {
    const state = withLane(laneIn("cancelled"), "planned", { dependsOn: ["a"] });
    expect(asked(state, adding(["a", specOf({ dependsOn: ["b"] })]))).toMatch(/a → b → a/);
  });

  test("is not refused for a circle among lanes that have nothing to do with it", () => {
    const state = stateOf([added("x", { dependsOn: ["y"] }), added("y", { dependsOn: ["x"] })]);
    expect(asked(state, adding(["b", specOf()]))).toBe("lane.added");
  });
});

describe("a lane without a command", () => {
  test("is not launched, nor tried again", () => {
    const state = stateOf([{ type: "lane.added", key: "a", spec: idleSpec() }]);
    expect(asked(state, about("launch", "a"))).toMatch(/^4: lane a names no command and no agent/);
    force(state, "a", { state: "failed" });
    expect(asked(state, about("retry", "a"))).toMatch(/^4: lane a names no command and no agent/);
  });

  test("but with an agent is launched", () => {
    const state = stateOf([{ type: "lane.added", key: "a", spec: idleSpec({ agent: "bob" }) }]);
    expect(asked(state, about("launch", "a"))).toBe("lane.queued");
  });
});

describe("a lane in which a person works", () => {
  const manual = (): State => {
    const state = laneIn("starting", { agent: "manual" });
    tell(state, [
      { type: "lane.opened", key: "a", base: "" },
      { type: "lane.waiting", key: "a", why: "you work in this lane", paths: [] },
    ]);
    return state;
  };

  test("is open already when it is launched again", () => {
    expect(asked(manual(), about("launch", "a"))).toBe("nothing to do");
    expect(asked(manual(), { type: "launch", lanes: ["a"], again: true })).toBe("nothing to do");
  });

  test("that has landed has nothing more to land, or commits since that need a lane of their own", () => {
    const state = laneIn("merged");
    expect(asked(state, merging())).toBe("nothing to do");
    expect(asked(state, merging({ ...seen(), ahead: 0 }))).toBe("nothing to do");
    expect(asked(state, merging({ ...seen(), head: laneOf(state, "a").landed?.head ?? "" }))).toBe("nothing to do");
    expect(asked(state, merging({ ...seen(), head: "later" }))).toMatch(
      /^4: lane a has landed, and has 1 commit since that main has not \[.*lanes add-lane a-2 /,
    );
    expect(asked(force(state, "a", { landed: undefined }), merging({ ...seen(), head: "later" }))).toMatch(
      /that the target has not/,
    );
  });

  test("that is being stopped to run again is not asked twice; one that is stopped for good is busy", () => {
    const state = laneIn("paused");
    const run = { n: 1, base: "b", askedAt: now };
    const stopping = (then: "queue" | "pause"): State => force(state, "a", { run, stopping: { then, at: now } });
    expect(asked(stopping("queue"), about("retry", "a"))).toBe("nothing to do");
    expect(asked(stopping("pause"), about("retry", "a"))).toMatch(/^75: lane a is being stopped/);
  });

  test("that is asked for with another check begins anew; with the same one it goes on", () => {
    const withCheck = (check: string): Command => ({ ...merging(seen()), check }) as Command;
    const state = laneIn("ready");
    tell(state, [{ type: "merge.asked", key: "a", check: "make" }]);
    expect(asked(state, withCheck("make"))).toBe("nothing to do");
    expect(asked(state, merging(seen()))).toBe("nothing to do");
    expect(asked(state, withCheck("other"))).toBe("merge.withdrawn, merge.asked");
    for (const from of ["merging", "landed-pending"] as const)
      expect(asked(laneIn(from), withCheck("other"))).toBe("merge.requeued, merge.withdrawn, merge.asked");
  });

  test("that is to go first is asked for again as it was, once, and not while it is tested", () => {
    const first = { ...merging(seen()), first: true } as Command;
    const state = laneIn("ready");
    tell(state, [{ type: "merge.asked", key: "a", check: "make", strategy: "squash", override: "now" }]);
    expect(decide(state, first)).toMatchObject({
      events: [
        { type: "merge.withdrawn", why: "it is to go first" },
        { type: "merge.asked", check: "make", strategy: "squash", override: "now", first: true },
      ],
    });
    const plain = laneIn("merge-queued");
    expect(asked(plain, first)).toBe("merge.withdrawn, merge.asked");
    tell(plain, [
      { type: "merge.withdrawn", key: "a", why: "" },
      { type: "merge.asked", key: "a", first: true },
    ]);
    expect(asked(plain, first)).toBe("nothing to do");
    expect(asked(laneIn("merging"), first)).toBe("nothing to do");
    expect(asked(laneIn("ready"), first)).toBe("merge.asked");
  });

  test("is merged with what is committed there", () => {
    expect(asked(manual(), merging(seen()))).toBe("lane.readied, merge.asked");
    expect(asked(manual(), merging())).toBe("4: lane a is waiting and cannot be merged [lanes why a]");
  });

  test("is neither retried nor stopped, and cancelled at once, even before it is opened for good", () => {
    expect(asked(manual(), about("retry", "a"))).toMatch(
      /^4: lane a is waiting: there is nothing to retry \[lanes why a\]/,
    );
    expect(asked(manual(), about("stop", "a"))).toBe("nothing to do");
    expect(asked(manual(), about("cancel", "a"))).toBe("lane.cancelled");
    const opened = laneIn("starting", { agent: "manual" });
    expect(asked(opened, about("cancel", "a"))).toMatch(/^4: .*\[wait a moment, then try again\]/);
    tell(opened, [{ type: "lane.opened", key: "a", base: "" }]);
    expect(asked(opened, about("cancel", "a"))).toBe("lane.paused, lane.cancelled");
  });
});

describe("merging", () => {
  test("is refused for files that are not committed, and names some", () => {
    expect(asked(laneIn("ready"), merging(seen({ dirty: ["x"] })))).toBe(
      "4: lane a has 1 uncommitted file: x [commit them in .worktrees/a, then merge again]",
    );
    expect(asked(laneIn("ready"), merging(seen({ dirty: ["1", "2", "3", "4"] })))).toMatch(
      /4 uncommitted files: 1, 2, 3, …/,
    );
  });

  test("is refused while the worktree is on another branch, and says how it comes back", () => {
    expect(asked(laneIn("waiting"), merging(seen({ stray: strayText("a", "mine") })))).toBe(
      "4: lane a cannot be merged: its worktree is on the branch mine, not on lane/a/work [git -C .worktrees/a checkout lane/a/work && git -C .worktrees/a merge -]",
    );
    expect(asked(laneIn("ready"), merging(seen({ stray: strayText("a", undefined) })))).toMatch(/is on no branch, not/);
  });

  test("is refused without commits, and while a run lives", () => {
    const base = laneOf(laneIn("ready"), "a").run?.base ?? "";
    expect(asked(laneIn("ready"), merging(seen({ ahead: 0, head: base })))).toMatch(
      /^4: lane a has no commits to merge/,
    );
    expect(asked(laneIn("planned"), merging(seen({ ahead: 0 })))).toMatch(/^4: lane a has no commits to merge/);
    expect(asked(laneIn("running"), merging(seen()))).toBe(
      "4: lane a is running and cannot be merged [wait until its run has ended, or: lanes stop a]",
    );
  });

  test("is asked for when somebody merged the lane by hand: the queue finds it on the target and says so", () => {
    expect(asked(laneIn("ready"), merging(seen({ ahead: 0, head: "head1" })))).toBe("merge.asked");
  });

  test("needs no look at git where the journal knows enough, and keeps the check that was given", () => {
    const answer = decide(laneIn("ready"), merging(undefined, "make test"));
    expect(answer).toMatchObject({ events: [{ type: "merge.asked", key: "a", check: "make test" }] });
  });

  test("keeps off a lane that a person is about to work in", () => {
    const state = laneIn("starting", { agent: "manual" });
    expect(decide(state, { type: "remove", lanes: ["a"], save: true })).toMatchObject({
      refused: "lane a is starting and cannot be cancelled",
    });
  });

  test("takes an undone lane again", () => {
    expect(asked(force(laneIn("merged"), "a", { state: "undone" }), merging())).toBe("merge.asked");
  });
});

describe("stopping", () => {
  test("everything ends queued and running lanes and those that would be tried again", () => {
    const state = withLane(withLane(withLane(laneIn("queued"), "running"), "ready", {}, "c"), "failed", {}, "d");
    force(state, "d", { retryAt: now });
    expect(asked(state, { type: "stop-all" })).toBe("lane.unqueued, lane.stop-asked, lane.parked");
  });

  test("is asked for once, and a wish to cancel goes further", () => {
    const state = laneIn("running");
    tell(state, [{ type: "lane.stop-asked", key: "a", then: "pause" }]);
    expect(asked(state, about("stop", "a"))).toBe("nothing to do");
    expect(asked(state, about("cancel", "a"))).toBe("lane.stop-asked");
    tell(state, [{ type: "lane.stop-asked", key: "a", then: "cancel" }]);
    expect(asked(state, about("cancel", "a"))).toBe("nothing to do");
    expect(asked(state, about("stop", "a"))).toBe("nothing to do");
  });

  test("is waited for before the lane is launched or tried again", () => {
    const state = laneIn("running");
    tell(state, [{ type: "lane.stop-asked", key: "a", then: "pause" }]);
    const refusal = "75: lane a is being stopped [try again in a moment]";
    expect(asked(state, about("launch", "a"))).toBe(refusal);
    expect(asked(state, about("retry", "a"))).toBe(refusal);
  });
});

describe("pausing", () => {
  const pausing = (how: "freeze" | "stop" = "freeze"): Command => ({ type: "pause", lanes: ["a"], how });

  test("by a freeze means", () => {
    expect(inEveryState(pausing())).toMatchInlineSnapshot(`
      "
      planned -> 4: lane a is planned: no agent runs in it that could be frozen [lanes why a]
      queued -> 4: lane a is queued: no agent runs in it that could be frozen [lanes stop a takes it out of the queue]
      starting -> lane.freeze-asked
      running -> lane.freeze-asked
      waiting -> 4: lane a is waiting: no agent runs in it that could be frozen [lanes why a]
      paused -> nothing to do
      finished-empty -> 4: lane a is finished-empty: no agent runs in it that could be frozen [lanes why a]
      failed -> 4: lane a is failed: no agent runs in it that could be frozen [lanes why a]
      lost -> 4: lane a is lost: no agent runs in it that could be frozen [lanes why a]
      parked -> 4: lane a is parked: no agent runs in it that could be frozen [lanes why a]
      ready -> 4: lane a is ready: no agent runs in it that could be frozen [lanes why a]
      merge-queued -> 4: lane a is merge-queued: no agent runs in it that could be frozen [lanes why a]
      merging -> 4: lane a is merging: no agent runs in it that could be frozen [lanes why a]
      conflicted -> 4: lane a is conflicted: no agent runs in it that could be frozen [lanes why a]
      checks-failed -> 4: lane a is checks-failed: no agent runs in it that could be frozen [lanes why a]
      landed-pending -> 4: lane a is landed-pending: no agent runs in it that could be frozen [lanes why a]
      merged -> 4: lane a is merged: no agent runs in it that could be frozen [lanes why a]
      undone -> 4: lane a is undone: no agent runs in it that could be frozen [lanes why a]
      cancelled -> 4: lane a is cancelled: no agent runs in it that could be frozen [lanes why a]
      "
    `);
  });

  test("by a stop means what stop means", () => {
    expect(inEveryState(pausing("stop"))).toBe(inEveryState(about("stop", "a")));
  });

  test("is taken back by resume, which means", () => {
    expect(inEveryState(about("resume", "a"))).toMatchInlineSnapshot(`
      "
      planned -> 4: lane a is planned: it is not paused [lanes launch a]
      queued -> nothing to do
      starting -> nothing to do
      running -> nothing to do
      waiting -> 4: lane a is waiting: it is not paused [lanes why a]
      paused -> lane.queued
      finished-empty -> 4: lane a is finished-empty: it is not paused [lanes retry a]
      failed -> 4: lane a is failed: it is not paused [lanes retry a]
      lost -> 4: lane a is lost: it is not paused [lanes retry a]
      parked -> 4: lane a is parked: it is not paused [lanes retry a]
      ready -> 4: lane a is ready: it is not paused [lanes why a]
      merge-queued -> 4: lane a is merge-queued: it is not paused [lanes why a]
      merging -> 4: lane a is merging: it is not paused [lanes why a]
      conflicted -> 4: lane a is conflicted: it is not paused [lanes retry a]
      checks-failed -> 4: lane a is checks-failed: it is not paused [lanes retry a]
      landed-pending -> 4: lane a is landed-pending: it is not paused [lanes why a]
      merged -> 4: lane a is merged: it is not paused [lanes why a]
      undone -> 4: lane a is undone: it is not paused [lanes why a]
      cancelled -> 4: lane a is cancelled: it is not paused [lanes why a]
      "
    `);
  });

  test("is asked for once, and may be taken back before it is carried out", () => {
    const state = laneIn("running");
    expect(asked(state, pausing())).toBe("lane.freeze-asked");
    tell(state, [{ type: "lane.freeze-asked", key: "a" }]);
    expect([asked(state, pausing()), asked(state, about("resume", "a"))]).toEqual([
      "nothing to do",
      "lane.resume-asked",
    ]);
    tell(state, [{ type: "lane.resume-asked", key: "a" }]);
    expect([asked(state, pausing()), asked(state, about("resume", "a"))]).toEqual([
      "lane.freeze-asked",
      "nothing to do",
    ]);
  });

  test("leaves a frozen lane that is resumed, stopped, cancelled or run again, and not launched", () => {
    const state = frozenLane();
    expect(asked(state, pausing())).toBe("nothing to do");
    expect(asked(state, about("resume", "a"))).toBe("lane.resume-asked");
    for (const command of [about("stop", "a"), about("cancel", "a"), about("retry", "a"), pausing("stop")])
      expect(asked(state, command)).toBe("lane.stop-asked");
    expect(asked(state, { type: "stop-all" })).toBe("lane.stop-asked");
    for (const again of [true, false])
      expect(asked(state, { type: "launch", lanes: ["a"], again })).toBe(
        "4: lane a is frozen: its agent has not ended [lanes resume a]",
      );
    expect(asked(state, about("remove", "a"))).toMatch(/^4: lane a is paused: its worktree stays/);
    tell(state, [{ type: "lane.resume-asked", key: "a" }]);
    expect(asked(state, pausing())).toBe("lane.freeze-asked");
  });

  test("is refused while the lane is being stopped; a stop outdoes the wish to run again", () => {
    const state = frozenLane();
    tell(state, [{ type: "lane.stop-asked", key: "a", then: "queue" }]);
    const refusal = "75: lane a is being stopped [try again in a moment]";
    expect([asked(state, pausing()), asked(state, about("resume", "a"))]).toEqual([refusal, refusal]);
    expect(asked(state, about("stop", "a"))).toBe("lane.stop-asked");
  });

  test("is no wish about a lane in which a person works, and nothing resumes what nothing can start", () => {
    expect(asked(laneIn("queued", { agent: "manual" }), pausing())).toBe(
      "4: lane a is queued: no agent runs in it that could be frozen [nobody but you works in it]",
    );
    const idle = laneIn("paused");
    force(idle, "a", { spec: idleSpec() });
    expect(asked(idle, about("resume", "a"))).toMatch(/^4: lane a names no command and no agent/);
  });
});

describe("removing", () => {
  test("is asked for once, and never for a lane whose work may be lost", () => {
    const state = laneIn("merged");
    expect(asked(state, about("remove", "a"))).toBe("worktree.removal-asked");
    tell(state, [{ type: "worktree.removal-asked", key: "a" }]);
    expect(asked(state, about("remove", "a"))).toBe("nothing to do");
  });

  test("of a lane that never had a worktree is nothing", () => {
    expect(asked(laneIn("planned"), about("remove", "a"))).toBe("nothing to do");
  });
});

describe("what is said", () => {
  test("names at most five lanes and three files, and more than that only where there are more", () => {
    let state = emptyState();
    for (const id of ["a", "b", "c", "d", "e"]) state = withLane(state, "planned", {}, id);
    expect(asked(state, about("stop", "z"))).toBe('64: no lane "z" [lanes: a, b, c, d, e]');
    state = withLane(state, "planned", {}, "f");
    expect(asked(state, about("stop", "z"))).toBe('64: no lane "z" [lanes: a, b, c, d, e, …]');
    const dirty = (...paths: string[]): string => asked(laneIn("ready"), merging(seen({ dirty: paths })));
    expect(dirty("x", "y", "z")).toContain("3 uncommitted files: x, y, z [");
    expect(dirty("w", "x", "y", "z")).toContain("4 uncommitted files: w, x, y, … [");
  });

  test("of every refusal is also what to do next", () => {
    const spec = specOf();
    const wishes: readonly (readonly [State, Command])[] = [
      [laneIn("planned"), adding(["A", spec])],
      [laneIn("planned"), adding(["-", spec])],
      [force(laneIn("planned"), "a", { spec: idleSpec() }), about("launch", "a")],
      [laneIn("ready"), merging(seen({ ahead: 0, head: "base0" }))],
    ];
    for (const [state, wish] of wishes) expect(asked(state, wish)).toMatch(/^\d+: .+ \[.+\]$/);
  });

  test("in the journal is why a lane is in the queue, or out of it", () => {
    const why = (state: State, command: Command): unknown => {
      const answer = decide(state, command);
      const [event] = isRefusal(answer) ? [] : answer.events;
      return event && "why" in event ? event.why : undefined;
    };
    expect(why(laneIn("failed"), about("retry", "a"))).toBe("tried again");
    expect(why(laneIn("paused"), about("resume", "a"))).toBe("resumed");
    expect(why(laneIn("merge-queued"), about("stop", "a"))).toBe("taken out of the merge queue");
  });

  test("to the engine about a frozen lane that shall run again is to end its agent and to queue it", () => {
    expect(decide(frozenLane(), about("retry", "a"))).toMatchObject({
      events: [{ type: "lane.stop-asked", key: "a", then: "queue" }],
    });
  });
});

test("every way of the builders is one that the fold accepts", () => {
  for (const to of reachable) expect(laneIn(to).lanes.get("a")?.state).toBe(to);
  expect(Object.keys(wayTo)).toHaveLength(19);
});
