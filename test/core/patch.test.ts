import fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { Event } from "../../src/core/event.ts";
import { isFault } from "../../src/core/parse.ts";
import { type Doc, editsOf, isIdle, objectOf, parseDoc, type Patch, patchOf } from "../../src/core/patch.ts";
import type { State } from "../../src/core/state.ts";
import { trackerOf } from "../../src/core/tracker.ts";
import { added, laneIn, laneOf, limits, now, reachable, stateOf, tell, withLane } from "./build.ts";

const tracked = (state: State): Doc => JSON.parse(JSON.stringify(trackerOf(state, undefined, now, limits))) as Doc;

/** What a patch of some fields comes to. */
const patched = (state: State, fields: Doc, only?: string): Patch => {
  const present = tracked(state);
  return patchOf(state, present, editsOf(present, fields, { exact: true, whole: false }), only);
};

/** Record a patch; a patch whose record is void is a mistake of the core. */
const record = (state: State, patch: Patch): State => {
  const { effective, reason } = tell(state, patch.events, { if: patch.if });
  expect({ effective, reason }).toEqual({ effective: true, reason: undefined });
  return state;
};

const leftIn = ({ left }: Patch): readonly string[] => left.map(({ path, why, code }) => `${path}: ${why} (${code})`);
const types = ({ events }: Patch): readonly string[] => events.map(({ type }: Event) => type);
const lanes = (fields: Doc): Doc => ({ lanes: { a: fields } });

