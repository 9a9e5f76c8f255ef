/** What runs show: looked at when something told of them, and now and then for certainty. */
import { runOf } from "../core/id.ts";
import type { RunSeen } from "../core/observed.ts";
import { runsToSee } from "../core/plan.ts";
import type { LaneState, State } from "../core/state.ts";
import type { World } from "../port.ts";

/** A run that goes on, and of which nothing is told, is looked at again after this long, in ms: the watch looks for itself more often. */
const againMs = 300_000;

/** The engine's eyes on the runs. */
export interface Eyes {
  /** Something was told of these runs: what was seen of them is old. */
  mark(runs: readonly string[]): void;
  /** What the runs that planning needs show now. */
  look(state: State): ReadonlyMap<string, RunSeen>;
}

interface Remembered {
  readonly seen: Extract<RunSeen, { is: "alive" }>;
  /** By the clock that nobody sets, in ms. */
  readonly at: number;
}

/** Eyes that remember the runs that go on: each look at one costs a dozen calls of the system, and there may be hundreds. */
export const createEyes = ({ host, clock }: Pick<World, "host" | "clock">): Eyes => {
  const known = new Map<string, Remembered>();

  const see = (run: string, now: number): RunSeen => {
    const before = known.get(run);
    if (before && now - before.at < againMs) return { ...before.seen, ageMs: before.seen.ageMs + (now - before.at) };
    const seen = host.seen(run);
    if (seen.is === "alive") known.set(run, { seen, at: now });
    else known.delete(run);
    return seen;
  };

  return {
    mark: (runs) => {
      for (const run of runs) known.delete(run);
    },
    look: (state) => {
      const now = clock.elapsed();
      const names = runsToSee(state);
      const calm = calmRuns(state);
      for (const run of known.keys()) if (!calm.has(run)) known.delete(run);
      return new Map(names.map((run) => [run, calm.has(run) ? see(run, now) : host.seen(run)]));
    },
  };
};

/** Does nothing but what is told change anything: no run that uses up its time, nothing that waits for a moment? */
export const isCalm = (state: State): boolean => {
  const calm = calmRuns(state);
  return (
    runsToSee(state).every((run) => calm.has(run)) &&
    [...state.lanes.values()].every(
      ({ spec, run, retryAt, removal, restoring, state: is }) =>
        retryAt === undefined &&
        removal === undefined &&
        restoring === undefined &&
        (spec.timeoutMs === undefined || run === undefined || run.endedAt !== undefined) &&
        !moving.has(is),
    )
  );
};

const moving: ReadonlySet<LaneState> = new Set(["queued", "starting", "merge-queued", "merging", "landed-pending"]);

/** The runs of which nobody wants anything but that they go on. */
const calmRuns = (state: State): ReadonlySet<string> =>
  new Set(
    [...state.lanes.values()].flatMap(({ id, run, state: is, stopping, pausing }) =>
      run !== undefined && is === "running" && !stopping && pausing === undefined ? [runOf(id, run.n)] : [],
    ),
  );
