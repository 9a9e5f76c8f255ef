// Fifteen moments of somebody's first hour with the program, in the order in which they come.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { expect, test } from "vitest";

import { lifeOf, makePlace, makeRepository, oneCommit, type Place, wholeLife } from "./place.ts";
import { program } from "./scratch.ts";
import { openTerminal } from "./terminal.ts";

const patience = { timeout: 300_000 } as const;

test.concurrent("1: installing builds nothing: no package that the program needs has an install script", () => {
  const text = readFileSync(fileURLToPath(new URL("../../package-lock.json", import.meta.url)), "utf8");
  const { packages } = JSON.parse(text) as {
    packages: Record<string, { dev?: boolean; hasInstallScript?: boolean }>;
  };
  const scripted = Object.entries(packages).filter(([, { dev, hasInstallScript }]) => !dev && hasInstallScript);
  expect(scripted).toEqual([]);
});

/** The command that a refusal names, in a person's own shell. */
const followHint = (place: Place, said: string, pattern: RegExp): void => {
  const command = pattern.exec(said)?.[1] ?? "";
  expect(command).not.toBe("");
  const ran = spawnSync("/bin/sh", ["-c", command], { cwd: place.top, env: place.env, encoding: "utf8" });
  expect([command, ran.status]).toEqual([command, 0]);
};

