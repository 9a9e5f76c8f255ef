/** `lanes status` on its own: built as one small file, because status bars call it every second. */
import { join } from "node:path";

import { type StatusSource, printStatus } from "../cli/status.ts";
import { isNo } from "../core/observed.ts";
import { isLed, isStranded } from "../engine/elect.ts";
import { forecastName, observedName, parseForecast, parseObserved, withForecast } from "../engine/observed.ts";
import { limitsOf } from "../engine/policy.ts";
import { replay, unfolded } from "../engine/resume.ts";
import { findLayoutFast } from "../git/layout-fast.ts";
import { isAlive, isFrozen } from "../host/identity.ts";
import { startEngine } from "../host/launcher.ts";
import { createSettings } from "../host/settings.ts";
import { createJournal } from "../journal/local.ts";
import { isTerminal, plainStream } from "./plain-stream.ts";

/** Print the state of the repository around the working directory; the exit code, or undefined where only git can tell where it is. */
export const status = async (version: string, root: string, json: boolean): Promise<number | undefined> => {
  const layout = findLayoutFast(process.cwd());
  if (!layout) return undefined;
  const [journal, settings] = [createJournal(layout), createSettings(layout, process.env)];
  let folded = unfolded();
  const loaded = await settings.load();
  const limits = limitsOf(isNo(loaded) ? {} : loaded.config);
  const source: StatusSource = {
    state: () => folded.state,
    newer: () => folded.newer,
    refresh: async () => {
      folded = await replay(journal);
      return folded.state;
    },
    limits: async () => limits,
    observed: async () =>
      withForecast(
        parseObserved(await journal.published(observedName)),
        parseForecast(await journal.published(forecastName)),
      ),
    refusedEdits: () => journal.refusedEdits(),
    look: () => Promise.reject(new Error("status without --refresh does not look at git")),
  };
  const stdout = isTerminal(1) ? process.stdout : plainStream(1);
  const shell = { stdout, stderr: plainStream(2), environment: process.env, now: Date.now };
  const code = await printStatus(source, shell, { json });
  const host = { alive: isAlive, frozen: isFrozen };
  const { state } = folded;
  const isEdited = state.initialised && !isLed(state, host, version) && (await journal.edited());
  if (!folded.newer && (isEdited || isStranded(state, host, version, Date.now(), limits))) {
    startEngine({ state: layout.state, home: layout.home }, [process.execPath, join(root, "bin", "lanes.js")]);
  }
  return code;
};

/** Print the ids of all lanes, one a line, for a shell that completes words. False where only git can tell which repository this is. */
export const laneIds = async (): Promise<boolean> => {
  const layout = findLayoutFast(process.cwd());
  if (!layout) return false;
  const { state } = await replay(createJournal(layout));
  const out = plainStream(1);
  for (const id of state.lanes.keys()) out.write(`${id}\n`);
  return true;
};
