import fc from "fast-check";
import { describe, expect, test } from "vitest";

import {
  attempt,
  below,
  fields,
  flag,
  isFault,
  items,
  json,
  nearest,
  oneOf,
  text,
  whole,
  wrong,
} from "../../src/core/parse.ts";

/** What is wrong with a value, in one line; undefined when nothing is. */
const faultOf = (parse: () => unknown): string | undefined => {
  const answer = attempt(() => ({ value: parse() }));
  return isFault(answer) ? `${answer.path}: ${answer.fault} [${answer.hint}]` : undefined;
};

describe("a parser", () => {
  test("answers with the first fault, and lets mistakes of our own through", () => {
    expect(faultOf(() => wrong("x", "is wrong", "mend it"))).toBe("x: is wrong [mend it]");
    expect(faultOf(() => "fine")).toBeUndefined();
    expect(() =>
      attempt(() => {
        throw new RangeError("a mistake");
      }),
    ).toThrow("a mistake");
  });
});

describe("JSON", () => {
  test("is read", () => {
    expect(json('{"a": [1, null]}')).toEqual({ a: [1, null] });
  });

  test.each([
    ["", ": it is empty"],
    [" \n", ": it is empty"],
    ['{"a": 1', ": it ends too early"],
    ['"abc', ": it ends too early"],
    ["tru", ": it ends too early"],
    ["-", ": it ends too early"],
    ['{"a": x}', " (line 1, column 7)"],
    ['{\n  "a": 1,\n}', " (line 3, column 1)"],
    ["{a: 1}", " (line 1, column 2)"],
    ["[1,\n 2 3]", " (line 2, column 4)"],
    ["{} x", " (line 1, column 4)"],
    ['"a\nb"', " (line 1, column 3)"],
    ["'a'", " (line 1, column 1)"],
  ])("that is %j is refused with its place", (source, place) => {
    expect(faultOf(() => json(source))).toBe(`: is not JSON${place} [check quotes, commas and brackets]`);
  });

  test("beyond a limit is not read at all", () => {
    expect(faultOf(() => json("[1,2]", 4))).toBe(": is 5 characters long [at most 4 are read]");
  });

  test("is refused at a place that exists, whatever the text is", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json().map((good) => good.slice(0, -1)),
          fc.json().map((good) => `${good}x`),
        ),
        (source) => {
          const fault = faultOf(() => json(source));
          const place = /line (\d+), column (\d+)/.exec(fault ?? "");
          if (!place) return;
          const line = source.split("\n")[Number(place[1]) - 1];
          expect(line?.length).toBeGreaterThanOrEqual(Number(place[2]));
        },
      ),
    );
  });
});

describe("fields", () => {
  test("are read from an object, even those named like what every object has", () => {
    expect([...fields(JSON.parse('{"__proto__": 1, "constructor": 2}'), "")]).toEqual([
      ["__proto__", 1],
      ["constructor", 2],
    ]);
  });

  test.each([
    [null, "null"],
    [[1], "a list"],
    [5, "5"],
    [false, "false"],
    ["x\u001B", String.raw`"x\u{1b}"`],
    [undefined, "nothing"],
  ])("are not read from %j", (value, kind) => {
    expect(faultOf(() => fields(value, "here"))).toMatch(`here: must be an object, not ${kind} [`);
  });

  test("are named in a path as words or, when they are none, quoted and cut", () => {
    expect(below("agents", "bob")).toBe("agents.bob");
    expect(below("agents", "a b\u0007")).toBe(String.raw`agents["a b\u{7}"]`);
    expect(below("agents", "x".repeat(100_000)).length).toBeLessThan(60);
  });
});

describe("a value", () => {
  test("is text, within its length and without NUL", () => {
    expect(text("fine", "p")).toBe("fine");
    expect(faultOf(() => text({}, "p"))).toBe('p: must be a string, not an object [write "…"]');
    expect(faultOf(() => text("abc", "p", 2))).toBe("p: has 3 characters [at most 2 are allowed]");
    expect(faultOf(() => text("a\0", "p"))).toBe("p: holds a NUL character [take it out]");
  });

  test("is true or false", () => {
    expect([flag(true, "p"), flag(false, "p")]).toEqual([true, false]);
    expect(faultOf(() => flag("true", "p"))).toMatch('p: must be true or false, not "true"');
  });

  test("is a whole number between two others", () => {
    expect(whole(3, "p", 1, 3)).toBe(3);
    for (const bad of [0, 4, 1.5, "2", Number.NaN, null])
      expect(faultOf(() => whole(bad, "p", 1, 3))).toMatch("p: must be a whole number from 1 to 3");
  });

  test("is a list, each item at its own path", () => {
    expect(items([1, 2], "p", (item, path) => `${path}=${String(item)}`)).toEqual(["p[0]=1", "p[1]=2"]);
    expect(faultOf(() => items("x", "p", text))).toMatch('p: must be a list, not "x"');
    expect(faultOf(() => items([1, 2], "p", text, 1))).toBe("p: has 2 items [at most 1 are allowed]");
    expect(faultOf(() => items(["a", 2], "p", (item, path) => text(item, path)))).toMatch(
      "p[1]: must be a string, not 2",
    );
  });

  test("is one of some words, and a near miss is named", () => {
    const words = ["low", "normal", "high"] as const;
    expect(oneOf("low", "p", words)).toBe("low");
    expect(faultOf(() => oneOf("hgh", "p", words))).toBe(
      'p: must be one of low, normal, high, not "hgh" [did you mean "high"?]',
    );
    expect(faultOf(() => oneOf(7, "p", words))).toMatch('[write "low"]');
    expect(faultOf(() => oneOf("zzzzz", "p", []))).toMatch('[write ""]');
  });
});

test("the nearest word is one that could have been meant", () => {
  expect(nearest("dependson", ["dependsOn", "paths"])).toBe("dependsOn");
  expect(nearest("chekc", ["check"])).toBeUndefined();
  expect(nearest("chek", ["check"])).toBe("check");
  expect(nearest("", ["check"])).toBeUndefined();
  expect(nearest("x".repeat(100_000), ["check"])).toBeUndefined();
  expect(nearest("a", [])).toBeUndefined();
});
