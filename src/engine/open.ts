/** The engine's library half on real ports: what every shell of this process holds. */
import { relative } from "node:path";

import type { Command, Refusal } from "../core/command.ts";
import type { ForecastSeen } from "../core/forecast.ts";
import { isNo, type RepoSeen } from "../core/observed.ts";
import { needsEngine, plan, runsToSee } from "../core/plan.ts";
import type { Limits } from "../core/schedule.ts";
import { trackerOf } from "../core/tracker.ts";
import { compareSettings } from "../core/tripwire.ts";
import type { Release, World } from "../port.ts";
import { ensureElected, isLed, isStranded, vitality } from "./elect.ts";
import type { Engine, Pulse } from "./engine.ts";
import { execute, type Receipt } from "./execute.ts";
import { createLedger, type Ledger, type Told } from "./ledger.ts";
import { askOf, basisOf, forecastOf, isOf } from "./forecast.ts";
import { forecastName, observedName, parseForecast, parseObserved, withForecast } from "./observed.ts";
import { defaults, graceMs, limitsOf, loadRules } from "./policy.ts";
import { createRests } from "./rest.ts";
import { replay } from "./resume.ts";
import type { Desk } from "./tracker.ts";
import { forgetSettings } from "./tripwire.ts";

/** How often a viewer makes sure that an engine lives while there is something to do, in ms. */
const attendMs = 1000;

/** The engine for one repository. Nothing is read or started before it is asked for. */
export const openEngine = (world: World, version: string, idleMs: number): Engine => {
  const ledger = createLedger(world.journal, world.clock);
  const limits = async (): Promise<Limits> => {
    const loaded = await world.settings.load();
    return limitsOf(isNo(loaded) ? {} : loaded.config);
  };
  return {
    layout: world.layout,
    state: () => ledger.state,
    newer: () => ledger.newer(),
    refresh: async () => {
      await ledger.refresh();
      return ledger.state;
    },
    follow: (listener) => ledger.follow(listener),
    history: (since) => history(world, since),
    execute: (command: Command): Promise<Receipt | Refusal> => execute(ledger, world, command, "human"),
    ensure: () => ensureElected(ledger, world, version),
    rescue: async () => {
      if ((await isStrandedHere(ledger, world, version, limits)) || (await isEdited(ledger, world, version)))
        world.host.spawnEngine();
    },
    resolve: async (lane) => (await import("./resolve.ts")).resolve(ledger, world, lane),
    dropResolve: async (lane) => (await import("./resolve.ts")).dropResolve(ledger, world, lane),
    foresee: async (lanes, check) => {
      const { foresee } = await import("./foresee.ts");
      return Promise.all(
        lanes
          .flatMap((id) => ledger.state.lanes.get(id) ?? [])
          .map((lane) => foresee(world, ledger.state, lane, check)),
      );
    },
    limits,
    settings: () => world.settings.load(),
    defaults: () => defaults,
    trust: (hash) => world.settings.trust(hash),
    observed: async () =>
      withForecast(parseObserved(await world.journal.published(observedName)), await publishedForecast(world)),
    forecast: async (isFresh) =>
      (isFresh ? undefined : await currentForecast(ledger, world)) ?? makeForecast(ledger, world),
    look: (lanes, target) => look(ledger, world, lanes, target),
    watchGit: (lanes, changed) => {
      const releases = [
        world.git.watch(lanes, changed),
        world.journal.followPublished(forecastName, () => changed([])),
      ];
      return () => {
        for (const release of releases) release();
      };
    },
    tail: (run, bytes) => world.host.tail(run, bytes),
    output: (run, from) => world.host.output(run, from),
    watchRun: (run, changed) => world.host.watch(changed, run),
    attend: () => attend(ledger, world, version, limits),
    filesAt: async (branch, folder) => {
      const tip = await world.git.tip(branch);
      return isNo(tip) ? new Map() : world.git.filesAt(tip.head, folder);
    },
    currentBranch: () => world.git.currentBranch(),
    prepare: () => prepare(world),
    lend: async (lanes) => {
      for (const id of lanes) await world.host.lend(id, ledger.state.lanes.get(id)?.spec.env ?? []);
    },
    writeOut: (path, text) => world.git.writeOut(path, text),
    survey: async () => {
      const { survey } = await import("./repair.ts");
      const whole = createLedger(world.journal, world.clock, { whole: true });
      return survey(world, { version, limits: await limits(), stop: () => stopEngine(whole, world) });
    },
    archive: () => world.journal.archive(new Date(world.clock.now()).toISOString().replaceAll(/[:.]/g, "-")),
    tracker: async () => {
      const { editsTaken, publishTracker } = await import("./tracker.ts");
      const desk = await deskOf(ledger, world, limits);
      if (!ledger.newer() && (await world.journal.exists())) {
        await publishTracker(desk).catch(unpublished(world));
        await editsTaken(desk, () => ensureElected(ledger, world, version));
      }
      return trackerOf(ledger.state, desk.seen, world.clock.now(), desk.limits);
    },
    refusedEdits: () => world.journal.refusedEdits(),
    patch: async (doc, asked) => {
      const { patchTracker, publishTracker } = await import("./tracker.ts");
      const desk = await deskOf(ledger, world, limits);
      const answer = await patchTracker(desk, doc, asked);
      if (!("refused" in answer)) await publishTracker(desk).catch(unpublished(world));
      return answer;
    },
    end: async (runs) => {
      await Promise.all(runs.map((run) => world.host.stop(run, graceMs)));
    },
    reconcile: async () => {
      const { reconcile } = await import("./reconcile.ts");
      await reconcile(ledger, world, { version, idleMs });
    },
    whyStays: (lane) => {
      const { lanes, target = "main" } = ledger.state;
      const seen = lanes.get(lane);
      return world.git.whyStays(lane, seen?.spec.target ?? target, seen?.undone !== undefined);
    },
    kept: () => world.git.kept(),
    emptyPool: () => world.git.fillPool(0, ledger.state.target ?? "main"),
    pulse: () => takePulse(ledger, world),
    stopEngine: () => stopEngine(ledger, world),
  };
};

