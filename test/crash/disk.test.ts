/** Real disks that are full or read-only: one line, nothing half done, and it works again as soon as there is room. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { createJournal } from "../../src/journal/local.ts";
import { idsOf, record } from "../journal/place.ts";
import { program } from "../story/scratch.ts";
import { hasTool } from "../tool.ts";

/** May this user mount a file system here? Elsewhere these tests are skipped with a line that says so. */
const canMount = (): boolean => {
  if (!hasTool("mount")) return false;
  const folder = mkdtempSync(join(tmpdir(), "lanes-mount-"));
  const mounted = spawnSync("mount", ["-t", "tmpfs", "tmpfs", folder], { stdio: "ignore" }).status === 0;
  if (mounted) execFileSync("umount", [folder]);
  rmSync(folder, { recursive: true });
  if (!mounted) process.stderr.write("skipped: tests on a disk of their own, which this user may not mount\n");
  return mounted;
};

/** A disk of so many bytes, gone when the test ends. */
const makeDisk = (bytes: number): string => {
  const folder = mkdtempSync(join(tmpdir(), "lanes-disk-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", folder]);
  onTestFinished(() => {
    execFileSync("umount", ["-l", folder]);
    rmSync(folder, { recursive: true });
  });
  return folder;
};

/** Take all room but `left` bytes. */
const fill = (disk: string, left: number): void => {
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(join(disk, "ballast"), Buffer.alloc(Math.max(0, Math.floor((bavail * bsize - left) / bsize) * bsize)));
};

const free = (disk: string): void => unlinkSync(join(disk, "ballast"));

const real = canMount();

test.runIf(real)(
  "records that a full disk refuses are kept on a retry with the same id, none twice in effect",
  async () => {
    const disk = makeDisk(256 * 1024);
    const state = join(disk, ".orchestration");
    const journal = createJournal({ state });
    await journal.create();
    const wanted: string[] = [];
    const refused: unknown[] = [];
    for (let n = 0; n < 40; n += 1) {
      if (n % 10 === 5) fill(disk, (n * 997) % 9000);
      for (const id of [`r${n}x0`, `r${n}x1`, `r${n}x2`]) {
        wanted.push(id);
        const append = (): Promise<void> => journal.append(record(id, "x".repeat(1500)));
        await append().catch(async (error: unknown) => {
          refused.push(error);
          free(disk);
          await append();
        });
      }
    }
    expect(refused.length).toBeGreaterThan(0);
    for (const error of refused) expect(error).toMatchObject({ code: "ENOSPC" });
    for (const error of refused) expect(String(error)).not.toContain("\n");
    const ids = (await idsOf(createJournal({ state }))).filter((id) => id !== "-");
    expect(new Set(ids)).toEqual(new Set(wanted));
  },
);

test.runIf(real)("a publication that finds no room leaves the old file, and works when there is room", async () => {
  const disk = makeDisk(256 * 1024);
  const state = join(disk, ".orchestration");
  const journal = createJournal({ state });
  await journal.create();
  for (const left of [0, 4096, 8192, 16_384]) {
    await journal.publish("tracker.json", `{"left":${left}}`);
    fill(disk, left);
    await expect(journal.publish("tracker.json", "x".repeat(64 * 1024))).rejects.toMatchObject({ code: "ENOSPC" });
    expect(readFileSync(join(state, "tracker.json"), "utf8")).toBe(`{"left":${left}}`);
    free(disk);
  }
  await journal.publish("tracker.json", "x".repeat(64 * 1024));
  expect(await journal.published("tracker.json")).toHaveLength(64 * 1024);
});

/** A repository on a disk of its own, and the real program in it. */
const makeRepository = (disk: string) => {
  const repo = join(disk, "repo");
  const home = mkdtempSync(join(tmpdir(), "lanes-home-"));
  onTestFinished(() => rmSync(home, { recursive: true }));
  const identity = { name: "Disk", email: "disk@example.invalid" };
  const env = {
    PATH: process.env["PATH"],
    HOME: home,
    LANG: "C.UTF-8",
    LANES_ENGINE_IDLE_MS: "1",
    GIT_AUTHOR_NAME: identity.name,
    GIT_AUTHOR_EMAIL: identity.email,
    GIT_COMMITTER_NAME: identity.name,
    GIT_COMMITTER_EMAIL: identity.email,
  };
  const git = (...words: readonly string[]) => execFileSync("git", ["-C", repo, ...words], { env, encoding: "utf8" });
  const lanes = (...words: readonly string[]) =>
    spawnSync(process.execPath, [program, ...words], { cwd: repo, env, encoding: "utf8", timeout: 8000 });
  mkdirSync(repo);
  git("init", "-q", "-b", "main");
  git("commit", "-q", "--allow-empty", "-m", "Begin");
  return { repo, env, git, lanes };
};

/** One line, the code for what cannot be made, and nothing on standard output. */
const refusal = (why: RegExp) => ({
  status: 73,
  stdout: "",
  stderr: expect.stringMatching(new RegExp(`^lanes: [^\\n]*${why.source}[^\\n]*\\n$`)) as string,
});

test.runIf(real)(
  "a verb on a full disk says so in one line, and does its work when there is room",
  { timeout: 60_000 },
  () => {
    const disk = makeDisk(16 * 1024 * 1024);
    const { lanes, git } = makeRepository(disk);
    expect(lanes("init").status).toBe(0);
    expect(lanes("add-lane", "before", '{"agent":"manual"}').status).toBe(0);
    fill(disk, 0);
    expect(lanes("add-lane", "late", JSON.stringify({ tasks: ["x".repeat(9000)], agent: "manual" }))).toMatchObject(
      refusal(/disk is full/),
    );
    expect(lanes("status").stdout).toContain("before");
    free(disk);
    expect(lanes("add-lane", "late", '{"agent":"manual"}').status).toBe(0);
    expect(lanes("status").stdout).toMatch(/late/);
    expect(git("fsck")).toBe("");
  },
);

