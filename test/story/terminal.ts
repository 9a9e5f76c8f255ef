/** A real terminal without a window: a pty, and an emulator that keeps its screen. */
import pty from "@lydell/node-pty";
import xterm from "@xterm/headless";

import { program, type Scratch, until } from "./scratch.ts";

/** A program in a terminal. */
export interface Terminal {
  readonly pid: number;
  /** The screen as lines of text. */
  screen(): readonly string[];
  /** Resolves when the screen matches. */
  shows(pattern: RegExp): Promise<void>;
  type(keys: string): void;
  resize(columns: number, rows: number): void;
  /** Close the terminal: the program gets a hang-up. */
  hangUp(): void;
  readonly ended: Promise<number>;
  /** Everything that was written, as it is. */
  raw(): string;
}

/** Start `lanes` with these words in a terminal of the given size. */
export const openTerminal = (
  scratch: Pick<Scratch, "repo" | "env">,
  words: readonly string[],
  columns = 120,
  rows = 36,
): Terminal => {
  const screen = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true, scrollback: 500 });
  const child = pty.spawn(process.execPath, [program, ...words], {
    cols: columns,
    rows,
    cwd: scratch.repo,
    env: scratch.env,
    // The pty sets TERM to this, whatever the environment says.
    name: scratch.env["TERM"] ?? "xterm-256color",
  });
  let written = "";
  child.onData((text) => {
    written += text;
    screen.write(text);
  });
  const ended = new Promise<number>((resolve) => {
    child.onExit(({ exitCode }) => resolve(exitCode));
  });
  const lines = (): readonly string[] =>
    Array.from(
      { length: screen.buffer.active.length },
      (_, row) => screen.buffer.active.getLine(row)?.translateToString(true) ?? "",
    );
  return {
    pid: child.pid,
    screen: lines,
    shows: async (pattern) => {
      try {
        await until(`${pattern} on the screen`, () => (pattern.test(lines().join("\n")) ? true : undefined));
      } catch (error) {
        throw new Error(`${String(error)}\n${lines().join("\n")}`, { cause: error });
      }
    },
    type: (keys) => child.write(keys),
    resize: (width, height) => {
      child.resize(width, height);
      screen.resize(width, height);
    },
    hangUp: () => child.kill("SIGHUP"),
    ended,
    raw: () => written,
  };
};
