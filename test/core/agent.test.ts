import { describe, expect, test } from "vitest";

import { decide } from "../../src/core/decide.ts";
import type { Event } from "../../src/core/event.ts";
import { isTold } from "../../src/core/foreign.ts";
import { plan } from "../../src/core/plan.ts";
import { agentRows, laneRows, needsPerson, nextStep } from "../../src/core/select.ts";
import type { AgentTold, Lane, LaneSpec, State } from "../../src/core/state.ts";
import { trackerOf } from "../../src/core/tracker.ts";
import { type Ended, lostVerdict, verdict } from "../../src/core/verdict.ts";
import { frozenLane, laneIn, laneOf, limits, now, process, stateOf, tell } from "./build.ts";

const toldOf = (over: Partial<AgentTold> = {}): AgentTold => ({
  status: "working",
  since: now - 30_000,
  doing: "Bash: make",
  heardAt: now - 1000,
  read: 10,
  denied: 0,
  unknown: 0,
  strange: [],
  ...over,
});

/** A lane whose run is one of an agent CLI, with what its agent told. */
const talking = (told?: AgentTold, over: Partial<LaneSpec> = {}): State => {
  const { command: _, ...spec } = { ...laneOf(laneIn("planned"), "a").spec, agent: "coder", ...over };
  const state = stateOf(
    [{ type: "repo.initialised", target: "main" }],
    [{ type: "lane.added", key: "a", spec }],
    [{ type: "lane.queued", key: "a", why: "" }],
    [{ type: "run.asked", key: "a", n: 1, base: "base0", cli: "claude", session: "chosen" }],
    [{ type: "run.started", key: "a", n: 1, process, at: now - 60_000, mode: "acceptEdits" }],
  );
  if (told) tell(state, [{ type: "agent.reported", key: "a", n: 1, told }]);
  return state;
};

const lane = (state: State): Lane => laneOf(state, "a");

const ended = (told: AgentTold | undefined, over: Partial<Ended> = {}): Ended => ({
  n: 1,
  code: 1,
  endedAt: now,
  ranMs: 60_000,
  head: "base0",
  commits: 0,
  dirty: [],
  results: [],
  ...(told ? { told } : {}),
  ...over,
});

/** What is recorded when a run ends, and the lane that follows. */
const over = (told: AgentTold | undefined, how: Partial<Ended> = {}, spec: Partial<LaneSpec> = {}) => {
  const state = talking(undefined, spec);
  const events = verdict(lane(state), ended(told, how), now);
  expect(tell(state, events, { at: now })).toMatchObject({ effective: true });
  return { state, events, last: events.at(-1) as Extract<Event, { type: "lane.waiting" }>, lane: lane(state) };
};

