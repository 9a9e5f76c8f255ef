/** What has become of a check, from what its runs show: begin one, end it, judge it, or wait. */
import type { RunSeen } from "./observed.ts";
import { vanishedMax } from "./queue.ts";

/** Time limit of a check where none is configured, in ms. */
export const checkTimeoutMs = 1_800_000;

/** What a check is allowed. `again`: one that failed is run once more, to know whether it is flaky. */
export interface CheckRules {
  readonly limitMs: number;
  readonly again: boolean;
}

/** The next step of a check. `again`: an earlier run failed; `late`: it was ended because it took too long. */
export type CheckStep =
  | { readonly is: "wait" }
  | { readonly is: "begin" | "end"; readonly run: string }
  | {
      readonly is: "judge";
      readonly run: string;
      readonly seen: RunSeen;
      readonly again: boolean;
      readonly late: boolean;
    };

/** Look at the runs in the order of the tries. A check that vanished with its launcher is run again, but not for ever. */
export const checkStep = (
  runs: readonly string[],
  seenOf: ReadonlyMap<string, RunSeen>,
  { limitMs, again }: CheckRules,
): CheckStep => {
  let [failed, vanished] = [false, 0];
  for (const run of runs) {
    const seen = seenOf.get(run);
    if (!seen || seen.is === "starting") return { is: "wait" };
    if (seen.is === "absent") return { is: "begin", run };
    if (seen.is === "alive") return seen.ageMs >= limitMs ? { is: "end", run } : { is: "wait" };
    // However it ended: a check may catch the signal and say that all is well.
    const late = (seen.is === "exited" ? seen.ranMs : (seen.ageMs ?? 0)) >= limitMs;
    if (seen.is === "vanished") vanished += 1;
    const isOver = seen.is === "exited" ? isSuccess(seen) || failed || !again : vanished >= vanishedMax;
    if (isOver || late) return { is: "judge", run, seen, again: failed, late };
    failed ||= seen.is === "exited";
  }
  return { is: "wait" };
};

/** Did this run succeed? */
export const isSuccess = (seen: RunSeen): boolean =>
  seen.is === "exited" && seen.code === 0 && seen.signal === undefined;

/** How a check failed, in words; undefined when it passed. */
export const failureOf = (seen: RunSeen, late: boolean): string | undefined => {
  if (late) return "ended after its time limit (checkTimeoutMs)";
  if (seen.is !== "exited") return `killed ${vanishedMax} times with its launcher`;
  if (seen.signal !== undefined) return `killed by ${seen.signal}`;
  return seen.code === 0 ? undefined : `exit code ${seen.code}`;
};
