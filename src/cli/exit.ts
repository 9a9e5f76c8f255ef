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

/** Codes of a disk that cannot be written, and what to say about them. */
const diskFaults: Readonly<Record<string, string>> = {
  ENOTDIR: "a part of this path is no folder",
  EACCES: "this folder may not be written",
  EPERM: "this folder may not be written",
  EROFS: "this file system is read-only",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
};

/** A thrown error as the same kind of line; the stack is shown with -v only. */
export const errorNo = (error: unknown): No => {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  // The codes of src/git/run.ts and src/journal/folder.ts, whose sentences say what to do.
  if (code === "ENOGIT") return no(message, "", exit.tool);
  if (code === "EUNSAFE") return no(message, "", exit.create);
  const disk = diskFaults[code];
  if (disk !== undefined) return no(`${disk} (${message})`, "make room or give access, then try again", exit.create);
  return no(
    `internal error: ${message.split("\n", 1)[0] ?? ""}`,
    "lanes -v … shows where; please report it",
    exit.internal,
  );
};
