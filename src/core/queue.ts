/** The merge queue: who is next, and what the others wait for. */
import type { Lane, State, Strategy } from "./state.ts";
import { nextToUndo } from "./undo.ts";

/** Lanes in the merge queue, in the order in which they will be taken: dependencies first, then first come. */
export const queueOrder = (state: State): readonly Lane[] => {
  const waiting = [...state.lanes.values()].filter((lane) => lane.state === "merge-queued" || lane.state === "merging");
  const byAge = waiting.toSorted(
    (a, b) => Number(b.state === "merging") - Number(a.state === "merging") || ageOf(a) - ageOf(b),
  );
  const placed = new Set<string>();
  const order: Lane[] = [];
  const place = (lane: Lane): void => {
    if (placed.has(lane.id)) return;
    placed.add(lane.id);
    for (const id of lane.spec.dependsOn) {
      const needed = byAge.find((other) => other.id === id);
      if (needed) place(needed);
    }
    order.push(lane);
  };
  for (const lane of byAge) place(lane);
  return order;
};

/** The lane whose candidate is to be built next; undefined while one is being merged or taken back, or none may be. */
export const nextToMerge = (state: State): Lane | undefined => {
  if (nextToUndo(state)) return undefined;
  const order = queueOrder(state);
  if (order.some((lane) => lane.state === "merging")) return undefined;
  return order.find((lane) => notOnTarget(state, lane).length === 0);
};

/** Dependencies that have to land before this lane may. */
export const notOnTarget = (state: State, lane: Lane): readonly string[] =>
  lane.spec.dependsOn.filter((id) => state.lanes.get(id)?.state !== "merged");

/** The command that must pass on the merged tree, or undefined: the request's, else the lane's, else the configured one. */
export const checkOf = (lane: Lane, configured: string | undefined): string | undefined => {
  if (lane.merge?.override !== undefined) return undefined;
  const check = lane.merge?.check ?? lane.spec.check ?? configured;
  return check === "" ? undefined : check;
};

/** How a lane lands: as this request says, else the lane, else the configuration. */
export const strategyOf = (lane: Lane, configured: Strategy | undefined): Strategy =>
  lane.merge?.strategy ?? lane.spec.strategy ?? configured ?? "merge";

/**
 * Name of the k-th run of a candidate's check. `built`: position of the record that began the merge, so that a new engine finds
 * it again, and no result is ever taken for that of another check. No lane's run is called so.
 */
export const checkRunOf = (lane: string, built: number, k: number): string => `check-${lane}-${built}-k${k}`;

/** A check that vanished (killed with its launcher) is run again this many times. */
export const checkRunsMax = 3;

/** The runs that the lane's check can have now; none where no check is under way. */
export const checkRunsOf = (lane: Lane | undefined): readonly string[] => {
  const built = lane?.state === "merging" ? lane.merge?.gate?.built : lane?.undoing?.gate?.built;
  if (!lane || built === undefined) return [];
  return Array.from({ length: checkRunsMax }, (_, k) => checkRunOf(lane.id, built, k + 1));
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

const firstLine = (text: string): string => text.split("\n", 1).join("").slice(0, 200);

const ageOf = (lane: Lane): number => lane.merge?.position ?? lane.rev;
