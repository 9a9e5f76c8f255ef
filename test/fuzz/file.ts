/** Files and texts that people, scripts and agents write, under fuzz: a typed value or one clear fault. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";

import fc from "fast-check";
import { expect } from "vitest";

import { readText } from "../../src/cli/read-text.ts";
import { type Config, parseConfig, parseEnvironment } from "../../src/core/config.ts";
import { decide, isRefusal } from "../../src/core/decide.ts";
import { specFault } from "../../src/core/foreign.ts";
import { parseReport, planLanes } from "../../src/core/gaps.ts";
import { type ForecastSeen, meetings, pairLine, pairRows, suggestedOrder } from "../../src/core/forecast.ts";
import { idFault, idPattern } from "../../src/core/id.ts";
import { branch, parseSpec } from "../../src/core/lane-spec.ts";
import { isNo, mergeSeen, type RepoSeen } from "../../src/core/observed.ts";
import { attempt, type Fault, isFault, json } from "../../src/core/parse.ts";
import { branchRows, detailOf, laneRows, lockRows, overview } from "../../src/core/select.ts";
import { emptyState } from "../../src/core/state.ts";
import { sanitize } from "../../src/core/text.ts";
import { trackerOf } from "../../src/core/tracker.ts";
import { forecastText, observedText, parseForecast, parseObserved } from "../../src/engine/observed.ts";
import { createSettings } from "../../src/host/settings.ts";
import { laneIn, limits, now, tell, withLane } from "../core/build.ts";
import { damaged, damagedText, type Fuzz, nasty, twisted } from "./fuzz.ts";

/** A fault is for a person: what and what next, never pages of it. */
const expectClear = ({ path, fault, hint }: Fault): void => {
  expect(fault).not.toBe("");
  expect(hint).not.toBe("");
  expect(sanitize(`${path}: ${fault}; ${hint}`).length).toBeLessThan(2000);
};

const definition = {
  name: "Docs",
  tasks: ["one"],
  parallel: false,
  priority: "high",
  command: ["make", "docs"],
  agent: "bob",
  dependsOn: ["b"],
  paths: ["docs/**"],
  check: "make",
  acceptance: "true",
  target: "main",
  base: "team/alpha",
  prompt: "write",
  env: ["TOKEN"],
  commit: "auto",
  retries: 1,
  timeoutMs: 60_000,
};

/** JSON as a text, sometimes no JSON any more. */
const jsonText = (...values: readonly unknown[]): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 5, arbitrary: twisted(...values).map((value) => JSON.stringify(value)) },
    { weight: 2, arbitrary: damagedText(...values.map((value) => JSON.stringify(value))) },
    { weight: 1, arbitrary: nasty.map((value) => JSON.stringify(value)) },
    { weight: 1, arbitrary: fc.constantFrom("", "\uFEFF{}", "[".repeat(20_000), `{"a":${"[".repeat(9000)}`) },
  );

const specs: Fuzz = {
  name: "a lane's definition is refused with its field, or it is one that the fold takes",
  cases: 8000,
  run: (dice) =>
    fc.assert(
      fc.property(jsonText(definition, { command: "make" }, {}), (text) => {
        const parsed = attempt(() => parseSpec("a", json(text)));
        if (isFault(parsed)) {
          expectClear(parsed);
          return;
        }
        expect(specFault(parsed.spec)).toBeUndefined();
        expect(parseSpec("a", JSON.parse(JSON.stringify({ ...parsed.spec, kind: undefined })))).toMatchObject({
          spec: parsed.spec,
        });
        const others = ["b", ...parsed.spec.dependsOn].filter((id) => idFault(id) === undefined);
        const state = emptyState();
        for (const id of new Set(others))
          tell(state, [{ type: "lane.added", key: id, spec: { ...parsed.spec, dependsOn: [] } }]);
        const decision = decide(state, { type: "add", lanes: [{ id: "a", spec: parsed.spec }] });
        if (isRefusal(decision)) expect(decision.code).toBe(65);
        else expect(tell(state, decision.events, { if: decision.if })).toMatchObject({ effective: true });
      }),
      dice,
    ),
};

const configuration = {
  target: "main",
  check: "make",
  requireCheck: true,
  strict: false,
  checkTimeoutMs: 60_000,
  checkSlots: 2,
  maxRuns: 3,
  outputMb: 8,
  pool: 1,
  setup: "npm ci",
  minFreeMb: 10,
  ports: { from: 42_000, to: 42_010 },
  agent: "bob",
  agents: { bob: { command: ["bob"], role: "writer" }, eve: { command: "eve" } },
  probes: { docs: { command: "probe", timeoutMs: 5000 } },
  gaps: { agent: "bob", command: ["x"], check: "y", lanesMax: 4 },
};

