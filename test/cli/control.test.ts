import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { committing, patience, scene } from "./scratch.ts";

/** A lane that works until it is ended or the file `go` appears in the checkout. */
const patient = (top: string): string =>
  JSON.stringify({
    command: `echo started; while [ ! -e '${join(top, "go")}' ]; do sleep 0.05; done; echo x > x; git add x; git commit -qm x; echo done`,
  });

describe("init", patience, () => {
  test("prepares a repository once and keeps its target until another is named", async () => {
    const { lanes, json, git } = scene();
    expect(await json("init")).toEqual({
      schemaVersion: 1,
      target: "main",
      wrote: [".orchestration/", "info/exclude (in git's own folder)"],
      changed: true,
    });
    git("checkout", "-qb", "develop");
    expect((await lanes("init")).stdout).toBe(
      "was ready already: lanes land on main\nnext: lanes add-lane ID JSON, or: lanes probes\n",
    );
    expect(await json("init", "--target", "develop")).toMatchObject({ target: "develop", wrote: [], changed: true });
    expect(git("status", "--porcelain")).toBe("");
  });
});

describe("one lane", patience, () => {
  test("is added from a file or a pipe, run, shown, landed and cleaned up", async () => {
    const { lanes, lanesWith, json, write, git, top } = scene();
    write("lane.json", committing("docs.txt", { name: "Documents", tasks: ["write"], oops: 1 }));
    const added = await lanes("add-lane", "docs", "@lane.json");
    expect(added).toEqual({
      code: 0,
      stdout: "added docs\nnext: lanes exec-lane docs\n",
      stderr: 'warning: "oops" is not a known key\nwrote .orchestration/\nwrote info/exclude (in git\'s own folder)\n',
    });
    expect((await lanesWith({ input: committing("more.txt") }, "add-lane", "more", "-")).code).toBe(0);
    const run = await json("exec-lane", "docs");
    expect(run).toMatchObject({
      schemaVersion: 1,
      lane: "docs",
      branch: "lane/docs/work",
      worktree: join(top, ".worktrees", "docs"),
      run: "docs-1",
      state: "ready",
    });
    expect((await lanes("why", "docs", "more")).stdout).toBe(
      "docs is ready; next: lanes merge docs\nmore is planned; next: lanes launch more\n",
    );
    expect((await lanes("merge")).code).toBe(0);
    expect(git("show", "main:docs.txt")).toBe("docs.txt");
    expect((await lanes("cleanup", "--dry-run")).stdout).toBe(`would remove ${join(top, ".worktrees", "docs")}\n`);
    expect(existsSync(join(top, ".worktrees", "docs"))).toBe(true);
    expect((await lanes("cleanup")).stdout).toBe(`removed ${join(top, ".worktrees", "docs")}\n`);
    expect(existsSync(join(top, ".worktrees", "docs"))).toBe(false);
    expect((await lanes("cleanup")).stdout).toBe("nothing to clean up\n");
  });

  test("in which a person works is opened, and its path is all that is printed", async () => {
    const { lanes, top } = scene();
    await lanes("add-lane", "mine", '{"agent": "manual"}');
    const opened = await lanes("exec-lane", "mine");
    expect([opened.code, opened.stdout]).toEqual([0, `${join(top, ".worktrees", "mine")}\n`]);
    expect((await lanes("exec-lane", "mine")).stdout).toBe(opened.stdout);
    expect((await lanes("cleanup")).stdout).toBe(`left ${join(top, ".worktrees", "mine")}: mine is waiting\n`);
  });

  test("gets the configured agent when it names none", async () => {
    const { lanes, write, json } = scene();
    write(
      "lanes.config.json",
      JSON.stringify({ agent: "coder", agents: { coder: { command: "echo x > x; git add x; git commit -qm x" } } }),
    );
    expect((await json("add-lane", "docs", "{}"))["spec"]).toMatchObject({ agent: "coder" });
    const untrusted = await lanes("exec-lane", "docs");
    expect([untrusted.code, untrusted.stderr]).toEqual([
      4,
      "lanes: commands of lanes.config.json are not trusted yet; look at them and allow them: lanes trust\n",
    ]);
    await lanes("trust", "--yes");
    expect((await lanes("exec-lane", "docs")).code).toBe(0);
  });
});

