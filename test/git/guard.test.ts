import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { driverGuards, parseConfigured } from "../../src/git/guard.ts";
import { ready, scene, yes } from "./scratch.ts";
import type { Scene } from "./scratch.ts";

/** A scene with a lane, and in its configuration a program that writes down by which name it was called. */
const trapped = async (
  plant: (s: Scene, program: string) => void,
): Promise<{ s: Scene; ran: () => readonly string[] }> => {
  const s = await scene();
  s.commit(".", { ".gitattributes": "*.txt filter=evil merge=evil diff=evil\n" });
  s.run("branch", "trap");
  await ready(s, "one", { "a.txt": "A\n" });
  s.run("switch", "-q", "trap");
  s.commit(".", { "a.txt": "trap\n" });
  s.run("switch", "-q", "main");
  const log = join(s.home, "ran");
  const program = join(s.home, "evil.sh");
  writeFileSync(program, `#!/bin/sh\necho "$1" >> ${log}\ncase "$1" in *filter) cat;; esac\n`, { mode: 0o755 });
  plant(s, program);
  // The same size, another content and time: `status` has to read the files, through filters if there are any.
  for (const top of ["", ".worktrees/one/"]) {
    s.write(`${top}b.txt`, "B\n");
    s.write(`${top}dir/c.txt`, "C\n");
  }
  const ran = (): readonly string[] =>
    existsSync(log) ? [...new Set(readFileSync(log, "utf8").split("\n").filter(Boolean))].toSorted() : [];
  return { s, ran };
};

/** Every call of ours that only reads, or that writes without being meant to run anything of the repository. */
const calls = async (s: Scene): Promise<void> => {
  const { git } = s;
  const onto = s.run("rev-parse", "refs/heads/main");
  const head = s.run("rev-parse", "refs/heads/lane/one/work");
  await git.observe({ target: "main", status: ["one"] });
  await git.tip("main");
  await git.currentBranch();
  await git.contains(head, onto);
  await git.known([head, onto]);
  await git.changed(onto, head);
  await git.filesAt(head, "dir");
  await git.identity();
  const { commit } = yes(await git.candidate({ onto, head, message: "Merge", at: 0 }));
  await git.baseFor(onto, [head]);
  await git.verification(0, commit);
  await git.openLane("two", onto);
  await git.commitAll("one", "all");
  await git.closeLane("two", "main");
  await git.land({ lane: "one", target: "main", onto, commit, head });
};

const hooks = [
  "post-index-change",
  "reference-transaction",
  "post-checkout",
  "pre-commit",
  "commit-msg",
  "post-commit",
];

const plantHooks = (folder: string, program: string): void => {
  mkdirSync(folder, { recursive: true });
  for (const hook of hooks) writeFileSync(join(folder, hook), `#!/bin/sh\nexec ${program} hook\n`, { mode: 0o755 });
};

interface Trap {
  readonly plant: (s: Scene, program: string) => void;
  /** Calls of plain git in which each program of the trap runs: the trap is one. */
  readonly sprung: readonly (readonly string[])[];
  readonly names: readonly string[];
}

const lane = ["-C", ".worktrees/one"];

