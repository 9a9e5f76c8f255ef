/** Names: what may be called what. A lane's id is also its branch folder, worktree folder and session name. */

/** A lane or agent id: one word that git, tmux, the shell and every file system take as it is. */
export const idPattern: RegExp = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;

/** Ids that would be confused with a word of ours, with a device of some file system, or by scripts with what every object has. */
const reserved: ReadonlySet<string> = new Set([
  "target",
  "con",
  "nul",
  "prn",
  "aux",
  "head",
  "constructor",
  "prototype",
]);

/** Longest piece of a bad id that is repeated back to the person. */
const echoMax = 40;

/** Why `id` cannot name a lane, or undefined when it can. */
export const idFault = (id: unknown): string | undefined => {
  if (typeof id !== "string") return "an id must be a string";
  if (id === "") return "an id must not be empty";
  if (id.length > 63) return `an id has at most 63 characters, this one has ${id.length}`;
  if (!idPattern.test(id))
    return `${quote(id)} is not an id: letters, digits, "_" and "-", starting with a letter or digit`;
  if (reserved.has(id.toLowerCase())) return `"${id}" is a reserved word`;
  return undefined;
};

/** Text of unknown origin as a short quoted word: control characters, bidi and format marks become escapes. */
export const quote = (text: string): string => {
  const start = text.slice(0, echoMax).replaceAll(/[\p{C}\p{Zl}\p{Zp}"\\]/gu, escaped);
  return text.length > echoMax ? `"${start}…"` : `"${start}"`;
};

const escaped = (char: string): string => `\\u{${Number(char.codePointAt(0)).toString(16)}}`;

/** The branch that a lane works on, without `refs/heads/`. A folder per lane: neighbours can be shut out of it. */
export const branchOf = (lane: string): string => `lane/${lane}/work`;

/** The full ref of a lane's branch. */
export const refOf = (lane: string): string => `refs/heads/${branchOf(lane)}`;

/** A lane's worktree, relative to the folder that holds the repository's state. */
export const worktreeOf = (lane: string): string => `.worktrees/${lane}`;

/** Where a worktree stands that is not on its lane's branch; `on`: the branch that it is on, undefined when it is on none. */
export const strayText = (lane: string, on: string | undefined): string =>
  `its worktree is on ${on === undefined ? "no branch" : `the branch ${on}`}, not on ${branchOf(lane)}`;

/** What brings such a worktree back with the work in it: `-` is where it was before. */
export const strayHint = (lane: string): string =>
  `git -C ${worktreeOf(lane)} checkout ${branchOf(lane)} && git -C ${worktreeOf(lane)} merge -`;

/** The name of the n-th run of a lane (n counts from 1); also its folder under `runs/`. */
export const runOf = (lane: string, n: number): string => `${lane}-${n}`;

/** The seed's key for the agent of a lane that names none. */
export const agentOf = (lane: string, named: string | undefined): string => named ?? `agent-${lane}`;
