/** Wish × state → facts, or a refusal with a hint. */
import type { Command, Decision, Evidence, Refusal } from "./command.ts";
import type { Event, Precondition } from "./event.ts";
import { branchOf, idFault, quote, strayHint } from "./id.ts";
import { claimsOf, patternsFault } from "./lease.ts";
import { approve, handoffNote, resolve } from "./review.ts";
import { isUndoing, undo } from "./undo.ts";
import { cycleIn, isFrozen, isHeld, isLive, isManual } from "./schedule.ts";
import { type Lane, type LaneSpec, type LaneState, type State, stateTable } from "./state.ts";

/** What this wish means now. Asking for what already is so is no refusal: it yields no events. */
export const decide = (state: State, command: Command): Decision | Refusal => {
  if (state.counts.newer > 0) {
    return no(
      "this repository's log was written by a newer lanes",
      "upgrade lanes, or read only: status, log and events work",
      4,
    );
  }
  switch (command.type) {
    case "init":
      return init(state, command.target);
    case "add":
      return add(state, command);
    case "launch":
      return each(state, command.lanes, (lane) => launch(lane, command.again ?? false));
    case "retry":
      return each(state, command.lanes, retry);
    case "stop":
      return each(state, command.lanes, stop);
    case "cancel":
      return each(state, command.lanes, cancel);
    case "pause":
      return each(state, command.lanes, command.how === "stop" ? stop : freeze);
    case "resume":
      return each(state, command.lanes, resume);
    case "stop-all":
      return each(
        state,
        [...state.lanes.values()].filter((lane) => stoppable(lane)).map((lane) => lane.id),
        stop,
      );
    case "merge":
      return each(state, command.lanes, (lane) => merge(lane, command.evidence.get(lane.id), command));
    case "approve":
      return each(state, command.lanes, (lane) => approve(lane, command.heads.get(lane.id), command.seen));
    case "handoff":
      return each(state, command.lanes, (lane) => handoff(lane, command.note));
    case "resolve":
      return each(state, [command.lane], (lane) => resolve(lane, command));
    case "undo":
      return each(state, command.lanes, (lane) => undo(lane, command.check));
    case "enter":
      return { events: state.phase === command.phase ? [] : [{ type: "phase.entered", phase: command.phase }], if: [] };
    case "remove":
      return each(state, command.lanes, (lane) => remove(lane, command.save));
    case "restore":
      return restore(state, command);
    case "claim":
      return claim(state, command);
    case "renew":
      return renew(state, command);
    case "release":
      return release(state, command);
    case "break":
      return breakClaim(state, command);
  }
};

/** Is this answer a refusal? */
export const isRefusal = (answer: object): answer is Refusal => "refused" in answer;

const no = (refused: string, hint: string, code: number, lane?: string): Refusal =>
  lane === undefined ? { refused, hint, code } : { refused, hint, code, lane };

/** Decide for several lanes: all of them, or none. */
const each = (
  state: State,
  ids: readonly string[],
  one: (lane: Lane) => readonly Event[] | Refusal,
): Decision | Refusal => {
  const events: Event[] = [];
  const conditions: Precondition[] = [];
  for (const id of new Set(ids)) {
    const lane = state.lanes.get(id);
    if (!lane) return unknownLane(state, id);
    const answer = one(lane);
    if ("refused" in answer) return answer;
    if (answer.length === 0) continue;
    events.push(...answer);
    conditions.push({ lane: id, rev: lane.rev });
  }
  return { events, if: conditions };
};

/** The refusal for a lane that does not exist, with the nearest name that does. */
export const unknownLane = (state: State, id: string): Refusal => {
  const near = state.names.get(id.toLowerCase());
  const some = [...state.lanes.keys()].slice(0, 5).join(", ");
  const hint = near
    ? `did you mean ${near}?`
    : some === ""
      ? "there are no lanes yet: lanes add-lane ID JSON"
      : `lanes: ${some}${state.lanes.size > 5 ? ", …" : ""}`;
  return no(`no lane ${quote(id)}`, hint, 64, id);
};

