import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { launcherOf, lives, makePlace, seenAs, until } from "../host/living.ts";
import type { Place } from "../host/living.ts";

/** What every host has to do, whatever it keeps runs in. */
export const hostContract = (name: string, shell: readonly string[]): void => {
  describe(`a host of ${name}`, () => {
    let place: Place;
    beforeEach(() => {
      place = makePlace(shell);
    });
    afterEach(async () => {
      vi.unstubAllEnvs();
      await place.end();
    });
    outcomes(() => place);
    handOver(() => place);
    reading(() => place);
    bounded(() => place);
    ending(() => place);
  });
};

const outcomes = (of: () => Place): void => {
  test("records how a run ended, and when", async () => {
    const { host, start } = of();
    expect(host.seen("demo-1")).toEqual({ is: "absent" });
    const before = Date.now();
    await start("exit 7");
    expect(host.seen("demo-1").is).not.toBe("absent");
    const seen = await seenAs(host, "exited");
    expect(seen).toMatchObject({ code: 7, process: { boot: host.self().boot } });
    expect(seen).not.toHaveProperty("signal");
    // The launcher's clock may count whole seconds.
    expect(seen.startedAt).toBeGreaterThan(before - 1000);
    expect(seen.endedAt).toBeGreaterThanOrEqual(seen.startedAt);
    expect(seen.endedAt).toBeLessThanOrEqual(Date.now());
  });

  test.runIf(existsSync("/proc/uptime"))("knows how long a run took although the clock was set meanwhile", async () => {
    const { host, home, start, work } = of();
    const hour = 3_600_000;
    mkdirSync(join(home, "bin"));
    // The first moment is an hour ahead, each later one an hour back.
    const script = [
      `#!/bin/sh`,
      `cat ${home}/bin/now || echo ${Date.now() + hour}`,
      `echo ${Date.now() - hour} >${home}/bin/now`,
    ];
    writeFileSync(join(home, "bin", "date"), script.join("\n"), { mode: 0o755 });
    vi.stubEnv("PATH", `${join(home, "bin")}:${process.env["PATH"]}`);
    await start("until [ -e go ]; do sleep 0.01; done");
    const alive = await seenAs(host, "alive");
    expect(alive.startedAt).toBeGreaterThan(Date.now() + hour / 2);
    expect([alive.ageMs >= 0, alive.ageMs < hour / 2]).toEqual([true, true]);
    writeFileSync(join(work, "go"), "");
    const seen = await seenAs(host, "exited");
    expect(seen.endedAt).toBeLessThan(seen.startedAt);
    expect([seen.ranMs >= 0, seen.ranMs < hour / 2]).toEqual([true, true]);
  });

  test("names the signal that ended a run", async () => {
    const { host, start } = of();
    await start("exec sleep 1000");
    const { process: agent } = await seenAs(host, "alive");
    expect(host.alive(agent)).toBe(true);
    process.kill(agent.pid, "SIGKILL");
    expect(await seenAs(host, "exited")).toMatchObject({ code: 137, signal: "SIGKILL", process: agent });
    expect(host.alive(agent)).toBe(false);
  });

  test("shows a stopped run as alive, and lets it go on", async () => {
    const { host, start, work } = of();
    await start("until [ -e go ]; do sleep 0.01; done; exit 8");
    const { process: agent } = await seenAs(host, "alive");
    process.kill(agent.pid, "SIGSTOP");
    await until("it to stop", () => host.frozen(agent));
    writeFileSync(join(work, "go"), "");
    expect([host.alive(agent), host.seen("demo-1").is]).toEqual([true, "alive"]);
    process.kill(agent.pid, "SIGCONT");
    await until("it to go on", () => !host.frozen(agent));
    expect(await seenAs(host, "exited")).toMatchObject({ code: 8 });
  });

  test("runs only once what is started twice under one name", async () => {
    const { host, start, said, work } = of();
    const script = "echo $$ >>pids; exec sleep 1000";
    await Promise.all([start(script), start(script), start(script)]);
    await said("pids");
    await start(script);
    await host.stop("demo-1", 5000);
    expect((await said("pids")).split("\n")).toHaveLength(1);
    expect(readdirSync(work)).toEqual(["pids"]);
  });

  test("says in the output why a run could not begin", async () => {
    const { host, start, work } = of();
    await start("true", { run: "no-folder-1", cwd: join(work, "gone") });
    await start("true", { run: "no-command-1", argv: ["no-such-command-at-all"] });
    expect(await seenAs(host, "exited", "no-folder-1")).toMatchObject({ code: 127 });
    expect(await seenAs(host, "exited", "no-command-1")).toMatchObject({ code: 127 });
    expect(await host.tail("no-folder-1", 1000)).toContain("gone");
    expect(await host.tail("no-command-1", 1000)).toContain("no-such-command-at-all");
  });

  test("refuses names, folders and commands that are none", async () => {
    const { host, start, state } = of();
    await expect(start("true", { run: "../demo" })).rejects.toThrow("not a name");
    await expect(start("true", { argv: ["-c", "true"] })).rejects.toThrow("not a command");
    await expect(start("true", { argv: [] })).rejects.toThrow("not a command");
    await expect(start("true", { cwd: "work" })).rejects.toThrow("not an absolute path");
    await expect(start("true", { argv: ["echo", "x".repeat(3_000_000)] })).rejects.toThrow("E2BIG");
    await expect(host.brief("a/b", "")).rejects.toThrow("not a name");
    await expect(host.lend("", [])).rejects.toThrow("not a name");
    expect(() => host.seen("..")).toThrow("not a name");
    expect(readdirSync(state)).not.toContain("lent");
  });
};

