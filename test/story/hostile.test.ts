import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { catalog } from "../../src/core/catalog.ts";
import { type Ended, makeRepository, type Place } from "./place.ts";
import { makeScratch, until } from "./scratch.ts";
import { openTerminal } from "./terminal.ts";
import { callAll, planted, spring, steps, traps } from "./trap.ts";

const warned = /warning: core\.hookspath in git's shared configuration was set while sly ran; not you\?/;

test(
  "a lane that changes the shared configuration is shown until a person takes that back or says that it is fine",
  { timeout: 300_000 },
  async () => {
    await using scratch = await makeScratch();
    scratch.env["PATH"] = slowToReadSettings(join(scratch.repo, ".git", "tools"));
    await scratch.lanes("init");
    await scratch.git("config", "core.editor", "true");
    await scratch.add("sly", {
      command:
        "git config core.hooksPath /tmp/x; git config user.name x; sleep 1; cp -p ../../.git/tools/git ../../.git/hooks/pre-push",
      retries: 0,
    });
    writeFileSync(join(scratch.repo, ".git", "tools", "slow"), "");
    expect((await scratch.lanes("exec-lane", "sly")).code).toBe(1);
    const shown = await until("the warning", async () => {
      const { stdout } = await scratch.lanes("status");
      return warned.test(stdout) && stdout.includes("warning: the hook pre-push was set") ? stdout : undefined;
    });
    expect(shown).not.toContain("core.editor");
    expect((await scratch.lanes("why", "sly")).stdout).toMatch(warned);
    expect((await scratch.lanes("status", "--refresh")).stdout).toMatch(warned);
    const json = JSON.parse((await scratch.lanes("status", "--json")).stdout) as { warnings: { name: string }[] };
    expect(json.warnings.map(({ name }) => name.split(" ", 1)[0])).toEqual(["core.hookspath", "user.name", "the"]);
    await scratch.git("config", "--unset", "core.hooksPath");
    const { stdout: less } = await scratch.lanes("status", "--refresh");
    expect(less).not.toMatch(warned);
    expect(less).toContain("warning: user.name");
    await scratch.lanes("engine", "stop");
    expect((await scratch.lanes("status")).stdout).not.toContain("warning");
  },
);

/** A PATH with a git that takes longer to read a configuration than an agent to change it, once for each file `slow` in the folder. */
const slowToReadSettings = (folder: string): string => {
  const path = process.env["PATH"] ?? "";
  mkdirSync(folder);
  const script = `#!/bin/sh\ncase "$*" in *--no-includes*) ! rm ${folder}/slow || sleep 4;; esac\nPATH='${path}'\nexec git "$@"\n`;
  writeFileSync(join(folder, "git"), script, { mode: 0o755 });
  return `${folder}:${path}`;
};

/** Traps that do not hide one another: each group can be planted in one repository. */
const groups: readonly (readonly string[])[] = [
  [
    ..."monitor hooks filter diff-driver pager transport credential-helper signer editor alias".split(" "),
    "swapped-git-file",
  ],
  [
    ..."hooks-path included filter-process merge-driver text-conversion external-diff".split(" "),
    ..."worktree-configuration embedded-repository".split(" "),
  ],
];

describe("no verb runs a program that the repository names:", () => {
  test("every trap is in a group, and every verb is called", () => {
    expect(groups.flat().toSorted()).toEqual(Object.keys(traps).toSorted());
    const called = new Set(steps("").map(({ words }) => words[0]));
    expect(catalog.map(({ id }) => id).filter((id) => !called.has(id))).toEqual(["demo"]);
  });

  test.concurrent.each(groups.map((names) => [names.join(", "), names] as const))(
    "%s",
    { timeout: 300_000 },
    async (_name, names) => {
      await using place = makeRepository();
      const scene = planted(place, names);
      for (const told of await callAll(scene))
        expect(told).toMatchObject({ words: told.words, ran: [], failed: false });
      expect(place.git(place.top, "cat-file", "-p", "main:lines.txt")).toBe("1\none-two\n3\n4\n5\nSIX\n7");
      await spring(scene, names);
      expect(scene.ran()).toEqual(names.toSorted());
    },
  );

  test.concurrent("in a folder that is a repository of its own", { timeout: 300_000 }, async () => {
    await using place = makeRepository();
    const scene = planted(place, ["embedded-repository"]);
    for (const verb of ["status", "init", "doctor", "status"])
      await place.lanes({ cwd: join(place.top, "nested") }, verb);
    expect(scene.ran()).toEqual([]);
  });
});

