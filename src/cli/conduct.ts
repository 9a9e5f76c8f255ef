/** Around every verb: one line for each failure, a quiet end when the reader leaves, the exit code. */
import type { Globals } from "./call.ts";
import { type Answer, errorNo, exit, failureLine } from "./exit.ts";
import { sanitize } from "../core/text.ts";
import { createOutput, type Output } from "./output.ts";
import type { Shell } from "./shell.ts";

/** Run `body`, say how it ended, and answer with the exit code. Never rejects. */
export const conduct = async (
  shell: Pick<Shell, "stdout" | "stderr">,
  globals: Pick<Globals, "quiet" | "verbose">,
  body: (output: Output) => Promise<Answer>,
): Promise<number> => {
  const output = createOutput(shell, globals.quiet);
  const code = await outcome(output, globals.verbose, body);
  const fault = await output.end();
  if (!fault) return code;
  output.fail(failureLine(errorNo(fault)));
  return code === exit.done ? exit.create : code;
};

const outcome = async (
  output: Output,
  verbose: boolean,
  body: (output: Output) => Promise<Answer>,
): Promise<number> => {
  try {
    const answer = await body(output);
    if (typeof answer === "number") return answer;
    output.fail(failureLine(answer));
    return answer.code;
  } catch (error) {
    const told = errorNo(error);
    output.fail(failureLine(told));
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    if (verbose) for (const line of stack.split("\n")) output.fail(sanitize(line));
    return told.code;
  }
};
