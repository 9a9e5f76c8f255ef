/** Wishes → records. Runs in every process: there is no server to ask. */
import type { Command, Evidence, Refusal } from "../core/command.ts";
import { decide, isRefusal } from "../core/decide.ts";
import { strayText } from "../core/id.ts";
import type { Event } from "../core/event.ts";
import type { World } from "../port.ts";
import type { Ledger } from "./ledger.ts";

/** A wish that was granted: it is on disk and in effect. */
export interface Receipt {
  /** Records that follow from this wish carry it as their `cause`. */
  readonly cause: string;
  readonly position: number;
  /** Empty when everything was so already. */
  readonly events: readonly Event[];
}

/** Times that a wish is decided anew because somebody else was faster. */
const racesMax = 5;

/** Decide, record, read back. A refusal is an answer; a disk that fails throws. */
export const execute = async (
  ledger: Ledger,
  world: World,
  command: Command,
  by: string,
): Promise<Receipt | Refusal> => {
  const wish =
    command.type === "merge" ? { ...command, evidence: await evidenceFor(ledger, world, command.lanes) } : command;
  const cause = world.clock.id();
  for (let race = 0; race < racesMax; race += 1) {
    await ledger.refresh();
    const newer = ledger.newer();
    if (newer) return newer;
    const decision = decide(ledger.state, wish);
    if (isRefusal(decision)) return decision;
    if (decision.events.length === 0) return { cause, position: ledger.state.position, events: [] };
    const id = race === 0 ? cause : world.clock.id();
    const outcome = await ledger.propose({ id, by, cause, if: decision.if, events: decision.events });
    if (outcome.effective) return { cause, position: outcome.position, events: decision.events };
  }
  return { refused: "others change these lanes faster than this wish could be recorded", hint: "try again", code: 75 };
};

/** What git shows of the lanes that somebody wants merged, so that the decision rests on what is there now. */
const evidenceFor = async (
  ledger: Ledger,
  world: World,
  lanes: readonly string[],
): Promise<ReadonlyMap<string, Evidence>> => {
  await ledger.refresh();
  const evidence = new Map<string, Evidence>();
  for (const id of lanes) {
    const lane = ledger.state.lanes.get(id);
    const target = lane?.spec.target ?? ledger.state.target;
    if (!lane?.worktree || target === undefined) continue;
    const seen = (await world.git.observe({ target, status: [id] })).lanes.get(id);
    if (seen?.worktree === "elsewhere") {
      evidence.set(id, { head: seen.head, ahead: 1, dirty: [], stray: strayText(id, seen.on) });
    } else if (seen) evidence.set(id, { head: seen.head, ahead: seen.ahead, dirty: seen.dirty ?? [] });
  }
  return evidence;
};
