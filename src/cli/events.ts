/** `events`: the log, a line for each fact; what was void says why. */
import type { Event } from "../core/event.ts";
import type { Engine } from "../engine/engine.ts";
import type { Told } from "../engine/ledger.ts";
import { type Call, flagOf, textOf } from "./call.ts";
import { type Answer, exit, no } from "./exit.ts";
import { follow } from "./wait.ts";

/** Print the facts after a position; with `--follow` go on as they arrive. */
export const events = async (call: Call, engine: Engine): Promise<Answer> => {
  const since = textOf(call, "since") ?? "0";
  if (!/^\d{1,15}$/.test(since))
    return no("--since takes a position", "the number at the start of each line of lanes events", exit.usage);
  let last = Number(since);
  const show = (told: readonly Told[]): void => {
    for (const one of told) {
      if (one.entry.position <= last) continue;
      last = one.entry.position;
      showRecord(call, one);
    }
  };
  if (flagOf(call, "follow")) return followEvents(call, engine, last, show);
  show(await engine.history(last));
  return exit.done;
};

/** Show the history, then what is new. What arrives while the history is read waits: nothing is missed, nothing comes twice. */
const followEvents = async (
  call: Call,
  engine: Engine,
  since: number,
  show: (told: readonly Told[]) => void,
): Promise<Answer> => {
  let early: Told[] | undefined = [];
  const release = engine.follow((_state, told) => (early ? early.push(...told) : show(told)));
  const never = (): boolean => false;
  try {
    show(await engine.history(since));
    show(early);
    early = undefined;
    return (await follow(call, engine, never, never)) ?? exit.done;
  } finally {
    release();
  }
};

const showRecord = ({ globals, output }: Call, told: Told): void => {
  for (const row of factsOf(told)) {
    if (globals.json) output.printJsonLine(row);
    else output.print(textLine(row));
  }
};

/** One fact as scripts read it. */
interface FactRow {
  readonly position: number;
  readonly id: string | null;
  readonly at: string | null;
  readonly by: string | null;
  readonly type: string;
  readonly key: string | null;
  readonly data: object;
  readonly effective: boolean;
  readonly reason?: string;
}

/** A line of the log as facts; a damaged one is a fact of its own. */
const factsOf = ({ entry, outcome }: Told): readonly FactRow[] => {
  const { position } = entry;
  const became = { effective: outcome.effective, ...(outcome.reason === undefined ? {} : { reason: outcome.reason }) };
  if ("damaged" in entry) {
    return [{ position, id: null, at: null, by: null, type: "damaged", key: null, data: {}, ...became }];
  }
  const { id, at, by } = entry.record;
  return entry.record.events.map((event) => ({ position, id, at: isoOf(at), by, ...partsOf(event), ...became }));
};

const partsOf = (event: Event): Pick<FactRow, "type" | "key" | "data"> => {
  const { type, key, ...data } = event as Event & { readonly key?: string };
  return { type, key: key ?? null, data };
};

/** A record may hold any number; those that are no time of a calendar are shown as none. */
const isoOf = (at: number): string | null => (Math.abs(at) <= 8.64e15 ? new Date(at).toISOString() : null);

const textLine = ({ position, at, by, type, key, data, effective, reason }: FactRow): string => {
  const told = Object.entries(data).flatMap(([name, value]) =>
    name === "spec" || name === "process" || value === ""
      ? []
      : [`${name}=${typeof value === "string" ? value : JSON.stringify(value)}`],
  );
  const words = [String(position), at ?? "", by ?? "", type, key ?? "", ...told].filter((word) => word !== "");
  return `${words.join("  ")}${effective ? "" : `  (void: ${reason ?? "damaged"})`}`;
};