describe("a run that ended at a limit", () => {
  const resetAt = now + 3_600_000;
  const limit = toldOf({ status: "blocked", kind: "limit", doing: "429", resetAt });

  test("waits, and goes on by itself between one and one and a half minutes after the reported moment", () => {
    const { last, lane: after, state } = over(limit, {}, { retries: 5 });
    expect(last).toMatchObject({ type: "lane.waiting", why: "limit reached until 2026-01-02T04:04Z: 429" });
    expect(Number(last.retryAt) - resetAt).toBeGreaterThanOrEqual(60_000);
    expect(Number(last.retryAt) - resetAt).toBeLessThan(90_000);
    expect(after).toMatchObject({ state: "waiting", retryAt: last.retryAt, failures: 0 });
    expect(needsPerson(after)).toBe(false);
    const policy = { ...limits, check: undefined, requireCheck: false };
    expect(plan(state, { runs: new Map(), rested: new Set() }, now, policy)).toEqual([]);
    expect(plan(state, { runs: new Map(), rested: new Set(["a"]) }, now, policy)).toEqual([
      { type: "requeue", lane: "a" },
    ]);
    expect(tell(state, [{ type: "lane.queued", key: "a", why: "" }])).toMatchObject({ effective: true });
    expect(lane(state).retryAt).toBeUndefined();
  });

  test("is not ready however well it looks", () => {
    expect(over(limit, { code: 0, commits: 1, head: "head1" }).lane.state).toBe("waiting");
  });

  test.each([
    ["nobody said until when", { resetAt: undefined }],
    ["the moment that was reported is over", { resetAt: now }],
  ])("waits for a person when %s", (_, change) => {
    const { resetAt: at, ...rest } = { ...limit, ...change };
    const { last, lane: after } = over(at === undefined ? rest : { ...rest, resetAt: at }, { dirty: ["x"] });
    expect(last).not.toHaveProperty("retryAt");
    expect(last).toMatchObject({
      why: "limit reached, nobody said until when: 429, 1 file not committed",
      paths: ["x"],
    });
    expect(needsPerson(after)).toBe(true);
  });

  test("is not tried for ever: the fifth in a row without a new commit calls a person", () => {
    const { state, last, lane: first } = over(limit, { head: "head1" });
    expect([last.halts, first.halts]).toEqual([
      { n: 1, head: "head1" },
      { n: 1, head: "head1" },
    ]);
    tell(state, [{ type: "lane.queued", key: "a", why: "" }]);
    expect(lane(state).halts).toEqual({ n: 1, head: "head1" });
    const next = (n: number, head: string): Event | undefined => {
      const again = { ...lane(talking()), halts: { n, head: "head1" } };
      return verdict(again, ended(limit, { head }), now).at(-1);
    };
    expect(next(3, "head1")).toMatchObject({ halts: { n: 4, head: "head1" }, retryAt: last.retryAt });
    expect(next(4, "head1")).toMatchObject({
      halts: { n: 5, head: "head1" },
      why: "limit reached until 2026-01-02T04:04Z: 429, 5 times in a row without a commit",
    });
    expect(next(4, "head1")).not.toHaveProperty("retryAt");
    expect(next(4, "head2")).toMatchObject({ halts: { n: 1, head: "head2" }, retryAt: last.retryAt });
    tell(state, [{ type: "lane.cancelled", key: "a", why: "" }]);
    expect(lane(state).halts).toBeUndefined();
    const odd = talking();
    const events = verdict(lane(odd), ended(limit), now);
    tell(
      odd,
      events.map((event) => (event.type === "lane.waiting" ? { ...event, halts: { n: 0.5, head: "" } } : event)),
    );
    expect(lane(odd)).toMatchObject({ state: "waiting", halts: undefined });
  });

  test("waits for a person when values of variables were lent to it", () => {
    expect(over(limit, {}, { env: ["KEY"] }).last).not.toHaveProperty("retryAt");
  });

  test("rests when somebody stops it meanwhile, and runs at once when somebody tries it again", () => {
    const { state } = over(limit);
    expect(decide(state, { type: "retry", lanes: ["a"] })).toMatchObject({ events: [{ type: "lane.queued" }] });
    const stop = decide(state, { type: "stop", lanes: ["a"] });
    expect(stop).toMatchObject({ events: [{ type: "lane.paused" }] });
    tell(state, "events" in stop ? stop.events : []);
    expect(lane(state)).toMatchObject({ state: "paused", retryAt: undefined });
  });

  test("has failed when it was ended for its time, and rests when it was stopped", () => {
    expect(over(limit, {}, { timeoutMs: 1000, retries: 0 }).lane.state).toBe("failed");
    const state = talking();
    tell(state, [{ type: "lane.stop-asked", key: "a", then: "pause" }]);
    expect(verdict(lane(state), ended(limit), now).at(-1)).toMatchObject({ type: "lane.paused" });
  });
});

test("a run that ended without a login waits for a person, whatever its exit code", () => {
  const login = toldOf({ status: "blocked", kind: "login", doing: "401" });
  for (const code of [0, 1]) {
    const { lane: after } = over(login, { code, commits: 1 }, { retries: 5 });
    expect(after).toMatchObject({ state: "waiting", detail: "needs a login: 401", retryAt: undefined });
    expect(needsPerson(after)).toBe(true);
  }
});