const handOver = (of: () => Place): void => {
  test("hands arguments over as they are", async () => {
    const { start, said } = of();
    const hard = ["", " two  words ", 'it\'s "quoted"', "-n", "--", "$HOME `id` \\", "line\nbreak\n", "*", "ünï€𝒞"];
    await start("", { argv: [process.execPath, "-e", writeJson("process.argv.slice(1)"), "--", ...hard] });
    expect(JSON.parse(await said("json"))).toEqual(hard);
  });

  test("shows a run the usual variables and those of its start, and nothing else", async () => {
    const { start, said, home, state, work } = of();
    for (const name of ["npm_config_registry", "SECRET_TOKEN", "LANES_MAX_RUNS", "NODE_OPTIONS"]) vi.stubEnv(name, "");
    vi.stubEnv("LC_TIME", "C");
    vi.stubEnv("TERM", "xterm-256color");
    vi.stubEnv("LANES_RUN", "another");
    await start("", {
      argv: [process.execPath, "-e", writeJson("process.env")],
      env: { LANES_TASKS: "t", LANES_LANE: "x" },
    });
    const seen = JSON.parse(await said("json")) as Record<string, string>;
    expect(seen).toMatchObject({
      LANES_LANE: "demo",
      LANES_REPO: home,
      LANES_NAME: expect.stringMatching(/^lanes-demo-[0-9a-f]{8}$/) as string,
      LANES_RUN: `${state}:demo-1`,
      LANES_TASKS: "t",
      PATH: process.env["PATH"],
      LC_TIME: "C",
      TERM: "dumb",
      PWD: work,
    });
    const usual =
      /^(?:PATH|HOME|USER|LOGNAME|SHELL|LANG|TZ|TMPDIR|SSH_AUTH_SOCK|NODE_EXTRA_CA_CERTS|(?:LC|XDG)_.*|.*_proxy|.*_PROXY)$/;
    const others = Object.keys(seen).filter((each) => !usual.test(each));
    // A shell adds PWD, and bash its level and its last command.
    const expected = ["LANES_LANE", "LANES_NAME", "LANES_REPO", "LANES_RUN", "LANES_TASKS", "PWD", "TERM"];
    expect(others.filter((each) => !["SHLVL", "_"].includes(each)).toSorted()).toEqual(expected);
  });

  test("lends values of the asking shell once, whatever is in them", async () => {
    const { host, start, said, state } = of();
    const hard = "it's\n$HOME `id` \"\\\n\ttail ü\u0001\n\n";
    for (const name of ["TOKEN", "mask", "agent", "lent"]) vi.stubEnv(name, `${name} ${hard}`);
    for (const name of ["LANES_RUN", "PPID"]) vi.stubEnv(name, "not lent");
    vi.stubEnv("LC_TIME", "asked");
    vi.stubEnv("NOT_NAMED", "secret");
    const lent = await host.lend("demo", ["TOKEN", "mask", "agent", "lent", "NOT_SET", "LANES_RUN", "PPID"]);
    expect(statSync(join(state, "lent", lent)).mode & 0o777).toBe(0o600);
    expect(statSync(join(state, "lent")).mode & 0o777).toBe(0o700);
    vi.unstubAllEnvs();
    await start("", { argv: [process.execPath, "-e", writeJson("process.env")], lent });
    const seen = JSON.parse(await said("json")) as Record<string, string>;
    expect(seen).toMatchObject({
      TOKEN: `TOKEN ${hard}`,
      mask: `mask ${hard}`,
      lent: `lent ${hard}`,
      LC_TIME: "asked",
    });
    expect(seen).toMatchObject({ agent: `agent ${hard}`, LANES_RUN: `${state}:demo-1` });
    for (const absent of ["NOT_SET", "NOT_NAMED", "PPID"]) expect(seen).not.toHaveProperty(absent);
    expect(readdirSync(join(state, "lent"))).toEqual([]);
  });

  test("forgets what was lent to a lane when it is lent anew, and only to that lane", async () => {
    const { host, state } = of();
    await host.lend("demo", []);
    const kept = [await host.lend("demo-2", []), await host.lend("demo", [])];
    expect(readdirSync(join(state, "lent")).toSorted()).toEqual(kept.toSorted());
    expect([host.lent("demo-2"), host.lent("demo"), host.lent("de")]).toEqual([...kept, undefined]);
  });

  test("goes on without values that are gone, and says so", async () => {
    const { host, start } = of();
    await start("exit 3", { lent: "demo-0123456789abcdef" });
    expect(await seenAs(host, "exited")).toMatchObject({ code: 3 });
    expect(await host.tail("demo-1", 1000)).toContain("the variables lent to this run are gone");
  });
};

