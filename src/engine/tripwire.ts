/** The engine's memory of the repository's configuration; `observed.json` hands it on to the next engine. */
import type { RepoSeen, SettingsSeen } from "../core/observed.ts";
import type { State } from "../core/state.ts";
import { compareSettings, remarkLine } from "../core/tripwire.ts";
import type { World } from "../port.ts";
import { observedName, observedText, parseObserved } from "./observed.ts";

/** A look with what is to be said about the configuration in it. */
export type Tripwire = (seen: RepoSeen | undefined, state: State) => Promise<RepoSeen | undefined>;

/** A tripwire that goes on from what the engine before it knew; else from what is there now, before an agent is started that could change it. */
export const createTripwire = async (world: World, atFirst: State): Promise<Tripwire> => {
  const first = (await settingsBefore(world)) ?? (await settingsNow(world, atFirst));
  let last: RepoSeen | undefined;
  return async (seen, state) => {
    if (!seen?.configured || seen.at === last?.at) return last ?? seen;
    const before = last?.settings ?? first;
    const settings = compareSettings(before, seen.configured, state, seen.at);
    const old = new Set(before?.remarks.map(({ name }) => name));
    for (const remark of settings.remarks)
      if (!old.has(remark.name)) world.log.warn("noticed", { what: remarkLine(remark) });
    last = { ...seen, settings };
    return last;
  };
};

const settingsBefore = async (world: World): Promise<SettingsSeen | undefined> =>
  parseObserved(await world.journal.published(observedName))?.settings;

const settingsNow = async (world: World, state: State): Promise<SettingsSeen | undefined> => {
  if (state.target === undefined) return undefined;
  // Why a look fails is told by the next one, a moment later.
  const seen = await world.git.observe({ target: state.target, status: [] }).catch(() => undefined);
  return seen?.configured && compareSettings(undefined, seen.configured, state, seen.at);
};

/** A person knows: what was noticed is forgotten, and the next engine takes the configuration as it is. */
export const forgetSettings = async (world: World): Promise<void> => {
  const seen = parseObserved(await world.journal.published(observedName));
  if (!seen?.settings) return;
  const { settings: _settings, ...rest } = seen;
  await world.journal.publish(observedName, observedText(rest));
};