/** Text that a terminal acts on, when it gets it as it is: its title, the clipboard, colours, directions. */
const sly = "\u001B]0;pwned\u0007\u001B]52;c;cHduZWQ=\u0007\u001B[31m\u009B2J\u202Eevil\u200B\u2066";
/** Names of files as agents could choose them. */
const slyNames = [
  "two\nlines",
  "tab\there",
  "--help",
  "-rf",
  ":(top)magic",
  '"quoted"',
  `sly${sly}`,
  "back\\slash",
  "*",
];

/** What would reach a terminal as more than text. */
// oxlint-disable-next-line no-control-regex -- control characters are what this is about
const acting = /[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u061C\u200B-\u200F\u2028-\u202E\u2060-\u206F]/;

/** A repository with such names in it: files, branches, tags, the words of a commit. */
const slyRepository = (): Place => {
  const place = makeRepository();
  const { git, top } = place;
  for (const name of slyNames) place.write(`f/${name}`, "1\n");
  writeFileSync(Buffer.concat([Buffer.from(`${top}/f/bytes-`), Buffer.from([0xff])]), "1\n");
  place.write("sly.txt", `${sly}\nmore\n`);
  git(top, "add", "-A");
  git(top, "commit", "-qm", `begin ${sly}`);
  for (const name of ["--output=pwned", "-h", "HEAD", "x\u202Ey"]) git(top, "update-ref", `refs/heads/${name}`, "main");
  for (const name of ["main", "lane/one/work"]) git(top, "tag", name, "refs/heads/main~1");
  return place;
};

const slyCalls = (): readonly (readonly string[])[] => {
  const add = (id: string, command: string): readonly string[] => [
    "add-lane",
    id,
    JSON.stringify({ command, retries: 0, tasks: [`task ${sly}`] }),
  ];
  const edit = (id: string): string =>
    `for each in f/*; do echo ${id} > "$each"; done; cat sly.txt; git add -A; git commit -qF sly.txt`;
  return [
    ["init"],
    add("--output=pwned", "true"),
    add("one", edit("one")),
    add("two", edit("two")),
    add("left", 'touch "$(cat sly.txt)"'),
    add("gone", 'git config "filter.$(head -n1 sly.txt).clean" cat; cat sly.txt >&2; exit 3'),
    ["execute"],
    ["status", "--refresh"],
    ["log", "gone"],
    ["why", "left"],
    ["merge", "one"],
    ["merge", "two"],
    ["status", "--json"],
    ["events", "--json"],
    ["doctor"],
    ["log", sly],
    [sly],
  ];
};

test.concurrent(
  "branches named like options, paths and words with line breaks and escapes are names and text",
  { timeout: 300_000 },
  async () => {
    await using place = slyRepository();
    const ends = new Map<string, Ended>();
    for (const words of slyCalls()) {
      const ended = await place.lanes({}, ...words);
      ends.set(words.slice(0, 2).join(" "), ended);
      expect([words, acting.exec(ended.stdout + ended.stderr)]).toEqual([words, null]);
    }
    expect(["merge one", "merge two"].map((words) => ends.get(words)?.code)).toEqual([0, 2]);
    expect(ends.get("merge two")?.stdout).toContain(
      '10 files in conflict (contents) with one: f/"quoted", f/*, f/--help, f/-rf, f/:(top)magic, f/back\\slash,',
    );
    expect(ends.get("status --refresh")?.stdout).toContain("warning: filter.evil.clean in git's shared configuration");
    const terminal = openTerminal({ repo: place.top, env: place.env }, []);
    await terminal.shows(/two +conflicted[^]*--output=pwned +\w+ begin evil/);
    terminal.type("q");
    await terminal.ended;
    expect(terminal.raw()).not.toMatch(/\]0;pwned|\]52;|[\u009B\u202E\u200B\u2066]/);
    expect(place.git(place.top, "ls-files", "--others", "--exclude-standard")).toBe("");
  },
);

test("a target whose name looks like an option is refused, named or checked out", async () => {
  await using place = slyRepository();
  const said = /^lanes: .*"--output=pwned" is not a branch name; .*\n$/;
  expect(await place.lanes({}, "init", "--target", "--output=pwned")).toMatchObject({
    code: 64,
    stderr: expect.stringMatching(said),
  });
  place.git(place.top, "symbolic-ref", "HEAD", "refs/heads/--output=pwned");
  const ended = await place.lanes({}, "init");
  expect(ended.stderr).toMatch(said);
  expect(ended.code).toBe(3);
  expect(existsSync(join(place.top, ".orchestration"))).toBe(false);
});