const writeJson = (what: string): string => `fs.writeFileSync("json", JSON.stringify(${what}) + "\\n")`;

const mib = 1024 * 1024;

/** Everything that `output` gives from the start on. */
const readAll = async (host: Place["host"]): Promise<string> => {
  let text = "";
  for (let from = 0; ;) {
    const part = await host.output("demo-1", from);
    if (part.next === from) return text;
    text += part.text;
    from = part.next;
  }
};

const bounded = (of: () => Place): void => {
  test("keeps the beginning and the end of much output, and says what lies between", async () => {
    const { host, start, state } = of();
    await start("i=100000; while [ $i -lt 400000 ]; do echo line $i ü; i=$((i + 1)); done", { outputBytesMax: mib });
    await seenAs(host, "exited");
    const folder = join(state, "runs", "demo-1");
    const sizes = readdirSync(folder).map((name) => statSync(join(folder, name)).size);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(mib);
    const text = await readAll(host);
    expect(text.startsWith("line 100000 ü\n")).toBe(true);
    expect(text.endsWith("line 399999 ü\n")).toBe(true);
    const [, before = "", left = "", after = ""] =
      /^([^]*)\n\[lanes: (\d+) bytes of output were not kept\]\n([^]*)$/.exec(text) ?? [];
    expect(Buffer.byteLength(before) + Number(left) + Buffer.byteLength(after)).toBe(300_000 * 15);
    expect(Buffer.byteLength(before)).toBeGreaterThan(mib / 5);
    expect(Buffer.byteLength(after)).toBeGreaterThan(mib / 5);
    expect(text).not.toContain("\uFFFD");
    const tail = await host.tail("demo-1", 200_000);
    expect(after.endsWith(tail)).toBe(true);
    expect(tail.length).toBeGreaterThan(150_000);
  });

  test("holds no agent up whose output cannot be kept", async () => {
    const { start, said, state } = of();
    await start("until [ -e go ]; do sleep 0.01; done; head -c 3000000 /dev/zero; echo done >done", {
      outputBytesMax: mib,
    });
    const folder = join(state, "runs", "demo-1");
    await until("the start file", () => existsSync(join(folder, "start")));
    renameSync(folder, `${folder}-moved`);
    writeFileSync(join(of().work, "go"), "");
    expect(await said("done")).toBe("done");
  });

  test("ends a run although something that it left behind may still print", async () => {
    const { host, start, pidIn } = of();
    await start("sleep 1000 & echo $! >pid; echo last; exit 5");
    expect(await seenAs(host, "exited")).toMatchObject({ code: 5 });
    expect(await host.tail("demo-1", 100)).toBe("last\n");
    expect(lives(await pidIn("pid"))).toBe(true);
  });
};

