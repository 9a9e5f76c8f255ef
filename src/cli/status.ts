/** `status`: all lanes, for people or for scripts. Loads no parser of arguments and runs no git: it has to be fast. */
import type { RepoSeen } from "../core/observed.ts";
import { type LaneRow, laneRows, overview, quietMs } from "../core/select.ts";
import { refusedAt, refusedLately, refusedLine } from "../core/refused.ts";
import { trackerOf } from "../core/tracker.ts";
import { remarkLine } from "../core/tripwire.ts";
import type { Engine } from "../engine/engine.ts";
import { ageOf, agoOf } from "./age.ts";
import { conduct } from "./conduct.ts";
import { exit, remarkOf } from "./exit.ts";
import type { Output } from "./output.ts";
import type { Moment } from "./settle.ts";
import type { Shell } from "./shell.ts";
import { type Cell, tableLines } from "./table.ts";
import { paint, type Style, styleOf } from "./terminal.ts";

/** How status is shown. */
export interface StatusOptions {
  readonly json?: boolean;
  readonly plain?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  /** Look at git first, instead of showing what the engine saw last. */
  readonly refresh?: boolean;
}

/** What status is read from: an engine, or just enough of one. */
export type StatusSource = Pick<
  Engine,
  "refresh" | "state" | "newer" | "limits" | "observed" | "look" | "refusedEdits"
>;

/** What status is written to. */
export type StatusShell = Pick<Shell, "stdout" | "stderr" | "environment" | "now">;

/** Print the state of all lanes; answers the exit code. Never rejects. */
export const printStatus = (engine: StatusSource, shell: StatusShell, options: StatusOptions = {}): Promise<number> =>
  conduct(shell, { quiet: options.quiet === true, verbose: options.verbose === true }, async (output) => {
    await showStatus(engine, shell, output, options);
    const newer = engine.newer();
    if (newer) output.say(remarkOf(newer));
    return exit.done;
  });

/** The same for a call that has its output already. */
export const showStatus = async (
  engine: StatusSource,
  shell: StatusShell,
  output: Output,
  options: StatusOptions,
): Promise<void> => {
  const state = await engine.refresh();
  const [limits, seen] = await Promise.all([engine.limits(), lookAt(engine, options.refresh === true)]);
  const moment = { state, limits, now: shell.now() };
  const refused = refusedLately(await engine.refusedEdits(), moment.now);
  if (options.json === true) {
    output.printJson(withRefused(trackerOf(state, seen, moment.now, limits), refused));
    return;
  }
  const style = styleOf(shell.stdout, shell.environment, options.plain === true);
  output.printDrawn((await statusLines(moment, seen, style, refused)).join("\n"));
};

/** The tracker's warnings, and those that only whoever reads the folder knows. */
const withRefused = (tracker: object, refused: readonly string[]): object => ({
  ...tracker,
  warnings: [
    ...("warnings" in tracker && Array.isArray(tracker.warnings) ? (tracker.warnings as readonly unknown[]) : []),
    ...refused.map((name) => ({
      at: new Date(refusedAt(name)).toISOString(),
      name: "tracker.json",
      how: "refused",
      kept: `.orchestration/rejected/${name}`,
    })),
  ],
});

const lookAt = (engine: StatusSource, isFresh: boolean): Promise<RepoSeen | undefined> =>
  isFresh ? engine.look([...engine.state().lanes.keys()]) : engine.observed();

/** Status as lines for people. */
export const statusLines = async (
  { state, now, limits }: Moment,
  seen: RepoSeen | undefined,
  style: Style,
  refused: readonly string[] = [],
): Promise<readonly string[]> => {
  const rows = laneRows(state, seen, now, limits);
  const shown = overview(state, seen);
  const sums = [
    `${shown.total} lane${shown.total === 1 ? "" : "s"}`,
    ...[`${shown.running} running`, `${shown.inQueue} in the merge queue`, `${shown.merged} merged`].filter(
      (part) => !part.startsWith("0 "),
    ),
    ...(shown.attention > 0 ? [`${shown.attention} need${shown.attention === 1 ? "s" : ""} you`] : []),
  ];
  const target = shown.target === "" ? "" : `, target ${shown.target}`;
  const head = `phase ${shown.phase} (${shown.phaseName})${target}, ${shown.percent} % done: ${sums.join(", ")}`;
  const age = seen ? `git as of ${agoOf(seen.at, now)}` : "";
  const foot = [age, shown.damaged > 0 ? `${shown.damaged} damaged lines in the log (lanes events)` : ""].filter(
    (part) => part !== "",
  );
  const warnings = [
    ...(seen?.settings?.remarks ?? []).map((remark) => `warning: ${remarkLine(remark)}`),
    ...(refused.length > 0 ? [`warning: ${refusedLine(refused)}`] : []),
  ].map((text): readonly Cell[] => [{ text, tone: "alert" }]);
  if (rows.length === 0)
    return [
      ...(await tableLines([[{ text: head }], [{ text: "no lanes yet: lanes add-lane ID JSON" }]], style)),
      ...(await tableLines(warnings, style)),
    ];
  return [
    ...(await tableLines([[{ text: head }]], style)),
    "",
    ...(await tableLines(fitting([titles, ...rows.map((row) => cellsOf(row, now, style))], style), style)),
    ...(await tableLines(warnings, style)),
    ...foot.map((line) => paint(style, "dim", line)),
  ];
};

/** Columns that are left out on a narrow terminal, so that the detail has room: below this width, these places. */
const spare: readonly (readonly [width: number, places: readonly number[]])[] = [
  [100, [2, 3]],
  [70, [4, 5]],
];

const fitting = (rows: readonly (readonly Cell[])[], { columns }: Style): readonly (readonly Cell[])[] => {
  const left = new Set(spare.flatMap(([width, places]) => (columns !== undefined && columns < width ? places : [])));
  return rows.map((row) => row.filter((_, place) => !left.has(place)));
};

const titles: readonly Cell[] = ["STATE", "LANE", "AGENT", "PRIORITY", "GIT", "SINCE", "DETAIL"].map((text) => ({
  text,
  tone: "dim",
}));

const cellsOf = (row: LaneRow, now: number, style: Style): readonly Cell[] => [
  { text: `${style.utf8 ? row.glyph : row.ascii} ${row.state}`, tone: row.tone },
  { text: row.id },
  { text: row.agent, tone: "dim" },
  { text: row.priority, tone: row.priority === "high" ? "plain" : "dim" },
  { text: gitText(row) },
  { text: ageOf(row.since, now), tone: "dim" },
  { text: quietOf(row, now), tone: row.attention || isQuiet(row, now) ? "alert" : "plain" },
];

const isQuiet = ({ heardAt }: LaneRow, now: number): boolean => heardAt !== undefined && now - heardAt >= quietMs;

/** The detail, with a mark where the agent said nothing for long. */
const quietOf = (row: LaneRow, now: number): string =>
  isQuiet(row, now)
    ? [row.detail, `said nothing for ${ageOf(row.heardAt ?? now, now)}`].filter((part) => part !== "").join("; ")
    : row.detail;

const gitText = ({ git }: LaneRow): string => {
  if (!git) return "";
  const dirty = git.dirty?.length ?? 0;
  return [`+${git.ahead}`, ...(git.behind > 0 ? [`-${git.behind}`] : []), ...(dirty > 0 ? [`*${dirty}`] : [])].join(
    " ",
  );
};
