/** A repository of its own for one story, the real program in it, and no process left when the story ends. */
import { execFile, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Path of the program under test. */
export const program: string = fileURLToPath(new URL("../../bin/lanes.js", import.meta.url));

/** What a command printed and how it ended. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** One line of `lanes events --json`. */
export interface EventLine {
  readonly position: number;
  readonly at: string;
  readonly by: string;
  readonly type: string;
  readonly key?: string;
  readonly effective: boolean;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A lane as `lanes status --json` shows it. */
export interface LaneJson {
  readonly state: string;
  readonly detail: string;
  readonly run: { readonly n: number; readonly pid: number | null } | null;
}

/** The repository of a story. */
export interface Scratch {
  readonly repo: string;
  readonly env: NodeJS.ProcessEnv;
  lanes(...words: readonly string[]): Promise<Ran>;
  git(...words: readonly string[]): Promise<string>;
  add(id: string, spec: Readonly<Record<string, unknown>>): Promise<void>;
  state(id: string): Promise<string>;
  status(): Promise<Readonly<Record<string, LaneJson>>>;
  events(): Promise<readonly EventLine[]>;
  /** The elected engine's pid, or undefined when none lives. */
  engine(): Promise<number | undefined>;
  write(path: string, text: string): void;
  read(path: string): string;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Time that anything in a story may take before it counts as stuck, in ms. */
const patienceMs = 45_000;

/** Look again and again until `look` gives something; fails with what was waited for. */
export const until = async <T>(what: string, look: () => Promise<T | undefined> | T | undefined): Promise<T> => {
  for (const end = Date.now() + patienceMs; Date.now() < end;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    await new Promise((resolve) => {
      setTimeout(resolve, 60);
    });
  }
  throw new Error(`waited ${patienceMs} ms in vain for: ${what}`);
};

const run = (file: string, words: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Promise<Ran> =>
  new Promise((resolve) => {
    execFile(file, words, { cwd, env, maxBuffer: 64_000_000 }, (error, stdout, stderr) => {
      const code = error ? (typeof error.code === "number" ? error.code : 1) : 0;
      resolve({ code, stdout, stderr });
    });
  });

/** A new repository with one commit. Dispose it (`await using`). */
export const makeScratch = async (files: Readonly<Record<string, string>> = {}): Promise<Scratch> => {
  const home = realpathSync(mkdtempSync(join(tmpdir(), "lanes-story-")));
  const repo = join(home, "repo");
  const env = environment(home);
  const lanes = (...words: readonly string[]): Promise<Ran> => run(process.execPath, [program, ...words], repo, env);
  const git = async (...words: readonly string[]): Promise<string> => {
    const ran = await run("git", words, repo, env);
    if (ran.code !== 0) throw new Error(`git ${words.join(" ")}: ${ran.stderr}`);
    return ran.stdout.trim();
  };
  await run("git", ["init", "-q", "-b", "main", repo], home, env);
  for (const [path, text] of Object.entries({ "README.md": "# Story\n", ...files }))
    writeFileSync(join(repo, path), text);
  await git("add", ".");
  await git("commit", "-qm", "Begin");
  const status = async (): Promise<Readonly<Record<string, LaneJson>>> =>
    (JSON.parse((await lanes("status", "--json")).stdout) as { lanes: Record<string, LaneJson> }).lanes;
  return {
    repo,
    env,
    lanes,
    git,
    status,
    add: async (id, spec) => {
      const ran = await lanes("add-lane", id, JSON.stringify(spec));
      if (ran.code !== 0) throw new Error(ran.stderr);
    },
    state: async (id) => (await status())[id]?.state ?? "unknown",
    events: async () => linesOf((await lanes("events", "--json")).stdout),
    engine: async () => {
      const shown = JSON.parse((await lanes("engine", "status", "--json")).stdout) as { pid: number | null };
      return shown.pid ?? undefined;
    },
    write: (path, text) => writeFileSync(join(repo, path), text),
    read: (path) => readFileSync(join(repo, path), "utf8"),
    [Symbol.asyncDispose]: async () => {
      await until("every process of the story to end", () => endAll(home));
      rmSync(home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
};

const linesOf = (text: string): readonly EventLine[] =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as EventLine);

/** Nothing of the person who runs the tests: no configuration, no identity from elsewhere, short-lived idle engines. */
const environment = (home: string): NodeJS.ProcessEnv => ({
  PATH: process.env["PATH"],
  HOME: home,
  XDG_CONFIG_HOME: join(home, "config"),
  XDG_STATE_HOME: join(home, "state"),
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_AUTHOR_NAME: "Story",
  GIT_AUTHOR_EMAIL: "story@example.invalid",
  GIT_COMMITTER_NAME: "Story",
  GIT_COMMITTER_EMAIL: "story@example.invalid",
  LANG: "C.UTF-8",
  TERM: "xterm-256color",
  LANES_ENGINE_IDLE_MS: "4000",
});

/** Processes that work in the story's folder, by what /proc says of them. */
const processesIn = (home: string): readonly number[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map(Number)
    .filter((pid) => belongs(pid, home));

const belongs = (pid: number, home: string): boolean => {
  try {
    const state = / ([A-Z]) /.exec(readFileSync(`/proc/${pid}/stat`, "latin1").replace(/^.*\)/s, ")"))?.[1];
    return state !== "Z" && readFileSync(`/proc/${pid}/environ`, "latin1").includes(home);
  } catch (error) {
    if (error instanceof Error && "code" in error) return false; // it ended meanwhile
    throw error;
  }
};

/** Kill what works in a folder; true when nothing does any more. */
export const endAll = (home: string): true | undefined => {
  const pids = processesIn(home);
  for (const pid of pids) kill(pid);
  return pids.length === 0 ? true : undefined;
};

/** Kill -9; a process that is gone already is fine. None at all is a mistake: 0 means the test's own group. */
export const kill = (pid: number): void => {
  if (pid <= 0) throw new Error("there is nobody to kill");
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
};

/** Start a verb without waiting for it. */
export const begin = (
  scratch: Scratch,
  ...words: readonly string[]
): { readonly pid: number; readonly child: ChildProcess; readonly ended: Promise<number | null> } => {
  const child = spawn(process.execPath, [program, ...words], { cwd: scratch.repo, env: scratch.env, stdio: "ignore" });
  return { pid: child.pid ?? 0, child, ended: new Promise((resolve) => child.once("exit", (code) => resolve(code))) };
};
