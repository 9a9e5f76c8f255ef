/** Values of a record's fields: the log may hold anything, and what the fold stores everybody trusts. */
import { quote } from "./id.ts";
import type { AgentTold, Identity, LaneSpec, Phase, Strategy, Tokens } from "./state.ts";

/** Text, or none when it is something else. */
export const text = (value: unknown): string => (typeof value === "string" ? value : "");

/** The texts of a list; none when it is no list. */
export const list = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];

/** Furthest time from 1970 that a calendar can show, in ms (ECMA-262, Time Values). */
const timeMax = 8.64e15;

/** Can this be a time in ms since 1970? */
export const isTime = (value: unknown): value is number => typeof value === "number" && Math.abs(value) <= timeMax;

/** Is it a way for work to come onto the target? */
export const isStrategy = (value: unknown): value is Strategy =>
  ["merge", "squash", "rebase"].includes(value as string);

/** Does it say yes? */
export const isYes = (value: unknown): boolean => value === true;

/** A time, or another one when it is something else. */
export const time = (value: unknown, otherwise: number): number => (isTime(value) ? value : otherwise);

/** An exit code, or -1 when it is something else. */
export const exitCode = (value: unknown): number => (Number.isSafeInteger(value) ? (value as number) : -1);

/** A field as a short word for the reason why a record is void. */
export const shown = (value: unknown): string => {
  if (typeof value === "string") return quote(value);
  return typeof value === "number" ? `${value}` : `(${typeof value})`;
};

/** Does this tell a process from every other one? */
export const isIdentity = (value: unknown): value is Identity => {
  if (typeof value !== "object" || value === null) return false;
  const { pid, start, boot } = value as Partial<Identity>;
  return Number.isSafeInteger(pid) && (pid as number) > 0 && typeof start === "string" && typeof boot === "string";
};

/** Is this one of the seed's phases? */
export const isPhase = (value: unknown): value is Phase => [0, 1, 2, 3, 4].includes(value as number);

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === "string";
const isTexts: Check = (value) => Array.isArray(value) && value.every(isText);
const isNumber: Check = (value) => Number.isFinite(value);
const oneOf =
  (...words: readonly string[]): Check =>
  (value) =>
    words.includes(value as string);
const maybe =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);

const specChecks: { readonly [K in keyof Required<LaneSpec>]: Check } = {
  name: isText,
  tasks: isTexts,
  parallel: (value) => typeof value === "boolean",
  priority: oneOf("low", "normal", "high"),
  command: maybe(isTexts),
  agent: maybe(isText),
  dependsOn: isTexts,
  paths: isTexts,
  check: maybe(isText),
  acceptance: maybe(isText),
  target: maybe(isText),
  base: maybe(isText),
  prompt: maybe(isText),
  env: isTexts,
  commit: oneOf("agent", "auto"),
  retries: isNumber,
  kind: oneOf("work", "probe"),
  timeoutMs: maybe(isNumber),
  strategy: maybe(oneOf("merge", "squash", "rebase")),
  review: maybe(oneOf("required", "none")),
  rollback: maybe((value) => typeof value === "boolean"),
};

/** May this be the id of a conversation? It becomes an argument of the agent's next run: never an option, nor anything long. */
export const isConversation = (session: string): boolean => /^[A-Za-z0-9][\w.:-]{0,99}$/.test(session);

const isCount: Check = (value) => isNumber(value) && (value as number) >= 0;

const isTokens: Check = (value) => {
  if (typeof value !== "object" || value === null) return false;
  const { input, cached, output } = value as Tokens;
  return [input, cached, output].every(isCount);
};

const toldChecks: { readonly [K in keyof Required<AgentTold>]: Check } = {
  status: oneOf("starting", "working", "blocked", "idle", "error"),
  kind: maybe(oneOf("permission", "question", "login", "trust", "limit")),
  since: isTime,
  doing: isText,
  heardAt: isTime,
  read: isCount,
  session: maybe((value) => typeof value === "string" && isConversation(value)),
  mode: maybe(isText),
  tokens: maybe(isTokens),
  cost: maybe(isCount),
  denied: isCount,
  unknown: isCount,
  strange: isTexts,
  resetAt: maybe(isTime),
};

const toldFields = Object.entries(toldChecks);

/** Is this what an agent told of itself? */
export const isTold = (value: unknown): value is AgentTold =>
  typeof value === "object" &&
  value !== null &&
  toldFields.every(([field, check]) => check((value as Readonly<Record<string, unknown>>)[field]));

const specFields = Object.entries(specChecks);

/**
 * Why a value from the log is no lane's definition; undefined when it is one. One wrong field makes it none: a lane
 * whose check was not understood would land without one. Fields that this version does not know do no harm.
 */
export const specFault = (value: unknown): string | undefined => {
  if (typeof value !== "object" || value === null) return "has no definition";
  const spec = value as Readonly<Record<string, unknown>>;
  const wrong = specFields.find(([field, check]) => !check(spec[field]));
  return wrong && `its definition has a wrong ${wrong[0]}`;
};
