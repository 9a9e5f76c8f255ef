/** Verb → what carries it out. A test holds this table against the catalog. */
import { addLane } from "./add-lane.ts";
import { approve } from "./approve.ts";
import type { Call, Verb } from "./call.ts";
import { cleanup } from "./cleanup.ts";
import { completion } from "./completion.ts";
import { config } from "./config.ts";
import { conflicts } from "./conflicts.ts";
import { doctor } from "./doctor.ts";
import { engineVerb } from "./engine.ts";
import { events } from "./events.ts";
import { execLane, execute } from "./execute.ts";
import { type Answer, exit, no } from "./exit.ts";
import { full } from "./full.ts";
import { init } from "./init.ts";
import { handoff, launch, retry } from "./launch.ts";
import { lock } from "./lock.ts";
import { log } from "./log.ts";
import { merge } from "./merge.ts";
import { monitor } from "./monitor.ts";
import { pause, resume } from "./pause.ts";
import { plan } from "./plan.ts";
import { probes } from "./probes.ts";
import { remove, restore, trash } from "./remove.ts";
import { repair } from "./repair.ts";
import { reset } from "./reset.ts";
import { resolve } from "./resolve.ts";
import { showStatus } from "./status.ts";
import { cancel, stop, stopAll } from "./stop.ts";
import { tracker } from "./tracker.ts";
import { trust } from "./trust.ts";
import { undo } from "./undo.ts";
import { why } from "./why.ts";

/** Every verb of the command line. */
export const verbs: Readonly<Record<string, Verb>> = {
  init: { run: init },
  probes: { run: probes },
  plan: { run: plan },
  execute: { run: execute },
  merge: { run: merge },
  approve: { run: approve },
  resolve: { run: resolve },
  handoff: { run: handoff },
  undo: { run: undo },
  full: { run: full },
  "add-lane": { run: addLane },
  "exec-lane": { run: execLane },
  launch: { run: launch },
  stop: { run: stop },
  pause: { run: pause },
  resume: { run: resume },
  retry: { run: retry },
  cancel: { run: cancel },
  "stop-all": { run: stopAll },
  status: {
    run: async ({ shell, output, globals, options }, engine) => {
      await showStatus(engine, shell, output, { ...globals, refresh: options["refresh"] === true });
      return exit.done;
    },
  },
  monitor: { run: monitor },
  log: { run: log },
  why: { run: why },
  conflicts: { run: conflicts },
  events: { run: events },
  tracker: { run: tracker },
  lock: { run: lock },
  engine: { run: engineVerb },
  cleanup: { run: cleanup },
  remove: { run: remove },
  restore: { run: restore },
  trash: { run: trash },
  repair: { run: repair },
  reset: { run: reset },
  trust: { run: trust },
  config: { run: config },
  completion: { alone: completion },
  doctor: { alone: doctor },
  demo: { alone: async (call) => demo(call) },
};

/** `demo`: six lanes on a scratch repository; plain lines where there is no terminal. */
const demo = async (call: Call): Promise<Answer> => {
  const { openDemo } = call.shell;
  if (openDemo) return openDemo({ plain: call.globals.plain });
  return no("this program was built without its demonstration", "install lanekeeper anew", exit.internal);
};