test.concurrent(
  "2, 3: in a folder that is no repository, or has no commit, each refusal names the command that helps",
  patience,
  async () => {
    await using place = makePlace();
    place.git(place.home, "config", "--global", "init.defaultBranch", "main");
    const first = await place.lanes({}, "init");
    expect([first.code, existsSync(join(place.top, ".orchestration"))]).toEqual([3, false]);
    followHint(place, first.stderr, /run `([^`]+)`/);
    const second = await place.lanes({}, "init");
    expect(second.code).toBe(3);
    followHint(place, second.stderr, /make the first: (.+)\n/);
    expect((await place.lanes({}, "init")).code).toBe(0);
  },
);

test.concurrent("4: with no configuration at all, each step names the next one", patience, async () => {
  await using place = makeRepository();
  const next = [];
  for (const words of [["init"], ["add-lane", "one", oneCommit], ["exec-lane", "one"]])
    next.push((await place.lanes({}, ...words)).stdout.split("\n").find((line) => line.startsWith("next: ")));
  expect(next).toEqual([
    "next: lanes add-lane ID JSON, or: lanes probes",
    "next: lanes exec-lane one",
    "next: lanes merge one",
  ]);
});

test.concurrent(
  "5: what is not committed stays in the person's checkout, as it is, and lanes start without it",
  patience,
  async () => {
    await using place = makeRepository();
    place.write("a.txt", "mine\n");
    place.write("new.txt", "new\n");
    place.write("staged.txt", "staged\n");
    place.git(place.top, "add", "staged.txt");
    const before = place.git(place.top, "status", "--porcelain");
    expect(await lifeOf(place)).toEqual(wholeLife);
    expect(place.git(place.top, "status", "--porcelain")).toBe(before);
    expect(readFileSync(join(place.top, "a.txt"), "utf8")).toBe("mine\n");
    expect(place.git(place.top, "ls-tree", "--name-only", "main")).toBe("a.txt\nmade.txt\nsub");
    expect(place.git(place.top, "stash", "list")).toBe("");
  },
);

test.concurrent(
  "6: on a detached HEAD it asks once which branch work lands on, and never again",
  patience,
  async () => {
    await using place = makeRepository();
    place.git(place.top, "switch", "-q", "--detach");
    expect((await place.lanes({}, "init")).stderr).toContain("name the branch to land on: lanes init --target BRANCH");
    expect((await place.lanes({}, "init", "--target", "main")).code).toBe(0);
    for (const words of [["init"], ["add-lane", "one", oneCommit]])
      expect((await place.lanes({}, ...words)).code).toBe(0);
    expect((await place.lanes({}, "status")).stdout).toMatch(/target main/);
  },
);

test.concurrent(
  "7: a sub-folder, a linked worktree and a lane's worktree all show the same lanes",
  patience,
  async () => {
    await using place = makeRepository();
    place.git(place.top, "worktree", "add", "-q", join(place.home, "linked"));
    await place.lanes({}, "init");
    await place.lanes({}, "add-lane", "one", oneCommit);
    await place.lanes({}, "exec-lane", "one");
    const folders = [
      place.top,
      join(place.top, "sub"),
      join(place.home, "linked"),
      join(place.top, ".worktrees", "one"),
    ];
    for (const cwd of folders) {
      const told = JSON.parse((await place.lanes({ cwd }, "status", "--json")).stdout) as {
        lanes: Record<string, { state: string }>;
      };
      expect([cwd, told.lanes["one"]?.state]).toEqual([cwd, "ready"]);
    }
  },
);

test.concurrent("8: a repository with a submodule and ignored files keeps them", patience, async () => {
  await using place = makeRepository();
  const other = join(place.home, "other");
  place.git(place.home, "clone", "-q", place.top, other);
  place.git(place.top, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", other, "module");
  place.write(".gitignore", ".env\n");
  place.git(place.top, "add", ".gitignore");
  place.git(place.top, "commit", "-qm", "a submodule");
  place.write(".env", "secret\n");
  expect(await lifeOf(place)).toEqual(wholeLife);
  expect(readFileSync(join(place.top, ".env"), "utf8")).toBe("secret\n");
  expect(readFileSync(join(place.top, "module", "a.txt"), "utf8")).toBe("a\n");
  expect(place.git(place.top, "status", "--porcelain")).toBe("");
});

// 100,000 files: test/soak/large.test.ts.
test.concurrent("9: in a repository with many files the status does not wait for git", patience, async () => {
  await using place = makeRepository();
  await place.lanes({}, "init");
  // A git that never ends: whoever waits for it is stuck.
  const slow = join(place.home, "slow");
  mkdirSync(slow);
  spawnSync("/bin/sh", ["-c", `printf '#!/bin/sh\\nexec sleep 600\\n' > ${slow}/git; chmod +x ${slow}/git`]);
  const env = { PATH: `${slow}:${place.env["PATH"] ?? ""}` };
  expect((await place.lanes({ env }, "status")).code).toBe(0);
});

/** A folder with links to these tools alone. */
const toolsIn = (place: Place, ...names: readonly string[]): string => {
  const folder = join(place.home, "tools");
  mkdirSync(folder);
  for (const name of names) {
    const found = (process.env["PATH"] ?? "").split(":").map((each) => join(each, name));
    const path = found.find((each) => existsSync(each));
    if (path !== undefined) symlinkSync(path, join(folder, name));
  }
  return folder;
};

// A real tmux around the control center: tmux.test.ts.
test.concurrent("10, 12: without tmux, or inside of one, nothing is different", patience, async () => {
  await using place = makeRepository();
  const tools = toolsIn(place, ..."git sh cat sed ps kill sleep mkdir mv rm date tr env setsid ls".split(" "));
  const env = { PATH: tools, TMUX: "/nowhere/default,1,0", TMUX_PANE: "%1" };
  expect(await lifeOf(place, { env })).toEqual(wholeLife);
});

test.concurrent(
  "11: an agent that is not installed, or asks for a login, is said to be so, and nothing waits for it",
  patience,
  async () => {
    await using place = makeRepository();
    await place.lanes({}, "init");
    const asks = "echo 'Not logged in. Run /login' >&2; read -r code && echo \"hello $code\"";
    await place.lanes({}, "add-lane", "one", JSON.stringify({ command: ["no-such-agent"], retries: 0 }));
    await place.lanes({}, "add-lane", "two", JSON.stringify({ command: asks, retries: 0 }));
    const ended = await place.lanes({}, "execute");
    expect(ended.code).toBe(1);
    for (const id of ["one", "two"]) expect(ended.stdout + ended.stderr).toContain(`${id} is failed`);
    expect((await place.lanes({}, "log", "one")).stdout).toMatch(/no-such-agent.*not found/);
    expect((await place.lanes({}, "log", "two")).stdout).toContain("Not logged in. Run /login");
  },
);

test.concurrent("13: two keys leave the control center, also in the terminal of an editor", patience, async () => {
  await using place = makeRepository();
  await place.lanes({}, "init");
  for (const key of ["q", "\u0003"]) {
    const terminal = openTerminal({ repo: place.top, env: { ...place.env, TERM_PROGRAM: "vscode" } }, []);
    await terminal.shows(/no lanes yet|add-lane/);
    terminal.type(key);
    expect(await terminal.ended).toBe(0);
  }
});

// A terminal that hangs up: survive.test.ts.
test.concurrent(
  "14: leaving the control center leaves its lanes at work, and one command shows them again",
  patience,
  async () => {
    await using place = makeRepository();
    await place.lanes({}, "init");
    await place.lanes({}, "add-lane", "one", JSON.stringify({ command: "sleep 600", retries: 0 }));
    await place.lanes({}, "launch", "one");
    for (let visit = 0; visit < 2; visit += 1) {
      const terminal = openTerminal({ repo: place.top, env: { ...place.env, SSH_TTY: "/dev/pts/9" } }, []);
      await terminal.shows(/one +running|running +one/);
      terminal.type("q");
      expect(await terminal.ended).toBe(0);
    }
    expect((await place.lanes({}, "status")).stdout).toMatch(/one .*running|running .*one/);
  },
);

test.concurrent(
  "14: where there is no terminal, or one that can show nothing, the status is printed",
  patience,
  async () => {
    await using place = makeRepository();
    await place.lanes({}, "init");
    const shown = /^phase 0 \(ready\), target main/;
    expect((await place.lanes({})).stdout).toMatch(shown);
    const terminal = openTerminal({ repo: place.top, env: { ...place.env, TERM: "dumb" } }, []);
    expect(await terminal.ended).toBe(0);
    expect(terminal.raw()).toMatch(shown);
    expect(terminal.raw()).not.toContain("\u001B");
  },
);

test.concurrent(
  "14: a HOME that cannot be written does not matter, until something has to be remembered there",
  patience,
  async () => {
    await using place = makeRepository();
    // Where even root can make nothing.
    const env = { HOME: "/dev/null", GIT_CONFIG_GLOBAL: join(place.home, ".gitconfig") };
    expect(await lifeOf(place, { env })).toEqual(wholeLife);
    place.write("lanes.config.json", '{"check": "true"}\n');
    const ended = await place.lanes({ env }, "trust", "--yes");
    expect(ended.stderr).toMatch(/^lanes: a part of this path is no folder \(.*\); .*\n$/);
    expect(ended.code).toBe(73);
  },
);

test.concurrent("15: on native Windows it says where it runs instead", patience, async () => {
  await using place = makeRepository();
  const preload = place.write("windows.cjs", 'Object.defineProperty(process, "platform", { value: "win32" });\n');
  const ran = spawnSync(process.execPath, ["--require", preload, program, "status"], {
    cwd: place.top,
    env: place.env,
    encoding: "utf8",
  });
  expect(ran.status).toBe(69);
  expect(ran.stderr).toMatch(/native Windows is not supported\.\n.*WSL/);
});
