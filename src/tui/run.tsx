/** Opens the control center on this terminal and gives the terminal back as it was. */
import "./polyfill.ts";
import { restoreFetch } from "./no-fetch.ts";
import process from "node:process";
import type { ReadStream, WriteStream } from "node:tty";

import { type Instance, render } from "ink";

import type { Engine } from "../engine/engine.ts";
import { createStore, type LanesStore } from "../store/store.ts";
import { openStore, paintStore, syncStore } from "../store/sync.ts";
import { App } from "./app.tsx";
import { createControl } from "./control.ts";
import { createScreen, type Screen } from "./screen.ts";
import { createSuspension } from "./suspend.ts";
import { themeOf } from "./theme.ts";

restoreFetch();

/** How the control center is opened. */
export interface ControlCenterOptions {
  /** Only ASCII on the screen, whatever the locale says. */
  readonly ascii?: boolean;
}

/** Show the control center until the person leaves it, the terminal goes away or a signal comes. Answers the exit code. */
export const openControlCenter = async (engine: Engine, options: ControlCenterOptions = {}): Promise<number> => {
  const { stdin, stdout } = process;
  const theme = themeOf(process.env, options.ascii ?? false);
  const store = createStore(Date.now());
  const known = await openStore(store, engine);
  const screen = createScreen(stdout, theme);
  const suspension = createSuspension(stdin, screen);
  const end = ending();
  const unwatch = watchEnds(stdin, stdout, screen, end.resolve);
  const control = createControl(store, {
    engine,
    columns: stdout.columns,
    rows: stdout.rows,
    quit: () => end.resolve(0),
    suspend: suspension.suspend,
    repaint: screen.repaint,
  });
  // The control has selected a lane: its detail belongs on the first frame.
  paintStore(store, engine, known);
  screen.onResize(() => control.dispatch([{ type: "resize", columns: stdout.columns, rows: stdout.rows }]));
  // Ink does the same, but only after the first frame: a key pressed on sight would go to the shell's terminal.
  stdin.setRawMode(true);
  screen.enter();
  const app = mount(<App store={store} control={control} theme={theme} state={() => engine.state()} />, stdin, screen);
  app.waitUntilExit().then(() => end.resolve(0), end.reject);
  const released = app.waitUntilRenderFlush().then(() => [engine.attend(), syncStore(store, engine, known)]);
  try {
    return await end.promise;
  } finally {
    screen.leave();
    screen.close();
    app.unmount();
    control.end();
    for (const release of await released) release();
    unwatch();
    suspension.release();
    farewell(store, stdout);
  }
};

/** The screen's end, and the two ways to bring it about. */
const ending = (): Ending => {
  const parts: Partial<Omit<Ending, "promise">> = {};
  const promise = new Promise<number>((resolve, reject) => {
    Object.assign(parts, { resolve, reject });
  });
  return { promise, ...(parts as Omit<Ending, "promise">) };
};

interface Ending {
  readonly promise: Promise<number>;
  readonly resolve: (code: number) => void;
  readonly reject: (error: unknown) => void;
}

const mount = (app: Parameters<typeof render>[0], stdin: ReadStream, screen: Screen): Instance =>
  render(app, {
    stdin,
    stdout: screen.stream,
    interactive: true,
    exitOnCtrlC: false,
    patchConsole: false,
    maxFps: 30,
  });

/** Everything besides a key that ends the screen. Agents are not our children: they do not notice. */
const watchEnds = (
  stdin: ReadStream,
  stdout: WriteStream,
  screen: Screen,
  end: (code: number) => void,
): (() => void) => {
  const signals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
  const handlers = Object.entries(signals).map(([signal, code]) => [signal, () => end(code)] as const);
  const gone = (): void => end(signals.SIGHUP);
  const onContinue = (): void => screen.repaint();
  for (const [signal, handler] of handlers) process.on(signal, handler);
  process.on("SIGCONT", onContinue);
  process.on("exit", screen.abandon);
  process.on("uncaughtExceptionMonitor", screen.abandon);
  for (const stream of [stdin, stdout]) stream.on("error", gone);
  stdin.on("end", gone);
  return () => {
    for (const [signal, handler] of handlers) process.off(signal, handler);
    process.off("SIGCONT", onContinue);
    process.off("exit", screen.abandon);
    process.off("uncaughtExceptionMonitor", screen.abandon);
    stdin.off("end", gone);
    stdin.pause();
  };
};

/** What goes on without the screen, in one line on the ordinary screen. */
const farewell = (store: LanesStore, stdout: WriteStream): void => {
  const { running } = store.getState().overview;
  if (running === 0 || !stdout.writable) return;
  stdout.write(`${running} agent${running === 1 ? " keeps" : "s keep"} running; lanes opens this again.\n`);
};
