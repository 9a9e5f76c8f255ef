/** `completion bash|zsh|fish`: scripts for shells, made from the catalog. */
import { type Argument, type Capability, catalog } from "../core/catalog.ts";
import { nearest } from "../core/parse.ts";
import { isNo } from "../core/observed.ts";
import { quote } from "../core/id.ts";
import type { Call } from "./call.ts";
import { type Answer, exit, no } from "./exit.ts";
import { globalOptions } from "./help.ts";

/** Print a script, or the words that one asks for while a person types. */
export const completion = async (call: Call): Promise<Answer> => {
  const [shell = ""] = call.words;
  if (shell === "lanes") return printLanes(call);
  const script = Object.hasOwn(scripts, shell) ? scripts[shell as keyof typeof scripts]() : undefined;
  if (script === undefined) {
    const near = nearest(shell, Object.keys(scripts));
    const hint = near === undefined ? "lanes completion takes bash, zsh or fish" : `did you mean ${near}?`;
    return no(`there is no completion for the shell ${quote(shell)}`, hint, exit.usage);
  }
  for (const line of script) call.output.print(line);
  return exit.done;
};

/** Where the short way (`main/status.ts`) does not know the repository. A shell wants words or nothing, never a complaint. */
const printLanes = async (call: Call): Promise<Answer> => {
  const engine = await call.shell.engine(call.globals.repo);
  if (isNo(engine)) return exit.done;
  for (const id of (await engine.refresh()).lanes.keys()) call.output.print(id);
  return exit.done;
};

/** What the words after a verb are. */
const wordsOf = (row: Capability): "lanes" | "files" | readonly string[] => {
  const isLane = ({ name }: Argument): boolean => name === "LANE";
  if (row.arguments.some(isLane)) return "lanes";
  return row.arguments.find(({ words }) => words)?.words ?? (row.arguments.length > 0 ? "files" : []);
};

interface Flag {
  readonly names: readonly string[];
  readonly about: string;
  /** What its value is called; undefined: it takes none. */
  readonly value: string | undefined;
  /** What its value may be, where that is one of some words. */
  readonly words?: readonly string[];
}

/** `-n, --lines <count>` → its names and its value. */
const flagsOf = (options: Capability["options"]): readonly Flag[] =>
  options.map(({ flags, about, words }) => ({
    ...(words === undefined ? {} : { words }),
    names: flags.match(/--?[\w-]+/g) ?? [],
    about,
    value: /<(\w+)>/.exec(flags)?.[1],
  }));

const always: readonly Flag[] = [
  ...flagsOf(globalOptions),
  { names: ["-h", "--help"], about: "how it is used", value: undefined },
];

const namesOf = (flags: readonly Flag[]): string => flags.flatMap(({ names }) => names).join(" ");

/** Patterns of `VERB OPTION` where the option takes a value, by what it is: `log --check` takes none, `merge --check` does. */
const valued = (wanted: (value: string) => boolean): string => {
  const isWanted = ({ value }: Flag): boolean => value !== undefined && wanted(value);
  const everywhere = always.filter(isWanted).flatMap(({ names }) => names.map((name) => `*' ${name}'`));
  const somewhere = catalog.flatMap(({ id, options }) =>
    flagsOf(options)
      .filter(isWanted)
      .flatMap(({ names }) => names.map((name) => `'${id} ${name}'`)),
  );
  return [...everywhere, ...somewhere].join("|");
};

/** `VERB OPTION` of each option whose value is one of some words, with them. */
const chosen: readonly (readonly [place: string, words: readonly string[]])[] = catalog.flatMap(({ id, options }) =>
  flagsOf(options).flatMap(({ names, words }) =>
    words === undefined ? [] : names.map((name) => [`${id} ${name}`, words] as const),
  ),
);

const isKnownValue = (value: string): boolean => ["path", "branch", "command"].includes(value);

const branches = "git for-each-ref '--format=%(refname:short)' refs/heads 2>/dev/null";
const laneIds = "lanes completion lanes 2>/dev/null";

const bash = (): readonly string[] => [
  "# Completion of lanes for bash. In ~/.bashrc: source <(lanes completion bash)",
  "_lanes_words() { local IFS=$'\\n'; COMPREPLY=($(compgen \"$@\")); }",
  "_lanes() {",
  "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} verb= i",
  "  for ((i = 1; i < COMP_CWORD; i++)); do",
  "    case ${COMP_WORDS[i]} in",
  "      --repo) ((i++)) ;;",
  "      -*) ;;",
  "      *) verb=${COMP_WORDS[i]}; break ;;",
  "    esac",
  "  done",
  "  COMPREPLY=()",
  '  case "$verb $prev" in',
  `    ${valued((value) => value === "path")}) _lanes_words -d -- "$cur"; return ;;`,
  `    ${valued((value) => value === "branch")}) _lanes_words -W "$(${branches})" -- "$cur"; return ;;`,
  `    ${valued((value) => value === "command")}) _lanes_words -c -- "$cur"; return ;;`,
  ...chosen.map(
    ([place, words]) => `    '${place}') _lanes_words -W $'${words.join(String.raw`\n`)}' -- "$cur"; return ;;`,
  ),
  `    ${valued((value) => !isKnownValue(value))}) return ;;`,
  "  esac",
  "  case $verb in",
  `    '') _lanes_words -W $'${[...catalog.map(({ id }) => id), ...namesOf(always).split(" "), "--version"].join(String.raw`\n`)}' -- "$cur" ;;`,
  ...catalog.map(bashVerb),
  "  esac",
  "}",
  "complete -F _lanes lanes",
];

