/** What a repository's journal says, read by the test itself: a verb would take a hundred times as long. */
import { join } from "node:path";

import type { Entry } from "../../src/core/event.ts";
import { fold } from "../../src/core/fold.ts";
import { emptyState } from "../../src/core/state.ts";
import type { State } from "../../src/core/state.ts";
import { isAlive } from "../../src/host/identity.ts";
import { createJournal } from "../../src/journal/local.ts";

export interface Eye {
  readonly state: () => Promise<State>;
  /** The elected engine's pid while it lives. */
  readonly engine: () => Promise<number | undefined>;
}

export const eyeOn = (repo: string): Eye => {
  const journal = createJournal({ state: join(repo, ".orchestration") });
  const seen = emptyState();
  let cursor = { byte: 0, position: 0 };
  const state = async (): Promise<State> => {
    cursor = await journal.read(cursor, (entry: Entry) => fold(seen, entry));
    return seen;
  };
  const engine = async (): Promise<number | undefined> => {
    const elected = (await state()).engine;
    return elected && !elected.retired && isAlive(elected.process) ? elected.process.pid : undefined;
  };
  return { state, engine };
};
