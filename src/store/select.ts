/** State and observations → the parts of a view. Pure; unchanged rows come back as they were. */
import { type PairRow, pairRows } from "../core/forecast.ts";
import { branchOf, runOf, worktreeOf } from "../core/id.ts";
import type { LaneSeen, RepoSeen } from "../core/observed.ts";
import { checkRunOf } from "../core/queue.ts";
import { isUndoing } from "../core/undo.ts";
import type { Limits } from "../core/schedule.ts";
import { isGoing } from "../core/schedule.ts";
import {
  agentRows,
  branchRows,
  type LaneRow,
  laneRows,
  lockRows,
  nextStep,
  overview,
  whyLine,
} from "../core/select.ts";
import type { Lane, LaneState, State } from "../core/state.ts";
import { sanitize } from "../core/text.ts";
import { keep, keepOne } from "./keep.ts";
import type { LaneDetail, Liveness, View } from "./view.ts";

/** The world as one process sees it. */
export interface Sight {
  readonly state: State;
  readonly seen: RepoSeen | undefined;
  readonly limits: Limits;
  readonly now: number;
}

/** The parts of a view that follow from state and observations. */
export type Rows = Pick<View, "lanes" | "agents" | "locks" | "branches" | "pairs" | "overview" | "detail">;

/** The next rows; parts that say the same as in `before` are those of `before`. */
export const rowsOf = (before: Rows, sight: Sight, lane: string | undefined): Rows => {
  const { state, seen, limits, now } = sight;
  const lanes = keep(before.lanes, laneRows(state, seen, now, limits).map(cleanLane));
  return {
    lanes,
    agents: keep(before.agents, agentRows(state).map(clean)),
    locks: keep(before.locks, lockRows(state, seen).map(clean)),
    branches: keep(
      before.branches,
      branchRows(seen, lanes).map((row) => ({ ...clean(row), lane: row.lane })),
    ),
    pairs: keepOne(before.pairs, pairRows(seen?.forecast).map(cleanPair)),
    overview: keepOne(before.overview, clean(overview(state, seen))),
    detail: keepOne(before.detail, detailOf(sight, lane, before.detail)),
  };
};

/** What the journal says of the engine, before anybody looked at its process. */
export const livenessOf = (state: State): Liveness =>
  isBusy(state) ? (state.engine && !state.engine.retired ? "alive" : "starting") : "idle";

/** Is there work that needs an engine? */
export const isBusy = (state: State): boolean =>
  [...state.lanes.values()].some(
    (lane) =>
      isGoing(lane) ||
      lane.pausing ||
      moving.has(lane.state) ||
      lane.retryAt !== undefined ||
      lane.removal !== undefined ||
      lane.restoring !== undefined ||
      isUndoing(lane) ||
      lane.stopping,
  );

const moving: ReadonlySet<LaneState> = new Set(["queued", "starting", "merge-queued", "merging", "landed-pending"]);

/** Name of the run whose output tells most about a lane now: its check while or after that fails, else its last run. */
const logRunOf = (lane: Lane): string => {
  const { merge, undoing } = lane;
  if (undoing?.gate !== undefined) return checkRunOf(lane.id, undoing.gate.built, 1);
  if (merge?.gate !== undefined && (lane.state === "merging" || lane.state === "checks-failed")) {
    return checkRunOf(merge.gate.lead ?? lane.id, merge.gate.built, 1);
  }
  return lane.run ? runOf(lane.id, lane.run.n) : "";
};

const detailOf = (sight: Sight, id: string | undefined, before: LaneDetail | undefined): LaneDetail | undefined => {
  const lane = id === undefined ? undefined : sight.state.lanes.get(id);
  if (!lane) return undefined;
  const run = logRunOf(lane);
  const why = whyLine(sight.state, lane, sight.now, sight.limits);
  const next = nextStep(sight.state, lane);
  return {
    id: lane.id,
    branch: branchOf(lane.id),
    worktree: lane.worktree ? worktreeOf(lane.id) : "",
    why: sanitize(next === "" ? why : why.slice(0, -`; next: ${next}`.length)),
    next: sanitize(next),
    run,
    log: before?.id === lane.id && before.run === run ? before.log : [],
  };
};

const cleanLane = (row: LaneRow): LaneRow => ({
  ...clean(row),
  git: row.git && cleanSeen(row.git),
  collides: row.collides.map(sanitize),
});

const cleanPair = (row: PairRow): PairRow => ({
  ...clean(row),
  paths: row.paths.map(sanitize),
  kinds: row.kinds.map(sanitize),
});

const cleanSeen = (seen: LaneSeen): LaneSeen => ({
  ...clean(seen),
  ...(seen.dirty === undefined ? {} : { dirty: seen.dirty.map(sanitize) }),
});

/** Each text of a row sanitised; the rest as it is. */
const clean = <T extends object>(row: T): T =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, typeof value === "string" ? sanitize(value) : value]),
  ) as T;
