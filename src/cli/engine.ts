/** `engine [status|start|stop|run]`: the process that carries lanes out. */
import { quote } from "../core/id.ts";
import { isLive } from "../core/schedule.ts";
import type { Elected } from "../core/state.ts";
import type { Engine, Pulse } from "../engine/engine.ts";
import { agoOf } from "./age.ts";
import type { Call } from "./call.ts";
import { type Answer, exit, no } from "./exit.ts";
import { recorded } from "./wait.ts";
import { tell } from "./report.ts";

/** Look at the engine, start one, end it, or be it. */
export const engineVerb = async (call: Call, engine: Engine): Promise<Answer> => {
  const [action = "status"] = call.words;
  switch (action) {
    case "status":
      return showEngine(call, engine);
    case "start":
      if (!engine.state().initialised) return no("this repository is not prepared yet", "lanes init", exit.refused);
      return (await engine.ensure()) ? showEngine(call, engine) : { ...recorded, refused: "no engine came up in time" };
    case "stop": {
      const stopped = await engine.stopEngine();
      const line = stopped ? "stopped; agents that run go on" : "no engine was running";
      return tell(call, { code: exit.done, lines: [line], json: { stopped } });
    }
    case "run":
      await engine.reconcile();
      return exit.done;
    default:
      return no(`unknown action ${quote(action)}`, "lanes engine takes status, start, stop or run", exit.usage);
  }
};

const showEngine = async (call: Call, engine: Engine): Promise<number> => {
  const pulse = await engine.pulse();
  const state = engine.state();
  const elected = state.engine;
  const live = [...state.lanes.values()].filter(isLive).length;
  const isLeading = elected !== undefined && !elected.retired;
  return tell(call, {
    code: exit.done,
    lines: isLeading ? linesOf(elected, pulse, live, call.shell.now()) : [idleLine(pulse)],
    json: {
      elected: isLeading,
      is: pulse.is,
      needed: pulse.needed,
      pid: isLeading ? elected.process.pid : null,
      version: elected?.version ?? null,
      token: elected?.token ?? null,
      since: elected ? new Date(elected.at).toISOString() : null,
      heard: pulse.heardAt === 0 ? null : new Date(pulse.heardAt).toISOString(),
      running: live,
      steps: pulse.steps,
    },
  });
};

const linesOf = (elected: Elected, pulse: Pulse, live: number, now: number): readonly string[] => {
  const who = `pid ${elected.process.pid}, version ${elected.version}, token ${elected.token}`;
  const head = `elected ${agoOf(elected.at, now)}: ${who}; ${live} running`;
  const last = `last sign of it ${agoOf(pulse.heardAt, now)}`;
  switch (pulse.is) {
    case "dead":
      return [head, `dead: ${last}`, idleLine(pulse)];
    case "frozen":
      return [
        head,
        `frozen: ${last}; kill -CONT ${elected.process.pid} wakes it, the next verb starts another if needed`,
      ];
    case "alive":
    case "none":
      return [head, `alive: ${doing(pulse, live)}`];
  }
};

/** Most steps that are named. */
const stepsMax = 5;

const doing = ({ steps }: Pulse, live: number): string => {
  if (steps.length === 0) return live > 0 ? "watches the agents that run" : "waits for something to do";
  const more = steps.length > stepsMax ? `, and ${steps.length - stepsMax} more` : "";
  return `${steps.slice(0, stepsMax).join(", ")}${more}`;
};

const idleLine = ({ needed }: Pulse): string =>
  needed
    ? "there is work to do and no engine lives: lanes engine start"
    : "none is needed: it starts by itself when there is something to do";
