/** State → rows: everything that a person sees, the same in every shell. No clock: rows carry times, shells show ages. */
import { runnableHint } from "./decide.ts";
import { meetings, predictedIn } from "./forecast.ts";
import { agentOf, branchOf, strayHint, worktreeOf } from "./id.ts";
import type { LaneSeen, RepoSeen } from "./observed.ts";
import { oddityOf, withOddity } from "./oddity.ts";
import { type Claim, claimsOf, waitingIn } from "./lease.ts";
import { isHalted } from "./verdict.ts";
import { stacksOf } from "./batch.ts";
import { lessonsOf, notOnTarget, queueOrder } from "./queue.ts";
import { queueEntries, usualMs } from "./queue-entry.ts";
import { reviewText } from "./review.ts";
import { undoText } from "./undo.ts";
import { isFrozen, isGoing, isLive, isManual, type Limits, type Turn, turnOf, type Wait, waitOf } from "./schedule.ts";
import {
  type AgentTold,
  type BlockKind,
  type Lane,
  type LaneState,
  type Phase,
  type SeedStatus,
  type State,
  stateTable,
  type Stopping,
  type Tone,
} from "./state.ts";

/** One row of the lanes pane. Times are ms since 1970. */
export interface LaneRow {
  readonly id: string;
  readonly name: string;
  readonly state: LaneState;
  readonly glyph: string;
  readonly ascii: string;
  readonly tone: Tone;
  readonly agent: string;
  readonly priority: string;
  /** Why it is so, what it waits for, or its progress. */
  readonly detail: string;
  readonly since: number;
  readonly git: LaneSeen | undefined;
  readonly attention: boolean;
  /** Set while its agent tells of itself: when it was heard last. See `quietMs`. */
  readonly heardAt?: number;
  /** Lanes, or `target`, with which it would not merge. */
  readonly collides: readonly string[];
}

/** An agent that said nothing for so long is marked: it may hang, or wait at a limit without a word. */
export const quietMs = 300_000;

/** One row of the agents pane: who does the work. */
export interface AgentRow {
  readonly name: string;
  readonly lane: string;
  readonly status: AgentStatus;
  readonly run: number;
  readonly pid: number | undefined;
  /** Where the status comes from. */
  readonly source: "stream" | "process" | "journal" | "person";
  readonly since: number;
  readonly restarts: number;
  /** What it waits for, while it is blocked and its output says so. */
  readonly kind?: BlockKind;
  /** What it does, or why it does nothing, in its own words. */
  readonly doing: string;
  /** When its output was heard last; only of a run that lives and tells of itself. */
  readonly heardAt?: number;
  /** Its permission mode. */
  readonly mode?: string;
  /** Tokens of the run in sum, and US dollars by the CLI's own estimate; absent where it does not tell. */
  readonly tokens?: number;
  readonly cost?: number;
}

/** What an agent is doing, as far as there is evidence. */
export type AgentStatus = "starting" | "working" | "blocked" | "idle" | "done" | "error" | "paused" | "lost";

/** One row of the locks pane: something that keeps others out. */
export interface LockRow {
  readonly kind: "engine" | "merge" | "lease" | "wait" | "guard" | "git" | "tree";
  readonly what: string;
  readonly holder: string;
  readonly since: number;
  /** When a lease's time is over. */
  readonly until?: number;
  /** Is there a sign of life of whoever holds it? Empty where nobody looked. */
  readonly life: "alive" | "waits" | "none" | "";
  /** The lane that holds it, or wants it. */
  readonly lane?: string;
  /** Number of the claim, of a lease or of who waits for one. */
  readonly claim?: number;
}

/** One row of the branches pane. */
export interface BranchRow {
  readonly name: string;
  readonly head: string;
  readonly subject: string;
  readonly committedAt: number;
  readonly kind: "target" | "lane" | "other";
  readonly lane: LaneRow | undefined;
}

/** The strip above the panes. */
export interface Overview {
  readonly phase: Phase;
  readonly phaseName: string;
  readonly target: string;
  readonly targetHead: string;
  readonly total: number;
  readonly merged: number;
  readonly running: number;
  readonly attention: number;
  readonly failed: number;
  readonly inQueue: number;
  /** 0 … 100: steps done of all steps that lanes have to take. */
  readonly percent: number;
  readonly void: number;
  readonly damaged: number;
  /** Changes of the shared git configuration while agents ran. */
  readonly remarks: number;
}

