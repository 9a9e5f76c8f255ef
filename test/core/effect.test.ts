import { describe, expect, test } from "vitest";

import { effects } from "../../src/core/effect.ts";
import type { Event } from "../../src/core/event.ts";
import { isLive } from "../../src/core/schedule.ts";
import { emptyState, type LaneSpec, mayMove } from "../../src/core/state.ts";
import {
  added,
  force,
  laneIn,
  laneOf,
  now,
  process,
  reachable,
  specOf,
  stateOf,
  tell,
  timeOf,
  wayTo,
  withLane,
} from "./build.ts";

const foreign = (event: object): Event => event as unknown as Event;
const reasonOf = (to: keyof typeof wayTo, ...events: readonly object[]): string | undefined =>
  tell(laneIn(to), events.map(foreign)).reason;

describe("the repository", () => {
  test("is initialised with a target, and entered phases follow one another", () => {
    const state = stateOf([{ type: "repo.initialised", target: "main" }], [{ type: "phase.entered", phase: 3 }]);
    expect(state).toMatchObject({ initialised: true, target: "main", phase: 3 });
  });

  test.each([
    [{ type: "repo.initialised", target: 7 }, "repo.initialised: names no branch"],
    [{ type: "repo.initialised", target: "" }, "repo.initialised: names no branch"],
    [{ type: "phase.entered", phase: 99 }, "phase.entered: there is no phase 99"],
    [{ type: "phase.entered", phase: "1" }, 'phase.entered: there is no phase "1"'],
    [{ type: "engine.elected", process: null }, "engine.elected: names no process"],
    [{ type: "engine.elected", process: { pid: -1, start: "", boot: "" } }, "engine.elected: names no process"],
    [{ type: "engine.elected", process: { pid: 1, start: 5, boot: "" } }, "engine.elected: names no process"],
    [{ type: "engine.elected", process: { pid: 1, start: "" } }, "engine.elected: names no process"],
    [{ type: "engine.retired", why: "" }, "engine.retired: no engine was elected"],
  ])("stays as it is after %j", (event, reason) => {
    const state = emptyState();
    expect(tell(state, [foreign(event)]).reason).toBe(reason);
    expect(state).toMatchObject({ initialised: false, target: undefined, phase: 0, engine: undefined });
  });

  test("remembers that a plan was written by its lanes only", () => {
    expect(tell(emptyState(), [{ type: "plan.written", lanes: [], skipped: 2 }]).effective).toBe(true);
  });
});

describe("an engine", () => {
  test("is known by the position of its election", () => {
    const state = stateOf([], [{ type: "engine.elected", process, version: "1.2.3" }]);
    expect(state.engine).toEqual({ token: 2, process, version: "1.2.3", at: timeOf(2), retired: false });
  });

  test("that retires keeps its token, even in the record of its election", () => {
    const both: Event[] = [
      { type: "engine.elected", process, version: "1" },
      { type: "engine.retired", why: "" },
    ];
    expect(stateOf([], both).engine).toMatchObject({ token: 2, retired: true });
    expect(stateOf([both[0] as Event], [both[1] as Event]).engine).toMatchObject({ token: 1, retired: true });
  });
});

describe("a lane's definition", () => {
  const wrong: readonly [string, unknown][] = [
    ["name", 5],
    ["tasks", "write"],
    ["tasks", [1]],
    ["parallel", "no"],
    ["priority", "__proto__"],
    ["command", "rm"],
    ["agent", {}],
    ["dependsOn", [null]],
    ["paths", undefined],
    ["check", null],
    ["acceptance", 1],
    ["target", []],
    ["base", 0],
    ["prompt", 0],
    ["env", {}],
    ["commit", "never"],
    ["retries", null],
    ["kind", "toString"],
    ["timeoutMs", "1 h"],
  ];

  test.each(wrong)("with a wrong %s (%j) takes no effect: half of it could be dangerous", (field, value) => {
    const state = emptyState();
    const spec = { ...specOf(), [field]: value } as unknown as LaneSpec;
    expect(tell(state, [{ type: "lane.added", key: "a", spec }]).reason).toBe(
      `lane.added: its definition has a wrong ${field}`,
    );
    expect(state.lanes.size).toBe(0);
  });

  test.each([[undefined], [null], ["text"]])("that is %j is none", (spec) => {
    const event = foreign({ type: "lane.added", key: "a", spec });
    expect(tell(emptyState(), [event]).reason).toBe("lane.added: has no definition");
  });

  test("may have fields that only a later version knows", () => {
    const spec = { ...specOf(), colour: "red" } as LaneSpec;
    expect(tell(emptyState(), [{ type: "lane.added", key: "a", spec }]).effective).toBe(true);
  });
});

