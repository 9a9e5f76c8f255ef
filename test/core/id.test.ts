import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { agentOf, branchOf, idFault, quote, refOf, runOf, worktreeOf } from "../../src/core/id.ts";
import { checkRunOf } from "../../src/core/queue.ts";

const hostile: readonly unknown[] = [
  "-rf",
  "--upload-pack=x",
  "..",
  "../x",
  "a/b",
  "a.b",
  "a\nb",
  "a\u0000",
  "a\u202Eb",
  "\u001B[2J",
  "x".repeat(100_000),
  "__proto__",
  "constructor",
  "prototype",
  "HEAD",
  "NUL",
  "",
  "ä",
  7,
  null,
  undefined,
  {},
  ["a"],
];

describe("an id", () => {
  test("is a word that git, tmux, the shell and file systems take as it is", () => {
    for (const id of ["a", "A9", "docs-intro", "x_y", "0", "x".repeat(63)]) expect(idFault(id)).toBeUndefined();
  });

  test.each(hostile.map((id) => [id]))("is not %j", (id) => {
    const fault = idFault(id);
    expect(fault).toMatch(/./);
    expect(fault?.length).toBeLessThan(300);
  });

  test("is refused in words that say what is wrong", () => {
    expect(["", "x".repeat(64), "a.b", "Head", 5].map(idFault)).toMatchInlineSnapshot(`
      [
        "an id must not be empty",
        "an id has at most 63 characters, this one has 64",
        ""a.b" is not an id: letters, digits, "_" and "-", starting with a letter or digit",
        ""Head" is a reserved word",
        "an id must be a string",
      ]
    `);
  });
});

const anyCharacter = fc
  .oneof(fc.integer({ min: 0, max: 0x2fff }), fc.integer({ min: 0, max: 0x10_ffff }))
  .map((code) => String.fromCodePoint(code));

describe("a quoted word", () => {
  test("is short and shows where it was cut", () => {
    expect(quote("y".repeat(100_000))).toBe(`"${"y".repeat(40)}…"`);
    expect(quote("plain words …")).toBe('"plain words …"');
  });

  test("shows control characters, direction marks, quotes and half characters as numbers", () => {
    expect(quote('a"b\\c\u0007\u202E\u2028\uD83D')).toBe(String.raw`"a\u{22}b\u{5c}c\u{7}\u{202e}\u{2028}\u{d83d}"`);
  });

  test("never lets a control or direction character through, however long the text is", () => {
    fc.assert(
      fc.property(fc.string({ unit: anyCharacter, maxLength: 60 }), (text) => {
        expect(quote(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
        expect(quote(text).length).toBeLessThan(40 * 11);
      }),
    );
  });
});

describe("names made from a lane's id", () => {
  test("are its branch, ref, worktree, runs and agent", () => {
    expect([
      branchOf("a"),
      refOf("a"),
      worktreeOf("a"),
      runOf("a", 3),
      agentOf("a", undefined),
      agentOf("a", "bob"),
    ]).toEqual(["lane/a/work", "refs/heads/lane/a/work", ".worktrees/a", "a-3", "agent-a", "bob"]);
  });

  test("of a check's run are never those of another lane's run", () => {
    const check = checkRunOf("a", 42, 1);
    expect(check).toBe("check-a-42-k1");
    expect(check).not.toMatch(/-\d+$/);
  });
});