describe("a patch of a lane", () => {
  test("sets its definition, and the tracker shows it", () => {
    const state = laneIn("planned");
    withLane(state, "planned");
    const fields = {
      name: "Other",
      tasks: ["one", "two"],
      priority: "high",
      parallel: false,
      dependsOn: ["b"],
      paths: ["src"],
    };
    const patch = patched(state, lanes(fields));
    expect([patch.left, types(patch)]).toEqual([[], ["tracker.patched"]]);
    record(state, patch);
    expect(tracked(state)).toMatchObject({ lanes: { a: fields } });
    expect(isIdle(patched(state, lanes(fields)))).toBe(true);
  });

  test("sets what the tracker does not show, and takes it out again", () => {
    const state = record(
      laneIn("planned"),
      patched(laneIn("planned"), lanes({ prompt: "do", timeoutMs: 5000, retries: 1 })),
    );
    expect(laneOf(state, "a").spec).toMatchObject({ prompt: "do", timeoutMs: 5000, retries: 1 });
    record(state, patched(state, lanes({ prompt: null })));
    expect(laneOf(state, "a").spec).not.toHaveProperty("prompt");
  });

  test("keeps progress, results and fields of others, whatever the lane does", () => {
    const state = laneIn("running");
    record(state, patched(state, lanes({ progress: 50, results: ["r.md"], note: { x: [1] } })));
    expect(tracked(state)).toMatchObject({ lanes: { a: { progress: "50", results: ["r.md"], note: { x: [1] } } } });
    tell(state, [
      { type: "run.exited", key: "a", n: 1, code: 0, at: now },
      { type: "lane.readied", key: "a", head: "h", results: ["docs/_generated/p.json"] },
    ]);
    expect(tracked(state)).toMatchObject({ lanes: { a: { results: ["docs/_generated/p.json", "r.md"] } } });
    expect(laneOf(state, "a").results).toEqual(["docs/_generated/p.json"]);
    expect(leftIn(patched(state, lanes({ results: ["r.md"] })))).toEqual([
      "lanes.a.results: docs/_generated/p.json is on the lane's branch (4)",
    ]);
    record(state, patched(state, lanes({ results: ["docs/_generated/p.json"] })));
    expect(tracked(state)).toMatchObject({ lanes: { a: { results: ["docs/_generated/p.json"] } } });
  });

  test.each(["command", "check", "acceptance", "env"])("never takes %s from the tracker", (field) => {
    const state = laneIn("planned");
    expect(leftIn(patched(state, lanes({ [field]: "rm -rf /" })))).toEqual([
      `lanes.a.${field}: commands are not taken from the tracker (4)`,
    ]);
    const patch = patched(state, { lanes: { fresh: { tasks: ["x"], [field]: "rm" } } });
    expect(leftIn(patch)).toEqual([`lanes.fresh.${field}: commands are not taken from the tracker (4)`]);
    expect(record(state, patch).lanes.has("fresh")).toBe(false);
  });

  test.each<[string, Doc, string]>([
    ["a wrong word", { priority: "hgh" }, 'lanes.a.priority: must be one of low, normal, high, not "hgh" (65)'],
    ["a wrong type", { parallel: "yes" }, 'lanes.a.parallel: must be true or false, not "yes" (65)'],
    ["a wrong item", { tasks: ["x", 3] }, "lanes.a.tasks: [1] must be a string, not 3 (65)"],
    ["wrong results", { results: ["x", 3] }, "lanes.a.results: [1] must be a string, not 3 (65)"],
    ["wrong progress", { progress: [] }, "lanes.a.progress: must be a string, not a list (65)"],
    ["a wrong status", { status: "done" }, "lanes.a.status: must be one of created, running, completed, failed (65)"],
    [
      "an unknown lane",
      { dependsOn: ["z"] },
      'lanes.a.dependsOn: dependsOn[0]: lane a depends on "z", which does not exist (65)',
    ],
    ["itself", { dependsOn: ["a"] }, "lanes.a.dependsOn: lane a depends on itself (65)"],
    ["what is decided once", { target: "x" }, "lanes.a.target: is decided when a lane is added (4)"],
    ["what follows", { state: "merged" }, "lanes.a.state: follows from the journal and from git (4)"],
    ["what follows, unseen", { blockedPaths: [] }, "lanes.a.blockedPaths: follows from the journal and from git (4)"],
    ["too much", { note: "x".repeat(20_000) }, "lanes.a.note: is longer than 16384 characters (65)"],
    ["too long a name", { ["n".repeat(201)]: 1 }, "has too long a name (65)"],
  ])("leaves %s as it was, and says where", (_, fields, line) => {
    const state = laneIn("planned");
    const patch = patched(state, lanes({ ...fields, mine: 1 }));
    expect(leftIn(patch)).toEqual([expect.stringContaining(line)]);
    expect(tracked(record(state, patch))).toMatchObject({ lanes: { a: { mine: 1, priority: "normal" } } });
  });

  test("looks for circles in all that it sets together", () => {
    const state = withLane(laneIn("planned"), "planned");
    const patch = patched(state, { lanes: { a: { dependsOn: ["b"] }, b: { dependsOn: ["a"] } } });
    expect(leftIn(patch)).toEqual([
      expect.stringContaining("lanes.b.dependsOn: dependsOn: lanes depend on each other"),
    ]);
    expect(laneOf(record(state, patch), "a").spec.dependsOn).toEqual(["b"]);
  });
});

describe("a word for a lane's status", () => {
  test.each<[string, (typeof reachable)[number], string]>([
    ["running", "planned", "queued"],
    ["running", "failed", "queued"],
    ["created", "queued", "queued"],
    ["failed", "planned", "cancelled"],
    ["failed", "ready", "cancelled"],
    ["completed", "ready", "ready"],
    ["completed", "merged", "merged"],
  ])("%s brings a lane that is %s to %s", (word, from, to) => {
    const state = laneIn(from);
    const patch = patched(state, lanes({ status: word }));
    expect(patch.left).toEqual([]);
    expect(laneOf(record(state, patch), "a").state).toBe(to);
  });

  test("asks a running lane to end", () => {
    const state = laneIn("running");
    expect(laneOf(record(state, patched(state, lanes({ status: "failed" }))), "a").stopping).toMatchObject({
      then: "cancel",
    });
  });

  test("is refused where the wish would be, and never makes work complete", () => {
    expect(leftIn(patched(laneIn("running"), lanes({ status: "completed" })))).toEqual([
      "lanes.a.status: lane a is running and cannot be set to completed (4)",
    ]);
    expect(leftIn(patched(laneIn("running"), lanes({ status: "created" })))).toHaveLength(1);
    expect(leftIn(patched(laneIn("merged"), lanes({ status: "failed" })))).toEqual([
      "lanes.a.status: lane a is merged and cannot be cancelled (4)",
    ]);
  });

  test("may stand at the agent's entry; the lane's own word goes before", () => {
    const agents = { agents: { "agent-a": { status: "running", mood: "good" } } };
    const state = record(laneIn("planned"), patched(laneIn("planned"), agents));
    expect(laneOf(state, "a").state).toBe("queued");
    expect(tracked(state)).toMatchObject({ agents: { "agent-a": { mood: "good" } } });
    const both = patched(laneIn("planned"), { ...agents, ...lanes({ status: "failed" }) });
    expect(types(both)).toContain("lane.cancelled");
  });
});