/** Every line after a position with what became of it: folded anew from the last snapshot before it. */
const history = async (world: World, since: number): Promise<readonly Told[]> => {
  const told: Told[] = [];
  await replay(world.journal, since, (entry, outcome) => told.push({ entry, outcome }));
  return told;
};

const look = async (ledger: Ledger, world: World, lanes: readonly string[], given?: string): Promise<RepoSeen> => {
  const target = given ?? ledger.state.target;
  const current = target === undefined ? await world.git.currentBranch() : { name: target };
  const seen = await world.git.observe({ target: isNo(current) ? "HEAD" : current.name, status: lanes });
  const forecast = await publishedForecast(world);
  const { settings } = parseObserved(await world.journal.published(observedName)) ?? {};
  const compared =
    settings && seen.configured
      ? { settings: compareSettings(settings, seen.configured, ledger.state, seen.at) }
      : undefined;
  return { ...seen, ...compared, ...(forecast ? { forecast } : {}) };
};

const publishedForecast = async ({ journal }: World): Promise<ForecastSeen | undefined> =>
  parseForecast(await journal.published(forecastName));

/** The published forecast while the engine leads that made it, and as long as lanes and target stand where they stood. */
const currentForecast = async (ledger: Ledger, world: World): Promise<ForecastSeen | undefined> => {
  const forecast = await publishedForecast(world);
  const since = ledger.state.engine?.at ?? 0;
  const basis = basisOf(ledger.state, parseObserved(await world.journal.published(observedName)));
  const isCurrent = forecast?.isWhole === true && forecast.at >= since && basis !== undefined && isOf(forecast, basis);
  return isCurrent && vitality(world.host, ledger.state) === "alive" ? forecast : undefined;
};

/** A forecast of this moment. */
const makeForecast = async (ledger: Ledger, world: World): Promise<ForecastSeen | undefined> => {
  const seen = await look(ledger, world, [...ledger.state.lanes.keys()]);
  const basis = basisOf(ledger.state, seen);
  return basis && forecastOf(basis, await world.git.forecast(askOf(basis)), world.clock.now(), true);
};