const init = (state: State, target: string): Decision => ({
  events: state.initialised && state.target === target ? [] : [{ type: "repo.initialised", target }],
  if: [],
});

const add = (state: State, command: Extract<Command, { type: "add" }>): Decision | Refusal => {
  const named = new Map<string, string>();
  for (const { id } of command.lanes) {
    const refusal = nameRefusal(state, named, id);
    if (refusal) return refusal;
    named.set(id.toLowerCase(), id);
  }
  const fault = dependencyRefusal(state, command.lanes);
  if (fault) return fault;
  const events: Event[] = command.lanes.map(({ id, spec }) => ({ type: "lane.added", key: id, spec }));
  if (command.skipped !== undefined) {
    events.push({ type: "plan.written", lanes: command.lanes.map(({ id }) => id), skipped: command.skipped });
  }
  return { events, if: command.lanes.map(({ id }) => ({ lane: id, rev: state.lanes.get(id)?.rev ?? 0 })) };
};

/** Why a lane cannot be added under this name, besides those that are `named` in the same wish. */
const nameRefusal = (state: State, named: ReadonlyMap<string, string>, id: string): Refusal | undefined => {
  const fault = idFault(id);
  if (fault !== undefined) return no(fault, "choose another id", 65);
  const twin = named.get(id.toLowerCase());
  const taken = twin ?? state.names.get(id.toLowerCase());
  if (taken === undefined) return undefined;
  if (taken !== id) {
    const hint = "choose another id: some file systems cannot tell them apart";
    return no(`${id} differs from lane ${taken} only in case`, hint, 65, id);
  }
  if (twin !== undefined) return no(`lane ${id} is named twice`, "name it once", 65, id);
  const old = state.lanes.get(id);
  if (old?.state === "cancelled") {
    if (old.restoring) return no(`lane ${id} is being brought back`, `choose another id, or: lanes why ${id}`, 65, id);
    return old.worktree
      ? no(
          `lane ${id} exists (cancelled, with a worktree)`,
          `choose another id, or take its worktree away: lanes cleanup, or lanes remove ${id}, which keeps what is in it`,
          65,
          id,
        )
      : undefined;
  }
  return no(`lane ${id} exists (${old?.state ?? "unknown"})`, `choose another id, or: lanes why ${id}`, 65, id);
};

/** Why lanes cannot depend on others as these definitions say, be they new or known: nobody has that name, or a circle. */
export const dependencyRefusal = (
  state: State,
  lanes: Extract<Command, { type: "add" }>["lanes"],
): Refusal | undefined => {
  const needs = new Map([...state.lanes.values()].map((lane) => [lane.id, lane.spec.dependsOn]));
  for (const { id, spec } of lanes) needs.set(id, spec.dependsOn);
  for (const { id, spec } of lanes) {
    for (const [index, other] of spec.dependsOn.entries()) {
      if (needs.has(other)) continue;
      const refused = `dependsOn[${index}]: lane ${id} depends on ${quote(other)}, which does not exist`;
      return no(refused, "add that lane first", 65, id);
    }
  }
  // Only what the new lanes lead to: a circle that some foreign record brought in is no reason against others.
  const cycle = cycleIn(
    needs,
    lanes.map(({ id }) => id),
  );
  return (
    cycle &&
    no(
      `dependsOn: lanes depend on each other: ${cycle.join(" → ")}`,
      "take one of these dependencies away",
      65,
      cycle[0],
    )
  );
};

const retryable: ReadonlySet<LaneState> = new Set([
  "failed",
  "lost",
  "parked",
  "finished-empty",
  "conflicted",
  "checks-failed",
]);
const underWay: ReadonlySet<LaneState> = new Set(["queued", "starting", "running"]);

/** How a lane comes to a command: definitions with one are only taken from `add-lane`. */
export const runnableHint = (id: string): string =>
  `lanes cancel ${id}, then lanes add-lane ${id} JSON with a "command", a roster "agent", or "agent": "manual" for a lane in which you work`;

