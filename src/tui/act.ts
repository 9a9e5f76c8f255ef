/** Wishes that keys express, carried out in the background; every answer is a sentence. */
import { capability, whyNot } from "../core/catalog.ts";
import type { Command, Refusal } from "../core/command.ts";
import { isRefusal } from "../core/decide.ts";
import type { Event } from "../core/event.ts";
import { branchOf } from "../core/id.ts";
import type { LaneSeen } from "../core/observed.ts";
import { isHeld, isLive } from "../core/schedule.ts";
import { landedAfter, landedOn } from "../core/undo.ts";
import type { State } from "../core/state.ts";
import { sanitize } from "../core/text.ts";
import type { Engine } from "../engine/engine.ts";
import { keptDays } from "../engine/keep-trash.ts";
import { begunBy, placesOf, untrustedAt } from "../engine/trusted.ts";
import type { Toast } from "./intent.ts";

/** Capabilities that end something: the screen asks first. */
export const destructive: ReadonlySet<string> = new Set(["stop", "cancel", "remove", "undo"]);

/**
 * Why a capability cannot be used on this lane now, as far as the journal knows. What was last seen of git may be a moment
 * old, and an agent commits in a moment: a wish to merge is decided on a fresh look.
 */
export const refusalOf = (state: State, id: string, lane: string): Refusal | undefined => {
  const row = capability(id);
  return row && whyNot(state, row, lane);
};

/** What a person should know before something ends. */
export const warning = (state: State, id: string, lane: string, git: LaneSeen | undefined): readonly string[] => {
  if (id === "undo") return undoWarning(state, lane);
  const dirty = git?.dirty?.length ?? 0;
  const kept = [
    ...(git && git.ahead > 0 ? [count(git.ahead, "commit")] : []),
    ...(dirty > 0 ? [count(dirty, "uncommitted file")] : []),
  ];
  if (id === "remove") {
    return [
      `Remove lane ${lane}: its worktree and its branch?`,
      `First all of it is kept${kept.length > 0 ? ` (${kept.join(", ")})` : ""} in refs/lanes/trash/${lane}, for ${keptDays} days.`,
      `B, or lanes restore ${lane}, brings it back as it was; lanes trash shows what is kept.`,
    ];
  }
  return [
    id === "stop" ? `Stop the agent of lane ${lane}?` : `Give lane ${lane} up?`,
    id === "stop"
      ? "Its process ends; R or L runs it again."
      : "It will not be merged; its worktree stays until cleanup.",
    `${branchOf(lane)}${kept.length > 0 ? ` keeps ${kept.join(" and ")}` : " has no commits of its own"}.`,
  ];
};

const undoWarning = (state: State, id: string): readonly string[] => {
  const lane = state.lanes.get(id);
  if (!lane?.landed) return [`Take lane ${id} back?`];
  const { merge, target, gate } = lane.landed;
  const few = (lanes: readonly { readonly id: string }[]): string => names(lanes.map((one) => one.id));
  const checked = gate ? "checked before it lands" : "checked where a check is configured";
  const [on, later] = [landedOn(state, lane), landedAfter(state, lane)];
  return [
    `Take lane ${id} off ${target} again?`,
    later.length === 0
      ? `${target} goes back from ${merge.slice(0, 7)} if nobody has it yet; else a commit takes it out, ${checked}.`
      : `A commit takes out what ${merge.slice(0, 7)} brought, ${checked}.`,
    ...(on.length > 0 ? [`These have landed and depend on it: ${few(on)}.`] : []),
    ...(on.length === 0 && later.length > 0 ? [`Landed after it: ${few(later)}.`] : []),
    `${branchOf(id)} stays; m brings it back.`,
  ];
};

/** Ask for a capability on these lanes; the answer is a toast. `seen`: the head that the screen shows of them. */
export const act = async (engine: Engine, id: string, lanes: readonly string[], seen?: string): Promise<Toast> => {
  const wished = commandOf(id, lanes);
  if (!wished) return { text: `${id} is not a capability of lanes`, tone: "bad" };
  const command = wished.type === "approve" && seen !== undefined ? { ...wished, seen } : wished;
  const untrusted = await untrustedAt(engine, placesOf(engine.state(), command));
  if (untrusted) return refused(untrusted);
  const begun = begunBy(engine.state(), command);
  if (begun.length > 0) await engine.lend(begun);
  const answer = await engine.execute(command);
  if (isRefusal(answer)) return refused(answer);
  if (answer.events.length === 0) return { text: `${lanes.join(", ")}: already so`, tone: "dim" };
  const lives = await engine.ensure();
  if (!lives)
    return {
      text: `${said[id] ?? id} ${names(lanes)}: recorded; the engine is silent, it will be done`,
      tone: "alert",
    };
  return { text: `${said[id] ?? id} ${names(lanes)}${headsOf(answer.events)}`, tone: "good" };
};

/** What was approved, by its short name. */
const headsOf = (events: readonly Event[]): string =>
  events.flatMap((event) => (event.type === "lane.approved" ? ` at ${event.head.slice(0, 7)}` : [])).join("");

/** Break a claim on paths, with the reason that stays in the journal; the answer is a toast. */
export const breakLease = async (engine: Engine, claim: number, why: string): Promise<Toast> => {
  const answer = await engine.execute({ type: "break", claim, why });
  if (isRefusal(answer)) return refused(answer);
  return { text: `claim ${claim} is broken: ${sanitize(why)}`, tone: "good" };
};

/** Which of the two is meant for this lane: a lane that rests, or shall, is resumed. */
export const pauseOrResume = (state: State, id: string): "pause" | "resume" => {
  const lane = state.lanes.get(id);
  if (!lane) return "pause";
  return isHeld(lane) || (lane.state === "paused" && !isLive(lane)) ? "resume" : "pause";
};

/** A refusal as a toast: the sentence and what to do instead. */
export const refused = ({ refused: sentence, hint }: Pick<Refusal, "refused" | "hint">): Toast => ({
  text: sanitize(hint === "" ? sentence : `${sentence}; ${hint}`),
  tone: "alert",
});

/** Something broke: the message as a toast. */
export const broken = (error: unknown): Toast => ({
  text: sanitize((error instanceof Error ? error.message : String(error)).slice(0, 500)),
  tone: "bad",
});

const said: Readonly<Record<string, string>> = {
  launch: "queued",
  stop: "stopping",
  pause: "freezing",
  resume: "resuming",
  retry: "queued again",
  cancel: "cancelling",
  merge: "in the merge queue:",
  remove: "keeping, then removing",
  restore: "bringing back",
  undo: "taking back",
  approve: "approved",
  handoff: "handed back",
};

/** A merge is asked for with what git shows now: lanes in which a person works need the proof. */
const commandOf = (id: string, lanes: readonly string[]): Command | undefined => {
  const command = capability(id)?.wish?.(lanes[0] ?? "");
  return command && "lanes" in command && command.type !== "add" ? { ...command, lanes } : command;
};

const names = (lanes: readonly string[]): string =>
  lanes.length <= 3 ? lanes.join(", ") : `${lanes.slice(0, 3).join(", ")} and ${lanes.length - 3} more`;

const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? "" : "s"}`;
