/** Leases in the log: what each fact does, what each wish means, and what the engine plans. */
import { describe, expect, test } from "vitest";

import type { Command } from "../../src/core/command.ts";
import { decide, isRefusal } from "../../src/core/decide.ts";
import type { Event } from "../../src/core/event.ts";
import { type Claim, claimsOf, ttlDefaultMs } from "../../src/core/lease.ts";
import { needsEngine, plan } from "../../src/core/plan.ts";
import { leaseAtStart, startable, waitOf } from "../../src/core/schedule.ts";
import { claimRows, lockRows } from "../../src/core/select.ts";
import { snapshotState, snapshotText } from "../../src/core/snapshot.ts";
import type { State } from "../../src/core/state.ts";
import { added, laneOf, limits, now, process, stateOf, tell, timeOf } from "./build.ts";

const asked = (
  key: string,
  paths: readonly string[],
  over: Partial<Extract<Event, { type: "lease.asked" }>> = {},
): Event => ({
  type: "lease.asked",
  key,
  paths,
  shared: false,
  ttlMs: 60_000,
  start: false,
  ...over,
});

/** Lanes a, b and c, and these records. */
const lanesAnd = (...records: readonly (readonly Event[])[]): State =>
  stateOf([added("a")], [added("b")], [added("c", { priority: "low" })], ...records);

/** Each claim as `id lane token`. */
const seen = (state: State): readonly string[] =>
  claimsOf(state).map(({ id, lane, token }) => `${id} ${lane} ${token ?? "waits"}`);

const why = (state: State, event: Event): string | undefined => tell(state, [event]).reason;

const run = (key: string): readonly (readonly Event[])[] => [
  [{ type: "lane.queued", key, why: "" }],
  [{ type: "run.asked", key, n: 1, base: "b" }],
  [{ type: "run.started", key, n: 1, process, at: now }],
];

