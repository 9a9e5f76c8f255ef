/** Notices when the repository's own git configuration, which all lanes and the person share, changes while agents run. */
import type { Configured, Remark, SettingsSeen } from "./observed.ts";
import { isLive, isManual } from "./schedule.ts";
import type { State } from "./state.ts";

/** Remarks that are kept: more say nothing new. */
const remarksMax = 20;

/**
 * What is known after a look at `now`. A change while no agent ran is the person's own and is taken as it is; one while
 * agents ran becomes a remark, which stays until the change is taken back.
 */
export const compareSettings = (
  before: SettingsSeen | undefined,
  configured: Configured,
  state: State,
  now: number,
): SettingsSeen => {
  if (!before) return { at: now, known: configured, remarks: [] };
  const lanes = ranSince(state, before.at);
  const changes = changesOf(before.known, configured);
  const remarked = new Map(before.remarks.map((remark) => [remark.name, remark]));
  const isTheirs = (name: string): boolean => lanes.length > 0 || remarked.has(name);
  const remarks = changes
    .filter(({ name }) => isTheirs(name))
    .map(({ name, how }): Remark => ({ lanes, at: now, ...remarked.get(name), name, how }));
  const own = changes.filter(({ name }) => !isTheirs(name)).map(({ name }) => name);
  return { at: now, known: accept(before.known, configured, own), remarks: remarks.slice(0, remarksMax) };
};

/** Lanes in which an agent ran at some time since `at`. */
const ranSince = (state: State, at: number): readonly string[] =>
  [...state.lanes.values()]
    .filter((lane) => !isManual(lane) && (isLive(lane) || (lane.run?.endedAt ?? -1) >= at))
    .map(({ id }) => id);

interface Change {
  readonly name: string;
  readonly how: Remark["how"];
}

const changesOf = (known: Configured, configured: Configured): readonly Change[] => {
  const come = Object.entries(configured).flatMap(([name, digest]): readonly Change[] => {
    if (known[name] === digest) return [];
    return [{ name, how: known[name] === undefined ? "set" : "changed" }];
  });
  const gone = Object.keys(known).filter((name) => configured[name] === undefined);
  return [...come, ...gone.map((name): Change => ({ name, how: "taken out" }))];
};

/** What is known, with the settings `names` as they are now. */
const accept = (known: Configured, configured: Configured, names: readonly string[]): Configured => {
  const kept = Object.entries(known).filter(([name]) => !names.includes(name));
  const now = Object.entries(configured).filter(([name]) => names.includes(name));
  return Object.fromEntries([...kept, ...now]);
};

/** A remark as a line for people, with what to do. */
export const remarkLine = ({ name, how, lanes }: Remark): string =>
  `${name} was ${how} while ${lanes.join(", ")} ran; not you? take it back. You? lanes engine stop`;
