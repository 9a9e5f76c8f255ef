/** The elected engine: observe → plan → act, again and again. What woke it carries no meaning. */
import { runsOfStack, stacksOf } from "../core/batch.ts";
import { predictedIn } from "../core/forecast.ts";
import type { RepoSeen } from "../core/observed.ts";
import { needsEngine, plan, runsToSee } from "../core/plan.ts";
import { projectionsOf } from "../core/projection.ts";
import { checkRunsOf } from "../core/queue.ts";
import { trackerName } from "../core/tracker.ts";
import type { Release, World } from "../port.ts";
import { createCrew, type Crew } from "./crew.ts";
import { elect, type Mandate } from "./elect.ts";
import { createPoolKeeper, type PoolKeeper } from "./keep-pool.ts";
import { createTrashKeeper } from "./keep-trash.ts";
import { createKeeper } from "./keep.ts";
import { createEars } from "./ears.ts";
import { createEyes, type Eyes, isCalm } from "./eyes.ts";
import type { Ledger } from "./ledger.ts";
import { createForecaster, type Forecaster } from "./forecast.ts";
import { forecastName, forecastText, observedName, observedText, withForecast } from "./observed.ts";
import { graceMs, loadRules } from "./policy.ts";
import { createRests } from "./rest.ts";
import { createSight, type Sight } from "./sight.ts";
import { publishWithEdits } from "./tracker.ts";
import { createTripwire, type Tripwire } from "./tripwire.ts";
import { createWaker, type Waker } from "./waker.ts";
import { leadsStill, reasonOf, type Work } from "./work.ts";

/** Longest time between two looks, in ms; events only shorten it. */
const sweepMs = 1000;
/** The same while nothing but what is told can change anything. */
const calmSweepMs = 5000;
/** Shortest time between two publications of one file, in ms. */
const publishMs = 200;
/** A publication that failed is tried again after this long although nothing moved, in ms. */
const failedMs = 5000;
/** Configuration is read again after this long, in ms. */
const rulesMs = 2000;

/** How an engine differs from one box or test to another. */
export interface EngineOptions {
  readonly version: string;
  /** Ends after this long without a run, a queue entry or a viewer, in ms. */
  readonly idleMs: number;
}

/** Lead until there is nothing left to do, another engine is elected, or the repository vanishes. */
export const reconcile = async (ledger: Ledger, world: World, options: EngineOptions): Promise<void> => {
  for (;;) {
    world.log.info("started", { node: process.version });
    const mandate = await elect(ledger, world, options.version);
    if (!mandate) {
      world.log.info("not elected", { leader: ledger.state.engine?.process.pid });
      return;
    }
    if (!(await serve(ledger, world, mandate, options))) return;
    // A wish may have been recorded between the last look and the retirement, by somebody who still saw an engine.
    await ledger.refresh();
    const { policy } = await loadRules(world.settings, undefined);
    if (!needsEngine(ledger.state, world.clock.now(), policy)) return;
  }
};

/** Lead under one mandate. True: it ended because there was nothing to do; false: the election or the repository is gone. */
const serve = async (ledger: Ledger, world: World, mandate: Mandate, options: EngineOptions): Promise<boolean> => {
  world.log.info("elected", { mandate: mandate.token });
  const waker = createWaker();
  const rules = await loadRules(world.settings, undefined);
  const ears = createEars(world, ledger, mandate);
  const work: Work = { ledger, world, mandate, rules, checks: new Set(), ears };
  const sight = createSight(world, waker.wake);
  const eyes = createEyes(world);
  const forecaster = createForecaster(world, waker.wake);
  const crew = createCrew(work, waker.wake);
  const tripwire = await createTripwire(world, ledger.state);
  const published: Office["published"] = new Map();
  // Somebody wrote the tracker: what that changes is taken over, and ours is published again. Our own writes come by here too and change nothing.
  const again = (): void => {
    published.delete(trackerName);
    waker.wake();
  };
  const releases: readonly Release[] = [
    ledger.follow(waker.wake),
    world.host.watch((runs) => {
      eyes.mark(runs);
      waker.wake();
    }),
    world.journal.followPublished(trackerName, again),
    () => sight.release(),
    ears.release,
  ];
  const pool = createPoolKeeper(work);
  try {
    const dropTrash = createTrashKeeper(work);
    const keep = createKeeper(ledger, world, options.version);
    return await lead({
      work,
      eyes,
      sight,
      forecaster,
      tripwire,
      crew,
      waker,
      options,
      published,
      texts: new Map(),
      keep,
      dropTrash,
      pool,
    });
  } finally {
    for (const release of releases) release();
    await Promise.all([crew.settled(), sight.settled(), forecaster.settled(), pool.settled()]);
  }
};

