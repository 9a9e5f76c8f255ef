/** Hostile repositories: settings and files that name a program, each of which writes its name into a marker file when it runs. */
import { spawnSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import pty from "@lydell/node-pty";

import type { Ended, Place } from "./place.ts";
import { openTerminal } from "./terminal.ts";

/** A way to have a program run by whoever uses git here. */
export interface Trap {
  /** Set it up in the checkout; `program` is the absolute path of an executable without a space. */
  readonly plant: (place: Place, program: string) => void;
  /** Plain git that springs it, run in a terminal in the checkout. */
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
  ({ top }) =>
    appendFileSync(join(top, ".git", "info", "attributes"), `${text}\n`);

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
    sprung: ["--no-pager", "show", "left"],
  },
  "diff-driver": {
    plant: both(attributes("* diff=c"), setting(["diff.c.command", itself])),
    sprung: ["--no-pager", "diff", "left"],
  },
  "external-diff": { plant: setting(["diff.external", itself]), sprung: ["--no-pager", "diff", "left"] },
  "merge-driver": {
    plant: both(attributes("* merge=m"), setting(["merge.m.driver", itself])),
    sprung: ["merge-tree", "--write-tree", "left", "right"],
  },
  pager: { plant: setting(["core.pager", itself]), sprung: ["log"] },
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

/** Have plain git run each of these traps, to see that it is one; the agent's share is done in a worktree `one`. */
export const spring = async ({ place, agent }: Planted, names: readonly string[]): Promise<void> => {
  const worktree = join(place.top, ".worktrees", "one");
  const quiet = ["-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false"];
  if (!existsSync(worktree)) place.git(place.top, ...quiet, "worktree", "add", "-q", worktree, "left");
  spawnSync("/bin/sh", ["-c", agent], { cwd: worktree, env: place.env });
  for (const name of names) await inTerminal(place, traps[name]?.sprung ?? []);
};

/** Git in a terminal, until it ends or nothing can come of it any more. */
const inTerminal = (place: Place, words: readonly string[]): Promise<void> =>
  new Promise((resolve) => {
    // A pager of the person's own, which `core.pager` goes before, would wait for keys.
    const env = { ...place.env, PAGER: "cat" };
    const child = pty.spawn("git", [...words], { cwd: place.top, env, name: "xterm-256color" });
    const timer = setTimeout(() => child.kill("SIGKILL"), 5000);
    child.write("protocol=https\rhost=nowhere.invalid\r\r");
    child.onExit(() => {
      clearTimeout(timer);
      resolve();
    });
  });

/** A call of the program in a place where it does something. */
interface Step {
  readonly words: readonly string[];
  /** Exit codes that are fine; only 0 when absent. */
  readonly codes?: readonly number[];
}

const step = (words: string, ...codes: readonly number[]): Step => ({ words: words.split(" "), codes });

/** Every verb, in an order in which each has something to do. `agent`: shell words without git. */
export const steps = (agent: string): readonly Step[] => {
  const lane = (id: string, spec: object): Step => ({
    words: ["add-lane", id, JSON.stringify({ commit: "auto", retries: 0, ...spec })],
  });
  return [
    step("init"),
    lane("one", { command: agent }),
    lane("two", { command: "echo two > two.txt", dependsOn: ["one"] }),
    lane("six", { command: "sed -i s/six/SIX/ lines.txt" }),
    lane("clash", { command: "sed -i 2s/.*/clash/ lines.txt" }),
    lane("long", { command: "sleep 600" }),
    step("status --refresh"),
    step("launch long"),
    step("exec-lane one"),
    step("pause long"),
    step("resume long"),
    step("stop long"),
    step("retry long", 4),
    step("cancel long"),
    step("execute"),
    step("status --refresh"),
    step("log one"),
    step("why one"),
    step("probes"),
    step("plan --dry-run"),
    step("doctor --fix", 0, 1),
    step("conflicts --refresh"),
    step("approve six"),
    step("lock list"),
    step("lock acquire two two.txt"),
    step("lock check one two.txt", 4),
    step("lock renew two"),
    step("lock release two"),
    // Both change lines.txt, in different lines: its contents have to be merged.
    step("merge six"),
    step("merge one --check true"),
    step("merge two"),
    step("merge clash", 2),
    step("resolve clash"),
    step("resolve clash --abort"),
    step("handoff clash"),
    step("monitor --until-idle"),
    step("remove clash --yes"),
    step("trash"),
    step("restore clash"),
    step("remove clash --yes"),
    step("undo two --yes"),
    step("merge two"),
    step("monitor --until-idle"),
    step("events"),
    step("tracker get"),
    step("tracker export"),
    step("config --explain"),
    step("completion bash"),
    step("trust"),
    step("engine status"),
    step("repair"),
    step("cleanup"),
    step("status"),
    step("full"),
    step("stop-all"),
    step("reset --yes"),
  ];
};

/** How a call ended, and which traps had gone off by then. */
export interface Told extends Ended {
  readonly words: string;
  readonly ran: readonly string[];
  /** Did it end with a code that is not fine? */
  readonly failed: boolean;
}

/** Call each verb, and look at the control center; answers how each ended. */
export const callAll = async ({ place, agent, ran }: Planted): Promise<readonly Told[]> => {
  const told: Told[] = [];
  for (const { words, codes = [] } of steps(agent)) {
    if (words[0] === "cleanup") told.push(await visit(place, ran));
    const ended = await place.lanes({}, ...words);
    const failed = ended.code !== 0 && !codes.includes(ended.code ?? -1);
    told.push({ ...ended, words: words.join(" "), ran: ran(), failed });
  }
  return told;
};

/** Through the panes of the control center. */
const visit = async (place: Place, ran: Planted["ran"]): Promise<Told> => {
  const terminal = openTerminal({ repo: place.top, env: place.env }, []);
  await terminal.shows(/one +merged/);
  for (const key of ["2", "3", "4", "1", "\r"]) terminal.type(key);
  await terminal.shows(/log of one-1 ─{60}/);
  terminal.type("q");
  const code = await terminal.ended;
  return { words: "(control center)", code, stdout: terminal.raw(), stderr: "", ran: ran(), failed: code !== 0 };
};
