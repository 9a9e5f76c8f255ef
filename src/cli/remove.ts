/** `remove`, `restore`, `trash`: lanes go whatever is in them, after all of it was kept, and come back as they were. */
import { quote } from "../core/id.ts";
import { isNo, type Kept, type No } from "../core/observed.ts";
import type { Lane } from "../core/state.ts";
import type { Engine } from "../engine/engine.ts";
import { keptDays } from "../engine/keep-trash.ts";
import { agoOf } from "./age.ts";
import { ask } from "./ask.ts";
import { type Call, flagOf } from "./call.ts";
import { type Answer, exit, no } from "./exit.ts";
import { count, laneJson, lanesJson, laneWhy, momentOf, tell, worktreePath } from "./report.ts";
import { tableLines } from "./table.ts";
import { waitFor } from "./wait.ts";
import { lanesNamed, wish } from "./wish.ts";

/** `remove LANE…`: keep everything in them, then take worktree and branch away. Asks first. */
export const remove = async (call: Call, engine: Engine): Promise<Answer> => {
  const lanes = lanesNamed(engine.state(), call.words);
  if (isNo(lanes)) return lanes;
  const ids = lanes.map(({ id }) => id);
  const sure = flagOf(call, "yes") || (await ask(call, `Keep what is in ${ids.join(", ")}, then remove it?`));
  if (sure !== true) {
    const what = sure === undefined ? "remove takes worktrees and branches away" : "nothing was removed";
    return no(what, `to do it without being asked: lanes remove ${ids.join(" ")} --yes`, exit.refused);
  }
  const refused = await wish(call, engine, { type: "remove", lanes: ids, save: true });
  if (refused) return refused;
  await engine.ensure();
  const cut = await waitFor(call, engine, "remove", ids);
  if (cut) return cut;
  const after = lanesNamed(engine.state(), ids);
  if (isNo(after)) return after;
  return tell(call, {
    code: after.some(({ worktree }) => worktree) ? exit.refused : exit.done,
    lines: after.map((lane) => outcome(engine, lane)),
    json: {
      removed: after.filter(({ worktree }) => !worktree).map(({ id, detail }) => ({ lane: id, detail })),
      kept: after.filter(({ worktree }) => worktree).map(({ id, detail }) => ({ lane: id, why: detail })),
    },
  });
};

const outcome = (engine: Engine, { id, detail, worktree }: Lane): string => {
  const path = worktreePath(engine, id);
  if (worktree) return `kept ${path}: ${detail}`;
  return `removed ${path}${detail === "" || detail === "cancelled" ? "" : `; ${detail}`}`;
};

/** `restore LANE [N]`: branch and worktree as they were kept. */
export const restore = async (call: Call, engine: Engine): Promise<Answer> => {
  const [lane = "", given] = call.words;
  const n = given === undefined ? undefined : Number(given);
  if (n !== undefined && !/^[1-9]\d{0,8}$/.test(given ?? ""))
    return no(`${quote(given ?? "")} is no number of what is kept`, `lanes trash ${lane}`, exit.usage);
  const all = (await engine.kept()).filter((kept) => kept.lane === lane);
  if (!all.some((kept) => n === undefined || kept.n === n)) {
    const what = `nothing is kept of lane ${quote(lane)}${n === undefined ? "" : ` as ${n}`}`;
    return no(
      what,
      all.length === 0 ? "lanes trash" : `there is: ${all.map((kept) => kept.n).join(", ")}`,
      all.length > 0 || engine.state().lanes.has(lane) ? exit.refused : exit.usage,
    );
  }
  const refused = await wish(call, engine, { type: "restore", lane, ...(n === undefined ? {} : { n }) });
  if (refused) return refused;
  await engine.ensure();
  const cut = await waitFor(call, engine, "restore", [lane]);
  if (cut) return cut;
  const lanes = lanesNamed(engine.state(), [lane]);
  if (isNo(lanes)) return lanes;
  const moment = await momentOf(call, engine);
  return tell(call, {
    code: lanes.every(({ worktree }) => worktree) ? exit.done : exit.refused,
    lines: lanes.map((one) => laneWhy(moment, one)),
    json: lanesJson(lanes.map((one) => laneJson(engine, moment, one))),
  });
};

/** `trash [LANE]`: what is kept, the newest last, and until when. */
export const trash = async (call: Call, engine: Engine): Promise<Answer> => {
  const [lane] = call.words;
  const missing = lane === undefined || engine.state().lanes.has(lane) ? undefined : unknown(lane);
  const kept = (await engine.kept()).filter((one) => lane === undefined || one.lane === lane);
  if (kept.length === 0 && missing) return missing;
  const now = call.shell.now();
  const rows = kept.map((one) => [
    { text: one.lane },
    { text: String(one.n) },
    { text: agoOf(one.at, now) },
    { text: contentOf(one) },
    { text: sizeOf(one.bytes) },
  ]);
  const lines = kept.length === 0 ? ["nothing is kept"] : await tableLines(rows, call.style);
  const hint = `lanes restore LANE [N] brings one back; kept for ${keptDays} days`;
  return tell(call, {
    code: exit.done,
    lines,
    hints: kept.length === 0 ? [] : [hint],
    json: { kept: kept.map((one) => ({ ...one, at: new Date(one.at).toISOString() })) },
  });
};

const unknown = (lane: string): No => no(`nothing is kept of lane ${quote(lane)}`, "lanes trash", exit.usage);

/** What is in it, for people. */
const contentOf = ({ commits, files, busy }: Kept): string =>
  [
    ...(commits > 0 ? [count(commits, "commit")] : []),
    ...(files > 0 ? [count(files, "uncommitted file")] : []),
    ...(busy === undefined ? [] : [`in the middle of a ${busy}`]),
  ].join(", ") || "no work of its own";

const sizeOf = (bytes: number): string => {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1024 * 1024 ? `${Math.round(bytes / 1024)} KiB` : `${Math.round(bytes / 1024 / 1024)} MiB`;
};
