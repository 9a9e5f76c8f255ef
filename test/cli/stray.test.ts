import { execSync } from "node:child_process";

import { expect, test } from "vitest";

import { patience, scene } from "./scratch.ts";

test(
  "a lane whose agent left the lane's branch says where it is, and the way back that it names works",
  patience,
  async () => {
    const there = scene();
    const command = "git checkout -q -b mine; echo z>z; git add .; git commit -qm z";
    await there.lanes("add-lane", "e", JSON.stringify({ command }));
    const stray = "its worktree is on the branch mine, not on lane/e/work";
    const back = "git -C .worktrees/e checkout lane/e/work && git -C .worktrees/e merge -";
    expect(await there.lanes("exec-lane", "e")).toMatchObject({
      code: 4,
      stdout: `e is waiting: ${stray}; next: ${back}; then lanes merge e\n`,
    });
    expect((await there.lanes("why", "e")).stdout).toContain(`${stray}; next: ${back}; then`);
    expect(await there.lanes("merge", "e")).toMatchObject({
      code: 4,
      stdout: `not landed: lane e cannot be merged: ${stray}; ${back}\n`,
    });
    execSync(back, { cwd: there.top, stdio: "ignore" });
    expect((await there.lanes("merge", "e")).code).toBe(0);
    expect(there.git("show", "main:z")).toBe("z");
  },
);
