/** Exit codes, and the one line that goes with them. */
import type { No } from "../core/observed.ts";
import type { Fault } from "../core/parse.ts";
import { sanitize } from "../core/text.ts";

/** What each exit code says; the same for every verb. */
export const exit = {
  done: 0,
  failed: 1,
  conflict: 2,
  unusable: 3,
  refused: 4,
  usage: 64,
  data: 65,
  tool: 69,
  internal: 70,
  create: 73,
  again: 75,
  interrupted: 130,
} as const;

/** How a verb ends: an exit code, or an expected "no" that still has to be said. */
export type Answer = number | No;

/** The code for several outcomes: the smallest of 1-4, else the largest. */
export const worst = (codes: readonly number[]): number => {
  const told = codes.filter((code) => code >= 1 && code <= 4);
  return told.length > 0 ? Math.min(...told) : Math.max(exit.done, ...codes);
};

/** A "no" of the command line itself. */
export const no = (refused: string, hint: string, code: number): No => ({ refused, hint, code });

/** What a parser found wrong, as a "no" that names the place: `what: field: fault`. */
export const faultNo = (what: string, { path, fault, hint }: Fault): No =>
  no(path === "" ? `${what} ${fault}` : `${what}: ${path}: ${fault}`, hint, exit.data);

/** The line that a failure prints. */
export const failureLine = ({ refused, hint }: No): string =>
  sanitize(`lanes: ${refused}${hint === "" ? "" : `; ${hint}`}`);

/** Why only looking works, said beside the answer. */
export const remarkOf = ({ refused, hint }: No): string => `lanes: ${refused}; ${hint}`;

/** What a system's code says: the fault, what to do, the exit code. */
type Reason = readonly [what: string, hint: string, code: number];

const disk = (what: string): Reason => [what, "make room or give access, then try again", exit.create];
const crowded = (what: string, hint: string): Reason => [what, hint, exit.again];
const files = crowded("too many files are open", "raise the limit (ulimit -n 4096), then try again");
const processes = crowded("the system has no room for another process", "try again when it is less busy");

/** Codes of a system that cannot do it, as opposed to a program that is wrong. */
const reasons: Readonly<Record<string, Reason>> = {
  ENOTDIR: disk("a part of this path is no folder"),
  EACCES: disk("this folder may not be written"),
  EPERM: disk("this folder may not be written"),
  EROFS: disk("this file system is read-only"),
  ENOSPC: disk("the disk is full"),
  EDQUOT: disk("the disk quota is used up"),
  EFBIG: disk("a file may not grow that large here (ulimit -f)"),
  EIO: ["the disk reported an error", "try again, and look after the disk", exit.create],
  EMFILE: files,
  ENFILE: files,
  EAGAIN: processes,
  ENOMEM: processes,
};

/** A thrown error as the same kind of line; the stack is shown with -v only. */
export const errorNo = (error: unknown): No => {
  const message = error instanceof Error ? error.message : String(error);
  const code = codeOf(error);
  // The codes of src/git/run.ts and src/journal/folder.ts, whose sentences say what to do.
  if (code === "ENOGIT") return no(message, "", exit.tool);
  if (code === "EUNSAFE") return no(message, "", exit.create);
  const reason = reasons[code] ?? reasons[error instanceof Error ? codeOf(error.cause) : ""];
  if (reason !== undefined) return no(`${reason[0]} (${message})`, reason[1], reason[2]);
  return no(
    `internal error: ${message.split("\n", 1)[0] ?? ""}`,
    "lanes -v … shows where; please report it",
    exit.internal,
  );
};

/** The system's code of what was thrown, or empty. */
const codeOf = (error: unknown): string => (error instanceof Error && "code" in error ? String(error.code) : "");
