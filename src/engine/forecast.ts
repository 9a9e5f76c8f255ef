/** The engine's forecast of merges: made anew when what it was made from has moved, in the background, never waited for. */
import type { ForecastSeen } from "../core/forecast.ts";
import type { RepoSeen } from "../core/observed.ts";
import { isLive } from "../core/schedule.ts";
import type { Lane, LaneState, State } from "../core/state.ts";
import type { Forecast, ForecastAsk, World } from "../port.ts";
import { reasonOf } from "./work.ts";

/** Shortest time between two forecasts, in ms. */
const restMs = 2000;

/** Work that nobody commits makes no sign: it is looked at although nothing was told, in ms; each time after twice as long, until something moved. */
const sweepMs = { first: 15_000, longest: 300_000 };

/** A forecast of an hour's lanes must not take an hour of a core: so many times its own length passes before the next sweep. */
const shareMin = 100;

/** The engine's forecaster. */
export interface Forecaster {
  readonly seen: () => ForecastSeen | undefined;
  /** Begin a forecast if something moved, none is under way and the rest is over. */
  look(state: State, seen: RepoSeen | undefined): void;
  /** Resolves when none is under way. */
  settled(): Promise<void>;
}

/** What a forecast is made from. */
interface Basis {
  readonly target: string;
  readonly head: string;
  readonly lanes: ReadonlyMap<string, string>;
  readonly dirty: readonly string[];
}

/** A forecaster that calls `changed` when it has something new. */
export const createForecaster = (world: World, changed: () => void): Forecaster => {
  const { clock, git, log } = world;
  let seen: ForecastSeen | undefined;
  let under: Promise<void> | undefined;
  let last = { name: "", at: Number.NEGATIVE_INFINITY, gap: sweepMs.first };

  const make = async (basis: Basis, name: string): Promise<void> => {
    const begin = clock.elapsed();
    const before = JSON.stringify(seen?.collisions);
    const tell = (told: Forecast, isWhole: boolean): void => {
      seen = forecastOf(basis, told, clock.now(), isWhole);
      changed();
    };
    try {
      // What is known of lanes among each other stays on the screen until it is known anew.
      const first = seen === undefined ? (told: Forecast) => tell(told, false) : undefined;
      tell(await git.forecast(askOf(basis), first), true);
      log.debug("forecast", { lanes: basis.lanes.size, pairs: seen?.collisions.length });
    } catch (error) {
      log.warn("forecast failed", { why: reasonOf(error) });
    }
    const [now, isNews] = [clock.elapsed(), name !== last.name || before !== JSON.stringify(seen?.collisions)];
    const gap = isNews ? sweepMs.first : Math.min(sweepMs.longest, 2 * last.gap);
    last = { name, at: now, gap: Math.max(gap, shareMin * (now - begin)) };
    under = undefined;
    changed();
  };

  return {
    seen: () => seen,
    look: (state, look) => {
      const basis = under ? undefined : basisOf(state, look);
      if (basis === undefined) return;
      const name = JSON.stringify([basis.head, [...basis.lanes], basis.dirty]);
      const since = clock.elapsed() - last.at;
      const isDue = name === last.name ? basis.dirty.length > 0 && since >= last.gap : since >= restMs;
      if (isDue) under = make(basis, name);
      else if (name !== last.name) setTimeout(changed, restMs - since).unref();
    },
    settled: async () => under,
  };
};

/** What the git driver is asked. */
export const askOf = ({ head, lanes, dirty }: Basis): ForecastAsk => ({ target: head, lanes, dirty });

/** A forecast as it is published. */
export const forecastOf = (
  { target, head, lanes }: Basis,
  { collisions, uncommitted }: Forecast,
  at: number,
  isWhole: boolean,
): ForecastSeen => ({ at, target, head, lanes: [...lanes], uncommitted, isWhole, collisions });

/** Was a forecast made of the same commits? */
export const isOf = (forecast: ForecastSeen, { head, lanes }: Basis): boolean =>
  forecast.head === head &&
  forecast.lanes.length === lanes.size &&
  forecast.lanes.every(([lane, tip]) => lanes.get(lane) === tip);

/** Lanes whose work is nowhere else yet, on the target that all of them share. Undefined while there is none. */
export const basisOf = (state: State, seen: RepoSeen | undefined): Basis | undefined => {
  if (!seen?.target || seen.target.name !== state.target) return undefined;
  const lanes = [...state.lanes.values()].flatMap((lane) => {
    const git = seen.lanes.get(lane.id);
    return git && !over.has(lane.state) && (lane.spec.target ?? state.target) === state.target ? [{ lane, git }] : [];
  });
  return {
    target: seen.target.name,
    head: seen.target.head,
    lanes: new Map(lanes.map(({ lane, git }) => [lane.id, git.head])),
    dirty: lanes.flatMap(({ lane, git }) => (mayWrite(lane) || (git.dirty ?? []).length > 0 ? [lane.id] : [])),
  };
};

const over: ReadonlySet<LaneState> = new Set(["merged", "cancelled"]);

/** Does somebody work in it, who commits or does not? */
const mayWrite = (lane: Lane): boolean => isLive(lane) || lane.state === "waiting";
