/** What V8 made of the small file of `lanes status` is kept, and never trusted blindly. */
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { makeScratch, program } from "../story/scratch.ts";

/** The program's folder copied, so that nobody else runs it. */
const copyOfProgram = (): { readonly bin: string; readonly dist: string; readonly kept: () => readonly string[] } => {
  const root = mkdtempSync(join(tmpdir(), "lanes-kept-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  for (const name of ["bin", "dist", "package.json"])
    cpSync(join(dirname(program), "..", name), join(root, name), {
      recursive: true,
      filter: (path) => !path.endsWith(".v8"),
    });
  const dist = join(root, "dist");
  const kept = (): readonly string[] => readdirSync(dist).filter((name) => name.includes(".v8"));
  return { bin: join(root, "bin", "lanes.js"), dist, kept };
};

test("status says the same the first time, the second time, and with something else in the place of what was kept", async () => {
  await using scratch = await makeScratch();
  await scratch.lanes("init");
  await scratch.add("docs", { agent: "manual" });
  const { bin, dist, kept } = copyOfProgram();
  const status = (): string =>
    execFileSync(process.execPath, [bin, "status"], {
      cwd: scratch.repo,
      env: scratch.env,
      encoding: "utf8",
    }).replaceAll(/ (?:now|\d+ s) *$/gm, "");
  const first = status();
  expect(first).toContain("docs");
  expect(kept()).toHaveLength(1);
  const path = join(dist, kept()[0] ?? "");
  const data = readFileSync(path);
  const at = statSync(path).mtimeMs;
  expect(status()).toBe(first);
  expect([kept().length, statSync(path).mtimeMs]).toEqual([1, at]);
  for (const other of [Buffer.from("garbage"), Buffer.alloc(data.length), data.subarray(0, 1000)]) {
    writeFileSync(path, other);
    expect(status()).toBe(first);
    expect(statSync(path).size).toBeGreaterThan(10_000);
  }
});

test("status needs nothing that it kept, and no right to keep it", async () => {
  await using scratch = await makeScratch();
  const { bin, dist, kept } = copyOfProgram();
  chmodSync(dist, 0o555);
  const ran = execFileSync(process.execPath, [bin, "status"], {
    cwd: scratch.repo,
    env: scratch.env,
    encoding: "utf8",
  });
  chmodSync(dist, 0o755);
  expect(ran).toBe((await scratch.lanes("status")).stdout);
  expect(kept().length).toBe(process.getuid?.() === 0 ? 1 : 0);
});