const reading = (of: () => Place): void => {
  test("reads output piece by piece and from the end", async () => {
    const { host, start } = of();
    await start(
      "echo out; echo err >&2; printf 'h\\303'; : >half; until [ -e go ]; do sleep 0.01; done; printf '\\244l\\n'",
    );
    await until("both lines", () => host.seen("demo-1").is === "alive" && readdirSync(of().work).includes("half"));
    // What is printed is on its way for a moment.
    const first = await vi.waitFor(async () => {
      const seen = await host.output("demo-1", 0);
      expect(seen).toEqual({ text: "out\nerr\nh", next: 9 });
      return seen;
    });
    writeFileSync(join(of().work, "go"), "");
    await seenAs(host, "exited");
    expect(await host.output("demo-1", first.next)).toEqual({ text: "äl\n", next: 13 });
    expect(await host.output("demo-1", 13)).toEqual({ text: "", next: 13 });
    expect(await host.output("demo-1", 99)).toEqual({ text: "", next: 13 });
    expect([await host.tail("demo-1", 3), await host.tail("demo-1", 99)]).toEqual(["l\n", "out\nerr\nhäl\n"]);
    expect([await host.tail("other-1", 9), await host.output("other-1", 0)]).toEqual(["", { text: "", next: 0 }]);
  });

  test("gives at most 256 KiB of output a call", async () => {
    const { host, start } = of();
    await start("head -c 600000 /dev/zero");
    await seenAs(host, "exited");
    let from = 0;
    const sizes: number[] = [];
    for (let size = -1; size !== 0; sizes.push(size)) {
      const { text, next } = await host.output("demo-1", from);
      size = text.length;
      from = next;
    }
    expect(sizes).toEqual([262_144, 262_144, 75_712, 0]);
    expect(await host.tail("demo-1", 1e9)).toHaveLength(262_144);
  });

  test("reads no output through what an agent put in its place", async () => {
    const { host, start, said, state } = of();
    await start("rm $LOG; mkfifo $LOG; echo >done", { env: { LOG: join(state, "runs", "demo-1", "log") } });
    await said("done");
    expect([await host.tail("demo-1", 9), await host.output("demo-1", 0)]).toEqual(["", { text: "", next: 0 }]);
    const exit = join(state, "runs", "demo-2", "exit");
    await start("mkfifo $EXIT; echo >done2; exec sleep 1000", { run: "demo-2", env: { EXIT: exit } });
    await said("done2");
    expect(host.seen("demo-2").is).toBe("alive");
  });

  test("tells that a run began, wrote and ended, so that who then looks sees it", async () => {
    const { host, start, state, work } = of();
    mkdirSync(state);
    let last = "";
    const release = host.watch(() => {
      const log = statSync(join(state, "runs", "demo-1", "log"), { throwIfNoEntry: false });
      last = `${host.seen("demo-1").is} ${log?.size}`;
    }, "demo-1");
    await start("echo began; until [ -e go ]; do sleep 0.01; done; echo went; until [ -e end ]; do sleep 0.01; done");
    await until("the begin to be told", () => last === "alive 6");
    writeFileSync(join(work, "go"), "");
    await until("the output to be told", () => last === "alive 11");
    writeFileSync(join(work, "end"), "");
    await until("the end to be told", () => last === "exited 11");
    release();
    expect(host.seen("demo-1")).toMatchObject({ code: 0 });
  });

  test("tells which runs began and ended, and nothing of what they print", async () => {
    const { host, start, said, state, work } = of();
    mkdirSync(state);
    const told: string[] = [];
    let last = "";
    const release = host.watch((runs) => {
      told.push(...runs);
      last = host.seen("demo-1").is;
    });
    await start(
      "echo >ready; until [ -e go ]; do sleep 0.01; done; for i in 1 2 3 4 5; do echo $i; sleep 0.1; done; echo >said; until [ -e end ]; do sleep 0.01; done",
    );
    await said("ready");
    await until("the begin to be told", () => last === "alive");
    const before = told.length;
    writeFileSync(join(work, "go"), "");
    await said("said");
    expect(told.slice(before)).toEqual([]);
    writeFileSync(join(work, "end"), "");
    await until("the end to be told", () => last === "exited");
    release();
    expect(new Set(told)).toEqual(new Set(["demo-1"]));
  });

  test("places an agent's files where only the user can read them, and nowhere else", async () => {
    const { host } = of();
    await host.place("demo-1", [{ name: "settings.json", text: "{}" }]);
    const path = join(host.placeOf("demo-1"), "settings.json");
    expect(readFileSync(path, "utf8")).toBe("{}");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await host.place("demo-1", [{ name: "settings.json", text: "[]" }]);
    expect(readFileSync(path, "utf8")).toBe("[]");
    for (const name of ["../x.json", "a/b.json", "x", ""])
      await expect(host.place("demo-1", [{ name, text: "" }])).rejects.toThrow("not a file's name");
    expect(() => host.placeOf("../x")).toThrow("not a name");
  });

  test("writes briefs that only the user can read", async () => {
    const { host } = of();
    const path = await host.brief("demo-1", '{"lane":"demo"}');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(await host.brief("demo-1", "{}")).toBe(path);
    expect(statSync(path).size).toBe(2);
  });

  test("knows who announced itself, until it is released or dead", async () => {
    const { host, state } = of();
    expect(host.announced()).toEqual([]);
    const release = host.announce("viewer");
    expect(host.announced()).toEqual([host.self()]);
    writeFileSync(join(state, "viewers", "1-dead"), JSON.stringify({ ...host.self(), start: "0" }));
    mkdirSync(join(state, "viewers", "folder"));
    expect(host.announced()).toEqual([host.self()]);
    rmdirSync(join(state, "viewers", "folder"));
    release();
    expect(host.announced()).toEqual([]);
    expect(readdirSync(join(state, "viewers"))).toEqual([]);
  });
};

