import { spawnSync } from "node:child_process";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { makeRepository } from "../story/place.ts";
import { callAll, planted, traps } from "../story/trap.ts";

describe("each trap alone, with every verb:", () => {
  test.each(Object.entries(traps))("%s", async (name, { sprung }) => {
    await using place = makeRepository();
    const scene = planted(place, [name]);
    for (const { verb, ran } of await callAll(scene)) expect([verb, ran]).toEqual([verb, []]);
    if (sprung.length === 0) return;
    // The trap is a trap: plain git runs the program.
    await using plain = makeRepository();
    const open = planted(plain, [name]);
    const worktree = join(plain.top, ".worktrees", "one");
    plain.git(plain.top, "-c", "core.hooksPath=/dev/null", "worktree", "add", "-q", worktree, "left");
    const spring = (file: string, words: readonly string[], cwd: string): void => {
      spawnSync(file, words, {
        cwd,
        env: plain.env,
        input: "protocol=https\nhost=nowhere.invalid\n\n",
        timeout: 20_000,
      });
    };
    spring("/bin/sh", ["-c", open.agent], worktree);
    spring("git", sprung, plain.top);
    expect(open.ran()).toEqual([name]);
  });
});
