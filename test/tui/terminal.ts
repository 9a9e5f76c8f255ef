/** The harness program on a real pseudo terminal, with an emulator behind it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

import pty from "@lydell/node-pty";
import { Unicode11Addon } from "@xterm/addon-unicode11";
import xterm from "@xterm/headless";
import { build } from "esbuild";
import { vi } from "vitest";

/** A program on a terminal. */
export interface Terminal {
  readonly pid: number;
  write(keys: string): void;
  resize(columns: number, rows: number): void;
  /** Waits for a text on the screen. */
  until(text: string | RegExp): Promise<string>;
  screen(): Promise<string>;
  /** Everything that was sent. */
  bytes(): string;
  /** `normal` or `alternate`: which screen is up. */
  readonly buffer: () => string;
  signal(name: string): void;
  /** The terminal is gone, as when its window is closed. */
  hangUp(): void;
  readonly exited: Promise<number>;
}

const bundle = (): Promise<string> => {
  built.program ??= make();
  return built.program;
};

const built: { program?: Promise<string> } = {};

const make = async (): Promise<string> => {
  const folder = mkdtempSync(join(tmpdir(), "lanes-harness-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  await build({
    entryPoints: [fileURLToPath(new URL("harness.tsx", import.meta.url))],
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20.19",
    jsx: "automatic",
    minify: true,
    logLevel: "error",
    external: ["react-devtools-core"],
    define: { "process.env.NODE_ENV": '"production"', "process.env.DEV": '"false"' },
    banner: { js: 'import{createRequire as __make}from"node:module";const require=__make(import.meta.url);' },
  });
  return join(folder, "harness.mjs");
};

/** Start the harness, or a shell in front of it, on `columns` × `rows`. */
export const openTerminal = async (
  columns: number,
  rows: number,
  env: Readonly<Record<string, string>> = {},
  shell = false,
): Promise<Terminal> => {
  const program = await bundle();
  const term = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true });
  term.loadAddon(new Unicode11Addon());
  term.unicode.activeVersion = "11";
  const words = shell ? ["--norc", "--noprofile", "-i"] : [program];
  const { CI: _ci, NO_COLOR: _colour, ...inherited } = process.env;
  const child = pty.spawn(shell ? "bash" : process.execPath, words, {
    cols: columns,
    rows,
    env: {
      ...inherited,
      TERM: "xterm-256color",
      LANG: "C.UTF-8",
      PS1: "shell> ",
      HARNESS: program,
      NODE: process.execPath,
      ...env,
    },
  });
  let bytes = "";
  child.onData((text) => {
    bytes += text;
    term.write(text);
  });
  const exited = new Promise<number>((resolve) => {
    child.onExit(({ exitCode, signal }) => resolve(exitCode || (signal ? 128 + signal : 0)));
  });
  const screen = async (): Promise<string> => {
    await new Promise<void>((resolve) => term.write("", resolve));
    const { active } = term.buffer;
    return Array.from(
      { length: term.rows },
      (_, row) => active.getLine(active.viewportY + row)?.translateToString(true, 0, term.cols) ?? "",
    ).join("\n");
  };
  return {
    pid: child.pid,
    write: (keys) => child.write(keys),
    resize: (wide, high) => {
      term.resize(wide, high);
      child.resize(wide, high);
    },
    until: (text) =>
      vi.waitFor(
        async () => {
          const now = await screen();
          if (typeof text === "string" ? !now.includes(text) : !text.test(now)) {
            throw new Error(`${String(text)} is not on the screen:\n${now}`);
          }
          return now;
        },
        { interval: 5, timeout: 15_000 },
      ),
    screen,
    bytes: () => bytes,
    buffer: () => term.buffer.active.type,
    signal: (name) => process.kill(child.pid, name),
    hangUp: () => (child as unknown as { destroy(): void }).destroy(),
    exited,
  };
};
