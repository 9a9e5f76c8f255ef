/** An engine whose journal, git and logs are values: what the screen's own tests stand on. Records are folded for real. */
import type { Command } from "../../src/core/command.ts";
import { decide, isRefusal } from "../../src/core/decide.ts";
import type { Event, LogRecord } from "../../src/core/event.ts";
import { fold } from "../../src/core/fold.ts";
import type { RepoSeen } from "../../src/core/observed.ts";
import { emptyState, type State } from "../../src/core/state.ts";
import type { Engine } from "../../src/engine/engine.ts";
import type { Receipt } from "../../src/engine/execute.ts";
import type { Told } from "../../src/engine/ledger.ts";

/** What the engine tells of. */
export interface MemoryWorld {
  readonly records: readonly LogRecord[];
  readonly seen?: RepoSeen;
  readonly logs?: ReadonlyMap<string, string>;
  /** Commands of the configuration that nobody has allowed. */
  readonly untrusted?: readonly string[];
}

/** The part of the engine that screens use, and a way to make things happen. */
export interface MemoryEngine {
  readonly engine: Engine;
  tell(events: readonly Event[], at?: number): void;
  print(run: string, text: string): void;
  /** What `ensure` answers from now on. */
  setLives(lives: boolean): void;
  /** What `look` shows from now on. */
  setSeen(seen: RepoSeen): void;
  readonly commands: readonly Command[];
  readonly looks: readonly (readonly string[])[];
}

const nothing: RepoSeen = { at: 0, target: undefined, lanes: new Map(), branches: [], locks: [] };

/** An engine in memory. */
export const memoryEngine = (world: MemoryWorld): MemoryEngine => {
  const state = emptyState();
  const told: Told[] = [];
  const followers = new Set<(state: State, told: readonly Told[]) => void>();
  const runWatchers = new Set<() => void>();
  const gitWatchers = new Set<(lanes: readonly string[]) => void>();
  const logs = new Map(world.logs);
  const commands: Command[] = [];
  const looks: (readonly string[])[] = [];
  let seen = world.seen ?? nothing;
  let lives = true;

  const add = (record: LogRecord): Told => {
    const entry = { position: state.position + 1, record };
    const line = { entry, outcome: fold(state, entry) };
    told.push(line);
    return line;
  };
  for (const record of world.records) {
    const { outcome } = add(record);
    if (!outcome.effective) throw new Error(`a record of the scene is void: ${outcome.reason}`);
  }

  const tell = (events: readonly Event[], at = Date.now()): void => {
    const line = add({ v: 1, id: `told-${state.position + 1}`, at, by: "human", on: "box", events });
    if (!line.outcome.effective) throw new Error(line.outcome.reason);
    for (const follower of followers) follower(state, [line]);
  };

  const watch = <T>(all: Set<T>, one: T): (() => void) => {
    all.add(one);
    return () => all.delete(one);
  };

  const engine = {
    state: () => state,
    refresh: () => Promise.resolve(state),
    follow: (listener: (state: State, told: readonly Told[]) => void) => watch(followers, listener),
    history: (since: number) => Promise.resolve(told.filter(({ entry }) => entry.position > since)),
    execute: (command: Command) => {
      commands.push(command);
      const answer = decide(state, command);
      if (isRefusal(answer)) return Promise.resolve(answer);
      if (answer.events.length > 0) tell(answer.events);
      const receipt: Receipt = { cause: "cause", position: state.position, events: answer.events };
      return Promise.resolve(receipt);
    },
    ensure: () => Promise.resolve(lives),
    settings: () =>
      Promise.resolve({ config: {}, warnings: [], untrusted: world.untrusted ?? [], hash: "hash", sources: [] }),
    limits: () => Promise.resolve({ maxRuns: 6 }),
    observed: () => Promise.resolve(world.seen),
    look: (lanes: readonly string[]) => {
      looks.push(lanes);
      return Promise.resolve(seen);
    },
    watchGit: (_lanes: readonly string[], changed: (lanes: readonly string[]) => void) => watch(gitWatchers, changed),
    tail: (run: string) => Promise.resolve(logs.get(run) ?? ""),
    watchRun: (_run: string, changed: () => void) => watch(runWatchers, changed),
    attend: () => () => undefined,
    lend: () => Promise.resolve(),
  };

  return {
    engine: engine as unknown as Engine,
    tell,
    print: (run, text) => {
      logs.set(run, (logs.get(run) ?? "") + text);
      for (const changed of runWatchers) changed();
    },
    setLives: (answer) => {
      lives = answer;
    },
    setSeen: (next) => {
      const moved = [...next.lanes].filter(([id, { head }]) => seen.lanes.get(id)?.head !== head).map(([id]) => id);
      seen = next;
      for (const changed of gitWatchers) changed(moved);
    },
    commands,
    looks,
  };
};