describe("facts", () => {
  test("a claim is granted when nothing is in its way, and waits otherwise", () => {
    const state = lanesAnd(
      [asked("a", ["src/**"])],
      [asked("b", ["src/x.ts"])],
      [asked("c", ["docs"], { shared: true })],
    );
    expect(seen(state)).toEqual(["4 a 4", "5 b waits", "6 c 6"]);
    expect(claimsOf(state)[0]).toEqual({
      id: 4,
      lane: "a",
      paths: ["src/**"],
      shared: false,
      ttlMs: 60_000,
      at: timeOf(4),
      token: 4,
      place: 4,
      source: "person",
    } satisfies Claim);
  });

  test("times that make no sense are brought into bounds", () => {
    const state = lanesAnd(
      [asked("a", ["a"], { ttlMs: 1 })],
      [asked("a", ["b"], { ttlMs: Number.NaN })],
      [asked("a", ["c"], { ttlMs: 1e12 })],
    );
    expect(claimsOf(state).map(({ ttlMs }) => ttlMs)).toEqual([1000, ttlDefaultMs, 604_800_000]);
  });

  test("one that belongs to a start is granted at once, or is void", () => {
    const state = lanesAnd([asked("a", ["src/**"], { start: true })]);
    expect(claimsOf(state)[0]?.source).toBe("start");
    expect(why(state, asked("b", ["src/x"], { start: true }))).toBe("lease.asked: its paths are leased to others");
    expect(seen(state)).toEqual(["4 a 4"]);
  });

  test.each<[string, Event, string]>([
    ["no lane", asked("zz", ["a"]), 'no lane "zz"'],
    ["no paths", asked("a", []), "names no paths"],
    ["a list of something else", asked("a", [7] as never), "names no paths"],
    ["a bad pattern", asked("a", ["../x"]), 'a pattern has no ".."'],
    ["a bad resource", asked("a", ["@"]), "a resource is @ and a name of letters, digits, '.', '_' and '-'"],
    [
      "too many",
      asked(
        "a",
        Array.from({ length: 101 }, (_, n) => `${n}`),
      ),
      "names more than 100 patterns",
    ],
    ["a lane that is cancelled", asked("gone", ["a"]), "lane gone is cancelled"],
    ["a claim that is not there", { type: "lease.released", key: "a", id: 9 }, 'lane "a" has no claim 9'],
    ["another's claim", { type: "lease.broken", key: "b", id: 6, why: "" }, 'lane "b" has no claim 6'],
    ["a renewal of nothing", { type: "lease.renewed", key: "a", id: 9, token: 9 }, 'lane "a" has no claim 9'],
    ["an old token", { type: "lease.renewed", key: "a", id: 6, token: 5 }, "claim 6 has another token"],
    ["a token of what waits", { type: "lease.renewed", key: "b", id: 7, token: 7 }, "claim 7 has another token"],
    ["no circle", { type: "lease.yielded", key: "a", lanes: ["a"] }, 'lane "a" keeps nobody waiting for ever'],
  ])("%s is void", (_, event, reason) => {
    const state = lanesAnd(
      [added("gone"), { type: "lane.cancelled", key: "gone", why: "" }],
      [{ type: "phase.entered", phase: 1 }],
      [asked("a", ["src"])],
      [asked("b", ["src"])],
    );
    expect(why(state, event)).toBe(`${event.type}: ${reason}`);
  });

  test("a repository has a thousand claims at most", () => {
    const state = lanesAnd();
    state.claims = Array.from({ length: 1000 }, (_, id) => ({
      id,
      lane: "b",
      paths: [`x${id}`],
      shared: true,
      ttlMs: 1,
      at: 0,
      token: id,
      place: id,
      source: "person",
    }));
    expect(why(state, asked("a", ["y"]))).toBe("lease.asked: more than 1000 claims");
  });

  test.each<Event>([
    { type: "lease.released", key: "a", id: 4 },
    { type: "lease.broken", key: "a", id: 4, why: "it hangs" },
    { type: "lease.expired", key: "a", id: 4, why: "nothing runs in its lane" },
    { type: "lane.cancelled", key: "a", why: "" },
  ])("after $type the next one gets the paths", (event) => {
    const state = lanesAnd([asked("a", ["src"])], [asked("b", ["src"])], [event]);
    expect(seen(state)).toEqual(["5 b 6"]);
    expect(claimsOf(state)[0]?.at).toBe(timeOf(6));
  });

  test("what landed needs its paths no more; what could not move keeps them", () => {
    const state = lanesAnd([asked("a", ["src"])]);
    const landed: Event = {
      type: "merge.landed",
      key: "a",
      merge: "m",
      target: "main",
      before: "b",
      head: "h",
      tested: "passed",
    };
    expect(tell(state, [landed]).effective).toBe(false);
    expect(tell(state, [{ type: "lane.cancelled", key: "zz", why: "" }]).effective).toBe(false);
    expect(seen(state)).toEqual(["4 a 4"]);
    tell(state, [
      { type: "lane.queued", key: "a", why: "" },
      { type: "run.asked", key: "a", n: 1, base: "b" },
    ]);
    tell(state, [{ type: "lane.opened", key: "a", base: "b" }]);
    state.lanes.set("a", { ...laneOf(state, "a"), state: "merging" });
    expect(tell(state, [landed])).toMatchObject({ effective: true });
    expect(seen(state)).toEqual([]);
  });

  test("a renewal counts from when it was written", () => {
    const state = lanesAnd(
      [asked("a", ["src"])],
      [{ type: "lease.renewed", key: "a", id: 4, token: 4 }],
      [asked("b", ["x"])],
    );
    expect(claimsOf(state).map(({ at }) => at)).toEqual([timeOf(5), timeOf(6)]);
  });

  test("of lanes that wait for each other the one that weighs least gives way, and gets it back after the others", () => {
    const state = lanesAnd([asked("a", ["x"])], [asked("c", ["y"])], [asked("a", ["y"])], [asked("c", ["x"])]);
    const steps = plan(state, { runs: new Map(), rested: new Set() }, timeOf(8), {
      ...limits,
      check: undefined,
      requireCheck: false,
    });
    expect(steps).toEqual([{ type: "yield", lane: "c", lanes: ["a", "c"] }]);
    expect(why(state, { type: "lease.yielded", key: "a", lanes: ["a", "c"] })).toMatch(/keeps nobody waiting/);
    expect(why(state, { type: "lease.yielded", key: "c", lanes: ["a", "c"] })).toBeUndefined();
    expect(seen(state)).toEqual(["4 a 4", "5 c waits", "6 a 9", "7 c waits"]);
  });

  test("a lane that is gone from the state weighs nothing", () => {
    const state = lanesAnd([asked("a", ["x"])], [asked("c", ["y"])], [asked("a", ["y"])], [asked("c", ["x"])]);
    state.lanes.delete("a");
    const steps = plan(state, { runs: new Map(), rested: new Set() }, timeOf(8), {
      ...limits,
      check: undefined,
      requireCheck: false,
    });
    expect(steps).toEqual([{ type: "yield", lane: "a", lanes: ["a", "c"] }]);
  });

  test("a snapshot holds them", () => {
    const state = lanesAnd([asked("a", ["src"])], [asked("b", ["src"])]);
    expect(snapshotState(snapshotText(state))).toEqual(state);
  });
});