test("a run that ended while it asked for something else has failed, or did what git shows", () => {
  const asks = toldOf({ status: "blocked", kind: "question" });
  expect(over(asks, {}, { retries: 0 }).lane.state).toBe("failed");
  expect(over(asks, { code: 0, commits: 1 }).lane.state).toBe("ready");
});

test("what the agent told last is recorded with the end of its run, also when the run is lost", () => {
  expect(over(toldOf({ doing: "last" }), { code: 0 }).lane.run?.told?.doing).toBe("last");
  const state = talking();
  tell(state, lostVerdict(lane(state), now, toldOf({ doing: "last" })));
  expect(lane(state)).toMatchObject({ state: "lost", run: { told: { doing: "last" } } });
});

test("a run without a commit whose agent was not allowed to work says so", () => {
  expect(over(toldOf({ denied: 2 }), { code: 0 }).lane.detail).toBe(
    "the run ended without a commit; 2 uses of tools were not allowed",
  );
  expect(over(toldOf(), { code: 0 }).lane.detail).toBe("the run ended without a commit");
});

test("a CLI that is not there is named", () => {
  expect(over(undefined, { code: 127 }, { retries: 0 }).lane.detail).toBe(
    "exit code 127: claude was not found on PATH",
  );
  const plain = laneOf(laneIn("running"), "a");
  expect(verdict(plain, ended(undefined, { code: 127 }), now).at(-1)).toMatchObject({ why: "exit code 127" });
});

test("a lane that waits says what moves it on", () => {
  const next = (told: AgentTold): string => {
    const { state } = over(told);
    return nextStep(state, lane(state));
  };
  const limit = toldOf({ status: "blocked", kind: "limit" });
  expect(next(limit)).toBe("lanes retry a when the limit is over");
  expect(next({ ...limit, resetAt: now + 1 })).toBe("nothing; lanes retry a tries it at once");
  expect(next({ ...limit, kind: "login" })).toBe("log in to claude, then lanes retry a");
});

describe("rows", () => {
  const row = (state: State) => agentRows(state)[0];
  const laneRow = (state: State) => laneRows(state, undefined, now, limits)[0];

  test("show what a running agent says of itself, since when, and what it used", () => {
    const tokens = { input: 3000, cached: 600, output: 150 };
    const state = talking(toldOf({ tokens, cost: 0.5, mode: "plan" }));
    expect(row(state)).toMatchObject({
      status: "working",
      source: "stream",
      since: now - 30_000,
      doing: "Bash: make",
      mode: "plan",
      tokens: 3750,
      cost: 0.5,
      heardAt: now - 1000,
    });
    expect(laneRow(state)).toMatchObject({ detail: "Bash: make", attention: false, heardAt: now - 1000 });
  });

  test("of one that said nothing yet go by its process, and by its start", () => {
    expect(row(talking())).toMatchObject({
      status: "working",
      source: "process",
      mode: "acceptEdits",
      doing: "",
      heardAt: now - 60_000,
    });
    expect(row(laneIn("running"))).not.toHaveProperty("heardAt");
    expect(row(talking(toldOf({ status: "starting" })))).toMatchObject({ status: "starting" });
  });

  test.each([
    ["permission", true],
    ["login", true],
    ["limit", false],
  ] as const)("of one that waits (%s) say so, and whether it needs a person: %s", (kind, needs) => {
    const state = talking(toldOf({ status: "blocked", kind, doing: "?" }));
    expect(row(state)).toMatchObject({ status: "blocked", kind });
    expect(laneRow(state)).toMatchObject({ detail: `agent waits (${kind}): ?`, attention: needs });
    expect(lane(state).state).toBe("running");
  });

  test("keep a report of progress before what the agent does", () => {
    const state = talking(toldOf());
    tell(state, [{ type: "lane.progressed", key: "a", text: "half" }]);
    expect(laneRow(state)?.detail).toBe("half");
  });

  test("go by the process where it stands still, waits or is over", () => {
    const frozen = talking(toldOf());
    tell(frozen, [{ type: "lane.freeze-asked", key: "a" }]);
    tell(frozen, [{ type: "lane.frozen", key: "a", n: 1 }]);
    expect(row(frozen)).toMatchObject({ status: "paused", source: "process" });
    expect(row(frozen)).not.toHaveProperty("heardAt");
    const asks = talking(toldOf());
    tell(asks, [{ type: "lane.waiting", key: "a", why: "asks", paths: [] }]);
    expect(row(asks)).toMatchObject({ status: "blocked", source: "process" });
    expect(row(over(toldOf(), { code: 0, commits: 1 }).state)).toMatchObject({ status: "done", source: "journal" });
    expect(row(frozenLane())).toMatchObject({ status: "paused" });
    const limit = toldOf({ status: "blocked", kind: "limit" });
    expect(row(over(limit).state)).toMatchObject({ status: "blocked", kind: "limit", source: "journal" });
    const asked = over(toldOf({ status: "blocked", kind: "question" }), { code: 0, dirty: ["x"] });
    expect(row(asked.state)).toMatchObject({ status: "done", source: "journal" });
  });
});