/** Names of seed 001's phases. */
export const phaseNames: Readonly<Record<Phase, string>> = {
  0: "ready",
  1: "probes",
  2: "plan",
  3: "execute",
  4: "merge",
};

/** Rows of the lanes pane, in the order of addition. */
export const laneRows = (state: State, seen: RepoSeen | undefined, now: number, limits: Limits): readonly LaneRow[] =>
  rowsOf(state, seen, standingOf(state, now, limits, seen), now, limits);

const rowsOf = (
  state: State,
  seen: RepoSeen | undefined,
  standing: Standing,
  now: number,
  limits: Limits,
): readonly LaneRow[] => {
  const met = meetings(seen?.forecast);
  return [...state.lanes.values()].map((lane) => ({
    ...laneRow(
      lane,
      seen?.lanes.get(lane.id),
      withOddity(detailOf(state, lane, now, limits, standing), oddityOf(lane, seen)),
    ),
    collides: met.get(lane.id) ?? [],
  }));
};

/** Who is next, to run and to be merged: worked out once for all rows of one moment. */
export interface Standing {
  readonly turn: Turn;
  /** Lane → place in the merge queue, from 0. */
  readonly places: ReadonlyMap<string, number>;
}

/** Who is next in this moment. */
export const standingOf = (state: State, now: number, limits: Limits, seen?: RepoSeen): Standing => ({
  turn: turnOf(state, now, limits),
  places: new Map(queueOrder(state, predictedIn(seen?.forecast, state)).map(({ id }, place) => [id, place])),
});

const laneRow = (lane: Lane, git: LaneSeen | undefined, detail: string): Omit<LaneRow, "collides"> => {
  const { glyph, ascii, tone } = stateTable[lane.state];
  return {
    id: lane.id,
    name: lane.spec.name,
    state: lane.state,
    glyph,
    ascii,
    tone,
    agent: agentOf(lane.id, lane.spec.agent),
    priority: lane.spec.priority,
    detail,
    since: lane.since,
    git,
    attention: needsPerson(lane),
    ...(talks(lane) ? { heardAt: heardOf(lane) } : {}),
  };
};

/** Does an agent run in it whose output is read, and that does not stand still? */
const talks = (lane: Lane): boolean => isGoing(lane) && lane.state !== "starting" && lane.run?.cli !== undefined;

/** When the lane's agent was heard last: at its start at the earliest. */
const heardOf = ({ run, since }: Lane): number => Math.max(run?.told?.heardAt ?? 0, run?.startedAt ?? since);

const needy: ReadonlySet<LaneState> = new Set([
  "waiting",
  "finished-empty",
  "lost",
  "parked",
  "conflicted",
  "checks-failed",
  "landed-pending",
]);

/** Does this lane stand still until a person does something? */
export const needsPerson = (lane: Lane): boolean =>
  (needy.has(lane.state) && lane.retryAt === undefined) ||
  (lane.state === "failed" && lane.retryAt === undefined) ||
  (talks(lane) && blockOf(lane) !== undefined && blockOf(lane) !== "limit");

/** What the lane's agent waits for, as its output says, or said when it ended. A limit it gets over by itself. */
const blockOf = (lane: Lane): BlockKind | undefined => {
  const told = lane.run?.told;
  if (told?.status !== "blocked") return undefined;
  return talks(lane) || (lane.state === "waiting" && isHalted(told)) ? told.kind : undefined;
};

