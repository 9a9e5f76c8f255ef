/** `why LANE…`: in one line, what a lane waits for and what moves it on. */
import { isNo } from "../core/observed.ts";
import { oddityOf } from "../core/oddity.ts";
import { remarkLine } from "../core/tripwire.ts";
import type { Engine } from "../engine/engine.ts";
import type { Call } from "./call.ts";
import { type Answer, exit } from "./exit.ts";
import { laneJson, lanesJson, laneWhy, momentOf, tell } from "./report.ts";
import { lanesNamed } from "./wish.ts";

/** One line a lane. */
export const why = async (call: Call, engine: Engine): Promise<Answer> => {
  const lanes = lanesNamed(engine.state(), call.words);
  if (isNo(lanes)) return lanes;
  const moment = await momentOf(call, engine);
  const seen = await engine.observed();
  const remarks = seen?.settings?.remarks ?? [];
  const odd = lanes.flatMap((lane) => {
    const oddity = oddityOf(lane, seen);
    return oddity === undefined || lane.detail.includes(oddity.text)
      ? []
      : [`warning: ${lane.id}: ${oddity.text}; ${oddity.hint}`];
  });
  const noticed = remarks.filter((remark) => lanes.some(({ id }) => remark.lanes.includes(id)));
  return tell(call, {
    code: exit.done,
    lines: [
      ...lanes.map((lane) => laneWhy(moment, lane)),
      ...odd,
      ...noticed.map((each) => `warning: ${remarkLine(each)}`),
    ],
    json: lanesJson(lanes.map((lane) => ({ ...laneJson(engine, moment, lane), why: laneWhy(moment, lane) }))),
  });
};
