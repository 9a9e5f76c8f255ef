/** State → `tracker.json` and the JSON of `status`: a superset of seed 001's tracker. Never read back as truth. */
import { foldVersion } from "./fold.ts";
import { meetings, predictedIn, targetName } from "./forecast.ts";
import { list } from "./foreign.ts";
import { agentOf, branchOf, worktreeOf } from "./id.ts";
import type { RepoSeen } from "./observed.ts";
import { placeOfForeign } from "./patchable.ts";
import { lessonsOf } from "./queue.ts";
import { queueEntries, type QueueEntry } from "./queue-entry.ts";
import { isFrozen, type Limits } from "./schedule.ts";
import { agentRows, type ClaimRow, detailOf, lockRows, overview, quietMs, standingOf } from "./select.ts";
import { type Lane, type SeedStatus, type State, stateTable } from "./state.ts";

/** Version of the JSON that scripts read; grows when a key changes its meaning. */
export const schemaVersion = 1;

/** Name of the published file, as seed 001 has it. */
export const trackerName = "tracker.json";

/** The tracker as a value that JSON can hold. `seen`: what git showed, if anybody looked. Times are ISO 8601. */
export const trackerOf = (state: State, seen: RepoSeen | undefined, now: number, limits: Limits): object => {
  const lanes = [...state.lanes.values()];
  const standing = standingOf(state, now, limits, seen);
  const met = meetings(seen?.forecast);
  return withForeign(state, {
    version: "1.0.0",
    schemaVersion,
    phase: state.phase,
    status: overallStatus(lanes),
    target: state.target ?? null,
    agents: agentsJson(lanes),
    lanes: Object.fromEntries(
      lanes.map((lane) => {
        const detail = detailOf(state, lane, now, limits, standing);
        return [lane.id, laneJson(state, lane, { seen, now, detail, met: met.get(lane.id) ?? [] })];
      }),
    ),
    locks: Object.fromEntries(
      lockRows(state, seen).map((row) => [row.what, { kind: row.kind, holder: row.holder, since: iso(row.since) }]),
    ),
    queue: queueJson(state, now, seen),
    metrics: metricsJson(state, seen),
    warnings: (seen?.settings?.remarks ?? []).map(({ at, name, how, lanes: ran }) => ({ at: iso(at), name, how, ran })),
    observedAt: seen ? iso(seen.at) : null,
    _meta: { position: state.position, schema: schemaVersion, fold: foldVersion },
  });
};

/** A claim as scripts see it. `token`: position of its grant, null while it waits; `until`: it holds so long without a sign of life. */
export const claimJson = ({ id, lane, paths, shared, token, at, ttlMs, behind, source }: ClaimRow): object => ({
  id,
  lane,
  paths,
  shared,
  token: token ?? null,
  since: iso(at),
  until: token === undefined ? null : iso(at + ttlMs),
  behind,
  source,
});

type Fields = Record<string, unknown>;

/** Fields that others wrote into the tracker stand beside ours, never in their place. Results that an agent told of follow those of git. */
const withForeign = (state: State, tracker: Fields): object => {
  for (const [key, value] of Object.entries(state.foreign ?? {})) {
    const [first = "", name, field] = placeOfForeign(key);
    if (name === undefined || field === undefined) {
      if (name === undefined && !Object.hasOwn(tracker, first)) tracker[first] = value;
      continue;
    }
    const group = tracker[first] as Record<string, Fields>;
    if (first === "agents" && !Object.hasOwn(group, name)) group[name] = {};
    const entry = Object.hasOwn(group, name) ? group[name] : undefined;
    if (!entry) continue;
    if (field === "results" && first === "lanes")
      entry["results"] = [...new Set([...list(entry[field]), ...list(value)])];
    else if (!Object.hasOwn(entry, field)) entry[field] = value;
  }
  return tracker;
};

/** An agent's entry speaks of the lane that it touched last. */
const agentsJson = (lanes: readonly Lane[]): object => {
  const latest = new Map<string, Lane>();
  for (const lane of lanes) {
    const name = agentOf(lane.id, lane.spec.agent);
    const before = latest.get(name);
    if (!before || before.rev < lane.rev) latest.set(name, lane);
  }
  return Object.fromEntries([...latest].map(([name, lane]) => [name, agentJson(lane)]));
};

const agentJson = ({ id, state }: Lane): object => ({
  worktree: worktreeOf(id),
  lane: id,
  status: stateTable[state].seed,
  branch: branchOf(id),
});

/** One of the seed's four words for everything. */
const overallStatus = (lanes: readonly Lane[]): SeedStatus => {
  const kept = lanes.filter((lane) => lane.state !== "cancelled");
  const words = new Set(kept.map((lane) => stateTable[lane.state].seed));
  if (words.has("running")) return "running";
  if (words.has("created")) return words.has("completed") || words.has("failed") ? "running" : "created";
  if (words.has("failed")) return "failed";
  return kept.length === 0 ? "created" : "completed";
};

