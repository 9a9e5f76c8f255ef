import { describe, expect, test } from "vitest";

import { anonymise, redact, redactFields, secretsIn } from "../../src/core/redact.ts";

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

describe("what anybody may see", () => {
  test("has no homes, commands or prompts, and no name of the box", () => {
    const value = {
      on: "box-7",
      path: "/home/me/work/repo/a.txt and /home/me/b",
      "/home/me/key": { token: 7, api_key: "x", nested: ["my-value"] },
      spec: { command: ["sh", "-c", "true"], prompt: "do it", check: { command: "make" }, retries: 2, cwd: null },
    };
    expect(anonymise(value, { homes: ["/home/me", "/home/me/work/repo", "/"], values: ["my-value"] })).toEqual({
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
