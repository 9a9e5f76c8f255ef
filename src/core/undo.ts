/** Taking landings back: which lane is next, what builds on it, and what that means for others. */
import type { Refusal } from "./command.ts";
import type { Event } from "./event.ts";
import type { Landed, Lane, State, Step } from "./state.ts";

/** Is a landing of this lane being taken back, or waiting for that? */
export const isUndoing = ({ undoing }: Lane): boolean => undoing !== undefined && undoing.refused === undefined;

/** The wish to take a lane's landing back. One that was taken back, or is about to be, is no refusal. */
export const undo = (lane: Lane, check: string | undefined): readonly Event[] | Refusal => {
  const { id: key, landed } = lane;
  if (isUndoing(lane) || lane.state === "undone") return [];
  if (lane.state !== "merged" || !landed) {
    const refused = `lane ${key} is ${lane.state}: nothing of it has landed`;
    return { refused, hint: `lanes why ${key}`, code: 4, lane: key };
  }
  if (landed.merge === landed.before) {
    const refused = `lane ${key} was on ${landed.target} already when it was merged`;
    return { refused, hint: `take it back by hand: git revert`, code: 4, lane: key };
  }
  return [{ type: "merge.undo-asked", key, ...(check === undefined ? {} : { check }) }];
};

/** The lane that is taken back next, the newest landing of a request first; one that the user's checkout holds up keeps nobody waiting. */
export const nextToUndo = (state: State): Lane | undefined => {
  let next: Lane | undefined;
  for (const lane of state.lanes.values()) {
    if (!isUndoing(lane) || lane.undoing?.held !== undefined) continue;
    if (!next || comesFirst(lane, next)) next = lane;
  }
  return next;
};

const comesFirst = (lane: Lane, other: Lane): boolean => {
  const apart = (lane.undoing?.position ?? 0) - (other.undoing?.position ?? 0);
  return apart < 0 || (apart === 0 && (lane.landed?.at ?? 0) >= (other.landed?.at ?? 0));
};

/** The lanes that landed on the same branch after this one, the oldest first. */
export const landedAfter = (state: State, lane: Lane): readonly Lane[] => {
  const { landed } = lane;
  if (!landed) return [];
  const order = [...state.lanes.keys()];
  return [...state.lanes.values()]
    .filter((other) => other.id !== lane.id && other.landed?.target === landed.target && isLater(other, lane))
    .toSorted((a, b) => at(a) - at(b) || order.indexOf(a.id) - order.indexOf(b.id));
};

const at = ({ landed }: Lane): number => landed?.at ?? 0;

/** By the clock of the records; the engine lands one after another, and what landed in the same moment has a later record. */
const isLater = (other: Lane, lane: Lane): boolean =>
  at(other) > at(lane) || (at(other) === at(lane) && other.landed?.before === lane.landed?.merge);

/** Lanes that depend on this one, however far behind, and have landed. */
export const landedOn = (state: State, lane: Lane): readonly Lane[] => {
  const found = new Set([lane.id]);
  for (let before = 0; before < found.size;) {
    before = found.size;
    for (const other of state.lanes.values()) if (other.spec.dependsOn.some((id) => found.has(id))) found.add(other.id);
  }
  found.delete(lane.id);
  return [...found].flatMap((id) => state.lanes.get(id) ?? []).filter(({ state: is }) => is === "merged");
};

/** The lanes of the landing that came last; none when nothing has landed. */
export const lastLanded = (state: State): readonly Lane[] => {
  const merged = [...state.lanes.values()].filter(({ state: is, landed }) => is === "merged" && landed);
  const last = merged.reduce<Lane | undefined>(
    (found, lane) => (found && (at(found) > at(lane) || lane.landed?.merge === found.landed?.before) ? found : lane),
    undefined,
  );
  return merged.filter(({ landed }) => landed?.merge === last?.landed?.merge);
};

/** What tests the target without it: the check of the request, else the configured one, else that which the landing passed. */
export const undoCheck = (
  landed: Landed,
  asked: string | undefined,
  configured: string | undefined,
): string | undefined => (asked ?? configured ?? landed.gate?.check) || undefined;

/** What the target was before and after this lane's own step: the difference is what its landing brought. */
export const stepOf = ({ before, merge, step }: Landed): Step => step ?? { from: before, to: merge };

/** Subject and body of the commit that takes a landing back. */
export const undoMessage = (lane: Lane, merge: string): string =>
  `Undo lane ${lane.id}\n\nThis takes back what ${merge} brought.\n\nLane: ${lane.id}\nUndoes: ${merge}\n`;

/** One line on how far the taking back is; undefined when nobody asked. */
export const undoText = ({ undoing }: Lane): string | undefined => {
  if (!undoing) return undefined;
  if (undoing.refused) return `not taken back: ${undoing.refused.why}`;
  if (undoing.held !== undefined) return `is to be taken back; ${undoing.held}`;
  if (undoing.candidate === undefined) return "is next to be taken back";
  return undoing.gate !== undefined && undoing.tested === undefined
    ? "the target without it is being checked"
    : "is being taken back";
};