describe("a name", () => {
  test.each([["../up"], ["-x"], ["__proto__"], ["constructor"], [7], [null], [{ toString: 1 }], [undefined]])(
    "%j is no lane's",
    (key) => {
      const state = emptyState();
      expect(tell(state, [foreign({ ...added("a"), key })]).effective).toBe(false);
      expect(state.lanes.size).toBe(0);
    },
  );

  test("is taken by a lane and by what differs from it only in case", () => {
    expect(reasonOf("planned", added("a"))).toBe("lane.added: lane a exists");
    expect(reasonOf("planned", added("A"))).toBe("lane.added: differs from lane a only in case");
    expect(reasonOf("planned", added("b"), added("B"))).toBe("lane.added: differs from lane b only in case");
    expect(reasonOf("planned", added("b"), added("b"))).toBe("lane.added: lane b exists");
  });

  test("of a cancelled lane is free again, once, when no worktree is left", () => {
    const state = laneIn("cancelled");
    expect(tell(state, [added("a", { priority: "high" }), added("a")]).reason).toBe("lane.added: lane a exists");
    expect(tell(state, [added("a", { priority: "high" })]).effective).toBe(true);
    expect(laneOf(state, "a")).toMatchObject({ state: "planned", spec: { priority: "high" } });
  });

  test("of a cancelled lane with a worktree stays taken until that is removed", () => {
    const state = laneIn("paused");
    tell(state, [{ type: "lane.cancelled", key: "a", why: "" }]);
    expect(tell(state, [added("a")]).reason).toBe("lane.added: lane a exists");
    tell(state, [{ type: "worktree.removed", key: "a", kept: "kept/a-1" }]);
    expect(laneOf(state, "a").detail).toBe("its ignored files are in kept/a-1");
    expect(tell(state, [added("a")]).effective).toBe(true);
  });
});

describe("a lane that is added again", () => {
  test("never uses a run's name twice", () => {
    const state = laneIn("paused");
    tell(state, [
      { type: "lane.cancelled", key: "a", why: "" },
      { type: "worktree.removed", key: "a" },
    ]);
    tell(state, [added("a"), { type: "lane.queued", key: "a", why: "" }]);
    expect(tell(state, [{ type: "run.asked", key: "a", n: 1, base: "" }]).reason).toBe(
      "run.asked: the next run of lane a is 2, not 1",
    );
    expect(tell(state, [{ type: "run.asked", key: "a", n: 2, base: "" }]).effective).toBe(true);
  });

  test("after a person worked in it has no run that is still live", () => {
    const state = laneIn("starting", { agent: "manual" });
    tell(state, [
      { type: "lane.opened", key: "a", base: "" },
      { type: "lane.waiting", key: "a", why: "you work in this lane", paths: [] },
      { type: "lane.cancelled", key: "a", why: "" },
      { type: "worktree.removed", key: "a" },
    ]);
    expect(laneOf(state, "a").run?.endedAt).toBeUndefined();
    expect(tell(state, [added("a")]).effective).toBe(true);
    expect(isLive(laneOf(state, "a"))).toBe(false);
  });
});

