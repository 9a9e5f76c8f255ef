/** The tracker, published and read back: not as truth, but as wishes of whoever wrote into it. */
import type { Refusal } from "../core/command.ts";
import type { Event, Precondition } from "../core/event.ts";
import { fold, repeated } from "../core/fold.ts";
import type { RepoSeen } from "../core/observed.ts";
import { isFault } from "../core/parse.ts";
import { type Doc, editsOf, isIdle, objectOf, parseDoc, type Patch, patchOf } from "../core/patch.ts";
import type { Limits } from "../core/schedule.ts";
import type { State } from "../core/state.ts";
import { trackerName, trackerOf } from "../core/tracker.ts";
import type { Edited, World } from "../port.ts";
import type { Mandate } from "./elect.ts";
import type { Ledger } from "./ledger.ts";
import { replay, resume } from "./resume.ts";

/** Times that an edit is decided anew because somebody else was faster. */
const racesMax = 5;

/** Longest record that an edit may come to, in characters of JSON; a line of the log has at most four times that. */
const recordCharactersMax = 1_000_000;

/** What the tracker is made with. */
export interface Desk {
  readonly ledger: Ledger;
  readonly world: World;
  readonly limits: Limits;
  readonly seen: RepoSeen | undefined;
}

/** The tracker's text as of now. */
const trackerText = ({ ledger, world, limits, seen }: Desk): string =>
  `${JSON.stringify(trackerOf(ledger.state, seen, world.clock.now(), limits), null, 2)}\n`;

/** Publish the tracker now. What others wrote into it is put aside for the engine. */
export const publishTracker = async (desk: Desk): Promise<string> => {
  const text = trackerText(desk);
  await desk.world.journal.publish(trackerName, text);
  return text;
};

/** What only the elected engine has: two that took edits over at once could do it in another order than they were made in. */
interface Leader extends Desk {
  readonly mandate: Mandate;
  /** The text that this engine published last. */
  readonly last: string | undefined;
}

/** Publish the tracker now, with what others wrote into it meanwhile. */
export const publishWithEdits = async (desk: Leader): Promise<string> => {
  const text = await publishTracker(desk);
  return (await takeEdits(desk)) ? publishTracker(desk) : text;
};

/** Time that is given to the engine for the edits that wait, in ms: one that is half written stays for a second. */
const editsMaxMs = 3000;

/** Wait until the engine has taken over what others wrote. `ensure`: make sure that one leads. */
export const editsTaken = async ({ ledger, world }: Desk, ensure: () => Promise<boolean>): Promise<void> => {
  const { clock, journal } = world;
  const waiting = async (): Promise<boolean> => (await journal.edits()).length > 0;
  if (!(await waiting()) || !(await ensure())) return;
  for (const until = clock.elapsed() + editsMaxMs; (await waiting()) && clock.elapsed() < until;) await clock.sleep(25);
  await ledger.refresh();
};

/** Take over the edits that wait. True: the state has moved on by one of them. */
const takeEdits = async (desk: Leader): Promise<boolean> => {
  if (desk.ledger.newer()) return false;
  let moved = false;
  for (const edit of await desk.world.journal.edits()) {
    const parsed = edit.text === undefined ? edit : parseDoc(edit.text);
    // Whoever writes in place cuts the file first.
    if ("fault" in parsed && !edit.settled) continue;
    if ("fault" in parsed) await reject(desk, edit, parsed.fault);
    else if (await takeEdit(desk, edit, parsed.doc)) moved = true;
  }
  return moved;
};

/** An edit as facts: merged with what happened since the tracker that it was made on. */
const takeEdit = async (desk: Leader, edit: Edited, doc: Doc): Promise<boolean> => {
  const { ledger, world, mandate, last } = desk;
  const leads: Precondition = { engine: mandate.token };
  for (let race = 0; race < racesMax; race += 1) {
    await ledger.refresh();
    const { patch, exact } = await compare(desk, doc, last);
    const kept = patch.left.length > 0;
    if (isIdle(patch) && !kept) {
      // What the clock and git showed cannot be compared with a tracker that is no longer at hand: better keep it.
      const path = await world.journal.settle(edit.id, !exact);
      if (path !== undefined) world.log.info("an edit of the tracker changed nothing", { path });
      return false;
    }
    const events = withKept(patch.events, kept ? `rejected/tracker.${edit.id}.json` : undefined);
    if (JSON.stringify(events).length > recordCharactersMax) return reject(desk, edit, "changes too much at once");
    const id = `edit-${edit.id}`;
    const outcome = await ledger.propose({ id, by: "tracker", cause: id, if: [leads, ...patch.if], events });
    if (outcome.raced && ledger.state.engine?.token !== mandate.token) return false;
    if (outcome.raced) continue;
    if (!outcome.effective && outcome.reason !== repeated) return reject(desk, edit, outcome.reason ?? "");
    await world.journal.settle(edit.id, kept);
    for (const one of patch.left) world.log.warn("a field of the tracker was refused", { ...one });
    return outcome.effective;
  }
  return reject(desk, edit, "others changed these lanes faster than it could be recorded");
};