/** One line: why the lane is in its state, what it waits for, or how far it is. */
export const detailOf = (state: State, lane: Lane, now: number, limits: Limits, standing?: Standing): string => {
  if (lane.stopping) return stoppingText[lane.stopping.then];
  if (lane.pausing) return lane.pausing.to === "freeze" ? "is being frozen" : "is being resumed";
  if (isFrozen(lane)) return "frozen, its processes stand still";
  const wait = waitOf(state, lane, now, limits, standing?.turn);
  if (wait) return wait.text;
  if (lane.state === "merge-queued") return queueDetail(state, lane, standing);
  if (lane.state === "merging") return mergingDetail(state, lane);
  if (lane.state === "merged" && lane.landed) {
    const { merge, target, tested, override } = lane.landed;
    const undo = undoText(lane);
    return `${merge.slice(0, 7)} on ${target}${override === undefined ? (tested === "unchecked" ? ", unchecked" : "") : `, overridden: ${override}`}${undo === undefined ? "" : `; ${undo}`}`;
  }
  if (lane.state === "undone" && lane.undone) {
    const { how, commit, target } = lane.undone;
    return how === "back"
      ? `${target} is at ${commit.slice(0, 7)} again`
      : `taken off ${target} by ${commit.slice(0, 7)}`;
  }
  if (lane.resolving)
    return `its conflict with ${lane.resolving.target} stands in ${worktreeOf(lane.id)}: ${lane.paths.join(", ")}`;
  if (lane.state === "ready") return reviewText(lane) ?? lane.detail;
  if (lane.state === "conflicted") return `${lane.detail}${lane.paths.length > 0 ? `: ${lane.paths.join(", ")}` : ""}`;
  if (lane.detail !== "" || !isLive(lane)) return lane.detail;
  const block = blockOf(lane);
  const doing = lane.run?.told?.doing ?? "";
  return block === undefined ? (lane.progress ?? doing) : `agent waits (${block}): ${doing}`;
};

const stoppingText: Readonly<Record<Stopping["then"], string>> = {
  pause: "is being stopped",
  cancel: "is being cancelled",
  queue: "is being stopped, to run again",
};

/** With whom it is tested or lands, and on top of whom. */
const mergingDetail = (state: State, { id, merge }: Lane): string => {
  const stacks = stacksOf(state);
  const own = stacks.find(({ lanes }) => lanes.some((lane) => lane.id === id));
  const others = (own?.lanes ?? []).flatMap((lane) => (lane.id === id ? [] : [lane.id]));
  const company = others.length === 0 ? "" : `, together with ${others.join(", ")}`;
  if (merge?.tested !== undefined) return `is landing${company}`;
  const below = stacks.find((stack) => stack.id === own?.on);
  const ground = below ? `, on top of ${below.lanes.map((lane) => lane.id).join(", ")}` : "";
  return `its merge with the target is being checked${company}${ground}`;
};

const queueDetail = (state: State, lane: Lane, standing: Standing | undefined): string => {
  const missing = notOnTarget(state, lane);
  const gone = missing.filter((id) => state.lanes.get(id)?.state === "cancelled");
  if (gone.length > 0) return `waits for ${gone.join(", ")}, which ${gone.length === 1 ? "is" : "are"} cancelled`;
  if (missing.length > 0) return `lands after ${missing.join(", ")}`;
  const place = standing?.places.get(lane.id) ?? queueOrder(state).findIndex(({ id }) => id === lane.id);
  const usual = usualMs(state);
  const about = usual === undefined || usual < 60_000 ? "" : `, a check takes about ${Math.round(usual / 60_000)} min`;
  const first = stacksOf(state).flatMap(({ lanes }) => lanes.map(({ id }) => id));
  const behind = lane.merge?.behind;
  if (behind !== undefined && first.includes(behind)) return `${lane.detail}${about}`;
  const tested = first.length === 0 ? "" : ` after ${first.slice(0, 3).join(", ")}${first.length > 3 ? ", …" : ""}`;
  const suspects = lessonsOf(state).suspects?.lanes ?? [];
  if (suspects.includes(lane.id) && suspects.length > 1)
    return `failed its check together with ${suspects.filter((id) => id !== lane.id).join(", ")}: looking for the one that spoils it${about}`;
  return place <= 0 ? "next to be merged" : `${place + 1}. in the merge queue${tested}${about}`;
};

/** Rows of the agents pane: every lane that has or had a run, or in which a person works. */
export const agentRows = (state: Pick<State, "lanes">): readonly AgentRow[] =>
  [...state.lanes.values()]
    .filter((lane) => lane.run !== undefined)
    .map((lane) => ({
      name: isManual(lane) ? "you" : agentOf(lane.id, lane.spec.agent),
      lane: lane.id,
      status: agentStatus(lane),
      run: lane.run?.n ?? 0,
      pid: isLive(lane) ? lane.run?.process?.pid : undefined,
      source: isManual(lane) ? "person" : !isLive(lane) ? "journal" : saysOf(lane) ? "stream" : "process",
      since: lane.run?.endedAt ?? saysOf(lane)?.since ?? lane.run?.startedAt ?? lane.run?.askedAt ?? lane.since,
      restarts: Math.max(0, (lane.run?.n ?? 1) - 1),
      ...toldRow(lane),
    }));

