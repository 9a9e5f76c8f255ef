/** Wishes → records. Runs in every process: there is no server to ask. */
import type { Command, Evidence, Refusal } from "../core/command.ts";
import { decide, isRefusal } from "../core/decide.ts";
import { branchOf, strayText } from "../core/id.ts";
import { isNo } from "../core/observed.ts";
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
  const wish = await witnessed(ledger, world, command);
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

/** The wish with what git shows of its lanes, where the decision rests on that. */
const witnessed = async (ledger: Ledger, world: World, command: Command): Promise<Command> => {
  if (command.type === "merge") return { ...command, evidence: await evidenceFor(ledger, world, command.lanes) };
  if (command.type !== "approve") return command;
  const heads = new Map<string, string>();
  for (const id of command.lanes) {
    const tip = await world.git.tip(branchOf(id));
    if (!isNo(tip)) heads.set(id, tip.head);
  }
  return { ...command, heads };
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
