/** What the reconciler's steps share: the world, the right to act, and the one way to record a fact. */
import type { Event } from "../core/event.ts";
import { targetOf as target } from "../core/queue.ts";
import type { Lane } from "../core/state.ts";
import type { World } from "../port.ts";
import type { Ears } from "./ears.ts";
import type { Mandate } from "./elect.ts";
import type { Ledger } from "./ledger.ts";
import type { Rules } from "./policy.ts";

/** Everything that a step may use. */
export interface Work {
  readonly ledger: Ledger;
  readonly world: World;
  readonly mandate: Mandate;
  rules: Rules;
  /** Runs of checks that this engine started: ended when nobody waits for them any more. */
  readonly checks: Set<string>;
  /** What the agents tell. */
  readonly ears: Ears;
}

/** Record facts about a lane as it was when the step was planned. False: somebody was faster or another engine leads; plan anew. */
export const tell = (work: Work, lane: Lane, events: readonly Event[]): Promise<boolean> =>
  tellAll(work, [lane], events);

/** The same about several lanes: all of it, or nothing where one of them has changed. */
export const tellAll = async (work: Work, lanes: readonly Lane[], events: readonly Event[]): Promise<boolean> => {
  const { ledger, world, mandate } = work;
  const [first] = lanes;
  const cause = first?.merge?.cause ?? first?.undoing?.cause ?? first?.removal ?? first?.restoring?.cause;
  const outcome = await ledger.propose({
    id: world.clock.id(),
    by: "engine",
    ...(cause === undefined ? {} : { cause }),
    if: [{ engine: mandate.token }, ...lanes.map(({ id, rev }) => ({ lane: id, rev }))],
    events,
  });
  return outcome.effective;
};

/** Does the election still stand? Asked right before what two engines must not do at once. */
export const leadsStill = async ({ ledger, mandate }: Work): Promise<boolean> => {
  await ledger.refresh();
  const { engine } = ledger.state;
  return engine !== undefined && engine.token === mandate.token && !engine.retired;
};

/** The branch that a lane's work lands on. */
export const targetOf = (work: Work, lane: Lane): string => target(work.ledger.state, lane);

/** The first line of an error, for a detail that people read. */
export const reasonOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split("\n", 1)[0] ?? "";