const ending = (of: () => Place): void => {
  test("ends a run that obeys, and keeps the record of it", async () => {
    const { host, start, said } = of();
    await start("trap 'echo bye >last; exit 5' TERM; echo >ready; while :; do sleep 0.01; done");
    await said("ready");
    expect(await host.stop("demo-1", 60_000)).toEqual([]);
    expect(host.seen("demo-1")).toMatchObject({ is: "exited", code: 5 });
    expect(await said("last")).toBe("bye");
    expect(await host.stop("demo-1", 0)).toEqual([]);
  });

  test("ends a run that has only just begun", async () => {
    const { host, start } = of();
    await start("exec sleep 1000");
    expect(await host.stop("demo-1", 60_000)).toEqual([]);
    expect(host.seen("demo-1")).toMatchObject({ is: "exited", signal: "SIGTERM" });
  });

  test("kills a run that does not obey", async () => {
    const { host, start, said } = of();
    await start("trap '' TERM; echo >ready; while :; do sleep 0.01; done");
    await said("ready");
    expect(await host.stop("demo-1", 100)).toEqual([]);
    expect(host.seen("demo-1")).toMatchObject({ is: "exited", signal: "SIGKILL" });
  });

  test("does nothing about a run that never was", async () => {
    expect(await of().host.stop("demo-1", 0)).toEqual([]);
  });

  test("sees that nobody knows how a run ended, and who of it is left", async () => {
    const { host, start, pidIn } = of();
    await start("sleep 1000 & echo $! >child; wait");
    const child = await pidIn("child");
    const { process: agent } = await seenAs(host, "alive");
    process.kill(launcherOf(of()), "SIGKILL");
    const seen = await seenAs(host, "vanished");
    expect(seen).toMatchObject({ process: agent });
    const byNumber = (a: number, b: number): number => a - b;
    expect(seen.survivors.toSorted(byNumber)).toEqual([agent.pid, child].toSorted(byNumber));
    expect(await host.stop("demo-1", 5000)).toEqual([]);
    expect([agent.pid, child].filter(lives)).toEqual([]);
    expect(host.seen("demo-1")).toMatchObject({ is: "vanished", survivors: [] });
  });
};
