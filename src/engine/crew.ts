/** Carries planned steps out side by side: each at most once at a time, and later again when the world refuses. */
import type { Event } from "../core/event.ts";
import { stacksOf } from "../core/batch.ts";
import type { Action } from "../core/plan.ts";
import { isFrozen } from "../core/schedule.ts";
import type { Lane } from "../core/state.ts";
import { isUndoing } from "../core/undo.ts";
import { awake } from "../core/verdict.ts";
import { act } from "./act.ts";
import { reasonOf, tellAll, type Work } from "./work.ts";

/** Waits after a step that failed, in ms: doubled each time up to the longest. */
const retryMs = 500;
const retryMaxMs = 10_000;
/** A step that fails this often in a row is given up for its lane. */
const triesMax = 4;
/** A run that somebody else keeps waking is frozen again at most this often, in ms. */
const freezeAgainMs = 1000;
/** A landing that something of the user's is in the way of is tried again after this long, in ms: more rarely the longer it waits. */
const landAgainMs = (waitedMs: number): number => Math.min(5000, 1000 + waitedMs / 20);

/** Steps that signal a run's processes: one at a time in each lane. */
const signals: ReadonlySet<string> = new Set<Action["type"]>(["freeze", "thaw", "stop"]);

/** Steps of which only one goes on at a time: those of one line disturb each other. Landings share the target and the user's checkout; what is built is the only one of its kind under test. */
const exclusive: readonly (readonly Action["type"][])[] = [["land", "undo-land"], ["take"], ["build", "undo-build"]];

/** Steps under way and steps that have to wait. */
export interface Crew {
  /** Begin the steps that are neither under way nor waiting. */
  begin(actions: readonly Action[]): void;
  readonly busy: () => boolean;
  /** Resolves when every step that is under way has ended. */
  settled(): Promise<void>;
}

/** A crew for one engine; `done` is called after each step. */
export const createCrew = (work: Work, done: () => void): Crew => {
  const { clock } = work.world;
  const underWay = new Map<string, Promise<void>>();
  const notBefore = new Map<string, number>();
  const failures = new Map<string, number>();

  const carryOut = async (name: string, lane: Lane, action: Action): Promise<void> => {
    try {
      work.world.log.debug("step", about(lane, action));
      await act(work, lane, action);
      work.world.log.info("step done", about(lane, action));
      failures.delete(name);
      if (action.type === "freeze" && isFrozen(lane)) notBefore.set(name, clock.elapsed() + freezeAgainMs);
      if (action.type === "land" || action.type === "undo-land")
        notBefore.set(name, clock.elapsed() + landAgainMs(Math.max(0, clock.now() - lane.since)));
    } catch (error) {
      const tries = (failures.get(name) ?? 0) + 1;
      failures.set(name, tries);
      notBefore.set(name, clock.elapsed() + Math.min(retryMaxMs, retryMs * 2 ** tries));
      work.world.log.error("step failed", { ...about(lane, action), tries, why: traceOf(error) });
      if (tries >= triesMax) {
        failures.delete(name);
        await giveUp(work, lane, action, error);
      }
    } finally {
      underWay.delete(name);
      done();
    }
  };

  /** Steps that would spoil one that is under way: landings share the user's checkout, takes and builds the free slots, a start its run. */
  const disturbs = (action: Action, busy: ReadonlySet<string>): boolean => {
    if (signals.has(action.type))
      return [...signals].some((type) => type !== action.type && underWay.has(`${type} ${action.lane}`));
    const rivals = exclusive.find((types) => types.includes(action.type));
    if (rivals) return rivals.some((type) => busy.has(type));
    // What is on its way onto the target may be there in a moment.
    if (action.type === "rebuild") return busy.has("land");
    return action.type === "lose" && underWay.has(`start ${action.lane}`);
  };

  const begin = (actions: readonly Action[]): void => {
    const busy = new Set([...underWay.keys()].map((name) => name.split(" ", 1)[0] ?? ""));
    for (const action of actions) {
      const name = `${action.type} ${action.lane}`;
      const lane = work.ledger.state.lanes.get(action.lane);
      if (disturbs(action, busy)) continue;
      if (!lane || underWay.has(name) || (notBefore.get(name) ?? 0) > clock.elapsed()) continue;
      underWay.set(name, carryOut(name, lane, action));
      if (exclusive.some((types) => types.includes(action.type))) busy.add(action.type);
    }
  };

  return {
    begin,
    busy: () => underWay.size > 0,
    settled: async () => {
      await Promise.allSettled(underWay.values());
    },
  };
};

const about = (lane: Lane, action: Action): Readonly<Record<string, unknown>> => ({
  step: action.type,
  lane: lane.id,
  rev: lane.rev,
});

const traceOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));

/** The world refused a step again and again: say so where the person looks, and let the other lanes go on. */
const giveUp = async (work: Work, lane: Lane, action: Action, error: unknown): Promise<void> => {
  const why = reasonOf(error);
  const stack = "batch" in action ? stacksOf(work.ledger.state).find(({ id }) => id === action.batch) : undefined;
  const lanes = stack?.lanes ?? [lane];
  const events = stack ? stack.lanes.flatMap((one) => surrendered(one, action, why)) : surrender(lane, action, why);
  if (events.length === 0) return;
  await tellAll(work, lanes, events).catch((again: unknown) =>
    work.world.log.error("giving up was not recorded", { ...about(lane, action), why: reasonOf(again) }),
  );
};

const surrender = (lane: Lane, action: Action, why: string): readonly Event[] => {
  const { id: key } = lane;
  if (action.type === "take") {
    return [
      { type: "run.asked", key, n: (lane.run?.n ?? 0) + 1, base: "" },
      { type: "lane.failed", key, why },
    ];
  }
  if (action.type === "start" && lane.state === "starting") return [{ type: "lane.failed", key, why }];
  if (action.type === "finish") {
    const { n, seen } = action;
    return [
      ...awake(lane),
      { type: "run.exited", key, n, code: seen.code, at: seen.endedAt },
      { type: "lane.failed", key, why },
    ];
  }
  if (action.type.startsWith("undo-") && isUndoing(lane)) {
    if (action.type === "undo-land")
      return lane.undoing?.held === undefined ? [{ type: "merge.undo-held", key, why, paths: [] }] : [];
    return [{ type: "merge.undo-refused", key, why, paths: [], code: 1 }];
  }
  if (action.type === "build") return [{ type: "merge.withdrawn", key, why }];
  if (action.type === "remove") return [{ type: "worktree.kept", key, why }];
  if (action.type === "restore") return [{ type: "lane.restore-failed", key, why }];
  return [];
};

/** The same of a step that is about a whole batch, for each of its lanes. */
const surrendered = ({ id: key, merge }: Lane, { type }: Action, why: string): readonly Event[] => {
  const candidate = merge?.candidate ?? "";
  if (type === "test" || type === "judge" || type === "end-check")
    return [{ type: "merge.check-failed", key, candidate, why }];
  return type === "land" ? [{ type: "merge.held", key, why, paths: [] }] : [];
};