describe("a patch of the repository", () => {
  test("enters a phase and keeps fields of others", () => {
    const state = record(laneIn("planned"), patched(laneIn("planned"), { phase: 3, own: { k: null } }));
    expect(tracked(state)).toMatchObject({ phase: 3, own: { k: null } });
    record(state, patched(state, { own: 2 }));
    expect(tracked(state)).toMatchObject({ own: 2 });
  });

  test.each<[Doc, string]>([
    [{ phase: 7 }, "phase: must be a whole number from 0 to 4 (65)"],
    [{ status: "running" }, "status: follows from the journal and from git (4)"],
    [{ target: "x" }, "target: follows from the journal and from git (4)"],
    [{ lanes: [] }, "lanes: must be an object (65)"],
    [{ lanes: { a: 1 } }, "lanes.a: must be an object (65)"],
    [
      { lanes: { "../x": {} } },
      'lanes["../x"]: "../x" is not an id: letters, digits, "_" and "-", starting with a letter or digit (65)',
    ],
    [{ lanes: { A: {} } }, "lanes.A: A differs from lane a only in case (65)"],
    [{ agents: 1 }, "agents: must be an object (65)"],
    [{ agents: { x: 1 } }, "agents.x: must be an object (65)"],
    [{ agents: { "agent-a": { branch: "x" } } }, "agents.agent-a.branch: follows from the journal and from git (4)"],
  ])("leaves %j as it was", (fields, line) => {
    const patch = patched(laneIn("planned"), fields);
    expect(leftIn(patch)).toEqual([line]);
    expect(isIdle(patch)).toBe(true);
  });

  test("keeps agents that are nobody's here, until they are taken out", () => {
    const state = laneIn("planned");
    record(state, patched(state, { agents: { ghost: { lane: "x", status: "running" } } }));
    expect(tracked(state)).toMatchObject({ agents: { ghost: { lane: "x", status: "running" } } });
    const { ghost: _, ...others } = tracked(state)["agents"] as Doc;
    const whole = { ...tracked(state), agents: others };
    const edits = editsOf(tracked(state), whole, { exact: true, whole: true });
    record(state, patchOf(state, tracked(state), edits));
    expect(tracked(state)["agents"]).not.toHaveProperty("ghost");
    expect(state.foreign).toEqual({});
  });

  test("ends at a thousand fields of others", () => {
    const many = Object.fromEntries(Array.from({ length: 1005 }, (_, n) => [`f${n}`, n]));
    const patch = patched(laneIn("planned"), many);
    expect(patch.left).toHaveLength(5);
    const state = record(laneIn("planned"), patch);
    expect(Object.keys(state.foreign ?? {})).toHaveLength(1000);
    expect(leftIn(patched(state, { more: 1 }))).toEqual(["more: more than 1000 fields of others (65)"]);
  });
});

