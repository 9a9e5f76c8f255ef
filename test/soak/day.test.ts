/** A day of a build box by a clock that runs 288 times as fast and is set at random moments: nothing grows, nobody starves. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { expect, test } from "vitest";

import { parseSpec } from "../../src/core/lane-spec.ts";
import { isNo } from "../../src/core/observed.ts";
import type { Lane, LaneSpec, State } from "../../src/core/state.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { openEngine } from "../../src/engine/open.ts";
import { findLayout } from "../../src/git/layout.ts";
import { createGit } from "../../src/git/repo.ts";
import { createHost } from "../../src/host/process.ts";
import { createSettings } from "../../src/host/settings.ts";
import { createJournal } from "../../src/journal/local.ts";
import { createLog } from "../../src/log/engine-log.ts";
import type { Clock, World } from "../../src/port.ts";
import { endAll, until } from "../story/scratch.ts";
import { figure, oneOf, pause, quantile, scaled } from "./scale.ts";

const speed = 288;
const hourMs = 3_600_000;
/** A new lane comes so often, by the fast clock. */
const everyMs = 300_000;

/** A clock that runs fast, and whose time of day somebody sets to and fro by up to an hour. */
const fastClock = (): Clock & { readonly set: () => void } => {
  const began = Date.now();
  let [offset, ids] = [0, 0];
  const elapsed = (): number => performance.now() * speed;
  const zero = elapsed();
  return {
    elapsed,
    now: () => Math.round(began + elapsed() - zero + offset),
    set: () => {
      offset = (Math.random() * 2 - 1) * hourMs;
    },
    id: () => `day-${process.pid}-${(ids += 1)}`,
    box: () => "day",
    sleep: (ms) => pause(ms / speed),
  };
};

const worldOf = async (repo: string, env: NodeJS.ProcessEnv, clock: Clock): Promise<World> => {
  const layout = await findLayout(repo, env);
  if (isNo(layout)) throw new Error(layout.hint);
  const log = createLog({ state: layout.state, environment: env, version: "0.0.0" });
  const entry = [process.execPath, fileURLToPath(new URL("../../bin/lanes.js", import.meta.url))];
  return {
    layout,
    clock,
    log,
    journal: createJournal(layout),
    git: createGit(layout, { env }),
    host: createHost({ state: layout.state, home: layout.home, entry, lends: (values) => log.conceal(values) }),
    settings: createSettings(layout, env),
  };
};

/** Bytes of heap that are in use after a collection. */
const heap = (): number => {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return process.memoryUsage().heapUsed;
};

/** Descriptors that stay open: those of children come and go. */
const openFiles = async (): Promise<number> => {
  let least = Number.POSITIVE_INFINITY;
  for (let look = 0; look < 40; look += 1) {
    least = Math.min(least, readdirSync("/proc/self/fd").length);
    await pause(50);
  }
  return least;
};

/** What a lane's agent does: most work, some fail once, some never end by themselves. */
const kinds = ["works", "works", "works", "works", "works", "works", "fails once", "hangs"] as const;
type Kind = (typeof kinds)[number];
const scripts: Readonly<Record<Kind, string>> = {
  works: 'echo "$LANES_RUN" > "$LANES_LANE.txt"',
  "fails once": 'case $LANES_RUN in *-1) exit 3;; esac; echo "$LANES_RUN" > "$LANES_LANE.txt"',
  hangs: "exec sleep 1000",
};

const specOf = (id: string, n: number, kind: Kind): LaneSpec => {
  const parsed = parseSpec(id, {
    tasks: ["work"],
    command: ["sh", "-c", scripts[kind]],
    commit: "auto",
    priority: ["low", "normal", "high"][n % 3],
    retries: kind === "hangs" ? 0 : 2,
    ...(kind === "hangs" && { timeoutMs: 60_000 }),
  });
  if (!("spec" in parsed)) throw new Error("a bad lane");
  return parsed.spec;
};

