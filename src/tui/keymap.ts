/** The only file that knows keys: which key means what, where, and how it is explained. */
import type { Key } from "ink";

import type { Intent } from "./intent.ts";
import type { Mode } from "./model.ts";

/** One key in one mode. */
export interface Binding {
  readonly key: string;
  readonly scope: Mode["is"];
  readonly intent: Intent;
  /** The catalog row that it asks for: shown dim, with the reason, while it is refused. */
  readonly capability?: string;
  /** For the help page; bindings with the same words share a line. */
  readonly help: string;
  /** For the footer; left out when it is not shown there. */
  readonly hint?: string;
  /** Where there is little room, the footer shows the lowest ranks. */
  readonly rank: number;
}

const row = (
  keys: string,
  scope: Mode["is"],
  intent: Intent,
  help: string,
  hint?: string,
  rank = 1,
): readonly Binding[] =>
  keys.split(" ").map((key, index) => ({
    key,
    scope,
    intent,
    help,
    rank,
    ...(intent.type === "wish" ? { capability: intent.capability } : {}),
    ...(intent.type === "pause-or-resume" ? { capability: "pause" } : {}),
    ...(hint === undefined || index > 0 ? {} : { hint }),
  }));

const wish = (capability: string): Intent => ({ type: "wish", capability });

/** Every key. */
export const keymap: readonly Binding[] = [
  ...row("enter", "normal", { type: "zoom", to: "log" }, "open the log of the lane", "log"),
  ...row("L", "normal", wish("launch"), "launch the lane", "launch"),
  ...row("m", "normal", wish("merge"), "merge the lane into the target", "merge"),
  ...row("p", "normal", { type: "pause-or-resume" }, "freeze the lane's agent, or let a paused lane go on", "pause", 2),
  ...row("x", "normal", wish("stop"), "stop the lane's agent; asks first", "stop"),
  ...row("R", "normal", wish("retry"), "run the lane again", "retry"),
  ...row("a", "normal", wish("approve"), "approve the lane exactly as it is now", "approve", 3),
  ...row("H", "normal", wish("handoff"), "give the lane back to its agent, told what was wrong", "hand back", 3),
  ...row("u", "normal", wish("undo"), "take the lane's landing off the target again; asks first", "undo", 3),
  ...row("M", "normal", { type: "merge-ready" }, "merge all lanes that are ready", "merge all", 3),
  ...row("X", "normal", wish("cancel"), "give the lane up; asks first", "cancel", 3),
  ...row("D", "normal", wish("remove"), "keep what is in the lane, then remove it; asks first", "remove", 5),
  ...row("B", "normal", wish("restore"), "bring a removed lane back as it was", "restore", 5),
  ...row("b", "normal", { type: "break-lease" }, "break the selected lease; asks why"),
  ...row("!", "normal", { type: "next-needy" }, "next lane that needs you", "needs you", 4),
  ...row("/", "normal", { type: "open-filter" }, "filter the pane: words, !word for not", "filter", 2),
  ...row("?", "normal", { type: "help", open: true }, "this page", "help"),
  ...row("q", "normal", { type: "quit" }, "leave; agents keep running", "quit"),
  ...row("ctrl-c", "normal", { type: "quit" }, "leave; agents keep running"),
  ...row("j down", "normal", { type: "move", by: 1 }, "down"),
  ...row("k up", "normal", { type: "move", by: -1 }, "up"),
  ...row("g home", "normal", { type: "edge", to: "top" }, "top"),
  ...row("G end", "normal", { type: "edge", to: "bottom" }, "bottom"),
  ...row("ctrl-d", "normal", { type: "page", by: 0.5 }, "half a page down"),
  ...row("ctrl-u", "normal", { type: "page", by: -0.5 }, "half a page up"),
  ...row("pgdn", "normal", { type: "page", by: 1 }, "page down"),
  ...row("pgup", "normal", { type: "page", by: -1 }, "page up"),
  ...row("1", "normal", { type: "pane", to: "lanes" }, "lanes"),
  ...row("2", "normal", { type: "pane", to: "agents" }, "agents"),
  ...row("3", "normal", { type: "pane", to: "locks" }, "locks"),
  ...row("4", "normal", { type: "pane", to: "branches" }, "branches"),
  ...row("tab", "normal", { type: "cycle", by: 1 }, "next pane"),
  ...row("shift-tab", "normal", { type: "cycle", by: -1 }, "previous pane"),
  ...row("+ =", "normal", { type: "zoom-step", by: 1 }, "more room: pane, then log"),
  ...row("_ -", "normal", { type: "zoom-step", by: -1 }, "less room"),
  ...row("J", "normal", { type: "scroll-log", by: 3 }, "scroll the log down"),
  ...row("K", "normal", { type: "scroll-log", by: -3 }, "scroll the log up"),
  ...row("f", "normal", { type: "follow-log" }, "follow the log's end"),
  ...row("esc", "normal", { type: "back" }, "back: zoom, scroll, filter"),
  ...row("ctrl-l", "normal", { type: "repaint" }, "draw the screen anew"),
  ...row("ctrl-z", "normal", { type: "suspend" }, "suspend to the shell"),

  ...row("enter", "filter", { type: "close-filter", keep: true }, "keep the filter", "keep"),
  ...row("esc ctrl-c", "filter", { type: "close-filter", keep: false }, "as it was before", "back"),
  ...row("backspace", "filter", { type: "erase", what: "letter" }, "erase a letter"),
  ...row("ctrl-u", "filter", { type: "erase", what: "all" }, "erase all", "clear"),
  ...row("down", "filter", { type: "move", by: 1 }, "down"),
  ...row("up", "filter", { type: "move", by: -1 }, "up"),

  ...row("enter", "reason", { type: "agree" }, "break the lease", "break it"),
  ...row("esc ctrl-c", "reason", { type: "dismiss" }, "leave it as it is", "no"),
  ...row("backspace", "reason", { type: "erase", what: "letter" }, "erase a letter"),
  ...row("ctrl-u", "reason", { type: "erase", what: "all" }, "erase all", "clear"),

  ...row("esc ? q enter ctrl-c", "help", { type: "help", open: false }, "close this page", "close"),

  ...row("y", "confirm", { type: "agree" }, "yes", "yes"),
  ...row("n esc q enter ctrl-c", "confirm", { type: "dismiss" }, "no", "no"),
];

