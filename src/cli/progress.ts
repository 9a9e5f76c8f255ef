/** Changes of lanes as plain lines, one for each state that is seen. */
import { detailOf } from "../core/select.ts";
import { type Lane, stateTable } from "../core/state.ts";
import type { Moment } from "./settle.ts";
import type { Style } from "./terminal.ts";

/** Says what is new since the last call, for some lanes or for all. */
export type Progress = (moment: Moment) => readonly string[];

/** A progress that has not said anything yet. */
export const createProgress = (lanes: readonly string[] | undefined, style: Style): Progress => {
  const told = new Map<string, string>();
  return (moment) =>
    (lanes ?? [...moment.state.lanes.keys()]).flatMap((id) => {
      const lane = moment.state.lanes.get(id);
      const mark = lane && `${lane.state} ${lane.stopping?.then ?? ""} ${lane.pausing?.to ?? ""} ${lane.run?.n ?? 0}`;
      if (!lane || told.get(id) === mark) return [];
      told.set(id, mark ?? "");
      return [laneLine(moment, lane, style)];
    });
};

/** A lane's state as one line: `→ docs running: writing the guide`. */
export const laneLine = ({ state, now, limits }: Moment, lane: Lane, style: Style): string => {
  const { glyph, ascii } = stateTable[lane.state];
  const detail = detailOf(state, lane, now, limits);
  return `${style.utf8 ? glyph : ascii} ${lane.id} ${lane.state}${detail === "" ? "" : `: ${detail}`}`;
};
