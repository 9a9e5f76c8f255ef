/** Edits of the tracker by other hands → facts: what they changed, merged field by field, checked like wishes. */
import type { Command } from "./command.ts";
import { decide, dependencyRefusal, isRefusal } from "./decide.ts";
import type { Event, Left, Patched, Precondition } from "./event.ts";
import { isPhase } from "./foreign.ts";
import { agentOf, idFault, quote } from "./id.ts";
import { parseSpec } from "./lane-spec.ts";
import { attempt, below, type Fault, fields, isFault, items, text } from "./parse.ts";
import { foreignKey, foreignMax, patchable } from "./patchable.ts";
import { type Lane, type LaneSpec, type State, stateTable } from "./state.ts";
import { strictJson } from "./strict-json.ts";

/** A JSON object. */
export type Doc = Readonly<Record<string, unknown>>;

/** What an edit comes to: facts for one record, and what of it stays as it was. */
export interface Patch {
  readonly events: readonly Event[];
  readonly if: readonly Precondition[];
  readonly left: readonly Unmet[];
}

/** A field that was not taken over, with the exit code that tells why: 4 not allowed, 65 bad data, 75 try again. */
export interface Unmet extends Left {
  readonly code: number;
}

/** How an edit is compared with the projection that it was made on. */
export interface Comparison {
  /** `base` is the very text that was edited; otherwise it was made anew, and what the clock or git show in it says nothing. */
  readonly exact: boolean;
  /** The edit is a whole tracker: what is missing in it was taken out. Otherwise it holds the changed fields only. */
  readonly whole: boolean;
}

/** Fields that hold what git or the clock showed when the tracker was written. */
const volatile: ReadonlySet<string> = new Set(["observedAt", "metrics", "locks", "git", "detail"]);

/** Never part of an edit. */
const ours = "_meta";

/** What an edit changed relative to the projection `base` that it was made on: by lane, by agent, by field. */
export const editsOf = (base: Doc, edited: Doc, comparison: Comparison): readonly Patched[] =>
  changed([], base, edited, comparison).flatMap((change) => {
    const [kind] = change.at;
    if (kind !== "lanes" && kind !== "agents") return [change];
    const [groups, was] = [objectOf(change.to), objectOf(base[kind])];
    if (!groups || !was) return [change];
    return changed([kind], was, groups, comparison).flatMap((entry) => {
      const [, name = ""] = entry.at;
      const [now, before] = [objectOf(entry.to), Object.hasOwn(was, name) ? objectOf(was[name]) : undefined];
      const fieldsNow = now ?? (entry.to === undefined ? {} : undefined);
      if (kind === "agents" && fieldsNow) return changed(entry.at, before ?? {}, fieldsNow, comparison);
      return now && before ? changed(entry.at, before, now, comparison) : [entry];
    });
  });

/** Keys of one object that differ. */
const changed = (at: readonly string[], base: Doc, edited: Doc, { exact, whole }: Comparison): readonly Patched[] => {
  const says = (key: string): boolean => key !== ours && (exact || !volatile.has(key));
  const set = Object.keys(edited)
    .filter((key) => says(key) && !(Object.hasOwn(base, key) && same(base[key], edited[key])))
    .map((key) => ({ at: [...at, key], to: edited[key] }));
  const missing = whole ? Object.keys(base).filter((key) => says(key) && !Object.hasOwn(edited, key)) : [];
  return [...set, ...missing.map((key) => ({ at: [...at, key] }))];
};

/** Do two JSON values mean the same? The order of keys means nothing. */
const same = (a: unknown, b: unknown): boolean => {
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, index) => same(item, b[index]));
  const [one, other] = [objectOf(a), objectOf(b)];
  if (!one || !other) return a === b;
  const keys = Object.keys(one);
  return (
    keys.length === Object.keys(other).length &&
    keys.every((key) => Object.hasOwn(other, key) && same(one[key], other[key]))
  );
};

/** A JSON object, or undefined for everything else. */
export const objectOf = (value: unknown): Doc | undefined =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Doc) : undefined;

