/** The real program in a scratch repository: what a person at a shell meets. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { onTestFinished } from "vitest";

const program = fileURLToPath(new URL("../../bin/lanes.js", import.meta.url));

/** Many real processes on a machine that others use too: only a hang takes this long. */
export const patience = { timeout: 180_000 } as const;

/** How a call of the program ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Asked {
  readonly input?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

/** A repository with one commit on `main`, and the program in it. */
export interface Scene {
  readonly top: string;
  /** Run `lanes` with these words to its end. */
  readonly lanes: (...words: readonly string[]) => Promise<Ended>;
  readonly lanesWith: (asked: Asked, ...words: readonly string[]) => Promise<Ended>;
  /** Begin `lanes`, for tests that do something to it meanwhile. */
  readonly begin: (
    asked: Asked,
    ...words: readonly string[]
  ) => { readonly child: ChildProcess; readonly ended: Promise<Ended> };
  /** The answer of a verb with `--json`. */
  readonly json: (...words: readonly string[]) => Promise<Record<string, unknown>>;
  /** Plain git in the checkout; its output without the last line break. */
  readonly git: (...words: readonly string[]) => string;
  readonly write: (path: string, text: string) => void;
  readonly read: (path: string) => string;
  /** Everything that a refused command must leave as it is: files, branches, records. */
  readonly world: () => string;
  readonly stateOf: (lane: string) => Promise<unknown>;
}

/** A scratch repository that goes away, with its engine, when the test ends; below `parent`, or where it is fast. */
export const scene = (parent: string = existsSync("/dev/shm") ? "/dev/shm" : tmpdir()): Scene => {
  const home = realpathSync(mkdtempSync(join(parent, "lanes-cli-")));
  const top = join(home, "project");
  mkdirSync(top);
  const env = environmentIn(home);
  const git = (...words: readonly string[]): string =>
    execFileSync("git", words, { cwd: top, env, encoding: "utf8" }).trimEnd();
  git("init", "-q", "-b", "main");
  writeFileSync(join(top, "a.txt"), "one\n");
  git("add", ".");
  git("commit", "-q", "-m", "one");
  const begin: Scene["begin"] = (asked, ...words) =>
    run(words, { cwd: asked.cwd ?? top, env: { ...env, ...asked.env } }, asked.input);
  const lanesWith: Scene["lanesWith"] = (asked, ...words) => begin(asked, ...words).ended;
  const lanes: Scene["lanes"] = (...words) => lanesWith({}, ...words);
  const json: Scene["json"] = async (...words) =>
    JSON.parse((await lanes(...words, "--json")).stdout) as Record<string, unknown>;
  onTestFinished(async () => {
    await lanes("stop-all");
    await lanes("engine", "stop");
    rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  });
  return {
    top,
    lanes,
    lanesWith,
    begin,
    json,
    git,
    write: (path, text) => {
      mkdirSync(dirname(join(top, path)), { recursive: true });
      writeFileSync(join(top, path), text);
    },
    read: (path) => readFileSync(join(top, path), "utf8"),
    world: () => worldOf(top, git),
    stateOf: async (lane) => ((await json("status"))["lanes"] as Record<string, { state: string }>)[lane]?.state,
  };
};

/** A person with a name and no configuration of lanes; nothing of the machine that the test runs on. */
const environmentIn = (home: string): NodeJS.ProcessEnv => {
  writeFileSync(join(home, "gitconfig"), "[user]\n\tname = Ada\n\temail = ada@example.org\n");
  return {
    PATH: process.env["PATH"],
    HOME: home,
    LANG: "C.UTF-8",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: join(home, "gitconfig"),
    XDG_CONFIG_HOME: join(home, "config"),
    XDG_STATE_HOME: join(home, "state"),
    LANES_ENGINE_IDLE_MS: "60000",
  };
};

const run = (
  words: readonly string[],
  { cwd, env }: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
  input = "",
): { readonly child: ChildProcess; readonly ended: Promise<Ended> } => {
  const child = spawn(process.execPath, [program, ...words], { cwd, env });
  const ended = new Promise<Ended>((resolve, reject) => {
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (part: string) => {
      stdout += part;
    });
    child.stderr.setEncoding("utf8").on("data", (part: string) => {
      stderr += part;
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
  child.stdin.on("error", () => child.stdin.destroy());
  child.stdin.end(input);
  return { child, ended };
};

/** What the engine of the moment keeps for itself comes and goes. */
const passing = /^\.orchestration\/(?:viewers|engine\.log|tracker\.|observed\.json|snapshot|rejected\/\.)/;

const worldOf = (top: string, git: Scene["git"]): string => {
  const files = readdirSync(top, { recursive: true, encoding: "utf8" })
    .filter((path) => !path.startsWith(".git/") && !passing.test(path))
    .toSorted();
  const log = join(top, ".orchestration", "event-log.jsonl");
  return [
    ...files,
    git("for-each-ref"),
    git("status", "--porcelain"),
    readFileSync(join(top, ".git", "info", "exclude"), "utf8"),
    existsSync(log) ? readFileSync(log, "utf8") : "no log",
  ].join("\n");
};

/** A lane's definition whose command commits one file. */
export const committing = (file: string, more: object = {}): string =>
  JSON.stringify({ command: `echo ${file} > ${file}; git add ${file}; git commit -qm 'add ${file}'`, ...more });
