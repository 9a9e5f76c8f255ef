/** The elected engine: observe → plan → act, again and again. What woke it carries no meaning. */
import type { RunSeen } from "../core/observed.ts";
import { needsEngine, plan, runsToSee } from "../core/plan.ts";
import { trackerName, trackerOf } from "../core/tracker.ts";
import type { Release, World } from "../port.ts";
import { graceMs } from "./act-run.ts";
import { createCrew, type Crew } from "./crew.ts";
import { elect, type Mandate } from "./elect.ts";
import { createKeeper } from "./keep.ts";
import type { Ledger } from "./ledger.ts";
import { observedName, observedText } from "./observed.ts";
import { loadRules } from "./policy.ts";
import { createRests } from "./rest.ts";
import { createSight, type Sight } from "./sight.ts";
import { createTripwire, type Tripwire } from "./tripwire.ts";
import { createWaker, type Waker } from "./waker.ts";
import { leadsStill, reasonOf, type Work } from "./work.ts";

/** Longest time between two looks, in ms; events only shorten it. */
const sweepMs = 1000;
/** Shortest time between two publications of one file, in ms. */
const publishMs = 200;
/** Configuration is read again after this long, in ms. */
const rulesMs = 2000;
/** All lanes are looked at anew after this long although nothing moved, in ms. */
const gitSweepMs = 300_000;

/** How an engine differs from one box or test to another. */
export interface EngineOptions {
  readonly version: string;
  /** Ends after this long without a run, a queue entry or a viewer, in ms. */
  readonly idleMs: number;
}

/** Lead until there is nothing left to do, another engine is elected, or the repository vanishes. */
export const reconcile = async (ledger: Ledger, world: World, options: EngineOptions): Promise<void> => {
  for (;;) {
    const mandate = await elect(ledger, world, options.version);
    if (!mandate) return;
    if (!(await serve(ledger, world, mandate, options))) return;
    // A wish may have been recorded between the last look and the retirement, by somebody who still saw an engine.
    await ledger.refresh();
    const { policy } = await loadRules(world.settings, undefined);
    if (!needsEngine(ledger.state, world.clock.now(), policy)) return;
  }
};

/** Lead under one mandate. True: it ended because there was nothing to do; false: the election or the repository is gone. */
const serve = async (ledger: Ledger, world: World, mandate: Mandate, options: EngineOptions): Promise<boolean> => {
  world.log(`elected with token ${mandate.token}, pid ${process.pid}`);
  const waker = createWaker();
  const work: Work = { ledger, world, mandate, rules: await loadRules(world.settings, undefined), checks: new Set() };
  const sight = createSight(world, waker.wake);
  const crew = createCrew(work, waker.wake);
  const tripwire = await createTripwire(world, ledger.state);
  const published: Office["published"] = new Map();
  // Somebody wrote the tracker: it is put aside, and ours is published again. Our own writes come by here too and change nothing.
  const again = (): void => {
    published.delete(trackerName);
    waker.wake();
  };
  const releases: readonly Release[] = [
    ledger.follow(waker.wake),
    world.host.watch(waker.wake),
    world.journal.followPublished(trackerName, again),
    () => sight.release(),
  ];
  try {
    const keep = createKeeper(ledger, world, options.version);
    return await lead({ work, sight, tripwire, crew, waker, options, published, keep });
  } finally {
    for (const release of releases) release();
    await crew.settled();
  }
};

interface Office {
  readonly work: Work;
  readonly sight: Sight;
  readonly tripwire: Tripwire;
  readonly crew: Crew;
  readonly waker: Waker;
  readonly options: EngineOptions;
  /** Keep a snapshot if one is due. */
  readonly keep: () => Promise<void>;
  /** Per file: when it was published last, and at which state. */
  readonly published: Map<string, { readonly at: number; readonly what: string }>;
}

const lead = async (office: Office): Promise<boolean> => {
  const { work, sight, crew, waker, options } = office;
  const { clock } = work.world;
  const rests = createRests(clock);
  let [busyAt, rulesAt, gitAt] = [clock.elapsed(), clock.elapsed(), clock.elapsed()];
  for (;;) {
    const [now, elapsed] = [clock.now(), clock.elapsed()];
    if (!(await stillLeads(work))) return false;
    if (elapsed - rulesAt >= rulesMs) {
      work.rules = await loadRules(work.world.settings, work.rules);
      rulesAt = elapsed;
    }
    if (elapsed - gitAt >= gitSweepMs) {
      sight.mark();
      gitAt = elapsed;
    }
    const { state } = work.ledger;
    endForgottenChecks(work);
    crew.begin(plan(state, { runs: lookAtRuns(work), rested: rests(state) }, now, work.rules.policy));
    await sight.look(state).catch((error: unknown) => work.world.log(`look: ${reasonOf(error)}`));
    await publish(office);
    await office.keep();
    if (crew.busy() || needsEngine(state, now, work.rules.policy) || work.world.host.announced().length > 0)
      busyAt = elapsed;
    if (elapsed - busyAt >= options.idleMs && (await retire(work))) return true;
    await waker.sleep(sweepMs);
  }
};

/** Read on; false when the log or the election is gone, or a newer program has written. */
const stillLeads = async (work: Work): Promise<boolean> => {
  if (!(await work.world.journal.exists())) return false;
  if (!(await leadsStill(work))) return false;
  const newer = work.ledger.newer();
  if (newer) work.world.log(newer.refused);
  return !newer;
};

/** A lane that was taken out of the queue waits for its check no more: the check's processes must not go on. */
const endForgottenChecks = (work: Work): void => {
  const awaited = new Set(runsToSee(work.ledger.state));
  for (const run of work.checks) {
    if (awaited.has(run)) continue;
    work.checks.delete(run);
    const { is } = work.world.host.seen(run);
    if (is === "exited" || is === "absent") continue;
    work.world.host.stop(run, graceMs).catch((error: unknown) => work.world.log(`stop ${run}: ${reasonOf(error)}`));
  }
};

const lookAtRuns = (work: Work): ReadonlyMap<string, RunSeen> =>
  new Map(runsToSee(work.ledger.state).map((run) => [run, work.world.host.seen(run)]));

/** Publish the projections whose contents have moved, each at most five times a second. */
const publish = async (office: Office): Promise<void> => {
  const { work, sight, tripwire, published } = office;
  const { state } = work.ledger;
  const seen = await tripwire(sight.seen(), state);
  const { clock } = work.world;
  const [now, elapsed] = [clock.now(), clock.elapsed()];
  const files = [
    {
      name: trackerName,
      what: `${state.position} ${seen?.at ?? 0}`,
      text: () => `${JSON.stringify(trackerOf(state, seen, now, work.rules.policy), null, 2)}\n`,
    },
    { name: observedName, what: `${seen?.at ?? 0}`, text: () => (seen ? observedText(seen) : "") },
  ];
  for (const { name, what, text } of files) {
    const last = published.get(name);
    if (last?.what === what || (name === observedName && !seen)) continue;
    if (last && elapsed - last.at < publishMs) {
      setTimeout(office.waker.wake, publishMs).unref();
      continue;
    }
    published.set(name, { at: elapsed, what });
    await work.world.journal
      .publish(name, text())
      .catch((error: unknown) => work.world.log(`publish ${name}: ${reasonOf(error)}`));
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
  work.world.log(`retired: ${why}`);
  return outcome.effective;
};