/** What is being put together while an edit is looked through. */
interface Desk {
  readonly state: State;
  /** The projection of `state`: fields in it that are not for setting are ours. */
  readonly now: Doc;
  readonly changes: Patched[];
  /** Kept fields of lanes that this edit adds. */
  readonly later: Patched[];
  /** What those lanes' agents told. */
  readonly told: (Event & { readonly type: "lane.progressed" })[];
  readonly events: Event[];
  readonly conditions: Precondition[];
  readonly left: Unmet[];
  readonly words: Map<string, Patched>;
  readonly added: Definition[];
  /** Lanes that get other dependencies. */
  readonly bound: Definition[];
}

interface Definition {
  readonly id: string;
  readonly spec: LaneSpec;
}

/**
 * The facts that changed fields come to now. `now`: the projection of `state`. What is so already comes to nothing. A field
 * that may not be set, or not so, is left and said; the others do not depend on it. `only`: the lane whose agent asks; it
 * speaks for no other.
 */
export const patchOf = (state: State, now: Doc, edits: readonly Patched[], only?: string): Patch => {
  const desk: Desk = {
    state,
    now,
    changes: [],
    later: [],
    told: [],
    events: [],
    conditions: [],
    left: [],
    words: new Map(),
    added: [],
    bound: [],
  };
  for (const edit of edits) {
    const [kind] = edit.at;
    if (only !== undefined && !isAbout(only, edit.at)) {
      leave(desk, edit.at, `an agent speaks only for its own lane, ${only}`, "ask from outside of the lane");
    } else if (kind === "lanes") patchLane(desk, edit);
    else if (kind === "agents") patchAgent(desk, edit);
    else patchRoot(desk, edit);
  }
  const added = addLanes(desk);
  bind(desk, added);
  for (const [id, edit] of desk.words) steer(desk, id, edit);
  const { changes, conditions, events, later, left } = desk;
  const patched = { type: "tracker.patched", left: left.slice(0, leftMax).map(bare) } as const;
  const last: readonly Event[] = later.length === 0 ? [] : [{ type: "tracker.patched", changes: later, left: [] }];
  return { events: [{ ...patched, changes }, ...events, ...last], if: conditions, left };
};

/** Is this place the lane's own, or its implicit agent's? */
const isAbout = (lane: string, [kind, name]: readonly string[]): boolean =>
  (kind === "lanes" && name === lane) || (kind === "agents" && name === agentOf(lane, undefined));

/** Fields left that a record names; the rest is in the file that is kept. */
const leftMax = 20;

const bare = ({ path, why, hint }: Unmet): Left => ({ path, why, hint });

/** Does this edit change anything? */
export const isIdle = ({ events }: Patch): boolean =>
  events.length === 1 && events[0]?.type === "tracker.patched" && events[0].changes.length === 0;

const leave = (desk: Desk, at: readonly string[], why: string, hint: string, code = 4): void => {
  const path = at.reduce((sofar, part) => below(sofar, part), "").replace(/^\./, "");
  desk.left.push({ path, why, hint, code });
};

const patchRoot = (desk: Desk, { at, to }: Patched): void => {
  const [key = ""] = at;
  if (key === "phase") {
    if (isPhase(to)) wish(desk, at, { type: "enter", phase: to });
    else leave(desk, at, "must be a whole number from 0 to 4", "write it without quotes", 65);
  } else if (Object.hasOwn(desk.now, key) && !isForeign(desk, at)) leave(desk, at, follows, followsHint);
  else keep(desk, at, to);
};

const follows = "follows from the journal and from git";
const followsHint = "lanes --help lists what can be asked for";

const patchAgent = (desk: Desk, { at, to }: Patched): void => {
  const [, name = "", field = ""] = at;
  if (at.length < 3) return leave(desk, at, "must be an object", "agents are set field by field", 65);
  const entry = objectOf(objectOf(desk.now["agents"])?.[name]);
  const lane = entry && !isForeign(desk, ["agents", name, "lane"]) ? entry["lane"] : undefined;
  if (field === "status" && typeof lane === "string") {
    if (!desk.words.has(lane)) desk.words.set(lane, { at, to });
  } else if (entry && Object.hasOwn(entry, field) && !isForeign(desk, at)) leave(desk, at, follows, followsHint);
  else keep(desk, at, to);
};