test.runIf(real)("on a read-only disk looking works and each change says why it cannot", { timeout: 60_000 }, () => {
  const disk = makeDisk(16 * 1024 * 1024);
  const { lanes } = makeRepository(disk);
  expect(lanes("add-lane", "before", '{"agent":"manual"}').status).toBe(0);
  execFileSync("mount", ["-o", "remount,ro", disk]);
  for (const words of [["status"], ["why", "before"], ["events"], ["engine"], ["monitor", "--until-idle"]])
    expect({ words, ...lanes(...words) }).toMatchObject({ words, status: 0, stderr: "" });
  for (const words of [
    ["add-lane", "late", "{}"],
    ["cancel", "before"],
    ["launch", "before"],
  ])
    expect({ words, ...lanes(...words) }).toMatchObject({ words, ...refusal(/read-only/) });
  execFileSync("mount", ["-o", "remount,rw", disk]);
  expect(lanes("add-lane", "late", "{}").status).toBe(0);
});

/** Root may write where others may not; without these two rights it may not either. */
const unprivileged = process.getuid?.() === 0 ? ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] : [];

test.runIf(unprivileged.length === 0 || hasTool("setpriv"))(
  "in a folder that may not be written looking works and each change says why it cannot",
  { timeout: 60_000 },
  () => {
    const disk = mkdtempSync(join(tmpdir(), "lanes-closed-"));
    onTestFinished(() => rmSync(disk, { recursive: true }));
    const { repo, env, lanes } = makeRepository(disk);
    expect(lanes("add-lane", "before", '{"agent":"manual"}').status).toBe(0);
    const mode = (change: string): unknown => execFileSync("chmod", ["-R", change, repo]);
    const tried = (...words: readonly string[]) => {
      const [file = "", ...rest] = [...unprivileged, process.execPath, program, ...words];
      return { words, ...spawnSync(file, rest, { cwd: repo, env, encoding: "utf8", timeout: 8000 }) };
    };
    mode("u-w");
    onTestFinished(() => void mode("u+w"));
    for (const words of [["status"], ["why", "before"], ["events"], ["engine"], ["monitor", "--until-idle"]])
      expect(tried(...words)).toMatchObject({ words, status: 0, stderr: "" });
    for (const words of [
      ["add-lane", "late", "{}"],
      ["cancel", "before"],
      ["launch", "before"],
    ])
      expect(tried(...words)).toMatchObject({ words, ...refusal(/may not be written/) });
    mode("u+w");
    expect(lanes("add-lane", "late", '{"agent":"manual"}').status).toBe(0);
  },
);

test("a log that may not grow is said in one line, and what was torn harms nobody", { timeout: 60_000 }, () => {
  const disk = mkdtempSync(join(tmpdir(), "lanes-limit-"));
  onTestFinished(() => rmSync(disk, { recursive: true }));
  const { repo, env, lanes } = makeRepository(disk);
  const tasks = ["x".repeat(300)];
  const spec = JSON.stringify({ tasks, agent: "manual" });
  expect(lanes("add-lane", "before", spec).status).toBe(0);
  const refused: string[] = [];
  for (let n = 0; n < 6; n += 1) {
    const words = ["-c", 'ulimit -f 4; exec "$@"', "sh", process.execPath, program, "add-lane", `lane-${n}`, spec];
    const tried = spawnSync("sh", words, { cwd: repo, env, encoding: "utf8" });
    if (tried.status === 0) continue;
    expect(tried).toMatchObject(refusal(/may not grow/));
    refused.push(`lane-${n}`);
    expect(lanes("status").stdout).not.toContain(`lane-${n}`);
  }
  expect(refused.length).toBeGreaterThan(0);
  for (const id of refused) expect(lanes("add-lane", id, spec).status).toBe(0);
  for (let n = 0; n < 6; n += 1) expect(lanes("status").stdout).toContain(`lane-${n}`);
});

test("with hardly any files to open, a verb works or says why in one line", { timeout: 60_000 }, () => {
  const disk = mkdtempSync(join(tmpdir(), "lanes-few-"));
  onTestFinished(() => rmSync(disk, { recursive: true }));
  const { repo, env, lanes } = makeRepository(disk);
  expect(lanes("add-lane", "before", '{"agent":"manual"}').status).toBe(0);
  const refused: unknown[] = [];
  let worked = 0;
  // With fewer than some twenty Node itself does not start.
  for (const files of [20, 24, 32, 40, 42, 44, 46, 48, 64]) {
    for (const words of [["status"], ["add-lane", `lane-${files}`, "{}"]]) {
      const few = ["-c", 'ulimit -n "$1"; shift; exec "$@"', "sh", `${files}`, process.execPath, program, ...words];
      const tried = spawnSync("sh", few, { cwd: repo, encoding: "utf8", env });
      if (tried.status === 0) worked += 1;
      else refused.push(tried);
    }
  }
  expect(worked).toBeGreaterThan(8);
  expect(refused.length).toBeGreaterThan(0);
  for (const tried of refused) expect(tried).toMatchObject({ ...refusal(/too many files/), status: 75 });
  expect(lanes("add-lane", "after", "{}").status).toBe(0);
});
