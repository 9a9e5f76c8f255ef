/** `repair`: everything that follows from the log made anew, after its difference from what is there was shown. */
import { isNo } from "../core/observed.ts";
import type { Difference } from "../core/difference.ts";
import type { Engine } from "../engine/engine.ts";
import type { Projection, Survey, VoidLine } from "../engine/repair.ts";
import { type Call, flagOf } from "./call.ts";
import { type Answer, exit } from "./exit.ts";
import { count, type Report, tell } from "./report.ts";

/** Rows of one kind that people are shown; `--json` has them all. */
const rowsMax = 20;
/** Rows that `--json` has at most. */
const jsonRowsMax = 10_000;

/** Show what is wrong; without `--dry-run` write everything anew. */
export const repair = async (call: Call, engine: Engine): Promise<Answer> => {
  const found = await engine.survey();
  if (isNo(found)) return found;
  if (found.state.position === 0)
    return tell(call, {
      code: exit.done,
      lines: ["nothing to repair: there are no records"],
      json: jsonOf(found, true),
    });
  const isDry = flagOf(call, "dryRun");
  if (!isDry) await found.write();
  return tell(call, reportOf(found, isDry));
};

const reportOf = (found: Survey, isDry: boolean): Report => {
  const { effective, void: voided, damaged } = found.state.counts;
  const of = (kind: VoidLine["kind"]): readonly VoidLine[] => found.lines.filter((line) => line.kind === kind);
  return {
    code: exit.done,
    lines: [
      `event-log.jsonl: ${count(found.state.position, "line")}, ${effective} in effect, ${voided} void, ${damaged} damaged`,
      ...cut(of("damaged").map(lineText), "damaged lines"),
      ...cut(of("void").map(lineText), "void lines"),
      ...found.projections.flatMap((projection) => projectionLines(projection, isDry)),
    ],
    json: jsonOf(found, isDry),
  };
};

const lineText = ({ position, byte, kind, why }: VoidLine): string =>
  `  ${position} at byte ${byte} is ${kind}: ${why}`;

const cut = (rows: readonly string[], what: string): readonly string[] =>
  rows.length <= rowsMax
    ? rows
    : [...rows.slice(0, rowsMax), `  and ${rows.length - rowsMax} more ${what}: --json shows them`];

const projectionLines = ({ name, found, differences }: Projection, isDry: boolean): readonly string[] => [
  `${name}: ${says[found]}${isDry || found === "same" ? "" : "; written anew"}`,
  ...cut(differences.map(differenceText), "fields"),
];

const says: Readonly<Record<Projection["found"], string>> = {
  same: "as the log says",
  different: "not as the log says",
  absent: "not there",
  unreadable: "holds nothing that can be read",
};

const differenceText = ({ field, was, is }: Difference): string => `  ${field}: ${short(was)}, by the log ${short(is)}`;

/** Longest value that is shown whole. */
const shownMax = 60;

const short = (value: unknown): string => {
  const text = value === undefined ? "nothing" : JSON.stringify(value);
  return text.length <= shownMax ? text : `${text.slice(0, shownMax - 1)}…`;
};

const jsonOf = ({ state, lines, projections }: Survey, isDry: boolean): object => ({
  dryRun: isDry,
  log: { lines: state.position, ...state.counts },
  lines: lines.slice(0, jsonRowsMax),
  projections: projections.map(({ differences, ...of }) => ({
    ...of,
    differences: differences
      .slice(0, jsonRowsMax)
      .map(({ field, was, is }) => ({ field, was: was ?? null, is: is ?? null })),
  })),
});
