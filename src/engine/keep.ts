/** When the elected engine keeps a snapshot: often enough that a start reads little, rarely enough that it costs little. */
import type { World } from "../port.ts";
import type { Ledger } from "./ledger.ts";
import { reasonOf } from "./work.ts";

/** A snapshot is due after this much new log, in bytes: a few thousand records, folded in 10 ms. */
const stepBytesMin = 1024 * 1024;

/**
 * Something that keeps a snapshot when one is due: at once where every line had to be read, and then whenever the log grew
 * by what the last one was long, so that snapshots never write more than the log itself. A disk that fails is for the log
 * of the engine: the next one is tried when it is due.
 */
export const createKeeper = (
  ledger: Ledger,
  world: Pick<World, "journal" | "log">,
  by: string,
): (() => Promise<void>) => {
  let keptAt = ledger.read().spared;
  let step = 0;
  return async () => {
    const { byte, spared } = ledger.read();
    if (byte < keptAt) [keptAt, step] = [spared, 0];
    if (byte - keptAt < (keptAt === 0 ? 1 : Math.max(stepBytesMin, step))) return;
    const frozen = ledger.freeze();
    if (frozen === undefined) return;
    [keptAt, step] = [byte, frozen.text.length];
    await world.journal
      .keep({ ...frozen, by })
      .catch((error: unknown) => world.log.warn("snapshot not kept", { why: reasonOf(error) }));
  };
};