const settings: Fuzz = {
  name: "configuration files and variables of any content are read, or refused in one sentence",
  cases: 1000,
  run: async (dice) => {
    const folder = mkdtempSync(join(tmpdir(), "lanes-fuzz-"));
    const [own, shared] = [join(folder, "config", "lanekeeper", "config.json"), join(folder, "lanes.config.json")];
    mkdirSync(join(own, ".."), { recursive: true });
    mkdirSync(join(folder, "state", "lanekeeper"), { recursive: true });
    const bytes = fc.oneof(
      jsonText(configuration, {}).map((text) => Buffer.from(text)),
      damaged(fc.constant(Buffer.from(JSON.stringify(configuration)))),
    );
    const value = fc.oneof(
      fc.constantFrom("", "0", "1", "8", "1e3", "0x10", " 5 ", "-1", "NaN", "yes", "true", "main", "-x", "a..b"),
      fc.string({ unit: "binary", maxLength: 8 }),
    );
    const variables = fc.record(
      {
        LANES_TARGET: value,
        LANES_CHECK: value,
        LANES_MAX_RUNS: value,
        LANES_REQUIRE_CHECK: value,
        LANES_AGENT: value,
      },
      { requiredKeys: [] },
    );
    try {
      await fc.assert(
        fc.asyncProperty(bytes, bytes, bytes, variables, async (mine, common, trusted, given) => {
          writeFileSync(own, mine);
          writeFileSync(shared, common);
          writeFileSync(join(folder, "state", "lanekeeper", "trusted"), trusted);
          const found = parseEnvironment(given);
          if (isFault(found)) expectClear(found);
          const environment = {
            ...given,
            XDG_CONFIG_HOME: join(folder, "config"),
            XDG_STATE_HOME: join(folder, "state"),
          };
          const loaded = await createSettings({ checkout: folder, home: folder }, environment).load();
          if (isNo(loaded)) {
            expect(loaded).toMatchObject({ code: 65, hint: expect.stringMatching(/./) as string });
            return;
          }
          const { config } = loaded;
          // What was accepted is accepted again, as what it is.
          expect(parseConfig(JSON.stringify(config))).toEqual({ config: plain(config), warnings: [] });
        }),
        dice,
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

const plain = (config: Config): unknown => JSON.parse(JSON.stringify(config));

const report = {
  probe: "docs",
  ok: false,
  findings: ["nothing written", { deep: [1] }],
  gaps: [
    { id: "guide", title: "The guide", tasks: ["write"], paths: ["docs/**"], dependsOn: [], priority: "low" },
    { id: "index", dependsOn: ["guide"], parallel: false },
  ],
};

const reports: Fuzz = {
  name: "probe reports of any content become lanes that can be added, or one fault with its file and field",
  cases: 6000,
  run: (dice) =>
    fc.assert(
      fc.property(jsonText(report), jsonText(report, { probe: "x" }), (first, second) => {
        const parsed = parseReport(first);
        if (isFault(parsed)) expectClear(parsed);
        const state = emptyState();
        const files = new Map([
          ["docs/_generated/a.json", first],
          ["docs/_generated/b.json", second],
        ]);
        const made = planLanes(state, files, { lanesMax: 3 }, "2026-01-01T00:00:00.000Z");
        if (isFault(made)) {
          expectClear(made);
          return;
        }
        expect(Object.keys(made.lanes).toSorted()).toEqual(made.order.flat().toSorted());
        expect(Object.keys(made.lanes).length).toBeLessThanOrEqual(3);
        const lanes = Object.entries(made.lanes).map(([id, spec]) => ({ id, spec }));
        const decision = decide(state, { type: "add", lanes, skipped: made.skipped.length });
        expect(decision).not.toHaveProperty("refused");
        if (isRefusal(decision)) return;
        expect(tell(state, decision.events, { if: decision.if })).toMatchObject({ effective: true });
      }),
      dice,
    ),
};

const look: RepoSeen = {
  at: now,
  target: { name: "main", head: "h0", subject: "one" },
  lanes: new Map([
    ["a", { head: "h1", subject: "two", ahead: 1, behind: 0, worktree: "present", dirty: ["x"], busy: "merge" }],
    ["b", { head: "h2", subject: "three", ahead: 0, behind: 2, worktree: "missing" }],
  ]),
  branches: [
    { name: "main", head: "h0", subject: "one", committedAt: now },
    { name: "lane/a/work", head: "h1", subject: "two", committedAt: now, worktree: "/w/a" },
  ],
  locks: [{ path: "/r/.git/index.lock", ageMs: 5 }],
  settings: {
    at: now,
    known: { "core.hooksPath in git's shared configuration": "d1" },
    remarks: [{ at: now, name: "core.hooksPath", how: "set", lanes: ["a"] }],
  },
};

const observed: Fuzz = {
  name: "a look at git of any content is no look, or one that every shell can show",
  cases: 8000,
  run: (dice) => {
    const state = withLane(laneIn("running"), "landed-pending");
    const whole = observedText(look);
    const text = fc.oneof(
      { weight: 5, arbitrary: twisted(JSON.parse(whole)).map((value) => JSON.stringify(value)) },
      { weight: 1, arbitrary: damagedText(whole) },
    );
    expect(parseObserved(whole)).toEqual(look);
    fc.assert(
      fc.property(text, (found) => {
        const seen = parseObserved(found);
        if (seen === undefined) return;
        JSON.stringify(trackerOf(state, seen, now, limits));
        const rows = laneRows(state, mergeSeen(look, seen), now, limits);
        for (const row of rows) sanitize(`${row.git?.head} ${row.git?.subject}`);
        for (const row of branchRows(seen, rows)) sanitize(`${row.name} ${row.head} ${row.subject}`);
        for (const row of lockRows(state, seen)) new Date(row.since).toISOString();
        overview(state, seen);
        for (const lane of state.lanes.values()) detailOf(state, lane, now, limits);
        expect(parseObserved(observedText(mergeSeen(look, seen)))).toBeDefined();
      }),
      dice,
    );
  },
};

const forecasts: Fuzz = {
  name: "a published forecast of any content is none, or one that every screen can show",
  cases: 1000,
  run: (dice) => {
    const forecast: ForecastSeen = {
      at: now,
      target: "main",
      head: "h",
      lanes: [["a", "h"]],
      uncommitted: ["a"],
      isWhole: true,
      collisions: [
        { a: "a", b: "b", is: "conflict", paths: ["x"], kinds: ["contents"] },
        { a: "a", is: "unknown", paths: [], kinds: [], why: "git failed" },
      ],
    };
    fc.assert(
      fc.property(jsonText(forecast), (text) => {
        const found = parseForecast(text);
        if (found === undefined) return;
        for (const pair of pairRows(found)) sanitize(pairLine(pair));
        const ids = found.lanes.map(([lane]) => lane);
        expect(suggestedOrder(found, ids)).toHaveLength(new Set(ids).size);
        for (const met of meetings(found).values()) expect(met).not.toHaveLength(0);
        expect(parseForecast(forecastText(found))).toEqual(found);
      }),
      dice,
    );
  },
};

const names: Fuzz = {
  name: "what is accepted as an id or a branch, git accepts as a branch",
  cases: 1000,
  run: (dice) => {
    const piece = fc.constantFrom(
      ..."a B 0 - _ . .. / // @ @{ { } ~ ^ : ? * [ \\ .lock .LOCK HEAD head lane work refs heads main é 日 \u0007 \u007F \u00AD \uD83D 👩".split(
        " ",
      ),
      " ",
    );
    const name = fc.oneof(
      { weight: 5, arbitrary: fc.array(piece, { maxLength: 6 }).map((parts) => parts.join("")) },
      { weight: 1, arbitrary: nasty },
    );
    fc.assert(
      fc.property(name, (given) => {
        const fault = idFault(given);
        const isId = fault === undefined;
        if (isId) expect(given).toMatch(idPattern);
        const accepted = attempt(() => ({ name: branch(given, "target") }));
        if (isFault(accepted)) {
          expectClear(accepted);
          expect(isId).toBe(false);
          return;
        }
        const asked = isId ? `lane/${accepted.name}/work` : accepted.name;
        expect(() => execFileSync("git", ["check-ref-format", `refs/heads/${asked}`])).not.toThrow();
        expect(accepted.name.startsWith("-")).toBe(false);
      }),
      dice,
    );
  },
};

const piped: Fuzz = {
  name: "standard input of any bytes is a text, or refused",
  cases: 2000,
  run: (dice) =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 4 }), async (chunks) => {
        const stdin = Readable.from(chunks.map((chunk) => Buffer.from(chunk)));
        const found = await readText({ stdin, cwd: "/" }, "-", "the definition");
        const bytes = Buffer.concat(chunks);
        if (isNo(found)) {
          expect(found.code).toBe(65);
          expect(bytes.toString()).toContain("\uFFFD");
        } else expect(found.text).toBe(bytes.toString().replace(/^\uFEFF/, ""));
      }),
      dice,
    ),
};

/** The inputs that are files or JSON. */
export const fileFuzz: readonly Fuzz[] = [specs, settings, reports, observed, forecasts, names, piped];
