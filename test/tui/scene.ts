/** Repositories in full swing, as records: what the screen is shown with. */
import type { Event, LogRecord } from "../../src/core/event.ts";
import type { LaneSeen, RepoSeen } from "../../src/core/observed.ts";
import type { LaneSpec } from "../../src/core/state.ts";
import type { MemoryWorld } from "./memory-engine.ts";

const minute = 60_000;

/** A lane's definition with everything left out that the caller does not name. */
const spec = (parts: Partial<LaneSpec> = {}): LaneSpec => ({
  name: "",
  tasks: [],
  parallel: true,
  priority: "normal",
  command: ["true"],
  dependsOn: [],
  paths: [],
  env: [],
  commit: "agent",
  retries: 0,
  kind: "work",
  ...parts,
});

/** Records with the given events, each at its own time. */
const recordsOf = (steps: readonly (readonly [at: number, ...events: readonly Event[]])[]): readonly LogRecord[] =>
  steps.map(([at, ...events], index) => ({ v: 1, id: `r${index}`, at, by: "human", on: "box", events }));

const add = (key: string, parts: Partial<LaneSpec>): Event => ({ type: "lane.added", key, spec: spec(parts) });
const queued = (key: string): Event => ({ type: "lane.queued", key, why: "" });
const asked = (key: string): Event => ({ type: "run.asked", key, n: 1, base: "b".repeat(40) });
const process = { pid: 4711, start: "1", boot: "b" };

const started = (key: string, at: number): readonly Event[] => [
  queued(key),
  asked(key),
  { type: "run.started", key, n: 1, process: { ...process, pid: 4700 + key.length }, at },
];
const exited = (key: string, at: number, code: number): Event => ({ type: "run.exited", key, n: 1, code, at });
const ready = (key: string, at: number): readonly Event[] => [
  ...started(key, at - 5 * minute),
  exited(key, at, 0),
  { type: "lane.readied", key, head: "a".repeat(40), results: [] },
];
const merging = (key: string, candidate: string): readonly Event[] => [
  { type: "merge.asked", key },
  { type: "merge.started", key, target: "main", onto: "b".repeat(40), head: "a".repeat(40), candidate },
];

/** A repository in which one of everything is going on. */
export const swing = (now: number): MemoryWorld => {
  const at = (minutes: number): number => now - minutes * minute;
  return {
    records: recordsOf([
      [at(64), { type: "repo.initialised", target: "main" }],
      [at(63), { type: "engine.elected", process, version: "0.1.0" }],
      [at(62), { type: "phase.entered", phase: 3 }],
      [
        at(62),
        add("ui-table", { agent: "codex", name: "Sortable table" }),
        add("api-cache", { agent: "claude" }),
        add("docs-intro", { agent: "gemini" }),
        add("db-index", { agent: "opencode" }),
        add("auth-fix", { agent: "aider" }),
        add("i18n-ja", { agent: "codex" }),
        add("ci-speed", { agent: "claude" }),
        add("bench", { agent: "claude", dependsOn: ["api-cache"] }),
        add("search", { agent: "codex", dependsOn: ["i18n-ja"] }),
        add("notes", { agent: "manual" }),
      ],
      [
        at(61),
        ...ready("ci-speed", at(61)),
        ...merging("ci-speed", "c".repeat(40)),
        { type: "merge.tested", key: "ci-speed", candidate: "c".repeat(40), result: "passed" },
        {
          type: "merge.landed",
          key: "ci-speed",
          merge: "3f2a91c".padEnd(40, "0"),
          target: "main",
          before: "b".repeat(40),
          head: "a".repeat(40),
          tested: "passed",
        },
      ],
      [
        at(33),
        ...started("i18n-ja", at(34)),
        exited("i18n-ja", at(33), 1),
        { type: "lane.failed", key: "i18n-ja", why: "exit 1: npm test" },
      ],
      [
        at(12),
        ...ready("auth-fix", at(20)),
        ...merging("auth-fix", "d".repeat(40)),
        { type: "merge.conflicted", key: "auth-fix", why: "conflicts with main", paths: ["src/auth.ts"] },
      ],
      [
        at(9),
        ...started("ui-table", at(30)),
        { type: "lane.waiting", key: "ui-table", why: "asks: allow edit of src/table.tsx?", paths: [] },
      ],
      [at(4), ...ready("db-index", at(6)), ...merging("db-index", "e".repeat(40))],
      [
        at(2),
        ...started("api-cache", at(2)),
        { type: "lane.progressed", key: "api-cache", text: "2 of 3 tasks: running tests" },
      ],
      [
        now - 31_000,
        ...started("docs-intro", now - 31_000),
        { type: "lane.progressed", key: "docs-intro", text: "1 of 2 tasks: reading docs/guide.md" },
      ],
      [now - 20_000, queued("bench"), queued("search")],
    ]),
    seen: seenOf(now),
    logs: new Map([
      [
        "ui-table-1",
        [
          "\u001B[1m✻ Reading src/table.tsx\u001B[0m",
          "✻ Reading src/sort.ts",
          "",
          "  The table keeps its sort order in local state; I want to lift it to the store.",
          "",
          "✻ I want to edit src/table.tsx",
          "  1. Yes",
          "  2. Yes, and don't ask again",
          "  3. No",
          "> _",
        ].join("\n"),
      ],
      [
        "docs-intro-1",
        Array.from(
          { length: 60 },
          (_, line) => `[${line + 1}/60] read docs/guide-${String(line + 1).padStart(2, "0")}.md`,
        ).join("\n"),
      ],
      [
        "api-cache-1",
        "> npm test\n\n✓ cache › keeps an entry until it is stale\n✓ cache › forgets the oldest first\n  running 41 more…\n",
      ],
    ]),
  };
};