describe("a run", () => {
  test("is asked for, started and ended, and the lane keeps what is known of it", () => {
    const state = laneIn("running");
    tell(state, [{ type: "run.exited", key: "a", n: 1, code: 137, signal: "SIGKILL", at: now }]);
    expect(laneOf(state, "a").run).toEqual({
      n: 1,
      base: "base0",
      askedAt: timeOf(4),
      startedAt: now - 60_000,
      process,
      endedAt: now,
      code: 137,
      signal: "SIGKILL",
    });
  });

  test("takes the record's time and no code when the log holds nonsense", () => {
    const state = laneIn("starting");
    const started = { type: "run.started", key: "a", n: 1, process, at: "soon" };
    const exited = { type: "run.exited", key: "a", n: 1, code: "x", signal: 9, at: 1e300 };
    tell(state, [foreign(started), foreign(exited)]);
    expect(laneOf(state, "a").run).toMatchObject({ startedAt: timeOf(5), endedAt: timeOf(5), code: -1, signal: "" });
  });

  test.each<[keyof typeof wayTo, object, string]>([
    ["starting", { type: "run.started", key: "a", n: 2, process, at: 1 }, "run.started: lane a has no run 2"],
    ["starting", { type: "run.started", key: "a", n: 1, process: null, at: 1 }, "run.started: names no process"],
    ["running", { type: "run.exited", key: "a", n: "1", code: 0, at: 1 }, 'run.exited: lane a has no run "1"'],
    ["running", { type: "run.exited", key: "a", n: { toString: 1 } }, "run.exited: lane a has no run (object)"],
    ["paused", { type: "run.exited", key: "a", n: 1, code: 0, at: 1 }, "run.exited: run 1 has ended"],
    ["planned", { type: "run.exited", key: "a", n: 1, code: 0, at: 1 }, "run.exited: lane a has no run 1"],
    ["planned", { type: "run.exited", key: 5, n: 1 }, "run.exited: no lane 5"],
  ])("of a lane that is %s is not touched by %j", (to, event, reason) => {
    expect(reasonOf(to, event)).toBe(reason);
  });

  test.each<[string, object]>([
    ["queued", { type: "lane.queued", key: "a", why: "" }],
    ["ready", { type: "lane.readied", key: "a", head: "h", results: [] }],
    ["cancelled", { type: "lane.cancelled", key: "a", why: "" }],
    ["paused", { type: "lane.paused", key: "a", why: "" }],
    ["finished-empty", { type: "lane.emptied", key: "a", why: "" }],
  ])("keeps its lane from being %s as long as it lives", (to, event) => {
    const state = laneIn("running");
    tell(state, [{ type: "lane.waiting", key: "a", why: "asks for permission", paths: [] }]);
    expect(tell(state, [foreign(event)]).reason).toContain("a run of lane a has not ended");
    tell(state, [{ type: "run.exited", key: "a", n: 1, code: 0, at: now }]);
    expect(tell(state, [foreign(event)]).effective).toBe(true);
    expect(laneOf(state, "a").state).toBe(to);
  });

  test("that is lost or failed is over, although nobody saw it end", () => {
    for (const event of [
      { type: "lane.lost", key: "a", why: "" },
      { type: "lane.failed", key: "a", why: "" },
    ] as const) {
      const state = laneIn("running");
      tell(state, [event]);
      expect(laneOf(state, "a").run?.endedAt).toBe(timeOf(6));
    }
  });

  test("may end in every way while its agent waits for an answer", () => {
    const ways: readonly (readonly [Event, string])[] = [
      [{ type: "lane.emptied", key: "a", why: "" }, "finished-empty"],
      [{ type: "lane.waiting", key: "a", why: "2 files not committed", paths: [] }, "waiting"],
      [{ type: "lane.readied", key: "a", head: "", results: [] }, "ready"],
      [{ type: "lane.failed", key: "a", why: "" }, "failed"],
      [{ type: "lane.lost", key: "a", why: "" }, "lost"],
    ];
    for (const [event, to] of ways) {
      const state = laneIn("running");
      tell(state, [{ type: "lane.waiting", key: "a", why: "asks", paths: [] }]);
      expect(tell(state, [{ type: "run.exited", key: "a", n: 1, code: 0, at: now }, event]).effective).toBe(true);
      expect(laneOf(state, "a").state).toBe(to);
    }
  });
});

describe("a freeze", () => {
  const freezeAsked: Event = { type: "lane.freeze-asked", key: "a" };
  const resumeAsked: Event = { type: "lane.resume-asked", key: "a" };
  const frozen: Event = { type: "lane.frozen", key: "a", n: 1 };
  const thawed = (why = ""): Event => ({ type: "lane.thawed", key: "a", n: 1, why });

  test("is wished, seen, wished away and seen to be over; the run lives on", () => {
    const state = laneIn("running");
    tell(state, [freezeAsked]);
    expect(laneOf(state, "a")).toMatchObject({ state: "running", pausing: { to: "freeze", at: timeOf(6) } });
    tell(state, [frozen]);
    expect(laneOf(state, "a")).toMatchObject({ state: "paused", pausing: undefined, since: timeOf(7) });
    expect(laneOf(state, "a").run?.endedAt).toBeUndefined();
    tell(state, [resumeAsked]);
    expect(laneOf(state, "a")).toMatchObject({ state: "paused", pausing: { to: "resume", at: timeOf(8) } });
    tell(state, [thawed()]);
    // From the wish on: nobody knows when exactly the last process stood still.
    expect(laneOf(state, "a")).toMatchObject({ state: "running", pausing: undefined, run: { frozenMs: 3000 } });
  });

  test("adds to the time that the run stood still before, and never takes any away", () => {
    const state = laneIn("running");
    for (const events of [[freezeAsked], [frozen], [thawed()], [freezeAsked], [frozen]]) tell(state, events);
    tell(state, [thawed()], { at: timeOf(0) });
    expect(laneOf(state, "a").run?.frozenMs).toBe(3000);
  });

  test("may be seen again while it was to end, and lasts since the first time", () => {
    const state = laneIn("running");
    for (const events of [[freezeAsked], [frozen], [resumeAsked], [freezeAsked], [frozen]])
      expect(tell(state, events).effective).toBe(true);
    expect(laneOf(state, "a")).toMatchObject({ state: "paused", pausing: undefined, since: timeOf(7) });
    tell(state, [thawed()]);
    // One second from the wish to the sight, four from there on: none of them counts twice.
    expect(laneOf(state, "a").run?.frozenMs).toBe(5000);
  });

  test("that failed says why, and leaves the lane as it was", () => {
    const state = laneIn("running");
    tell(state, [{ type: "lane.waiting", key: "a", why: "asks", paths: [] }]);
    tell(state, [freezeAsked]);
    expect(tell(state, [frozen, { ...frozen, n: 2 }]).effective).toBe(false);
    tell(state, [thawed("could not be frozen")]);
    expect(laneOf(state, "a")).toMatchObject({ state: "waiting", pausing: undefined, detail: "could not be frozen" });
    tell(state, [freezeAsked]);
    tell(state, [thawed()]);
    expect(laneOf(state, "a").detail).toBe("could not be frozen");
  });

  test("wished for while the run ends is over with it", () => {
    for (const last of [
      { type: "lane.waiting", key: "a", why: "1 file not committed", paths: [] },
      { type: "lane.readied", key: "a", head: "h", results: [] },
      { type: "lane.emptied", key: "a", why: "no commit" },
    ] as const) {
      const state = laneIn("running");
      tell(state, [freezeAsked]);
      tell(state, [{ type: "run.exited", key: "a", n: 1, code: 0, at: now }, last]);
      expect(laneOf(state, "a").pausing).toBeUndefined();
    }
  });

  test("gives way to a wish to stop", () => {
    const state = laneIn("running");
    tell(state, [freezeAsked]);
    tell(state, [{ type: "lane.stop-asked", key: "a", then: "queue" }]);
    expect(laneOf(state, "a")).toMatchObject({ pausing: undefined, stopping: { then: "queue" } });
    for (const event of [freezeAsked, resumeAsked, frozen])
      expect(tell(state, [event]).reason).toBe(`${event.type}: lane a is being stopped`);
  });

  test("is nothing where nothing runs, and no other run's", () => {
    expect(reasonOf("paused", freezeAsked)).toBe("lane.freeze-asked: nothing runs in lane a");
    expect(reasonOf("ready", resumeAsked)).toBe("lane.resume-asked: nothing runs in lane a");
    expect(reasonOf("paused", frozen)).toBe("lane.frozen: run 1 has ended");
    expect(reasonOf("paused", thawed())).toBe("lane.thawed: run 1 has ended");
    expect(reasonOf("running", { ...frozen, n: 2 })).toBe("lane.frozen: lane a has no run 2");
    expect(reasonOf("running", thawed())).toBe("lane.thawed: lane a is not frozen");
    expect(reasonOf("running", { ...frozen, key: "z" })).toBe('lane.frozen: no lane "z"');
    expect(reasonOf("running", { ...thawed(), key: "z" })).toBe('lane.thawed: no lane "z"');
  });
});