describe("a lane that stands in a tracker and is none", () => {
  test("is added with what else is said of it, and lanes may depend on it", () => {
    const state = laneIn("planned");
    const fields = {
      tasks: ["t"],
      agent: "agent-x",
      status: "created",
      progress: "0%",
      results: ["r"],
      own: 1,
    };
    const patch = patched(state, {
      lanes: { a: { dependsOn: ["x"] }, x: fields, y: { agent: "bob", dependsOn: ["x"] } },
    });
    expect(patch.left).toEqual([]);
    record(state, patch);
    expect(laneOf(state, "x").spec).not.toHaveProperty("agent");
    expect(laneOf(state, "y").spec).toMatchObject({ agent: "bob", dependsOn: ["x"] });
    expect(tracked(state)).toMatchObject({
      lanes: { x: { tasks: ["t"], progress: "0%", results: ["r"], own: 1, state: "planned" } },
    });
    expect(laneOf(state, "a").spec.dependsOn).toEqual(["x"]);
  });

  test("does not start by itself, and one that is refused does not stop the others", () => {
    const state = laneIn("planned");
    const patch = patched(state, {
      lanes: { x: { status: "running", results: [1] }, y: { dependsOn: ["nobody"], own: 1 }, z: { tasks: 1 } },
    });
    expect(leftIn(patch)).toEqual([
      "lanes.x.status: a new lane is created (4)",
      "lanes.x.results: [0] must be a string, not 1 (65)",
      "lanes.z.tasks: must be a list, not 1 (65)",
      'lanes.y: dependsOn[0]: lane y depends on "nobody", which does not exist (65)',
    ]);
    record(state, patch);
    expect([...state.lanes.keys()]).toEqual(["a", "x"]);
    expect(state.foreign).toBeUndefined();
  });

  test("that was cancelled under the same name leaves nothing behind", () => {
    const state = laneIn("planned");
    record(state, patched(state, { ...lanes({ own: 1 }), other: 1, agents: { q: { own: 1 } } }));
    tell(state, [{ type: "lane.cancelled", key: "a", why: "" }]);
    tell(state, [added("a")]);
    expect(tracked(state)).toMatchObject({ other: 1, agents: { q: { own: 1 } } });
    expect((tracked(state)["lanes"] as { a: Doc }).a).not.toHaveProperty("own");
  });
});

describe("an edit of a whole tracker", () => {
  test("is merged with what happened since", () => {
    const base = tracked(withLane(laneIn("planned"), "planned"));
    const state = withLane(laneIn("planned"), "planned");
    record(state, patched(state, { lanes: { a: { tasks: ["theirs"], priority: "low" }, c: {} }, other: 1 }));
    const edited = structuredClone(base) as { lanes: { a: Record<string, unknown>; b: Record<string, unknown> } };
    edited.lanes.a["priority"] = "high";
    edited.lanes.b["tasks"] = ["mine"];
    const patch = patchOf(state, tracked(state), editsOf(base, edited, { exact: false, whole: true }));
    expect(patch.left).toEqual([]);
    record(state, patch);
    expect(tracked(state)).toMatchObject({
      other: 1,
      lanes: { a: { tasks: ["theirs"], priority: "high" }, b: { tasks: ["mine"] }, c: {} },
    });
  });

  test("takes out fields of others, but no lane and no field of ours", () => {
    const state = laneIn("planned");
    record(state, patched(state, { ...lanes({ own: 1 }), other: 1 }));
    const { other: _, phase: __, ...base } = tracked(state);
    const { own: ___, tasks: ____, ...lane } = (base["lanes"] as { a: Doc }).a;
    const edits = editsOf(tracked(state), { ...base, lanes: { a: lane } }, { exact: true, whole: true });
    const patch = patchOf(state, tracked(state), edits);
    expect(leftIn(patch).toSorted()).toEqual([
      "lanes.a.tasks: is not taken out here (4)",
      "phase: must be a whole number from 0 to 4 (65)",
    ]);
    expect(record(state, patch).foreign).toEqual({});
    const none = editsOf(tracked(state), { ...tracked(state), lanes: {} }, { exact: true, whole: true });
    expect(leftIn(patchOf(state, tracked(state), none))).toEqual(["lanes.a: lanes are not taken out here (4)"]);
  });

  test("is held against what git showed only where that is known", () => {
    const base = tracked(laneIn("planned"));
    const edited = { ...base, metrics: 1 };
    expect(editsOf(base, edited, { exact: true, whole: true })).toEqual([{ at: ["metrics"], to: 1 }]);
    expect(editsOf(base, edited, { exact: false, whole: true })).toEqual([]);
  });
});