describe("wishes", () => {
  const base = (): State => lanesAnd([asked("a", ["src"])], [asked("b", ["src"])], [asked("b", ["docs"])]);
  const claim = (lane: string, paths: readonly string[], shared = false): Command => ({
    type: "claim",
    lane,
    paths,
    shared,
    ttlMs: 60_000,
  });

  test.each<[string, Command, readonly Event[]]>([
    ["a claim", claim("a", ["docs", "docs"]), [asked("a", ["docs"])]],
    ["the same claim again", claim("b", ["src"]), []],
    ["the same paths, shared", claim("b", ["src"], true), [asked("b", ["src"], { shared: true })]],
    ["a renewal", { type: "renew", lane: "a" }, [{ type: "lease.renewed", key: "a", id: 4, token: 4 }]],
    [
      "a renewal of one",
      { type: "renew", lane: "b", token: 6 },
      [{ type: "lease.renewed", key: "b", id: 6, token: 6 }],
    ],
    [
      "a release",
      { type: "release", lane: "b" },
      [
        { type: "lease.released", key: "b", id: 5 },
        { type: "lease.released", key: "b", id: 6 },
      ],
    ],
    ["a release of one", { type: "release", lane: "b", claim: 6 }, [{ type: "lease.released", key: "b", id: 6 }]],
    ["a release of nothing", { type: "release", lane: "c" }, []],
    ["a release once more", { type: "release", lane: "c", claim: 99 }, []],
    ["breaking", { type: "break", claim: 4, why: "x" }, [{ type: "lease.broken", key: "a", id: 4, why: "x" }]],
  ])("%s", (_, command, events) => {
    const state = base();
    const decision = decide(state, command);
    if (isRefusal(decision)) throw new Error(decision.refused);
    expect(decision.events).toEqual(events);
    expect(tell(state, events)).toMatchObject({ effective: true });
  });

  test.each<[Command, string, number]>([
    [claim("zz", ["x"]), 'no lane "zz"', 64],
    [claim("gone", ["x"]), "lane gone is cancelled: it needs no lease", 4],
    [claim("a", ["/x"]), "a pattern is relative to the top of the repository", 65],
    [{ type: "renew", lane: "zz" }, 'no lane "zz"', 64],
    [{ type: "renew", lane: "c" }, "lane c has no lease", 4],
    [{ type: "renew", lane: "a", token: 3 }, "lane a has no lease with token 3", 4],
    [{ type: "release", lane: "zz" }, 'no lane "zz"', 64],
    [{ type: "release", lane: "a", claim: 6 }, "claim 6 is not of lane a", 4],
    [{ type: "break", claim: 77, why: "" }, "there is no claim 77", 4],
  ])("%j is refused", (command, refused, code) => {
    const state = base();
    tell(state, [added("gone"), { type: "lane.cancelled", key: "gone", why: "" }]);
    expect(decide(state, command)).toMatchObject({ refused, code });
  });
});

describe("starts", () => {
  const queued = (key: string, paths: readonly string[], over = {}): readonly Event[] => [
    added(key, { paths, ...over }),
    { type: "lane.queued", key, why: "" },
  ];
  const next = (state: State): readonly string[] => startable(state, now, limits).map(({ id }) => id);

  test("take the lane's own paths with them, those that can be leased", () => {
    const state = stateOf(
      queued("a", ["src/**", "/bad", "docs"]),
      [added("b")],
      [added("p", { kind: "probe", paths: ["x"] })],
    );
    expect(leaseAtStart(state, laneOf(state, "a"))).toEqual([
      asked("a", ["src/**", "docs"], { ttlMs: ttlDefaultMs, start: true }),
    ]);
    expect(leaseAtStart(state, laneOf(state, "b"))).toEqual([]);
    expect(leaseAtStart(state, laneOf(state, "p"))).toEqual([]);
    tell(state, leaseAtStart(state, laneOf(state, "a")));
    expect(leaseAtStart(state, laneOf(state, "a"))).toEqual([]);
  });

  test("wait for paths that somebody has, and say whose", () => {
    const state = stateOf([added("h")], [asked("h", ["src/**"])], queued("a", ["src/x"]), queued("b", ["docs"]));
    expect(next(state)).toEqual(["b"]);
    expect(waitOf(state, laneOf(state, "a"), now, limits)).toEqual({
      why: "lease",
      lanes: ["h"],
      text: "waits for src/** (leased to h)",
    });
  });

  test("keep their paths for themselves while they wait: who comes later does not get ahead", () => {
    const state = stateOf(
      [added("h")],
      [asked("h", ["src/a"])],
      queued("a", ["src/a", "src/b", "src/c"]),
      queued("b", ["src/b"]),
    );
    expect(next(state)).toEqual([]);
    tell(state, [{ type: "lease.released", key: "h", id: 2 }]);
    expect(next(state)).toEqual(["a"]);
    expect(waitOf(state, laneOf(state, "b"), now, limits)?.text).toBe("waits for src/a, src/b, … (leased to a)");
  });

  test("of a lane that takes no paths are named by what they wait for otherwise", () => {
    const state = stateOf(queued("a", []), queued("b", []), queued("c", []));
    expect(waitOf(state, laneOf(state, "c"), now, limits)?.why).toBe("slot");
  });
});

