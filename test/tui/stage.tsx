/** The control center on a terminal emulator in this process: what the tests of the picture stand on. */
import { EventEmitter } from "node:events";
import { PassThrough } from "node:stream";
import type { ReadStream } from "node:tty";

import { Unicode11Addon } from "@xterm/addon-unicode11";
import xterm from "@xterm/headless";
import { render } from "ink";
import { vi } from "vitest";

import { createStore } from "../../src/store/store.ts";
import { openStore, paintStore, syncStore } from "../../src/store/sync.ts";
import { App } from "../../src/tui/app.tsx";
import type { Row } from "../../src/tui/cells.ts";
import { createControl } from "../../src/tui/control.ts";
import { createScreen } from "../../src/tui/screen.ts";
import { themeOf } from "../../src/tui/theme.ts";
import { memoryEngine, type MemoryEngine, type MemoryWorld } from "./memory-engine.ts";

/** What can be done with it and seen on it. */
export interface Stage {
  readonly world: MemoryEngine;
  press(keys: string): void;
  resize(columns: number, rows: number): Promise<void>;
  /** The terminal's screen, line by line. */
  lines(): Promise<readonly string[]>;
  /** The terminal's cells: characters, and "" where a wide one reaches in. */
  cells(): Promise<readonly (readonly string[])[]>;
  /** What Ink drew last, as cells. */
  drawn(): readonly Row[];
  /** Waits for a text on the screen. */
  until(text: string | RegExp): Promise<readonly string[]>;
  /** All bytes since the last call. */
  sent(): string;
  /** What the emulator was made to do besides showing text. */
  readonly heard: readonly string[];
  readonly ended: () => boolean;
  end(): Promise<void>;
}

/** `useInput` wants a terminal. */
class Keys extends PassThrough {
  readonly isTTY = true;
  setRawMode(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
}

/** Opens the control center on `columns` × `rows`. */
export const openStage = async (
  columns: number,
  rows: number,
  scene: MemoryWorld,
  env: Readonly<Record<string, string>> = { LANG: "C.UTF-8" },
): Promise<Stage> => {
  const term = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true });
  term.loadAddon(new Unicode11Addon());
  term.unicode.activeVersion = "11";
  const heard: string[] = [];
  term.onBell(() => heard.push("bell"));
  term.onTitleChange((title) => heard.push(`title ${title}`));
  term.onData((reply) => heard.push(`reply ${JSON.stringify(reply)}`));
  term.onLineFeed(() => heard.push("line feed"));

  let sent = "";
  const target = Object.assign(new EventEmitter(), {
    columns,
    rows,
    write: (text: string, done?: () => void): boolean => {
      sent += text;
      term.write(text, done);
      return true;
    },
  });

  const world = memoryEngine(scene);
  const theme = themeOf(env, false);
  const store = createStore(Date.now());
  const known = await openStore(store, world.engine);
  const screen = createScreen(target as unknown as Parameters<typeof createScreen>[0], theme);
  const stdin = new Keys();
  let ended = false;
  const control = createControl(store, {
    engine: world.engine,
    columns,
    rows,
    quit: () => {
      ended = true;
    },
    suspend: () => undefined,
    repaint: screen.repaint,
  });
  paintStore(store, world.engine, known);
  screen.onResize(() => control.dispatch([{ type: "resize", columns: target.columns, rows: target.rows }]));
  screen.enter();
  const app = render(<App store={store} control={control} theme={theme} state={() => world.engine.state()} />, {
    stdin: stdin as unknown as ReadStream,
    stdout: screen.stream,
    interactive: true,
    exitOnCtrlC: false,
    patchConsole: false,
    maxFps: 30,
  });
  await app.waitUntilRenderFlush();
  const release = syncStore(store, world.engine, known);

  const settled = async (): Promise<void> => {
    await app.waitUntilRenderFlush();
    await new Promise<void>((resolve) => term.write("", resolve));
  };
  const cells = async (): Promise<readonly (readonly string[])[]> => {
    await settled();
    const { active } = term.buffer;
    return Array.from({ length: target.rows }, (_, row) =>
      Array.from({ length: target.columns }, (__, column) => {
        const cell = active.getLine(active.viewportY + row)?.getCell(column);
        return cell?.getWidth() === 0 ? "" : cell?.getChars() || " ";
      }),
    );
  };
  const lines = async (): Promise<readonly string[]> => (await cells()).map((row) => row.join("").trimEnd());

  return {
    world,
    press: (keys) => stdin.write(keys),
    resize: async (wide, high) => {
      target.columns = wide;
      target.rows = high;
      term.resize(Math.max(1, wide), Math.max(1, high));
      target.emit("resize");
      await new Promise((resolve) => setImmediate(resolve));
    },
    lines,
    cells,
    drawn: screen.drawn,
    until: (text) =>
      vi.waitFor(
        async () => {
          const now = await lines();
          const found = typeof text === "string" ? now.join("\n").includes(text) : text.test(now.join("\n"));
          if (!found) throw new Error(`${String(text)} is not on the screen:\n${now.join("\n")}`);
          return now;
        },
        { interval: 2, timeout: 10_000 },
      ),
    sent: () => {
      const bytes = sent;
      sent = "";
      return bytes;
    },
    heard,
    ended: () => ended,
    end: async () => {
      release();
      control.end();
      screen.leave();
      screen.close();
      app.unmount();
      await app.waitUntilExit();
    },
  };
};
