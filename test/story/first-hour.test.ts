// Moments of somebody's first hour with the program. No repository, no commit yet, a detached HEAD, and every layout of a
// repository are in place.test.ts; closing the terminal is in survive.test.ts; 100,000 files are in the soak.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { expect, test } from "vitest";

import { lifeOf, makeRepository, oneCommit, type Place, wholeLife } from "./place.ts";
import { program } from "./scratch.ts";
import { openTerminal } from "./terminal.ts";

const patience = { timeout: 120_000 } as const;

test("installing builds nothing: no package that the program needs has an install script", () => {
  const text = readFileSync(fileURLToPath(new URL("../../package-lock.json", import.meta.url)), "utf8");
  const { packages } = JSON.parse(text) as {
    packages: Record<string, { dev?: boolean; hasInstallScript?: boolean }>;
  };
  const scripted = Object.entries(packages).filter(([, { dev, hasInstallScript }]) => !dev && hasInstallScript);
  expect(scripted).toEqual([]);
});

test("with no configuration at all, each step names the next one", patience, async () => {
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

test(
  "what is not committed stays in the person's checkout, as it is, and lanes start without it",
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

test("a repository with a submodule and ignored files keeps them", patience, async () => {
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

test("without tmux, or inside of one, nothing is different", patience, async () => {
  await using place = makeRepository();
  const tools = toolsIn(place, ..."git sh cat sed ps kill sleep mkdir mv rm date tr env setsid ls".split(" "));
  const env = { PATH: tools, TMUX: "/nowhere/default,1,0", TMUX_PANE: "%1" };
  expect(await lifeOf(place, { env })).toEqual(wholeLife);
});

test("an agent that is not installed is said to be so, and nothing waits for it", patience, async () => {
  await using place = makeRepository();
  await place.lanes({}, "init");
  await place.lanes({}, "add-lane", "one", JSON.stringify({ command: ["no-such-agent"], retries: 0 }));
  const ended = await place.lanes({}, "exec-lane", "one");
  expect(ended.code).toBe(1);
  expect(ended.stderr + ended.stdout).toContain("one is failed");
  expect((await place.lanes({}, "log", "one")).stdout).toMatch(/no-such-agent.*not found/);
});

test(
  "a HOME that cannot be written does not matter, until something has to be remembered there",
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

test("where there is no terminal, or one that can show nothing, the status is printed", patience, async () => {
  await using place = makeRepository();
  await place.lanes({}, "init");
  const shown = /^phase 0 \(ready\), target main/;
  expect((await place.lanes({})).stdout).toMatch(shown);
  const terminal = openTerminal({ repo: place.top, env: { ...place.env, TERM: "dumb" } }, []);
  expect(await terminal.ended).toBe(0);
  expect(terminal.raw()).toMatch(shown);
  expect(terminal.raw()).not.toContain("\u001B");
});

test(
  "two keys leave the control center, also in the terminal of an editor, and its work goes on",
  patience,
  async () => {
    await using place = makeRepository();
    await place.lanes({}, "init");
    for (const key of ["q", "\u0003"]) {
      const terminal = openTerminal({ repo: place.top, env: { ...place.env, TERM_PROGRAM: "vscode" } }, []);
      await terminal.shows(/no lanes yet|add-lane/);
      terminal.type(key);
      expect(await terminal.ended).toBe(0);
    }
  },
);

test("on native Windows it says where it runs instead", patience, async () => {
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

test.skip("an agent that is not logged in is told from one that works: comes with the agents' adapters", () =>
  undefined);
test.skip("attaching from inside of tmux: comes with the tmux host", () => undefined);
