/** Signals to processes that were seen: never to a later one with the same number. */
import { hasCode } from "./file.ts";
import { processRow, type ProcessRow } from "./process-table.ts";

/** Is this very process still alive? */
export const isSame = (row: ProcessRow): boolean => processRow(row.pid)?.start === row.start;

/** Signal this very process: a later one with its number is spared. One that is gone, or not ours, is passed over. */
export const signal = (row: ProcessRow, name: NodeJS.Signals): void => {
  if (!isSame(row)) return;
  try {
    process.kill(row.pid, name);
  } catch (error) {
    if (!hasCode(error, ["ESRCH", "EPERM"])) throw error;
  }
};

/** Is there a process with this number? Much cheaper than to ask which: for looks between looks. */
export const isThere = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    if (!hasCode(error, ["ESRCH", "EPERM"])) throw error;
    return hasCode(error, ["EPERM"]);
  }
};
