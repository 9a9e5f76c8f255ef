// What benches of whole repositories share: our sources as a module, and a scratch repository with the program in it.
import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";

import { build } from "esbuild";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const run = promisify(execFile);

/** The program under test. */
export const program = join(root, "bin", "lanes.js");

/** These files of ours (without `src/` and `.ts`) as one module, bundled anew. */
export const load = async (name, parts) => {
  const outfile = join(root, "node_modules", ".cache", "lanekeeper-bench", `${name}.mjs`);
  mkdirSync(dirname(outfile), { recursive: true });
  const contents = parts.map((part) => `export * from "./src/${part}.ts";`).join("\n");
  const stdin = { contents, resolveDir: root, loader: "ts" };
  await build({ stdin, outfile, bundle: true, platform: "node", format: "esm", packages: "external" });
  return import(pathToFileURL(outfile).href);
};

/** A new repository with 50 files, `config` as its configuration, and the library half of the engine on it. `end` leaves nothing. */
export const makeRepository = async (config = {}, disk = tmpdir()) => {
  const home = mkdtempSync(join(disk, "lanes-bench-"));
  const repo = join(home, "repo");
  const { NODE_EXTRA_CA_CERTS: _unused, ...rest } = process.env;
  const env = {
    ...rest,
    HOME: home,
    XDG_CONFIG_HOME: join(home, "c"),
    XDG_STATE_HOME: join(home, "s"),
    LANG: "C.UTF-8",
    TERM: "xterm-256color",
  };
  const git = (...words) => execFileSync("git", ["-C", repo, ...words], { env });
  const call = async (...words) => run(process.execPath, [program, ...words], { cwd: repo, env });
  execFileSync("git", ["init", "-q", "-b", "main", repo], { env });
  writeFileSync(join(repo, "lanes.config.json"), JSON.stringify(config));
  for (let n = 0; n < 50; n += 1) writeFileSync(join(repo, `file-${n}.txt`), `${n}\n`);
  git("config", "user.name", "Bench");
  git("config", "user.email", "bench@example.invalid");
  git("add", ".");
  git("commit", "-q", "-m", "Begin");
  await call("init");
  const { parseSpec, shellOf } = await load("library", ["main/wire", "core/lane-spec"]);
  const library = await shellOf("0.0.0", root).engine(repo);
  /** Add lanes whose agents live and say nothing, and wait until all of them run. One process adds them: 200 verbs take minutes. */
  const launch = async (...ids) => {
    const given = { tasks: ["measure"], command: ["sleep", "86400"], retries: 0 };
    await library.refresh();
    await library.execute({ type: "add", lanes: ids.map((id) => ({ id, spec: parseSpec(id, given).spec })) });
    await call("launch", ...ids);
    for (;;) {
      const { lanes } = await library.refresh();
      const states = [...lanes.values()].map(({ state }) => state);
      if (states.every((state) => state === "running")) return;
      if (states.includes("failed")) throw new Error("a lane failed to start");
      await sleep(100);
    }
  };
  const end = async () => {
    await call("stop-all");
    await call("engine", "stop");
    rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  };
  return { repo, env, git, call, library, launch, end };
};

/** Wait, in ms. */
export const sleep = async (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The value below which this part of the numbers lies. */
export const quantile = (numbers, part) => {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(sorted.length * part) - 1))];
};
