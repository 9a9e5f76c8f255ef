/** Taking secrets out of text that leaves the program: its own log, and what people paste into reports. */

/** Names of variables and fields whose values are nobody's business. */
const secretName =
  /token|secret|passw|passphrase|credential|api[-_]?key|private[-_]?key|access[-_]?key|(?:^|_)key$|(?:^|_)auth$|cookie/i;

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
  [/\b(?:gh[opsur]|github_pat|glpat|xox[abeoprs]|npm|hf|dop_v1|pypi)[-_][\w-]{10,}/g, concealed],
  [/\b(?:sk|pk|rk)(?:-[\w-]{12,}|_(?:live|test)_\w{8,})|\b(?:AKIA|ASIA)[A-Z0-9]{12,}|\bAIza[\w-]{30,}/g, concealed],
  [/(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g, concealed],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, concealed],
  [
    /\b((?:authorization|proxy-authorization)["']?\s{0,4}[:=]\s{0,4}["']?(?:(?:basic|bearer|token)\s{1,4})?)[^\s"',;]+/gi,
    `$1${concealed}`,
  ],
  [/\b((?:bearer|basic)\s{1,4})(?=[\w.~+/-]*\d)[\w.~+/-]{8,}=*/gi, `$1${concealed}`],
  [
    /((?:token|secret|passw(?:or)?d|passphrase|credential|api[-_]?key|private[-_]?key|access[-_]?key|_key)s?["']?\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s"',;}]+)/gi,
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

/** Fields whose contents are somebody's own: only their size is told. */
const personal: ReadonlySet<string> = new Set(["command", "prompt", "check", "acceptance", "doing", "session"]);

/** Fields that are left out: the name of the box. */
const dropped: ReadonlySet<string> = new Set(["on"]);

/** What a private JSON value is freed of. */
interface Private {
  /** Folders that become `~`. */
  readonly homes: readonly string[];
  /** Secrets known by their value. */
  readonly values: readonly string[];
}

/**
 * A JSON value that may be shown to anybody: without secrets, names of fields included, with `~` for the homes; commands
 * and prompts become their length, and the name of the box is left out.
 */
export const anonymise = (value: unknown, known: Private): unknown => {
  if (typeof value === "string") return redact(homeless(value, known.homes), known.values);
  if (Array.isArray(value)) return value.map((item) => anonymise(item, known));
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([name]) => !dropped.has(name));
  return Object.fromEntries(kept.map(([name, item]) => [anonymise(name, known), anonymiseField(name, item, known)]));
};

const anonymiseField = (name: string, value: unknown, known: Private): unknown => {
  // A fencing token is a number and no secret.
  if (isSecretName(name) && typeof value === "string") return concealed;
  if (!personal.has(name)) return anonymise(value, known);
  if (typeof value === "string") return `(${value.length} characters)`;
  return Array.isArray(value) ? `(${value.length} words)` : anonymise(value, known);
};

/** The longest first: one folder may lie in another. */
const homeless = (text: string, homes: readonly string[]): string =>
  homes
    .filter((home) => home.length > 1)
    .toSorted((a, b) => b.length - a.length)
    .reduce((sofar, home) => sofar.replaceAll(home, "~"), text);
