import { describe, expect, test } from "vitest";

import { redact, redactFields, secretsIn, spellingsOf } from "../../src/core/redact.ts";

describe("redaction", () => {
  test.each([
    ["clone https://ada:pw@git.example.org/x.git", "clone https://[secret]@git.example.org/x.git"],
    ["ssh+git://ada:p@ss@host/x", "ssh+git://[secret]@host/x"],
    ["https://example.org/a@b is no secret", "https://example.org/a@b is no secret"],
    ["ghp_0123456789abcdef and sk-ant-0123456789abcdef", "[secret] and [secret]"],
    ["eyJhbGciOiJI.eyJzdWIiOiIx.c2ln!", "[secret]!"],
    ["a -----BEGIN RSA PRIVATE KEY-----\nx\n-----END RSA PRIVATE KEY----- b", "a [secret] b"],
    ["a -----BEGIN PRIVATE KEY-----\nx", "a [secret]"],
    ["authorization: Bearer abc.def", "authorization: Bearer [secret]"],
    ["Authorization=abc", "Authorization=[secret]"],
    ["MY_API_KEY=abc; x", "MY_API_KEY=[secret]; x"],
    ['{"password": "a b", "n": 1}', '{"password": [secret], "n": 1}'],
    ["the token of the engine", "the token of the engine"],
  ])("of %j", (text, clean) => {
    expect(redact(text)).toBe(clean);
    expect(redact(clean)).toBe(clean);
  });

  test("takes the longer of two values first, and leaves values that are words of every text", () => {
    expect(redact("swordfish-2 swordfish an", ["an", "swordfish", "swordfish-2"])).toBe("[secret] [secret] an");
  });

  test.each([
    "x",
    "eyJ-",
    "eyJaaaaaaaa.",
    "a.",
    "http://",
    "-----BEGIN ",
    "token ",
    "tokens",
    "authorization: ",
    " ",
    'key="',
  ])("of a long text of %j comes to an end", (part) => {
    const text = part.repeat(Math.ceil(400_000 / part.length));
    expect(redact(`authorization:${text}`).length).toBeGreaterThan(0);
    expect(redact(`token${text}`).length).toBeGreaterThan(0);
  });

  test("of fields goes by their names, as deep as they are looked into", () => {
    const deep = { a: { b: { c: { d: { e: { f: { g: 1 } } } } } } };
    expect(redactFields({ n: 1, no: null, list: ["token=x"], apiKey: { a: 1 }, api_key: "b" }, [])).toEqual({
      n: 1,
      no: null,
      list: ["token=[secret]"],
      apiKey: "[secret]",
      api_key: "[secret]",
    });
    expect(JSON.stringify(redactFields(deep, []))).toBe('{"a":{"b":{"c":{"d":{"e":{"f":"…"}}}}}}');
  });

  test("knows the secrets of an environment by their names", () => {
    expect(secretsIn({ MY_TOKEN: "a", PATH: "b", DB_PASSWORD: "c", GONE_KEY: undefined })).toEqual(["a", "c"]);
  });

  test("knows how a value is written in other texts", () => {
    expect(spellingsOf("plain")).toEqual(["plain"]);
    expect(spellingsOf('a "b"\nand a line of some length')).toEqual([
      'a "b"\nand a line of some length',
      String.raw`a \"b\"\nand a line of some length`,
      "a%20%22b%22%0Aand%20a%20line%20of%20some%20length",
      "and a line of some length",
    ]);
    expect(spellingsOf("\uD800")).toContain("%EF%BF%BD");
  });
});
