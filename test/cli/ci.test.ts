import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { expect, test } from "vitest";

import { patience, scene } from "./scratch.ts";

const root = join(import.meta.dirname, "../..");
const readme = readFileSync(join(root, "README.md"), "utf8");

/** What the README shows for CI, as a script. */
const script = (/```yaml\n- run: \|\n([\s\S]*?)```/.exec(readme)?.[1] ?? "").replaceAll(/^ {4}/gm, "");

test("the README's example for CI works in a fresh clone that is on no branch", patience, () => {
  const there = scene();
  const home = dirname(there.top);
  const report = { probe: "docs", ok: false, findings: [], gaps: [{ id: "guide", title: "a guide" }] };
  const probe = `mkdir -p docs/_generated; echo '${JSON.stringify(report)}' > docs/_generated/docs.json`;
  const gaps = { command: "echo g > g.txt; git add g.txt; git commit -qm g" };
  there.write("lanes.config.json", JSON.stringify({ check: "true", probes: { docs: { command: probe } }, gaps }));
  there.git("add", ".");
  there.git("commit", "-qm", "configure");
  const clone = join(home, "clone");
  there.git("clone", "-q", "--depth", "1", `file://${there.top}`, clone);
  there.git("-C", clone, "checkout", "-q", "--detach");
  there.git("-C", clone, "branch", "-q", "-D", "main");
  mkdirSync(join(home, "bin"));
  const npx = `#!/bin/sh\nshift\nexec "${process.execPath}" "${join(root, "bin/lanes.js")}" "$@"\n`;
  writeFileSync(join(home, "bin", "npx"), npx, { mode: 0o755 });
  const env = {
    PATH: `${join(home, "bin")}:${process.env["PATH"]}`,
    HOME: home,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: join(home, "gitconfig"),
    XDG_CONFIG_HOME: join(home, "config"),
    XDG_STATE_HOME: join(home, "state"),
  };
  expect(script).toContain("npx lanekeeper merge");
  const said = execFileSync("sh", ["-ec", script], {
    cwd: clone,
    env,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
  expect(said).toContain("landed guide");
  expect(there.git("-C", clone, "show", "HEAD:g.txt")).toBe("g");
  execFileSync("npx", ["lanekeeper", "engine", "stop"], { cwd: clone, env, stdio: "ignore" });
});
