import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { covers, globFault, overlap, readGlob } from "../../src/core/glob.ts";

const meets = (a: string, b: string): boolean => overlap(readGlob(a), readGlob(b));

describe("a pattern covers", () => {
  test.each([
    ["src", "src"],
    ["src", "src/deep/file.ts"],
    ["src/", "src/file.ts"],
    ["./src//api", "src/api/x"],
    ["**", "anything/at/all"],
    ["src/**/test", "src/test/x"],
    ["src/**/test", "src/a/b/test"],
    ["src/*.ts", "src/.ts"],
    ["src/*.ts", "src/a.ts"],
    ["*.{ts,tsx}", "a.tsx"],
    ["{src,test}/{a,b{c,d}}", "test/bd"],
    ["{a}", "{a}"],
    ["{a,b", "{a,b"],
    ["a[0-9].ts", "a7.ts"],
    ["[!a]x", "bx"],
    ["[^a]x", "bx"],
    ["[]]x", "]x"],
    ["[a", "[a"],
    ["app/[id]/page.tsx", "app/[id]/page.tsx"],
    ["app/[id]/page.tsx", "app/i/page.tsx"],
    [String.raw`\*`, "*"],
    ["trailing\\", "trailing\\"],
    ["a?c", "a😀c"],
    ["a**b", "axxb"],
  ])("%s: %s", (pattern, path) => {
    expect(globFault(pattern)).toBeUndefined();
    expect(covers(readGlob(pattern), path)).toBe(true);
  });

  test.each([
    ["src/api", "src/apis"],
    ["src/api", "src"],
    ["src/*.ts", "src/deep/a.ts"],
    ["*", ""],
    ["a?c", "ac"],
    ["[!a]x", "ax"],
    ["[z-a]", "b"],
    [String.raw`\*`, "a"],
    ["**/test", "src/tests"],
  ])("not %s: %s", (pattern, path) => {
    expect(covers(readGlob(pattern), path)).toBe(false);
  });
});

describe("two patterns overlap", () => {
  test.each([
    ["src", "src/a.ts"],
    ["src/*.ts", "src/a.*"],
    ["**/a", "b/**"],
    ["a*", "*b"],
    ["src/**/x.ts", "src/a/**"],
    ["[a-f]x", "[!a-e]x"],
    ["[!a]", "[!b]"],
    ["{a,b}/c", "b/{c,d}"],
  ])("%s and %s", (a, b) => {
    expect([meets(a, b), meets(b, a)]).toEqual([true, true]);
  });

  test.each([
    ["src/a.ts", "src/b.ts"],
    ["src/a*", "src/b*"],
    ["a/*/c.ts", "a/b/d.ts"],
    ["[a-e]x", "[!a-e]x"],
    ["[ac]x", "[!a-c]x"],
    ["*.ts", "*.md"],
  ])("not %s and %s", (a, b) => {
    expect([meets(a, b), meets(b, a)]).toEqual([false, false]);
  });

  const names = ["a", "b", "aa", "ab", "ba", "bb"];
  const under = (folders: readonly string[]): readonly string[] =>
    folders.flatMap((folder) => names.map((name) => `${folder}/${name}`));
  // As deep as two of the patterns below can need.
  const paths = [...names, ...under(names), ...under(under(names)), ...under(under(under(names)))];

  /** Pieces of patterns, and what each means, said a second time: as a regular expression. */
  const meanings: Readonly<Record<string, string>> = {
    "": "",
    a: "a",
    b: "b",
    "*": "[^/]*",
    "?": "[^/]",
    "**/": "(?:.*/)?",
    "/**": "(?:/.*)?",
    "/a": "/a",
  };
  const piece = fc.constantFrom("a", "b", "*", "?");
  const pattern = fc
    .tuple(fc.constantFrom("", "**/"), piece, fc.constantFrom("", "a", "b", "?"), fc.constantFrom("", "/**", "/a"))
    .map((pieces) => ({
      text: pieces.join(""),
      expression: new RegExp(`^${pieces.map((one) => meanings[one]).join("")}(?:/.*)?$`),
    }));

  test("exactly when there is a path that both cover", () => {
    fc.assert(
      fc.property(pattern, pattern, (a, b) => {
        const glob = readGlob(a.text);
        for (const path of paths.slice(0, 40)) expect(covers(glob, path)).toBe(a.expression.test(path));
        const isBoth = paths.some((path) => a.expression.test(path) && b.expression.test(path));
        expect(meets(a.text, b.text)).toBe(isBoth);
      }),
      { numRuns: 500 },
    );
  });
});

describe("a text that is no pattern", () => {
  test.each([
    ["", 'a pattern names something: "**" is the whole repository'],
    ["./", 'a pattern names something: "**" is the whole repository'],
    ["/etc", "a pattern is relative to the top of the repository"],
    ["a/../b", 'a pattern has no ".."'],
    ["a\0b", "a pattern has no NUL"],
    ["a".repeat(1025), "a pattern has at most 1024 characters"],
    ["{a,b}".repeat(7), "braces make at most 64 alternatives"],
  ])("%j", (pattern, fault) => {
    expect(globFault(pattern)).toBe(fault);
  });

  test("is read all the same: old records may hold it", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (a, b) => {
        expect(meets(a, b)).toBe(meets(b, a));
        expect(typeof globFault(a)).toMatch(/string|undefined/);
      }),
    );
    expect(meets("{a,b}".repeat(200), "{a,b}".repeat(200))).toBe(true);
  });
});
