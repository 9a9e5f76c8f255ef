import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { decide, isRefusal } from "../../src/core/decide.ts";
import { type ExecutionPlan, parseReport, planLanes } from "../../src/core/gaps.ts";
import { isFault } from "../../src/core/parse.ts";
import { emptyState, type State } from "../../src/core/state.ts";
import { laneIn, tell } from "./build.ts";

const report = (gaps: unknown, over: object = {}): string => JSON.stringify({ probe: "p", gaps, ...over });
const gap = (id: string, over: object = {}): object => ({ id, ...over });
const policy = { lanesMax: 100 };
const planned = (gaps: readonly object[], state: State = emptyState(), lanesMax = 100): ExecutionPlan | string => {
  const answer = planLanes(state, new Map([["p.json", report(gaps)]]), { lanesMax }, "2026-01-02T03:04:05.000Z");
  return isFault(answer) ? `${answer.path}: ${answer.fault} [${answer.hint}]` : answer;
};
const faultOf = (source: string): string => {
  const answer = parseReport(source);
  return isFault(answer) ? `${answer.path}: ${answer.fault}` : "fine";
};

describe("a probe's report", () => {
  test("that says little has defaults", () => {
    expect(parseReport('{"probe": "p"}')).toEqual({ probe: "p", ok: true, findings: [], gaps: [] });
    expect(parseReport(report([gap("a")]))).toMatchObject({
      gaps: [{ id: "a", title: "a", tasks: ["a"], paths: [], dependsOn: [], priority: "normal", parallel: true }],
    });
  });

  test("is read whole, whatever a finding is", () => {
    const one = {
      id: "a",
      title: "T",
      tasks: ["t"],
      paths: ["p"],
      dependsOn: ["b"],
      priority: "high",
      parallel: false,
    };
    const findings = ["text", { line: 3 }, null, "y".repeat(5000)];
    expect(parseReport(report([one], { ok: false, findings }))).toEqual({
      probe: "p",
      ok: false,
      findings: ["text", '{"line":3}', "null", "y".repeat(2000)],
      gaps: [one],
    });
  });

  test("may be nested deeper than anybody can walk", () => {
    const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
    expect(parseReport(`{"probe": "p", "findings": [${deep}]}`)).toMatchObject({ findings: ["(nested too deeply)"] });
  });

  test.each(["command", "check", "env", "acceptance", "agent"])("cannot give a lane its %s", (key) => {
    expect(faultOf(report([gap("a"), gap("b", { [key]: "rm -rf ." })]))).toBe(
      `gaps[1].${key}: is not taken from a probe`,
    );
  });

  test.each<[unknown]>([
    ["-rf"],
    [".."],
    ["a/b"],
    ["a\u0000"],
    ["a\u202E"],
    ["x".repeat(100_000)],
    ["__proto__"],
    ["constructor"],
    [7],
    [null],
    [undefined],
  ])("cannot name a gap %j", (id) => {
    expect(faultOf(report([{ id }]))).toMatch(/^gaps\[0\]\.id: .{1,200}$/);
  });

  test("is refused at the first field that is wrong", () => {
    expect(faultOf("{")).toBe(": is not JSON: it ends too early");
    expect(faultOf("{}")).toBe("probe: must be a string, not nothing");
    expect(faultOf(report([gap("a", { priority: "urgent" })]))).toBe(
      'gaps[0].priority: must be one of low, normal, high, not "urgent"',
    );
    expect(faultOf(report([gap("a", { dependsOn: "b" })]))).toBe('gaps[0].dependsOn: must be a list, not "b"');
  });

  test("never makes the parser throw", () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.array(fc.jsonValue())), (value) => {
        for (const source of [JSON.stringify(value), report(value), report([value])]) {
          const answer = parseReport(source);
          expect(isFault(answer) ? answer.fault.slice(300) : "").toBe("");
        }
      }),
    );
  });
});

