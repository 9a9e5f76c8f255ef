/** A process made of memory, and an engine that only has a state: for the parts of the command line that need no world. */
import { Readable } from "node:stream";

import type { Call, Globals } from "../../src/cli/call.ts";
import { createOutput } from "../../src/cli/output.ts";
import type { Shell, Writer } from "../../src/cli/shell.ts";
import { styleOf } from "../../src/cli/terminal.ts";
import type { State } from "../../src/core/state.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { limits, now } from "../core/build.ts";

/** A stream that keeps what is written. `fail` makes it end as a closed pipe or a full disk does. */
export interface Paper extends Writer {
  readonly text: () => string;
  readonly fail: (error: Error) => void;
}

export const paper = (screen: { readonly isTTY?: boolean; readonly columns?: number } = {}): Paper => {
  let text = "";
  const listeners = new Set<(error: Error) => void>();
  return {
    ...screen,
    text: () => text,
    fail: (error) => {
      for (const listener of listeners) listener(error);
    },
    write: (part) => {
      text += part;
      return true;
    },
    on: (_event, listener) => listeners.add(listener),
    off: (_event, listener) => listeners.delete(listener),
  };
};

/** A shell whose streams are paper and whose clock stands still. */
export const fakeShell = (over: Partial<Shell> = {}): Shell & { readonly stdout: Paper; readonly stderr: Paper } => ({
  version: "9.9.9",
  environment: { LANG: "C.UTF-8" },
  cwd: "/",
  stdin: Readable.from([]),
  now: () => now,
  elapsed: () => 0,
  engine: () => Promise.reject(new Error("the test has no engine")),
  onInterrupt: () => () => undefined,
  ...over,
  stdout: (over.stdout as Paper | undefined) ?? paper(),
  stderr: (over.stderr as Paper | undefined) ?? paper(),
});

/** An engine that shows one state; every other part of it fails the test that uses it. */
export const fakeEngine = (state: State, over: Partial<Engine> = {}): Engine => {
  const parts: Partial<Engine> = {
    state: () => state,
    newer: () => undefined,
    refresh: () => Promise.resolve(state),
    limits: () => Promise.resolve(limits),
    refusedEdits: () => Promise.resolve([]),
    observed: () => Promise.resolve(undefined),
    attend: () => () => undefined,
    follow: () => () => undefined,
    ...over,
  };
  return new Proxy(parts as Engine, {
    get: (engine, name: keyof Engine) => {
      if (!(name in engine)) throw new Error(`the test's engine has no ${name}`);
      return engine[name];
    },
  });
};

const globals: Globals = { repo: undefined, json: false, plain: false, input: true, quiet: false, verbose: false };

/** A call of a verb on such a shell. */
export const fakeCall = (
  shell: Shell,
  over: Partial<Omit<Call, "globals">> & { globals?: Partial<Globals> } = {},
): Call => ({
  verb: "status",
  words: [],
  options: {},
  shell,
  output: createOutput(shell, false),
  style: styleOf(shell.stderr, shell.environment, false),
  ...over,
  globals: { ...globals, ...over.globals },
});
