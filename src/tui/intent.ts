/** What a key press means before anything is done about it. */
import type { PaneName, Zoom } from "./layout.ts";

/** What a toast is about. */
export interface Toast {
  readonly text: string;
  readonly tone: "good" | "alert" | "bad" | "dim";
}

/** Something that only the screen changes by. */
export type UiIntent =
  | { readonly type: "move"; readonly by: number }
  /** Half a page is 0.5. */
  | { readonly type: "page"; readonly by: number }
  | { readonly type: "edge"; readonly to: "top" | "bottom" }
  | { readonly type: "pane"; readonly to: PaneName }
  | { readonly type: "cycle"; readonly by: 1 | -1 }
  | { readonly type: "zoom"; readonly to: Zoom }
  | { readonly type: "zoom-step"; readonly by: 1 | -1 }
  | { readonly type: "scroll-log"; readonly by: number }
  | { readonly type: "follow-log" }
  | { readonly type: "next-needy" }
  | { readonly type: "back" }
  | { readonly type: "open-filter" }
  | { readonly type: "type"; readonly text: string }
  | { readonly type: "erase"; readonly what: "letter" | "all" }
  | { readonly type: "close-filter"; readonly keep: boolean }
  | { readonly type: "help"; readonly open: boolean }
  | { readonly type: "confirm"; readonly capability: string; readonly lane: string; readonly lines: readonly string[] }
  | { readonly type: "ask-reason"; readonly claim: number; readonly what: string }
  | { readonly type: "dismiss" }
  | { readonly type: "toast"; readonly toast: Toast | undefined }
  | { readonly type: "resize"; readonly columns: number; readonly rows: number };

/** Something that reaches beyond the screen. */
export type DeedIntent =
  | { readonly type: "wish"; readonly capability: string }
  /** Pause the lane, or resume it when it is paused. */
  | { readonly type: "pause-or-resume" }
  | { readonly type: "merge-ready" }
  /** Break the selected claim; asks why. */
  | { readonly type: "break-lease" }
  | { readonly type: "agree" }
  | { readonly type: "repaint" }
  | { readonly type: "suspend" }
  | { readonly type: "quit" };

/** Everything that a key can mean. */
export type Intent = UiIntent | DeedIntent;

const deeds: ReadonlySet<string> = new Set<DeedIntent["type"]>([
  "wish",
  "pause-or-resume",
  "merge-ready",
  "break-lease",
  "agree",
  "repaint",
  "suspend",
  "quit",
]);

/** Does it reach beyond the screen? */
export const isDeed = (intent: Intent): intent is DeedIntent => deeds.has(intent.type);
