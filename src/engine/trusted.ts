/** Commands of `lanes.config.json` that a wish would run, and whether a person has allowed them. */
import type { Command } from "../core/command.ts";
import { isNo, type No } from "../core/observed.ts";
import { isLive } from "../core/schedule.ts";
import type { LaneSpec, State } from "../core/state.ts";
import type { Engine } from "./engine.ts";

/** Lanes in which a wish begins a run. A frozen agent goes on with what it was started with. */
export const begunBy = (state: State, command: Command): readonly string[] => {
  if (command.type === "launch" || command.type === "retry" || command.type === "handoff") return command.lanes;
  if (command.type !== "resume") return [];
  return command.lanes.filter((id) => {
    const lane = state.lanes.get(id);
    return lane !== undefined && !isLive(lane);
  });
};

/** Places in the configuration whose commands a wish would run: `agents.api`, `check`; none for a wish that runs nothing. */
export const placesOf = (state: State, command: Command): readonly string[] => {
  const specsOf = (lanes: readonly string[]): readonly LaneSpec[] =>
    lanes.flatMap((id) => state.lanes.get(id)?.spec ?? []);
  if (command.type === "undo") return command.check === undefined ? ["check"] : [];
  if (command.type !== "merge")
    return specsOf(begunBy(state, command)).flatMap(({ agent }) => [
      "setup",
      ...(agent === undefined ? [] : [`agents.${agent}`]),
    ]);
  return command.check === undefined && specsOf(command.lanes).some(({ check }) => check === undefined)
    ? ["check"]
    : [];
};

/** What is not trusted yet of the commands at `places` (`check`, `probes.api`, `agents`, …); undefined when all of them are. */
export interface Untrusted extends No {
  /** Every command of the file that trust would be given to, for a person to read. */
  readonly commands: readonly string[];
  /** What `engine.trust` takes. */
  readonly hash: string;
}

/** Must a person allow something first? A file that does not parse is an answer too. */
export const untrustedAt = async (
  engine: Pick<Engine, "settings">,
  places: readonly string[],
): Promise<Untrusted | No | undefined> => {
  if (places.length === 0) return undefined;
  const settings = await engine.settings();
  if (isNo(settings)) return settings;
  const { untrusted, hash } = settings;
  if (!untrusted.some((command) => places.some((place) => isAt(command, place)))) return undefined;
  return {
    refused: "commands of lanes.config.json are not trusted yet",
    hint: "look at them and allow them: lanes trust",
    code: 4,
    commands: untrusted,
    hash,
  };
};

const isAt = (command: string, place: string): boolean =>
  command.startsWith(`${place}:`) || command.startsWith(`${place}.`);
