/** Facts → state. The fold decides which records take effect; correctness rests on no lock. */
import { type Draft, effects, type Effect, type Fault } from "./effect.ts";
import {
  type Entry,
  type Event,
  type EventType,
  type LogRecord,
  type Outcome,
  type Precondition,
  recordVersion,
} from "./event.ts";
import { isTime, list, shown } from "./foreign.ts";
import { retryWindow, type State } from "./state.ts";

/**
 * Advance `state` in place by one line of the journal and say what became of it. Never throws, whatever the line holds:
 * a damaged, repeated, late or illegal record is counted and void, and changes nothing else.
 */
export const fold = (state: State, entry: Entry): Outcome => {
  const { position } = entry;
  state.position = position;
  if ("damaged" in entry) {
    state.counts.damaged += 1;
    return { position, effective: false, reason: entry.damaged };
  }
  const voided = propose(state, entry.record, position);
  if (voided === undefined) {
    state.counts.effective += 1;
    return { position, effective: true };
  }
  state.counts.void += 1;
  return { position, effective: false, ...voided };
};

/** Version of the rules of this fold: grows when an old log would mean something else. A program that knows a lower one only reads. */
export const foldVersion = 1;

/** The reason given for a record whose id is already in effect; one that depends on a `rev` it changed comes late instead. */
export const repeated = "repeated: a record with this id is already in effect";

/** Why a record is void, and whether somebody else was just faster. */
type Voided = Pick<Outcome, "reason" | "raced">;

const propose = (state: State, record: LogRecord, position: number): Voided | undefined => {
  if (!isRecord(record)) return { reason: "it is no record of ours" };
  if (record.v > recordVersion) {
    state.counts.newer += 1;
    return { reason: `written by a newer lanes (record version ${record.v})` };
  }
  if (isFenced(record)) return tryEvents(state, record, position);
  if (!remember(state, record.id)) return { reason: repeated };
  const voided = tryEvents(state, record, position);
  if (voided) state.seen.young.delete(record.id);
  else age(state);
  return voided;
};

/**
 * Does the record's first event change the very lane whose `rev` it depends on? Then a repetition comes late by itself, and
 * its id need not be kept: ids are what a fold would spend most of its time and memory on.
 */
const isFenced = ({ events, if: conditions }: LogRecord): boolean => {
  const first = events[0] as { readonly type?: unknown; readonly key?: unknown } | null | undefined;
  if (!conditions || typeof first?.type !== "string" || !fencing.has(first.type)) return false;
  return conditions.some((condition) => isRevOf(condition, first.key));
};

const isRevOf = (condition: Precondition | null, lane: unknown): boolean =>
  typeof condition === "object" && condition !== null && "rev" in condition && condition.lane === lane;

const tryEvents = (state: State, record: LogRecord, position: number): Voided | undefined => {
  const late = unmet(state, record.if);
  if (late !== undefined) return { reason: `late: ${late}`, raced: true };
  const draft: Draft = { state, lane: undefined, lanes: undefined, names: undefined, repo: undefined };
  for (const event of record.events) {
    const fault = apply(draft, event, record, position);
    if (fault !== undefined) return { reason: fault };
  }
  commit(draft);
  return undefined;
};

/** Has it what the fold itself relies on? Fields of events are the business of their effects. */
const isRecord = (record: LogRecord | null): boolean =>
  typeof record === "object" &&
  record !== null &&
  typeof record.v === "number" &&
  typeof record.id === "string" &&
  isTime(record.at) &&
  Array.isArray(record.events) &&
  (record.if === undefined || Array.isArray(record.if));

const apply = (draft: Draft, event: Event | null, record: LogRecord, position: number): Fault => {
  if (typeof event?.type !== "string") return "an event has no type";
  const effect = effectOf.get(event.type);
  if (!effect) {
    draft.state.counts.unknown += 1;
    return undefined;
  }
  const fault = effect(draft, event, record, position);
  return fault === undefined ? undefined : `${event.type}: ${fault}`;
};

/** By name; a map, because events may be named like what every object has. */
const effectOf: ReadonlyMap<string, Effect<EventType>> = new Map(
  Object.entries(effects) as [EventType, Effect<EventType>][],
);

/** What this fold knows: the state that another one made of the same log may differ from ours. */
export const foldMark: string = [foldVersion, recordVersion, ...effectOf.keys()].join(" ");

/** Events that give their lane a new `rev` whenever they take effect. */
const fencing: ReadonlySet<string> = new Set(
  [...effectOf.keys()].filter((type) => /^(?:lane|run|merge|worktree)\./.test(type) && type !== "lane.progressed"),
);

const commit = ({ state, lane, lanes, names, repo }: Draft): void => {
  if (lanes) for (const [id, other] of lanes) state.lanes.set(id, other);
  if (lane) state.lanes.set(lane.id, lane);
  if (names) for (const [folded, id] of names) state.names.set(folded, id);
  if (repo) Object.assign(state, repo);
};

/** Take an id in; false when it is in effect already. One look-up: ids are what the fold spends its time on. */
const remember = ({ seen }: State, id: string): boolean => {
  if (seen.old.size > 0 && seen.old.has(id)) return false;
  const before = seen.young.size;
  return seen.young.add(id).size > before;
};

/** Begin a new generation of ids when the young one is full. */
const age = (state: State): void => {
  if (state.seen.young.size > retryWindow) {
    state.seen = { young: new Set(), old: state.seen.young };
  }
};

/** The first condition that does not hold, or that this version does not know. */
const unmet = (state: State, conditions: readonly (Precondition | null)[] | undefined): Fault => {
  for (const condition of conditions ?? []) {
    if (typeof condition !== "object" || condition === null) return "its condition is unknown";
    if ("engine" in condition) {
      if ((state.engine?.token ?? 0) !== condition.engine) return "another engine was elected";
      continue;
    }
    const lane = state.lanes.get(condition.lane);
    if ("rev" in condition) {
      if ((lane?.rev ?? 0) !== condition.rev) return `lane ${lane?.id ?? shown(condition.lane)} changed meanwhile`;
    } else if (!lane || !list(condition.state).includes(lane.state)) {
      return `lane ${lane?.id ?? shown(condition.lane)} is ${lane?.state ?? "unknown"}, not ${list(condition.state).map(shown).join(" or ")}`;
    }
  }
  return undefined;
};