const patchLane = (desk: Desk, edit: Patched): void => {
  const { at, to } = edit;
  const [, id = "", field = ""] = at;
  if (at.length === 1) return leave(desk, at, "must be an object", "lanes stay; lanes cancel LANE gives one up", 65);
  const lane = desk.state.lanes.get(id);
  if (at.length === 2) {
    const entry = objectOf(to);
    if (lane && entry) for (const key of Object.keys(entry)) patchLane(desk, { at: [...at, key], to: entry[key] });
    else if (to === undefined) leave(desk, at, "lanes are not taken out here", `lanes cancel ${id}`);
    else if (entry) addLane(desk, id, entry);
    else leave(desk, at, "must be an object", 'write {"tasks": ["…"]}', 65);
  } else if (lane) patchField(desk, lane, field, edit);
  else leave(desk, at, `there is no lane ${quote(id)}`, "lanes status lists them", 65);
};

/** Keys that are commands or lead to one: only a person at a terminal, or a trusted file, may give them. */
const commands: ReadonlySet<string> = new Set(["command", "check", "acceptance", "env"]);
/** Keys of a definition that are decided once. */
const fixed: ReadonlySet<string> = new Set(["agent", "target", "base", "commit"]);

const patchField = (desk: Desk, lane: Lane, field: string, edit: Patched): void => {
  const { at, to } = edit;
  if (commands.has(field)) return leave(desk, at, "commands are not taken from the tracker", "lanes add-lane ID JSON");
  if (field === "status") {
    desk.words.set(lane.id, edit);
  } else if (patchable.has(field)) define(desk, lane, field, edit);
  else if (field === "results") report(desk, lane, edit);
  else if (field === "progress") progress(desk, lane, edit);
  else if (fixed.has(field)) leave(desk, at, "is decided when a lane is added", "lanes add-lane ID JSON");
  else if (isOurs(desk, lane, field) && !isForeign(desk, at)) leave(desk, at, follows, `lanes why ${lane.id}`);
  else keep(desk, at, to);
};

const isOurs = ({ now }: Desk, { id }: Lane, field: string): boolean =>
  field === "blockedPaths" || Object.hasOwn(objectOf(objectOf(now["lanes"])?.[id]) ?? {}, field);

/** Part of a lane's definition. */
const define = (desk: Desk, { id, spec }: Lane, field: string, { at, to }: Patched): void => {
  if (to === undefined && Object.hasOwn(spec, field) && field !== "prompt" && field !== "timeoutMs")
    return leave(desk, at, "is not taken out here", "write what it shall be");
  const parsed = parseSpec(id, { [field]: to });
  if (isFault(parsed)) return leave(desk, at, `${within(field, parsed.path)}${parsed.fault}`, parsed.hint, 65);
  const value = parsed.spec[field as keyof LaneSpec];
  if (same(spec[field as keyof LaneSpec], value)) return;
  if (field === "dependsOn") {
    desk.bound.push({ id, spec: { ...spec, dependsOn: parsed.spec.dependsOn } });
    return;
  }
  desk.changes.push(value === undefined ? { at } : { at, to: value });
};

/** Dependencies last: they may name lanes that the same edit adds, and circles are looked for in all of them together. */
const bind = (desk: Desk, added: readonly Definition[]): void => {
  const bound: Definition[] = [...added];
  for (const one of desk.bound) {
    const at = ["lanes", one.id, "dependsOn"];
    const refusal = dependencyRefusal(desk.state, [one, ...bound]);
    if (refusal) {
      leave(desk, at, refusal.refused, refusal.hint, refusal.code);
      continue;
    }
    bound.push(one);
    desk.changes.push({ at, to: one.spec.dependsOn });
  }
};

/** `tasks[2]` is at `[2]` within `tasks`. */
const within = (field: string, path: string): string => {
  const rest = path.startsWith(field) ? path.slice(field.length) : path;
  return rest === "" ? "" : `${rest} `;
};

