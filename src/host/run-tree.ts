/** The processes of a run, wherever they went: below the agent, in its session, or carrying the run's mark. */
import type { Identity } from "../core/state.ts";
import { isAlive } from "./identity.ts";
import { processTable, startedWith } from "./process-table.ts";
import type { ProcessRow } from "./process-table.ts";
import type { Begun } from "./run-folder.ts";

/** The variable that marks the processes of a run; its values: `markOf`. */
export const markVariable = "LANES_RUN";

/**
 * The live processes of a run, without its launcher (which has to write down the end) and the launcher's helpers.
 * Never this process, what it started, or the processes of another run, even where they stand below the agent.
 */
export const runTree = (mark: string, begun: Begun | undefined): readonly ProcessRow[] => {
  const rows = processTable().map((row) => ({ ...row, mark: startedWith(row.pid, markVariable) }));
  const launcher = living(begun?.launcher);
  const agent = living(begun?.agent);
  const apart = new Set([process.pid]);
  for (const row of rows) if (row.mark !== undefined && row.mark !== mark) apart.add(row.pid);
  if (launcher !== undefined) apart.add(launcher);
  // The launcher's children beside the agent are those with which it writes down the end.
  if (launcher !== undefined && begun?.agent !== undefined)
    for (const row of rows) if (row.parent === launcher && row.pid !== begun.agent.pid) apart.add(row.pid);
  const sessions = sessionsOf(rows, [launcher, agent]);
  const found = rows.filter((row) => row.pid === agent || row.mark === mark || sessions.has(row.session));
  return withDescendants(rows, found, apart);
};

const living = (process: Identity | undefined): number | undefined =>
  process !== undefined && isAlive(process) ? process.pid : undefined;

/** Sessions that surely are the run's: those of its live launcher and agent. A dead one's number may belong to a stranger. */
const sessionsOf = (rows: readonly ProcessRow[], pids: readonly (number | undefined)[]): ReadonlySet<number> => {
  const own = rows.find((row) => row.pid === process.pid)?.session;
  const theirs = rows.filter((row) => pids.includes(row.pid)).map((row) => row.session);
  return new Set(theirs.filter((session) => session !== own && session > 1));
};

/** `found` and everything below, leaving out those who are apart and what hangs below them alone. */
const withDescendants = (
  rows: readonly ProcessRow[],
  found: readonly ProcessRow[],
  apart: ReadonlySet<number>,
): readonly ProcessRow[] => {
  const children = new Map<number, ProcessRow[]>();
  for (const row of rows) children.set(row.parent, [...(children.get(row.parent) ?? []), row]);
  const tree = new Map<number, ProcessRow>();
  const open = [...found];
  for (let row = open.pop(); row !== undefined; row = open.pop()) {
    if (apart.has(row.pid) || tree.has(row.pid)) continue;
    tree.set(row.pid, row);
    open.push(...(children.get(row.pid) ?? []));
  }
  return [...tree.values()];
};
