/** Everything that follows from the log, made anew from its first line; and what of it was wrong. The log itself is never touched. */
import { type Difference, differences } from "../core/difference.ts";
import { fold } from "../core/fold.ts";
import type { No, RepoSeen } from "../core/observed.ts";
import type { Limits } from "../core/schedule.ts";
import type { State } from "../core/state.ts";
import { trackerName, trackerOf } from "../core/tracker.ts";
import type { World } from "../port.ts";
import { isStranded } from "./elect.ts";
import { observedName, observedText, parseObserved } from "./observed.ts";
import { type Folded, frozenOf, readOn, resume, unfolded } from "./resume.ts";

/** A line of the log that is not in effect. */
export interface VoidLine {
  readonly position: number;
  /** Where in the log it begins. */
  readonly byte: number;
  readonly kind: "damaged" | "void";
  readonly why: string;
}

/** A file that follows from the log: as the log says, or how it differs. */
export interface Projection {
  readonly name: string;
  readonly found: "same" | "different" | "absent" | "unreadable";
  /** Fields of the file (`was`) against what follows from the log (`is`). */
  readonly differences: readonly Difference[];
}

/** What a look at the whole log found. */
export interface Survey {
  readonly state: State;
  readonly lines: readonly VoidLine[];
  readonly projections: readonly Projection[];
}

/** A survey, and the right to write what it found. */
export interface Repair extends Survey {
  /** End the engine, which goes on from what it has read; write every projection anew; start another engine if one is needed. */
  write(): Promise<void>;
}

/** What a survey needs besides the world. */
export interface SurveyOptions {
  /** Of this program. */
  readonly version: string;
  readonly limits: Limits;
  /** End the engine, if one lives; runs go on. */
  readonly stop: () => Promise<unknown>;
}

/** Read every line and compare what follows from it with what is there; writes nothing. A No: it is another repository's log. */
export const survey = async (world: World, { version, limits, stop }: SurveyOptions): Promise<Repair | No> => {
  const folded = unfolded();
  const lines: VoidLine[] = [];
  await readOn(world.journal, folded, (entry, { position, effective, reason = "" }, byte) => {
    if (!effective) lines.push({ position, byte, kind: "damaged" in entry ? "damaged" : "void", why: reason });
  });
  const foreign = await foreignFault(world, folded.state);
  if (foreign) return foreign;
  const observed = await world.journal.published(observedName);
  const seen = parseObserved(observed);
  const now = world.clock.now();
  const projections: readonly Projection[] = [
    await trackerFound(world, trackerOf(folded.state, seen, now, limits), folded.state),
    await snapshotFound(world, folded),
    // What git showed is no part of the log: only a file that says nothing is made anew, by another look.
    { name: observedName, found: observed === undefined || seen ? "same" : "unreadable", differences: [] },
  ];
  const write = async (): Promise<void> => {
    await stop();
    await readOn(world.journal, folded, () => undefined);
    const fresh = observed === undefined || seen ? seen : await lookAnew(world, folded.state);
    if (fresh && !seen) await world.journal.publish(observedName, observedText(fresh));
    const tracker = trackerOf(folded.state, fresh, now, limits);
    await world.journal.publish(trackerName, `${JSON.stringify(tracker, null, 2)}\n`);
    const frozen = frozenOf(folded);
    if (frozen) await world.journal.keep({ ...frozen, by: version });
    if (isStranded(folded.state, world.host, version, world.clock.now(), limits)) world.host.spawnEngine();
  };
  return { state: folded.state, lines, projections, write };
};

const trackerFound = async (world: World, tracker: object, state: State): Promise<Projection> => {
  const text = await world.journal.published(trackerName);
  if (text === undefined) return { name: trackerName, found: "absent", differences: [] };
  const was = parsed(text);
  if (was === undefined) return { name: trackerName, found: "unreadable", differences: [] };
  // How long a lane still waits is said anew with every look.
  const passing = new Set(
    [...state.lanes.values()].flatMap(({ id, retryAt }) => (retryAt ? [`lanes.${id}.detail`] : [])),
  );
  return foundBy(trackerName, was, plain(tracker), passing);
};

/** What a start would begin with, carried on to the line at which the survey ended: the log may have grown meanwhile. */
const snapshotFound = async (world: World, { state, cursor: { position } }: Folded): Promise<Projection> => {
  const name = "snapshot.json";
  if (!(await world.journal.snapshot(position))) return { name, found: "absent", differences: [] };
  const resumed = await resume(world.journal, position);
  await world.journal.read(resumed.cursor, (entry) => {
    if (entry.position <= position) fold(resumed.state, entry);
  });
  return foundBy(name, comparable(resumed.state), comparable(state), new Set());
};

const foundBy = (name: string, was: unknown, is: unknown, passing: ReadonlySet<string>): Projection => {
  const found = differences(was, is).filter(({ field }) => !passing.has(field));
  return { name, found: found.length === 0 ? "same" : "different", differences: found };
};

/** A state as plain JSON, lanes by their id; the ids of records only as numbers. */
const comparable = (state: State): unknown =>
  plain({
    ...state,
    lanes: Object.fromEntries(state.lanes),
    names: Object.fromEntries(state.names),
    seen: { young: state.seen.young.size, old: state.seen.old.size },
  });

const plain = (value: object): unknown => JSON.parse(JSON.stringify(value));

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
};

const lookAnew = async (world: World, { target, lanes }: State): Promise<RepoSeen | undefined> => {
  if (target === undefined) return undefined;
  const status = [...lanes.values()].filter((lane) => lane.worktree).map((lane) => lane.id);
  return world.git.observe({ target, status });
};

/** Commits of the log that are looked for, the newest first. */
const commitsMax = 8;

/** Is this another repository's log? It is when it names commits and this repository has none of them. */
const foreignFault = async (world: World, { lanes }: State): Promise<No | undefined> => {
  const named = [...lanes.values()]
    .toReversed()
    .flatMap(({ landed, merge, run }) => [landed?.merge, merge?.onto, run?.base]);
  const commits = [...new Set(named)].filter((name) => /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(name ?? ""));
  const looked = commits.flatMap((commit) => commit ?? []).slice(0, commitsMax);
  if (looked.length === 0 || (await world.git.known(looked)).size > 0) return undefined;
  return {
    refused: `this log is another repository's: of the commits that it names, none is here (${looked[0]?.slice(0, 7)}, ${looked.length} looked for)`,
    hint: "put this repository's own log back, or begin anew: lanes reset --yes",
    code: 65,
  };
};
