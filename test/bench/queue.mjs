// What the merge queue adds to a check: building the merge, checking it out for the check, landing it; as a ratio to what plain git takes for
// that: the checkout of the same merge in a warm worktree, and four commands (merge-tree, commit-tree, rev-parse, update-ref).
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { files, loadSources, median, timed, writeProject } from "./git.mjs";

/** Lanes that land one after another, ours and the reference in turn; the median of the ratios counts. */
const rounds = 7;
/** Files that a lane changes. */
const changed = 400;

/** Lanes brought onto a branch by the driver, against the same by plain git. */
export const landAgainstPlainGit = async () => {
  const { createGit, findLayout } = await loadSources();
  const memory = existsSync("/dev/shm");
  const home = mkdtempSync(join(memory ? "/dev/shm" : tmpdir(), "lanes-bench-"));
  try {
    const top = join(home, "project");
    const env = { PATH: process.env["PATH"], HOME: home, GIT_CONFIG_NOSYSTEM: "1" };
    const git = (...args) =>
      execFileSync("git", args, { cwd: top, env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
    mkdirSync(top);
    writeFileSync(join(home, ".gitconfig"), "[user]\n\tname = Ada\n\temail = ada@example.org\n");
    git("init", "-q", "-b", "main");
    writeProject(top);
    git("add", ".");
    git("commit", "-q", "-m", "project");
    for (let round = 0; round < rounds; round += 1) {
      git("checkout", "-q", "-b", `lane/l${round}/work`, "main");
      for (let n = 0; n < changed; n += 1) {
        const file = round * changed + n;
        const at = join(top, `part-${file % 25}`, `section-${file % 250}`, `file-${file % files}.txt`);
        writeFileSync(at, `changed in ${round}\n`);
      }
      git("commit", "-q", "-a", "-m", `lane ${round}`);
    }
    git("checkout", "-q", "main");
    git("branch", "ours");
    git("branch", "plain");
    git("repack", "-a", "-d", "-q");
    // A repository of its own: otherwise each would find the trees that the other has just written.
    const other = join(home, "plain");
    cpSync(top, other, { recursive: true });
    const warm = join(home, "warm");
    const plainGit = (...args) => git("-C", other, ...args);
    plainGit("worktree", "add", "-q", "--detach", warm, "main");
    const driver = createGit(await findLayout(top, env), { env });
    await driver.verification(0, git("rev-parse", "main"));
    const ours = async (round) => {
      const [tip, lane] = [await driver.tip("ours"), await driver.tip(`lane/l${round}/work`)];
      const onto = tip.head;
      const ask = { onto, head: lane.head, message: `Merge lane l${round}\n`, at: 1_750_000_000_000 + round };
      const [isThere, { commit }] = await Promise.all([driver.contains(onto, lane.head), driver.candidate(ask)]);
      if (isThere) throw new Error("merged already");
      await driver.verification(0, commit);
      const landed = await driver.land({ lane: `l${round}`, target: "ours", onto, commit, head: lane.head });
      if (landed.landed !== true) throw new Error(JSON.stringify(landed));
    };
    const plain = async (round) => {
      const onto = plainGit("rev-parse", "refs/heads/plain");
      const head = `lane/l${round}/work`;
      const tree = plainGit("merge-tree", "--write-tree", onto, head);
      const commit = plainGit("commit-tree", tree, "-p", onto, "-p", head, "-m", `Merge lane l${round}`);
      git("-C", warm, "checkout", "-q", "--detach", commit);
      plainGit("update-ref", "refs/heads/plain", commit, onto);
    };
    const times = { ours: [], plain: [] };
    for (let round = 0; round < rounds; round += 1) {
      times.ours.push(await timed(() => ours(round)));
      times.plain.push(await timed(() => plain(round)));
    }
    const [own, reference] = [median(times.ours), median(times.plain)];
    const detail = `a lane that changes ${changed} of ${files} files: ${own.toFixed(0)} ms, plain git ${reference.toFixed(0)} ms; ${memory ? "in memory" : "on disk"}, medians of ${rounds}`;
    return { name: "queue-overhead", ratio: median(times.ours.map((time, at) => time / times.plain[at])), detail };
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
};
