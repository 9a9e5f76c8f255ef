/** Composition root: picks the parts for one repository, wires them, and knows everybody. */
import { appendFileSync } from "node:fs";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

import type { Shell } from "./cli/shell.ts";
import { isNo, type No } from "./core/observed.ts";
import type { Engine } from "./engine/engine.ts";
import { openEngine } from "./engine/open.ts";
import { findLayoutFast } from "./git/layout-fast.ts";
import { createHost } from "./host/process.ts";
import { createSettings } from "./host/settings.ts";
import { createJournal } from "./journal/local.ts";
import type { Clock, Git, Layout, Release } from "./port.ts";

declare const __LANES_VERSION__: string;

/** How long an engine with nothing to do stays, in ms. */
const idleMs = Number(process.env["LANES_ENGINE_IDLE_MS"] ?? "") || 60_000;

const clock: Clock = {
  now: () => Date.now(),
  id: () =>
    `${Date.now().toString(36)}-${Buffer.from(crypto.getRandomValues(new Uint8Array(9))).toString("base64url")}`,
  box: hostname,
  sleep: (ms) =>
    new Promise((done) => {
      setTimeout(done, ms);
    }),
};

/** The git driver, loaded when it is first asked for: `status` and `--version` never do. */
const lateGit = (layout: Layout): Git => {
  let loading: Promise<Git> | undefined;
  const load = (): Promise<Git> => (loading ??= import("./git/repo.ts").then(({ createGit }) => createGit(layout)));
  const watch: Git["watch"] = (lanes, changed) => {
    let release: Release | undefined;
    let over = false;
    const arm = async (): Promise<void> => {
      const git = await load();
      if (!over) release = git.watch(lanes, changed);
    };
    arm().catch((error: unknown) => logTo(layout, `watch: ${String(error)}`));
    return () => {
      over = true;
      release?.();
    };
  };
  return new Proxy({ watch } as Git, {
    get: (git, name: keyof Git) =>
      name === "watch"
        ? git.watch
        : async (...parts: readonly never[]) =>
            ((await load())[name] as (...given: readonly never[]) => unknown)(...parts),
  });
};

const logTo = (layout: Layout, line: string): void => {
  try {
    appendFileSync(join(layout.state, "engine.log"), `${new Date().toISOString()} ${line}\n`, { mode: 0o600 });
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error; // the repository is gone or full: nobody is left to tell
  }
};

const findLayoutByGit = async (cwd: string): Promise<Layout | No> => {
  const { findLayout } = await import("./git/layout.ts");
  return findLayout(cwd);
};

/** The engine's library half for the repository that holds `cwd`. */
const engineAt = async (cwd: string): Promise<Engine | No> => {
  const layout = findLayoutFast(cwd) ?? (await findLayoutByGit(cwd));
  if (isNo(layout)) return layout;
  const entry = [process.execPath, fileURLToPath(new URL("../bin/lanes.js", import.meta.url))];
  const world = {
    layout,
    clock,
    journal: createJournal(layout),
    git: lateGit(layout),
    host: createHost({ state: layout.state, home: layout.home, entry }),
    settings: createSettings(layout, process.env),
    log: (line: string) => logTo(layout, line),
  };
  return openEngine(world, __LANES_VERSION__, idleMs);
};

const onInterrupt = (listener: () => void): Release => {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, listener);
  return () => {
    for (const signal of signals) process.off(signal, listener);
  };
};

const shell: Shell = {
  version: __LANES_VERSION__,
  environment: process.env,
  cwd: process.cwd(),
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  now: () => clock.now(),
  engine: (repo) => engineAt(repo === undefined ? process.cwd() : resolve(repo)),
  onInterrupt,
  openDemo: async ({ plain }) => {
    const { openDemo } = await import("./demo/demo.ts");
    return openDemo(shell, plain, fileURLToPath(new URL("../assets/demo", import.meta.url)));
  },
  openControlCenter: async (engine) => {
    const { openControlCenter } = await import("./tui/run.tsx");
    return openControlCenter(engine, {});
  },
};

const [first, ...rest] = process.argv.slice(2);
if (rest.length === 0 && (first === "--version" || first === "-V")) {
  process.stdout.write(`${__LANES_VERSION__}\n`);
} else {
  const { runCommandLine } = await import("./cli/main.ts");
  process.exitCode = await runCommandLine(process.argv.slice(2), shell);
}
