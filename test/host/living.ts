import { mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { identify } from "../../src/host/identity.ts";
import { createHost } from "../../src/host/process.ts";
import { processTable, startedWith } from "../../src/host/process-table.ts";
import type { Host, RunSpec } from "../../src/port.ts";

/** A host with a state folder and an empty working folder of its own, all gone after `end`. */
export interface Place {
  readonly host: Host;
  readonly home: string;
  readonly state: string;
  /** Where runs work; scripts write what they have to say there. */
  readonly work: string;
  /** Start `script` under sh as run `demo-1`, or as `change` says. */
  readonly start: (script: string, change?: Partial<RunSpec>) => Promise<void>;
  /** What a script wrote into a file of `work`, as soon as it is there and ends with a newline. */
  readonly said: (name: string) => Promise<string>;
  /** The process that `echo $! >NAME` told of. */
  readonly pidIn: (name: string) => Promise<number>;
  /** End all runs and remove all files; rejects when a process of them is left. */
  readonly end: () => Promise<void>;
}

/** Make a place. `shell`: what runs the launcher. */
export const makePlace = (shell?: readonly string[]): Place => {
  const home = realpathSync(mkdtempSync(join(tmpdir(), "lanes-host-")));
  const [state, work] = [join(home, "state"), join(home, "work of 'mine'")];
  mkdirSync(work);
  const entry = [process.execPath, join(home, "lanes.mjs")];
  const host = createHost({ state, home, entry, ...(shell && { shell }) });
  const said = (name: string): Promise<string> =>
    until(`${name} in ${work}`, () => /^[^]*\n$/.exec(readNow(join(work, name)))?.[0].trimEnd());
  return {
    host,
    home,
    state,
    work,
    said,
    start: (script, change) =>
      host.start({ run: "demo-1", lane: "demo", cwd: work, argv: ["sh", "-c", script], env: {}, ...change }),
    pidIn: async (name) => Number(await said(name)),
    end: async () => {
      for (const run of readdirIfThere(join(state, "runs"))) await host.stop(run, 0);
      const left = processTable().filter(({ pid }) => startedWith(pid, "LANES_RUN")?.startsWith(home));
      await killNow(left.map(({ pid }) => pid));
      rmSync(home, { recursive: true, force: true });
      if (left.length > 0) throw new Error(`left behind: ${JSON.stringify(left)}`);
    },
  };
};

/** Wait until `look` finds something that is neither undefined nor false. The limit is for a broken program, not for a slow machine. */
export const until = async <T>(what: string, look: () => T | undefined | false): Promise<T> => {
  for (const deadline = Date.now() + 15_000; Date.now() < deadline; await sleep(3)) {
    const found = look();
    if (found !== undefined && found !== false) return found;
  }
  throw new Error(`waited in vain for ${what}`);
};

/** Wait until a run is seen in this way. */
export const seenAs = async <Is extends ReturnType<Host["seen"]>["is"]>(
  host: Host,
  is: Is,
  run = "demo-1",
): Promise<Extract<ReturnType<Host["seen"]>, { is: Is }>> =>
  until(`run ${run} to be ${is}`, () => {
    const seen = host.seen(run);
    return seen.is === is && (seen as Extract<typeof seen, { is: Is }>);
  });

/** Is there a live process with this number? */
export const lives = (pid: number): boolean => identify(pid) !== undefined;

/** Kill these processes and wait until they are gone. */
export const killNow = async (pids: readonly number[]): Promise<void> => {
  for (const pid of pids) process.kill(pid, "SIGKILL");
  await until("the killed to be gone", () => !pids.some(lives));
};

/** The launcher of a run, from its start file. */
export const launcherOf = (place: Place, run = "demo-1"): number =>
  Number(/^launcher (\d+)$/m.exec(readFileSync(join(place.state, "runs", run, "start"), "utf8"))?.[1]);

/** A script's text on disk. */
export const writeScript = (path: string, lines: readonly string[]): string => {
  writeFileSync(path, `${lines.join("\n")}\n`, { mode: 0o755 });
  return path;
};

const readNow = (path: string): string =>
  readdirIfThere(join(path, "..")).some((name) => path.endsWith(`/${name}`)) ? readFileSync(path, "utf8") : "";

const readdirIfThere = (path: string): readonly string[] => {
  try {
    return readdirSync(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
};