describe("a wish to stop", () => {
  const stop = (then: "pause" | "cancel"): Event => ({ type: "lane.stop-asked", key: "a", then });

  test("stands until the run has ended", () => {
    const state = laneIn("running");
    tell(state, [stop("pause")]);
    expect(laneOf(state, "a").stopping).toEqual({ then: "pause", at: timeOf(6) });
    tell(state, [{ type: "lane.waiting", key: "a", why: "asks", paths: [] }]);
    expect(laneOf(state, "a").stopping).toBeDefined();
    tell(state, [
      { type: "run.exited", key: "a", n: 1, code: 143, at: now },
      { type: "lane.paused", key: "a", why: "stopped" },
    ]);
    expect(laneOf(state, "a")).toMatchObject({ state: "paused", stopping: undefined });
  });

  test("is nothing where nothing runs, or when it is about something else", () => {
    expect(reasonOf("ready", stop("pause"))).toBe("lane.stop-asked: nothing runs in lane a");
    expect(reasonOf("running", { ...stop("pause"), then: "explode" })).toBe('lane.stop-asked: cannot "explode"');
  });

  test("that was given while the run began is kept when it never began", () => {
    const state = laneIn("starting");
    tell(state, [stop("pause")]);
    tell(state, [{ type: "lane.failed", key: "a", why: "no such program", retryAt: now + 1000 }]);
    expect(laneOf(state, "a")).toMatchObject({ state: "failed", retryAt: undefined, stopping: undefined });
  });

  test("ends a lane that is starting as paused", () => {
    const state = laneIn("starting");
    tell(state, [stop("pause")]);
    const exited: Event = { type: "run.exited", key: "a", n: 1, code: -1, at: now };
    expect(tell(state, [exited, { type: "lane.paused", key: "a", why: "stopped" }]).effective).toBe(true);
  });

  test.each(["lane.failed", "lane.lost"] as const)("to cancel holds although the run ended by %s", (type) => {
    const state = laneIn("starting");
    tell(state, [stop("cancel")]);
    expect(tell(state, [{ type, key: "a", why: "it is gone" }]).effective).toBe(true);
    expect(laneOf(state, "a")).toMatchObject({ state: "cancelled", detail: "it is gone", retryAt: undefined });
  });
});