/** Longest result that is named, in characters; the same for a note on progress. */
const noteMax = 4096;

/** Results are what an agent says it made: kept beside those that git showed. */
const report = (desk: Desk, { results }: Lane, { at, to }: Patched): void => {
  const parsed = resultsOf(to);
  if (isFault(parsed)) return leave(desk, at, `${within("results", parsed.path)}${parsed.fault}`, parsed.hint, 65);
  const missing = results.filter((path) => !parsed.results.includes(path));
  if (missing.length > 0) leave(desk, at, `${missing[0] ?? ""} is on the lane's branch`, "results that git shows stay");
  const own = parsed.results.filter((path) => !results.includes(path));
  keep(desk, at, own.length === 0 ? undefined : own);
};

const progress = (desk: Desk, { id: key, progress: before = "" }: Lane, { at, to }: Patched): void => {
  const parsed = noteOf(to);
  if (isFault(parsed)) return leave(desk, at, parsed.fault, parsed.hint, 65);
  if (parsed.note !== before) desk.events.push({ type: "lane.progressed", key, text: parsed.note });
};

const resultsOf = (value: unknown): { readonly results: readonly string[] } | Fault =>
  attempt(() => ({ results: items(value ?? [], "results", (item, path) => text(item, path, noteMax)) }));

const noteOf = (value: unknown): { readonly note: string } | Fault =>
  attempt(() => ({ note: text(typeof value === "number" ? String(value) : (value ?? ""), "", noteMax) }));

/** Is what stands there a field that others put there? */
const isForeign = ({ state }: Desk, at: readonly string[]): boolean =>
  state.foreign !== undefined && Object.hasOwn(state.foreign, foreignKey(at));

/** Longest foreign field, in characters of JSON, and the longest name of one. */
const foreignCharactersMax = 16_384;
const nameMax = 200;

/** Keep a field that means nothing here for those who wrote it. */
const keep = (desk: Desk, at: readonly string[], to: unknown, where: Patched[] = desk.changes): void => {
  const foreign = desk.state.foreign ?? {};
  if (to === undefined) {
    if (isForeign(desk, at)) where.push({ at });
    return;
  }
  if (isForeign(desk, at) && same(foreign[foreignKey(at)], to)) return;
  if (JSON.stringify(to).length > foreignCharactersMax)
    return leave(desk, at, `is longer than ${foreignCharactersMax} characters`, "keep it in a file of your own", 65);
  if (at.some((part) => part.length > nameMax)) return leave(desk, at, "has too long a name", "shorten it", 65);
  const coming = [...desk.changes, ...desk.later].filter((change) => change.to !== undefined).length;
  if (Object.keys(foreign).length + coming >= foreignMax)
    return leave(desk, at, `more than ${foreignMax} fields of others`, "keep them in a file of your own", 65);
  where.push({ at, to });
};

/** Keys of a new lane that come to something without being part of its definition. */
const besides: ReadonlySet<string> = new Set(["status", "progress", "results"]);

const definition: ReadonlySet<string> = new Set([...patchable, ...fixed]);

/** A lane that somebody wrote into the tracker. With a command in it, it is not added at all: without it, it would be another. */
const addLane = (desk: Desk, id: string, entry: Doc): void => {
  const at = ["lanes", id];
  const fault = idFault(id);
  if (fault !== undefined) return leave(desk, at, fault, "choose another id", 65);
  const forbidden = Object.keys(entry).find((key) => commands.has(key));
  if (forbidden !== undefined)
    return leave(desk, [...at, forbidden], "commands are not taken from the tracker", `lanes add-lane ${id} JSON`);
  const defining = Object.keys(entry).filter((key) => definition.has(key));
  // The name that the projection gives to the agent of a lane which names none.
  const own = defining.filter((key) => key !== "agent" || entry[key] !== agentOf(id, undefined));
  const parsed = parseSpec(id, Object.fromEntries(own.map((key) => [key, entry[key]])));
  if (isFault(parsed)) return leave(desk, [...at, parsed.path], parsed.fault, parsed.hint, 65);
  desk.added.push({ id, spec: parsed.spec });
  for (const key of Object.keys(entry).filter((other) => !definition.has(other))) {
    if (!besides.has(key)) {
      if (derived.has(key)) leave(desk, [...at, key], follows, `lanes why ${id}`);
      else keep(desk, [...at, key], entry[key], desk.later);
    } else if (key !== "status") beside(desk, id, key, entry[key]);
    else if (entry[key] !== "created") leave(desk, [...at, key], "a new lane is created", `lanes launch ${id}`);
  }
};

