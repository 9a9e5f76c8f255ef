/** One engine per repository: elected by the journal, first by position. No lock is involved. */
import { needsEngine } from "../core/plan.ts";
import { isFrozen, type Limits } from "../core/schedule.ts";
import type { Elected, Lane, State } from "../core/state.ts";
import type { Host, World } from "../port.ts";
import type { Ledger } from "./ledger.ts";

/** The right to carry actions out: every fact of the engine is recorded on condition that its token still stands. */
export interface Mandate {
  readonly token: number;
}

/** Stand for election. Undefined: a living engine that is not older already leads, another was faster, or the log is a newer program's. */
export const elect = async (ledger: Ledger, world: World, version: string): Promise<Mandate | undefined> => {
  await ledger.refresh();
  if (ledger.newer()) return undefined;
  const { engine } = ledger.state;
  if (engine && leads(engine, world.host, version)) return undefined;
  const outcome = await ledger.propose({
    id: world.clock.id(),
    by: "engine",
    if: [{ engine: engine?.token ?? 0 }],
    events: [{ type: "engine.elected", process: world.host.self(), version }],
  });
  return outcome.effective ? { token: outcome.position } : undefined;
};

/** Does this engine live, awake, and is it no older than `version`? */
const leads = (engine: Elected, host: Pick<Host, "alive" | "frozen">, version: string): boolean =>
  !engine.retired && host.alive(engine.process) && !host.frozen(engine.process) && !isOlder(engine.version, version);

/** Does a living, awake engine lead that is no older than `version`? */
export const isLed = (state: State, host: Pick<Host, "alive" | "frozen">, version: string): boolean =>
  state.engine !== undefined && leads(state.engine, host, version);

/** How the elected process is; `none` where nobody was elected or the last one retired. */
export const vitality = (
  host: Pick<Host, "alive" | "frozen">,
  { engine }: State,
): "none" | "alive" | "frozen" | "dead" => {
  if (!engine || engine.retired) return "none";
  if (!host.alive(engine.process)) return "dead";
  return host.frozen(engine.process) ? "frozen" : "alive";
};

/** Does work wait for an engine while none leads? */
export const isStranded = (
  state: State,
  host: Pick<Host, "alive" | "frozen">,
  version: string,
  now: number,
  limits: Limits,
): boolean =>
  !isLed(state, host, version) &&
  (needsEngine(state, now, limits) || [...state.lanes.values()].some((lane) => isDisturbed(lane, host)));

/** Has the agent of a frozen lane died, or did somebody wake it? The lane needs no engine until then. */
const isDisturbed = (lane: Lane, host: Pick<Host, "frozen">): boolean =>
  isFrozen(lane) && lane.run?.process !== undefined && !host.frozen(lane.run.process);

const isOlder = (version: string, than: string): boolean => {
  const [a, b] = [version, than].map((text) => text.split(/[.-]/).map((part) => Number.parseInt(part, 10) || 0));
  for (let index = 0; index < 3; index += 1) {
    const difference = (a?.[index] ?? 0) - (b?.[index] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
};

/** How long an engine that was started may take until it is elected, in ms. */
const startMaxMs = 5000;

/** Make sure that an engine leads, starting one when none does. False when none came up in time. */
export const ensureElected = async (ledger: Ledger, world: World, version: string): Promise<boolean> => {
  const { clock, host } = world;
  await ledger.refresh();
  if (isLed(ledger.state, host, version)) return true;
  if (ledger.newer()) return false;
  host.spawnEngine();
  for (const until = clock.elapsed() + startMaxMs; clock.elapsed() < until;) {
    await clock.sleep(25);
    await ledger.refresh();
    if (isLed(ledger.state, host, version)) return true;
  }
  return false;
};