describe("a lane", () => {
  test.each(reachable)("that is %s refuses every event that the table does not allow, and stays the same", (to) => {
    const broken = Object.keys(effects).filter((type) => {
      const state = laneIn(to);
      const before = laneOf(state, "a");
      const { effective } = tell(state, [foreign({ type, key: "a" })]);
      const after = laneOf(state, "a");
      return effective ? after.state !== to && !mayMove(to, after.state) : after !== before;
    });
    expect(broken).toEqual([]);
  });

  test("keeps why it failed and when it is tried again, and counts its failures", () => {
    const state = laneIn("running");
    tell(state, [{ type: "lane.failed", key: "a", why: "exit code 1", retryAt: now + 4000 }]);
    expect(laneOf(state, "a")).toMatchObject({ detail: "exit code 1", retryAt: now + 4000, failures: 1 });
    tell(state, [{ type: "lane.queued", key: "a", why: "tried again" }]);
    expect(laneOf(state, "a")).toMatchObject({ retryAt: undefined, failures: 1, detail: "tried again", queuedAt: 7 });
  });

  test("is not tried again at a time that no calendar has", () => {
    const state = laneIn("running");
    tell(state, [foreign({ type: "lane.failed", key: "a", why: 5, retryAt: 1e300 })]);
    expect(laneOf(state, "a")).toMatchObject({ state: "failed", retryAt: undefined, detail: "" });
  });

  test("forgets its failures when it is ready, and keeps the files that it brought", () => {
    const state = laneIn("failed");
    for (const events of [
      [{ type: "lane.queued", key: "a", why: "" }],
      [{ type: "run.asked", key: "a", n: 2, base: "" }],
      [{ type: "run.started", key: "a", n: 2, process, at: now }],
      [
        { type: "run.exited", key: "a", n: 2, code: 0, at: now },
        { type: "lane.readied", key: "a", head: "h", results: ["x.json", 5] },
      ],
    ])
      expect(tell(state, events.map(foreign)).effective).toBe(true);
    expect(laneOf(state, "a")).toMatchObject({ failures: 0, results: ["x.json"] });
  });

  test("may have a worktree from the moment that its first run was about to begin", () => {
    const state = laneIn("starting");
    tell(state, [{ type: "lane.failed", key: "a", why: "no such program" }]);
    expect(laneOf(state, "a").worktree).toBe(true);
    const never = laneIn("queued");
    tell(never, [
      { type: "run.asked", key: "a", n: 1, base: "" },
      { type: "lane.failed", key: "a", why: "no branch main" },
    ]);
    expect(laneOf(never, "a").worktree).toBe(false);
  });

  test("shows progress without making a person's wish come late", () => {
    const state = laneIn("running");
    const { rev } = laneOf(state, "a");
    tell(state, [{ type: "lane.progressed", key: "a", text: "half way" }]);
    expect(laneOf(state, "a")).toMatchObject({ progress: "half way", rev });
    expect(reasonOf("running", { type: "lane.progressed", key: "z", text: "" })).toBe('lane.progressed: no lane "z"');
  });

  test("is opened for a person only, and only when it is starting", () => {
    const open: Event = { type: "lane.opened", key: "a", base: "" };
    const state = laneIn("starting", { agent: "manual" });
    expect(tell(state, [open]).effective).toBe(true);
    expect(laneOf(state, "a")).toMatchObject({ state: "running", worktree: true });
    expect(reasonOf("starting", open)).toBe("lane.opened: nobody works by hand in lane a");
    expect(tell(laneIn("paused", { agent: "manual" }), [open]).effective).toBe(false);
  });

  test("goes back from the queue to planned", () => {
    const state = laneIn("queued");
    expect(tell(state, [{ type: "lane.unqueued", key: "a" }]).effective).toBe(true);
    expect(laneOf(state, "a").state).toBe("planned");
  });

  test("forgets an earlier merge when it is queued again", () => {
    const state = laneIn("conflicted");
    tell(state, [{ type: "lane.queued", key: "a", why: "" }]);
    expect(laneOf(state, "a")).toMatchObject({ merge: undefined, landed: undefined, paths: [], detail: "" });
  });
});

