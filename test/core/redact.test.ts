import { describe, expect, test } from "vitest";

import { anonymise, redact, redactFields, secretsIn, spellingsOf } from "../../src/core/redact.ts";

const secrets: readonly (readonly [string, string])[] = [
  ["https://me:hunter22@example.com/x", "https://[secret]@example.com/x"],
  ["ghp_0123456789abcdefghij", "[secret]"],
  ["xoxe-0123456789abcdef", "[secret]"],
  ["sk-0123456789abcdef", "[secret]"],
  ["sk_live_0123456789", "[secret]"],
  ["ASIA0123456789ABCDEF", "[secret]"],
  [`AIza${"x".repeat(35)}`, "[secret]"],
  ["pypi-AgEIcHlwaS5vcmc", "[secret]"],
  ["eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl", "[secret]"],
  ["-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----", "[secret]"],
  ["Authorization: Bearer abcdefghij", "Authorization: Bearer [secret]"],
  ["curl -H 'bearer abcdefgh1j'", "curl -H 'bearer [secret]'"],
  ['{"password": "open sesame"}', '{"password": [secret]}'],
  ["API-KEY=abc", "API-KEY=[secret]"],
  ["no secret in a basic sentence", "no secret in a basic sentence"],
];

describe("redaction", () => {
  test.each(secrets)("of %j leaves %j, also when it is done again", (text, clean) => {
    expect(redact(text)).toBe(clean);
    expect(redact(clean)).toBe(clean);
  });

  test("takes out values that are known, the longest first", () => {
    const values = secretsIn({ MY_TOKEN: "abcdef", OTHER_TOKEN: "abcdefgh", PIN_SECRET: "12", HOME: "/home/me" });
    expect(redact("abcdefgh abcdef 12 /home/me", values)).toBe("[secret] [secret] 12 /home/me");
  });

  test("conceals fields by their name", () => {
    expect(redactFields({ token: 1, list: [{ deep: "ghp_0123456789abcdefghij" }] }, [])).toEqual({
      token: "[secret]",
      list: [{ deep: "[secret]" }],
    });
  });
});

describe("redaction in the log", () => {
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

describe("what anybody may see", () => {
  test("has no homes, commands or prompts, and no name of the box", () => {
    const value = {
      on: "box-7",
      path: "/home/me/src/repo/a.txt and /home/me/b",
      "/home/me/key": { token: 7, api_key: "x", nested: ["my-value"] },
      spec: { command: ["sh", "-c", "true"], prompt: "do it", check: { command: "make" }, retries: 2, cwd: null },
    };
    expect(anonymise(value, { homes: ["/home/me", "/home/me/src/repo", "/"], values: ["my-value"] })).toEqual({
      path: "~/a.txt and ~/b",
      "~/key": { token: 7, api_key: "[secret]", nested: ["[secret]"] },
      spec: {
        command: "(3 words)",
        prompt: "(5 characters)",
        check: { command: "(4 characters)" },
        retries: 2,
        cwd: null,
      },
    });
  });
});
