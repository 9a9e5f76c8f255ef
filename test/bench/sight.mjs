// What the control center sees of 200 lanes: how soon a commit in a lane is on the screen, and what it costs to see nothing.
// LANES_IDLE_MINUTES: how long nothing happens, 1 when absent. By itself: node test/bench/sight.mjs
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import pty from "@lydell/node-pty";
import xterm from "@xterm/headless";

import { makeRepository, program, quantile, sleep } from "./library.mjs";

const [lanes, commits] = [200, 40];
const [columns, rows] = [160, 50];
const commit = promisify(execFile);
const idleSeconds = 60 * (Number(process.env["LANES_IDLE_MINUTES"]) || 1);

const nameOf = (n) => `lane-${String(n).padStart(3, "0")}`;

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
const measure = async (repo, env, engine) => {
  const screen = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true });
  const sent = { all: 0, ages: 0 };
  let told = () => undefined;
  const child = pty.spawn(process.execPath, [program], { cols: columns, rows, cwd: repo, env });
  child.onData((text) => {
    sent.all += Buffer.byteLength(text);
    // Ages are counted in minutes, and written at their edges.
    if (Date.now() % 60_000 < 3000) sent.ages += Buffer.byteLength(text);
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
    const mark = new RegExp(` ${id} running .*↑${Math.floor(n / 8) + 1} `);
    const seen = until((shown) => shown.some((line) => mark.test(line)));
    const words = ["-C", join(repo, ".worktrees", id), "commit", "-q", "--allow-empty", "-m", `Step ${n}`];
    await commit("git", words, { env });
    const begin = performance.now();
    took.push(Math.max(0, (await seen) - begin));
    await sleep(150 + 37 * (n % 11));
  }
  await sleep(5000);
  const [before, sentBefore, begin] = [ticksOf(child.pid) + ticksOf(engine), { ...sent }, performance.now()];
  await sleep(idleSeconds * 1000);
  const seconds = (performance.now() - begin) / 1000;
  const share = (ticksOf(child.pid) + ticksOf(engine) - before) / 100 / seconds;
  const ages = sent.ages - sentBefore.ages;
  const idle = { share, ages, bytes: sent.all - sentBefore.all - ages, seconds };
  child.write("q");
  return { took, idle };
};

/** `{name, ratio, detail}` of what the screen sees: absolute figures, because they are what a person feels. */
export const sightOfLanes = async () => {
  const { repo, env, call, launch, end } = await makeRepository({ maxRuns: lanes });
  try {
    await launch(...Array.from({ length: lanes }, (_, n) => nameOf(n)));
    const { pid } = JSON.parse((await call("engine", "status", "--json")).stdout);
    const { took, idle } = await measure(repo, env, pid);
    const seen = `${took.length} commits among ${lanes} lanes, screen of ${columns}x${rows}: ${quantile(took, 0.5).toFixed(0)} ms (median), ${quantile(took, 0.95).toFixed(0)} ms (p95)`;
    const nothing = `${idle.seconds.toFixed(0)} s with ${lanes} silent agents, screen and engine, git's children counted`;
    return [
      { name: "commit-seen", ratio: quantile(took, 0.95), detail: seen },
      { name: "idle-share", ratio: idle.share * 100, detail: nothing },
      {
        name: "idle-bytes",
        ratio: idle.bytes,
        detail: `besides ${idle.ages} of ages at the edges of minutes; ${nothing}`,
      },
    ];
  } finally {
    await end();
  }
};

if (process.argv[1] === fileURLToPath(import.meta.url))
  for (const { name, ratio, detail } of await sightOfLanes())
    process.stdout.write(`${name}: ${ratio.toFixed(2)}; ${detail}; Node ${process.versions.node}\n`);
