/** Every capability: what a person or an agent can ask for. Commands of the command line, help and keys follow from these rows. */
import type { Command, Evidence, Refusal } from "./command.ts";
import { decide, isRefusal } from "./decide.ts";
import type { State } from "./state.ts";

/** An argument in the order of the command line. */
export interface Argument {
  readonly name: string;
  readonly about: string;
  readonly optional?: boolean;
  readonly many?: boolean;
  /** The words that it may be, where these are all. */
  readonly words?: readonly string[];
}

/** An option as people write it: `--check <command>`. */
export interface Option {
  readonly flags: string;
  readonly about: string;
  /** The words that its value may be, where these are all. */
  readonly words?: readonly string[];
}

/** One capability. */
export interface Capability {
  readonly id: string;
  readonly title: string;
  readonly group: "phases" | "lanes" | "look" | "keep";
  readonly arguments: readonly Argument[];
  readonly options: readonly Option[];
  readonly examples: readonly string[];
  /** More that its help tells: a title, and rows of a name and what it is. */
  readonly more?: { readonly title: string; readonly rows: readonly (readonly [name: string, about: string])[] };
  /** Changes nothing in the log or in what follows from it, although it does not only look. */
  readonly reads?: true;
  /** The wish for one lane, for capabilities that are about lanes. */
  readonly wish?: (lane: string) => Command;
}

const lanes: readonly Argument[] = [{ name: "LANE", about: "one lane or several", many: true }];
const someLanes: readonly Argument[] = [
  { name: "LANE", about: "one lane or several; all when left out", many: true, optional: true },
];
const oneLane: readonly Argument[] = [{ name: "LANE", about: "a lane's id" }];
const detach: Option = { flags: "--detach", about: "return at once; the work goes on" };
const waiting: readonly Option[] = [
  detach,
  { flags: "--wait", about: "accepted; waiting is what it does" },
  { flags: "--until-idle", about: "accepted; waiting is what it does" },
];
const check: Option = {
  flags: "--check <command>",
  about: "run this on the merged tree instead of the configured check",
};

/** What a lane's definition may say; a test holds it against what is read. */
export const definitionKeys: readonly (readonly [key: string, about: string])[] = [
  ["name", "what people call it"],
  ["tasks", "list of what is to be done"],
  ["command", "what is run: a list of words, or a text for sh -c"],
  ["agent", "a member of the roster (agents in lanes.config.json), or manual: you work in it"],
  [
    "env",
    "names of variables of this shell that the agent gets, such as API keys; it gets no others but the usual ones",
  ],
  [
    "prompt",
    "what the agent is told: an argument of a CLI of the roster; for commands in the file that LANES_TASKS names",
  ],
  ["parallel", "false: it runs alone among those that say so"],
  ["priority", "low, normal or high"],
  ["dependsOn", "lanes whose work it builds on"],
  ["paths", "files that it is about"],
  ["acceptance", "command that has to succeed in the worktree after the agent"],
  ["check", "command that has to succeed on the merged tree"],
  ["target", "branch that it lands on"],
  ["base", "branch that it begins at"],
  ["commit", "agent (it commits itself) or auto (what it leaves is committed)"],
  ["retries", "automatic runs after one that failed"],
  ["timeoutMs", "longest time of one run"],
  ["strategy", "how it lands: merge, squash (one commit) or rebase (its commits anew)"],
  ["review", "required: nothing lands before a person approved exactly this head (lanes approve)"],
  ["rollback", "true: what a failed run changed is saved, and the next one starts from the base"],
];

