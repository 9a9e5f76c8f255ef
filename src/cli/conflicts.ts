/** `conflicts [LANE]`: what is predicted of merges, and the order in which lanes would best land. */
import { type ForecastSeen, pairLine, type PairRow, pairRows, suggestedOrder, targetName } from "../core/forecast.ts";
import { isNo } from "../core/observed.ts";
import type { Engine } from "../engine/engine.ts";
import { agoOf } from "./age.ts";
import { type Call, flagOf } from "./call.ts";
import { type Answer, exit } from "./exit.ts";
import { count, tell } from "./report.ts";
import { lanesNamed } from "./wish.ts";

/** Print the pairs that would not merge. Answers 0 whatever they are: that they could be told is what was asked for. */
export const conflicts = async (call: Call, engine: Engine): Promise<Answer> => {
  const [of] = call.words;
  const lanes = of === undefined || of === targetName ? [] : lanesNamed(engine.state(), [of]);
  if (isNo(lanes)) return lanes;
  const forecast = await engine.forecast(flagOf(call, "refresh"));
  const now = call.shell.now();
  const pairs = pairRows(forecast, of);
  const ids = forecast?.lanes.map(([lane]) => lane) ?? [];
  const order = suggestedOrder(forecast, ids);
  const ageMs = forecast ? Math.max(0, now - forecast.at) : 0;
  return tell(call, {
    code: exit.done,
    lines: [
      ...pairLines(pairs, ids.length),
      ...orderLines(pairs, order),
      ...(forecast ? [basisLine(forecast, now)] : []),
    ],
    json: {
      target: forecast?.target ?? null,
      pairs: pairs.map(({ why, ...pair }) => ({ ...pair, ageMs, ...(pair.state === "unknown" ? { why } : {}) })),
      lanes: ids,
      uncommitted: forecast?.uncommitted ?? [],
      order,
      at: forecast ? new Date(forecast.at).toISOString() : null,
    },
  });
};

const pairLines = (pairs: readonly PairRow[], lanes: number): readonly string[] => {
  if (pairs.length > 0) return pairs.map(pairLine);
  return [
    lanes === 0 ? "no lane has work that is not on the target" : `no conflict is predicted for ${count(lanes, "lane")}`,
  ];
};

/** An order matters only where lanes meet each other. */
const orderLines = (pairs: readonly PairRow[], order: readonly string[]): readonly string[] =>
  pairs.some(({ a, b, state }) => state === "conflict" && a !== targetName && b !== targetName)
    ? [`best landed in this order: ${order.join(", ")}`]
    : [];

const basisLine = ({ at, uncommitted }: ForecastSeen, now: number): string =>
  `as of ${agoOf(at, now)}${uncommitted.length === 0 ? "" : `, with what is uncommitted in ${uncommitted.join(", ")}`}`;
