/** A view and its filters → the rows that each pane lists. */
import type { AgentRow, BranchRow, LaneRow, LockRow } from "../core/select.ts";
import type { View } from "../store/view.ts";
import type { PaneName } from "./layout.ts";

/** A row of any pane: how it is told apart, the lane that it is about, and what a filter looks at. */
export interface Item {
  readonly key: string;
  readonly lane: string | undefined;
  readonly needy: boolean;
  /** The claim on paths that it shows. */
  readonly claim?: { readonly id: number; readonly what: string; readonly holder: string };
}

/** The rows of each pane, filtered, and what they are called. */
export interface Lists {
  readonly lanes: readonly LaneRow[];
  readonly agents: readonly AgentRow[];
  readonly locks: readonly LockRow[];
  readonly branches: readonly BranchRow[];
  readonly items: Readonly<Record<PaneName, readonly Item[]>>;
}

/** What is looked for in each pane; empty for everything. */
export type Filters = Readonly<Record<PaneName, string>>;

/** The rows that pass the filters. */
export const listsOf = (view: Pick<View, PaneName>, filters: Filters): Lists => {
  const lanes = passing(view.lanes, filters.lanes, (row) => [row.id, row.name, row.state, row.agent, row.detail]);
  const agents = passing(view.agents, filters.agents, (row) => [row.name, row.lane, row.status, row.source]);
  const locks = passing(view.locks, filters.locks, (row) => [row.kind, row.what, row.holder]);
  const branches = passing(view.branches, filters.branches, (row) => [row.name, row.subject, row.lane?.state ?? ""]);
  return {
    lanes,
    agents,
    locks,
    branches,
    items: {
      lanes: lanes.map((row) => ({ key: row.id, lane: row.id, needy: row.attention })),
      agents: agents.map((row) => ({
        key: `${row.lane} ${row.name}`,
        lane: row.lane,
        needy: row.status === "blocked",
      })),
      locks: locks.map((row) => ({
        key: `${row.kind} ${row.what}`,
        lane: row.lane,
        needy: false,
        ...(row.claim === undefined ? {} : { claim: { id: row.claim, what: row.what, holder: row.holder } }),
      })),
      branches: branches.map((row) => ({ key: row.name, lane: row.lane?.id, needy: row.lane?.attention ?? false })),
    },
  };
};

/** Every word has to occur; `!word` must not. Letter case does not count. */
const passing = <T>(rows: readonly T[], filter: string, texts: (row: T) => readonly string[]): readonly T[] => {
  const words = filter
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "" && word !== "!");
  if (words.length === 0) return rows;
  return rows.filter((row) => {
    const text = texts(row).join("\n").toLowerCase();
    return words.every((word) => (word.startsWith("!") ? !text.includes(word.slice(1)) : text.includes(word)));
  });
};