/** Most keys taken from one read of the terminal: more is a paste by a terminal that does not say so. */
const burstMax = 32;

/** What the terminal sent → the keys that were pressed, by name, one after another. */
export const keysOf = (input: string, key: Key): readonly string[] => {
  if (key.eventType === "release" || key.meta) return [];
  const named = special.find(([flag]) => key[flag])?.[1];
  if (named !== undefined) return [key.shift && named === "tab" ? "shift-tab" : named];
  if (key.ctrl) return [`ctrl-${input}`];
  return Array.from(input).slice(0, burstMax).map(letterName);
};

/** What a key means in a mode. Ask anew for each key: the one before may have changed the mode. */
export const intentsOf = (name: string, mode: Mode): readonly Intent[] => {
  const bound = keymap.find((binding) => binding.scope === mode.is && binding.key === name);
  if (bound) return [bound.intent];
  return isTyped(mode) && /^\P{C}$/u.test(name) ? [{ type: "type", text: name }] : [];
};

/** Do letters mean themselves? */
const isTyped = (mode: Mode): boolean => mode.is === "filter" || mode.is === "reason";

/** What was pasted → what it means: text where letters are typed, nothing anywhere else. */
export const pasted = (text: string, mode: Mode): readonly Intent[] =>
  isTyped(mode) && text !== "" ? [{ type: "type", text: text.replaceAll(/\p{C}+/gu, " ") }] : [];

/** The bindings of a mode that the footer shows. */
export const hints = (scope: Mode["is"]): readonly Binding[] =>
  keymap.filter((binding) => binding.scope === scope && binding.hint !== undefined);

/** A letter of a burst. Control characters among them are keys of their own. */
const letterName = (letter: string): string => {
  if (letter >= " " && letter !== "\u007F") return letter;
  return controls.get(letter) ?? `ctrl-${String.fromCharCode(letter.charCodeAt(0) + 96)}`;
};

const controls: ReadonlyMap<string, string> = new Map([
  ["\t", "tab"],
  ["\r", "enter"],
  ["\n", "enter"],
  ["\u007F", "backspace"],
  ["\b", "backspace"],
  ["\u001B", "esc"],
]);

type Flag = Exclude<keyof Key, "eventType">;

const special: readonly (readonly [Flag, string])[] = [
  ["upArrow", "up"],
  ["downArrow", "down"],
  ["leftArrow", "left"],
  ["rightArrow", "right"],
  ["pageDown", "pgdn"],
  ["pageUp", "pgup"],
  ["home", "home"],
  ["end", "end"],
  ["return", "enter"],
  ["escape", "esc"],
  ["tab", "tab"],
  ["backspace", "backspace"],
  ["delete", "backspace"],
];