test("an agent speaks only for its own lane", () => {
  const state = withLane(laneIn("running"), "planned");
  const patch = patched(
    state,
    {
      phase: 2,
      lanes: { a: { progress: "x" }, b: { progress: "x" } },
      agents: { "agent-a": { mood: 1 }, "agent-b": { mood: 1 } },
    },
    "a",
  );
  expect(leftIn(patch)).toEqual([
    "phase: an agent speaks only for its own lane, a (4)",
    "lanes.b.progress: an agent speaks only for its own lane, a (4)",
    "agents.agent-b.mood: an agent speaks only for its own lane, a (4)",
  ]);
  expect(types(patch)).toEqual(["tracker.patched", "lane.progressed"]);
});

describe("a text", () => {
  test.each<[string, string, string]>([
    ["empty", "", "is not JSON: it is empty"],
    ["cut", '{"lanes": {"a"', "is not JSON: it ends too early"],
    ["NUL", "\0\0\0", "is not JSON (line 1, column 1)"],
    ["BOM", '\uFEFF{"a": 1}', "is not JSON (line 1, column 1)"],
    ["NaN", '{"a": NaN}', "is not JSON (line 1, column 7)"],
    ["conflict markers", '{\n<<<<<<< HEAD\n"a": 1', "is not JSON (line 2, column 1)"],
    ["deep", `${"[".repeat(10_000)}${"]".repeat(10_000)}`, "is nested deeper than 32 levels"],
    ["list", "[]", "must be an object, not a list"],
    ["null", "null", "must be an object, not null"],
    ["twice", '{"a": {"b": 1, "c": [{"b": 2}], "\\u0062": 3}}', "stands there twice"],
    ["proto", '{"a": [{"__proto__": 1}]}', '"__proto__" is no name for a field'],
  ])("is no tracker: %s", (_, text, fault) => {
    expect(parseDoc(text)).toMatchObject({ fault });
  });

  test("is read as JSON.parse reads it, where it is no riddle", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4, noUnicodeString: false })),
        fc.nat({ max: 2 }),
        (value, indent) => {
          const text = JSON.stringify(value, null, indent);
          fc.pre(!text.includes("__proto__"));
          expect(parseDoc(text)).toEqual({ doc: JSON.parse(text) as unknown });
        },
      ),
    );
  });
});

/** Documents as scripts might write them: our fields with right and wrong values, and others. */
const arbitraryField = fc.oneof(
  fc.tuple(fc.constant("tasks"), fc.array(fc.string(), { maxLength: 3 })),
  fc.tuple(fc.constant("priority"), fc.constantFrom("low", "normal", "high", "hgh")),
  fc.tuple(fc.constant("parallel"), fc.constantFrom(true, false, "yes")),
  fc.tuple(fc.constant("status"), fc.constantFrom("created", "running", "completed", "failed", "x")),
  fc.tuple(fc.constant("dependsOn"), fc.subarray(["a", "b", "c", "d"])),
  fc.tuple(fc.constant("results"), fc.array(fc.string(), { maxLength: 2 })),
  fc.tuple(fc.constant("progress"), fc.oneof(fc.string(), fc.nat())),
  fc.tuple(fc.constantFrom("own", "note", "constructor", "toString", "detail", "rev", "command"), fc.jsonValue()),
);
const arbitraryLane = fc.array(arbitraryField, { maxLength: 4 }).map((entries) => Object.fromEntries(entries) as Doc);
const anyDoc: fc.Arbitrary<Doc> = fc.record(
  {
    lanes: fc.dictionary(
      fc.constantFrom("a", "b", "c", "d", "A", "../x"),
      fc.oneof({ weight: 9, arbitrary: arbitraryLane }, { weight: 1, arbitrary: fc.jsonValue() }),
      { maxKeys: 3 },
    ),
    agents: fc.dictionary(fc.constantFrom("agent-a", "ghost", "hasOwnProperty"), arbitraryLane, { maxKeys: 2 }),
    phase: fc.constantFrom<unknown>(0, 3, 4, 9, "3"),
    other: fc.jsonValue(),
    queue: fc.jsonValue(),
  },
  { requiredKeys: [] },
);
/** `parseDoc` lets no document with such a name pass. */
const arbitraryDoc = anyDoc.filter((doc) => !JSON.stringify(doc).includes("__proto__"));
const arbitraryStates = fc.tuple(fc.constantFrom(...reachable), fc.constantFrom(...reachable));
const build = ([a, b]: readonly [(typeof reachable)[number], (typeof reachable)[number]]): State =>
  withLane(laneIn(a), b);

