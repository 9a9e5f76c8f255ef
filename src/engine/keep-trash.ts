/** Letting go of what was kept of lanes for long enough. */
import type { Kept } from "../core/observed.ts";
import { reasonOf, type Work } from "./work.ts";

/** Days that everything stays that was kept of a lane. */
export const keptDays = 30;

const dayMs = 24 * 60 * 60 * 1000;
/** How often the engine looks, in ms. */
const lookMs = 60 * 60 * 1000;
/** Most refs that are let go of at once: a record names them all. */
const refsMax = 100;

/** Call it whenever there is nothing else to do: now and then it lets go of what is too old. Recorded before it is done. */
export const createTrashKeeper = (work: Work): (() => void) => {
  let lookedAt: number | undefined;
  const look = async (): Promise<void> => {
    const { git, clock, log } = work.world;
    const old = overdue(await git.kept(), clock.now());
    if (old.length === 0) return;
    const refs = old.map(({ ref, commit }) => `${ref} ${commit}`);
    const outcome = await work.ledger.propose({
      id: clock.id(),
      by: "engine",
      if: [{ engine: work.mandate.token }],
      events: [{ type: "trash.dropped", refs }],
    });
    if (!outcome.effective) return;
    await git.dropKept(old);
    log.info("let go of kept lanes", { refs });
  };
  return () => {
    const now = work.world.clock.elapsed();
    if (lookedAt !== undefined && now - lookedAt < lookMs) return;
    lookedAt = now;
    look().catch((error: unknown) => work.world.log.warn("kept lanes were not looked at", { why: reasonOf(error) }));
  };
};

/** Those that were kept for long enough, the oldest first. */
const overdue = (kept: readonly Kept[], now: number): readonly Kept[] =>
  kept
    .filter(({ at }) => now - at > keptDays * dayMs)
    .toSorted((a, b) => a.at - b.at)
    .slice(0, refsMax);