describe("a run", patience, () => {
  test("is launched, followed, stopped and taken up again", async () => {
    const { lanes, begin, json, stateOf, top } = scene();
    await lanes("add-lane", "slow", patient(top));
    const launched = await json("launch", "slow");
    expect(launched).toMatchObject({ lane: "slow", run: "slow-1" });
    const { child, ended } = begin({}, "log", "slow", "--follow");
    await new Promise((resolve) => child.stdout?.once("data", resolve));
    expect(await lanes("stop", "slow")).toMatchObject({
      code: 0,
      stdout: "slow is paused: stopped; next: lanes resume slow\n",
    });
    const followed = await ended;
    expect(followed.code).toBe(0);
    // The shell may get to say that its child was terminated, before it is itself.
    expect(followed.stdout).toMatch(/^started\n(?:Terminated\n)?$/);
    writeFileSync(join(top, "go"), "");
    expect((await lanes("execute")).code).toBe(0);
    expect(await stateOf("slow")).toBe("ready");
    expect((await lanes("log", "slow")).stdout).toBe("started\ndone\n");
    expect((await lanes("log", "slow", "-n", "1")).stdout).toBe("done\n");
    expect(await json("log", "slow", "-n1")).toEqual({ run: "slow-2", line: "done" });
  });

  test("goes on after ctrl-c and after the death of its engine, and is waited for again", async () => {
    const { lanes, begin, json, top } = scene();
    await lanes("add-lane", "slow", patient(top));
    const { child, ended } = begin({}, "exec-lane", "slow");
    await new Promise<void>((resolve) =>
      child.stderr?.on("data", (part: string) => {
        if (part.includes("running")) resolve();
      }),
    );
    child.kill("SIGINT");
    expect(await ended).toMatchObject({ code: 130, stdout: "" });
    const again = begin({}, "exec-lane", "slow");
    await new Promise((resolve) => again.child.stderr?.once("data", resolve));
    process.kill((await json("engine", "status"))["pid"] as number, "SIGKILL");
    writeFileSync(join(top, "go"), "");
    expect(await again.ended).toMatchObject({ code: 0, stdout: "slow is ready\nnext: lanes merge slow\n" });
  });

  test("that failed is retried; one that is given up leaves its worktree to cleanup", async () => {
    const { lanes, stateOf, top } = scene();
    await lanes(
      "add-lane",
      "bad",
      JSON.stringify({
        command: `test -e '${join(top, "go")}' || exit 3; echo x > x; git add x; git commit -qm x`,
        retries: 0,
      }),
    );
    expect(await lanes("exec-lane", "bad")).toMatchObject({
      code: 1,
      stdout: "bad is failed: exit code 3; next: lanes log bad; lanes retry bad\n",
    });
    writeFileSync(join(top, "go"), "");
    expect((await lanes("retry", "bad")).stdout).toMatch(/^bad is (?:queued: tried again|starting|running)\n$/);
    expect((await lanes("execute", "bad")).code).toBe(0);
    expect(await lanes("cancel", "bad")).toMatchObject({ code: 0 });
    expect(await stateOf("bad")).toBe("cancelled");
    expect((await lanes("cleanup")).stdout).toMatch(/^kept .*\.worktrees\/bad: /);
    expect(readdirSync(join(top, ".worktrees"))).toContain("bad");
  });

  test("is left alone by --detach; stop-all ends them all", async () => {
    const { lanes, stateOf, top } = scene();
    for (const id of ["one", "two"]) await lanes("add-lane", id, patient(top));
    const detached = await lanes("execute", "--detach");
    expect(detached.code).toBe(0);
    const stopped = await lanes("stop-all");
    expect(stopped.code).toBe(0);
    expect(["paused", "planned"]).toContain(await stateOf("one"));
    expect(["paused", "planned"]).toContain(await stateOf("two"));
    expect((await lanes("stop-all")).stdout).toBe("nothing runs\n");
    expect((await lanes("cancel", "one", "two")).code).toBe(0);
  });
});

describe("what happened", patience, () => {
  test("is told as lines, and as one JSON value a line with what became of it", async () => {
    const { lanes, json } = scene();
    await lanes("add-lane", "docs", "{}");
    const text = await lanes("events");
    expect(text.stdout.replaceAll(/\d{4}-\S+Z/g, "TIME")).toBe(
      "1  TIME  human  repo.initialised  target=main\n2  TIME  human  lane.added  docs\n",
    );
    expect(await json("events", "--since", "1")).toMatchObject({
      position: 2,
      by: "human",
      type: "lane.added",
      key: "docs",
      data: { spec: { name: "docs" } },
      effective: true,
    });
    expect((await lanes("events", "--since", "2")).stdout).toBe("");
  });

  test("is told as it happens, to the end", async () => {
    const { lanes } = scene();
    await lanes("add-lane", "docs", committing("docs.txt"));
    await lanes("launch", "docs");
    const { code, stdout } = await lanes("monitor", "--until-idle");
    expect(code).toBe(0);
    expect(stdout).toMatch(/✓ docs ready\n$/);
    const lines = (await lanes("monitor", "--until-idle", "--json")).stdout;
    expect(JSON.parse(lines)).toMatchObject({ lane: "docs", state: "ready" });
  });

  test("in an agent's own words reaches no terminal as it is", async () => {
    const { lanes } = scene();
    await lanes(
      "add-lane",
      "rude",
      JSON.stringify({ command: String.raw`printf '\033]0;owned\007\033[2Jhello\r\n\233mok\n'` }),
    );
    await lanes("exec-lane", "rude");
    const { stdout } = await lanes("log", "rude");
    // oxlint-disable-next-line no-control-regex -- control characters are what this is about
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u007F-\u009F]/);
    expect(stdout).toContain("hello\n");
  });
});