const canWork = (lane: Lane): Refusal | undefined =>
  lane.spec.command || lane.spec.agent
    ? undefined
    : no(`lane ${lane.id} names no command and no agent`, runnableHint(lane.id), 4, lane.id);

const launch = (lane: Lane, again: boolean): readonly Event[] | Refusal => {
  if (lane.stopping) return stopsNow(lane);
  if (underWay.has(lane.state)) return [];
  if (isManual(lane) && lane.state === "waiting") return [];
  if (isFrozen(lane))
    return no(`lane ${lane.id} is frozen: its agent has not ended`, `lanes resume ${lane.id}`, 4, lane.id);
  if (again && (retryable.has(lane.state) || isStill(lane))) return retry(lane);
  if (lane.state === "planned" || lane.state === "paused") {
    return canWork(lane) ?? [{ type: "lane.queued", key: lane.id, why: "" }];
  }
  const hint = retryable.has(lane.state) || isStill(lane) ? `lanes retry ${lane.id}` : `lanes why ${lane.id}`;
  return no(`lane ${lane.id} is ${lane.state} and cannot be launched`, hint, 4, lane.id);
};

/** Waiting for a person although nothing runs in it: uncommitted work was left behind. */
const isStill = (lane: Lane): boolean => lane.state === "waiting" && !isLive(lane) && !isManual(lane);

const stopsNow = ({ id }: Lane): Refusal => no(`lane ${id} is being stopped`, "try again in a moment", 75, id);

const retry = (lane: Lane): readonly Event[] | Refusal => {
  if (lane.stopping) return lane.stopping.then === "queue" ? [] : stopsNow(lane);
  if (underWay.has(lane.state)) return [];
  if (isFrozen(lane)) return canWork(lane) ?? [{ type: "lane.stop-asked", key: lane.id, then: "queue" }];
  if (!retryable.has(lane.state) && !isStill(lane) && lane.state !== "ready") {
    const hint =
      lane.state === "planned" || lane.state === "paused" ? `lanes launch ${lane.id}` : `lanes why ${lane.id}`;
    return no(`lane ${lane.id} is ${lane.state}: there is nothing to retry`, hint, 4, lane.id);
  }
  const told = lane.note !== undefined && saidSo.has(lane.state) ? { note: "" } : {};
  return canWork(lane) ?? [{ type: "lane.queued", key: lane.id, why: "tried again", ...told }];
};

/** Where the run has ended well that was told a note of a handoff: the next one is about something else. */
const saidSo: ReadonlySet<LaneState> = new Set(["ready", "conflicted", "checks-failed"]);

/** Back to its agent. Without a note it is told what was wrong. */
const handoff = (lane: Lane, note = handoffNote(lane)): readonly Event[] | Refusal => {
  const { id, resolving } = lane;
  if (resolving)
    return no(
      `a conflict stands in lane ${id} to be resolved`,
      `lanes resolve ${id} --abort takes it out first`,
      4,
      id,
    );
  if (isManual(lane)) return no(`you work in lane ${id}: it has no agent`, `lanes resolve ${id}`, 4, id);
  if (lane.undone && lane.state === "conflicted") {
    const why = `the work of lane ${id} was on the target and was taken off it: git would take it for merged`;
    return no(why, `lanes resolve ${id} puts the conflict where it can be resolved`, 4, id);
  }
  const answer = retry(lane);
  if (isRefusal(answer)) return answer;
  return answer.map((event) => (event.type === "lane.queued" ? { ...event, why: "handed back", note } : event));
};

const queuedForMerge: ReadonlySet<LaneState> = new Set(["merge-queued", "merging", "landed-pending"]);

/** Does stopping change anything in this lane? */
export const stoppable = (lane: Lane): boolean =>
  lane.state === "queued" ||
  isLive(lane) ||
  lane.retryAt !== undefined ||
  isUndoing(lane) ||
  queuedForMerge.has(lane.state);

