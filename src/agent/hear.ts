/** Events of an agent → what it told of itself: one small value, however much it talks. */
import { redact } from "../core/redact.ts";
import type { AgentTold, BlockKind, Tokens } from "../core/state.ts";
import { isConversation } from "../core/foreign.ts";
import { isHalted } from "../core/verdict.ts";
import type { AgentEvent } from "./event.ts";
import { resetAt } from "./failure.ts";

/** Longest text that is kept of what an agent does, in characters. */
const doingMax = 200;
/** Longest word that is kept: a mode, an event's name. */
const wordMax = 100;
/** So many names of unknown events are kept. */
const strangeMax = 5;

/** Nothing was told yet. */
export const silent = (at: number): AgentTold => ({
  status: "starting",
  since: at,
  doing: "",
  heardAt: at,
  read: 0,
  denied: 0,
  unknown: 0,
  strange: [],
});

/** What is told after one more event. `now`: when it was heard, in ms since 1970. */
export const hear = (told: AgentTold, event: AgentEvent, now: number): AgentTold => {
  switch (event.type) {
    case "started": {
      const { session, mode } = event;
      const words = {
        ...(session === undefined || !isConversation(session) ? {} : { session }),
        ...(mode === undefined ? {} : { mode: mode.slice(0, wordMax) }),
      };
      return { ...turn(told, "working", told.doing, now), ...words };
    }
    case "working":
    case "unblocked":
      return turn(told, "working", told.doing, now);
    case "tool":
      return turn(told, "working", event.is === "begun" ? doing(event) : told.doing, now);
    case "text":
      return turn(told, "working", event.text, now);
    case "blocked":
      return turn(told, "blocked", event.question, now, event.kind);
    case "login":
      return turn(told, "blocked", event.why, now, "login");
    case "limit": {
      const { reset } = event;
      // The error at the end of a run does not repeat what a call that failed told before.
      const known = told.kind === "limit" ? told.resetAt : undefined;
      const over = reset ? resetAt(reset, now) : known;
      return { ...turn(told, "blocked", event.why, now, "limit"), ...(over === undefined ? {} : { resetAt: over }) };
    }
    case "usage":
      return { ...told, ...usage(told, event) };
    case "denied":
      return { ...told, denied: told.denied + 1 };
    case "error":
      return isHalted(told) ? told : { ...told, doing: cut(event.why) };
    case "turn-end":
      return ended(told, event, now);
    case "unknown": {
      const name = event.name.slice(0, wordMax);
      const strange =
        told.strange.length >= strangeMax || told.strange.includes(name) ? told.strange : [...told.strange, name];
      return { ...told, unknown: told.unknown + 1, strange };
    }
  }
};

const ended = (told: AgentTold, { how, why }: Extract<AgentEvent, { type: "turn-end" }>, now: number): AgentTold => {
  if (isHalted(told) && how === "failed") return told;
  return turn(told, how === "completed" ? "idle" : "error", why === "" ? told.doing : why, now);
};

/** Another status begins; what was said about the one before goes with it. */
const turn = (told: AgentTold, status: AgentTold["status"], what: string, now: number, kind?: BlockKind): AgentTold => {
  const { kind: before, resetAt: _, ...rest } = told;
  const since = told.status === status && before === kind ? told.since : now;
  return { ...rest, status, ...(kind === undefined ? {} : { kind }), since, doing: cut(what) };
};

const doing = ({ name, about }: Extract<AgentEvent, { type: "tool" }>): string =>
  about === "" ? name : `${name}: ${about}`;

/** The first line with something on it, without what looks like a secret: it goes into the journal. */
const cut = (text: string): string => {
  const start = redact(text.slice(0, 4 * doingMax));
  const line = start.split(/[\r\n]+/).find((each) => each.trim() !== "") ?? "";
  return line.length > doingMax ? `${line.slice(0, doingMax - 1)}…` : line;
};

const usage = (
  told: AgentTold,
  { scope, tokens, cost }: Extract<AgentEvent, { type: "usage" }>,
): Pick<AgentTold, "tokens" | "cost"> => {
  const before = scope === "delta" ? told : undefined;
  const costs = cost === undefined && before?.cost === undefined ? {} : { cost: (before?.cost ?? 0) + (cost ?? 0) };
  return { tokens: sum(before?.tokens, tokens), ...costs };
};

const sum = (before: Tokens | undefined, more: Tokens): Tokens => ({
  input: (before?.input ?? 0) + more.input,
  cached: (before?.cached ?? 0) + more.cached,
  output: (before?.output ?? 0) + more.output,
});

/** Shortest times between two records of one run, in ms: of another status, of what it does and has used, of a sign of life. */
const gaps = { status: 500, more: 10_000, life: 60_000 };

/** Is there news that belongs into the journal? `before`: what was recorded last; `agoMs`: how long ago that was. */
export const isNews = (before: AgentTold | undefined, told: AgentTold, agoMs: number): boolean => {
  if (!before) return told.read > 0;
  const turned =
    before.status !== told.status ||
    before.kind !== told.kind ||
    before.session !== told.session ||
    before.resetAt !== told.resetAt;
  if (turned) return agoMs >= gaps.status;
  const more =
    before.doing !== told.doing ||
    before.tokens !== told.tokens ||
    before.denied !== told.denied ||
    before.unknown !== told.unknown;
  return more ? agoMs >= gaps.more : told.heardAt - before.heardAt >= gaps.life;
};
