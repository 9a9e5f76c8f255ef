import { expect, test } from "vitest";

import { laneLine } from "../../src/cli/progress.ts";
import { looksMax, silentMs, waitFor } from "../../src/cli/wait.ts";
import type { State } from "../../src/core/state.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { laneIn, laneOf, limits, now, tell, wayTo } from "../core/build.ts";
import { fakeCall, fakeEngine, fakeShell } from "./fake.ts";

/** A listener that the test calls when it lets something happen. */
const bell = () => {
  const listeners = new Set<() => void>();
  return {
    ring: () => {
      for (const listener of listeners) listener();
    },
    on: (listener: () => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    count: () => listeners.size,
  };
};

const engineOn = (state: State, over: Partial<Engine> = {}) => {
  const news = bell();
  const engine = fakeEngine(state, { follow: (listener) => news.on(() => listener(state, [])), ...over });
  return { engine, news };
};

test("waiting tells each change once and ends when the lane has settled", async () => {
  const state = laneIn("queued");
  const { engine, news } = engineOn(state);
  const shell = fakeShell();
  const waiting = waitFor(fakeCall(shell), engine, "run", ["a"]);
  for (const events of wayTo.ready("a").slice(1)) {
    await Promise.resolve();
    tell(state, events);
    news.ring();
    news.ring();
  }
  expect(await waiting).toBeUndefined();
  expect(shell.stderr.text()).toMatchInlineSnapshot(`
    "→ a starting
    → a running
    ✓ a ready
    "
  `);
  expect(news.count()).toBe(0);
});

test("ctrl-c lets go and says that the work goes on", async () => {
  const interrupt = bell();
  const shell = fakeShell({ onInterrupt: interrupt.on });
  const { engine, news } = engineOn(laneIn("running"));
  const waiting = waitFor(fakeCall(shell), engine, "run", ["a"]);
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  interrupt.ring();
  expect(await waiting).toMatchObject({ code: 130, refused: "the work goes on without you" });
  expect([interrupt.count(), news.count()]).toEqual([0, 0]);
});

test("an engine that should act and cannot be raised is told of, with the wish on disk", async () => {
  let clock = 0;
  const shell = fakeShell({ elapsed: () => (clock += silentMs) });
  const { engine } = engineOn(laneIn("queued"), { ensure: () => Promise.resolve(false) });
  expect(await waitFor(fakeCall(shell), engine, "run", ["a"])).toMatchObject({ code: 75 });
});

test("an engine that lives is given time, but not for ever", async () => {
  let looks = 0;
  let clock = 0;
  const shell = fakeShell({ elapsed: () => (clock += silentMs) });
  const state = laneIn("queued");
  const { engine, news } = engineOn(state, {
    ensure: () => {
      looks += 1;
      if (looks === 2) {
        for (const events of wayTo.ready("a").slice(1)) tell(state, events);
        news.ring();
      }
      return Promise.resolve(true);
    },
  });
  expect(await waitFor(fakeCall(shell), engine, "run", ["a"])).toBeUndefined();
  expect(looks).toBe(2);
  expect(looksMax).toBeGreaterThan(2);
});

test("a run that goes on in silence is waited for without a look at the engine", async () => {
  let clock = 0;
  const interrupt = bell();
  const shell = fakeShell({
    elapsed: () => {
      clock += silentMs;
      if (clock > 6 * silentMs) interrupt.ring();
      return clock;
    },
    onInterrupt: interrupt.on,
  });
  const { engine } = engineOn(laneIn("running"));
  expect(await waitFor(fakeCall(shell), engine, "run", ["a"])).toMatchObject({ code: 130 });
});

test("a line of progress has the state's glyph, or its letter", () => {
  const state = laneIn("conflicted");
  const line = (utf8: boolean): string =>
    laneLine({ state, now, limits }, laneOf(state, "a"), { coloured: false, utf8, columns: undefined });
  expect(line(true)).toBe("≠ a conflicted: 2 files do not merge: a.txt, b.txt");
  expect(line(false)).toBe("# a conflicted: 2 files do not merge: a.txt, b.txt");
});