const lane = (parts: Partial<LaneSeen>): LaneSeen => ({
  head: "a".repeat(40),
  subject: "work",
  ahead: 0,
  behind: 0,
  worktree: "present",
  ...parts,
});

const seenOf = (now: number): RepoSeen => {
  const branch = (name: string, head: string, subject: string, minutes: number): RepoSeen["branches"][number] => ({
    name,
    head: head.padEnd(40, "0"),
    subject,
    committedAt: now - minutes * minute,
  });
  return {
    at: now,
    target: { name: "main", head: "3f2a91c".padEnd(40, "0"), subject: "Merge lane ci-speed" },
    lanes: new Map([
      ["ui-table", lane({ ahead: 2, dirty: ["src/table.tsx"] })],
      ["api-cache", lane({ ahead: 3, behind: 1, dirty: [] })],
      ["docs-intro", lane({ ahead: 1, dirty: ["docs/guide.md", "docs/intro.md"] })],
      ["db-index", lane({ ahead: 4, behind: 1, dirty: [] })],
      ["auth-fix", lane({ ahead: 5, behind: 2, dirty: [] })],
      ["i18n-ja", lane({ ahead: 1, behind: 1, dirty: [] })],
    ]),
    branches: [
      branch("main", "3f2a91c", "Merge lane ci-speed", 61),
      branch("lane/ui-table/work", "90be1f2", "Lift the sort order", 11),
      branch("lane/api-cache/work", "1c77d0e", "Forget the oldest entry first", 3),
      branch("lane/docs-intro/work", "be02a77", "Start the guide", 1),
      branch("lane/db-index/work", "77aa001", "Index by lane and time", 7),
      branch("lane/auth-fix/work", "d00df00", "Refuse an empty token", 21),
      branch("lane/i18n-ja/work", "5e5e5e5", "日本語の説明を加える", 35),
      branch("topic/old-idea", "0123456", "Try a ring buffer", 60 * 24 * 9),
    ],
    locks: [{ path: ".git/worktrees/docs-intro/index.lock", ageMs: 400 }],
    forecast: {
      at: now,
      target: "main",
      head: "3f2a91c".padEnd(40, "0"),
      lanes: [],
      uncommitted: ["docs-intro"],
      isWhole: true,
      collisions: [
        { a: "auth-fix", is: "conflict", paths: ["src/auth.ts"], kinds: ["contents"] },
        { a: "api-cache", b: "docs-intro", is: "conflict", paths: ["docs/guide.md"], kinds: ["contents"] },
        { a: "db-index", b: "i18n-ja", is: "unknown", paths: [], kinds: [], why: "git failed: exit 134" },
      ],
    },
  };
};

