/** `trust`: the commands of `lanes.config.json` are shown, and allowed once for what they are. */
import { isNo } from "../core/observed.ts";
import type { Engine } from "../engine/engine.ts";
import { ask } from "./ask.ts";
import { type Call, flagOf } from "./call.ts";
import { type Answer, exit, no } from "./exit.ts";
import { tell } from "./report.ts";

/** Show the commands that nobody has trusted yet, and trust them when a person says so. */
export const trust = async (call: Call, engine: Engine): Promise<Answer> => {
  const settings = await engine.settings();
  if (isNo(settings)) return settings;
  for (const warning of settings.warnings) call.output.say(`warning: ${warning}`);
  const { untrusted, hash } = settings;
  if (untrusted.length === 0) {
    return tell(call, {
      code: exit.done,
      lines: ["there is nothing to trust: no command waits for it"],
      json: { trusted: [], hash },
    });
  }
  if (!call.globals.json) for (const command of untrusted) call.output.print(command);
  const sure = flagOf(call, "yes") || (await ask(call, "Let lanes run these commands of lanes.config.json?"));
  if (sure !== true) {
    const what = sure === undefined ? "trust needs a person's answer" : "nothing was trusted";
    return no(what, "after reading the commands: lanes trust --yes", exit.refused);
  }
  await engine.trust(hash);
  return tell(call, {
    code: exit.done,
    lines: ["trusted, until one of them changes"],
    json: { trusted: untrusted, hash },
  });
};