/** Fields that a lane has in the tracker and that nobody sets. */
const derived: ReadonlySet<string> = new Set(
  `state detail kind branch worktree worktreePresent since blockedPaths run failures merge git conflictsWith waitsFor rev`.split(
    " ",
  ),
);

const beside = (desk: Desk, key: string, field: string, to: unknown): void => {
  const at = ["lanes", key, field];
  const parsed = field === "results" ? resultsOf(to) : noteOf(to);
  if (isFault(parsed)) leave(desk, at, `${within("results", parsed.path)}${parsed.fault}`, parsed.hint, 65);
  else if ("note" in parsed) desk.told.push({ type: "lane.progressed", key, text: parsed.note });
  else if (parsed.results.length > 0) keep(desk, at, parsed.results, desk.later);
};

/** All new lanes in one wish, so that they may depend on each other; one that is refused does not stop the others. */
const addLanes = (desk: Desk): readonly Definition[] => {
  for (let lanes = desk.added; lanes.length > 0;) {
    const answer = decide(desk.state, { type: "add", lanes });
    if (!isRefusal(answer)) {
      desk.events.push(...answer.events);
      desk.events.push(...desk.told.filter(({ key }) => lanes.some(({ id }) => id === key)));
      desk.conditions.push(...answer.if);
      return lanes;
    }
    const culprit = lanes.find(({ id }) => id === answer.lane) ?? lanes[0];
    lanes = lanes.filter((lane) => lane !== culprit);
    const id = culprit?.id ?? "";
    leave(desk, ["lanes", id], answer.refused, answer.hint, answer.code);
    const kept = desk.later.filter(({ at }) => at[1] !== id);
    desk.later.splice(0, desk.later.length, ...kept);
  }
  return [];
};

/** The wish behind each of the seed's words; `completed` is nobody's to say: git shows it. */
const wishes: Readonly<Record<string, (lane: Lane) => Command | undefined>> = {
  created: ({ id, state }) => (state === "queued" ? { type: "stop", lanes: [id] } : undefined),
  running: ({ id }) => ({ type: "launch", lanes: [id], again: true }),
  failed: ({ id }) => ({ type: "cancel", lanes: [id] }),
  completed: () => undefined,
};

/** A word for a lane's status is a wish to bring it there. */
const steer = (desk: Desk, id: string, { at, to }: Patched): void => {
  const lane = desk.state.lanes.get(id);
  if (!lane || to === stateTable[lane.state].seed) return;
  if (typeof to !== "string" || !Object.hasOwn(wishes, to))
    return leave(desk, at, "must be one of created, running, completed, failed", "write one of these words", 65);
  const command = wishes[to]?.(lane);
  if (command) return wish(desk, at, command);
  const hint = to === "completed" ? `git shows what is complete; then: lanes merge ${id}` : `lanes why ${id}`;
  leave(desk, at, `lane ${id} is ${lane.state} and cannot be set to ${to}`, hint);
};

const wish = (desk: Desk, at: readonly string[], command: Command): void => {
  const answer = decide(desk.state, command);
  if (isRefusal(answer)) return leave(desk, at, answer.refused, answer.hint, answer.code);
  desk.events.push(...answer.events);
  desk.conditions.push(...answer.if);
};

/** A tracker, or a piece of one, from its text: an object, or the fault that its place is read with. */
export const parseDoc = (source: string): { readonly doc: Doc } | Fault =>
  attempt(() => ({ doc: Object.fromEntries(fields(strictJson(source), "")) }));
