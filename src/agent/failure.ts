/** What the provider's error means: a limit, a login that is missing, or something else. Only for texts that a CLI itself marks as errors. */
import type { AgentEvent, Reset } from "./event.ts";
import { at, countAt, objectIn, textAt } from "./json.ts";

/** An error of the provider. `status`: of HTTP, when it is told apart from the text; `kind`: the provider's word for it. */
export interface ProviderError {
  readonly message: string;
  readonly status?: number;
  readonly kind?: string;
  readonly retries?: boolean;
}

/** The event that an error of the provider is. */
export const failureOf = ({ message, status = statusIn(message), kind = "", retries }: ProviderError): AgentEvent => {
  const again = retries === true ? { retries: true as const } : {};
  if (status === 401 || status === 403 || loginKind.test(kind) || loginText.test(message))
    return { type: "login", why: message, ...again };
  if (status === 429 || limitKind.test(kind) || limitText.test(message)) {
    const reset = resetIn(message);
    return { type: "limit", why: message, ...(reset ? { reset } : {}), ...again };
  }
  return { type: "error", why: message };
};

const loginKind = /^(?:authentication|authentication_error|authentication_failed|unauthorized|permission_error)$/;
const limitKind = /^(?:rate_limit|rate_limit_error|usage_limit_reached|insufficient_quota|quota_exceeded)$/;
const loginText =
  /invalid (?:x-)?api[- ]key|not logged in|please (?:run )?\/?login|authentication (?:failed|required)/i;
const limitText =
  /hit your (?:usage |session |weekly )?limit|usage limit reached|rate limit|quota exceeded|RESOURCE_EXHAUSTED/i;

/** The status of HTTP that an error names. */
const statusIn = (message: string): number | undefined => {
  const [, plain, inBrackets] =
    /(?:\bstatus(?: code)?:? ?|"code":|HTTP |API Error: )([45]\d\d)\b|\(([45]\d\d)\)/.exec(message) ?? [];
  const found = plain ?? inBrackets;
  return found === undefined ? undefined : Number(found);
};

/** When a limit is over, if the error says so: seconds, a moment, or a time of day. Nothing is ever guessed. */
export const resetIn = (message: string): Reset | undefined => {
  const body = objectIn(message.slice(Math.max(0, message.indexOf("{")), message.lastIndexOf("}") + 1));
  const told = at(body, "error") ?? body;
  const moment = countAt(told, "resets_at");
  if (moment > 0) return { at: moment * 1000 };
  const span = countAt(told, "resets_in_seconds");
  if (span > 0) return { inMs: span * 1000 };
  const seconds = /(?:retry|try again|reset\w*) (?:after|in) (\d{1,7}) ?s(?:econds?|\b)/i.exec(
    textOf(told, message),
  )?.[1];
  if (seconds !== undefined) return { inMs: Number(seconds) * 1000 };
  const stamp = /limit reached\|(\d{10})\b/.exec(message)?.[1];
  if (stamp !== undefined) return { at: Number(stamp) * 1000 };
  return clockIn(message);
};

const textOf = (told: unknown, message: string): string => textAt(told, "message") || message;

/** `try again at 10:26 PM`, `resets 3pm`: not where a date or a zone stands beside it, which would make it another time. */
const clockIn = (message: string): Reset | undefined => {
  const found = /(?:try again at|resets(?: at)?) (\d{1,2})(?::(\d\d))? ?([AP])\.?M\b(?! ?\()/i.exec(message);
  if (!found) return undefined;
  const [, hours = "", minutes = "0", half = ""] = found;
  const [hour, minute] = [(Number(hours) % 12) + (half.toUpperCase() === "P" ? 12 : 0), Number(minutes)];
  return Number(hours) > 12 || Number(hours) === 0 || minute > 59 ? undefined : { clock: { hour, minute } };
};

/** The moment when a limit is over, in ms since 1970; a time of day is the next one in this program's time zone. */
export const resetAt = (reset: Reset, now: number): number => {
  if ("at" in reset) return reset.at;
  if ("inMs" in reset) return now + reset.inMs;
  const { hour, minute } = reset.clock;
  const next = new Date(now);
  next.setHours(hour, minute, 0, 0);
  if (next.getTime() <= now) next.setDate(next.getDate() + 1);
  return next.getTime();
};
