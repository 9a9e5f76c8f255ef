/** Help texts, examples first. Everything comes from the catalog. */
import { type Argument, type Capability, catalog, type Option } from "../core/catalog.ts";

/** Options of every verb. */
export const globalOptions: readonly Option[] = [
  { flags: "--repo <path>", about: "work in this repository instead of the current folder's" },
  { flags: "--json", about: "the answer as JSON on standard output" },
  { flags: "--plain", about: "no colours, ASCII only, nothing cut" },
  { flags: "--no-input", about: "never ask; what would be asked is refused" },
  { flags: "-q, --quiet", about: "no progress and no remarks, failures only" },
  { flags: "-v, --verbose", about: "where a failure came from" },
];

const always: readonly Option[] = [
  { flags: "-h, --help", about: "this text" },
  { flags: "--version", about: "the version" },
];

const groups: Readonly<Record<Capability["group"], string>> = {
  phases: "Phases, one after another",
  lanes: "Lanes",
  look: "Look",
  keep: "Keep house",
};

/** Help on the program: how to begin, then all verbs. */
export const generalHelp = (): string =>
  [
    "lanes: coding agents in parallel lanes of one git repository",
    "",
    "Examples:",
    ...indented([
      "lanes                                  open the control center",
      "lanes demo                             watch six lanes on a scratch repository",
      `lanes add-lane docs '{"command": "./write-docs.sh"}'`,
      "lanes exec-lane docs && lanes merge docs",
      "lanes full                             init, probes, plan, execute and merge in one go",
    ]),
    ...Object.entries(groups).flatMap(([group, title]) => [
      "",
      `${title}:`,
      ...indented(columns(catalog.filter((row) => row.group === group).map((row) => [row.id, row.title]))),
    ]),
    "",
    "Options of every verb:",
    ...indented(columns([...globalOptions, ...always].map(({ flags, about }) => [flags, about]))),
    "",
    "Exit codes: 0 done, 1 a command that was run failed, 2 conflict, 3 not usable here, 4 not allowed,",
    "  64 usage, 65 bad data, 69 a tool is missing, 70 internal, 73 cannot create, 75 try again, 130 interrupted",
    "",
    "lanes VERB --help tells more.",
    "",
  ].join("\n");

/** Help on one verb. */
export const verbHelp = (row: Capability): string =>
  [
    `${row.title}.`,
    "",
    "Examples:",
    ...indented(row.examples),
    "",
    `Usage: lanes ${[row.id, ...row.arguments.map(usageOf), "[options]"].join(" ")}`,
    ...section(
      "Arguments",
      row.arguments.map(({ name, about }) => [name, about] as const),
    ),
    ...(row.more ? section(row.more.title, row.more.rows) : []),
    ...section(
      "Options",
      row.options.map(({ flags, about }) => [flags, about] as const),
    ),
    ...section(
      "Options of every verb",
      globalOptions.map(({ flags, about }) => [flags, about] as const),
    ),
    "",
  ].join("\n");

const section = (title: string, rows: readonly (readonly [string, string])[]): readonly string[] =>
  rows.length === 0 ? [] : ["", `${title}:`, ...indented(columns(rows))];

const usageOf = ({ name, optional, many }: Argument): string => {
  const inner = `${name}${many ? "…" : ""}`;
  return optional ? `[${inner}]` : inner;
};

const indented = (lines: readonly string[]): readonly string[] => lines.map((line) => `  ${line}`);

const columns = (rows: readonly (readonly string[])[]): readonly string[] => {
  const width = Math.max(0, ...rows.map(([left = ""]) => left.length));
  return rows.map(([left = "", right = ""]) => `${left.padEnd(width + 2)}${right}`);
};
