/** Hostile repositories: settings and files that name a program, each of which writes its name into a marker file when it runs. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Ended, From, Place } from "./place.ts";

/** A way to have a program run by whoever uses git here. */
export interface Trap {
  /** Set it up in the checkout; `program` is the absolute path of an executable without a space. */
  readonly plant: (place: Place, program: string) => void;
  /** Plain git that springs it, run in the checkout; empty where that takes a terminal. */
  readonly sprung: readonly string[];
  /** Shell words of the lane's agent that set it up in its own worktree. */
  readonly agent?: (place: Place, program: string) => string;
}

const setting =
  (...pairs: readonly (readonly [key: string, value: (program: string) => string])[]): Trap["plant"] =>
  ({ git, top }, program) => {
    for (const [key, value] of pairs) git(top, "config", key, value(program));
  };

const itself = (program: string): string => program;

const hookNames = "post-index-change reference-transaction post-checkout pre-commit commit-msg post-commit pre-push";

const plantHooks = (folder: string, program: string): void => {
  mkdirSync(folder, { recursive: true });
  for (const name of hookNames.split(" "))
    writeFileSync(join(folder, name), `#!/bin/sh\nexec ${program}\n`, { mode: 0o755 });
};

const attributes =
  (text: string): Trap["plant"] =>
  // Not committed: attributes of this file hold in every worktree.
  ({ write }) =>
    void write(".git/info/attributes", `${text}\n`);

const both =
  (...plants: readonly Trap["plant"][]): Trap["plant"] =>
  (place, program) => {
    for (const plant of plants) plant(place, program);
  };

/** Every trap by name. */
export const traps: Readonly<Record<string, Trap>> = {
  monitor: { plant: setting(["core.fsmonitor", itself]), sprung: ["status"] },
  "hooks-path": {
    plant: (place, program) => {
      plantHooks(join(place.home, "hooks"), program);
      place.git(place.top, "config", "core.hooksPath", join(place.home, "hooks"));
    },
    sprung: ["commit", "--allow-empty", "-m", "x"],
  },
  hooks: {
    plant: ({ top }, program) => plantHooks(join(top, ".git", "hooks"), program),
    sprung: ["commit", "--allow-empty", "-m", "x"],
  },
  filter: {
    plant: both(attributes("* filter=f"), setting(["filter.f.clean", itself], ["filter.f.smudge", itself])),
    sprung: ["add", "--renormalize", "."],
  },
  "filter-process": {
    plant: both(attributes("* filter=p"), setting(["filter.p.process", itself])),
    sprung: ["add", "--renormalize", "."],
  },
  "text-conversion": {
    plant: both(attributes("* diff=t"), setting(["diff.t.textconv", itself])),
    sprung: ["show"],
  },
  "diff-driver": {
    plant: both(attributes("* diff=c"), setting(["diff.c.command", itself])),
    sprung: ["diff", "HEAD~1"],
  },
  "external-diff": { plant: setting(["diff.external", itself]), sprung: ["diff", "HEAD~1"] },
  "merge-driver": {
    plant: both(attributes("* merge=m"), setting(["merge.m.driver", itself])),
    sprung: ["merge-tree", "--write-tree", "left", "right"],
  },
  pager: { plant: setting(["core.pager", itself], ["pager.status", itself]), sprung: [] },
  transport: {
    plant: setting(["core.sshCommand", itself], ["remote.origin.url", () => "ssh://nowhere.invalid/x"]),
    sprung: ["fetch"],
  },
  "credential-helper": {
    plant: setting(["credential.helper", (program) => `!${program}`]),
    sprung: ["credential", "fill"],
  },
  signer: {
    plant: setting(["gpg.program", itself], ["commit.gpgSign", () => "true"], ["log.showSignature", () => "true"]),
    sprung: ["commit", "--allow-empty", "-m", "x"],
  },
  editor: {
    plant: setting(["core.editor", itself], ["sequence.editor", itself]),
    sprung: ["commit", "--allow-empty"],
  },
  alias: { plant: setting(["alias.st", (program) => `!${program}`]), sprung: ["st"] },
  included: {
    plant: (place, program) => {
      writeFileSync(join(place.home, "included"), `[core]\n\tfsmonitor = ${program}\n`);
      place.git(place.top, "config", "include.path", join(place.home, "included"));
    },
    sprung: ["status"],
  },
  "worktree-configuration": {
    plant: setting(["extensions.worktreeConfig", () => "true"]),
    agent: ({ top }, program) =>
      `printf '[core]\\n\\tfsmonitor = ${program}\\n\\tworktree = /etc\\n' > ${top}/.git/worktrees/one/config.worktree`,
    sprung: ["-C", ".worktrees/one", "status"],
  },
  "swapped-git-file": {
    plant: (place, program) => {
      place.git(place.home, "init", "-q", "fake");
      place.git(join(place.home, "fake"), "config", "core.fsmonitor", program);
    },
    agent: ({ home }) => `echo 'gitdir: ${home}/fake/.git' > .git`,
    sprung: ["-C", ".worktrees/one", "status"],
  },
  "embedded-repository": {
    plant: (place, program) => {
      place.git(place.top, "init", "-q", "--bare", "nested");
      place.git(join(place.top, "nested"), "config", "core.bare", "false");
      place.git(join(place.top, "nested"), "config", "core.worktree", place.top);
      place.git(join(place.top, "nested"), "config", "core.fsmonitor", program);
    },
    sprung: ["-C", "nested", "status"],
  },
};

