import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { ready, scene } from "./scratch.ts";
import type { Scene } from "./scratch.ts";

const names = async (s: Scene): Promise<readonly string[]> =>
  Object.keys((await s.git.observe({ target: "main", status: [] })).configured ?? {});

test("settings, hooks and attributes that all lanes share are seen by name, their values only as a digest", async () => {
  const s = await scene();
  const before = await names(s);
  s.run("config", "core.hooksPath", "/secret");
  s.run("config", "branch.main.remote", "origin");
  mkdirSync(join(s.layout.common, "hooks"), { recursive: true });
  for (const name of ["pre-commit", "pre-push.sample", "notes"])
    writeFileSync(join(s.layout.common, "hooks", name), "#!/bin/sh\n", { mode: name === "notes" ? 0o644 : 0o755 });
  s.write(".git/info/attributes", "*.txt text\n");
  const { configured } = await s.git.observe({ target: "main", status: [] });
  expect(Object.keys(configured ?? {}).filter((name) => !before.includes(name))).toEqual([
    "core.hookspath in git's shared configuration",
    "info/attributes",
    "the hook pre-commit",
  ]);
  expect(JSON.stringify(configured)).not.toContain("secret");
});

test("a lane's own configuration is seen, and each change of a value", async () => {
  const s = await scene();
  await ready(s, "one", { "a.txt": "A\n" });
  s.run("config", "extensions.worktreeConfig", "true");
  const looks: string[] = [];
  for (const value of ["/x", "/y"]) {
    s.at(".worktrees/one", "config", "--worktree", "core.worktree", value);
    const { configured } = await s.git.observe({ target: "main", status: [] });
    looks.push(configured?.["core.worktree in the worktree one's own configuration"] ?? "");
  }
  expect(looks).toEqual([expect.stringMatching(/./), expect.stringMatching(/./)]);
  expect(looks[0]).not.toBe(looks[1]);
});

test("a configuration that nobody can read, or that is flooded, is one setting", async () => {
  const s = await scene();
  await ready(s, "one", { "a.txt": "A\n" });
  const file = join(s.layout.common, "worktrees/one/config.worktree");
  writeFileSync(file, "[broken\n");
  expect(await names(s)).toContain("the worktree one's own configuration, which git cannot read,");
  writeFileSync(file, `[x]\n${Array.from({ length: 501 }, (_, each) => `y${each} = 1\n`).join("")}`);
  chmodSync(file, 0o600);
  expect(await names(s)).toContain("the worktree one's own configuration with its 501 settings");
});

test("a file that a setting includes is not read: that it is included is seen", async () => {
  const s = await scene();
  writeFileSync(join(s.home, "included"), "[x]\n\ty = z\n");
  s.run("config", "include.path", join(s.home, "included"));
  const seen = await names(s);
  expect(seen).toContain("include.path in git's shared configuration");
  expect(seen.filter((name) => name.startsWith("x."))).toEqual([]);
});