interface Office {
  readonly work: Work;
  readonly eyes: Eyes;
  readonly sight: Sight;
  readonly forecaster: Forecaster;
  readonly tripwire: Tripwire;
  readonly crew: Crew;
  readonly waker: Waker;
  readonly options: EngineOptions;
  /** Let go of what was kept long enough, now and then. */
  readonly dropTrash: () => void;
  readonly pool: PoolKeeper;
  /** Keep a snapshot if one is due. */
  readonly keep: () => Promise<void>;
  /** Per file: when it was published last, and at which state. */
  readonly published: Map<string, { readonly at: number; readonly what: string; readonly failed: boolean }>;
  /** What was published last: the tracker, and what the other projections were made from. */
  readonly texts: Map<string, unknown>;
}

const lead = async (office: Office): Promise<boolean> => {
  const { work, eyes, sight, forecaster, crew, waker, options } = office;
  const { clock } = work.world;
  const rests = createRests(clock);
  let [busyAt, rulesAt] = [clock.elapsed(), clock.elapsed()];
  for (;;) {
    const [now, elapsed] = [clock.now(), clock.elapsed()];
    if (!(await stillLeads(work))) {
      work.world.log.info("leads no more", { mandate: work.mandate.token });
      return false;
    }
    if (elapsed - rulesAt >= rulesMs) {
      work.rules = await loadRules(work.world.settings, work.rules);
      rulesAt = elapsed;
    }
    const { state } = work.ledger;
    endForgottenChecks(work);
    const observed = { runs: eyes.look(state), rested: rests(state), predicted: predictedIn(forecaster.seen(), state) };
    const steps = plan(state, observed, now, work.rules.policy);
    crew.begin(steps);
    sight.look(state);
    work.ears.look(state);
    forecaster.look(state, sight.seen());
    const isEdited = await publish(office);
    await office.keep();
    if (steps.length === 0 && !crew.busy()) {
      office.dropTrash();
      office.pool.tend();
    }
    const isWatched = work.world.host.announced().length > 0;
    if (isEdited || isWatched || crew.busy() || needsEngine(state, now, work.rules.policy)) busyAt = elapsed;
    if (elapsed - busyAt >= options.idleMs && (await retire(work))) return true;
    const isResting = steps.length === 0 && !crew.busy() && isCalm(state);
    await waker.sleep(isResting ? Math.max(sweepMs, Math.min(calmSweepMs, options.idleMs)) : sweepMs);
  }
};

/** Read on; false when the log or the election is gone, or a newer program has written. */
const stillLeads = async (work: Work): Promise<boolean> => {
  if (!(await work.world.journal.exists())) return false;
  if (!(await leadsStill(work))) return false;
  const newer = work.ledger.newer();
  if (newer) work.world.log.warn("a newer program wrote", { why: newer.refused });
  return !newer;
};

