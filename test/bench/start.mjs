// How long people wait: whole processes against a bare node, rounds interleaved. NODE_EXTRA_CA_CERTS is taken out of the
// environment: Node 20 pays 32 ms for it at every start.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import pty from "@lydell/node-pty";
import xterm from "@xterm/headless";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const program = join(root, "bin", "lanes.js");
const rounds = 11;
const lanes = 100;

const environment = (home) => {
  const { NODE_EXTRA_CA_CERTS: _unused, ...rest } = process.env;
  return {
    ...rest,
    HOME: home,
    XDG_CONFIG_HOME: join(home, "c"),
    XDG_STATE_HOME: join(home, "s"),
    LANES_ENGINE_IDLE_MS: "1",
    LANG: "C.UTF-8",
    TERM: "xterm-256color",
  };
};

/** A repository whose journal knows a hundred lanes, added by the program itself. */
const makeRepository = (home, env) => {
  const repo = join(home, "repo");
  const git = (...words) =>
    execFileSync("git", ["-C", repo, "-c", "user.name=Bench", "-c", "user.email=bench@example.invalid", ...words], {
      env,
      stdio: "ignore",
    });
  execFileSync("git", ["init", "-q", "-b", "main", repo], { env });
  git("commit", "-q", "--allow-empty", "-m", "Begin");
  for (let n = 0; n < lanes; n += 1) {
    const id = `lane-${String(n).padStart(3, "0")}`;
    execFileSync(process.execPath, [program, "add-lane", id, '{"tasks":["measure"],"agent":"manual"}'], {
      cwd: repo,
      env,
      stdio: "ignore",
    });
  }
  return repo;
};

const wholeProcess = (words, cwd, env) => {
  const begin = performance.now();
  const done = spawnSync(process.execPath, words, { cwd, env, stdio: ["ignore", "pipe", "inherit"] });
  if (done.status !== 0) throw new Error(`${words.join(" ")}: exit ${done.status}`);
  return performance.now() - begin;
};

/** From the start of the process to the moment when the first and the last lane that fit stand on the screen. */
const firstPaint = async (cwd, env) => {
  const [columns, rows] = [120, 50];
  const screen = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true });
  const begin = performance.now();
  const child = pty.spawn(process.execPath, [program], { cols: columns, rows, cwd, env });
  const ended = new Promise((resolve) => {
    child.onExit(resolve);
  });
  const shows = (text) =>
    Array.from({ length: rows }, (_, row) => screen.buffer.active.getLine(row)?.translateToString(true) ?? "").some(
      (line) => line.includes(text),
    );
  const ms = await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("nothing was painted within 20 s")), 20_000);
    child.onData((text) => {
      const at = performance.now();
      screen.write(text, () => {
        if (!shows("lane-000") || !shows("lane-010")) return;
        clearTimeout(timer);
        resolve(at - begin);
      });
    });
  });
  child.write("q");
  await ended;
  return ms;
};

const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];

/** `--version`, `status` and the first paint of a hundred lanes as multiples of `node -e 0`. */
export const startAgainstNode = async () => {
  const home = mkdtempSync(join(tmpdir(), "lanes-bench-"));
  const env = environment(home);
  try {
    const repo = makeRepository(home, env);
    const times = { node: [], version: [], status: [], paint: [] };
    for (let round = 0; round < rounds; round += 1) {
      times.node.push(wholeProcess(["-e", "0"], repo, env));
      times.version.push(wholeProcess([program, "--version"], repo, env));
      times.status.push(wholeProcess([program, "status"], repo, env));
      times.paint.push(await firstPaint(repo, env));
    }
    const bare = median(times.node);
    const row = (name, list) => ({
      name,
      ratio: median(list) / bare,
      detail: `${median(list).toFixed(1)} ms against ${bare.toFixed(1)} ms of node -e 0; ${lanes} lanes, screens of 120x50, median of ${rounds}`,
    });
    return [row("start-version", times.version), row("start-status", times.status), row("first-paint", times.paint)];
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
};