describe("a merge", () => {
  const about = { key: "a", candidate: "candidate1" } as const;

  test("keeps its place, its command and its check while it is built anew", () => {
    const state = laneIn("ready");
    tell(state, [{ type: "merge.asked", key: "a", check: "make" }], { cause: "c1" });
    const start: Event = { type: "merge.started", target: "main", onto: "o", head: "h", ...about };
    tell(state, [start]);
    tell(state, [{ type: "merge.tested", result: "passed", ...about }]);
    expect(laneOf(state, "a").merge).toMatchObject({ position: 7, cause: "c1", check: "make", tested: "passed" });
    tell(state, [{ type: "merge.requeued", key: "a", why: "main moved" }]);
    expect(laneOf(state, "a").merge).toEqual({
      position: 7,
      requestedAt: timeOf(7),
      rebuilt: 1,
      cause: "c1",
      check: "make",
    });
    tell(state, [start]);
    expect(laneOf(state, "a").merge).not.toHaveProperty("tested");
  });

  test("without a check of its own says so by having none", () => {
    expect(laneOf(laneIn("merging"), "a").merge).toEqual({
      position: 7,
      requestedAt: timeOf(7),
      rebuilt: 0,
      target: "main",
      onto: "onto1",
      head: "head1",
      candidate: "candidate1",
      gate: { check: "make", built: 8 },
      startedAt: timeOf(8),
    });
    const state = laneIn("merging");
    tell(state, [{ type: "merge.requeued", key: "a", why: "" }]);
    expect(laneOf(state, "a").merge).toEqual({ position: 7, requestedAt: timeOf(7), rebuilt: 1 });
  });

  test("that is asked for again after a conflict keeps counting how often it was built", () => {
    const state = laneIn("merging");
    tell(state, [{ type: "merge.requeued", key: "a", why: "" }]);
    tell(state, [{ type: "merge.started", target: "main", onto: "o", head: "h", ...about }]);
    tell(state, [{ type: "merge.conflicted", key: "a", why: "", paths: [] }]);
    tell(state, [{ type: "merge.asked", key: "a" }]);
    expect(laneOf(state, "a").merge).toMatchObject({ rebuilt: 1, position: 12 });
  });

  test.each<[keyof typeof wayTo, object, string]>([
    ["merging", { type: "merge.asked", key: "a" }, "merge.asked: lane a is being merged"],
    ["landed-pending", { type: "merge.asked", key: "a" }, "merge.asked: lane a is being merged"],
    ["ready", { type: "merge.asked", key: "a", check: null }, "merge.asked: its check is no text"],
    ["running", { type: "merge.withdrawn", key: "a", why: "" }, "merge.withdrawn: lane a is not in the merge queue"],
    ["conflicted", { type: "merge.requeued", key: "a" }, "merge.requeued: lane a is not being merged"],
    ["ready", { type: "merge.requeued", key: "a" }, "merge.requeued: lane a is not being merged"],
    ["merge-queued", { type: "merge.tested", key: "a", result: "passed" }, "merge.tested: lane a is not being merged"],
    ["merging", { type: "merge.tested", key: "a", result: "passed" }, "merge.tested: lane a has another candidate"],
    ["merging", { type: "merge.tested", result: "maybe", ...about }, 'merge.tested: cannot have "maybe"'],
    [
      "merging",
      { type: "merge.check-failed", key: "a", candidate: "x" },
      "merge.check-failed: lane a has another candidate",
    ],
  ])("of a lane that is %s is not changed by %j", (to, event, reason) => {
    expect(reasonOf(to, event)).toBe(reason);
  });

  test("that nobody asked for does not start", () => {
    const state = force(laneIn("merge-queued"), "a", { merge: undefined });
    const start: Event = { type: "merge.started", target: "main", onto: "o", head: "h", ...about };
    expect(tell(state, [start]).reason).toBe("merge.started: nobody asked for this merge");
    force(state, "a", { state: "merging" });
    expect(tell(state, [{ type: "merge.tested", result: "passed", ...about }]).reason).toContain("not being merged");
  });

  test("is withdrawn from the queue with a reason", () => {
    const state = laneIn("merge-queued");
    tell(state, [{ type: "merge.withdrawn", key: "a", why: "no check" }]);
    expect(laneOf(state, "a")).toMatchObject({ state: "ready", merge: undefined, detail: "no check" });
  });

  test("that landed is on the target, and counts as tested only when it says so", () => {
    expect(laneOf(laneIn("merged"), "a")).toMatchObject({
      state: "merged",
      merge: undefined,
      landed: { merge: "candidate1", target: "main", before: "onto1", head: "head1", tested: "passed" },
    });
    const state = laneIn("merging");
    tell(state, [foreign({ type: "merge.landed", key: "a", merge: 5, tested: "surely" })]);
    expect(laneOf(state, "a").landed).toMatchObject({ merge: "", target: "", tested: "unchecked" });
  });

  test("that is held up or in conflict names the paths", () => {
    expect(laneOf(laneIn("landed-pending"), "a")).toMatchObject({ detail: "c.txt is in the way", paths: ["c.txt"] });
    expect(laneOf(laneIn("conflicted"), "a")).toMatchObject({ paths: ["a.txt", "b.txt"] });
    const state = laneIn("merging");
    tell(state, [foreign({ type: "merge.conflicted", key: "a", why: null, paths: "a.txt" })]);
    expect(laneOf(state, "a")).toMatchObject({ detail: "", paths: [] });
  });
});

describe("a worktree", () => {
  const ask: Event = { type: "worktree.removal-asked", key: "a" };

  test("is asked to go by a command, or by the record itself", () => {
    const state = laneIn("merged");
    tell(state, [ask], { cause: "c9" });
    expect(laneOf(state, "a").removal).toBe("c9");
    tell(state, [{ type: "worktree.kept", key: "a", why: "2 files not committed" }]);
    expect(laneOf(state, "a")).toMatchObject({ removal: undefined, detail: "2 files not committed", worktree: true });
    tell(state, [ask]);
    expect(laneOf(state, "a").removal).toBe(`r${state.position}`);
    tell(state, [{ type: "worktree.removed", key: "a" }]);
    expect(laneOf(state, "a")).toMatchObject({ removal: undefined, worktree: false, state: "merged" });
  });

  test("of a cancelled lane may go", () => {
    const state = laneIn("paused");
    tell(state, [{ type: "lane.cancelled", key: "a", why: "" }]);
    expect(tell(state, [ask]).effective).toBe(true);
  });

  test.each(reachable.filter((to) => to !== "merged" && to !== "cancelled"))("of a lane that is %s stays", (to) => {
    expect(reasonOf(to, ask)).toBe(`worktree.removal-asked: lane a is ${to}: its worktree is in use`);
  });
});

