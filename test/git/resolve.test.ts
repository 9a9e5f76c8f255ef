import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { ready, scene, yes } from "./scratch.ts";

test("work that was taken back is a merge only when its files are merged, whenever that is killed", async () => {
  const s = await scene();
  const ask = await ready(s, "one", { "a.txt": "lane\n" });
  expect(await s.git.land(ask)).toEqual({ landed: true });
  const { onto, commit: merge, head } = ask;
  const built = yes(await s.git.reverted({ onto: merge, from: onto, to: merge, message: "Undo", at: 0 }));
  const back = { lane: "one", target: "main", onto: merge, commit: built.commit, head, merge, back: false };
  expect(await s.git.takeBack(back)).toEqual({ tip: built.commit });
  const tip = s.commit(".", { "a.txt": "target\n", "later.txt": "later\n" });
  const folder = ".worktrees/one";
  const mergeHead = join(s.layout.common, "worktrees/one/MERGE_HEAD");
  const dying = s.again({
    step: (name) => {
      if (name === "resolve:merged") throw new Error("killed");
    },
  });
  const wish = { target: "main", since: onto };
  await expect(dying.putConflict("one", wish)).rejects.toThrow("killed");
  expect(existsSync(mergeHead)).toBe(false);
  expect(s.at(folder, "ls-files", "-u")).toContain("a.txt");
  expect(yes(await s.again().putConflict("one", wish))).toMatchObject({ onto: tip, paths: ["a.txt"] });
  expect(readFileSync(mergeHead, "utf8")).toBe(`${tip}\n`);
  expect(existsSync(join(s.layout.common, "worktrees/one/lanekeeper-resolving"))).toBe(false);
  s.write(`${folder}/a.txt`, "both\n");
  s.at(folder, "commit", "--quiet", "--all", "--no-edit");
  expect(s.at(folder, "rev-parse", "HEAD^1", "HEAD^2")).toBe(`${head}\n${tip}`);
  expect(s.at(folder, "ls-tree", "--name-only", "HEAD")).toContain("later.txt");
});
