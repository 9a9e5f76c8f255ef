/** Taking secrets out of text that leaves the program: its own log, and what people paste into reports. */

/** Names of variables and fields whose values are nobody's business. */
const secretName =
  /token|secret|passw|passphrase|credential|api_?key|private_?key|access_?key|(?:^|_)key$|(?:^|_)auth$|cookie/i;

/** Values shorter than this are words of every text; replacing them would only garble it. */
const lengthMin = 6;

/** What stands in a secret's place. */
const concealed = "[secret]";

/** Does a variable or field of this name hold a secret? */
const isSecretName = (name: string): boolean => secretName.test(name);

/**
 * Secrets that tell themselves by their form: addresses with a password, tokens of well-known services, signed tokens, keys. Texts may be
 * hostile and long: no pattern looks at the same part of them again and again.
 */
const forms: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [/([a-z0-9+.-]:\/\/)[^\s/]+@/gi, `$1${concealed}@`],
  [/\b(?:gh[pousr]_|github_pat_|glpat-|xox[abeprs]-|sk-|pk_live_|AKIA|npm_)[\w-]{12,}/g, concealed],
  [/(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g, concealed],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, concealed],
  [
    /\b((?:authorization|proxy-authorization)["']?\s{0,4}[:=]\s{0,4}["']?(?:(?:basic|bearer|token)\s{1,4})?)[^\s"',;]+/gi,
    `$1${concealed}`,
  ],
  [
    /((?:token|secret|passw(?:or)?d|passphrase|credential|api_?key|private_?key|access_?key|_key)s?["']?\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s"',;}]+)/gi,
    `$1${concealed}`,
  ],
];

/** The text without these values and without anything that looks like a secret. Idempotent. */
export const redact = (text: string, values: readonly string[] = []): string => {
  let clean = text;
  // The longest first: one secret may be the beginning of another.
  for (const value of values.filter(({ length }) => length >= lengthMin).toSorted((a, b) => b.length - a.length))
    clean = clean.replaceAll(value, concealed);
  for (const [pattern, instead] of forms) clean = clean.replaceAll(pattern, instead);
  return clean;
};

/** The values of those variables whose names say that they are secrets. */
export const secretsIn = (environment: Readonly<Record<string, string | undefined>>): readonly string[] =>
  Object.entries(environment).flatMap(([name, value]) => (value !== undefined && isSecretName(name) ? [value] : []));

/** A line of a secret of several lines, such as a key, is a secret from this length on. */
const lineMin = 16;

/** A secret as it may stand in other text: as it is, inside JSON, inside an address, and line by line. */
export const spellingsOf = (value: string): readonly string[] => {
  const whole = value.replaceAll(/\p{Surrogate}/gu, "\uFFFD");
  const lines = value.split("\n").filter(({ length }) => length >= lineMin);
  return [...new Set([value, JSON.stringify(value).slice(1, -1), encodeURIComponent(whole), ...lines])];
};

/** How deep fields are looked into. */
const depthMax = 6;

/** The same value in which each field with a secret's name is concealed and each text redacted. Only plain JSON comes out. */
export const redactFields = (value: unknown, values: readonly string[], depth = 0): unknown => {
  if (typeof value === "string") return redact(value, values);
  if (typeof value !== "object" || value === null) return value;
  if (depth >= depthMax) return "…";
  if (Array.isArray(value)) return value.map((item) => redactFields(item, values, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      isSecretName(name) ? concealed : redactFields(item, values, depth + 1),
    ]),
  );
};
