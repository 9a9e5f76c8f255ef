/** What the command line needs of its process. `main` hands it over, tests make their own. */
import type { No } from "../core/observed.ts";
import type { Doctor } from "../engine/doctor.ts";
import type { Engine } from "../engine/engine.ts";

/** A stream that is written to; `process.stdout` is one. */
export interface Writer {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): boolean;
  on(event: "error", listener: (error: Error) => void): unknown;
  off(event: "error", listener: (error: Error) => void): unknown;
}

/** A stream that is read from; `process.stdin` is one. */
export type Reader = NodeJS.ReadableStream & { readonly isTTY?: boolean | undefined };

/** The process around the command line. */
export interface Shell {
  readonly version: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdin: Reader;
  readonly stdout: Writer;
  readonly stderr: Writer;
  /** Milliseconds since 1970. */
  now(): number;
  /** Milliseconds since some moment of this process, by a clock that nobody sets. */
  elapsed(): number;
  /** Opens the repository at `repo` (relative to `cwd`), or the one that holds `cwd`. A No is printed and its code returned. */
  engine(repo?: string): Promise<Engine | No>;
  /** Whoever looks for faults at `repo`, or here: in a repository, outside of any, and in one that cannot be used. */
  readonly doctor?: (repo?: string) => Promise<Doctor>;
  /** `listener` is called at ctrl-c (and at TERM and HUP) instead of the process ending, until released. */
  onInterrupt(listener: () => void): () => void;
  /** The screens; absent where they cannot be shown. They resolve with an exit code. */
  readonly openControlCenter?: (engine: Engine) => Promise<number>;
  readonly openDemo?: (options: { readonly plain: boolean }) => Promise<number>;
}

/** The lane whose run made this call; undefined for a person's. A run can take it out of its environment: it guards against mistakes. */
export const callingLane = ({ environment }: Pick<Shell, "environment">): string | undefined =>
  environment["LANES_LANE"];

/** Is there a person at a terminal that can show a screen? Its keys are a person's: an agent's terminal shows none. */
export const hasScreen = (shell: Shell): boolean =>
  isPersons(shell) && shell.stdout.isTTY === true && shell.environment["TERM"] !== "dumb";

/** Is somebody there who can be asked? The run of a lane is no person, whatever terminal it made for itself. */
export const isPersons = (shell: Pick<Shell, "stdin" | "environment">): boolean =>
  shell.stdin.isTTY === true && callingLane(shell) === undefined;