/** What a running agent says of itself: heard only while nothing stronger is known, as that it stands still. */
const saysOf = (lane: Lane): AgentTold | undefined =>
  talks(lane) && lane.state === "running" ? lane.run?.told : undefined;

const toldRow = (lane: Lane): Pick<AgentRow, "doing" | "kind" | "heardAt" | "mode" | "tokens" | "cost"> => {
  const told = lane.run?.told;
  const mode = told?.mode ?? lane.run?.mode;
  const kind = blockOf(lane);
  const { tokens, cost } = told ?? {};
  return {
    doing: told?.doing ?? "",
    ...(kind === undefined ? {} : { kind }),
    ...(talks(lane) ? { heardAt: heardOf(lane) } : {}),
    ...(mode === undefined ? {} : { mode }),
    ...(tokens === undefined ? {} : { tokens: tokens.input + tokens.cached + tokens.output }),
    ...(cost === undefined ? {} : { cost }),
  };
};

const agentStatus = (lane: Lane): AgentStatus => {
  if (isManual(lane)) return lane.state === "waiting" || lane.state === "running" ? "idle" : "done";
  if (lane.state === "starting") return "starting";
  if (lane.state === "paused") return "paused";
  const says = saysOf(lane);
  if (says) return says.status;
  if (isLive(lane)) return lane.state === "waiting" ? "blocked" : "working";
  if (lane.state === "lost") return "lost";
  if (blockOf(lane) !== undefined) return "blocked";
  return lane.run?.code === 0 ? "done" : "error";
};

/** A claim and the lanes that it waits for; none when it is granted. */
export interface ClaimRow extends Claim {
  readonly behind: readonly string[];
}

/** Leases and who waits for one, in the order of the requests. */
export const claimRows = (state: State): readonly ClaimRow[] => {
  const claims = claimsOf(state);
  const waiting = new Map(waitingIn(claims).map(({ claim, behind }) => [claim, behind]));
  return claims.map((claim) => ({
    ...claim,
    behind: [...new Set((waiting.get(claim) ?? []).map(({ lane }) => lane))],
  }));
};

/** Rows of the locks pane. */
export const lockRows = (state: State, seen: RepoSeen | undefined): readonly LockRow[] => {
  const rows: LockRow[] = [];
  const { engine } = state;
  if (engine && !engine.retired) {
    rows.push({
      kind: "engine",
      what: "reconciler",
      holder: `pid ${engine.process.pid}, token ${engine.token}`,
      since: engine.at,
      life: "",
    });
  }
  for (const entry of queueEntries(state, 0, 1, predictedIn(seen?.forecast, state))) {
    const others = entry.lanes.filter((id) => id !== entry.lane);
    rows.push({
      kind: "merge",
      what: `${entry.position}. ${entry.phase}: ${entry.target}${others.length === 0 ? "" : ` with ${others.join(", ")}`}`,
      holder: entry.lane,
      since: state.lanes.get(entry.lane)?.merge?.startedAt ?? entry.requestedAt,
      life: "",
      lane: entry.lane,
    });
  }
  for (const claim of claimRows(state)) {
    rows.push({
      kind: claim.behind.length === 0 ? "lease" : "wait",
      what: `${claim.paths.join(", ")}${claim.shared ? " (shared)" : ""} #${claim.id}`,
      holder: claim.behind.length === 0 ? claim.lane : `${claim.lane} behind ${claim.behind.join(", ")}`,
      since: claim.at,
      ...(claim.behind.length === 0 ? { until: claim.at + claim.ttlMs } : {}),
      life: lifeOf(state.lanes.get(claim.lane)),
      lane: claim.lane,
      claim: claim.id,
    });
  }
  return [...rows, ...(seen ? seenLocks(seen) : [])];
};

