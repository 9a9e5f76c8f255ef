/** What a person types and what an agent prints, under fuzz, with a terminal emulator as the judge. */
import { Unicode11Addon } from "@xterm/addon-unicode11";
import xterm from "@xterm/headless";
import fc from "fast-check";
import type { Key } from "ink";
import stringWidth from "string-width";
import { expect } from "vitest";

import { createLines } from "../../src/cli/lines.ts";
import { quote } from "../../src/core/id.ts";
import { sanitize, sanitizeLines } from "../../src/core/text.ts";
import { createStore } from "../../src/store/store.ts";
import { openStore, paintStore } from "../../src/store/sync.ts";
import { createControl } from "../../src/tui/control.ts";
import type { Intent } from "../../src/tui/intent.ts";
import { intentsOf, keysOf, pasted } from "../../src/tui/keymap.ts";
import { layoutOf } from "../../src/tui/layout.ts";
import { widthOf } from "../../src/tui/width.ts";
import { hostileText } from "../tui/hostile-text.ts";
import { memoryEngine } from "../tui/memory-engine.ts";
import { hostile, swing } from "../tui/scene.ts";
import { openStage } from "../tui/stage.tsx";
import type { Fuzz } from "./fuzz.ts";

/** Control characters, escapes, and whatever turns the direction of a text. */
const acting = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

const texts: Fuzz = {
  name: "no text makes a terminal do anything but show it, where it was put",
  cases: 8000,
  run: async (dice) => {
    const term = new xterm.Terminal({ cols: 400, rows: 4, allowProposedApi: true });
    term.loadAddon(new Unicode11Addon());
    term.unicode.activeVersion = "11";
    const heard: string[] = [];
    term.onBell(() => heard.push("bell"));
    term.onTitleChange(() => heard.push("title"));
    term.onData(() => heard.push("reply"));
    term.onLineFeed(() => heard.push("line feed"));
    const write = (text: string): Promise<void> => new Promise((resolve) => term.write(text, resolve));
    await fc.assert(
      fc.asyncProperty(hostileText, async (text) => {
        const safe = sanitize(text);
        expect(sanitize(safe)).toBe(safe);
        expect(safe).not.toMatch(acting);
        expect(quote(text)).not.toMatch(acting);
        expect(widthOf(safe)).toBe(stringWidth(safe));
        await write(`\u001Bc${safe}`);
        expect(heard).toEqual([]);
        expect(term.buffer.active.type).toBe("normal");
        expect(term.buffer.active.cursorY).toBe(0);
      }),
      dice,
    );
  },
};

const pieces: Fuzz = {
  name: "an output in pieces is shown line by line as it is whole",
  cases: 10_000,
  run: (dice) =>
    fc.assert(
      fc.property(fc.array(hostileText, { maxLength: 6 }), (parts) => {
        const shown: string[] = [];
        const lines = createLines((line) => shown.push(line));
        for (const part of parts) lines.push(part);
        lines.end();
        expect(shown).toEqual(sanitizeLines(parts.join("")));
        for (const line of shown) expect(line).not.toMatch(acting);
      }),
      dice,
    ),
};

const flags: readonly Exclude<keyof Key, "eventType">[] = [
  "upArrow",
  "downArrow",
  "pageDown",
  "pageUp",
  "home",
  "end",
  "return",
  "escape",
  "tab",
  "backspace",
  "delete",
  "ctrl",
  "shift",
  "meta",
];

/** One thing that a person does at the terminal. */
const deed = fc.oneof(
  fc.record({
    is: fc.constant("press"),
    input: fc.oneof(fc.constantFrom(..."LmpxRMX!/?jkgG1234+=_-JKfyn".split("")), hostileText),
    flag: fc.option(fc.constantFrom(...flags), { nil: undefined }),
  }),
  fc.record({ is: fc.constant("paste"), input: hostileText }),
  fc.record({
    is: fc.constant("resize"),
    columns: fc.constantFrom(0, 1, 39, 40, 80, 120, 500),
    rows: fc.constantFrom(0, 1, 9, 10, 24, 200),
  }),
);

const keys: Fuzz = {
  name: "keys, pastes and sizes of any kind leave a screen whose selections exist and whose rows add up",
  cases: 800,
  run: async (dice) => {
    const now = Date.now();
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(swing, hostile), fc.array(deed, { maxLength: 40 }), async (scene, deeds) => {
        const { engine } = memoryEngine(scene(now));
        const store = createStore(now);
        paintStore(store, engine, await openStore(store, engine));
        const nothing = (): void => undefined;
        const around = { engine, columns: 80, rows: 24, quit: nothing, suspend: nothing, repaint: nothing };
        const control = createControl(store, around);
        try {
          for (const one of deeds) {
            const { mode } = control.ui.getState();
            const intents: readonly Intent[] =
              one.is === "resize"
                ? [{ type: "resize", columns: one.columns, rows: one.rows }]
                : one.is === "paste"
                  ? pasted(one.input, mode)
                  : keysOf(one.input, pressed(one.flag)).flatMap((name) => intentsOf(name, mode));
            control.dispatch(intents);
            const ui = control.ui.getState();
            const layout = layoutOf(ui);
            expect(layout.headerRows + layout.bodyRows + layout.footerRows).toBe(layout.screen.rows);
            for (const place of Object.values(ui.places)) expect(place.index).toBeGreaterThanOrEqual(0);
            for (const filter of Object.values(ui.filters)) expect(filter).not.toMatch(/[\p{Cc}\p{Cs}]/u);
          }
        } finally {
          control.end();
        }
      }),
      dice,
    );
  },
};

const pressed = (flag: (typeof flags)[number] | undefined): Key =>
  (flag === undefined ? {} : { [flag]: true }) as unknown as Key;

const bytes: Fuzz = {
  name: "whatever arrives from the keyboard's side, in pieces, the control center goes on and the terminal shows it",
  cases: 50,
  slow: true,
  run: (dice) =>
    fc.assert(
      fc.asyncProperty(fc.array(hostileText, { maxLength: 30 }), fc.nat(5), async (chunks, cut) => {
        const stage = await openStage(80, 24, hostile(Date.now()));
        try {
          for (const chunk of chunks) {
            stage.press(chunk.slice(0, cut));
            stage.press(chunk.slice(cut));
          }
          await stage.resize(100, 30);
          // Out of whatever it is in, and drawn anew.
          for (const key of ["\u001B", "\u001B", "\u001B", "\u000C"]) {
            stage.press(key);
            await new Promise((resolve) => setTimeout(resolve, 25));
          }
          await stage.until(/lanes/);
          expect(stage.heard).toEqual([]);
        } finally {
          await stage.end();
        }
      }),
      { ...dice, endOnFailure: true },
    ),
};

/** The inputs that come from a terminal, or go to one. */
export const terminalFuzz: readonly Fuzz[] = [texts, pieces, keys, bytes];
