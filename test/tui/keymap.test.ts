import type { Key } from "ink";
import { expect, test } from "vitest";

import { capability } from "../../src/core/catalog.ts";
import type { Intent } from "../../src/tui/intent.ts";
import { intentsOf, keymap, keysOf, pasted } from "../../src/tui/keymap.ts";
import type { Mode } from "../../src/tui/model.ts";

const normal: Mode = { is: "normal" };
const filter: Mode = { is: "filter", before: "" };
const confirm: Mode = { is: "confirm", capability: "cancel", lane: "docs", lines: [] };

const meant = (input: string, pressed: Key, mode: Mode): readonly Intent[] =>
  keysOf(input, pressed).flatMap((name) => intentsOf(name, mode));

const key = (parts: Partial<Key> = {}): Key => parts as Key;

test("no key means two things in one mode, and every capability with a key exists", () => {
  const names = keymap.map(({ scope, key: name }) => `${scope} ${name}`);
  expect(new Set(names).size).toBe(names.length);
  const missing = keymap.filter(({ capability: id }) => id !== undefined && capability(id)?.wish === undefined);
  expect(missing).toEqual([]);
});

test("keys mean what the table says", () => {
  expect(meant("j", key(), normal)).toEqual([{ type: "move", by: 1 }]);
  expect(meant("", key({ downArrow: true }), normal)).toEqual([{ type: "move", by: 1 }]);
  expect(meant("", key({ tab: true, shift: true }), normal)).toEqual([{ type: "cycle", by: -1 }]);
  expect(meant("d", key({ ctrl: true }), normal)).toEqual([{ type: "page", by: 0.5 }]);
  expect(meant("X", key({ shift: true }), normal)).toEqual([{ type: "wish", capability: "cancel" }]);
  expect(meant("c", key({ ctrl: true }), normal)).toEqual([{ type: "quit" }]);
  expect(meant("q", key({ meta: true }), normal)).toEqual([]);
  expect(meant("Z", key(), normal)).toEqual([]);
});

test("letters that arrive together are pressed one after another", () => {
  expect(meant("jjk", key(), normal)).toHaveLength(3);
  expect(meant("j".repeat(500), key(), normal)).toHaveLength(32);
  expect(keysOf("/a\t\r\u007F\u0004", key())).toEqual(["/", "a", "tab", "enter", "backspace", "ctrl-d"]);
});

test("in a filter letters are text, and a paste is text nowhere else", () => {
  expect(meant("q", key(), filter)).toEqual([{ type: "type", text: "q" }]);
  expect(meant("日", key(), filter)).toEqual([{ type: "type", text: "日" }]);
  expect(meant("\uD83D", key(), filter)).toEqual([]);
  expect(meant("", key({ escape: true }), filter)).toEqual([{ type: "close-filter", keep: false }]);
  expect(pasted("two\nlines", filter)).toEqual([{ type: "type", text: "two lines" }]);
  expect(pasted("XyMq", normal)).toEqual([]);
});

test("only y agrees; enter does not", () => {
  expect(meant("y", key(), confirm)).toEqual([{ type: "agree" }]);
  for (const [input, pressed] of [
    ["", key({ return: true })],
    ["", key({ escape: true })],
    ["n", key()],
    ["q", key()],
  ] as const) {
    expect(meant(input, pressed, confirm)).toEqual([{ type: "dismiss" }]);
  }
  expect(meant("j", key(), confirm)).toEqual([]);
});
