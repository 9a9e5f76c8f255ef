/** The two streams: data goes to stdout, everything else to stderr. A reader that went away is no failure. */
import { schemaVersion } from "../core/tracker.ts";
import { sanitize } from "../core/text.ts";
import type { Shell } from "./shell.ts";

/** Where a verb's words go. */
export interface Output {
  /** A line of the answer; sanitised. */
  print(line: string): void;
  /** A line of the answer that was sanitised and coloured before. */
  printDrawn(line: string): void;
  /** The answer as JSON with `schemaVersion`: one value, indented for a terminal. */
  printJson(value: object): void;
  /** One JSON value on a line of its own, for answers that are streams. */
  printJsonLine(value: object): void;
  /** A remark for people; nothing with -q. */
  say(line: string): void;
  /** A failure, whatever the options. */
  fail(line: string): void;
  /** Aborted when nobody reads stdout any more. */
  readonly closed: AbortSignal;
  /** What went wrong with stdout besides a reader that left, once everything is written. */
  end(): Promise<Error | undefined>;
}

/** The output of one call. */
export const createOutput = ({ stdout, stderr }: Pick<Shell, "stdout" | "stderr">, quiet: boolean): Output => {
  const gone = new AbortController();
  let fault: Error | undefined;
  const onError = (error: Error): void => {
    if (!("code" in error && error.code === "EPIPE")) fault ??= error;
    gone.abort();
  };
  const onComplaint = (): void => gone.abort();
  stdout.on("error", onError);
  stderr.on("error", onComplaint);
  const write = (line: string): void => {
    if (!gone.signal.aborted) stdout.write(`${line}\n`);
  };
  return {
    print: (line) => write(sanitize(line)),
    printDrawn: write,
    printJson: (value) => write(jsonText({ schemaVersion, ...value }, stdout.isTTY === true ? 2 : 0)),
    printJsonLine: (value) => write(jsonText(value, 0)),
    say: (line) => {
      if (!quiet) stderr.write(`${sanitize(line)}\n`);
    },
    fail: (line) => {
      stderr.write(`${line}\n`);
    },
    closed: gone.signal,
    end: async () => {
      // Errors of a write arrive a turn later.
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      stderr.off("error", onComplaint);
      return fault;
    },
  };
};

/** JSON in which every character that a terminal could act on is an escape. */
const jsonText = (value: object, indent: number): string =>
  JSON.stringify(value, null, indent).replaceAll(
    /[\u007F-\u009F\u061C\u200B-\u200F\u2028-\u202E\u2060-\u206F\uFEFF]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