describe("time", () => {
  const policy = { ...limits, check: undefined, requireCheck: false };
  const expired = (state: State, at: number): readonly string[] =>
    plan(state, { runs: new Map(), rested: new Set() }, at, policy).flatMap((step) =>
      step.type === "expire" ? [`${step.claim} ${step.lane}: ${step.why}`] : [],
    );
  const at = timeOf(4);

  test("alone takes no lease away while something runs in the lane, and one that nobody renews in the end", () => {
    const state = lanesAnd([asked("a", ["src"])], ...run("a"));
    expect([60_000, 60_001, 180_000, 180_001].map((age) => expired(state, at + age))).toEqual([
      [],
      [],
      [],
      ["4 a: it was not renewed"],
    ]);
    const start = lanesAnd([asked("a", ["src"], { start: true })], ...run("a"));
    expect(expired(start, at + 1e9)).toEqual([]);
  });

  test("and nothing that runs take it away; work that waits to land keeps it", () => {
    const state = lanesAnd([asked("a", ["src"], { start: true })], [asked("b", ["src"])]);
    expect([expired(state, at + 60_000), expired(state, at + 60_001)]).toEqual([[], ["4 a: nothing runs in its lane"]]);
    tell(state, [{ type: "lane.queued", key: "a", why: "" }]);
    expect(expired(state, at + 60_001)).toEqual([]);
    state.lanes.set("a", { ...laneOf(state, "a"), state: "ready" });
    expect(expired(state, at + 60_001)).toEqual([]);
    state.lanes.delete("a");
    expect(expired(state, at + 60_001)).toEqual(["4 a: nothing runs in its lane"]);
  });

  test("keeps an engine as long as somebody waits for a lease", () => {
    const needed = (state: State): boolean => needsEngine(state, at, limits);
    expect(needed(lanesAnd([asked("a", ["src"])]))).toBe(false);
    expect(needed(lanesAnd([asked("a", ["src"])], [asked("b", ["src"])]))).toBe(true);
    const held = lanesAnd(
      [asked("a", ["src"])],
      [added("d", { paths: ["src"] })],
      [{ type: "lane.queued", key: "d", why: "" }],
    );
    expect(needed(held)).toBe(true);
    expect(needed(stateOf([added("d", { dependsOn: ["d"] })], [{ type: "lane.queued", key: "d", why: "" }]))).toBe(
      false,
    );
  });

  test("one step for a lane: what else it needs comes first", () => {
    const state = lanesAnd([asked("a", ["src"], { start: true })], ...run("a"), [
      { type: "run.exited", key: "a", n: 1, code: 1, at: now },
      { type: "lane.failed", key: "a", why: "", retryAt: now },
    ]);
    const steps = plan(state, { runs: new Map(), rested: new Set(["a"]) }, at + 60_001, policy);
    expect(steps).toEqual([{ type: "requeue", lane: "a" }]);
  });
});

test("rows show leases and who waits behind whom", () => {
  const state = lanesAnd([asked("a", ["src", "lib"], { shared: true })], [asked("b", ["src"])]);
  expect(claimRows(state).map(({ lane, behind }) => [lane, behind])).toEqual([
    ["a", []],
    ["b", ["a"]],
  ]);
  expect(lockRows(state, undefined)).toEqual([
    {
      kind: "lease",
      what: "src, lib (shared) #4",
      holder: "a",
      since: timeOf(4),
      until: timeOf(4) + 60_000,
      life: "waits",
      lane: "a",
      claim: 4,
    },
    { kind: "wait", what: "src #5", holder: "b behind a", since: timeOf(5), life: "waits", lane: "b", claim: 5 },
  ]);
});