describe("a plan", () => {
  test("has a lane for each gap, in waves, with what the configuration gives to all", () => {
    const reports = new Map([
      ["one.json", report([gap("b", { dependsOn: ["a"], title: "Bee" }), gap("c")])],
      ["two.json", report([gap("a", { priority: "low" })])],
    ]);
    const answer = planLanes(
      emptyState(),
      reports,
      { ...policy, agent: "bob", command: ["fix"], check: "make" },
      "now",
    );
    expect(answer).toEqual({
      version: 1,
      createdAt: "now",
      from: ["one.json", "two.json"],
      lanes: {
        b: expect.objectContaining({ name: "Bee", dependsOn: ["a"], agent: "bob", command: ["fix"], check: "make" }),
        c: expect.objectContaining({ kind: "work", commit: "agent", retries: 2, env: [] }),
        a: expect.objectContaining({ priority: "low" }),
      },
      order: [["a", "c"], ["b"]],
      skipped: [],
    });
  });

  test("skips gaps that have a lane, twins, and what is too much, with the reason", () => {
    const state = laneIn("merged");
    expect(planned([gap("A"), gap("b"), gap("B"), gap("c"), gap("d")], state, 2)).toMatchObject({
      order: [["b", "c"]],
      skipped: [
        { gap: "A", why: "lane a exists and is merged" },
        { gap: "B", why: "another gap has this id" },
        { gap: "d", why: "more than 2 lanes" },
      ],
    });
  });

  test("skips what depends on a skipped gap, and so on", () => {
    const chain = [gap("x", { dependsOn: ["c"] }), gap("a", { dependsOn: ["x"] }), gap("b"), gap("c")];
    expect(planned(chain, emptyState(), 3)).toMatchObject({
      order: [["b"]],
      skipped: [
        { gap: "c", why: "more than 3 lanes" },
        { gap: "x", why: "depends on c, which is skipped" },
        { gap: "a", why: "depends on x, which is skipped" },
      ],
    });
  });

  test("may build on lanes that exist, skipped or not", () => {
    expect(planned([gap("a"), gap("b", { dependsOn: ["a"] })], laneIn("ready"))).toMatchObject({ order: [["b"]] });
  });

  test("is refused for unknown ids and circles, with file and field", () => {
    expect(planned([gap("a"), gap("b", { dependsOn: ["a", "z\u001B"] })])).toBe(
      String.raw`p.json: gaps[1].dependsOn[1]: "z\u{1b}" is neither a gap nor a lane [name an id of this plan]`,
    );
    expect(planned([gap("a", { dependsOn: ["b"] }), gap("b", { dependsOn: ["a"] })])).toBe(
      "p.json: gaps[0].dependsOn: gaps depend on each other: a → b → a [take one of these dependencies away]",
    );
    expect(planned([{ id: "-x" }])).toMatch(/^p\.json: gaps\[0\]\.id: /);
    expect(planLanes(emptyState(), new Map([["q.json", "nonsense"]]), policy, "")).toMatchObject({ path: "q.json" });
  });

  test("can always be added, and planned again holds none of its lanes", () => {
    const arbitrary = fc.array(
      fc.record({
        id: fc.constantFrom("a", "b", "c", "d", "A"),
        dependsOn: fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 2 }),
        parallel: fc.boolean(),
      }),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(arbitrary, fc.integer({ min: 1, max: 4 }), (gaps, lanesMax) => {
        const state = emptyState();
        const made = planned(gaps, state, lanesMax);
        if (typeof made === "string") return;
        const lanes = Object.entries(made.lanes).map(([id, spec]) => ({ id, spec }));
        expect(made.order.flat().toSorted()).toEqual(lanes.map(({ id }) => id).toSorted());
        const decision = decide(state, { type: "add", lanes, skipped: made.skipped.length });
        if (isRefusal(decision)) throw new Error(decision.refused);
        expect(tell(state, decision.events, { if: decision.if }).effective).toBe(true);
        const again = planned(gaps, state);
        const twice = typeof again === "string" ? [] : lanes.filter(({ id }) => Object.hasOwn(again.lanes, id));
        expect(twice).toEqual([]);
      }),
    );
  });
});
