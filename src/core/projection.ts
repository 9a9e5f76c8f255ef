/** State → the files that seeds 000 and 003 name beside the tracker. Never read back. */
import { agentOf, branchOf, idFault, worktreeOf } from "./id.ts";
import { queueOrder } from "./queue.ts";
import { isLive } from "./schedule.ts";
import { agentRows, claimRows } from "./select.ts";
import { type Lane, type State, stateTable } from "./state.ts";
import { claimJson, schemaVersion } from "./tracker.ts";

/** One file to publish. `value` is a value that JSON can hold; times are ISO 8601. */
export interface Projection {
  /** Path below the state folder. */
  readonly name: string;
  /** What it is made from, when that is one thing that is replaced whenever it changes: the same again means the same file. */
  readonly from: Lane | undefined;
  readonly value: () => object;
}

/** `task-queue.json`, `agent-registry.json`, and a file for each lane under `tasks/<agent>/`. */
export const projectionsOf = (state: State): readonly Projection[] => [
  { name: "task-queue.json", from: undefined, value: () => taskQueue(state) },
  { name: "agent-registry.json", from: undefined, value: () => registry(state) },
  { name: "locks/leases.json", from: undefined, value: () => leases(state) },
  ...[...state.lanes.values()]
    .filter((lane) => idFault(agentName(lane)) === undefined || lane.spec.agent === undefined)
    .map((lane) => ({ name: taskName(lane), from: lane, value: () => taskOf(lane) })),
];

const agentName = ({ id, spec }: Lane): string => agentOf(id, spec.agent);

const taskName = (lane: Lane): string => `tasks/${agentName(lane)}/task_${lane.id}.json`;

const taskOf = (lane: Lane): object => ({
  schemaVersion,
  id: lane.id,
  agent: agentName(lane),
  name: lane.spec.name,
  tasks: lane.spec.tasks,
  status: stateTable[lane.state].seed,
  state: lane.state,
  priority: lane.spec.priority,
  dependsOn: lane.spec.dependsOn,
  paths: lane.spec.paths,
  branch: branchOf(lane.id),
  worktree: worktreeOf(lane.id),
  results: lane.results,
  addedAt: iso(lane.addedAt),
  since: iso(lane.since),
});

/** Everything that is not done, in the order of addition; who waits for a run and who for a merge. */
const taskQueue = (state: State): object => {
  const lanes = [...state.lanes.values()];
  const open = lanes.filter((lane) => lane.state !== "merged" && lane.state !== "cancelled");
  return {
    schemaVersion,
    position: state.position,
    tasks: open.map((lane) => ({
      id: lane.id,
      agent: agentName(lane),
      status: stateTable[lane.state].seed,
      state: lane.state,
      priority: lane.spec.priority,
      dependsOn: lane.spec.dependsOn,
      tasks: lane.spec.tasks,
      since: iso(lane.since),
      retryAt: lane.retryAt === undefined ? null : iso(lane.retryAt),
    })),
    queued: lanes.filter((lane) => lane.state === "queued").map(({ id }) => id),
    merging: queueOrder(state).map(({ id }) => id),
    counts: { open: open.length, done: lanes.length - open.length },
  };
};

/** Who works in which lane, and whether a process of theirs lives. */
const registry = (state: State): object => ({
  schemaVersion,
  position: state.position,
  engine:
    state.engine && !state.engine.retired
      ? { pid: state.engine.process.pid, token: state.engine.token, since: iso(state.engine.at) }
      : null,
  agents: agentRows(state).map(({ name, lane, status, run, pid, since, restarts }) => ({
    agent: name,
    lane,
    status,
    run,
    pid: pid ?? null,
    since: iso(since),
    restarts,
  })),
  live: [...state.lanes.values()].filter(isLive).length,
});

/** Who has a right to which paths, and who waits for whom. */
const leases = (state: State): object => ({
  schemaVersion,
  position: state.position,
  leases: claimRows(state).map(claimJson),
});

const iso = (ms: number): string => new Date(ms).toISOString();
