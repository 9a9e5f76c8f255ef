/** `merge --list`: the merge queue, entry by entry. */
import { predictedIn } from "../core/forecast.ts";
import { isNo } from "../core/observed.ts";
import { lessonsOf } from "../core/queue.ts";
import { queueEntries, type QueueEntry } from "../core/queue-entry.ts";
import { queueEntryJson } from "../core/tracker.ts";
import type { Engine } from "../engine/engine.ts";
import { ageOf } from "./age.ts";
import type { Call } from "./call.ts";
import { type Answer, exit, no } from "./exit.ts";
import { count, tell } from "./report.ts";
import { type Cell, tableLines } from "./table.ts";
import { styleOf } from "./terminal.ts";

/** Show who is where in the merge queue. Changes nothing. */
export const mergeList = async (call: Call, engine: Engine): Promise<Answer> => {
  if (call.words.length > 0 || Object.keys(call.options).some((name) => !allowed.has(name)))
    return no("--list shows the whole queue and takes nothing more", "lanes merge --list", exit.usage);
  const settings = await engine.settings();
  if (isNo(settings)) return settings;
  const slots = settings.config.checkSlots ?? engine.defaults().checkSlots;
  const forecast = (await engine.observed())?.forecast;
  const [state, now] = [engine.state(), call.shell.now()];
  const entries = queueEntries(state, now, slots, predictedIn(forecast, state));
  const { flaky } = lessonsOf(state);
  const lines = entries.length === 0 ? ["the merge queue is empty"] : await linesOf(call, entries, now);
  return tell(call, {
    code: exit.done,
    lines: flaky === 0 ? lines : [...lines, `${count(flaky, "flaky check")} so far (lanes events)`],
    json: { entries: entries.map(queueEntryJson), flaky },
  });
};

/** Options that go with `--list`: itself, and those that every verb has. */
const allowed: ReadonlySet<string> = new Set(["list", "repo", "json", "plain", "input", "quiet", "verbose"]);

const linesOf = (call: Call, entries: readonly QueueEntry[], now: number): Promise<readonly string[]> => {
  const style = styleOf(call.shell.stdout, call.shell.environment, call.globals.plain);
  return tableLines([titles, ...entries.map((entry) => cellsOf(entry, now))], style);
};

const titles: readonly Cell[] = ["#", "LANE", "PHASE", "TARGET", "WITH", "HOLDER", "SINCE", "ABOUT"].map((text) => ({
  text,
  tone: "dim",
}));

const cellsOf = (entry: QueueEntry, now: number): readonly Cell[] => {
  const { position, lane, phase, target, lanes, holder, requestedAt, estimatedMs } = entry;
  return [
    { text: `${position}` },
    { text: lane },
    { text: phase, tone: phase === "held" ? "alert" : phase === "waiting" ? "dim" : "busy" },
    { text: target, tone: "dim" },
    { text: lanes.filter((id) => id !== lane).join(", ") },
    { text: holder === lane ? "" : holder },
    { text: ageOf(requestedAt, now), tone: "dim" },
    { text: estimatedMs === undefined ? "" : ageOf(now - estimatedMs, now) },
  ];
};
