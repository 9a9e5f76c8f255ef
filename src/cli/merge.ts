/** `merge [LANE…]`: lanes land on the target, tested as merged. */
import type { Command } from "../core/command.ts";
import { decide, isRefusal } from "../core/decide.ts";
import { quote } from "../core/id.ts";
import { strategies } from "../core/lane-spec.ts";
import { isNo, type No } from "../core/observed.ts";
import { detailOf, nextStep } from "../core/select.ts";
import type { Lane, LaneState, State } from "../core/state.ts";
import type { Engine } from "../engine/engine.ts";
import { placesOf } from "../engine/trusted.ts";
import { needTrust, warnOf } from "./ask.ts";
import { type Call, flagOf, textOf } from "./call.ts";
import { type Answer, exit, no, worst } from "./exit.ts";
import { mergeList } from "./merge-list.ts";
import { momentOf, type Report, tell } from "./report.ts";
import { codeOf, type Moment } from "./settle.ts";
import { follow, recorded, waitFor } from "./wait.ts";
import { lanesNamed, wish } from "./wish.ts";

/** Ask the merge queue for lanes and wait until they have landed or were refused. */
export const merge = async (call: Call, engine: Engine): Promise<Answer> => {
  if (flagOf(call, "list")) return mergeList(call, engine);
  await warnOf(call, engine);
  const report = await mergeLanes(call, engine, call.words);
  return isNo(report) ? report : tell(call, report);
};

/** The same as a step of `full`; no ids: all lanes that are ready or in the queue. */
export const mergeLanes = async (call: Call, engine: Engine, ids: readonly string[]): Promise<Report | No> => {
  const lanes = ids.length === 0 ? readyLanes(engine.state()) : lanesNamed(engine.state(), ids);
  if (isNo(lanes)) return lanes;
  if (lanes.length === 0) return { ...nothing, lines: [nothingLine(engine.state())] };
  const how = howOf(call);
  if (isNo(how)) return how;
  const places = placesOf(engine.state(), mergeOf(lanes, how));
  const untrusted = await needTrust(call, engine, places);
  if (untrusted) return untrusted;
  const entered = ids.length === 0 ? await wish(call, engine, { type: "enter", phase: 4 }) : undefined;
  if (entered) return entered;
  const refused = await askFor(engine, lanes, how);
  const asked = lanes.map(({ id }) => id).filter((id) => !refused.some((one) => one.lane === id));
  const cut = asked.length === 0 ? undefined : await land(call, engine, asked);
  return cut ?? reportOn(await momentOf(call, engine), asked, refused, flagOf(call, "detach"));
};

/** What is said of the merge itself. */
type How = Pick<Extract<Command, { type: "merge" }>, "check" | "strategy" | "override" | "first">;

const howOf = (call: Call): How | No => {
  const [check, strategy] = [textOf(call, "check"), textOf(call, "strategy")];
  const known = strategies.find((word) => word === strategy);
  if (strategy !== undefined && known === undefined)
    return no(`--strategy ${quote(strategy)} is none`, `it is one of ${strategies.join(", ")}`, exit.usage);
  const override = overrideOf(call);
  if (typeof override === "object") return override;
  return {
    ...(check === undefined ? {} : { check }),
    ...(known === undefined ? {} : { strategy: known }),
    ...(override === undefined ? {} : { override }),
    ...(flagOf(call, "first") ? { first: true } : {}),
  };
};

/** Only a person overrides, by name and with a reason. */
const overrideOf = (call: Call): string | undefined | No => {
  const why = textOf(call, "why")?.trim();
  if (!flagOf(call, "override"))
    return why === undefined
      ? undefined
      : no("--why belongs to --override", "lanes merge LANE --override --why TEXT", exit.usage);
  if (call.words.length === 0) return no("the lane is missing", "lanes merge LANE --override --why TEXT", exit.usage);
  if (why === undefined || why === "")
    return no("the reason is missing", `lanes merge ${call.words.join(" ")} --override --why TEXT`, exit.usage);
  return why;
};

const inQueue: ReadonlySet<LaneState> = new Set(["ready", "merge-queued", "merging", "landed-pending"]);

const readyLanes = (state: State): readonly Lane[] =>
  [...state.lanes.values()].filter((lane) => inQueue.has(lane.state));

const nothing: Report = { code: exit.done, lines: [], json: { landed: [], refused: [] } };

const nothingLine = (state: State): string =>
  state.lanes.size === 0 ? "nothing to merge: there are no lanes" : "nothing to merge: no lane is ready";