describe("a lane that is queued", () => {
  test("may wait for something outside; no other does", () => {
    const state = laneIn("queued");
    tell(state, [{ type: "lane.held", key: "a", why: "waits for room" }]);
    expect(laneOf(state, "a")).toMatchObject({ state: "queued", detail: "waits for room" });
    expect(reasonOf("ready", { type: "lane.held", key: "a", why: "" })).toBe("lane.held: lane a is ready");
  });

  test("gets a port that no living run has", () => {
    const state = withLane(laneIn("running"), "queued", {}, "b");
    const ask = (port: unknown): Event => foreign({ type: "run.asked", key: "b", n: 1, base: "x", port });
    const other = stateOf([added("a"), added("b")]);
    for (const key of ["a", "b"]) tell(other, [{ type: "lane.queued", key, why: "" }]);
    tell(other, [{ type: "run.asked", key: "a", n: 1, base: "x", port: 42_000 }]);
    expect(tell(other, [ask(42_000)]).reason).toBe("run.asked: port 42000 is lane a's");
    expect(tell(other, [ask(42_001)]).effective).toBe(true);
    tell(other, [{ type: "run.started", key: "b", n: 1, process, at: now }]);
    expect(laneOf(other, "b").run).toMatchObject({ port: 42_001, process });
    tell(state, [ask("80")]);
    expect(laneOf(state, "b").run?.port).toBeUndefined();
  });
});

describe("a lane that was kept", () => {
  const removed = (): ReturnType<typeof laneIn> => {
    const state = laneIn("paused");
    tell(state, [
      { type: "lane.cancelled", key: "a", why: "" },
      { type: "worktree.removal-asked", key: "a", save: true },
    ]);
    expect(laneOf(state, "a").saves).toBe(true);
    tell(state, [
      { type: "worktree.removed", key: "a", saved: "refs/lanes/trash/a/1", kept: ".orchestration/kept/a-1" },
    ]);
    return state;
  };
  const ask: Event = { type: "lane.restore-asked", key: "a" };

  test("says where its work is", () => {
    expect(laneOf(removed(), "a")).toMatchObject({
      saves: undefined,
      removal: undefined,
      worktree: false,
      detail:
        "its work is kept in refs/lanes/trash/a/1: lanes restore a; its ignored files are in .orchestration/kept/a-1",
    });
  });

  test("that stays after all forgets that it was to be kept", () => {
    const state = laneIn("merged");
    tell(state, [{ type: "worktree.removal-asked", key: "a", save: true }]);
    tell(state, [{ type: "worktree.kept", key: "a", why: "locked" }]);
    expect(laneOf(state, "a")).toMatchObject({ saves: undefined, removal: undefined, detail: "locked" });
  });

  test.each([
    [true, "ready"],
    [false, "waiting"],
    ["yes", "waiting"],
  ])("comes back; all committed: %s", (ready, state) => {
    const there = removed();
    tell(there, [{ ...ask, n: 3 }], { cause: "c1" });
    expect(laneOf(there, "a").restoring).toEqual({ n: 3, cause: "c1" });
    expect(tell(there, [added("a")]).reason).toBe("lane.added: lane a exists");
    tell(there, [foreign({ type: "lane.restored", key: "a", n: 3, ready, why: "as it was" })]);
    expect(laneOf(there, "a")).toMatchObject({ restoring: undefined, worktree: true, state, detail: "as it was" });
  });

  test("and had landed stays merged; one that moved on meanwhile is where it is", () => {
    const state = laneIn("merged");
    tell(state, [{ type: "worktree.removed", key: "a" }]);
    tell(state, [ask]);
    expect(laneOf(state, "a").restoring).toEqual({ cause: `r${state.position}` });
    tell(state, [{ type: "lane.restored", key: "a", n: 1, ready: true, why: "" }]);
    expect(laneOf(state, "a")).toMatchObject({ state: "merged", worktree: true, restoring: undefined });
  });

  test("comes back under a name that the log does not know", () => {
    const state = stateOf([added("a"), ask], [{ type: "lane.restored", key: "a", n: 1, ready: false, why: "" }]);
    expect(laneOf(state, "a")).toMatchObject({ state: "waiting", worktree: true });
  });

  test("does not come back when that fails, or nobody asked, or it is there", () => {
    const state = removed();
    expect(tell(state, [{ type: "lane.restored", key: "a", n: 1, ready: true, why: "" }]).reason).toBe(
      "lane.restored: nobody wants lane a back",
    );
    tell(state, [ask]);
    tell(state, [{ type: "lane.restore-failed", key: "a", why: "nothing is kept" }]);
    expect(laneOf(state, "a")).toMatchObject({ restoring: undefined, state: "cancelled", detail: "nothing is kept" });
    expect(reasonOf("paused", ask)).toBe("lane.restore-asked: lane a has a worktree");
    expect(reasonOf("queued", ask)).toBe("lane.restore-asked: lane a is queued");
    const going = laneIn("merged");
    tell(going, [{ type: "worktree.removal-asked", key: "a" }]);
    expect(tell(going, [ask]).reason).toBe("lane.restore-asked: lane a has a worktree");
  });
});

