/** A lane's definition → the first message to an agent. */
import type { LaneSpec } from "../core/state.ts";

/** Longest message that is given as an argument, in bytes: Linux takes at most 128 KiB in one (execve(2)). */
const promptBytesMax = 100_000;

/**
 * What an agent is told. It begins with words of ours, so that no text of a lane is taken for an option, a slash command or a
 * file reference. One that does not fit into an argument says where the rest is.
 */
export const promptOf = (id: string, lane: LaneSpec, resumes: boolean, note = ""): string => {
  const whole = textOf(id, lane, resumes, note);
  return new TextEncoder().encode(whole).length <= promptBytesMax
    ? whole
    : `Your task in lane ${id} is in the JSON file that the environment variable LANES_TASKS names. Read it and do it.\n\n${ending(lane)}`;
};

const textOf = (id: string, lane: LaneSpec, resumes: boolean, note: string): string => {
  const begin = resumes
    ? `You were interrupted in lane ${id} before your work was done. Look at what is there (git status, git log) and go on. Your task was:`
    : `Your task in lane ${id}:`;
  const parts = [
    begin,
    lane.prompt ?? lane.name,
    list("Steps:", lane.tasks),
    list("Work only on these paths:", lane.paths),
    note === "" ? "" : `It was handed back to you with this note:\n${note}`,
  ];
  return [...parts.filter((part) => part !== ""), ending(lane)].join("\n\n");
};

const list = (title: string, items: readonly string[]): string =>
  items.length === 0 ? "" : [title, ...items.map((item) => `- ${item}`)].join("\n");

const ending = ({ acceptance, commit }: LaneSpec): string =>
  [
    ...(acceptance === undefined ? [] : [`This command must pass at the end: ${acceptance}`]),
    commit === "auto"
      ? "Do not commit: what you leave in this worktree is committed when you are done."
      : "Commit all of your work on the current branch when you are done, and leave nothing uncommitted. Do not switch branches.",
  ].join("\n");
