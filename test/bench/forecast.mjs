// What a forecast of 200 lanes costs, against one `git merge-tree --stdin` of the same merges in the same repository, measured in turn.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { load } from "./library.mjs";

const rounds = 5;
const count = 200;
const files = 4000;
const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
const pathOf = (n) => `part-${n % 20}/section-${n % 200}/file-${n}.txt`;
const textOf = (n, edits = {}) =>
  Array.from({ length: 60 }, (_, line) => `${edits[line] ?? `${n}: line ${line} of it`}\n`).join("");

/** One stream for the whole history: ten commits on main, and lanes that began at the last of them, or at the first. */
const history = () => {
  const parts = [];
  const commit = (branch, from, changes) => {
    parts.push(`commit refs/heads/${branch}\ncommitter Ada <ada@example.org> ${parts.length + 1} +0000\ndata 1\nx\n`);
    if (from && from !== branch) parts.push(`from refs/heads/${from}\n`);
    for (const [path, text] of changes)
      parts.push(`M 100644 inline ${path}\ndata ${Buffer.byteLength(text)}\n${text}\n`);
  };
  commit(
    "main",
    "",
    Array.from({ length: files }, (_, n) => [pathOf(n), textOf(n)]),
  );
  parts.push("reset refs/heads/old\nfrom refs/heads/main\n\n");
  for (let n = 1; n < 10; n += 1) commit("main", "main", [[pathOf(files - n), textOf(n, { 1: "moved on" })]]);
  // The first lane changes a file of every other lane, in another place: it has to be merged with all of them.
  const wide = Array.from({ length: count - 1 }, (_, n) => [pathOf(n * 4 + 5), textOf(n * 4 + 5, { 40: "lane 0" })]);
  for (let n = 0; n < count; n += 1) {
    const own = [1, 2, 3].map((k) => [pathOf(n * 4 + k), textOf(n * 4 + k, { 5: `lane ${n}` })]);
    commit(`lane/lane-${n}/work`, n % 2 === 0 ? "main" : "old", n === 0 ? wide : own);
  }
  return parts.join("");
};

/** The ratios of: what is known of lanes and the target; one lane that moved; and the objects that the user's store has more. */
export const forecastOfLanes = async () => {
  const { createGit, findLayout } = await load("forecast", ["git/layout", "git/repo"]);
  const home = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "lanes-bench-"));
  try {
    const top = join(home, "project");
    const env = { PATH: process.env["PATH"], HOME: home, GIT_CONFIG_NOSYSTEM: "1" };
    const git = (...args) => execFileSync("git", args, { cwd: top, env, encoding: "utf8" }).trim();
    mkdirSync(top);
    writeFileSync(join(home, ".gitconfig"), "[user]\n\tname = Ada\n\temail = ada@example.org\n");
    git("init", "-q", "-b", "main");
    execFileSync("git", ["fast-import", "--quiet"], { cwd: top, env, input: history() });
    git("repack", "-a", "-d", "-q");
    const driver = createGit(await findLayout(top, env), { env });
    const control = join(top, ".orchestration", "control.git");
    const heads = () =>
      new Map(Array.from({ length: count }, (_, n) => [`lane-${n}`, git("rev-parse", `lane/lane-${n}/work`)]));
    const timed = async (work) => {
      const begin = performance.now();
      await work();
      return performance.now() - begin;
    };
    const batch = (pairs) =>
      timed(() => {
        const input = pairs.map((pair) => `${pair.join(" ")}\n`).join("");
        const ran = spawnSync("git", ["merge-tree", "--write-tree", "-z", "--stdin"], {
          cwd: control,
          env,
          input,
          maxBuffer: 1e9,
        });
        if (ran.status !== 0) throw new Error(String(ran.stderr));
      });
    const next = (branch) => {
      const commit = git("commit-tree", `${branch}^{tree}`, "-p", branch, "-m", "next");
      git("update-ref", `refs/heads/${branch}`, commit);
      return commit;
    };
    let target = git("rev-parse", "main");
    const lanes = heads();
    const found = await driver.forecast({ target, lanes, dirty: [] });
    const [first, moved] = [[], []];
    let before = git("count-objects", "-v");
    let added = 0;
    for (let round = 0; round < rounds; round += 1) {
      target = next("main");
      before = git("count-objects", "-v");
      const begin = performance.now();
      let told = 0;
      const whole = driver.forecast({ target, lanes, dirty: [] }, () => (told = performance.now() - begin));
      await whole;
      first.push(told / (await batch([...lanes.values()].map((head) => [target, head]))));
      added += git("count-objects", "-v") === before ? 0 : 1;
      lanes.set("lane-0", next("lane/lane-0/work"));
      const head = lanes.get("lane-0");
      const pairs = Array.from({ length: count - 1 }, (_, n) => [head, lanes.get(`lane-${n + 1}`)]);
      const own = await batch([[target, head], ...pairs]);
      moved.push((await timed(() => driver.forecast({ target, lanes, dirty: [] }))) / own);
    }
    const seen = `${count} lanes, ${files} files, ${found.collisions.length} collisions, ${rounds} rounds`;
    return [
      { name: "forecast-target", ratio: median(first), detail: seen },
      {
        name: "forecast-moved",
        ratio: median(moved),
        detail: `a lane that shares a file with ${count - 1} others`,
      },
      { name: "forecast-objects", ratio: added, detail: "rounds after which git count-objects said something else" },
    ];
  } finally {
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  }
};
