/** `engine [status|start|stop|run]`: the process that carries lanes out. */
import { quote } from "../core/id.ts";
import { isFrozen, isGoing } from "../core/schedule.ts";
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
      const frozen = [...engine.state().lanes.values()].some(isFrozen) ? ", frozen ones stay frozen" : "";
      const line = stopped ? `stopped; agents that run go on${frozen}` : "no engine was running";
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
  const lanes = [...state.lanes.values()];
  const live = lanes.filter(isGoing).length;
  const frozen = lanes.filter(isFrozen).length;
  const still = frozen === 0 ? "" : `; ${frozen} frozen, with or without an engine`;
  const running = `${live} running${still}`;
  const isLeading = elected !== undefined && !elected.retired;
  return tell(call, {
    code: exit.done,
    lines: isLeading ? linesOf(elected, pulse, running, call.shell.now()) : [`${idleLine(pulse)}${still}`],
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
      frozen,
      steps: pulse.steps,
    },
  });
};

const linesOf = (elected: Elected, pulse: Pulse, running: string, now: number): readonly string[] => {
  const who = `pid ${elected.process.pid}, version ${elected.version}, token ${elected.token}`;
  const head = `elected ${agoOf(elected.at, now)}: ${who}; ${running}`;
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
      return [head, `alive: ${doing(pulse)}; ${last}`];
  }
};

/** Most steps that are named. */
const stepsMax = 5;

const doing = ({ needed, steps }: Pulse): string => {
  if (steps.length === 0) return needed ? "watches what runs" : "waits for something to do";
  const more = steps.length > stepsMax ? `, and ${steps.length - stepsMax} more` : "";
  return `${steps.slice(0, stepsMax).join(", ")}${more}`;
};

const idleLine = ({ needed }: Pulse): string =>
  needed
    ? "there is work to do and no engine lives: lanes engine start"
    : "none is needed: it starts by itself when there is something to do";