describe("the engine", patience, () => {
  test("is started, shown, stopped, and is not needed for looking", async () => {
    const { lanes, json } = scene();
    await lanes("init");
    expect((await lanes("engine")).stdout).toBe("none is needed: it starts by itself when there is something to do\n");
    expect((await lanes("engine", "start")).stdout).toMatch(
      /^elected .*: pid \d+, version \S+, token \d+; 0 running\nalive: waits for something to do; last sign of it now\n$/,
    );
    expect(await json("engine", "status")).toMatchObject({ elected: true, running: 0 });
    expect((await lanes("engine", "stop")).stdout).toBe("stopped; agents that run go on\n");
    expect((await lanes("engine", "stop")).stdout).toBe("no engine was running\n");
    expect((await lanes("status")).code).toBe(0);
    expect(await json("engine")).toMatchObject({ elected: false });
  });

  test("runs in the foreground until it has nothing to do", async () => {
    const { lanes, lanesWith } = scene();
    await lanes("init");
    expect(await lanesWith({ env: { LANES_ENGINE_IDLE_MS: "100" } }, "engine", "run")).toEqual({
      code: 0,
      stdout: "",
      stderr: "",
    });
  });
});

describe("reset", patience, () => {
  test("ends everything, archives the records and names what stays", async () => {
    const { lanes, top, git } = scene();
    await lanes("add-lane", "done", committing("done.txt"));
    await lanes("exec-lane", "done");
    await lanes("merge");
    await lanes("add-lane", "mine", '{"agent": "manual"}');
    await lanes("exec-lane", "mine");
    const { code, stdout } = await lanes("reset", "--yes");
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^records archived in .*archive.*\nstays: .*\.worktrees\/mine on lane\/mine\/work \(mine was waiting\)\n$/,
    );
    expect(readdirSync(join(top, ".worktrees"))).toEqual(["mine"]);
    expect(git("show", "main:done.txt")).toBe("done.txt");
    expect((await lanes("status")).stdout).toContain("no lanes yet");
  });

  test("archives a damaged log as it is, and everything begins anew", async () => {
    const { lanes, top, write, read } = scene();
    await lanes("add-lane", "mine", '{"agent": "manual"}');
    await lanes("exec-lane", "mine");
    await lanes("engine", "stop");
    const log = ".orchestration/event-log.jsonl";
    // The lane's first record is gone, another is half there, and the last line is torn.
    const damaged = `\0\0\0\n${read(log).split("\n").slice(2).join("\n").replace('"by"', '"yb"')}{"v":1,"id":`;
    write(log, damaged);
    const { code, stdout } = await lanes("reset", "--yes");
    expect(code).toBe(0);
    const archive = /^records archived in (.*)\n/.exec(stdout)?.[1] ?? "";
    expect(read(join(archive.slice(top.length + 1), "event-log.jsonl")).startsWith(damaged)).toBe(true);
    expect(readdirSync(archive)).toContain("snapshot.json");
    expect(await lanes("reset", "--yes")).toMatchObject({
      code: 0,
      stdout: "nothing to reset: there are no records\n",
    });
    expect((await lanes("add-lane", "mine", "{}")).code).toBe(0);
    expect((await lanes("status")).stdout).toContain("mine");
    expect(readdirSync(join(top, ".worktrees"))).toEqual(["mine"]);
  });
});

describe("lanes alone", patience, () => {
  test("is the status where there is no terminal", async () => {
    const { lanes } = scene();
    await lanes("add-lane", "docs", "{}");
    const timeless = async (...words: readonly string[]): Promise<string> =>
      (await lanes(...words)).stdout.replaceAll(/\bnow|\d+ s\b/g, "AGE");
    expect(await timeless()).toBe(await timeless("status"));
    expect((await lanes("--json")).stdout).toContain('"schemaVersion":1');
    expect((await lanes("--version")).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect((await lanes("--help")).stdout).toContain("Examples:");
  });

  test("works from a sub-folder, from a lane, and with --repo from anywhere", async () => {
    const { lanes, lanesWith, write, top } = scene();
    write("deep/er/x", "");
    await lanes("add-lane", "mine", '{"agent": "manual"}');
    await lanes("exec-lane", "mine");
    for (const cwd of [join(top, "deep", "er"), join(top, ".worktrees", "mine")]) {
      expect((await lanesWith({ cwd }, "status")).stdout).toContain("mine");
    }
    expect((await lanesWith({ cwd: "/" }, "status", "--repo", top)).stdout).toContain("mine");
    expect((await lanesWith({ env: { LANG: "C" } }, "status")).stdout).toContain("! waiting");
  });
});