test("scripts read it all", () => {
  const told = toldOf({
    session: "s1",
    resetAt: now,
    tokens: { input: 1, cached: 2, output: 3 },
    heardAt: now - 300_000,
  });
  const json = (state: State) =>
    (trackerOf(state, undefined, now, limits) as { lanes: Record<string, { run: Record<string, unknown> }> }).lanes[
      "a"
    ];
  expect(json(talking(told))?.run).toMatchInlineSnapshot(`
    {
      "agent": {
        "costUsd": null,
        "denied": 0,
        "doing": "Bash: make",
        "heardAt": "2026-01-02T02:59:05.000Z",
        "kind": null,
        "mode": "acceptEdits",
        "quiet": false,
        "resetAt": "2026-01-02T03:04:05.000Z",
        "since": "2026-01-02T03:03:35.000Z",
        "source": "stream",
        "status": "working",
        "tokens": {
          "cached": 2,
          "input": 1,
          "output": 3,
        },
        "unknownEvents": 0,
      },
      "base": "base0",
      "cli": "claude",
      "code": null,
      "endedAt": null,
      "frozen": false,
      "n": 1,
      "pid": 4242,
      "session": "s1",
      "signal": null,
      "startedAt": "2026-01-02T03:03:05.000Z",
    }
  `);
  expect(json(talking())?.run).toMatchObject({ session: "chosen", agent: { source: "process", heardAt: null } });
  expect(json(laneIn("running"))?.run).not.toHaveProperty("agent");
  expect(json(over(toldOf({ status: "blocked", kind: "limit", resetAt: now + 5 })).state)).toHaveProperty("retryAt");
});

test("what is no report is none", () => {
  const good = toldOf({
    kind: "trust",
    session: "s",
    mode: "m",
    cost: 1,
    resetAt: now,
    tokens: { input: 0, cached: 0, output: 0 },
  });
  expect(isTold(good)).toBe(true);
  for (const [field, bad] of Object.entries({
    status: "dancing",
    kind: "hunger",
    since: "now",
    doing: 5,
    heardAt: 1e300,
    read: -1,
    session: 5,
    mode: null,
    cost: -1,
    denied: undefined,
    unknown: Number.NaN,
    strange: [5],
    resetAt: "soon",
  }))
    expect([field, isTold({ ...good, [field]: bad })]).toEqual([field, false]);
  for (const tokens of [null, 5, { input: 1 }, { input: -1, cached: 0, output: 0 }])
    expect(isTold({ ...good, tokens })).toBe(false);
  for (const value of [null, 5, undefined]) expect(isTold(value)).toBe(false);
  const state = talking();
  const report = (key: string, n: number) => tell(state, [{ type: "agent.reported", key, n, told: good }]).reason;
  expect([report("b", 1), report("a", 2)]).toEqual([
    'agent.reported: no lane "b"',
    "agent.reported: lane a has no run 2",
  ]);
});

test("a report leaves the lane's rev alone: an agent that talks a lot does not make wishes come late", () => {
  const state = talking();
  const { rev } = lane(state);
  tell(state, [{ type: "agent.reported", key: "a", n: 1, told: toldOf() }]);
  expect(lane(state).rev).toBe(rev);
});