/** What the agent of a run told of itself, where its output is read. `quiet`: it lives and said nothing for a long time. */
const agentTold = (lane: Lane, now: number): object => {
  const { cli, session, told } = lane.run ?? {};
  if (cli === undefined) return {};
  const row = agentRows({ lanes: new Map([[lane.id, lane]]) })[0];
  const heardAt = row?.heardAt;
  return {
    cli,
    session: told?.session ?? session ?? null,
    agent: {
      status: row?.status ?? null,
      kind: told?.kind ?? null,
      source: row?.source ?? null,
      since: row ? iso(row.since) : null,
      doing: told?.doing ?? "",
      mode: row?.mode ?? null,
      heardAt: told ? iso(told.heardAt) : null,
      quiet: heardAt !== undefined && now - heardAt >= quietMs,
      tokens: told?.tokens ?? null,
      costUsd: told?.cost ?? null,
      denied: told?.denied ?? 0,
      unknownEvents: told?.unknown ?? 0,
      resetAt: told?.resetAt === undefined ? null : iso(told.resetAt),
    },
  };
};

const laneJson = (
  state: State,
  lane: Lane,
  {
    seen,
    now,
    detail,
    met,
  }: {
    readonly seen: RepoSeen | undefined;
    readonly now: number;
    readonly detail: string;
    readonly met: readonly string[];
  },
): object => {
  const { spec, run, landed } = lane;
  return {
    status: stateTable[lane.state].seed,
    state: lane.state,
    detail,
    name: spec.name,
    kind: spec.kind,
    tasks: spec.tasks,
    results: lane.results,
    priority: spec.priority,
    parallel: spec.parallel,
    dependsOn: spec.dependsOn,
    paths: spec.paths,
    branch: branchOf(lane.id),
    worktree: worktreeOf(lane.id),
    worktreePresent: lane.worktree,
    agent: agentOf(lane.id, spec.agent),
    since: iso(lane.since),
    ...(lane.progress === undefined ? {} : { progress: lane.progress }),
    ...(lane.paths.length === 0 ? {} : { blockedPaths: lane.paths }),
    run: run
      ? {
          n: run.n,
          base: run.base,
          pid: run.process?.pid ?? null,
          startedAt: run.startedAt === undefined ? null : iso(run.startedAt),
          endedAt: run.endedAt === undefined ? null : iso(run.endedAt),
          code: run.code ?? null,
          signal: run.signal ?? null,
          frozen: isFrozen(lane),
          ...agentTold(lane, now),
        }
      : null,
    failures: lane.failures,
    ...(lane.retryAt === undefined ? {} : { retryAt: iso(lane.retryAt) }),
    merge: landed
      ? { commit: landed.merge, target: landed.target, before: landed.before, check: landed.tested, at: iso(landed.at) }
      : null,
    git: gitJson(seen, lane.id),
    conflictsWith: [...new Set([...(lane.state === "conflicted" ? [targetName] : []), ...met])],
    waitsFor: spec.dependsOn.filter((id) => state.lanes.get(id)?.state !== "merged"),
    rev: lane.rev,
  };
};

const gitJson = (seen: RepoSeen | undefined, id: string): object | null => {
  const git = seen?.lanes.get(id);
  if (!git) return null;
  const { head, subject, ahead, behind, dirty, worktree } = git;
  return { head, subject, ahead, behind, dirty: dirty?.length ?? null, worktree };
};

const queueJson = (state: State, now: number, seen: RepoSeen | undefined): object => ({
  entries: queueEntries(state, now, 1, predictedIn(seen?.forecast, state))
    .filter(({ phase }) => phase !== "held")
    .map((entry, index) => {
      const lane = state.lanes.get(entry.lane);
      const more = { phase: lane?.state, stage: entry.phase, candidate: lane?.merge?.candidate ?? null };
      return { ...queueEntryJson(entry), position: index + 1, ...more };
    }),
  pending: [...state.lanes.values()].filter((lane) => lane.state === "landed-pending").map((lane) => lane.id),
  flaky: lessonsOf(state).flaky,
});

/** An entry of the merge queue for scripts. */
export const queueEntryJson = (entry: QueueEntry): object => ({
  position: entry.position,
  lane: entry.lane,
  target: entry.target,
  phase: entry.phase,
  holder: entry.holder,
  lanes: entry.lanes,
  requestedAt: iso(entry.requestedAt),
  estimatedMs: entry.estimatedMs ?? null,
});

const metricsJson = (state: State, seen: RepoSeen | undefined): object => {
  const { total, merged, running, attention, failed, percent } = overview(state, seen);
  const restarts = agentRows(state).reduce((sum, row) => sum + row.restarts, 0);
  return { lanes: total, merged, running, attention, failed, percent, restarts, records: state.counts };
};

const iso = (ms: number): string => new Date(ms).toISOString();
