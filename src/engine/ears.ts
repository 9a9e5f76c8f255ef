/** What agents tell: read from their output while they run, and recorded now and then. */
import { type Adapter, streamOf } from "../agent/adapter.ts";
import { hear, isNews, silent } from "../agent/hear.ts";
import { noRest, type Rest, takeLines } from "../agent/lines.ts";
import { adapterOf } from "../agent/roster.ts";
import { runOf } from "../core/id.ts";
import { isLive } from "../core/schedule.ts";
import type { AgentTold, Lane, State } from "../core/state.ts";
import type { Release, World } from "../port.ts";
import type { Mandate } from "./elect.ts";
import type { Ledger } from "./ledger.ts";

/** Output is read at most so often, in ms. */
const readMs = 150;
/** Pieces of output that are read before others have their turn: at most 256 KiB each. */
const piecesMax = 4;
/** Pieces that are read of a run that is over: what is kept of it, at most, and more. */
const lastPiecesMax = 100_000;

/** The engine's ears. */
export interface Ears {
  /** Listen to the runs that live now; record what is due. */
  look(state: State): void;
  /** What the agent of a lane's run has told when everything it printed is read; undefined when its output means nothing to us. */
  last(lane: Lane): Promise<AgentTold | undefined>;
  readonly release: Release;
}

interface Ear {
  readonly lane: string;
  readonly n: number;
  readonly adapter: Adapter;
  told: AgentTold;
  /** What of it is in the journal, and since when by the clock that nobody sets. */
  recorded: { readonly told: AgentTold | undefined; readonly at: number };
  rest: Rest;
  /** First byte that was not read yet. */
  next: number;
  /** The line of ours after which it is no longer the agent that speaks. */
  readonly until: string | undefined;
  isOver: boolean;
  timer: NodeJS.Timeout | undefined;
  under: Promise<void>;
  release: Release;
}

type Mouth = Pick<World, "host" | "clock" | "log">;

/** Ears for one engine. What they heard is in the journal with the place up to which it was read: the next engine goes on from there. */
export const createEars = (world: Mouth, ledger: Pick<Ledger, "propose">, mandate: Mandate): Ears => {
  const ears = new Map<string, Ear>();

  const record = async (ear: Ear): Promise<void> => {
    const { told, recorded, lane, n } = ear;
    const at = world.clock.elapsed();
    if (told === recorded.told) return;
    if (!isNews(recorded.told, told, at - recorded.at)) {
      if (told.status !== recorded.told?.status || told.kind !== recorded.told.kind) listen(ear);
      return;
    }
    ear.recorded = { told, at };
    await ledger.propose({
      id: world.clock.id(),
      by: "engine",
      if: [{ engine: mandate.token }],
      events: [{ type: "agent.reported", key: lane, n, told }],
    });
  };

  /** One reading of a run at a time, in turn. */
  const listen = (ear: Ear): void => {
    ear.timer ??= setTimeout(() => {
      ear.timer = undefined;
      ear.under = ear.under
        .then(() => readOn(world, ear, piecesMax))
        .then(async (isMore) => {
          if (isMore) listen(ear);
          await record(ear);
        })
        .catch((error: unknown) => world.log.warn("listening failed", { lane: ear.lane, why: String(error) }));
    }, readMs).unref();
  };

  const earOf = (lane: Lane): Ear | undefined => {
    const { run } = lane;
    const adapter = run?.cli === undefined ? undefined : adapterOf(run.cli);
    if (!run || !adapter) return undefined;
    const name = runOf(lane.id, run.n);
    const known = ears.get(name);
    if (known) return known;
    const told = run.told ?? silent(run.startedAt ?? run.askedAt);
    const recorded = { told: run.told, at: world.clock.elapsed() };
    const begun = { lane: lane.id, n: run.n, adapter, told, recorded, rest: noRest, next: told.read };
    const until = endOf(lane.spec.acceptance);
    const ear: Ear = { ...begun, until, isOver: false, timer: undefined, under: Promise.resolve(), release };
    ears.set(name, ear);
    ear.release = world.host.watch(() => listen(ear), name);
    listen(ear);
    return ear;
  };

  const drop = (name: string, ear: Ear): void => {
    clearTimeout(ear.timer);
    ear.release();
    ears.delete(name);
  };

  return {
    look: (state) => {
      for (const [name, ear] of ears) {
        const lane = state.lanes.get(ear.lane);
        if (!lane || !isLive(lane) || lane.run?.n !== ear.n) drop(name, ear);
      }
      for (const lane of state.lanes.values()) {
        if (lane.state === "starting" || !isLive(lane)) continue;
        const ear = earOf(lane);
        if (ear && ear.told !== ear.recorded.told) listen(ear);
      }
    },
    last: async (lane) => {
      const ear = earOf(lane);
      if (!ear) return undefined;
      clearTimeout(ear.timer);
      ear.timer = undefined;
      await ear.under;
      await readOn(world, ear, lastPiecesMax);
      // Its last line may have no end.
      if (!ear.isOver) understand(ear, takeLines(ear.rest, "\n").lines, world.clock.now());
      drop(runOf(lane.id, ear.n), ear);
      return ear.told.status === "starting" && ear.told.unknown === 0 ? undefined : ear.told;
    },
    release: () => {
      for (const [name, ear] of ears) drop(name, ear);
    },
  };
};

const release: Release = () => undefined;

/** How the line begins with which the acceptance command does (`accepted` in act-run.ts): what that prints no agent says. */
const endOf = (acceptance: string | undefined): string | undefined =>
  acceptance === undefined ? undefined : `lanes: acceptance: ${acceptance.split("\n", 1).join("")}`;

/** Read on; true when there may be more. */
const readOn = async ({ host, clock }: Mouth, ear: Ear, pieces: number): Promise<boolean> => {
  if (ear.isOver) return false;
  for (let piece = 0; piece < pieces; piece += 1) {
    const { text, next } = await host.output(runOf(ear.lane, ear.n), ear.next);
    if (text === "") return false;
    const taken = takeLines(ear.rest, text);
    ear.rest = taken.rest;
    ear.next = next;
    const now = clock.now();
    const end = ear.until === undefined ? -1 : taken.lines.findIndex((line) => line.startsWith(ear.until ?? ""));
    const lines = end < 0 ? taken.lines : taken.lines.slice(0, end);
    understand(ear, lines, now);
    // A line that is not whole is read again by whoever goes on: what it says was not understood yet. So is the line that ends it.
    const unheard = end < 0 ? 0 : bytesOf({ ...ear.rest, text: `${taken.lines.slice(end).join("\n")}\n` });
    ear.told = { ...ear.told, heardAt: now, read: Math.max(0, next - bytesOf(ear.rest) - unheard) };
    if (end < 0) continue;
    ear.isOver = true;
    return false;
  }
  return true;
};

const understand = (ear: Ear, lines: readonly string[], now: number): void => {
  for (const line of lines)
    for (const event of ear.adapter.parse(streamOf(line), line)) ear.told = hear(ear.told, event, now);
};

/** Bytes of a line's beginning in the output; one byte stands for a character that is none. */
const bytesOf = ({ text }: Rest): number => Buffer.byteLength(text.replaceAll("\uFFFD", "?"), "utf8");
