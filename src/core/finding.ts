/** What `lanes doctor` says of one thing: how it is, where, and what to do. */
import { redact } from "./redact.ts";
import { sanitize } from "./text.ts";

/** How bad it is. Only `fail` keeps something from working. */
export type Level = "ok" | "warn" | "fail";

/**
 * A repair that `lanes doctor --fix` may make: it loses no work, and doing it twice does no harm. Paths are absolute. Who makes it looks
 * again first: what is no longer so is left alone.
 */
export type Mend =
  /** Remove a lock file of git that no living process holds. */
  | { readonly type: "unlock"; readonly path: string }
  /** Keep our folders out of git. */
  | { readonly type: "exclude" }
  | { readonly type: "mode"; readonly path: string; readonly mode: number }
  /** Move something that stands in the place of a file of ours into `rejected/`. */
  | { readonly type: "set-aside"; readonly path: string }
  /** End the last line of the log. */
  | { readonly type: "end-line" }
  /** Write the `.git` file of a worktree that has none. */
  | { readonly type: "relink"; readonly admin: string; readonly path: string }
  /** Forget a worktree that was never finished and holds no files. */
  | { readonly type: "forget-unfinished"; readonly lane: string; readonly path: string }
  /** Make a branch that is gone again, at the commit that its worktree stood at last. */
  | { readonly type: "restore-branch"; readonly branch: string; readonly commit: string }
  | { readonly type: "start-engine" };

/** One line of the report. */
export interface Finding {
  /** Which check found it: one word, stable for scripts. */
  readonly check: string;
  readonly level: Level;
  readonly what: string;
  readonly where?: string;
  /** One command for a shell, or one sentence where no command can help. */
  readonly fix?: string;
  readonly mend?: Mend;
}

/** A finding that all is well. */
export const fine = (check: string, what: string): Finding => ({ check, level: "ok", what });

/** A path with the home folder as `~`. */
export const short = (path: string, home: string): string =>
  home.length > 1 && (path === home || path.startsWith(`${home}/`)) ? `~${path.slice(home.length)}` : path;

/** A path as one word of a command line for sh. */
export const word = (path: string, home: string): string => {
  const shown = short(path, home);
  if (/^~?[\w@%+=:,./-]*$/.test(shown) && shown !== "") return shown;
  const [start, rest] = shown.startsWith("~/") ? ["~/", shown.slice(2)] : ["", shown];
  return `${start}'${rest.replaceAll("'", String.raw`'\''`)}'`;
};

/** The same finding, fit to be pasted anywhere: the home folder shortened, secrets out, one line a field. */
export const presentable = (finding: Finding, home: string): Finding => {
  const clean = (text: string): string => sanitize(redact(home.length > 1 ? shortIn(text, home) : text));
  return {
    ...finding,
    what: clean(finding.what),
    ...(finding.where === undefined ? {} : { where: clean(finding.where) }),
    ...(finding.fix === undefined ? {} : { fix: clean(finding.fix) }),
  };
};

/** The home folder inside a text, where it is a whole path or the beginning of one. */
const shortIn = (text: string, home: string): string =>
  text.split(home).reduce((before, after) => before + (/^(?:$|[/\s:;,.)'"])/.test(after) ? "~" : home) + after);

/** A time span as people say it: `40 s`, `3 min`, `2 h`, `5 d`. */
export const span = (ms: number): string => {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} d`;
};
