import { execFileSync } from "node:child_process";

import { expect, test } from "vitest";

import { hasTool } from "../tool.ts";
import { makeScratch, program, until } from "./scratch.ts";

test.runIf(hasTool("tmux"))(
  "in tmux: the pane is killed, and the control center comes back where it was",
  { timeout: 120_000 },
  async () => {
    await using scratch = await makeScratch();
    const socket = `lanes-story-${process.pid}`;
    const tmux = (...words: readonly string[]): string =>
      execFileSync("tmux", ["-L", socket, "-f", "/dev/null", ...words], { env: scratch.env, encoding: "utf8" });
    const pane = (): string => tmux("capture-pane", "-p", "-t", "=story:");
    const shows = async (pattern: RegExp): Promise<void> => {
      try {
        await until(`${pattern} in the pane`, () => (pattern.test(pane()) ? true : undefined));
      } catch (error) {
        throw new Error(`${String(error)}\n${pane()}`, { cause: error });
      }
    };
    const open = (): string =>
      tmux("new-session", "-d", "-s", "story", "-x", "100", "-y", "30", "-c", scratch.repo, process.execPath, program);
    try {
      for (const id of ["alpha", "beta"])
        await scratch.add(id, { command: `sleep 3; echo ${id} > ${id}.txt; git add ${id}.txt; git commit -qm ${id}` });
      open();
      await shows(/alpha +planned/);
      tmux("send-keys", "-t", "=story:", "L");
      await shows(/alpha +running/);
      tmux("kill-server");
      await until("another tmux server", () => (tried(open) ? true : undefined));
      await shows(/alpha +ready/);
      tmux("send-keys", "-t", "=story:", "m");
      await shows(/alpha +merged/);
      tmux("send-keys", "-t", "=story:", "q");
      expect(scratch.read("alpha.txt")).toBe("alpha\n");
    } finally {
      tried(() => tmux("kill-server"));
    }
  },
);

/** Did it work? A tmux server that ends, or has ended, makes its client fail. */
const tried = (act: () => unknown): boolean => {
  try {
    act();
    return true;
  } catch (error) {
    if (error instanceof Error && "status" in error) return false;
    throw error;
  }
};