/** A lane that did not land, for scripts. */
interface Refused {
  readonly lane: string;
  readonly reason: string;
  readonly hint: string;
  readonly paths: readonly string[];
  readonly code: number;
}

/** The wish; what git shows of the lanes is added when it is decided. */
const mergeOf = (lanes: readonly Lane[], how: How): Command => ({
  type: "merge",
  lanes: lanes.map(({ id }) => id),
  evidence: new Map(),
  ...how,
});

/** Ask for each lane by itself: one that is refused does not hold up the others. */
const askFor = async (engine: Engine, lanes: readonly Lane[], how: How): Promise<readonly Refused[]> => {
  const refused: Refused[] = [];
  // All at once where nobody is refused: then they may be tested together.
  if (lanes.length > 1) {
    const whole = mergeOf(lanes, how);
    const first = decide(engine.state(), whole);
    if (!isRefusal(first) && !("refused" in (await engine.execute(whole)))) return [];
  }
  for (const lane of lanes) {
    const { id } = lane;
    const command = mergeOf([lane], how);
    const first = decide(engine.state(), command);
    // Of a lane that has landed git shows whether there is more by now.
    const done = !isRefusal(first) && first.events.length === 0 && lane.state !== "merged";
    const answer = done ? first : await engine.execute(command);
    if ("refused" in answer) {
      refused.push({ lane: id, reason: answer.refused, hint: answer.hint, paths: [], code: answer.code });
    }
  }
  return refused;
};

const land = async (call: Call, engine: Engine, ids: readonly string[]): Promise<No | undefined> => {
  const lives = await engine.ensure();
  if (flagOf(call, "detach")) return lives ? undefined : recorded;
  return (await landAgain(call, engine, ids)) ?? waitFor(call, engine, "merge", ids);
};

/** What was in the way of a landing may be gone by now: the engine tries again every few seconds. Wait that long. */
const landAgain = async (call: Call, engine: Engine, ids: readonly string[]): Promise<No | undefined> => {
  const isPending = ({ lanes }: State): boolean => ids.some((id) => lanes.get(id)?.state === "landed-pending");
  if (!isPending(engine.state())) return undefined;
  const until = call.shell.elapsed() + landAgainMs;
  return follow(
    call,
    engine,
    ({ state }) => call.shell.elapsed() >= until || !isPending(state),
    () => false,
  );
};

/** A little longer than the engine waits between two tries. */
const landAgainMs = 6000;

const reportOn = (
  moment: Moment,
  asked: readonly string[],
  refusedBefore: readonly Refused[],
  isDetached: boolean,
): Report => {
  const lanes = asked.flatMap((id) => moment.state.lanes.get(id) ?? []);
  const landed = lanes.flatMap((lane) =>
    lane.state === "merged" ? [{ lane: lane.id, merge: lane.landed?.merge ?? "", check: checkedAs(lane) }] : [],
  );
  const waiting = isDetached ? lanes.filter((lane) => inQueue.has(lane.state)).map(({ id }) => id) : [];
  const late = lanes
    .filter((lane) => lane.state !== "merged" && !waiting.includes(lane.id))
    .map((lane) => refusedOf(moment, lane));
  const refused = [...refusedBefore, ...late];
  return {
    code: worst(refused.map(({ code }) => code)),
    lines: [
      ...landed.map(({ lane, merge: commit, check }) => `landed ${lane}: ${commit.slice(0, 7)}${check}`),
      ...waiting.map((id) => `asked for ${id}`),
      ...refused.map(({ reason, hint }) => `not landed: ${reason}; ${hint}`),
    ],
    json: {
      landed: landed.map(({ lane, merge: commit }) => ({ lane, merge: commit })),
      refused: refused.map(({ code: _code, ...one }) => one),
      waiting,
    },
  };
};

/** What is said of a landing that no check stands for. */
const checkedAs = ({ landed }: Lane): string => {
  if (landed?.override !== undefined) return `, overridden: ${landed.override}`;
  return landed?.tested === "unchecked" ? ", unchecked" : "";
};

const refusedOf = ({ state, now, limits }: Moment, lane: Lane): Refused => {
  const detail = detailOf(state, lane, now, limits);
  return {
    lane: lane.id,
    reason: `${lane.id} is ${lane.state}${detail === "" ? "" : `: ${detail}`}`,
    hint: nextStep(state, lane) || `lanes why ${lane.id}`,
    paths: lane.paths,
    code: codeOf("merge", lane),
  };
};
