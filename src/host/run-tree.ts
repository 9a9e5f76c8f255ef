/** The processes of a run, wherever they went: below the agent, in its session, or carrying the run's mark. */
import type { Identity } from "../core/state.ts";
import { isAlive } from "./identity.ts";
import { processTable, startedWith } from "./process-table.ts";
import type { ProcessRow } from "./process-table.ts";
import type { Begun } from "./run-folder.ts";

/** One look for the live processes of a run. */
export type Search = () => readonly ProcessRow[];

/** The variable that marks the processes of a run; its values: `markOf`. */
const markVariable = "LANES_RUN";

/**
 * A search for the live processes of a run, without its launcher (which has to write down the end) and the launcher's
 * helpers. Never this process, what it started, or the processes of another run, even where they stand below the agent.
 * A search remembers whom it found and in which sessions: later ones find them when launcher and agent are gone.
 * `earlier`: whom another search found on this boot.
 */
export const searchOf = (
  mark: string,
  begun: Begun | undefined,
  earlier: readonly Pick<Identity, "pid" | "start">[] = [],
): Search => {
  // Session → when its leader began: a later process may lead another one of that number.
  const sessions = new Map<number, string | undefined>();
  let known = new Map(earlier.map(({ pid, start }) => [pid, start]));
  return () => {
    const rows = processTable().map((row) => ({ ...row, mark: startedWith(row.pid, markVariable) }));
    const launcher = living(begun?.launcher);
    const agent = living(begun?.agent);
    const keeper = living(begun?.keeper);
    for (const row of rows) if (sessions.has(row.pid) && sessions.get(row.pid) !== row.start) sessions.delete(row.pid);
    for (const session of sessionsOf(rows, [launcher, agent]))
      sessions.set(session, rows.find((row) => row.pid === session)?.start);
    const found = rows.filter(
      (row) => row.pid === agent || row.mark === mark || sessions.has(row.session) || known.get(row.pid) === row.start,
    );
    const tree = withDescendants(rows, found, apartFrom(rows, mark, launcher, keeper, begun?.agent?.pid));
    known = new Map(tree.map((row) => [row.pid, row.start]));
    return tree;
  };
};

interface MarkedRow extends ProcessRow {
  readonly mark: string | undefined;
}

const living = (process: Identity | undefined): number | undefined =>
  process !== undefined && isAlive(process) ? process.pid : undefined;

/**
 * Who is no part of the run, wherever it stands: we, other runs, the launcher and its helpers beside the agent. The keeper of
 * the output, and what it started, end by themselves when nobody can write to it any more.
 */
const apartFrom = (
  rows: readonly MarkedRow[],
  mark: string,
  launcher: number | undefined,
  keeper: number | undefined,
  agent: number | undefined,
): ReadonlySet<number> => {
  const isHelper = (row: ProcessRow): boolean => agent !== undefined && row.parent === launcher && row.pid !== agent;
  const isKeeper = (row: ProcessRow): boolean => keeper !== undefined && (row.pid === keeper || row.parent === keeper);
  const apart = rows.filter(
    (row) => row.pid === launcher || isKeeper(row) || isHelper(row) || (row.mark !== undefined && row.mark !== mark),
  );
  return new Set([process.pid, ...apart.map((row) => row.pid)]);
};

/** Sessions that surely are the run's: those of its live launcher and agent. A dead one's number may belong to a stranger. */
const sessionsOf = (rows: readonly ProcessRow[], pids: readonly (number | undefined)[]): readonly number[] => {
  const own = rows.find((row) => row.pid === process.pid)?.session;
  const theirs = rows.filter((row) => pids.includes(row.pid)).map((row) => row.session);
  return theirs.filter((session) => session !== own && session > 1);
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