/** A planted repository, with two branches that have to be merged in their contents. */
export interface Planted {
  readonly place: Place;
  /** Names of the traps that went off so far. */
  readonly ran: () => readonly string[];
  /** Shell words of the agent. */
  readonly agent: string;
}

/** Set the named traps up. */
export const planted = (place: Place, names: readonly string[]): Planted => {
  branches(place);
  const marker = join(place.home, "ran");
  const agents = names.map((name) => {
    const program = join(place.home, `trap-${name}`);
    writeFileSync(program, `#!/bin/sh\necho ${name} >> ${marker}\ncase ${name} in filter*) cat;; esac\n`, {
      mode: 0o755,
    });
    const trap = traps[name];
    trap?.plant(place, program);
    return trap?.agent?.(place, program) ?? "";
  });
  return {
    place,
    ran: () => [...new Set(existsSync(marker) ? readFileSync(marker, "utf8").trim().split("\n") : [])].toSorted(),
    agent: ["sed -i s/two/one-two/ lines.txt", ...agents].filter((words) => words !== "").join("; "),
  };
};

const branches = ({ git, top, write }: Place): void => {
  const commit = (text: string, message: string): void => {
    write("lines.txt", text);
    git(top, "add", "lines.txt");
    git(top, "commit", "-qm", message);
  };
  commit("1\ntwo\n3\n4\n5\nsix\n7\n", "lines");
  for (const [name, text] of [
    ["left", "1\ntwo!\n3\n4\n5\nsix\n7\n"],
    ["right", "1\ntwo\n3\n4\n5\nsix!\n7\n"],
  ] as const) {
    git(top, "switch", "-q", "--create", name, "main");
    commit(text, name);
  }
  git(top, "switch", "-q", "main");
};

/** Every verb that does something here, in an order in which each has something to do. `agent`: shell words without git. */
export const verbs = (agent: string): readonly (readonly string[])[] => [
  ["init"],
  ["add-lane", "one", JSON.stringify({ command: agent, commit: "auto", retries: 0 })],
  [
    "add-lane",
    "two",
    JSON.stringify({ command: "echo two > two.txt", commit: "auto", retries: 0, dependsOn: ["one"] }),
  ],
  ["add-lane", "bad", JSON.stringify({ command: "exit 1", retries: 0 })],
  ["status", "--refresh"],
  ["exec-lane", "one"],
  ["status", "--refresh"],
  ["execute"],
  ["retry", "bad"],
  ["log", "one"],
  ["why", "one"],
  ["plan", "--dry-run"],
  ["probes"],
  // The target moves on, so that lines.txt has to be merged.
  ["merge", "one", "--check", "true"],
  ["merge", "two"],
  ["stop", "bad"],
  ["cancel", "bad"],
  ["events"],
  ["trust"],
  ["engine", "status"],
  ["cleanup"],
  ["status"],
  ["full"],
  ["stop-all"],
  ["reset", "--yes"],
  [],
];

/** Call each verb; answers how each ended. */
export const callAll = async (
  { place, agent, ran }: Planted,
  from: From = {},
): Promise<readonly (Ended & { readonly verb: string; readonly ran: readonly string[] })[]> => {
  const told = [];
  for (const words of verbs(agent)) {
    const ended = await place.lanes(from, ...words);
    told.push({ ...ended, verb: words[0] ?? "(none)", ran: ran() });
  }
  return told;
};
