/** Wiring: the parts for one repository, and the process around the command line. */
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";

import type { Shell } from "../cli/shell.ts";
import { isNo, type No } from "../core/observed.ts";
import type { Engine } from "../engine/engine.ts";
import { openEngine } from "../engine/open.ts";
import { findLayoutFast } from "../git/layout-fast.ts";
import { createHost } from "../host/process.ts";
import { createSettings } from "../host/settings.ts";
import { createJournal } from "../journal/local.ts";
import { createLog } from "../log/engine-log.ts";
import type { Clock, Layout, Release, World } from "../port.ts";
import { lateGit } from "./late-git.ts";

/** How long an engine with nothing to do stays, in ms. */
const idleMs = Number(process.env["LANES_ENGINE_IDLE_MS"] ?? "") || 60_000;

const clock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  id: () =>
    `${Date.now().toString(36)}-${Buffer.from(crypto.getRandomValues(new Uint8Array(9))).toString("base64url")}`,
  box: hostname,
  sleep: (ms) =>
    new Promise((done) => {
      setTimeout(done, ms);
    }),
};

const findLayoutByGit = async (cwd: string): Promise<Layout | No> => {
  const { findLayout } = await import("../git/layout.ts");
  return findLayout(cwd);
};

/** The engine's library half for the repository that holds `cwd`. */
const engineAt = async (cwd: string, root: string, version: string): Promise<Engine | No> => {
  const layout = await layoutAt(cwd);
  return isNo(layout) ? layout : openEngine(worldOf(layout, root, version), version, idleMs);
};

const layoutAt = async (cwd: string): Promise<Layout | No> => findLayoutFast(cwd) ?? findLayoutByGit(cwd);

const worldOf = (layout: Layout, root: string, version: string): World => {
  const log = createLog({ state: layout.state, environment: process.env, version });
  return {
    layout,
    clock,
    journal: createJournal(layout),
    git: lateGit(layout, (why) => log.warn("git watch failed", { why })),
    host: createHost({
      state: layout.state,
      home: layout.home,
      entry: [process.execPath, join(root, "bin", "lanes.js")],
      lends: (values) => log.conceal(values),
    }),
    settings: createSettings(layout, process.env),
    log,
  };
};

const onInterrupt = (listener: () => void): Release => {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, listener);
  return () => {
    for (const signal of signals) process.off(signal, listener);
  };
};

/** The process as verbs see it. `root`: the package's folder, which holds `bin` and `assets`. */
export const shellOf = (version: string, root: string): Shell => {
  const shell: Shell = {
    version,
    environment: process.env,
    cwd: process.cwd(),
    // Opened when they are first used: each loads a part of Node.
    get stdin() {
      return process.stdin;
    },
    get stdout() {
      return process.stdout;
    },
    get stderr() {
      return process.stderr;
    },
    now: () => clock.now(),
    elapsed: () => clock.elapsed(),
    engine: (repo) => engineAt(repo === undefined ? process.cwd() : resolve(repo), root, version),
    doctor: async (repo) => {
      const { doctorIn } = await import("./doctor.ts");
      const cwd = repo === undefined ? process.cwd() : resolve(repo);
      const layout = await layoutAt(cwd);
      return doctorIn(cwd, layout, isNo(layout) ? undefined : worldOf(layout, root, version), version);
    },
    onInterrupt,
    openDemo: async ({ plain }) => {
      const { openDemo } = await import("../demo/demo.ts");
      return openDemo(shell, plain, join(root, "assets", "demo"));
    },
    openControlCenter: async (engine) => {
      const { openControlCenter } = await import("../tui/run.tsx");
      return openControlCenter(engine, {});
    },
  };
  return shell;
};
