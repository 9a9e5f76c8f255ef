/** What the engine saw of git, and what it makes of it, published for verbs that must not wait: `observed.json` and `forecast.json`. */
import type { ForecastSeen } from "../core/forecast.ts";
import { isTime } from "../core/foreign.ts";
import type { LaneSeen, RepoSeen } from "../core/observed.ts";

/** Name of the published file. */
export const observedName = "observed.json";

/** A look as JSON, without what only the next look compares. */
export const observedText = ({ configured: _configured, forecast: _forecast, ...seen }: RepoSeen): string =>
  `${JSON.stringify({ ...seen, lanes: [...seen.lanes] })}\n`;

/** A look from JSON, or undefined when the text is not one of ours: anybody may have written the file, and shells show what it says. */
export const parseObserved = (text: string | undefined): RepoSeen | undefined => {
  const value = text === undefined ? undefined : parsed(text);
  return isLook(value) ? { ...value, lanes: new Map(value.lanes) } : undefined;
};

/** Name of the published forecast. */
export const forecastName = "forecast.json";

/** A forecast as JSON. */
export const forecastText = (forecast: ForecastSeen): string => `${JSON.stringify(forecast)}\n`;

/** A forecast from JSON, or undefined when the text is not one of ours. */
export const parseForecast = (text: string | undefined): ForecastSeen | undefined => {
  const value = text === undefined ? undefined : parsed(text);
  return isForecast(value) ? value : undefined;
};

/** The two published files as one look. */
export const withForecast = (seen: RepoSeen | undefined, forecast: ForecastSeen | undefined): RepoSeen | undefined =>
  seen && forecast ? { ...seen, forecast } : seen;

interface Flat extends Omit<RepoSeen, "lanes"> {
  readonly lanes: readonly (readonly [string, LaneSeen])[];
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
};

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === "string";
const maybe =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
/** An object with these fields; what else it holds does no harm. */
const withFields =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value) =>
    typeof value === "object" &&
    value !== null &&
    Object.entries(checks).every(([name, check]) => check((value as Readonly<Record<string, unknown>>)[name]));
const isPair =
  (first: Check, second: Check): Check =>
  (value) =>
    Array.isArray(value) && value.length === 2 && first(value[0]) && second(value[1]);

const isLane = withFields({
  head: isText,
  subject: isText,
  ahead: Number.isSafeInteger,
  behind: Number.isSafeInteger,
  worktree: (value) => value === "present" || value === "missing" || value === "elsewhere",
  on: maybe(isText),
  dirty: maybe(listOf(isText)),
  busy: maybe(isText),
});

/** An age that leads to a time from any moment of our days. */
const isAge: Check = (value) => isTime(value) && isTime(value * 2);

const isLook = (value: unknown): value is Flat => lookFields(value);

const lookFields = withFields({
  at: isAge,
  target: maybe(withFields({ name: isText, head: isText, subject: isText })),
  lanes: listOf(isPair(isText, isLane)),
  branches: listOf(
    withFields({ name: isText, head: isText, subject: isText, committedAt: isTime, worktree: maybe(isText) }),
  ),
  locks: listOf(withFields({ path: isText, ageMs: isAge, held: maybe((value) => typeof value === "boolean") })),
  locked: maybe(listOf(withFields({ path: isText, why: isText, ageMs: isAge }))),
  guards: maybe(listOf(withFields({ name: isText, ageMs: isAge }))),
  settings: maybe(
    withFields({
      at: isTime,
      known: (value) => typeof value === "object" && value !== null && Object.values(value).every(isText),
      remarks: listOf(
        withFields({
          at: isTime,
          name: isText,
          how: (value) => value === "set" || value === "changed" || value === "taken out",
          lanes: listOf(isText),
        }),
      ),
    }),
  ),
});

const isForecast = (value: unknown): value is ForecastSeen => forecastFields(value);

const forecastFields = withFields({
  at: isTime,
  target: isText,
  head: isText,
  lanes: listOf(isPair(isText, isText)),
  uncommitted: listOf(isText),
  isWhole: (value) => typeof value === "boolean",
  collisions: listOf(
    withFields({
      a: isText,
      b: maybe(isText),
      is: (value) => value === "conflict" || value === "unknown",
      paths: listOf(isText),
      kinds: listOf(isText),
      why: maybe(isText),
    }),
  ),
});
