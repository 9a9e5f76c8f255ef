/** `undo [LANE|MERGE]`: a landing is taken off the target again, after showing what that means. */
import { isNo, type No } from "../core/observed.ts";
import { quote } from "../core/id.ts";
import type { Lane, State } from "../core/state.ts";
import { lastLanded } from "../core/undo.ts";
import { decide, isRefusal } from "../core/decide.ts";
import { sanitize } from "../core/text.ts";
import type { Engine, UndoSeen } from "../engine/engine.ts";
import { placesOf } from "../engine/trusted.ts";
import { ask, needTrust } from "./ask.ts";
import { type Call, flagOf, textOf } from "./call.ts";
import { type Answer, exit, no, worst } from "./exit.ts";
import { count, type Report, tell } from "./report.ts";
import { recorded, waitFor } from "./wait.ts";
import { wish } from "./wish.ts";

/** Show what will happen, ask, and wait until it has. */
export const undo = async (call: Call, engine: Engine): Promise<Answer> => {
  const lanes = lanesOf(engine.state(), call.words[0]);
  if (isNo(lanes)) return lanes;
  const ids = lanes.map(({ id }) => id);
  const check = textOf(call, "check");
  const command = { type: "undo", lanes: ids, ...(check === undefined ? {} : { check }) } as const;
  const decision = decide(engine.state(), command);
  if (isRefusal(decision)) return decision;
  const isAsked = decision.events.length > 0;
  const seen = isAsked ? await engine.foresee(ids, check) : [];
  if (flagOf(call, "dryRun")) return tell(call, preview(lanes, seen));
  if (isAsked) {
    const untrusted = await needTrust(call, engine, placesOf(engine.state(), command));
    const refused = untrusted ?? (await agree(call, seen)) ?? (await wish(call, engine, command));
    if (refused) return refused;
  }
  const lives = await engine.ensure();
  if (flagOf(call, "detach")) return lives ? tell(call, detached(ids)) : recorded;
  const cut = await waitFor(call, engine, "undo", ids);
  return cut ?? tell(call, outcome(engine.state(), ids));
};

/** A lane by its id, else the lanes of a merge by the beginning of its name, else what landed last. */
const lanesOf = (state: State, word: string | undefined): readonly Lane[] | No => {
  if (word === undefined) {
    const last = lastLanded(state);
    return last.length > 0 ? last : no("nothing has landed that could be taken back", "lanes status", exit.refused);
  }
  const lane = state.lanes.get(word);
  if (lane) return [lane];
  const found = /^[0-9a-f]{4,64}$/.test(word)
    ? [...state.lanes.values()].filter(({ landed, undone }) => (landed ?? undone)?.merge.startsWith(word))
    : [];
  const merges = new Set(found.map(({ landed, undone }) => (landed ?? undone)?.merge));
  if (merges.size > 1) return no(`${merges.size} merges begin with ${word}`, "give more of its name", exit.usage);
  if (found.length > 0) return found;
  return no(`neither a lane nor a merge is called ${quote(word)}`, "lanes status shows both", exit.usage);
};

/** What a person should know before. */
const linesOf = ({ lane, merge, target, way, dependants, later }: UndoSeen): readonly string[] => [
  way.how === "back"
    ? `${lane}: ${target} goes back from ${merge.slice(0, 7)} to ${way.to.slice(0, 7)}; nothing builds on it, and it was not pushed`
    : way.how === "revert"
      ? `${lane}: a commit on ${target} takes out what ${merge.slice(0, 7)} brought; ${way.check === undefined ? "unchecked: no check is configured" : "it is checked before it lands"}`
      : `${lane}: cannot be taken back: ${way.why}`,
  ...(dependants.length > 0 ? [`  these have landed and depend on it: ${dependants.join(", ")}`] : []),
  ...(later.length > 0 ? [`  these landed later and changed the same files: ${later.join(", ")}`] : []),
  ...(way.how === "refused" ? [] : [`  its branch stays; lanes merge ${lane} brings it back`]),
];

const agree = async (call: Call, seen: readonly UndoSeen[]): Promise<No | undefined> => {
  if (flagOf(call, "yes")) return undefined;
  const impossible = seen.find(({ way }) => way.how === "refused");
  if (impossible?.way.how === "refused")
    return no(`${impossible.lane}: ${impossible.way.why}`, "", impossible.way.code);
  for (const line of seen.flatMap(linesOf)) call.output.fail(sanitize(line));
  const sure = await ask(call, `Take ${count(seen.length, "landing")} back?`);
  if (sure === true) return undefined;
  const which = call.words[0] === undefined ? "" : ` ${call.words[0]}`;
  const what = sure === undefined ? "undo changes the target" : "nothing was taken back";
  return no(what, `to do it without being asked: lanes undo${which} --yes`, exit.refused);
};

const preview = (lanes: readonly Lane[], seen: readonly UndoSeen[]): Report => ({
  code: worst(seen.map(({ way }) => (way.how === "refused" ? way.code : exit.done))),
  lines: seen.length > 0 ? seen.flatMap(linesOf) : lanes.map(({ id, state }) => `${id} is ${state}: nothing to do`),
  json: { dryRun: true, would: seen },
});

const detached = (ids: readonly string[]): Report => ({
  code: exit.done,
  lines: ids.map((id) => `asked to take ${id} back`),
  json: { dryRun: false, undone: [], refused: [], waiting: ids },
});

const outcome = (state: State, ids: readonly string[]): Report => {
  const lanes = ids.flatMap((id) => state.lanes.get(id) ?? []);
  const undone = lanes.flatMap(({ id, state: is, undone: what }) =>
    is === "undone" && what
      ? [{ lane: id, merge: what.merge, commit: what.commit, target: what.target, how: what.how }]
      : [],
  );
  const refused = lanes
    .filter(({ state: is }) => is !== "undone")
    .map(({ id, undoing }) => ({
      lane: id,
      reason: undoing?.refused?.why ?? undoing?.held ?? "somebody merged it anew",
      paths: undoing?.refused?.paths ?? [],
      code: undoing?.refused?.code ?? exit.refused,
    }));
  return {
    code: worst(refused.map(({ code }) => code)),
    lines: [
      ...undone.map(({ lane, commit, target, how }) =>
        how === "back"
          ? `undone ${lane}: ${target} is at ${commit.slice(0, 7)} again`
          : `undone ${lane}: ${commit.slice(0, 7)}`,
      ),
      ...refused.map(({ lane, reason }) => `not undone: ${lane}: ${reason}`),
    ],
    hints: undone.map(({ lane }) => `to bring it back: lanes merge ${lane}`),
    json: { dryRun: false, undone, refused: refused.map(({ code: _code, ...one }) => one), waiting: [] },
  };
};