test("one lane's events leave the others alone", () => {
  const state = withLane(laneIn("running"), "ready");
  const before = laneOf(state, "b");
  tell(state, [{ type: "lane.lost", key: "a", why: "" }]);
  expect(laneOf(state, "b")).toBe(before);
});

describe("an edit of the tracker", () => {
  const patched = (...changes: readonly unknown[]): Event =>
    ({ type: "tracker.patched", changes, left: [] }) as unknown as Event;

  test("sets parts of a lane's definition and gives it a new rev", () => {
    const state = laneIn("planned");
    expect(
      tell(state, [patched({ at: ["lanes", "a", "tasks"], to: ["x"] }, { at: ["lanes", "a", "prompt"], to: "p" })]),
    ).toMatchObject({ effective: true });
    expect(laneOf(state, "a")).toMatchObject({ rev: state.position, spec: { tasks: ["x"], prompt: "p" } });
    tell(state, [patched({ at: ["lanes", "a", "prompt"] })]);
    expect(laneOf(state, "a").spec).not.toHaveProperty("prompt");
  });

  test("keeps fields of others in the order of the log, and lets go of them", () => {
    const state = laneIn("planned");
    const { rev } = laneOf(state, "a");
    tell(state, [patched({ at: ["x"], to: 1 }, { at: ["lanes", "a", "own"], to: [2] }), patched({ at: ["x"], to: 3 })]);
    expect(state.foreign).toEqual({ '["x"]': 3, '["lanes","a","own"]': [2] });
    tell(state, [patched({ at: ["x"] }, { at: ["never"] })]);
    expect(state.foreign).toEqual({ '["lanes","a","own"]': [2] });
    expect(laneOf(state, "a").rev).toBe(rev);
  });

  test.each<[unknown, string]>([
    [{ at: ["lanes", "a", "tasks"], to: 1 }, "its definition has a wrong tasks"],
    [{ at: ["lanes", "a", "tasks"] }, "its definition has a wrong tasks"],
    [{ at: ["lanes", "z", "tasks"], to: [] }, 'no lane "z"'],
    [{ at: [], to: 1 }, "a change has no place"],
    [{ at: ["a", "b"], to: 1 }, "a change has no place"],
    [{ at: ["queue", "b", "c"], to: 1 }, "a change has no place"],
    [{ at: ["agents", "__proto__", "c"], to: 1 }, "a change has no place"],
    [{ to: 1 }, "a change has no place"],
    [null, "a change has no place"],
  ])("is void with the change %j", (change, reason) => {
    const state = laneIn("planned");
    expect(tell(state, [patched({ at: ["x"], to: 1 }, change)])).toMatchObject({
      effective: false,
      reason: `tracker.patched: ${reason}`,
    });
    expect(state.foreign).toBeUndefined();
  });

  test("is void without changes, and when it keeps too much", () => {
    const state = laneIn("planned");
    expect(tell(state, [{ type: "tracker.patched" } as unknown as Event])).toMatchObject({
      reason: "tracker.patched: names no changes",
    });
    const many = Array.from({ length: 1001 }, (_, n) => ({ at: [`f${n}`], to: n }));
    expect(tell(state, [patched(...many)])).toMatchObject({ reason: "tracker.patched: more than 1000 foreign fields" });
    expect(tell(state, [patched(...many.slice(1))])).toMatchObject({ effective: true });
    expect(tell(state, [patched({ at: ["f9"], to: 0 })])).toMatchObject({ effective: true });
  });

  test("that was kept aside is known and changes nothing", () => {
    const state = laneIn("planned");
    expect(tell(state, [{ type: "tracker.rejected", why: "x", kept: "y" }])).toMatchObject({ effective: true });
  });

  test("leaves with the lane, when another takes its name", () => {
    const state = laneIn("cancelled");
    tell(state, [added("ab"), patched({ at: ["lanes", "a", "own"], to: 1 }, { at: ["lanes", "ab", "own"], to: 2 })]);
    tell(state, [added("a")]);
    expect(state.foreign).toEqual({ '["lanes","ab","own"]': 2 });
    tell(state, [{ type: "lane.cancelled", key: "a", why: "" }]);
    expect(tell(state, [added("a")])).toMatchObject({ effective: true });
  });
});
