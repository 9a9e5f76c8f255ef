/** `monitor`: the control center; without a terminal, a line for each change. */
import type { Engine } from "../engine/engine.ts";
import { type Call, flagOf } from "./call.ts";
import { type Answer, exit } from "./exit.ts";
import { createProgress } from "./progress.ts";
import { laneJson } from "./report.ts";
import { isSettled, type Moment } from "./settle.ts";
import { hasScreen } from "./shell.ts";
import { follow } from "./wait.ts";

/** Show lanes as they change, until ctrl-c, or with `--until-idle` until nothing is under way. */
export const monitor = async (call: Call, engine: Engine): Promise<Answer> => {
  const { openControlCenter } = call.shell;
  const wantsLines = call.globals.json || call.globals.plain || flagOf(call, "untilIdle");
  if (openControlCenter && hasScreen(call.shell) && !wantsLines) return openControlCenter(engine);
  const show = call.globals.json ? jsonLines(call, engine) : textLines(call);
  const isOver = (moment: Moment): boolean => {
    show(moment);
    return flagOf(call, "untilIdle") && isIdle(moment);
  };
  return (await follow(call, engine, isOver, () => false)) ?? exit.done;
};

const textLines = (call: Call): ((moment: Moment) => void) => {
  const progress = createProgress(undefined, call.style);
  return (moment) => {
    for (const line of progress(moment)) call.output.print(line);
  };
};

const jsonLines = (call: Call, engine: Engine): ((moment: Moment) => void) => {
  const told = new Map<string, string>();
  return (moment) => {
    for (const lane of moment.state.lanes.values()) {
      const mark = `${lane.state} ${lane.run?.n ?? 0}`;
      if (told.get(lane.id) === mark) continue;
      told.set(lane.id, mark);
      call.output.printJsonLine({ at: new Date(lane.since).toISOString(), ...laneJson(engine, moment, lane) });
    }
  };
};

/** Is nothing under way that would change a lane without anybody's help? */
const isIdle = (moment: Moment): boolean =>
  [...moment.state.lanes.values()].every(
    (lane) => isSettled(moment, "probe", lane) && isSettled(moment, "remove", lane),
  );
