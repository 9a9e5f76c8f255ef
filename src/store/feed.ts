/** What the read model needs of the engine: the part of its interface that only reads, and the call that keeps it up. */
import type { RepoSeen } from "../core/observed.ts";
import type { Limits } from "../core/schedule.ts";
import type { State } from "../core/state.ts";
import type { Release } from "../port.ts";
import type { Told } from "./event-row.ts";

/** A structural subset of the engine's interface; each call does what it does there. */
export interface Feed {
  state(): State;
  refresh(): Promise<State>;
  follow(listener: (state: State, told: readonly Told[]) => void): Release;
  history(since: number): Promise<readonly Told[]>;
  limits(): Promise<Limits>;
  observed(): Promise<RepoSeen | undefined>;
  look(lanes: readonly string[]): Promise<RepoSeen>;
  watchGit(lanes: readonly string[], changed: (lanes: readonly string[]) => void): Release;
  tail(run: string, bytes: number): Promise<string>;
  watchRun(run: string, changed: () => void): Release;
  ensure(): Promise<boolean>;
}