test("a day of lanes: all land, none waits for long, heap, files and descriptors stay as they are", async () => {
  const home = realpathSync(mkdtempSync(join(tmpdir(), "lanes-day-")));
  const repo = join(home, "repo");
  const env = {
    PATH: process.env["PATH"],
    HOME: home,
    XDG_CONFIG_HOME: join(home, "config"),
    XDG_STATE_HOME: join(home, "state"),
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: join(home, "gitconfig"),
    LANG: "C.UTF-8",
  };
  writeFileSync(join(home, "gitconfig"), "[user]\n\tname = Day\n\temail = day@example.invalid\n");
  const git = (...words: readonly string[]): string => {
    const ran = spawnSync("git", words, { cwd: repo, env, encoding: "utf8" });
    if (ran.status !== 0) throw new Error(`git ${words.join(" ")}: ${ran.stderr}`);
    return ran.stdout.trim();
  };
  spawnSync("git", ["init", "-q", "-b", "main", repo], { env });
  writeFileSync(join(repo, "lanes.config.json"), JSON.stringify({ maxRuns: 2 }));
  git("add", ".");
  git("commit", "-qm", "Begin");

  const clock = fastClock();
  const world = await worldOf(repo, env, clock);
  // Never retires: its `reconcile` ends when the log is gone, which is how this day ends.
  const day = openEngine(world, "0.0.0", Number.MAX_SAFE_INTEGER);
  await day.prepare();
  await day.refresh();
  await day.execute({ type: "init", target: "main" });
  const led = day.reconcile();

  const count = scaled((24 * hourMs) / everyMs);
  const came = new Map<string, { readonly at: number; readonly kind: Kind }>();
  const waits: number[] = [];
  const marks: { readonly heap: number; readonly files: number; readonly lanes: number }[] = [];
  const started = new Set<string>();
  /** How many lanes that came later started before each one. */
  const overtaken = new Map<string, number>();
  const release = day.follow((_state, told) => {
    for (const { entry, outcome } of told)
      if (outcome.effective && "record" in entry)
        for (const event of entry.record.events)
          if (event.type === "run.started" && !started.has(event.key)) {
            started.add(event.key);
            waits.push(clock.elapsed() - (came.get(event.key)?.at ?? 0));
            for (const id of came.keys())
              if (id < event.key && !started.has(id)) overtaken.set(id, (overtaken.get(id) ?? 0) + 1);
          }
  });
  const begin = clock.elapsed();
  for (let n = 0; n < count; n += 1) {
    const [id, kind] = [`lane-${String(n).padStart(4, "0")}`, oneOf(kinds) ?? "works"];
    came.set(id, { at: clock.elapsed(), kind });
    await day.execute({ type: "add", lanes: [{ id, spec: specOf(id, n, kind) }] });
    await day.execute({ type: "launch", lanes: [id] });
    if (Math.random() < 0.1) clock.set();
    await land(day);
    if (n % 12 === 11) await cleanUp(day);
    if (n % 72 === 36) marks.push({ heap: heap(), files: await openFiles(), lanes: n });
    await pause(Math.max(0, (begin + (n + 1) * everyMs - clock.elapsed()) / speed));
  }
  const over = (lane: Lane): boolean =>
    lane.state === "merged" || (lane.state === "failed" && lane.retryAt === undefined);
  for (const late = performance.now() + 300_000; ; await pause(200)) {
    await land(day);
    const left = [...day.state().lanes.values()].filter((lane) => !over(lane));
    if (left.length === 0) break;
    const standing = left.map(({ id, state, detail }) => `${id} ${state}: ${detail}`).join("\n");
    if (performance.now() > late) throw new Error(`the last lanes do not end:\n${standing}`);
  }
  await cleanUp(day);
  marks.push({ heap: heap(), files: await openFiles(), lanes: count });
  release();

  const { lanes } = await day.refresh();
  const hours = (clock.elapsed() - begin) / hourMs;
  const worst = Math.max(...waits) / 60_000;
  const most = Math.max(0, ...overtaken.values());
  figure(
    `${hours.toFixed(1)} h by the fast clock: ${count} lanes came, ${[...lanes.values()].filter(({ state }) => state === "merged").length} landed`,
  );
  figure(
    `a lane waited ${(quantile(waits, 0.5) / 60_000).toFixed(0)} min for its agent (median), ${worst.toFixed(0)} at most; ${most} that came later got ahead of one lane`,
  );
  figure(
    `heap, descriptors: ${marks.map((mark) => `${(mark.heap / 1e6).toFixed(1)} MB, ${mark.files} at ${mark.lanes}`).join("; ")}`,
  );
  for (const [id, { kind }] of came)
    expect([id, kind, lanes.get(id)?.state]).toEqual([id, kind, kind === "hangs" ? "failed" : "merged"]);
  const landed = [...came].filter(([, { kind }]) => kind !== "hangs").map(([id]) => `${id}.txt`);
  expect(
    git("ls-tree", "--name-only", "main")
      .split("\n")
      .filter((path) => path.endsWith(".txt")),
  ).toEqual(landed.toSorted());
  // Two hours that the clock was set back by, with a lane of higher priority every seven minutes. How long a wait is, is up to the machine.
  expect(most).toBeLessThan(24);
  const [first, last] = [marks[0], marks.at(-1)];
  if (!first || !last) throw new Error("a day has more marks than none");
  // The state keeps every lane that ever was.
  expect((last.heap - first.heap) / Math.max(1, last.lanes - first.lanes)).toBeLessThan(32_000);
  expect(last.files).toBeLessThanOrEqual(first.files + 5);
  await until("worktrees of lanes that landed to go", async () =>
    idsOf(await day.refresh(), ({ state, worktree }) => state === "merged" && worktree).length === 0 ? true : undefined,
  );
  expect(readdirSync(join(repo, ".worktrees")).filter((name) => lanes.get(name)?.state === "merged")).toEqual([]);
  figure(
    `${statSync(join(repo, ".orchestration", "event-log.jsonl")).size} bytes of log, ${statSync(join(repo, ".orchestration", "engine.log")).size} of the engine's own`,
  );

  rmSync(join(repo, ".orchestration"), { recursive: true });
  await led;
  await until("every process of the day to end", () => endAll(home));
  rmSync(home, { recursive: true, force: true, maxRetries: 5 });
});

/** What `lanes merge` asks for: lanes with work go into the queue. */
const land = async (day: Engine): Promise<void> => {
  const ready = idsOf(await day.refresh(), ({ state }) => state === "ready");
  if (ready.length > 0) await day.execute({ type: "merge", lanes: ready, check: "", evidence: new Map() });
};

/** What `lanes cleanup` asks for: worktrees of lanes that landed go. */
const cleanUp = async (day: Engine): Promise<void> => {
  const merged = idsOf(await day.refresh(), ({ state, worktree }) => state === "merged" && worktree);
  if (merged.length > 0) await day.execute({ type: "remove", lanes: merged });
};

const idsOf = ({ lanes }: State, which: (lane: Lane) => boolean): readonly string[] =>
  [...lanes.values()].filter(which).map(({ id }) => id);
