/** Values from which everything is taken that should not leave the machine. */

/** What a secret looks like, wherever it stands; the replacement keeps what tells which kind it was. */
const secrets: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  [/-----BEGIN [A-Z ]+-----[\s\S]*?(?:-----END [A-Z ]+-----|$)/g, "(key)"],
  [/\b(?:sk|pk|rk)-[A-Za-z0-9_-]{12,}|\b(?:sk|pk|rk)_(?:live|test)_[A-Za-z0-9]{8,}/g, "(secret)"],
  [/\b(?:gh[opsur]|github_pat|glpat|xox[abeoprs]|npm|hf|dop_v1|pypi)[-_][A-Za-z0-9_-]{10,}/g, "(secret)"],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bAIza[A-Za-z0-9_-]{30,}/g, "(secret)"],
  [/\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g, "(token)"],
  [/\b(bearer|basic)\s+[A-Za-z0-9._~+/-]{8,}=*/gi, "$1 (secret)"],
  [/\b([a-z][a-z0-9+.-]{1,20}:\/\/)[^\s/@]{1,500}@/gi, "$1(secret)@"],
  [
    /([A-Za-z0-9_-]{0,64}(?:passw(?:or)?d|passphrase|secret|token|api[-_]?key|access[-_]?key|credential)[A-Za-z0-9_-]{0,64}["']?\s*[=:]\s*)(?:"[^"]*"|'[^']*'|[^\s"',;&]+)/gi,
    "$1(secret)",
  ],
];

/** A text without secrets, and with `~` for each of the folders in `homes`. */
export const redactText = (text: string, homes: readonly string[]): string => {
  const homeless = homes.filter((home) => home.length > 1).reduce((sofar, home) => sofar.replaceAll(home, "~"), text);
  return secrets.reduce((sofar, [pattern, replacement]) => sofar.replaceAll(pattern, replacement), homeless);
};

/** Fields whose contents are somebody's own: only their size is told. */
const personal: ReadonlySet<string> = new Set(["command", "prompt", "check", "acceptance"]);

/** Fields that are left out: the name of the box. */
const dropped: ReadonlySet<string> = new Set(["on"]);

/** A JSON value without secrets: commands and prompts become their length, every text is looked through, names of fields too. */
export const redact = (value: unknown, homes: readonly string[]): unknown => {
  if (typeof value === "string") return redactText(value, homes);
  if (Array.isArray(value)) return value.map((item) => redact(item, homes));
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([key]) => !dropped.has(key));
  return Object.fromEntries(kept.map(([key, part]) => [redactText(key, homes), redactField(key, part, homes)]));
};

const secretName = /passw(?:or)?d|passphrase|secret|token|api[-_]?key|access[-_]?key|credential/i;

const redactField = (key: string, value: unknown, homes: readonly string[]): unknown => {
  // A fencing token is a number and no secret.
  if (secretName.test(key) && typeof value === "string") return "(secret)";
  if (!personal.has(key)) return redact(value, homes);
  if (typeof value === "string") return `(${value.length} characters)`;
  return Array.isArray(value) ? `(${value.length} words)` : redact(value, homes);
};