const traps: Readonly<Record<string, Trap>> = {
  "settings that name programs": {
    plant: (s, program) => {
      s.run("config", "core.fsmonitor", `${program} monitor`);
      plantHooks(join(s.home, "hooks"), program);
      s.run("config", "core.hooksPath", join(s.home, "hooks"));
      s.run("config", "core.pager", `${program} pager`);
      s.run("config", "core.editor", `${program} editor`);
      s.run("config", "diff.external", `${program} difference`);
      s.run("config", "gpg.program", program);
      s.run("config", "commit.gpgSign", "true");
    },
    sprung: [
      ["status"],
      ["--paginate", "-c", "core.fsmonitor=false", "log"],
      ["diff"],
      ["commit", "--allow-empty", "-m", "x"],
    ],
    names: ["--status-fd=2", "difference", "hook", "monitor"],
  },
  drivers: {
    plant: (s, program) => {
      s.run("config", "filter.evil.clean", `${program} filter`);
      s.run("config", "filter.evil.smudge", `${program} filter`);
      s.run("config", "filter.evil.required", "true");
      s.run("config", "diff.evil.textconv", `${program} conversion`);
      s.run("config", "merge.evil.driver", `${program} merge`);
    },
    sprung: [["status"], ["diff"], ["merge-tree", "--write-tree", "trap", "lane/one/work"]],
    names: ["conversion", "filter", "merge"],
  },
  "a filter process, a filter with an equals sign, hooks in their usual folder": {
    plant: (s, program) => {
      s.run("config", "filter.evil.process", `${program} process`);
      s.write(".git/info/attributes", "b.txt filter=x=y.z\n");
      s.run("config", "filter.x=y.z.clean", `${program} equals-filter`);
      s.run("config", "filter.x=y.z.smudge", `${program} equals-filter`);
      plantHooks(join(s.layout.common, "hooks"), program);
    },
    sprung: [["status", "--", "b.txt"], ["status"], ["update-ref", "refs/x", "HEAD"]],
    names: ["equals-filter", "hook", "process"],
  },
  "drivers whose name is empty": {
    plant: (s, program) => {
      s.write(".git/info/attributes", "*.txt filter= merge=\n");
      s.run("config", "filter..clean", `${program} filter`);
      s.run("config", "filter..smudge", `${program} filter`);
      s.run("config", "merge..driver", `${program} merge`);
    },
    sprung: [["status"], ["merge-tree", "--write-tree", "trap", "lane/one/work"]],
    names: ["filter", "merge"],
  },
  "an included file": {
    plant: (s, program) => {
      const text = `[core]\n\tfsmonitor = ${program} monitor\n[filter "evil"]\n\tclean = ${program} filter\n\tsmudge = ${program} filter\n`;
      writeFileSync(join(s.home, "included"), text);
      s.run("config", "include.path", join(s.home, "included"));
    },
    sprung: [["status"]],
    names: ["filter", "monitor"],
  },
  "a lane's own configuration": {
    plant: (s, program) => {
      s.run("config", "extensions.worktreeConfig", "true");
      s.run(...lane, "config", "--worktree", "filter.evil.clean", `${program} filter`);
      s.run(...lane, "config", "--worktree", "core.fsmonitor", `${program} monitor`);
    },
    sprung: [[...lane, "status"]],
    names: ["filter", "monitor"],
  },
  "a lane whose .git file names another repository": {
    plant: (s, program) => {
      s.run("init", "-q", join(s.home, "fake"));
      s.at("../fake", "config", "core.fsmonitor", `${program} monitor`);
      s.write(".worktrees/one/.git", `gitdir: ${join(s.home, "fake", ".git")}\n`);
    },
    sprung: [[...lane, "status"]],
    names: ["monitor"],
  },
  "a remote that is asked for lost objects": {
    plant: (s, program) => {
      s.run("config", "extensions.partialClone", "evil");
      s.run("config", "remote.evil.promisor", "true");
      s.run("config", "remote.evil.url", s.home);
      s.run("config", "remote.evil.uploadpack", `${program} upload < /dev/null;`);
      s.write(".git/refs/heads/lost", `${"1".repeat(40)}\n`);
    },
    sprung: [["cat-file", "-p", "1".repeat(40)]],
    names: ["upload"],
  },
};

describe("no call of ours runs what the repository's own configuration names", () => {
  test.each(Object.entries(traps))("%s", async (_name, { plant, sprung, names }) => {
    const { s, ran } = await trapped(plant);
    const end = await calls(s).catch(String);
    // A lost object breaks some calls, and that is all that may break.
    expect(end ?? "").toMatch(/^$|1111111|lost|interrupted/);
    expect(ran()).toEqual([]);
    // The trap is a trap: plain git runs the programs.
    const plain = await trapped(plant);
    for (const args of sprung) plain.s.attempt(...args);
    expect(plain.ran()).toEqual(expect.arrayContaining([...names]));
  });
});

test("a filter that came after the first look does not run at the second", async () => {
  const { s, ran } = await trapped(() => undefined);
  await s.git.observe({ target: "main", status: ["one"] });
  s.run("config", "filter.evil.clean", `${join(s.home, "evil.sh")} filter`);
  s.write(".worktrees/one/b.txt", "X\n");
  await s.git.observe({ target: "main", status: ["one"] });
  expect(ran()).toEqual([]);
});

test("an included file that changed after the first look is looked at again", async () => {
  const { s, ran } = await trapped((at) => {
    writeFileSync(join(at.home, "included"), "[x]\n\ty = z\n");
    at.run("config", "include.path", join(at.home, "included"));
  });
  await s.git.observe({ target: "main", status: ["one"] });
  writeFileSync(join(s.home, "included"), `[filter "evil"]\n\tclean = ${join(s.home, "evil.sh")} filter\n`);
  s.write(".worktrees/one/b.txt", "X\n");
  await s.git.observe({ target: "main", status: ["one"] });
  expect(ran()).toEqual([]);
});