/** A lane that was taken out of the queue waits for its check no more: the check's processes must not go on. */
const endForgottenChecks = (work: Work): void => {
  const awaited = new Set(runsToSee(work.ledger.state));
  // Checks that an engine before this one began are this one's now.
  for (const stack of stacksOf(work.ledger.state))
    for (const run of runsOfStack(stack)) if (awaited.has(run)) work.checks.add(run);
  for (const lane of work.ledger.state.lanes.values())
    if (lane.undoing) for (const run of checkRunsOf(lane)) if (awaited.has(run)) work.checks.add(run);
  for (const run of work.checks) {
    if (awaited.has(run)) continue;
    work.checks.delete(run);
    const { is } = work.world.host.seen(run);
    if (is === "exited" || is === "absent") continue;
    work.world.host
      .stop(run, graceMs)
      .catch((error: unknown) => work.world.log.warn("stop failed", { run, why: reasonOf(error) }));
  }
};

/** Publish what has moved, each at most five times a second, and take over what others wrote into the tracker: true when somebody did. */
const publish = async (office: Office): Promise<boolean> => {
  const { work, sight, forecaster, tripwire, published } = office;
  const { journal, clock } = work.world;
  const forecast = forecaster.seen();
  const seen = withForecast(await tripwire(sight.seen(), work.ledger.state), forecast);
  const edited = await journal.edited();
  const files = [
    {
      name: trackerName,
      what: () => `${work.ledger.state.position} ${seen?.at ?? 0} ${forecast?.at ?? 0}`,
      isDue: edited,
      put: () => putTracker(office, seen),
    },
    {
      name: observedName,
      what: () => `${seen?.at ?? 0}`,
      isDue: false,
      put: async () => (seen ? journal.publish(observedName, observedText(seen)) : undefined),
    },
    {
      name: forecastName,
      what: () => `${forecast?.at ?? 0} ${forecast?.isWhole}`,
      isDue: false,
      put: async () => (forecast ? journal.publish(forecastName, forecastText(forecast), false) : undefined),
    },
    {
      name: "projections",
      what: () => `${work.ledger.state.position}`,
      isDue: false,
      put: () => putProjections(office),
    },
  ];
  for (const { name, what, isDue, put } of files) {
    const last = published.get(name);
    const elapsed = clock.elapsed();
    if (last?.what === what() && !(isDue && isOver(last, elapsed))) continue;
    if (last && elapsed - last.at < publishMs) {
      setTimeout(office.waker.wake, publishMs).unref();
      continue;
    }
    let failed = false;
    await put().catch((error: unknown) => {
      failed = true;
      work.world.log.warn("publish failed", { name, why: reasonOf(error) });
    });
    published.set(name, { at: elapsed, what: what(), failed });
  }
  return edited;
};

/** A file that could not be published is left alone for a while, unless there is news. */
const isOver = ({ at, failed }: { readonly at: number; readonly failed: boolean }, elapsed: number): boolean =>
  !failed || elapsed - at >= failedMs;

const putTracker = async ({ work, texts }: Office, seen: RepoSeen | undefined): Promise<void> => {
  const { ledger, world, mandate, rules } = work;
  const known = texts.get(trackerName);
  const last = typeof known === "string" ? known : undefined;
  texts.set(trackerName, await publishWithEdits({ ledger, world, mandate, limits: rules.policy, seen, last }));
};

/** The other files of the seeds: for readers only, so they are not synced; whoever starts anew publishes them again. */
const putProjections = async ({ work, texts }: Office): Promise<void> => {
  for (const { name, from, value } of projectionsOf(work.ledger.state)) {
    if (from !== undefined && texts.get(name) === from) continue;
    await work.world.journal.publish(name, `${JSON.stringify(value(), null, 2)}\n`, false);
    texts.set(name, from);
  }
};

/** Step down. */
const retire = async (work: Work): Promise<boolean> => {
  const { clock } = work.world;
  const why = "nothing to do";
  const outcome = await work.ledger.propose({
    id: clock.id(),
    by: "engine",
    if: [{ engine: work.mandate.token }],
    events: [{ type: "engine.retired", why }],
  });
  work.world.log.info("retired", { why });
  return outcome.effective;
};