describe("whatever somebody writes", () => {
  test("comes to facts that take effect, all of them, and every field is then so or said to be left", () => {
    fc.assert(
      fc.property(arbitraryStates, arbitraryDoc, (states, doc) => {
        const state = build(states);
        const patch = patched(state, doc);
        record(state, patch);
        const shown = tracked(state)["lanes"] as Record<string, Doc>;
        for (const [id, fields] of Object.entries(objectOf(doc["lanes"]) ?? {})) {
          for (const [field, value] of Object.entries(objectOf(fields) ?? {})) {
            if (["status", "results", "progress"].includes(field)) continue;
            const path = `lanes.${id}.${field}`;
            const isLeft = patch.left.some((left) => path.startsWith(left.path) || left.path.startsWith(`lanes["`));
            // A lane of which one field is wrong is not added at all.
            const isMissing = shown[id] === undefined && patch.left.some((left) => left.path.startsWith(`lanes.${id}`));
            if (isLeft || isMissing) continue;
            expect({ path, value: shown[id]?.[field] }).toEqual({ path, value });
          }
        }
        for (const { path, why, hint, code } of patch.left) {
          expect([path, why, hint]).not.toContain("");
          expect([4, 64, 65, 75]).toContain(code);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("is there when it is asked for again: a second time changes nothing but what was left", () => {
    fc.assert(
      fc.property(arbitraryStates, arbitraryDoc, (states, doc) => {
        const state = build(states);
        record(state, patched(state, doc));
        const again = patched(state, doc).events;
        expect(again.flatMap((event) => (event.type === "tracker.patched" ? event.changes : []))).toEqual([]);
        // Words for a status may lead on, step by step: a lane that was added can be launched.
        expect(
          again.filter(({ type }) => type === "lane.progressed" || !/^(?:lane|merge|tracker)\./.test(type)),
        ).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  test("means the same in whatever order of keys, and as the whole tracker or a piece of it", () => {
    fc.assert(
      fc.property(arbitraryStates, arbitraryLane, (states, lane) => {
        const state = build(states);
        const present = tracked(state);
        const theirs = present["lanes"] as Record<string, Doc>;
        const whole = { ...present, lanes: { ...theirs, a: { ...theirs["a"], ...lane } } };
        const shuffled = Object.fromEntries(Object.entries(whole).toReversed());
        const compare = (doc: Doc, isWhole: boolean): Patch =>
          patchOf(state, present, editsOf(present, doc, { exact: true, whole: isWhole }));
        expect(compare(shuffled, true)).toEqual(compare(whole, true));
        expect(new Set(compare(whole, true).left.map(({ path }) => path))).toEqual(
          new Set(compare(lanes(lane), false).left.map(({ path }) => path)),
        );
      }),
    );
  });
});

test("a fault has the place that it is at", () => {
  const fault = parseDoc('{"lanes": {"x": {"a": 1, "a": 2}}}');
  expect(isFault(fault) ? fault.path : "none").toBe("lanes.x.a");
  expect(stateOf().foreign).toBeUndefined();
});