const stop = (lane: Lane): readonly Event[] | Refusal => {
  if (lane.state === "queued") return [{ type: "lane.unqueued", key: lane.id }];
  if (isLive(lane))
    return lane.stopping && lane.stopping.then !== "queue"
      ? []
      : [{ type: "lane.stop-asked", key: lane.id, then: "pause" }];
  if (lane.state === "waiting" && lane.retryAt !== undefined)
    return [{ type: "lane.paused", key: lane.id, why: "stopped before it went on by itself" }];
  if (lane.retryAt !== undefined)
    return [{ type: "lane.parked", key: lane.id, why: "stopped before it was tried again" }];
  if (isUndoing(lane)) return [{ type: "merge.undo-refused", key: lane.id, why: "stopped", paths: [], code: 4 }];
  return withdrawn(lane, "taken out of the merge queue");
};

/** Let the lane's run stand still. One that is about to begin stands still as soon as it has. */
const freeze = (lane: Lane): readonly Event[] | Refusal => {
  const { id } = lane;
  if (lane.stopping) return stopsNow(lane);
  if (isLive(lane)) return isHeld(lane) ? [] : [{ type: "lane.freeze-asked", key: id }];
  if (lane.state === "paused") return [];
  const hint = isManual(lane)
    ? "nobody but you works in it"
    : lane.state === "queued"
      ? `lanes stop ${id} takes it out of the queue`
      : `lanes why ${id}`;
  return no(`lane ${id} is ${lane.state}: no agent runs in it that could be frozen`, hint, 4, id);
};

/** Let a frozen run go on; a lane that was paused by a stop takes its turn in the queue. */
const resume = (lane: Lane): readonly Event[] | Refusal => {
  const { id } = lane;
  if (lane.stopping) return stopsNow(lane);
  if (isLive(lane)) return isHeld(lane) ? [{ type: "lane.resume-asked", key: id }] : [];
  if (lane.state === "paused") return canWork(lane) ?? [{ type: "lane.queued", key: id, why: "resumed" }];
  if (underWay.has(lane.state)) return [];
  const hint =
    lane.state === "planned"
      ? `lanes launch ${id}`
      : retryable.has(lane.state)
        ? `lanes retry ${id}`
        : `lanes why ${id}`;
  return no(`lane ${id} is ${lane.state}: it is not paused`, hint, 4, id);
};

/** Out of the merge queue, however far it has come; a landing that is under way all the same is found on the target later. */
const withdrawn = ({ id: key, state }: Lane, why: string): readonly Event[] => {
  if (state === "merge-queued") return [{ type: "merge.withdrawn", key, why }];
  if (state !== "merging" && state !== "landed-pending") return [];
  return [
    { type: "merge.requeued", key, why },
    { type: "merge.withdrawn", key, why },
  ];
};

const cancel = (lane: Lane): readonly Event[] | Refusal => {
  const { id } = lane;
  const why = "cancelled";
  if (lane.state === "cancelled") return [];
  if (isLive(lane))
    return lane.stopping?.then === "cancel" ? [] : [{ type: "lane.stop-asked", key: id, then: "cancel" }];
  const cancelled: Event = { type: "lane.cancelled", key: id, why };
  if (queuedForMerge.has(lane.state)) return [...withdrawn(lane, why), cancelled];
  if (lane.state === "running") return [{ type: "lane.paused", key: id, why }, cancelled];
  if (stateTable[lane.state].next.includes("cancelled")) return [cancelled];
  return no(`lane ${id} is ${lane.state} and cannot be cancelled`, uncancellable(lane.state), 4, id);
};

const uncancellable = (state: LaneState): string =>
  state === "merged" ? "its work is on the target already" : "wait a moment, then try again";

const mergeable: ReadonlySet<LaneState> = new Set(["ready", "conflicted", "checks-failed", "undone"]);

type MergeHow = Pick<Extract<Command, { type: "merge" }>, "check" | "strategy" | "override" | "first">;

/** A request to be merged, with what is said of how. */
const mergeAsked = (key: string, { check, strategy, override, first }: MergeHow): Event => ({
  type: "merge.asked",
  key,
  ...(check === undefined ? {} : { check }),
  ...(strategy === undefined ? {} : { strategy }),
  ...(override === undefined ? {} : { override }),
  ...(first === undefined ? {} : { first }),
});

