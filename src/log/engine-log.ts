/** The engine's own log: JSON lines for people who look for a fault, 0600, of bounded size, without secrets. */
import { join } from "node:path";

import type { Logger } from "pino";

import { redact, redactFields, secretsIn, spellingsOf } from "../core/redact.ts";
import type { Log, LogLevel } from "../port.ts";
import { createRotatingFile } from "./file.ts";

/** Levels of `LANES_LOG`, the quietest last. */
const levels: readonly (LogLevel | "silent")[] = ["debug", "info", "warn", "error", "silent"];

/** Lines that may wait while pino is loaded. */
const waitingMax = 1000;
/** Length of a line's fields as JSON; longer ones are cut, so that one line cannot fill the file. */
const fieldsMax = 16 * 1024;

type Environment = Readonly<Record<string, string | undefined>>;

/** What the log of one repository needs. `state`: the folder that holds `engine.log`. */
export interface LogPlace {
  readonly state: string;
  readonly environment: Environment;
  readonly version: string;
}

/**
 * The log of this process. Nothing is opened, and pino is not loaded (20 ms), before the first line. It never throws: where nothing
 * can be written, nothing is.
 */
export const createLog = ({ state, environment, version }: LogPlace): Log => {
  const least = levels.find((level) => level === environment["LANES_LOG"]) ?? "info";
  const file = createRotatingFile(join(state, "engine.log"));
  const secrets = new Set(secretsIn(environment).flatMap(spellingsOf));
  const waiting: ((logger: Logger) => void)[] = [];
  let logger: Logger | undefined;
  let loading: Promise<void> | undefined;

  const load = async (): Promise<void> => {
    const { default: pino } = await import("pino");
    logger = pino(
      {
        level: least,
        base: { pid: process.pid, version },
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: {
          level: (level) => ({ level }),
          log: (fields) => cut(redactFields(fields, [...secrets]) as Record<string, unknown>),
        },
      },
      { write: (line: string) => file.write(line) },
    );
    for (const write of waiting.splice(0)) write(logger);
  };

  const log = (level: LogLevel, what: string, more: Readonly<Record<string, unknown>> = {}): void => {
    if (levels.indexOf(level) < levels.indexOf(least)) return;
    const write = (to: Logger): void => to[level](more, redact(what, [...secrets]));
    if (logger) write(logger);
    else if (waiting.length < waitingMax) waiting.push(write);
    loading ??= load().catch(unlessReplaced);
  };

  return {
    debug: (what, more) => log("debug", what, more),
    info: (what, more) => log("info", what, more),
    warn: (what, more) => log("warn", what, more),
    error: (what, more) => log("error", what, more),
    conceal: (values) => {
      for (const value of values.flatMap(spellingsOf)) secrets.add(value);
    },
  };
};

const cut = (fields: Record<string, unknown>): Record<string, unknown> => {
  const json = JSON.stringify(fields);
  return json.length > fieldsMax ? { cut: json.slice(0, fieldsMax) } : fields;
};

/** The program on disk was replaced by another version while this one ran: then there is no log. */
const unlessReplaced = (error: unknown): void => {
  if (!(error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND")) throw error;
};