/** Does anything of a lane live, or does its work wait for something? */
const lifeOf = (lane: Lane | undefined): LockRow["life"] => {
  if (lane && isLive(lane)) return "alive";
  return lane && lane.state !== "merged" && stateTable[lane.state].seed !== "failed" ? "waits" : "none";
};

/** What keeps others out by files: guards of the tracker, git's own locks, and worktrees that somebody locked. */
const seenLocks = ({ at, locks, locked = [], guards = [] }: RepoSeen): readonly LockRow[] => [
  ...guards.map(({ name, ageMs }): LockRow => ({
    kind: "guard",
    what: name,
    holder: "a script or us",
    since: at - ageMs,
    life: "",
  })),
  ...locks.map(({ path, ageMs, held }): LockRow => ({
    kind: "git",
    what: path,
    holder: held === false ? "nobody" : "git",
    since: at - ageMs,
    life: held === undefined ? "" : held ? "alive" : "none",
  })),
  ...locked.map(({ path, why, ageMs }): LockRow => ({
    kind: "tree",
    what: path,
    holder: why === "" ? "git worktree lock" : why,
    since: at - ageMs,
    life: "",
  })),
];

/** Rows of the branches pane: the target, then lanes, then the rest, newest first. */
export const branchRows = (seen: RepoSeen | undefined, lanes: readonly LaneRow[]): readonly BranchRow[] => {
  const byBranch = new Map(lanes.map((lane) => [branchOf(lane.id), lane]));
  const order = { target: 0, lane: 1, other: 2 };
  return (seen?.branches ?? [])
    .map((branch): BranchRow => {
      const lane = byBranch.get(branch.name);
      const kind = branch.name === seen?.target?.name ? "target" : lane ? "lane" : "other";
      return {
        name: branch.name,
        head: branch.head,
        subject: branch.subject,
        committedAt: branch.committedAt,
        kind,
        lane,
      };
    })
    .toSorted((a, b) => order[a.kind] - order[b.kind] || b.committedAt - a.committedAt);
};

/** How far a lane is on its way to the target, 0 … 1. */
const way: Readonly<Record<SeedStatus, number>> = { created: 0, running: 0.3, completed: 0.7, failed: 0.3 };

/** The strip above the panes. */
export const overview = (state: State, seen: RepoSeen | undefined): Overview => {
  const lanes = [...state.lanes.values()].filter((lane) => lane.state !== "cancelled");
  const merged = lanes.filter((lane) => lane.state === "merged").length;
  const done = lanes.reduce((sum, lane) => sum + (lane.state === "merged" ? 1 : way[stateTable[lane.state].seed]), 0);
  return {
    phase: state.phase,
    phaseName: phaseNames[state.phase],
    target: state.target ?? seen?.target?.name ?? "",
    targetHead: seen?.target?.head ?? "",
    total: lanes.length,
    merged,
    running: lanes.filter(isGoing).length,
    attention: lanes.filter(needsPerson).length,
    failed: lanes.filter((lane) => stateTable[lane.state].seed === "failed").length,
    inQueue: lanes.filter(
      (lane) => lane.state === "merge-queued" || lane.state === "merging" || lane.state === "landed-pending",
    ).length,
    percent: lanes.length === 0 ? 0 : Math.floor((100 * done) / lanes.length),
    void: state.counts.void,
    damaged: state.counts.damaged,
    remarks: seen?.settings?.remarks.length ?? 0,
  };
};

/** One line: what a lane waits for, with the chain behind it, and what to do next. `age`: how long it is so, where that matters. */
export const whyLine = (state: State, lane: Lane, now: number, limits: Limits, age = ""): string => {
  const detail = detailOf(state, lane, now, limits);
  const chain = chainOf(state, lane, now, limits);
  const next = nextStep(state, lane);
  const head = `${lane.id} is ${lane.state}${age === "" ? "" : ` for ${age}`}${detail === "" ? "" : `: ${detail}`}`;
  return [head, ...chain].join("; ") + (next === "" ? "" : `; next: ${next}`);
};

