/** `engine [status|start|stop|run]`: the process that carries lanes out. */
import { quote } from "../core/id.ts";
import { isFrozen, isGoing } from "../core/schedule.ts";
import type { Engine } from "../engine/engine.ts";
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
  const state = await engine.refresh();
  const elected = state.engine;
  const lanes = [...state.lanes.values()];
  const live = lanes.filter(isGoing).length;
  const frozen = lanes.filter(isFrozen).length;
  const still = frozen === 0 ? "" : `; ${frozen} frozen, with or without an engine`;
  const isLeading = elected !== undefined && !elected.retired;
  const line = isLeading
    ? `elected ${agoOf(elected.at, call.shell.now())}: pid ${elected.process.pid}, version ${elected.version}, token ${elected.token}; ${live} running${still}`
    : `none is needed: it starts by itself when there is something to do${still}`;
  return tell(call, {
    code: exit.done,
    lines: [line],
    json: {
      elected: isLeading,
      pid: isLeading ? elected.process.pid : null,
      version: elected?.version ?? null,
      token: elected?.token ?? null,
      since: elected ? new Date(elected.at).toISOString() : null,
      running: live,
      frozen,
    },
  });
};
