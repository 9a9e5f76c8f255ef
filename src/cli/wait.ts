/** Waiting means following the journal: until the lanes have settled, ctrl-c, or an engine that does nothing. */
import type { No } from "../core/observed.ts";
import type { Engine } from "../engine/engine.ts";
import type { Call } from "./call.ts";
import { exit, no } from "./exit.ts";
import { createProgress } from "./progress.ts";
import { type Goal, isDue, isSettled, type Moment } from "./settle.ts";

/** An engine that should act and records nothing for this long is looked at, in ms. */
export const silentMs = 10_000;

/** An engine that lives and still does nothing is given this many such looks: large repositories take their time. */
export const looksMax = 30;

/** How often the clock is looked at while nothing happens, in ms. */
const tickMs = 500;

/** Wait until all of these lanes have settled, telling each change on stderr. Undefined: they have. */
export const waitFor = async (
  call: Call,
  engine: Engine,
  goal: Goal,
  lanes: readonly string[],
): Promise<No | undefined> => {
  // A removal changes no state: there is nothing to tell on the way.
  const progress = createProgress(goal === "remove" || goal === "restore" ? [] : lanes, call.style);
  const isOver = (moment: Moment): boolean => {
    for (const line of progress(moment)) call.output.say(line);
    return lanes.every((id) => {
      const lane = moment.state.lanes.get(id);
      return !lane || isSettled(moment, goal, lane);
    });
  };
  const isDueFor = (moment: Moment): boolean =>
    lanes.some((id) => {
      const lane = moment.state.lanes.get(id);
      return lane !== undefined && isDue(moment, lane);
    });
  return follow(call, engine, isOver, isDueFor);
};

/**
 * Call `isOver` with every new state, and every now and then, until it says so. Ctrl-c is a No with code 130, an engine that is silent while
 * `isDueFor` says it should act one with 75.
 */
export const follow = async (
  call: Call,
  engine: Engine,
  isOver: (moment: Moment) => boolean,
  isDueFor: (moment: Moment) => boolean,
): Promise<No | undefined> => {
  const { shell } = call;
  const limits = await engine.limits();
  const momentNow = (): Moment => ({ state: engine.state(), now: shell.now(), limits });
  const silence = createSilence(engine, () => shell.elapsed());
  const releases: (() => void)[] = [];
  try {
    return await new Promise<No | undefined>((resolve, reject) => {
      const look = (): void => {
        if (isOver(momentNow())) resolve(undefined);
      };
      const tick = (): void => {
        look();
        silence(isDueFor(momentNow())).then((told) => told && resolve(told), reject);
      };
      const timer = setInterval(tick, tickMs);
      // One by one: what was begun is ended although the next cannot begin.
      releases.push(() => clearInterval(timer));
      // Who only looks at a repository that was never prepared leaves no trace in it.
      if (engine.state().initialised) releases.push(engine.attend());
      releases.push(engine.follow(look));
      releases.push(shell.onInterrupt(() => resolve(interrupted)));
      releases.push(whenClosed(call, () => resolve(undefined)));
      engine.refresh().then(look, reject);
    });
  } finally {
    for (const release of releases) release();
  }
};

const interrupted: No = no(
  "the work goes on without you",
  "lanes status shows it, lanes stop-all ends it",
  exit.interrupted,
);

/** What is said when the engine does not get to a wish that is on disk. */
export const recorded: No = no(
  "recorded, and will be done, but the engine is silent",
  "lanes engine status; lanes engine start",
  exit.again,
);

const whenClosed = (call: Call, listener: () => void): (() => void) => {
  const { closed } = call.output;
  if (closed.aborted) listener();
  closed.addEventListener("abort", listener);
  return () => closed.removeEventListener("abort", listener);
};

/** Watches for an engine that should act and does not: asked at every tick whether something is due. */
const createSilence = (engine: Engine, elapsed: () => number): ((due: boolean) => Promise<No | undefined>) => {
  let since = elapsed();
  let position = engine.state().position;
  let looks = 0;
  let asking = false;
  return async (due) => {
    const time = elapsed();
    const moved = engine.state().position !== position;
    if (moved) looks = 0;
    if (moved || !due) {
      since = time;
      position = engine.state().position;
    }
    if (asking || time - since < silentMs) return undefined;
    asking = true;
    looks += 1;
    const lives = await engine.ensure();
    since = elapsed();
    asking = false;
    return lives && looks < looksMax ? undefined : recorded;
  };
};