/** The same request again, before all others. */
const toTheFront = (lane: Lane): readonly Event[] => [
  ...withdrawn(lane, "it is to go first"),
  mergeAsked(lane.id, { ...lane.merge, first: true }),
];

const merge = (lane: Lane, seen: Evidence | undefined, how: MergeHow): readonly Event[] | Refusal => {
  const { id } = lane;
  const { check, strategy, override, first } = how;
  const asked = mergeAsked(id, how);
  if (queuedForMerge.has(lane.state)) {
    // Another check than it was asked for with: what was tested so far, or would land untested, does not count.
    const isSame = check === undefined || check === lane.merge?.check;
    const isAlike = strategy === undefined || strategy === lane.merge?.strategy;
    if (isSame && isAlike && (override === undefined || override === lane.merge?.override))
      return first === undefined || lane.state !== "merge-queued" || lane.merge?.first ? [] : toTheFront(lane);
    const why = isSame
      ? isAlike
        ? "an override was asked for"
        : "another strategy was asked for"
      : "another check was asked for";
    return [...withdrawn(lane, why), asked];
  }
  if (lane.state === "merged") return landedBefore(lane, seen);
  if (seen?.stray !== undefined) return no(`lane ${id} cannot be merged: ${seen.stray}`, strayHint(id), 4, id);
  if (seen && seen.dirty.length > 0) {
    return no(
      `lane ${id} has ${count(seen.dirty.length, "uncommitted file")}: ${seen.dirty.slice(0, 3).join(", ")}${seen.dirty.length > 3 ? ", …" : ""}`,
      `commit them in .worktrees/${id}, then merge again`,
      4,
      id,
    );
  }
  // Nothing ahead, but not where it began: somebody merged it by hand, and the queue records that.
  if (seen && seen.ahead === 0 && seen.head === (lane.run?.base ?? seen.head))
    return no(`lane ${id} has no commits to merge`, `lanes log ${id}`, 4, id);
  if (mergeable.has(lane.state)) return [asked];
  const byHand = isManual(lane) || isStill(lane) || lane.state === "finished-empty";
  if (!byHand || isLive(lane) || !seen || !stateTable[lane.state].next.includes("ready")) {
    const hint = isLive(lane) ? `wait until its run has ended, or: lanes stop ${id}` : `lanes why ${id}`;
    return no(`lane ${id} is ${lane.state} and cannot be merged`, hint, 4, id);
  }
  return [{ type: "lane.readied", key: id, head: seen.head, results: [] }, asked];
};

/** What landed is on the target; what was committed later is not. */
const landedBefore = ({ id, landed }: Lane, seen: Evidence | undefined): readonly Event[] | Refusal => {
  if (!seen || seen.ahead === 0 || seen.head === landed?.head) return [];
  const what = `lane ${id} has landed, and has ${count(seen.ahead, "commit")} since that ${landed?.target ?? "the target"} has not`;
  const hint = `land them as a lane of their own: lanes add-lane ${id}-2 '{"agent": "manual", "base": "${branchOf(id)}"}'`;
  return no(what, hint, 4, id);
};

const remove = (lane: Lane, save: true | undefined): readonly Event[] | Refusal => {
  const { id: key, state } = lane;
  if (lane.removal !== undefined && (lane.saves ?? !save)) return [];
  const asked: readonly Event[] = lane.worktree
    ? [{ type: "worktree.removal-asked", key, ...(save === undefined ? {} : { save }) }]
    : [];
  if (state === "merged" || state === "cancelled") return asked;
  if (!save) {
    const hint = `merge or cancel it first, or: lanes remove ${key}`;
    return lane.worktree ? no(`lane ${key} is ${state}: its worktree stays`, hint, 4, key) : [];
  }
  if (isLive(lane)) return no(`an agent runs in lane ${key}`, `lanes stop ${key}`, 4, key);
  const given = cancel(lane);
  return "refused" in given ? given : [...given, ...asked];
};