/** `count` lanes in turns of states: for measuring. */
export const many = (count: number, now: number): MemoryWorld => {
  const ids = Array.from({ length: count }, (_, index) => `lane-${String(index).padStart(3, "0")}`);
  return {
    records: recordsOf([
      [now - 60 * minute, { type: "repo.initialised", target: "main" }],
      [
        now - 50 * minute,
        ...ids.map((id, index) => add(id, { agent: ["claude", "codex", "gemini"][index % 3] ?? "" })),
      ],
      ...ids.map((id, index): readonly [number, ...Event[]] => {
        const at = now - (index % 40) * minute - 2 * minute;
        if (index % 5 === 0) return [at, ...ready(id, at)];
        if (index % 5 === 1) return [at, queued(id)];
        if (index % 5 === 2)
          return [at, ...started(id, at), exited(id, at, 2), { type: "lane.failed", key: id, why: "exit 2" }];
        return [at, ...started(id, at)];
      }),
    ]),
  };
};

/** Nothing but a prepared repository. */
export const empty = (now: number): MemoryWorld => ({
  records: recordsOf([[now - minute, { type: "repo.initialised", target: "main" }]]),
});

/** Texts that want to move, colour, widen or title the terminal. */
export const hostileTexts: readonly string[] = [
  "\u001B[2J\u001B[H\u001B[31mred and cleared",
  "\u001B]0;stolen title\u0007after a title",
  "\u001B]52;c;c3RvbGVu\u0007after a clipboard",
  "\u001B]8;;https://example.org\u001B\\link\u001B]8;;\u001B\\ after a link",
  "\u009D0;8-bit title\u009Cand \u009B41m8-bit colour",
  "\u001BP+q544e\u001B\\after a device string, \u001B[6n and a question",
  "\u001B[?1049l\u001B[?25h\u001B[?7hleft the screen",
  "bell\u0007 back\u0008\u0008\u0008 up\u000B\u000C nul\u0000",
  "one\rtwo\r\nthree",
  "\u202Eright to left\u202C \u2066isolated\u2069 \u200Bzero\u200D width\uFEFF",
  "日本語の説明 and 한국어 and ｆｕｌｌ",
  "👩‍👩‍👧‍👦 family 🇩🇪 flag ❤️ heart 1️⃣ keycap 👍🏽 thumb 🫠 new",
  "e\u0301a\u0308 composed Z\u0335\u0337\u0322\u0321\u031B\u0328 zalgo",
  "क्षत्रिय กำลัง ᄀᄁ\u1161\u11A8 \uE0B0 \u{E0001} \uD800 half",
  "a\ttab and a very long line ".repeat(30),
];

/** The scene in which every text is hostile. */
export const hostile = (now: number): MemoryWorld => ({
  records: recordsOf([
    [now - minute, { type: "repo.initialised", target: "main" }],
    ...hostileTexts.map((text, index): readonly [number, ...Event[]] => {
      const key = `bad-${String(index).padStart(2, "0")}`;
      return [
        now - 5 * minute,
        add(key, { name: text, agent: "codex" }),
        ...started(key, now - 5 * minute),
        { type: "lane.waiting", key, why: text, paths: [text] },
      ];
    }),
  ]),
  seen: {
    at: now,
    target: { name: "main", head: "c".repeat(40), subject: hostileTexts[0] ?? "" },
    lanes: new Map(),
    branches: hostileTexts.map((subject, index) => ({
      name: `topic/${index}-${subject}`,
      head: "d".repeat(40),
      subject,
      committedAt: now,
    })),
    locks: hostileTexts.map((path) => ({ path, ageMs: 100 })),
    forecast: {
      at: now,
      target: "main",
      head: "c".repeat(40),
      lanes: [],
      uncommitted: [],
      isWhole: true,
      collisions: hostileTexts.map((text) => ({ a: text, b: "bad-00", is: "conflict", paths: [text], kinds: [text] })),
    },
  },
  logs: new Map(hostileTexts.map((_, index) => [`bad-${String(index).padStart(2, "0")}-1`, hostileTexts.join("\n")])),
});
