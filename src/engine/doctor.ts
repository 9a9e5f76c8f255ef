/** Looking for faults: every driver looks, the core judges, and what is safe is mended. */
import { diagnose } from "../core/doctor.ts";
import type { Finding, Mend } from "../core/finding.ts";
import type { Health, RepositoryFacts, SettingsFacts, WorkFacts } from "../core/health.ts";
import { isNo } from "../core/observed.ts";
import { needsEngine } from "../core/plan.ts";
import type { Lane, LaneState, State } from "../core/state.ts";
import type { GitWard, HostWard, JournalWard, World } from "../port.ts";
import { ensureElected, vitality } from "./elect.ts";
import { createLedger, type Ledger } from "./ledger.ts";
import { observedName, parseObserved } from "./observed.ts";
import { limitsOf } from "./policy.ts";
import { reasonOf } from "./work.ts";

/** Who looks, and who mends. */
export interface Doctor {
  /** Look at everything; changes nothing. */
  examine(): Promise<readonly Finding[]>;
  /** Make one safe repair. False: it was no longer needed, or may not be made now. Throws when the disk refuses. */
  mend(mend: Mend): Promise<boolean>;
}

/** What a doctor works with; `journal` and `world` are absent outside a repository. */
export interface Practice {
  readonly host: HostWard;
  readonly git: GitWard;
  readonly journal?: JournalWard;
  readonly world?: World;
  readonly version: string;
  now(): number;
}

/** A doctor for one place. */
export const openDoctor = (practice: Practice): Doctor => ({
  examine: async () => diagnose(await look(practice)),
  mend: (mend) => carryOut(practice, mend),
});

const look = async (practice: Practice): Promise<Health> => {
  const { host, git, journal, world } = practice;
  const ledger = world && createLedger(world.journal, world.clock);
  const read = ledger && (await attempted(() => ledger.refresh()));
  const box = await attempted(() => host.box());
  const seen = await attempted(() => git.look());
  const state = typeof read === "string" ? undefined : ledger?.state;
  return {
    now: practice.now(),
    box,
    git:
      typeof seen === "object" && seen.inside ? { ...seen, inside: await withKnown(seen.inside, world, state) } : seen,
    ...(world && { settings: await attempted(() => lookAtSettings(practice, world, state)) }),
    ...(journal && { journal: await attempted(() => journal.look()) }),
    ...(world &&
      ledger && { work: typeof read === "string" ? read : await attempted(() => lookAtWork(host, world, ledger)) }),
  };
};

/** What the records say besides: where lanes land, and which settings are the person's own. */
const withKnown = async (
  inside: RepositoryFacts,
  world: World | undefined,
  state: State | undefined,
): Promise<RepositoryFacts> => {
  const target = state?.target === undefined ? {} : { target: state.target };
  if (!state || state.lanes.size === 0) return { ...inside, ...target, programs: [] };
  const settings = parseObserved(await world?.journal.published(observedName))?.settings;
  const isOwn = (key: string): boolean =>
    settings !== undefined &&
    !settings.remarks.some(({ name }) => name.startsWith(`${key} in `)) &&
    Object.keys(settings.known).some((name) => name.startsWith(`${key} in `));
  return { ...inside, ...target, programs: inside.programs.filter(({ key }) => !isOwn(key)) };
};

/** What a look saw, or why it could not: the other looks go on. */
const attempted = async <Seen>(act: () => Promise<Seen>): Promise<Seen | string> => {
  try {
    return await act();
  } catch (error) {
    return reasonOf(error);
  }
};

const lookAtSettings = async ({ host }: Practice, world: World, state: State | undefined): Promise<SettingsFacts> => {
  const loaded = await world.settings.load();
  const none = { warnings: [], untrusted: 0 };
  const config = isNo(loaded) ? {} : loaded.config;
  const named = [
    ...Object.entries(config.agents ?? {}).map(
      ([name, { command, cli }]) => [`agents.${name}`, command?.[0] ?? cli] as const,
    ),
    ...Object.entries(config.probes ?? {}).map(([name, { command }]) => [`probes.${name}`, command[0]] as const),
    ...[...(state?.lanes.values() ?? [])]
      .filter((lane) => !over.has(lane.state))
      .map((lane: Lane) => [`lane ${lane.id}`, lane.spec.command?.[0]] as const),
  ].flatMap(([by, program]) => (program === undefined ? [] : [{ by, program }]));
  const absent = new Set(host.missing([...new Set(named.map(({ program }) => program))]));
  const missing = named.filter(({ program }) => absent.has(program));
  if (isNo(loaded)) return { ...none, fault: loaded, missing };
  return { warnings: loaded.warnings, untrusted: loaded.untrusted.length, missing };
};

/** Lanes that start no program any more. */
const over: ReadonlySet<LaneState> = new Set(["merged", "cancelled", "ready", "merge-queued", "merging"]);

const lookAtWork = async (host: HostWard, world: World, { state }: Ledger): Promise<WorkFacts> => {
  const loaded = await world.settings.load();
  const limits = limitsOf(isNo(loaded) ? {} : loaded.config);
  const { engine } = state;
  return {
    initialised: state.initialised,
    ...(engine && { engine: { pid: engine.process.pid, is: vitality(world.host, state), at: engine.at } }),
    needed: needsEngine(state, world.clock.now(), limits),
    lanes: [...state.lanes.values()].map((lane) => ({ id: lane.id, state: lane.state, worktree: lane.worktree })),
    orphans: host.orphans(),
    newer: state.counts.newer,
  };
};

const carryOut = async ({ git, journal, world, version }: Practice, mend: Mend): Promise<boolean> => {
  switch (mend.type) {
    case "unlock":
    case "exclude":
    case "relink":
    case "forget-unfinished":
    case "restore-branch":
      return git.mend(mend);
    case "mode":
    case "set-aside":
    case "end-line":
      return (await journal?.mend(mend)) ?? false;
    case "start-engine":
      return world ? ensureElected(createLedger(world.journal, world.clock), world, version) : false;
  }
};
