/** Places for a program to run in: folders, repositories and environments of every kind, and the whole life of a lane there. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { endAll, program, until } from "./scratch.ts";

/** How a call ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** From where the program is called, and with what in its environment. An undefined variable is taken away. */
export interface From {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Shell words before the program, such as `umask 000;`. */
  readonly shell?: string;
}

/** A folder that goes away, with all processes in it, when it is disposed of, a person's environment, and a repository if one was asked for. */
export interface Place {
  readonly home: string;
  /** The checkout that commands run in, when nothing else is said. */
  readonly top: string;
  readonly env: NodeJS.ProcessEnv;
  readonly lanes: (from: From, ...words: readonly string[]) => Promise<Ended>;
  /** Plain git in a folder; its output without the last line break. */
  readonly git: (folder: string, ...words: readonly string[]) => string;
  readonly write: (path: string, text: string) => string;
  /** Ends every process that works here and removes the folder: `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** A place with an empty folder `top`; `repository` fills it with one commit on `main`. */
export const makePlace = (name = "project"): Place => {
  const home = realpathSync(mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "lanes-place-")));
  const top = join(home, name);
  mkdirSync(top);
  writeFileSync(join(home, ".gitconfig"), "[user]\n\tname = Ada\n\temail = ada@example.org\n");
  const env = personIn(home);
  return {
    home,
    top,
    env,
    lanes: ({ cwd = top, env: more = {}, shell }, ...words) => {
      const argv = [process.execPath, program, ...words];
      const [file = "", ...rest] = shell === undefined ? argv : ["/bin/sh", "-c", `${shell} exec "$@"`, "sh", ...argv];
      const all = Object.entries({ ...env, ...more }).filter(([, value]) => value !== undefined);
      return run(file, rest, cwd, Object.fromEntries(all));
    },
    git: (folder, ...words) => {
      const ran = spawnSync("git", words, { cwd: folder, env, encoding: "utf8" });
      if (ran.status !== 0) throw new Error(`git ${words.join(" ")}: ${ran.stderr}`);
      return ran.stdout.trimEnd();
    },
    write: (path, text) => {
      const file = join(top, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
      return file;
    },
    [Symbol.asyncDispose]: async () => {
      await until("every process of the place to end", () => endAll(home));
      rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
    },
  };
};

/** A place whose folder is a repository with one commit on `main`: `a.txt` and `sub/b.txt`. */
export const makeRepository = (name?: string): Place => {
  const place = makePlace(name);
  place.git(place.top, "init", "-q", "-b", "main");
  place.write("a.txt", "a\n");
  place.write("sub/b.txt", "b\n");
  place.git(place.top, "add", ".");
  place.git(place.top, "commit", "-qm", "begin");
  return place;
};

/** A person with a name in a configuration file, and nothing of the machine that the test runs on. */
const personIn = (home: string): NodeJS.ProcessEnv => ({
  PATH: process.env["PATH"],
  HOME: home,
  LANG: "C.UTF-8",
  TERM: "xterm-256color",
  GIT_CONFIG_NOSYSTEM: "1",
  LANES_ENGINE_IDLE_MS: "4000",
});

const run = (file: string, words: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const child = spawn(file, words, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
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

/** A lane that commits one file with strange words in its name. */
export const oneCommit: string = JSON.stringify({
  command: "echo work > made.txt; git add made.txt; git commit -qm made",
  retries: 0,
});

/** The steps of a lane's life as exit codes, with what a failed step said. */
export const lifeOf = async (place: Place, from: From = {}, target?: string): Promise<readonly string[]> => {
  const steps: readonly (readonly string[])[] = [
    ["init", ...(target === undefined ? [] : ["--target", target])],
    ["add-lane", "one", oneCommit],
    ["exec-lane", "one"],
    ["merge", "one"],
    ["status"],
    ["cleanup"],
  ];
  const told: string[] = [];
  for (const words of steps) {
    const ended = await place.lanes(from, ...words);
    told.push(ended.code === 0 ? `${words[0]} 0` : `${words[0]} ${ended.code} ${ended.stdout}${ended.stderr}`);
  }
  return told;
};

/** What `lifeOf` tells when everything works. */
export const wholeLife: readonly string[] = ["init", "add-lane", "exec-lane", "merge", "status", "cleanup"].map(
  (verb) => `${verb} 0`,
);
