import stringWidth from "string-width";
import { describe, expect, test } from "vitest";

import { ageOf, agoOf } from "../../src/cli/age.ts";
import { createLines } from "../../src/cli/lines.ts";
import { createOutput } from "../../src/cli/output.ts";
import { cut, tableLines } from "../../src/cli/table.ts";
import { type Style, styleOf } from "../../src/cli/terminal.ts";
import { fakeShell, paper } from "./fake.ts";

const plain: Style = { coloured: false, utf8: true, columns: undefined };

describe("a table", () => {
  const rows = [
    [{ text: "a" }, { text: "long word" }, { text: "end" }],
    [{ text: "結果" }, { text: "b" }, { text: "" }],
  ];

  test("is aligned by width and has no blanks at line ends", async () => {
    expect(await tableLines(rows, plain)).toEqual(["a     long word  end", "結果  b"]);
  });

  test.each([1, 5, 8, 13, 17, 19, 20])("keeps to %i columns", async (columns) => {
    for (const line of await tableLines(rows, { ...plain, columns })) {
      expect(stringWidth(line)).toBeLessThanOrEqual(columns);
      expect(line).toBe(line.trimEnd());
    }
  });

  test("marks what is cut", () => {
    expect(cut("longer", 4, plain, stringWidth)).toBe("lon…");
    expect(cut("longer", 4, { ...plain, utf8: false }, stringWidth)).toBe("lon~");
    expect(cut("結果結果", 4, plain, stringWidth)).toBe("結…");
    expect(cut("fits", 4, plain, stringWidth)).toBe("fits");
  });
});

describe("a style", () => {
  const terminal = paper({ isTTY: true, columns: 80 });

  test.each([
    [{ LANG: "en_US.UTF-8", TERM: "xterm" }, true, true],
    [{ LANG: "C", TERM: "xterm" }, true, false],
    [{ LANG: "en_US.UTF-8", LC_ALL: "C", TERM: "xterm" }, true, false],
    [{ LANG: "C", LC_CTYPE: "C.utf8", LC_ALL: "", TERM: "xterm" }, true, true],
    [{ LANG: "C.UTF-8", TERM: "dumb" }, false, true],
    [{ LANG: "C.UTF-8", NO_COLOR: "1" }, false, true],
    [{ LANG: "C.UTF-8", NO_COLOR: "" }, true, true],
    [{ LANG: "C.UTF-8", NO_COLOR: "1", FORCE_COLOR: "1" }, false, true],
    [{ FORCE_COLOR: "0" }, false, false],
    [{}, true, false],
  ])("of a terminal with %j: colours %s, glyphs %s", (environment, coloured, utf8) => {
    expect(styleOf(terminal, environment, false)).toEqual({ coloured, utf8, columns: 80 });
  });

  test("of a pipe has no colours unless they are forced, and cuts nothing", () => {
    expect(styleOf(paper(), { LANG: "C.UTF-8" }, false)).toEqual({ coloured: false, utf8: true, columns: undefined });
    expect(styleOf(paper(), { FORCE_COLOR: "1" }, false).coloured).toBe(true);
  });

  test("that is to be plain has nothing", () => {
    expect(styleOf(terminal, { LANG: "C.UTF-8", FORCE_COLOR: "1" }, true)).toEqual({
      coloured: false,
      utf8: false,
      columns: undefined,
    });
  });
});

describe("the output", () => {
  const rude = "a\u001B[2J\u202E\nb";

  test("sanitises every line, and keeps data and remarks apart", () => {
    const shell = fakeShell();
    const output = createOutput(shell, false);
    output.print(rude);
    output.say(rude);
    expect([shell.stdout.text(), shell.stderr.text()]).toEqual(["a b\n", "a b\n"]);
  });

  test("makes no remarks when it is to be quiet, but tells failures", () => {
    const shell = fakeShell();
    const output = createOutput(shell, true);
    output.say("a remark");
    output.fail("a failure");
    expect([shell.stdout.text(), shell.stderr.text()]).toEqual(["", "a failure\n"]);
  });

  test("writes nothing more once the reader has left", () => {
    const shell = fakeShell();
    const output = createOutput(shell, false);
    shell.stdout.fail(Object.assign(new Error("write EPIPE"), { code: "EPIPE" }));
    output.print("late");
    expect([shell.stdout.text(), output.closed.aborted]).toEqual(["", true]);
  });
});

describe("an age", () => {
  test.each([
    [999, "now"],
    [1000, "1 s"],
    [59_999, "59 s"],
    [60_000, "1 min"],
    [7_200_000, "2 h"],
    [200_000_000, "2 d"],
    [-5000, "now"],
  ])("of %i ms is %s", (ms, expected) => {
    expect(ageOf(0, ms)).toBe(expected);
    expect(agoOf(0, ms)).toBe(expected === "now" ? "now" : `${expected} ago`);
  });
});

describe("lines of an output", () => {
  const split = (...parts: readonly string[]): readonly string[] => {
    const shown: string[] = [];
    const lines = createLines((line) => shown.push(line));
    for (const part of parts) lines.push(part);
    lines.end();
    return shown;
  };

  test("come whole however the output is cut into pieces", () => {
    expect(split("one\nt", "wo", "\n\nfour")).toEqual(["one", "two", "", "four"]);
    expect(split()).toEqual([]);
  });

  test("hold nothing that a terminal acts on, also when a sequence is cut in two", () => {
    expect(split("a\u001B[3", "1mb\n")).toEqual(["ab"]);
  });

  test("that never end are shown in parts", () => {
    const shown = split(...Array.from({ length: 40 }, () => "x".repeat(4000)));
    expect(shown.length).toBeGreaterThan(1);
  });
});
