/** The one place that starts git: argv only, its own process group, a time limit and an output limit. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { constants, setPriority } from "node:os";

/** Start git and wait for its end. Rejects when it cannot start, takes too long or says too much; any exit code resolves. */
export const git = (args: readonly string[], options: RunOptions): Promise<Ran> =>
  new Promise((resolve, reject) => {
    const child = spawn("git", args, {
      cwd: options.cwd,
      env: options.env,
      detached: true,
      stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    });
    if (options.isGentle) yieldToOthers(child);
    let failure: Error | undefined;
    const give = (reason: string): void => {
      failure ??= new Error(`git ${args.join(" ")}: ${reason}`);
      endGroup(child);
    };
    const timer = setTimeout(() => give(`took longer than ${options.timeoutMs} ms`), options.timeoutMs);
    const stdout = collect(child.stdout, outputBytesMax, () => give(`said more than ${outputBytesMax} bytes`));
    const stderr = collect(child.stderr, errorBytesMax, () => undefined);
    child.once("error", (cause) => {
      clearTimeout(timer);
      reject(notStarted(options.cwd, cause));
    });
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      if (failure === undefined) resolve({ code: code ?? -1, signal, stdout: stdout(), stderr: stderr().toString() });
      else reject(failure);
    });
    feed(child, options.input);
  });

/** The system says ENOENT for a program that is missing and for a folder that is. The code `ENOGIT` is ours, for shells. */
const notStarted = (cwd: string, cause: Error): Error => {
  if (!("code" in cause) || cause.code !== "ENOENT" || !existsSync(cwd))
    return new Error(`git could not be started in ${cwd}`, { cause });
  return Object.assign(new Error("git was not found; install git 2.38 or newer", { cause }), { code: "ENOGIT" });
};

/** How to start git. */
export interface RunOptions {
  readonly cwd: string;
  /** The whole environment. */
  readonly env: NodeJS.ProcessEnv;
  /** Standard input; none when absent. */
  readonly input?: string | Buffer | undefined;
  readonly timeoutMs: number;
  /** Let everything else go first. */
  readonly isGentle?: boolean | undefined;
}

/** How a git process ended. */
export interface Ran {
  /** Exit code, or -1 when a signal ended it. */
  readonly code: number;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Output beyond this is a fault, not an answer. */
const outputBytesMax = 256 * 1024 * 1024;
/** What is kept of the error stream. */
const errorBytesMax = 64 * 1024;
/** Time for git to remove its lock files before it is killed. */
const graceMs = 2000;

/** Keeps at most `max` bytes of a stream; `over` is told when there are more. */
const collect = (stream: NodeJS.ReadableStream | null, max: number, over: () => void): (() => Buffer) => {
  const chunks: Buffer[] = [];
  let size = 0;
  stream?.on("data", (chunk: Buffer) => {
    if (size + chunk.length > max) over();
    else chunks.push(chunk);
    size += chunk.length;
  });
  return () => Buffer.concat(chunks);
};

/** A child that has ended already, or may not be touched, needs no priority. */
const yieldToOthers = (child: ChildProcess): void => {
  try {
    if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ERR_SYSTEM_ERROR")) throw error;
  }
};

const feed = (child: ChildProcess, input: string | Buffer | undefined): void => {
  if (child.stdin === null || input === undefined) return;
  child.stdin.on("error", (error: NodeJS.ErrnoException) => {
    // Git may end before it has read everything: its exit code tells.
    if (error.code !== "EPIPE") child.emit("error", error);
  });
  child.stdin.end(input);
};

const endGroup = (child: ChildProcess): void => {
  if (child.pid === undefined) return;
  const group = -child.pid;
  send(group, "SIGTERM");
  const timer = setTimeout(() => send(group, "SIGKILL"), graceMs);
  child.once("close", () => clearTimeout(timer));
};

/** Send a signal to a process, or to a group when negative. One that is gone already is fine. */
export const send = (target: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(target, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
};
