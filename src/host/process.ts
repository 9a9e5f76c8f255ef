/** The host driver for detached process trees: every run in its own session, under a small sh launcher. */
import { join } from "node:path";

import type { Host } from "../port.ts";
import { lendEnvironment, lentFor, lentValues } from "./environment.ts";
import { writeWhole } from "./file.ts";
import { writeHooks } from "./hook.ts";
import { isAlive, isFrozen, ownIdentity } from "./identity.ts";
import { freezeRun, thawRun } from "./freeze.ts";
import { startEngine, startRun } from "./launcher.ts";
import { readOutput, readTail } from "./output.ts";
import { checkedName } from "./run-folder.ts";
import type { RunArea } from "./run-folder.ts";
import { roomAt } from "./room.ts";
import { seeRun } from "./seen.ts";
import { stopRun } from "./stop.ts";
import { announceViewer, liveViewers } from "./viewer.ts";
import { watchRuns } from "./watch.ts";

/** What the driver needs to know about the repository and the program. */
export interface HostPlace extends RunArea {
  /** Argv that starts this program: `[node, bin/lanes.js]`. */
  readonly entry: readonly string[];
  /** Argv of the sh that runs the launcher; `/bin/sh` when absent. */
  readonly shell?: readonly string[];
  /** Told the values that are lent to a run, before it starts: what must never stand in a log. */
  readonly lends?: (values: readonly string[]) => void;
}

/** The host for one repository. Names of runs and lanes come checked: a bad one throws. */
export const createHost = (place: HostPlace): Host => ({
  self: ownIdentity,
  alive: isAlive,
  frozen: isFrozen,
  room: () => roomAt(place.home),
  start: async (spec) => {
    if (spec.lent !== undefined) place.lends?.(lentValues(place, spec.lent));
    if (spec.isLane) writeHooks(place, place.entry);
    await startRun(place, place.shell ?? ["/bin/sh"], spec);
  },
  seen: (run) => seeRun(place, run),
  stop: (run, graceMs) => stopRun(place, run, graceMs),
  freeze: (run) => freezeRun(place, run),
  thaw: (run) => thawRun(place, run),
  tail: async (run, bytes) => readTail(place, run, bytes),
  output: async (run, from) => readOutput(place, run, from),
  lend: async (lane, names) => {
    place.lends?.(names.flatMap((name) => process.env[name] ?? []));
    return lendEnvironment(place, lane, names, process.env);
  },
  lent: (lane) => lentFor(place, lane),
  brief: async (run, text) => {
    const path = join(place.state, "briefs", `${checkedName(run)}.json`);
    writeWhole(path, text);
    return path;
  },
  place: async (run, files) => {
    for (const { name, text } of files) writeWhole(join(placeOf(place, run), checkedFile(name)), text);
  },
  placeOf: (run) => placeOf(place, run),
  watch: (changed, run) => watchRuns(place, changed, run),
  spawnEngine: () => startEngine(place, place.entry),
  announce: () => announceViewer(place),
  announced: () => liveViewers(place),
});

const placeOf = ({ state }: RunArea, run: string): string => join(state, "briefs", checkedName(run));

/** One path segment, by its adapter: a bad one throws. */
const checkedFile = (name: string): string => {
  if (!/^[a-z][a-z-]*\.(?:json|md)$/.test(name)) throw new Error(`not a file's name: ${JSON.stringify(name)}`);
  return name;
};