const bashVerb = (row: Capability): string => {
  const words = wordsOf(row);
  const flags = namesOf([...flagsOf(row.options), ...always]).replaceAll(" ", String.raw`\n`);
  const given =
    words === "lanes" ? `-W "$(${laneIds})"` : words === "files" ? "-f" : `-W $'${words.join(String.raw`\n`)}'`;
  return `    ${row.id}) if [[ $cur == -* ]]; then _lanes_words -W $'${flags}' -- "$cur"; else _lanes_words ${given} -- "$cur"; fi ;;`;
};

const zsh = (): readonly string[] => [
  "#compdef lanes",
  "# Completion of lanes for zsh. As _lanes in a folder of $fpath, or in ~/.zshrc: source <(lanes completion zsh)",
  "_lanes() {",
  "  local verb= i",
  "  local -a found",
  "  for ((i = 2; i < CURRENT; i++)); do",
  "    case ${words[i]} in",
  "      --repo) ((i++)) ;;",
  "      -*) ;;",
  "      *) verb=${words[i]}; break ;;",
  "    esac",
  "  done",
  '  case "$verb ${words[CURRENT-1]}" in',
  `    ${valued((value) => value === "path")}) _files -/; return ;;`,
  `    ${valued((value) => value === "branch")}) found=(\${(f)"$(${branches})"}); compadd -a found; return ;;`,
  `    ${valued((value) => value === "command")}) _command_names; return ;;`,
  ...chosen.map(([place, words]) => `    '${place}') compadd -- ${words.join(" ")}; return ;;`),
  `    ${valued((value) => !isKnownValue(value))}) return ;;`,
  "  esac",
  "  if [[ ${words[CURRENT]} == -* ]]; then",
  "    case $verb in",
  ...catalog.map(
    (row) => `      ${row.id}) found=(${zshRows([...flagsOf(row.options), ...always].flatMap(flagRows))}) ;;`,
  ),
  `      *) found=(${zshRows([...always.flatMap(flagRows), ["--version", "the version"]])}) ;;`,
  "    esac",
  "    _describe -o option found; return",
  "  fi",
  "  case $verb in",
  `    '') found=(${zshRows(catalog.map(({ id, title }) => [id, title]))}); _describe verb found ;;`,
  ...catalog.map(zshVerb),
  "  esac",
  "}",
  'if [[ ${funcstack[1]} == _lanes ]]; then _lanes "$@"; else compdef _lanes lanes; fi',
];

const flagRows = ({ names, about }: Flag): readonly (readonly [string, string])[] =>
  names.map((name) => [name, about] as const);

const zshRows = (rows: readonly (readonly [string, string])[]): string =>
  rows.map(([word, about]) => single(`${word}:${about.replaceAll(":", String.raw`\:`)}`)).join(" ");

const zshVerb = (row: Capability): string => {
  const words = wordsOf(row);
  if (words === "lanes") return `    ${row.id}) found=(\${(f)"$(${laneIds})"}); compadd -a found ;;`;
  return words === "files" ? `    ${row.id}) _files ;;` : `    ${row.id}) compadd -- ${words.join(" ")} ;;`;
};

const fish = (): readonly string[] => [
  "# Completion of lanes for fish. In ~/.config/fish/completions/lanes.fish",
  "complete -c lanes -f",
  ...catalog.map(({ id, title }) => `complete -c lanes -n __fish_use_subcommand -a ${id} -d ${single(title)}`),
  ...always.map((flag) => `complete -c lanes ${fishFlag(flag)}`),
  ...catalog.flatMap((row) => {
    const condition = `-n ${single(`__fish_seen_subcommand_from ${row.id}`)}`;
    const words = wordsOf(row);
    const given =
      words === "lanes"
        ? [`complete -c lanes ${condition} -a ${single(`(${laneIds})`)}`]
        : words === "files"
          ? [`complete -c lanes ${condition} -F`]
          : words.length > 0
            ? [`complete -c lanes ${condition} -a ${single(words.join(" "))}`]
            : [];
    return [...given, ...flagsOf(row.options).map((flag) => `complete -c lanes ${condition} ${fishFlag(flag)}`)];
  }),
];

const fishFlag = ({ names, about, value, words }: Flag): string => {
  const given = names.map((name) => (name.startsWith("--") ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
  const values =
    value === undefined
      ? ""
      : value === "path"
        ? " -r -F"
        : value === "branch"
          ? ` -x -a ${single(`(${branches.replaceAll("'", '"')})`)}`
          : words === undefined
            ? " -x"
            : ` -x -a ${single(words.join(" "))}`;
  return `${given.join(" ")}${values} -d ${single(about)}`;
};

/** A word of sh, zsh and fish alike. */
const single = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;

const scripts = { bash, zsh, fish } as const;
