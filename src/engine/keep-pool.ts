/** Idle worktrees for lanes to come, made while there is nothing else to do. */
import { poolOf } from "./policy.ts";
import { reasonOf, type Work } from "./work.ts";

/** How often the pool is looked at while the engine is idle, in ms. */
const lookMs = 5000;

/** The pool of one engine. */
export interface PoolKeeper {
  /** Call it whenever there is nothing else to do. */
  tend(): void;
  /** Resolves when nothing is under way. */
  settled(): Promise<void>;
}

/** Fills the pool as configured; one that is configured no more is emptied. */
export const createPoolKeeper = (work: Work): PoolKeeper => {
  const { git, clock, log } = work.world;
  let under: Promise<void> | undefined;
  let last: { readonly at: number; readonly size: number } | undefined;
  return {
    tend: () => {
      const size = poolOf(work.rules.config);
      const target = work.ledger.state.target;
      const now = clock.elapsed();
      if (under || target === undefined) return;
      if (last && (now - last.at < lookMs || (size === 0 && last.size === 0))) return;
      last = { at: now, size };
      under = git
        .fillPool(size, target)
        .catch((error: unknown) => log.warn("the pool could not be filled", { why: reasonOf(error) }))
        .finally(() => {
          under = undefined;
        });
    },
    settled: async () => under,
  };
};