/** A lane of which the log knows nothing any more is one in which a person works. */
const unknownSpec = (name: string): LaneSpec => ({
  name,
  tasks: [],
  parallel: true,
  priority: "normal",
  agent: "manual",
  dependsOn: [],
  paths: [],
  env: [],
  commit: "agent",
  retries: 0,
  kind: "work",
});

const restore = (state: State, { lane: key, n }: Extract<Command, { type: "restore" }>): Decision | Refusal => {
  const asked: Event = { type: "lane.restore-asked", key, ...(n === undefined ? {} : { n }) };
  const lane = state.lanes.get(key);
  if (!lane) {
    const refusal = nameRefusal(state, new Map(), key);
    return (
      refusal ?? { events: [{ type: "lane.added", key, spec: unknownSpec(key) }, asked], if: [{ lane: key, rev: 0 }] }
    );
  }
  if (lane.restoring) return { events: [], if: [] };
  if (lane.removal !== undefined) return no(`lane ${key} is being removed`, "try again in a moment", 75, key);
  if (lane.worktree)
    return no(`lane ${key} has a worktree`, `lanes remove ${key} keeps what is there; then restore it`, 4, key);
  if (lane.state !== "cancelled" && lane.state !== "merged")
    return no(`lane ${key} is ${lane.state}`, `lanes cancel ${key}, then restore it`, 4, key);
  return { events: [asked], if: [{ lane: key, rev: lane.rev }] };
};

/** The same paths once more are the same claim. */
const claim = (state: State, command: Extract<Command, { type: "claim" }>): Decision | Refusal => {
  const { lane: key, shared, ttlMs } = command;
  const lane = state.lanes.get(key);
  if (!lane) return unknownLane(state, key);
  if (lane.state === "merged" || lane.state === "cancelled")
    return no(`lane ${key} is ${lane.state}: it needs no lease`, `lanes why ${key}`, 4, key);
  const paths = [...new Set(command.paths)];
  const fault = patternsFault(paths);
  if (fault !== undefined) return no(fault, "lanes lock acquire LANE 'src/**'", 65, key);
  const known = claimsOf(state).some(
    (other) => other.lane === key && other.shared === shared && other.paths.join("\0") === paths.join("\0"),
  );
  return { events: known ? [] : [{ type: "lease.asked", key, paths, shared, ttlMs, start: false }], if: [] };
};

const renew = (state: State, { lane, token }: Extract<Command, { type: "renew" }>): Decision | Refusal => {
  const held = claimsOf(state).filter((claimed) => claimed.lane === lane && claimed.token !== undefined);
  const wanted = token === undefined ? held : held.filter((claimed) => claimed.token === token);
  if (!state.lanes.has(lane)) return unknownLane(state, lane);
  if (wanted.length === 0) {
    const which = token === undefined ? "no lease" : `no lease with token ${token}`;
    return no(`lane ${lane} has ${which}`, "lanes lock list", 4, lane);
  }
  return {
    events: wanted.map(({ id, token: granted = 0 }) => ({ type: "lease.renewed", key: lane, id, token: granted })),
    if: [],
  };
};

const release = (state: State, { lane, claim: id }: Extract<Command, { type: "release" }>): Decision | Refusal => {
  if (!state.lanes.has(lane)) return unknownLane(state, lane);
  const own = claimsOf(state).filter((claimed) => claimed.lane === lane && (id === undefined || claimed.id === id));
  if (own.length === 0 && id !== undefined && claimsOf(state).some((claimed) => claimed.id === id))
    return no(`claim ${id} is not of lane ${lane}`, "lanes lock list", 4, lane);
  return { events: own.map((claimed) => ({ type: "lease.released", key: lane, id: claimed.id })), if: [] };
};

const breakClaim = (state: State, { claim: id, why }: Extract<Command, { type: "break" }>): Decision | Refusal => {
  const found = claimsOf(state).find((claimed) => claimed.id === id);
  if (!found) return no(`there is no claim ${id}`, "lanes lock list", 4);
  return { events: [{ type: "lease.broken", key: found.lane, id, why }], if: [] };
};

const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? "" : "s"}`;
