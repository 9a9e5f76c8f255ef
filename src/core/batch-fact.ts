/** What is recorded of a batch: when it is built, tested, landed, or sent back. Decided here, so that no engine decides it otherwise. */
import { hasPassed, type Stack } from "./batch.ts";
import type { Event } from "./event.ts";
import { lessonsOf } from "./queue.ts";
import type { Batch, Lane, State, Strategy } from "./state.ts";

/** A lane in a stack: `commit` merges it alone onto what is below it. */
export interface Layer {
  readonly lane: Lane;
  readonly head: string;
  readonly commit: string;
  readonly tree: string;
  /** Of work that was on the target before and was taken out: the commit since which its changes count. */
  readonly since?: string | undefined;
}

/** What a batch is built on, and what its lanes have in common. */
export interface Ground {
  readonly target: string;
  readonly check: string | undefined;
  /** What the lowest lane is merged onto: the target's tip, or the commit of the batch `on`. */
  readonly onto: string;
  readonly on: number | undefined;
  readonly slot: number;
}

/** The beginning of one lane's merge. */
export const startedAs = (
  { target, onto, check }: Pick<Ground, "target" | "onto" | "check">,
  lane: Lane,
  { head, commit, since }: Pick<Layer, "head" | "commit" | "since">,
): Extract<Event, { type: "merge.started" }> => ({
  type: "merge.started",
  key: lane.id,
  target,
  onto,
  head,
  candidate: commit,
  ...(since === undefined ? {} : { since }),
  ...(check === undefined ? {} : { check }),
});

/** A batch was built. `commit`, `tree`: what is tested and lands. What passed this check as the very same tree is not tested again. */
export const begun = (
  state: State,
  ground: Ground,
  layers: readonly [Layer, ...Layer[]],
  { commit, tree }: { readonly commit: string; readonly tree: string },
): readonly Event[] => {
  const { check, on, slot } = ground;
  const lead = layers[0].lane.id;
  const shared: Omit<Batch, "id" | "place"> = {
    size: layers.length,
    lead,
    commit,
    tree,
    slot,
    ...(on === undefined ? {} : { on }),
  };
  const started = layers.map((layer, place): Event => ({
    ...startedAs(ground, layer.lane, layer),
    batch: { ...shared, place },
  }));
  if (check === undefined || !hasPassed(lessonsOf(state), tree, check)) return started;
  const lanes = layers.length;
  return [
    ...started,
    ...layers.map(({ lane, commit: candidate }) => testedAs(lane.id, candidate, "passed")),
    { type: "check.ended", key: lead, tree, check, passed: true, lanes, ms: 0, cached: true },
  ];
};

const testedAs = (key: string, candidate: string, result: "passed" | "unchecked"): Event => ({
  type: "merge.tested",
  key,
  candidate,
  result,
});

/** A batch needs no check. */
export const unchecked = ({ lanes }: Stack): readonly Event[] =>
  lanes.map((lane) => testedAs(lane.id, lane.merge.candidate, "unchecked"));

/** How a check ended. `again`: an earlier run of it failed; `how`: in words, when it failed; `ms`: how long it ran. */
export interface Verdict {
  readonly check: string;
  readonly passed: boolean;
  readonly again: boolean;
  readonly how: string;
  readonly ms: number;
}

/** A check has ended: for all lanes of the batch, or for none of them while the one that spoils it is looked for. */
export const judged = (state: State, stack: Stack, { check, passed, again, how, ms }: Verdict): readonly Event[] => {
  const { lanes, tree, lead } = stack;
  const { suspects } = lessonsOf(state);
  const isSame = tree !== "" && suspects?.tree === tree;
  const ended: Event = {
    type: "check.ended",
    key: lead,
    tree,
    check,
    passed,
    lanes: lanes.length,
    ms,
    ...(passed && (again || isSame) ? { flaky: true } : {}),
  };
  if (passed) return [...lanes.map((lane) => testedAs(lane.id, lane.merge.candidate, "passed")), ended];
  const on = suspects?.lanes.includes(lanes[0].id) === true ? suspects.on : [];
  return [...failed(stack, how, on), ended];
};

/** One lane has failed; of several one has to be found. */
const failed = ({ lanes, tree, lead }: Stack, how: string, on: readonly string[]): readonly Event[] => {
  if (lanes.length === 1) {
    const [lane] = lanes;
    const stacked = on.length === 0 ? "" : ` on top of ${on.join(", ")}`;
    const why = `the check failed on the merged tree${stacked}: ${how} (lanes log ${lane.id} --check)`;
    return [{ type: "merge.check-failed", key: lane.id, candidate: lane.merge.candidate, why }];
  }
  const ids = lanes.map(({ id }) => id);
  return [
    ...ids.map((key): Event => {
      const others = ids.filter((id) => id !== key).join(", ");
      return { type: "merge.requeued", key, why: `the check failed for it together with ${others}` };
    }),
    { type: "batch.split", key: lead, lanes: ids, tree },
  ];
};

/** All lanes of a batch are on the target: as one commit, or, where the chain landed as it is, each by its own. */
export const landedAs = (
  { lanes, commit, target, onto, size }: Stack,
  strategy: Strategy = "merge",
): readonly Event[] => {
  const isChain = lanes.at(-1)?.merge.candidate === commit;
  return lanes.map((lane, place): Event => {
    const below = lanes[place - 1];
    const step = { from: below ? below.merge.candidate : onto, to: lane.merge.candidate };
    return {
      type: "merge.landed",
      key: lane.id,
      merge: isChain ? step.to : commit,
      target,
      before: isChain ? step.from : onto,
      head: lane.merge.head,
      tested: lane.merge.tested ?? "unchecked",
      ...(size > 1 && !isChain ? { step } : {}),
      ...(strategy === "merge" ? {} : { strategy }),
    };
  });
};

/** All lanes of a batch take their places in the queue again; `alone`: those that hold up the others. */
export const sentBack = ({ lanes }: Stack, why: string, alone: ReadonlySet<string> = new Set()): readonly Event[] =>
  lanes.map(({ id: key }): Event => ({ type: "merge.requeued", key, why, ...(alone.has(key) ? { alone: true } : {}) }));
