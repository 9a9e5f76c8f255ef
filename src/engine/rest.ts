/** How long lanes wait before they are tried again or go on by themselves, whatever somebody does to the clock meanwhile. */
import type { State } from "../core/state.ts";
import { backoffMs } from "../core/verdict.ts";
import type { Clock } from "../port.ts";

/** Ids of the lanes whose wait is over. */
export type Rests = (state: State) => ReadonlySet<string>;

/**
 * Waits that were recorded as a time of day, carried on by the clock that nobody sets. How much of a wait is left is asked
 * of the time of day once, when this engine first sees it: never less than nothing, never more than the whole wait.
 */
export const createRests = (clock: Pick<Clock, "now" | "elapsed">): Rests => {
  const ends = new Map<string, { readonly retryAt: number; readonly end: number }>();
  return (state) => {
    const [now, elapsed] = [clock.now(), clock.elapsed()];
    const over = new Set<string>();
    for (const { id, state: is, since, retryAt, failures } of state.lanes.values()) {
      if (retryAt === undefined) {
        ends.delete(id);
        continue;
      }
      const known = ends.get(id);
      const whole = is === "waiting" ? Math.max(0, retryAt - since) : backoffMs(failures);
      const left = Math.min(Math.max(0, retryAt - now), whole);
      const end = known?.retryAt === retryAt ? known.end : elapsed + left;
      ends.set(id, { retryAt, end });
      if (end <= elapsed) over.add(id);
    }
    return over;
  };
};
