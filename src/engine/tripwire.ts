/** The engine's memory of the repository's configuration; `observed.json` hands it on to the next engine. */
import type { RepoSeen } from "../core/observed.ts";
import type { State } from "../core/state.ts";
import { compareSettings, remarkLine } from "../core/tripwire.ts";
import type { World } from "../port.ts";
import { observedName, observedText, parseObserved } from "./observed.ts";

/** A look with what is to be said about the configuration in it. */
export type Tripwire = (seen: RepoSeen | undefined, state: State) => Promise<RepoSeen | undefined>;

/** A tripwire that goes on from what the engine before it knew. */
export const createTripwire = (world: World): Tripwire => {
  let begun = false;
  let last: RepoSeen | undefined;
  return async (seen, state) => {
    if (!seen?.configured || seen.at === last?.at) return last ?? seen;
    const before = begun ? last?.settings : parseObserved(await world.journal.published(observedName))?.settings;
    begun = true;
    const settings = compareSettings(before, seen.configured, state, seen.at);
    const old = new Set(before?.remarks.map(({ name }) => name));
    for (const remark of settings.remarks)
      if (!old.has(remark.name)) world.log.warn("noticed", { what: remarkLine(remark) });
    last = { ...seen, settings };
    return last;
  };
};

/** A person knows: what was noticed is forgotten, and the next engine takes the configuration as it is. */
export const forgetSettings = async (world: World): Promise<void> => {
  const seen = parseObserved(await world.journal.published(observedName));
  if (!seen?.settings) return;
  const { settings: _settings, ...rest } = seen;
  await world.journal.publish(observedName, observedText(rest));
};
