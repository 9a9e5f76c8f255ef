import { spawn } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { processRow, startedWith } from "../../src/host/process-table.ts";
import { createHost } from "../../src/host/process.ts";
import { killNow, launcherOf, makePlace, seenAs, until, writeScript } from "./living.ts";
import type { Place } from "./living.ts";

const assets = fileURLToPath(new URL("../../assets", import.meta.url));

const openFiles = (pid: number): readonly string[] =>
  readdirSync(`/proc/${pid}/fd`).map((each) => readlinkSync(`/proc/${pid}/fd/${each}`));

describe("the launcher", () => {
  let place: Place;
  beforeEach(() => {
    place = makePlace();
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await place.end();
  });

  test("outlives the process that started it, from a bundle too, and keeps nothing of it open", async () => {
    const { host, home, state, work, pidIn } = place;
    cpSync(assets, join(home, "assets"), { recursive: true });
    const outfile = join(home, "dist", "host.mjs");
    const entry = fileURLToPath(new URL("../../src/host/process.ts", import.meta.url));
    await build({ entryPoints: [entry], outfile, bundle: true, format: "esm", platform: "node" });
    const script = "echo $$ >pid; until [ -e go ]; do sleep 0.01; done; exit 3";
    const spec = { run: "demo-1", lane: "demo", cwd: work, argv: ["sh", "-c", script], env: {} };
    const starter = writeScript(join(home, "starter.mjs"), [
      'import { createHost } from "./dist/host.mjs";',
      `const host = createHost(${JSON.stringify({ state, home, entry: [] })});`,
      'host.announce("viewer");',
      `await host.start(${JSON.stringify(spec)});`,
    ]);
    // Node itself shields only the first descriptors.
    const high = Array.from({ length: 40 }, (_, index) =>
      index === 39 ? openSync(starter, "r") : ("ignore" as const),
    );
    const child = spawn(process.execPath, [starter], { stdio: high });
    await until("the starter to end", () => child.exitCode !== null);
    expect(child.exitCode).toBe(0);
    expect([readdirSync(join(state, "viewers")), host.announced()]).toEqual([[], []]);
    const agent = await pidIn("pid");
    expect(await seenAs(host, "alive")).toMatchObject({ process: { pid: agent } });
    expect(processRow(agent)).toMatchObject({ parent: launcherOf(place), session: launcherOf(place) });
    expect(openFiles(agent)).not.toContain(starter);
    writeFileSync(join(work, "go"), "");
    expect(await seenAs(host, "exited")).toMatchObject({ code: 3 });
  });

  test("is not ended by signals before it has written how the agent ended", async () => {
    const { host, start, said, work } = place;
    await start("echo >ready; until [ -e go ]; do sleep 0.01; done; exit 4");
    await said("ready");
    for (const signal of ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM"] as const) process.kill(launcherOf(place), signal);
    writeFileSync(join(work, "go"), "");
    expect(await seenAs(host, "exited")).toMatchObject({ code: 4 });
  });

  test("leaves no signal ignored or blocked in the agent", async () => {
    const { start, said } = place;
    await start("grep -E '^Sig(Ign|Blk)' /proc/self/status >signals");
    expect((await said("signals")).split(/\s+/)).toEqual([
      "SigBlk:",
      "0000000000000000",
      "SigIgn:",
      "0000000000000000",
    ]);
  });

  test("gives the agent the way to the output, no terminal, and the user's own umask; what it writes itself is private", async () => {
    const { start, said, state, pidIn } = place;
    await start("sleep 1000 & echo $! >pid; umask >umask; wait");
    const agent = await pidIn("pid");
    const log = join(state, "runs", "demo-1", "log");
    // The program loader has libraries open for a moment.
    await until("nothing but the output to be open", () => {
      const open = openFiles(agent).filter((path) => path !== "/dev/null");
      return open.length === 2 && open.every((path) => path === join(log, "..", "pipe"));
    });
    expect(await said("umask")).toMatch(new RegExp(`^0*${process.umask().toString(8)}$`));
    const [, , , , terminal] = readFileSync(`/proc/${agent}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    expect(terminal).toBe("0");
    const modes = [log, join(log, "..", "start"), join(log, "..")].map((path) => statSync(path).mode & 0o777);
    expect(modes).toEqual([0o600, 0o600, 0o700]);
  });

  test("works on when its file is replaced meanwhile", async () => {
    const { home, work, said } = place;
    const copy = join(home, "launcher.sh");
    copyFileSync(join(assets, "launcher.sh"), copy);
    const run = join(home, "run");
    const argv = [
      copy,
      run,
      work,
      "-",
      "67108864",
      "--",
      "sh",
      "-c",
      "echo >ready; until [ -e go ]; do sleep 0.01; done; exit 6",
    ];
    const launcher = spawn("sh", argv, {
      cwd: home,
      stdio: "ignore",
      detached: true,
      env: { ...process.env, LANES_RUN: home },
    });
    await said("ready");
    writeFileSync(copy, "echo >oops\n".repeat(1000));
    writeFileSync(join(work, "go"), "");
    await until("the launcher to end", () => launcher.exitCode !== null);
    expect(readFileSync(join(run, "exit"), "utf8")).toContain("\ncode 6\n");
    expect(readdirSync(home)).not.toContain("oops");
  });

  test("is reported when it can make no folder", async () => {
    const { host, home, start, work } = place;
    writeFileSync(join(home, "plain"), "");
    await start("true");
    const blind = createHost({ state: place.state, home, entry: [], shell: ["sh", "-c", "exit 73"] });
    await expect(blind.start({ run: "demo-2", lane: "demo", cwd: work, argv: ["true"], env: {} })).rejects.toThrow(
      "cannot make",
    );
    const none = createHost({ state: place.state, home, entry: [], shell: [join(home, "no-shell")] });
    await expect(none.start({ run: "demo-2", lane: "demo", cwd: work, argv: ["true"], env: {} })).rejects.toThrow(
      "ENOENT",
    );
    await seenAs(host, "exited");
  });
});

describe("a started engine", () => {
  let place: Place;
  beforeEach(() => {
    place = makePlace();
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await place.end();
  });

  test("is detached, knows its repository and settings, and belongs to no run", async () => {
    const { host, home, state, said, work } = place;
    writeScript(join(home, "lanes.mjs"), [
      'import { writeFileSync } from "node:fs";',
      "const seen = { argv: process.argv.slice(2), cwd: process.cwd(), env: process.env, pid: process.pid };",
      `writeFileSync(${JSON.stringify(join(work, "engine"))}, JSON.stringify(seen) + "\\n");`,
      "setTimeout(() => {}, 600_000);",
    ]);
    const values = {
      LANES_MAX_RUNS: "3",
      XDG_STATE_HOME: "/x",
      LANES_RUN: "r",
      LANES_LANE: "l",
      LANES_TASKS: "t",
      npm_x: "n",
    };
    for (const [name, value] of Object.entries(values)) vi.stubEnv(name, value);
    mkdirSync(state, { recursive: true });
    host.spawnEngine();
    const seen = JSON.parse(await said("engine")) as {
      argv: string[];
      cwd: string;
      env: Record<string, string>;
      pid: number;
    };
    expect(seen).toMatchObject({ argv: ["--repo", home, "engine", "run"], cwd: home });
    expect(seen.env).toMatchObject({ LANES_MAX_RUNS: "3", XDG_STATE_HOME: "/x", LANES_RUN: `${state}:` });
    for (const absent of ["LANES_LANE", "LANES_TASKS", "npm_x"]) expect(seen.env).not.toHaveProperty(absent);
    expect(processRow(seen.pid)).toMatchObject({ session: seen.pid });
    expect(startedWith(seen.pid, "LANES_RUN")).toBe(`${state}:`);
    await killNow([seen.pid]);
  });
});
