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
  const fault = propose(state, entry.record, position);
  if (fault === undefined) {
    state.counts.effective += 1;
    remember(state, entry.record.id);
    return { position, effective: true };
  }
  state.counts.void += 1;
  return { position, effective: false, reason: fault };
};

/** The reason given for a record whose id is already in effect. */
export const repeated = "repeated: a record with this id is already in effect";

const propose = (state: State, record: LogRecord, position: number): Fault => {
  if (record.v > recordVersion) {
    state.counts.newer += 1;
    return `written by a newer lanes (record version ${record.v})`;
  }
  if (state.seen.young.has(record.id) || state.seen.old.has(record.id)) return repeated;
  const late = unmet(state, record.if);
  if (late !== undefined) return late;
  const draft: Draft = { state, lanes: new Map(), repo: {} };
  for (const event of record.events) {
    const fault = apply(draft, event, record, position);
    if (fault !== undefined) return `${event.type}: ${fault}`;
  }
  commit(draft);
  return undefined;
};

const apply = (draft: Draft, event: Event, record: LogRecord, position: number): Fault => {
  if (!Object.hasOwn(effects, event.type)) {
    draft.state.counts.unknown += 1;
    return undefined;
  }
  const effect = effects[event.type] as Effect<EventType>;
  return effect(draft, event, record, position);
};

const commit = ({ state, lanes, repo }: Draft): void => {
  for (const [id, lane] of lanes) {
    state.lanes.set(id, lane);
    state.names.set(id.toLowerCase(), id);
  }
  Object.assign(state, repo);
};

const remember = (state: State, id: string): void => {
  if (state.seen.young.size >= retryWindow) state.seen = { young: new Set(), old: state.seen.young };
  state.seen.young.add(id);
};

const unmet = (state: State, conditions: readonly Precondition[] | undefined): Fault => {
  for (const condition of conditions ?? []) {
    if ("engine" in condition) {
      if ((state.engine?.token ?? 0) !== condition.engine) return "late: another engine was elected";
      continue;
    }
    const lane = state.lanes.get(condition.lane);
    if ("rev" in condition) {
      if ((lane?.rev ?? 0) !== condition.rev) return `late: lane ${condition.lane} changed meanwhile`;
    } else if (!lane || !condition.state.includes(lane.state)) {
      return `late: lane ${condition.lane} is ${lane?.state ?? "unknown"}, not ${condition.state.join(" or ")}`;
    }
  }
  return undefined;
};
