import { execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test, vi } from "vitest";

import { createRotatingFile } from "../../src/log/file.ts";
import { bundle, makeFifo } from "../journal/place.ts";

const place = (): { readonly folder: string; readonly path: string } => {
  const folder = mkdtempSync(join(tmpdir(), "lanes-log-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, "state"));
  return { folder, path: join(folder, "state", "engine.log") };
};

const modeOf = (path: string): number => lstatSync(path).mode & 0o777;
const namesIn = (path: string): readonly string[] => readdirSync(join(path, "..")).toSorted();

test("a full file is put aside, and only one is kept of those before it", () => {
  const { path } = place();
  const file = createRotatingFile(path, 100);
  for (let n = 0; n < 50; n += 1) file.write(`${"é".repeat(10)} ${n}\n`);
  expect(namesIn(path)).toEqual(["engine.log", "engine.log.1"]);
  expect(readFileSync(`${path}.1`, "utf8") + readFileSync(path, "utf8")).toMatch(/ 47\n.* 48\n.* 49\n$/);
  for (const each of [path, `${path}.1`]) expect(lstatSync(each).size).toBeLessThanOrEqual(100);
});

test("eight processes that write at once tear and double no line, keep what was just written and leave nothing else", async () => {
  const { folder, path } = place();
  const program = bundle(new URL("./writer.ts", import.meta.url), folder);
  const [cap, writers, count] = [4096, 8, 3000];
  const going = new Set(Array.from({ length: writers }, (_, n) => n));
  const ends = Array.from({ length: writers }, async (_, n) => {
    const writer = spawn(process.execPath, [program, path, `${cap}`, `w${n}`, `${count}`], { stdio: "inherit" });
    await new Promise((resolve) => writer.once("exit", resolve));
    going.delete(n);
  });
  let smallest = Number.POSITIVE_INFINITY;
  while (going.size > 0) {
    smallest = Math.min(smallest, lstatSync(`${path}.1`, { throwIfNoEntry: false })?.size ?? smallest);
    await new Promise(setImmediate);
  }
  await Promise.all(ends);
  // A young file in the older one's place would be a loss of what was just written.
  expect(smallest).toBeGreaterThan(cap / 2);
  expect(smallest).toBeLessThan(cap + writers * 100);
  expect(namesIn(path)).toEqual(["engine.log", "engine.log.1"]);
  const lines = [`${path}.1`, path].flatMap((each) => readFileSync(each, "utf8").trimEnd().split("\n"));
  for (const line of lines) expect(JSON.parse(line)).toMatchObject({ name: expect.stringMatching(/^w\d$/) as string });
  expect(new Set(lines).size).toBe(lines.length);
});

test("what a process that was killed had set aside goes, once it is old", () => {
  const { path } = place();
  for (const end of ["0123456789abcdef", "old"]) writeFileSync(`${path}.${end}`, "line\n");
  const file = createRotatingFile(path, 10);
  for (const line of ["one one\n", "two two\n"]) file.write(line);
  // Nothing says that its process is dead.
  expect(namesIn(path)).toContain("engine.log.0123456789abcdef");
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 120_000 });
  onTestFinished(() => void vi.useRealTimers());
  file.write("three three\n");
  expect(namesIn(path)).toEqual(["engine.log", "engine.log.1", "engine.log.old"]);
});

test("nobody else can read it, whatever the umask was or the file's mode is", () => {
  const { path } = place();
  const before = process.umask(0);
  onTestFinished(() => void process.umask(before));
  createRotatingFile(path).write("one\n");
  expect(modeOf(path)).toBe(0o600);
  chmodSync(path, 0o666);
  createRotatingFile(path).write("two\n");
  expect(modeOf(path)).toBe(0o600);
});

test("nothing is written through a link, and neither a pipe nor a folder in its place holds anybody up", () => {
  const { folder, path } = place();
  const victim = join(folder, "victim");
  writeFileSync(victim, "mine\n");
  symlinkSync(victim, path);
  createRotatingFile(path, 1).write("one\n");
  expect(readFileSync(victim, "utf8")).toBe("mine\n");
  expect(lstatSync(path).isSymbolicLink()).toBe(true);
  rmSync(path);
  makeFifo(path);
  createRotatingFile(path).write("two\n");
  expect(lstatSync(path).isFIFO()).toBe(true);
  rmSync(path);
  mkdirSync(path);
  createRotatingFile(path).write("three\n");
  expect(readdirSync(path)).toEqual([]);
});

test("a folder in the older one's place stops nothing", () => {
  const { path } = place();
  mkdirSync(join(`${path}.1`, "inner"), { recursive: true });
  const file = createRotatingFile(path, 10);
  for (let n = 0; n < 5; n += 1) file.write(`line ${n}\n`);
  expect(readdirSync(`${path}.1`)).toEqual(["inner"]);
  expect(readFileSync(path, "utf8")).toContain("line 4\n");
});

test("on a full disk nothing happens, and later lines are whole", () => {
  const { folder, path } = place();
  const program = bundle(new URL("./writer.ts", import.meta.url), folder);
  // A limit of file sizes cuts a line like a full disk does.
  const script = `trap '' XFSZ; ulimit -f 1; exec "$@"`;
  execFileSync("sh", ["-c", script, "sh", process.execPath, program, path, "1000000", "full", "100"]);
  const torn = readFileSync(path, "utf8");
  expect(torn).not.toMatch(/\n$/);
  createRotatingFile(path).write("again\n");
  expect(readFileSync(path, "utf8")).toBe(`${torn}\nagain\n`);
});

test("without the folder nothing happens, and none is made", () => {
  const { folder } = place();
  createRotatingFile(join(folder, "absent", "engine.log")).write("one\n");
  expect(readdirSync(folder)).toEqual(["state"]);
});
