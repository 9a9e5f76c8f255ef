// What the control center sees of 200 lanes: how soon a commit in a lane is on the screen, and what it costs to see nothing.
// By itself: node test/bench/sight.mjs [SECONDS OF IDLING]
import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";

import pty from "@lydell/node-pty";
import xterm from "@xterm/headless";
import { build } from "esbuild";

const self = fileURLToPath(import.meta.url);
const root = join(dirname(self), "..", "..");
const program = join(root, "bin", "lanes.js");
const [lanes, commits] = [200, 40];
const [columns, rows] = [160, 50];
const run = promisify(execFile);

const nameOf = (n) => `lane-${String(n).padStart(3, "0")}`;
const sleep = async (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The library half of our sources, so that one process adds all lanes: 200 verbs would take minutes. */
const openLibrary = async (repo) => {
  const outfile = join(root, "node_modules", ".cache", "lanekeeper-bench", "sight.mjs");
  mkdirSync(dirname(outfile), { recursive: true });
  const contents = 'export * from "./src/main/wire.ts"; export * from "./src/core/lane-spec.ts";';
  const stdin = { contents, resolveDir: root, loader: "ts" };
  await build({ stdin, outfile, bundle: true, platform: "node", format: "esm", packages: "external" });
  const { parseSpec, shellOf } = await import(pathToFileURL(outfile).href);
  return { parseSpec, library: await shellOf("0.0.0", root).engine(repo) };
};

/** A repository with 200 lanes, each with an agent that lives and is silent, and an engine of its own. */
const makeRepository = async (home, env) => {
  const repo = join(home, "repo");
  execFileSync("git", ["init", "-q", "-b", "main", repo], { env });
  writeFileSync(join(repo, "lanes.config.json"), JSON.stringify({ maxRuns: lanes }));
  for (let n = 0; n < 50; n += 1) writeFileSync(join(repo, `file-${n}.txt`), `${n}\n`);
  execFileSync("git", ["-C", repo, "config", "user.name", "Bench"], { env });
  execFileSync("git", ["-C", repo, "config", "user.email", "bench@example.invalid"], { env });
  execFileSync("git", ["-C", repo, "add", "."], { env });
  execFileSync("git", ["-C", repo, "commit", "-q", "-m", "Begin"], { env });
  const call = async (...words) => run(process.execPath, [program, ...words], { cwd: repo, env });
  const { parseSpec, library } = await openLibrary(repo);
  const all = Array.from({ length: lanes }, (_, n) => nameOf(n));
  const given = { tasks: ["measure"], command: ["sleep", "86400"], retries: 0 };
  await call("init");
  await library.refresh();
  await library.execute({ type: "add", lanes: all.map((id) => ({ id, spec: parseSpec(id, given).spec })) });
  await call("launch", ...all);
  for (;;) {
    const { lanes: seen } = await library.refresh();
    const states = [...seen.values()].map(({ state }) => state);
    if (states.every((state) => state === "running")) break;
    if (states.includes("failed")) throw new Error("a lane failed to start");
    await sleep(250);
  }
  return { repo, call };
};

/** Clock ticks of processor time that a process and its children that ended have taken. */
const ticksOf = (pid) => {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const [utime, stime, cutime, cstime] = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .slice(11, 15)
    .map(Number);
  return utime + stime + cutime + cstime;
};

/** Commits in lanes that are in sight, one after another: ms until the screen shows each. Then nothing, for a while. */
const measure = async (repo, env, engine, idleSeconds) => {
  const screen = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true });
  let bytes = 0;
  let told = () => undefined;
  const child = pty.spawn(process.execPath, [program], { cols: columns, rows, cwd: repo, env });
  child.onData((text) => {
    bytes += Buffer.byteLength(text);
    const at = performance.now();
    screen.write(text, () => told(at));
  });
  const text = () =>
    Array.from({ length: rows }, (_, row) => screen.buffer.active.getLine(row)?.translateToString(true) ?? "");
  const until = async (holds) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`never shown:\n${text().join("\n")}`)), 20_000);
      told = (at) => {
        if (!holds(text())) return;
        clearTimeout(timer);
        told = () => undefined;
        resolve(at);
      };
      told(performance.now());
    });
  await until((shown) => shown.some((line) => line.includes(nameOf(3))));
  await sleep(3000);
  const took = [];
  for (let n = 0; n < commits; n += 1) {
    const id = nameOf(n % 8);
    const mark = new RegExp(`${id}.*\\+${Math.floor(n / 8) + 1}\\b`);
    const seen = until((shown) => shown.some((line) => mark.test(line)));
    const words = ["-C", join(repo, ".worktrees", id), "commit", "-q", "--allow-empty", "-m", `Step ${n}`];
    await run("git", words, { env });
    const begin = performance.now();
    took.push(Math.max(0, (await seen) - begin));
    await sleep(150 + 37 * (n % 11));
  }
  await sleep(5000);
  const [before, sent, begin] = [ticksOf(child.pid) + ticksOf(engine), bytes, performance.now()];
  await sleep(idleSeconds * 1000);
  const seconds = (performance.now() - begin) / 1000;
  const share = (ticksOf(child.pid) + ticksOf(engine) - before) / 100 / seconds;
  const idle = { share, bytes: bytes - sent, seconds };
  child.kill("SIGKILL");
  return { took: took.toSorted((a, b) => a - b), idle };
};

/** `{name, ratio, detail}` of what the screen sees: absolute figures, because they are what a person feels. */
export const sightOfLanes = async (idleSeconds = 60) => {
  const home = mkdtempSync(join(tmpdir(), "lanes-bench-"));
  const { NODE_EXTRA_CA_CERTS: _unused, ...rest } = process.env;
  const env = {
    ...rest,
    HOME: home,
    XDG_CONFIG_HOME: join(home, "c"),
    XDG_STATE_HOME: join(home, "s"),
    LANG: "C.UTF-8",
    TERM: "xterm-256color",
  };
  try {
    const { repo, call } = await makeRepository(home, env);
    const { pid } = JSON.parse((await call("engine", "status", "--json")).stdout);
    const { took, idle } = await measure(repo, env, pid, idleSeconds);
    await call("stop", "--all");
    await call("engine", "stop");
    const p95 = took[Math.ceil(took.length * 0.95) - 1];
    const detail = `${took.length} commits among ${lanes} lanes: p50 ${took[Math.floor(took.length / 2)].toFixed(0)} ms, p95 ${p95.toFixed(0)} ms`;
    const idleDetail = `${idle.seconds.toFixed(0)} s with ${lanes} lanes, screen and engine, git's children counted; ${idle.bytes} bytes to the terminal`;
    return [
      { name: "commit-seen", ratio: p95, detail },
      { name: "idle-share", ratio: idle.share * 100, detail: idleDetail },
      { name: "idle-bytes", ratio: idle.bytes, detail: idleDetail },
    ];
  } finally {
    rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
};

if (process.argv[1] === self)
  for (const { name, ratio, detail } of await sightOfLanes(Number(process.argv[2] ?? 60)))
    process.stdout.write(`${name}: ${ratio.toFixed(2)}; ${detail}; Node ${process.versions.node}\n`);
