/** The merge queue: its order, and what the check of a merge is called. What is tested together is in `batch.ts`. */
import type { Lane, Lessons, State, Strategy } from "./state.ts";

/** Lane → predicted conflicts with other lanes; a lane that is not in it has none known. */
export type Predicted = ReadonlyMap<string, number>;

/** A lane that others were taken before it so often goes first, whatever it conflicts with. */
export const passedOverMax = 8;

/** What a check may cost before anything is known of it. */
export const noLessons: Lessons = { results: [], durations: [], passed: [], taken: [], slots: [], flaky: 0 };

/** What the checks of merges taught so far. */
export const lessonsOf = (state: State): Lessons => state.lessons ?? noLessons;

/**
 * Lanes in the merge queue, in the order in which they will be taken: what is being tested as it is stacked, then dependencies first, then
 * those among which the one that spoils a batch is looked for, then whom a person wants first, then whoever was passed over too often, then
 * those with the fewest predicted conflicts, then first come.
 */
export const queueOrder = (state: State, predicted?: Predicted): readonly Lane[] => {
  const waiting = [...state.lanes.values()].filter((lane) => lane.state === "merge-queued" || lane.state === "merging");
  const ranked = waiting
    .map((lane): readonly [Lane, Rank] => [lane, rankOf(state, lane, predicted)])
    .toSorted(([, a], [, b]) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2])
    .map(([lane]) => lane);
  const known = new Map(ranked.map((lane) => [lane.id, lane]));
  const placed = new Set<string>();
  const order: Lane[] = [];
  const place = (lane: Lane): void => {
    if (placed.has(lane.id)) return;
    placed.add(lane.id);
    for (const id of lane.spec.dependsOn) {
      const needed = known.get(id);
      if (needed) place(needed);
    }
    order.push(lane);
  };
  for (const lane of ranked) place(lane);
  return order;
};

/** Compared place by place; less goes first. */
type Rank = readonly [number, number, number];

const rankOf = (state: State, lane: Lane, predicted: Predicted | undefined): Rank => {
  const { merge } = lane;
  if (lane.state === "merging") return [0, merge?.batch?.id ?? ageOf(lane), merge?.batch?.place ?? 0];
  const suspect = lessonsOf(state).suspects?.lanes.indexOf(lane.id) ?? -1;
  if (suspect >= 0) return [1, suspect, 0];
  if (merge?.first) return [2, -1, ageOf(lane)];
  if (passedOver(state, lane) >= passedOverMax) return [2, 0, ageOf(lane)];
  return [3, predicted?.get(lane.id) ?? 0, ageOf(lane)];
};

/** How often somebody who came later was taken before this lane. */
export const passedOver = (state: State, lane: Lane): number =>
  lessonsOf(state).taken.filter((request) => request > ageOf(lane)).length;

/** Dependencies that have to land before this lane may. */
export const notOnTarget = (state: State, lane: Lane): readonly string[] =>
  lane.spec.dependsOn.filter((id) => state.lanes.get(id)?.state !== "merged");

/** The branch that a lane's work lands on. */
export const targetOf = (state: State, lane: Lane): string => lane.spec.target ?? state.target ?? "main";

/** The command that must pass on the merged tree, or undefined: the request's, else the lane's, else the configured one. */
export const checkOf = (lane: Lane, configured: string | undefined): string | undefined => {
  if (lane.merge?.override !== undefined) return undefined;
  const check = lane.merge?.check ?? lane.spec.check ?? configured;
  return check === "" ? undefined : check;
};

/** How a lane lands: as this request says, else the lane, else the configuration. */
export const strategyOf = (lane: Lane, configured: Strategy | undefined): Strategy =>
  lane.merge?.strategy ?? lane.spec.strategy ?? configured ?? "merge";

/** What lands must have passed. */
export interface Gatekeeping {
  /** The configured check of the target. */
  readonly check: string | undefined;
  readonly requireCheck: boolean;
}

/** Is there a check, or may a lane do without? */
export const mayLand = (lane: Lane, { check, requireCheck }: Gatekeeping): boolean =>
  !requireCheck || lane.merge?.override !== undefined || checkOf(lane, check) !== undefined;

/** What the runs of a batch's check are called, without the number of the try. */
export const checkOfBatch = (lead: string, id: number): string => `check-${lead}-${id}`;

/**
 * Name of the k-th run of a candidate's check. `built`: position of the record that began the merge, so that a new engine finds
 * it again, and no result is ever taken for that of another check. No lane's run is called so.
 */
export const checkRunOf = (lane: string, built: number, k: number): string => `${checkOfBatch(lane, built)}-k${k}`;

/** A check that vanished (killed with its launcher) is run again until it did so this many times. */
export const vanishedMax = 3;

/** Most runs of one check: those that vanished, and one that failed. */
export const checkRunsMax: number = vanishedMax + 1;

/** The runs that the lane's check can have now; none where no check is under way. */
export const checkRunsOf = (lane: Lane | undefined): readonly string[] => {
  const gate = lane?.state === "merging" ? lane.merge?.gate : lane?.undoing?.gate;
  if (!lane || gate === undefined) return [];
  return Array.from({ length: checkRunsMax }, (_, k) => checkRunOf(gate.lead ?? lane.id, gate.built, k + 1));
};

/** Subject and body of the merge commit. It names the lane. */
export const mergeMessage = (lane: Lane, strategy: Strategy = "merge"): string => {
  const { tasks, name } = lane.spec;
  const subject = `${strategy === "squash" ? "Lane" : "Merge lane"} ${lane.id}${name === lane.id || name === "" ? "" : `: ${firstLine(name)}`}`;
  const body = tasks.map((task) => `- ${firstLine(task)}`).join("\n");
  const forced = lane.merge?.override === undefined ? "" : `Overridden: ${firstLine(lane.merge.override)}\n`;
  const again = lane.undone ? `\nThis brings back what was taken back in ${lane.undone.commit}.\n` : "";
  return `${subject}\n${body === "" ? "" : `\n${body}\n`}${again}\nLane: ${lane.id}\n${forced}`;
};

/** The same for several lanes that land as one commit: each with its tasks. */
export const batchMessage = (lanes: readonly Lane[]): string => {
  const [first] = lanes;
  if (first && lanes.length === 1) return mergeMessage(first);
  const parts = lanes.map(({ id, spec: { name, tasks } }) =>
    [
      `${id}${name === id || name === "" ? "" : `: ${firstLine(name)}`}`,
      ...tasks.map((task) => `- ${firstLine(task)}`),
    ].join("\n"),
  );
  const trailers = lanes.map(({ id }) => `Lane: ${id}\n`).join("");
  return `Merge lanes ${lanes.map(({ id }) => id).join(", ")}\n\n${parts.join("\n\n")}\n\n${trailers}`;
};

const firstLine = (text: string): string => text.split("\n", 1).join("").slice(0, 200);

const ageOf = (lane: Lane): number => lane.merge?.position ?? lane.rev;