const chainOf = (state: State, lane: Lane, now: number, limits: Limits): readonly string[] => {
  const links: string[] = [];
  const visited = new Set([lane.id]);
  let wait: Wait | undefined = waitOf(state, lane, now, limits);
  while (wait?.lanes[0] !== undefined && !visited.has(wait.lanes[0])) {
    const behind = state.lanes.get(wait.lanes[0]);
    if (!behind) break;
    visited.add(behind.id);
    const detail = detailOf(state, behind, now, limits);
    links.push(`${behind.id} is ${behind.state}${detail === "" ? "" : ` (${detail})`}`);
    wait = waitOf(state, behind, now, limits);
  }
  return links;
};

/** The command that moves a lane on, where a person has to give it. */
export const nextStep = (state: State, lane: Lane): string => {
  const { id } = lane;
  switch (lane.state) {
    case "planned":
      return (
        withoutCancelled(state, lane) ??
        (lane.spec.command || lane.spec.agent ? `lanes launch ${id}` : runnableHint(id))
      );
    case "paused":
      return isFrozen(lane) && lane.pausing ? "" : `lanes resume ${id}`;
    case "waiting":
      if (lane.retryAt !== undefined) return `nothing; lanes retry ${id} tries it at once`;
      if (blockOf(lane) === "login") return `log in to ${lane.run?.cli}, then lanes retry ${id}`;
      if (blockOf(lane) === "limit") return `lanes retry ${id} when the limit is over`;
      if (isStray(lane)) return `${strayHint(id)}; then lanes merge ${id}`;
      return isManual(lane)
        ? `commit in ${worktreeOf(id)}, then lanes merge ${id}`
        : `commit or drop the files in ${worktreeOf(id)}, then lanes merge ${id} or lanes retry ${id}`;
    case "conflicted":
      if (lane.resolving)
        return `resolve and commit in ${worktreeOf(id)}, then lanes merge ${id}; or lanes resolve ${id} --abort`;
      return isManual(lane)
        ? `lanes resolve ${id}`
        : `lanes resolve ${id}, or lanes handoff ${id} gives it back to its agent`;
    case "checks-failed":
      return `mend it in ${worktreeOf(id)}, then lanes merge ${id}; or lanes retry ${id}`;
    case "finished-empty":
    case "failed":
    case "lost":
    case "parked":
      return `lanes log ${id}; lanes retry ${id}`;
    case "ready":
      if (reviewText(lane)?.startsWith("waits") === true)
        return `git diff ${lane.spec.target ?? state.target ?? "HEAD"}...${branchOf(id)} shows it; then lanes approve ${id}`;
      return `lanes merge ${id}`;
    case "undone":
      return `lanes merge ${id}`;
    case "landed-pending":
      return "commit or move what is in the way in your checkout; it lands by itself";
    case "cancelled":
    case "merged":
      return lane.worktree ? "lanes cleanup" : "";
    case "queued":
      return withoutCancelled(state, lane) ?? "";
    case "merge-queued":
      if (lane.merge?.behind !== undefined && !lane.merge.first)
        return `nothing; lanes merge ${id} --first puts it before the others`;
      return withoutCancelled(state, lane) ?? "";
    case "starting":
    case "running":
    case "merging":
      return "";
  }
};

/** Did its run end in a worktree that is on another branch? No file is named then, and nobody has to be answered. */
const isStray = (lane: Lane): boolean => !isManual(lane) && !isLive(lane) && lane.paths.length === 0;

/** The command that lets a lane go on without what was cancelled: its own dependencies, or those of a lane that it waits for. */
const withoutCancelled = (state: State, lane: Lane): string | undefined => {
  const isCancelled = (id: string): boolean => state.lanes.get(id)?.state === "cancelled";
  const visited = new Set<string>();
  const open = [lane];
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    if (visited.has(one.id)) continue;
    visited.add(one.id);
    const { dependsOn } = one.spec;
    if (dependsOn.some(isCancelled)) {
      const patch = { lanes: { [one.id]: { dependsOn: dependsOn.filter((id) => !isCancelled(id)) } } };
      return `lanes tracker patch '${JSON.stringify(patch)}'`;
    }
    const waiting = dependsOn.flatMap((id) => state.lanes.get(id) ?? []).filter((other) => waitsToo.has(other.state));
    open.push(...waiting);
  }
  return undefined;
};

/** States of a lane that may wait for others itself. */
const waitsToo: ReadonlySet<LaneState> = new Set(["planned", "queued", "merge-queued"]);