/** Keep an edit of which nothing is taken over, and say so in the journal. */
const reject = async ({ ledger, world, mandate }: Leader, edit: Edited, why: string): Promise<boolean> => {
  const kept = await world.journal.settle(edit.id, true);
  if (kept === undefined) return false;
  world.log.warn("an edit of the tracker was rejected", { kept, why });
  const id = `edit-${edit.id}-rejected`;
  const events: readonly Event[] = [{ type: "tracker.rejected", why, kept }];
  return (await ledger.propose({ id, by: "tracker", if: [{ engine: mandate.token }], events })).effective;
};

const withKept = ([first, ...rest]: readonly Event[], kept: string | undefined): readonly Event[] =>
  first?.type === "tracker.patched" && kept !== undefined
    ? [{ ...first, kept }, ...rest]
    : first
      ? [first, ...rest]
      : [];

interface Compared {
  readonly patch: Patch;
  readonly exact: boolean;
}

/** What a document changes: against the tracker at its own `_meta.position` when it has one of this log, else against the present. */
const compare = async (desk: Desk, doc: Doc, last: string | undefined, only?: string): Promise<Compared> => {
  const { ledger, world, limits, seen } = desk;
  const { state } = ledger;
  const projectionOf = (one: State, look: RepoSeen | undefined): Doc =>
    trackerOf(one, look, world.clock.now(), limits) as Doc;
  const position = positionOf(doc);
  const published = last === undefined ? undefined : docOf(last);
  const exact = position === undefined || (published !== undefined && positionOf(published) === position);
  // Only now the present is looked at: folding anew took time, and nothing may come between the look and the record.
  const past = exact || (position ?? 0) >= state.position ? undefined : await stateAt(desk, position ?? 0);
  const present = projectionOf(state, seen);
  const whole = position !== undefined && position <= state.position;
  const base = past ? projectionOf(past, undefined) : whole && exact && published ? published : present;
  const edits = editsOf(base, doc, { exact, whole });
  return { patch: patchOf(state, present, edits, only), exact };
};

const docOf = (text: string): Doc | undefined => {
  const parsed = parseDoc(text);
  return isFault(parsed) ? undefined : parsed.doc;
};

/** The position at which a tracker was published, when it says so. */
const positionOf = (doc: Doc): number | undefined => {
  const position = objectOf(doc["_meta"])?.["position"];
  return Number.isSafeInteger(position) && (position as number) > 0 ? (position as number) : undefined;
};

/** The state as it was at a position: folded anew, for an edit may be older than anything at hand. */
const stateAt = async ({ world }: Desk, position: number): Promise<State> => {
  const { state, cursor } = await resume(world.journal, position);
  await world.journal.read(cursor, (entry) => {
    if (entry.position <= position) fold(state, entry);
  });
  return state;
};

/** What became of a patch: at which position it is in effect, and whether it changed anything now. */
export interface Patched {
  readonly position: number;
  readonly changed: boolean;
  /** A patch of this id took effect before, at `position`: this one was not looked at. */
  readonly repeated?: true;
}

/** How a patch is asked for. */
export interface Asked {
  /** With it the patch takes effect once, however often it is asked for. */
  readonly id?: string;
  /** The lane whose agent asks: it speaks for no other. */
  readonly lane?: string;
}

/** The patch of this name that is in effect already: sought in the log, because the state only knows that there is one. */
const tookEffect = async ({ world }: Desk, name: string): Promise<Patched> => {
  let position = 0;
  await replay(world.journal, 0, (entry, outcome) => {
    if ("record" in entry && entry.record.id === name && outcome.effective) ({ position } = entry);
  });
  return { position, changed: false, repeated: true };
};

/** Record a patch, all of it or nothing. */
export const patchTracker = async (desk: Desk, doc: Doc, { id, lane }: Asked): Promise<Patched | Refusal> => {
  const { ledger, world } = desk;
  const name = id === undefined ? undefined : `patch-${id}`;
  for (let race = 0; race < racesMax; race += 1) {
    await ledger.refresh();
    const newer = ledger.newer();
    if (newer) return newer;
    const { position, seen } = ledger.state;
    if (name !== undefined && (seen.young.has(name) || seen.old.has(name))) return tookEffect(desk, name);
    const { patch } = await compare(desk, doc, undefined, lane);
    const [first] = patch.left;
    if (first) return { refused: `${first.path}: ${first.why}`, hint: first.hint, code: first.code };
    if (isIdle(patch) && name === undefined) return { position, changed: false };
    if (JSON.stringify(patch.events).length > recordCharactersMax)
      return { refused: "the patch changes too much at once", hint: "give it in pieces", code: 65 };
    const by = lane === undefined ? "human" : `lane:${lane}`;
    const cause = world.clock.id();
    const outcome = await ledger.propose({ id: name ?? cause, by, cause, if: patch.if, events: patch.events });
    if (outcome.effective) return { position: outcome.position, changed: !isIdle(patch) && outcome.cause === cause };
    if (outcome.reason === repeated && name !== undefined) return tookEffect(desk, name);
    if (!outcome.raced) return { refused: outcome.reason ?? "", hint: "lanes events shows the record", code: 4 };
  }
  return { refused: "others change these lanes faster than this patch could be recorded", hint: "try again", code: 75 };
};