/** All rows, in the order of help. */
export const catalog: readonly Capability[] = [
  {
    id: "init",
    title: "Prepare this repository",
    group: "phases",
    arguments: [],
    options: [{ flags: "--target <branch>", about: "branch that merges land on; the current one when left out" }],
    examples: ["lanes init", "lanes init --target develop"],
  },
  {
    id: "probes",
    title: "Run the configured probes in parallel lanes and land their reports",
    group: "phases",
    arguments: [{ name: "PROBE", about: "probes to run; all when left out", many: true, optional: true }],
    options: waiting,
    examples: ["lanes probes"],
  },
  {
    id: "plan",
    title: "Turn the gaps that probes found into lanes",
    group: "phases",
    arguments: [],
    options: [{ flags: "--dry-run", about: "show the plan and change nothing" }],
    examples: ["lanes plan --dry-run", "lanes plan"],
  },
  {
    id: "execute",
    title: "Run the lanes: parallel ones together, sequential ones and dependants in order",
    group: "phases",
    arguments: someLanes,
    options: waiting,
    examples: ["lanes execute", "lanes execute --detach"],
  },
  {
    id: "merge",
    title: "Land lanes on the target, each tested as merged",
    group: "phases",
    arguments: [{ name: "LANE", about: "lanes to land; all ready ones when left out", many: true, optional: true }],
    options: [
      check,
      {
        flags: "--strategy <strategy>",
        about: "merge, squash (one commit) or rebase (its commits anew)",
        words: ["merge", "squash", "rebase"],
      },
      { flags: "--override", about: "land whatever check, leases and review say; needs --why, and stays in the log" },
      { flags: "--why <text>", about: "why it is overridden" },
      { flags: "--first", about: "before all others that wait" },
      { flags: "--list", about: "show the merge queue and change nothing" },
      ...waiting,
    ],
    examples: [
      "lanes merge",
      "lanes merge docs-intro --check 'npm test'",
      "lanes merge docs-intro --strategy squash",
      "lanes merge --list",
    ],
    wish: (lane) => ({ type: "merge", lanes: [lane], evidence: new Map() }),
  },
  {
    id: "full",
    title: "init, probes, plan, execute and merge in one go",
    group: "phases",
    arguments: [],
    options: [check],
    examples: ["lanes full --check 'npm test'"],
  },
  {
    id: "add-lane",
    title: "Add a lane",
    group: "lanes",
    arguments: [
      { name: "ID", about: "letters, digits, _ and -" },
      { name: "JSON", about: "its definition; - reads standard input, @FILE a file" },
    ],
    options: [],
    examples: [
      `lanes add-lane docs '{"tasks": ["write the guide"], "command": "./write-docs.sh"}'`,
      `lanes add-lane mine '{"agent": "manual"}'`,
      `lanes add-lane api '{"command": "claude -p \\"cache the api\\"", "env": ["ANTHROPIC_API_KEY"]}'`,
    ],
    more: { title: "Keys of the definition", rows: definitionKeys },
  },
  {
    id: "exec-lane",
    title: "Run one lane and wait for it; a manual lane is prepared and its path printed",
    group: "lanes",
    arguments: lanes,
    options: waiting,
    examples: ["lanes exec-lane docs"],
  },
  {
    id: "launch",
    title: "Start lanes and return",
    group: "lanes",
    arguments: lanes,
    options: [],
    examples: ["lanes launch docs api"],
    wish: (lane) => ({ type: "launch", lanes: [lane] }),
  },
  {
    id: "stop",
    title: "End the agents of lanes; their worktrees stay as they are",
    group: "lanes",
    arguments: lanes,
    options: [detach],
    examples: ["lanes stop docs"],
    wish: (lane) => ({ type: "stop", lanes: [lane] }),
  },
  {
    id: "pause",
    title: "Let agents stand still: frozen where they are, or stopped",
    group: "lanes",
    arguments: lanes,
    options: [
      {
        flags: "--how <how>",
        about: "freeze (every process stands still; the default) or stop (the agent is ended)",
        words: ["freeze", "stop"],
      },
      detach,
    ],
    examples: ["lanes pause docs", "lanes pause docs api --how stop"],
    wish: (lane) => ({ type: "pause", lanes: [lane], how: "freeze" }),
  },
  {
    id: "resume",
    title: "Let paused lanes go on: frozen agents where they are, stopped ones in the queue",
    group: "lanes",
    arguments: lanes,
    options: [detach],
    examples: ["lanes resume docs"],
    wish: (lane) => ({ type: "resume", lanes: [lane] }),
  },
  {
    id: "retry",
    title: "Run lanes again that failed, were lost or brought nothing",
    group: "lanes",
    arguments: lanes,
    options: [],
    examples: ["lanes retry docs"],
    wish: (lane) => ({ type: "retry", lanes: [lane] }),
  },
  {
    id: "cancel",
    title: "Give lanes up; what they hold stays until cleanup",
    group: "lanes",
    arguments: lanes,
    options: [detach],
    examples: ["lanes cancel docs"],
    wish: (lane) => ({ type: "cancel", lanes: [lane] }),
  },
  {
    id: "approve",
    title: "Let lanes land exactly as they are now; a new commit needs a new approval",
    group: "lanes",
    arguments: lanes,
    options: [{ flags: "--head <commit>", about: "only this commit, as it was looked at; of one lane" }],
    examples: ["lanes approve docs && lanes merge docs", "lanes approve docs --head 3f2a91c"],
    wish: (lane) => ({ type: "approve", lanes: [lane], heads: new Map() }),
  },
  {
    id: "resolve",
    title: "Put a lane's conflict with the target into its worktree, to be resolved there",
    group: "lanes",
    arguments: oneLane,
    options: [{ flags: "--abort", about: "take it out again: the worktree is as it was" }],
    examples: ["lanes resolve docs", "lanes resolve docs --abort"],
  },
  {
    id: "handoff",
    title: "Give lanes back to their agents, with a note on what is to be done",
    group: "lanes",
    arguments: lanes,
    options: [{ flags: "--note <text>", about: "what the agent is told; what was wrong with the merge when left out" }],
    examples: ["lanes handoff docs", "lanes handoff docs --note 'keep both headings'"],
    wish: (lane) => ({ type: "handoff", lanes: [lane] }),
  },
  {
    id: "undo",
    title: "Take a landing off the target again; the lane can be merged anew later",
    group: "lanes",
    arguments: [
      { name: "LANE", about: "the lane, or the merge commit; what landed last when left out", optional: true },
    ],
    options: [
      { flags: "--dry-run", about: "show what would happen, and which landed lanes build on it" },
      { flags: "--yes", about: "do not ask" },
      { flags: "--check <command>", about: "run this on the target without it instead of the configured check" },
      detach,
    ],
    examples: ["lanes undo --dry-run", "lanes undo docs", "lanes undo 3f2a91c --yes"],
    wish: (lane) => ({ type: "undo", lanes: [lane] }),
  },
  {
    id: "stop-all",
    title: "End all agents safely",
    group: "lanes",
    arguments: [],
    options: [detach],
    examples: ["lanes stop-all"],
  },
  {
    id: "status",
    title: "Show all lanes",
    group: "look",
    arguments: [],
    options: [{ flags: "--refresh", about: "look at git first" }],
    examples: ["lanes status", "lanes status --json | jq .lanes"],
  },
  {
    id: "monitor",
    title: "Open the control center, or print changes as plain lines when there is no terminal",
    group: "look",
    arguments: [],
    options: [{ flags: "--until-idle", about: "end when nothing is under way any more" }],
    examples: ["lanes monitor", "lanes monitor | tee lanes.txt"],
  },
  {
    id: "log",
    title: "Show what a lane's agent printed",
    group: "look",
    arguments: oneLane,
    options: [
      { flags: "-f, --follow", about: "go on as it prints" },
      { flags: "--check", about: "the output of the lane's last check instead" },
      { flags: "-n, --lines <count>", about: "last lines only" },
    ],
    examples: ["lanes log docs --follow"],
  },
  {
    id: "why",
    title: "Say in one line what a lane waits for",
    group: "look",
    arguments: lanes,
    options: [],
    examples: ["lanes why docs"],
  },
  {
    id: "conflicts",
    title: "Show which lanes would not merge with the target or with each other, uncommitted work included",
    group: "look",
    arguments: [{ name: "LANE", about: "only pairs of this lane, or of target; all when left out", optional: true }],
    options: [{ flags: "--refresh", about: "compare now, instead of showing what the engine found last" }],
    examples: ["lanes conflicts", "lanes conflicts docs", "lanes conflicts --json | jq .pairs"],
  },
  {
    id: "events",
    title: "Show the journal",
    group: "look",
    arguments: [],
    options: [
      { flags: "-f, --follow", about: "go on as records arrive" },
      { flags: "--since <position>", about: "only records after this position" },
    ],
    examples: ["lanes events", "lanes events --json --follow"],
  },
  {
    id: "lock",
    title: "See, take, renew, give back or break leases of paths",
    group: "keep",
    arguments: [
      {
        name: "ACTION",
        about: "list, check, acquire, renew, release or break; list when left out",
        optional: true,
        words: ["list", "check", "acquire", "renew", "release", "break"],
      },
      { name: "LANE", about: "whose lease; break takes the number of a claim", optional: true },
      {
        name: "GLOB",
        about:
          "paths to lease, or @NAME for a resource; release takes the number of a claim, check paths, or - for a list of them that ends each with NUL",
        optional: true,
        many: true,
      },
    ],
    options: [
      { flags: "--shared", about: "others may share it, nobody may have it alone" },
      { flags: "--ttl <time>", about: "how long it holds without a sign of life: 90s, 30m, 2h; 30m when left out" },
      { flags: "--token <token>", about: "renew: only the lease that was granted with this token" },
      { flags: "--why <text>", about: "break: the reason, which stays in the journal" },
    ],
    examples: [
      "lanes lock list",
      "lanes lock check docs src/a.ts",
      "lanes lock acquire docs 'docs/**' --ttl 2h",
      "lanes lock release docs",
      "lanes lock break 12 --why 'its agent hangs'",
    ],
  },
  {
    id: "tracker",
    title: "Read the tracker, set fields of it, or gather what a bug report needs",
    group: "keep",
    arguments: [
      {
        name: "ACTION",
        about: "get, patch or export; get when left out",
        optional: true,
        words: ["get", "patch", "export"],
      },
      { name: "JSON", about: "the fields to set; - reads standard input, @FILE a file", optional: true },
    ],
    options: [{ flags: "--id <id>", about: "with the same id again the patch takes effect once" }],
    examples: [
      "lanes tracker get | jq .lanes",
      `lanes tracker patch '{"lanes": {"docs": {"progress": "50% complete"}}}'`,
      "lanes tracker export > bundle.json",
    ],
  },
  {
    id: "engine",
    title: "Start, stop or look at the process that carries lanes out",
    group: "keep",
    arguments: [
      {
        name: "ACTION",
        about: "status, start, stop or run",
        optional: true,
        words: ["status", "start", "stop", "run"],
      },
    ],
    options: [],
    examples: ["lanes engine status", "lanes engine stop"],
  },
  {
    id: "doctor",
    title: "Look for faults of this machine and repository; each with what, where and one command that mends it",
    group: "keep",
    arguments: [],
    options: [{ flags: "--fix", about: "make the repairs that are safe: no work is lost, twice does no harm" }],
    examples: ["lanes doctor", "lanes doctor --fix"],
  },
  {
    id: "cleanup",
    title: "Remove worktrees of merged and cancelled lanes that are clean; say what stays",
    group: "keep",
    arguments: [],
    options: [{ flags: "--dry-run", about: "say what would be removed" }],
    examples: ["lanes cleanup --dry-run", "lanes cleanup"],
    wish: (lane) => ({ type: "remove", lanes: [lane] }),
  },
  {
    id: "remove",
    title: "Keep everything that is in lanes, then take their worktrees and branches away; asks first",
    group: "keep",
    arguments: lanes,
    options: [{ flags: "--yes", about: "do not ask" }],
    examples: ["lanes remove docs", "lanes remove docs api --yes"],
    wish: (lane) => ({ type: "remove", lanes: [lane], save: true }),
  },
  {
    id: "restore",
    title: "Bring a lane back as it was kept: branch, worktree, what was staged, edited and new",
    group: "keep",
    arguments: [
      ...oneLane,
      {
        name: "N",
        about: "which of the kept ones, as lanes trash counts them; the newest when left out",
        optional: true,
      },
    ],
    options: [],
    examples: ["lanes restore docs", "lanes restore docs 2"],
    wish: (lane) => ({ type: "restore", lane }),
  },
  {
    id: "trash",
    title: "Show what is kept of lanes that were removed",
    group: "keep",
    reads: true,
    arguments: [{ name: "LANE", about: "only of this lane", optional: true }],
    options: [],
    examples: ["lanes trash", "lanes trash --json | jq '.kept[].ref'"],
  },
  {
    id: "repair",
    title: "Show what is not as the log says, and make everything that follows from the log anew",
    group: "keep",
    arguments: [],
    options: [{ flags: "--dry-run", about: "only show it" }],
    examples: ["lanes repair --dry-run", "lanes repair"],
  },
  {
    id: "reset",
    title: "End all runs, archive the records and begin anew; work that is not merged stays",
    group: "keep",
    arguments: [],
    options: [{ flags: "--yes", about: "do not ask" }],
    examples: ["lanes reset --yes"],
  },
  {
    id: "config",
    title: "Show the settings that hold here",
    group: "keep",
    arguments: [],
    options: [
      { flags: "--explain", about: "say which file, variable or option each comes from" },
      check,
      { flags: "--target <branch>", about: "as if a verb were given this branch" },
    ],
    examples: ["lanes config", "lanes config --explain"],
  },
  {
    id: "completion",
    title: "Print what makes a shell complete verbs, options and lane ids",
    group: "keep",
    arguments: [{ name: "SHELL", about: "bash, zsh or fish", words: ["bash", "zsh", "fish"] }],
    options: [],
    examples: ["lanes completion bash", "lanes completion zsh", "lanes completion fish"],
  },
  {
    id: "trust",
    title: "Show the commands of lanes.config.json and allow them",
    group: "keep",
    reads: true,
    arguments: [],
    options: [{ flags: "--yes", about: "do not ask" }],
    examples: ["lanes trust"],
  },
  {
    id: "demo",
    title: "Watch six lanes on a scratch repository, from a wish to merged",
    group: "look",
    arguments: [],
    options: [],
    examples: ["lanes demo"],
  },
];

/** The row of a capability. */
export const capability = (id: string): Capability | undefined => catalog.find((row) => row.id === id);

/** What git may show of a lane when nobody has looked. */
const hoped: Evidence = { head: "", ahead: 1, dirty: [] };

const supposing = (wish: Command, lane: string): Command => {
  if (wish.type === "merge") return { ...wish, evidence: new Map([[lane, hoped]]) };
  return wish.type === "approve" ? { ...wish, heads: new Map([[lane, "hoped"]]) } : wish;
};

/** Why a capability cannot be used on this lane now; undefined when it can. */
export const whyNot = (state: State, row: Capability, lane: string): Refusal | undefined => {
  if (!row.wish) return undefined;
  const wish = row.wish(lane);
  const answer = decide(state, supposing(wish, lane));
  return isRefusal(answer) ? answer : undefined;
};