/** Does work wait for an engine while none leads? */
const isStrandedHere = async (
  ledger: Ledger,
  world: World,
  version: string,
  limits: () => Promise<Limits>,
): Promise<boolean> =>
  !ledger.newer() &&
  // First what costs little: viewers ask twice a second.
  !isLed(ledger.state, world.host, version) &&
  isStranded(ledger.state, world.host, version, world.clock.now(), await limits());

/** Did somebody write into the tracker, and no engine leads that would see it? */
const isEdited = async (ledger: Ledger, world: World, version: string): Promise<boolean> =>
  !ledger.newer() &&
  ledger.state.initialised &&
  !isLed(ledger.state, world.host, version) &&
  (await world.journal.edited());

/** What counts is in the journal; the file follows when the disk lets it. */
const unpublished =
  (world: World) =>
  (error: unknown): void =>
    world.log.warn("publish failed", { name: "tracker.json", why: String(error) });

const deskOf = async (ledger: Ledger, world: World, limits: () => Promise<Limits>): Promise<Desk> => ({
  ledger,
  world,
  limits: await limits(),
  seen: parseObserved(await world.journal.published(observedName)),
});

/** Announce a viewer, and start another engine within moments when the one that is needed has died. */
const attend = (ledger: Ledger, world: World, version: string, limits: () => Promise<Limits>): Release => {
  const release = world.host.announce("viewer");
  let asking = false;
  const check = async (): Promise<void> => {
    if (await isStrandedHere(ledger, world, version, limits)) await ensureElected(ledger, world, version);
  };
  const timer = setInterval(() => {
    if (asking) return;
    asking = true;
    check()
      .catch((error: unknown) => world.log.warn("attending failed", { why: String(error) }))
      .finally(() => {
        asking = false;
      });
  }, attendMs);
  return () => {
    clearInterval(timer);
    release();
  };
};

/** Make the state folder and keep it out of git. */
const prepare = async (world: World): Promise<readonly string[]> => {
  const written: string[] = [];
  const { home, state } = world.layout;
  if (!(await world.journal.exists())) written.push(state === home ? `${state}/` : `${relative(home, state)}/`);
  await world.journal.create();
  await world.git.noteCheckout();
  if (await world.git.exclude()) written.push("info/exclude (in git's own folder)");
  return written;
};

/** One look at the elected process, and at what it has to do: the same plan that it makes. */
const takePulse = async (ledger: Ledger, world: World): Promise<Pulse> => {
  await ledger.refresh();
  const { state } = ledger;
  const { policy } = await loadRules(world.settings, undefined);
  const now = world.clock.now();
  const runs = new Map(runsToSee(state).map((run) => [run, world.host.seen(run)]));
  const seen = parseObserved(await world.journal.published(observedName));
  return {
    is: vitality(world.host, state),
    needed: needsEngine(state, now, policy),
    heardAt: Math.max(state.engine?.at ?? 0, seen?.at ?? 0),
    steps: plan(state, { runs, rested: createRests(world.clock)(state) }, now, policy).map(
      ({ type, lane }) => `${type} ${lane}`,
    ),
  };
};

/** Take the election away from a living engine: it sees that and ends. Runs are not touched; what it noticed is forgotten. */
const stopEngine = async (ledger: Ledger, world: World): Promise<boolean> => {
  await ledger.refresh();
  const { engine } = ledger.state;
  if (!engine || engine.retired) {
    await forgetSettings(world);
    return false;
  }
  await ledger.propose({
    id: world.clock.id(),
    by: "human",
    if: [{ engine: engine.token }],
    events: [{ type: "engine.retired", why: "stopped by hand" }],
  });
  for (
    const until = world.clock.elapsed() + 10_000;
    world.host.alive(engine.process) && world.clock.elapsed() < until;
  ) {
    await world.clock.sleep(25);
  }
  await forgetSettings(world);
  return true;
};
