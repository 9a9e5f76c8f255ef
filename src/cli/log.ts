/** `log LANE`: what a lane's agent, or its last check, printed. All of it is hostile until sanitised. */
import { runOf } from "../core/id.ts";
import { isNo } from "../core/observed.ts";
import { checkRunOf, checkRunsMax } from "../core/queue.ts";
import type { Lane } from "../core/state.ts";
import { sanitizeLines } from "../core/text.ts";
import type { Engine } from "../engine/engine.ts";
import { type Call, flagOf, textOf } from "./call.ts";
import { type Answer, exit, no } from "./exit.ts";
import { createLines } from "./lines.ts";
import { follow } from "./wait.ts";
import { lanesNamed } from "./wish.ts";

/** How much of a run's end is looked at for `--lines`, in bytes. */
const tailBytesMax = 256 * 1024;

/** Print the output of the lane's last run; with `--follow` until that run has ended. */
export const log = async (call: Call, engine: Engine): Promise<Answer> => {
  const lanes = lanesNamed(engine.state(), call.words);
  if (isNo(lanes)) return lanes;
  const [lane] = lanes;
  const given = textOf(call, "lines");
  if (given !== undefined && !/^\d{1,9}$/.test(given))
    return no("--lines takes a number", "lanes log LANE -n 20", exit.usage);
  const run = lane && (flagOf(call, "check") ? await lastCheck(engine, lane) : lastRun(lane));
  if (!lane || run === undefined) {
    const what = flagOf(call, "check") ? "has not been checked yet" : "has not run yet";
    return no(`lane ${lane?.id ?? ""} ${what}`, `lanes why ${lane?.id ?? ""}`, exit.refused);
  }
  const show = (line: string): void =>
    call.globals.json ? call.output.printJsonLine({ run, line }) : call.output.print(line);
  const from = given === undefined ? 0 : await showTail(engine, run, Number(given), show);
  const copy = createCopy(engine, run, from, show);
  await copy.forward();
  const cut = flagOf(call, "follow") ? await followRun(call, engine, run, lane.id, copy) : undefined;
  copy.end();
  return cut ?? exit.done;
};

const lastRun = (lane: Lane): string | undefined => (lane.run ? runOf(lane.id, lane.run.n) : undefined);

/** The last run of the lane's last check: a check that was killed with its launcher ran again. */
const lastCheck = async (engine: Engine, lane: Lane): Promise<string | undefined> => {
  const gate = lane.merge?.gate ?? lane.undoing?.gate ?? lane.landed?.gate;
  if (gate === undefined) return undefined;
  const { built, lead = lane.id } = gate;
  for (let k = checkRunsMax; k > 1; k -= 1) {
    const run = checkRunOf(lead, built, k);
    if ((await engine.tail(run, 1)) !== "") return run;
  }
  return checkRunOf(lead, built, 1);
};

/** Show the last whole lines; answers the byte to go on at. */
const showTail = async (engine: Engine, run: string, count: number, show: (line: string) => void): Promise<number> => {
  // Asked for what lies beyond the end, the host answers with the end.
  const { next: end } = await engine.output(run, Number.MAX_SAFE_INTEGER);
  const { text, next } = await engine.output(run, Math.max(0, end - tailBytesMax));
  const rest = text.slice(text.lastIndexOf("\n") + 1);
  const wanted = count - (rest === "" ? 0 : 1);
  for (const line of wanted > 0 ? sanitizeLines(text.slice(0, text.length - rest.length), wanted) : []) show(line);
  return count === 0 ? next : next - Buffer.byteLength(rest);
};

/** Longest output that is stepped through, in pieces. */
const piecesMax = 1_000_000;

interface Copy {
  /** Show what is there now. */
  forward(): Promise<void>;
  /** Show the last line although it has no end. */
  end(): void;
}

const createCopy = (engine: Engine, run: string, from: number, show: (line: string) => void): Copy => {
  const lines = createLines(show);
  let at = from;
  let current: Promise<void> = Promise.resolve();
  const forward = async (): Promise<void> => {
    for (let piece = 0; piece < piecesMax; piece += 1) {
      const { text, next } = await engine.output(run, at);
      if (next === at) return;
      at = next;
      lines.push(text);
    }
  };
  return {
    forward: () => {
      current = current.then(forward);
      return current;
    },
    end: () => lines.end(),
  };
};

/** Copy until the run has ended, or another one has begun. */
const followRun = async (
  call: Call,
  engine: Engine,
  run: string,
  id: string,
  copy: Copy,
): ReturnType<typeof follow> => {
  const failures: unknown[] = [];
  const release = engine.watchRun(run, () => {
    copy.forward().catch((error: unknown) => failures.push(error));
  });
  try {
    const cut = await follow(
      call,
      engine,
      ({ state }) => failures.length > 0 || isOver(state.lanes.get(id), run),
      () => false,
    );
    await copy.forward();
    return cut;
  } finally {
    release();
  }
};

const isOver = (lane: Lane | undefined, run: string): boolean => {
  if (!lane?.run) return true;
  if (run.startsWith("check-")) return lane.state !== "merging" || lane.merge?.tested !== undefined;
  return lane.run.endedAt !== undefined || runOf(lane.id, lane.run.n) !== run;
};