test("a filter of the user's own configuration works, and the repository cannot replace it", async () => {
  const s = await scene();
  s.env["GIT_CONFIG_GLOBAL"] = join(s.home, "gitconfig");
  writeFileSync(
    join(s.home, "gitconfig"),
    '[user]\n\tname = Ada\n\temail = ada@example.org\n[filter "large"]\n\tclean = tr A-Z a-z\n\tsmudge = tr a-z A-Z\n\trequired = true\n',
  );
  s.commit(".", { ".gitattributes": "*.big filter=large\n", "x.big": "TEXT\n" });
  s.run("config", "filter.large.smudge", "tr a-z 0-9");
  const { path } = yes(await s.git.openLane("one", s.run("rev-parse", "main")));
  expect(readFileSync(join(path, "x.big"), "utf8")).toBe("TEXT\n");
  s.run("config", "--unset", "filter.large.smudge");
  expect(s.at(".worktrees/one", "status", "--porcelain")).toBe("");
});

test("variables of git in the caller's environment do not lead us elsewhere", async () => {
  const s = await scene();
  const other = join(s.home, "other");
  s.run("init", "-q", other);
  const env = {
    ...s.env,
    GIT_DIR: join(other, ".git"),
    GIT_WORK_TREE: other,
    GIT_INDEX_FILE: join(other, "index"),
    GIT_NAMESPACE: "x",
  };
  const git = s.again({ env });
  const onto = s.run("rev-parse", "main");
  expect(await git.tip("main")).toEqual({ head: onto });
  const { path } = yes(await git.openLane("one", onto));
  expect(existsSync(join(path, "a.txt"))).toBe(true);
  expect(existsSync(join(other, "index"))).toBe(false);
});

test("a lane's configuration that names another worktree does not make us look or write there", async () => {
  const s = await scene();
  await ready(s, "one", { "a.txt": "A\n" });
  const decoy = join(s.home, "decoy");
  mkdirSync(decoy);
  writeFileSync(join(decoy, "precious"), "precious\n");
  s.run("config", "extensions.worktreeConfig", "true");
  s.at(".worktrees/one", "config", "--worktree", "core.worktree", decoy);
  const seen = await s.git.observe({ target: "main", status: ["one"] });
  expect(seen.lanes.get("one")?.dirty).toEqual([]);
  s.write(".worktrees/one/mine.txt", "mine\n");
  expect(await s.git.commitAll("one", "mine")).toBe(true);
  expect(s.run("show", "--format=", "--name-only", "lane/one/work")).toBe("mine.txt");
});

const configured = (
  ...entries: readonly (readonly [scope: string, key: string, value: string])[]
): readonly (readonly [string, string])[] =>
  driverGuards(parseConfigured(entries.map(([scope, key, value]) => `${scope}\0${key}\n${value}\0`).join("")));

const usersLfs = [
  ["global", "filter.lfs.clean", "git-lfs clean -- %f"],
  ["global", "filter.lfs.process", "git-lfs filter-process"],
  ["global", "filter.lfs.required", "true"],
] as const;

test("git-lfs of the user's works; one that the repository bends, or gives programs of its own, does not", () => {
  expect(configured(...usersLfs, ["local", "lfs.url", "https://example.org"])).toEqual([]);
  expect(configured(...usersLfs, ["local", "filter.lfs.process", "evil"])).toEqual([
    ["filter.lfs.clean", "git-lfs clean -- %f"],
    ["filter.lfs.smudge", ""],
    ["filter.lfs.process", "git-lfs filter-process"],
    ["filter.lfs.required", "true"],
  ]);
  const none = [
    ["filter.lfs.clean", ""],
    ["filter.lfs.smudge", ""],
    ["filter.lfs.process", ""],
    ["filter.lfs.required", "false"],
  ];
  for (const key of [
    "lfs.extension.x.clean",
    "lfs.customtransfer.x.path",
    "lfs.https://a.b/.standalonetransferagent",
  ]) {
    expect(configured(...usersLfs, ["worktree", key, "evil"])).toEqual(none);
  }
});

test("a driver whose name is not text is refused, since it could not be turned off", () => {
  expect(() => configured(["local", "filter.\u{fffd}.clean", "evil"])).toThrow("not UTF-8");
});
