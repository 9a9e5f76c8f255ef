import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { scene, yes } from "./scratch.ts";

test("a lane opens, is committed, merged, verified, landed and closed", async () => {
  const s = await scene();
  const main = s.run("rev-parse", "main");
  expect(await s.git.exclude()).toBe(false);
  expect(await s.git.currentBranch()).toEqual({ name: "main" });
  const opened = yes(await s.git.openLane("one", main));
  expect(opened.head).toBe(main);
  expect(readFileSync(join(opened.path, "a.txt"), "utf8")).toBe("a\n");
  s.write(".worktrees/one/new.txt", "new\n");
  expect(await s.git.commitAll("one", "work")).toBe(true);
  expect(await s.git.commitAll("one", "work")).toBe(false);
  const head = s.run("rev-parse", "lane/one/work");
  const seen = await s.git.observe({ target: "main", status: ["one"] });
  expect(seen.lanes.get("one")).toEqual({ head, subject: "work", ahead: 1, behind: 0, worktree: "present", dirty: [] });
  const candidate = yes(await s.git.candidate({ onto: main, head, message: "Merge one", at: 1_700_000_000_000 }));
  const path = await s.git.verification(0, candidate.commit);
  expect(readFileSync(join(path, "new.txt"), "utf8")).toBe("new\n");
  expect(await s.git.changed(main, head)).toEqual(["new.txt"]);
  expect([...(await s.git.filesAt(candidate.commit, "dir"))]).toEqual([["dir/c.txt", "c\n"]]);
  expect(await s.git.contains(candidate.commit, head)).toBe(true);
  expect(await s.git.land({ lane: "one", target: "main", onto: main, commit: candidate.commit, head })).toEqual({
    landed: true,
  });
  expect(s.run("status", "--porcelain")).toBe("");
  expect(s.run("rev-parse", "main")).toBe(candidate.commit);
  expect(readFileSync(join(s.top, "new.txt"), "utf8")).toBe("new\n");
  expect(await s.git.closeLane("one", "main")).toEqual({ removed: true, why: "" });
  expect(existsSync(opened.path)).toBe(false);
  expect(s.run("for-each-ref", "--format=%(refname)")).toMatchInlineSnapshot(`
    "refs/heads/main
    refs/lanes/backup/one/1
    refs/lanes/landed/one"
  `);
});
