import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";

import { expect, onTestFinished, test } from "vitest";

import { failureLine } from "../../src/cli/exit.ts";
import { readText } from "../../src/cli/read-text.ts";
import { isNo } from "../../src/core/observed.ts";

const folder = (): string => {
  const path = mkdtempSync(join(tmpdir(), "lanes-cli-"));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
};

const read = async (argument: string, cwd = "/", input: readonly (string | Buffer)[] = []): Promise<string> => {
  const answer = await readText({ cwd, stdin: Readable.from(input) }, argument, "the definition");
  return isNo(answer) ? `${answer.code} ${failureLine(answer)}` : answer.text;
};

test("text that is typed is taken as it is", async () => {
  expect(await read('{"a": 1}')).toBe('{"a": 1}');
  expect(await read("")).toBe("");
});

test("a dash reads standard input, in pieces that may cut a character", async () => {
  const bytes = Buffer.from("a é b");
  expect(await read("-", "/", [bytes.subarray(0, 3), bytes.subarray(3)])).toBe("a é b");
});

test("an @ reads a file, relative to the folder", async () => {
  const cwd = folder();
  writeFileSync(join(cwd, "lane.json"), "{}");
  expect(await read("@lane.json", cwd)).toBe("{}");
});

test("what is no file is refused at once, also a pipe that nobody writes to", async () => {
  const cwd = folder();
  execFileSync("sh", ["-c", "mkfifo pipe"], { cwd });
  expect(await read("@pipe", cwd)).toBe('65 lanes: "pipe" is not a file; name a file, or pipe it in with -');
  expect(await read("@.", cwd)).toBe('65 lanes: "." is not a file; name a file, or pipe it in with -');
  expect(await read("@missing", cwd)).toBe(
    '65 lanes: "missing" cannot be read (ENOENT); look at the path; it is relative to this folder',
  );
  expect(await read("@a\u0000b", cwd)).toBe(
    String.raw`65 lanes: "a\u{0}b" cannot be read (ERR_INVALID_ARG_VALUE); look at the path; it is relative to this folder`,
  );
});

test("text that is too long or not UTF-8 is refused", async () => {
  const cwd = folder();
  writeFileSync(join(cwd, "long"), "x".repeat(1_048_577));
  writeFileSync(join(cwd, "bytes"), Buffer.from([0x7b, 0xff, 0x7d]));
  expect(await read("@long", cwd)).toBe('65 lanes: "long" is longer than 1048576 bytes; make it shorter');
  expect(await read("@bytes", cwd)).toBe('65 lanes: "bytes" is not UTF-8 text; write it in UTF-8');
  expect(await read("x".repeat(1_048_577))).toBe(
    "65 lanes: the definition is longer than 1048576 bytes; make it shorter",
  );
  expect(await read("-", "/", ["x".repeat(1_000_000), "x".repeat(1_000_000)])).toBe(
    "65 lanes: standard input is longer than 1048576 bytes; make it shorter",
  );
});

test("a pipe that never ends is left when it has brought too much", async () => {
  const endless = Readable.from(
    (function* () {
      for (;;) yield "x".repeat(65_536);
    })(),
  );
  const answer = await readText({ cwd: "/", stdin: endless }, "-", "the definition");
  expect(isNo(answer) && answer.code).toBe(65);
});
