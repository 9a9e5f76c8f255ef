/** What can be seen of a run: its folder against the process table. */
import { constants } from "node:os";

import type { RunSeen } from "../core/observed.ts";
import { isAlive } from "./identity.ts";
import { processRow } from "./process-table.ts";
import { ageOf, folderOf, markOf, readEnded, readRunFolder } from "./run-folder.ts";
import type { Begun, Ended, RunArea } from "./run-folder.ts";
import { searchOf } from "./run-tree.ts";

/** A launcher that has not written its start file after so long will not write it any more. */
const startMsMax = 5000;

/** One look at a run. `process` is the agent itself: the number that `ps` shows for it, and what a person may kill. */
export const seeRun = (area: RunArea, run: string): RunSeen => {
  const path = folderOf(area, run);
  const folder = readRunFolder(path);
  if (folder === undefined) return { is: "absent" };
  const { begun, ended, ageMs } = folder;
  if (ended !== undefined) return exited(ended, begun);
  if (begun === undefined && Math.abs(ageMs) < startMsMax) return { is: "starting", ageMs: Math.max(0, ageMs) };
  if (begun !== undefined && isAlive(begun.launcher)) {
    return { is: "alive", ...whoAndWhen(begun), ageMs: ageOf(begun), ...(isStopped(begun) ? { frozen: true } : {}) };
  }
  // It may have ended properly between the two looks.
  const late = readEnded(path);
  if (late !== undefined) return exited(late, begun);
  const survivors = searchOf(markOf(area, run), begun)().map((row) => row.pid);
  return { is: "vanished", ...(begun && { ...whoAndWhen(begun), ageMs: ageOf(begun) }), survivors };
};

const isStopped = ({ agent }: Begun): boolean => {
  const row = agent && processRow(agent.pid);
  return row?.stopped === true && row.start === agent?.start;
};

const whoAndWhen = (begun: Begun): Pick<Extract<RunSeen, { is: "alive" }>, "process" | "startedAt"> => ({
  process: begun.agent ?? begun.launcher,
  startedAt: begun.startedAt,
});

const exited = (ended: Ended, begun: Begun | undefined): RunSeen => {
  const signal = signalIn(ended.code);
  const { code, endedAt, ranMs } = ended;
  return { is: "exited", ...whoAndWhen(begun ?? ended), code, ...(signal && { signal }), endedAt, ranMs };
};

/** A shell reports signal n as 128 + n. A program that ends with such a code by itself looks the same. */
const signalIn = (code: number): string | undefined =>
  Object.entries(constants.signals).find(([, number]) => number === code - 128)?.[0];
