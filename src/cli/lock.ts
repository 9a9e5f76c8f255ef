/** `lock list|check|acquire|renew|release|break`: leases of paths and named resources. */
import { idFault, quote } from "../core/id.ts";
import { claimsOf, trespass, ttlDefaultMs, ttlMs } from "../core/lease.ts";
import { isNo, type No } from "../core/observed.ts";
import { type ClaimRow, claimRows } from "../core/select.ts";
import { claimJson } from "../core/tracker.ts";
import type { Engine } from "../engine/engine.ts";
import { ageOf, agoOf } from "./age.ts";
import { type Call, flagOf, textOf } from "./call.ts";
import { type Answer, exit, no } from "./exit.ts";
import { readNames } from "./read-text.ts";
import { tell } from "./report.ts";
import { callingLane } from "./shell.ts";
import { lanesNamed, wish } from "./wish.ts";

/** See leases, and change them. */
export const lock = async (call: Call, engine: Engine): Promise<Answer> => {
  const [action = "list", lane, ...globs] = call.words;
  if (action === "list") return lane === undefined ? show(call, engine, exit.done) : surplus("list");
  if (action === "break") return globs.length > 0 ? surplus("break") : breakClaim(call, engine, lane);
  if (!["acquire", "renew", "release", "check"].includes(action))
    return no(
      `unknown action ${quote(action)}`,
      "lanes lock takes list, check, acquire, renew, release or break",
      exit.usage,
    );
  if (lane === undefined) return no("the lane is missing", `lanes lock ${action} LANE`, exit.usage);
  if (action === "check") return check(call, engine, lane, globs);
  const foreign = agentRefusal(call, lane);
  if (foreign) return foreign;
  if (action === "acquire") return acquire(call, engine, lane, globs);
  return action === "renew" ? renew(call, engine, lane, globs) : release(call, engine, lane, globs);
};

const surplus = (action: string): No =>
  no(`lanes lock ${action} takes nothing more`, "lanes lock --help shows how", exit.usage);

/** An agent speaks only for its own lane. */
const agentRefusal = ({ shell }: Call, lane: string): No | undefined => {
  const own = callingLane(shell);
  if (own === undefined || idFault(own) !== undefined || own === lane) return undefined;
  return no(`an agent speaks only for its own lane, ${own}`, "ask the person who runs lanes", exit.refused);
};

/** Exit 0: it is granted. Exit 75: it waits, and is granted by itself when it is free. */
const acquire = async (call: Call, engine: Engine, lane: string, paths: readonly string[]): Promise<Answer> => {
  if (paths.length === 0) return no("the paths are missing", `lanes lock acquire ${lane} 'src/**'`, exit.usage);
  const ttl = timeOf(textOf(call, "ttl"));
  if (typeof ttl === "object") return ttl;
  const shared = flagOf(call, "shared");
  const refused = await wish(call, engine, { type: "claim", lane, paths, shared, ttlMs: ttl });
  if (refused) return refused;
  const wanted = [...new Set(paths)].join("\0");
  const row = claimRows(engine.state()).find(
    (claim) => claim.lane === lane && claim.shared === shared && claim.paths.join("\0") === wanted,
  );
  if (!row) return no("the claim is gone already", "lanes lock list", exit.again);
  if (row.token === undefined) await engine.ensure();
  return tell(call, {
    code: row.token === undefined ? exit.again : exit.done,
    lines: [lineOf(row, call.shell.now())],
    json: claimJson(row),
  });
};

/** Advice: may this lane change these paths? Exit 4: another one has leased one of them. `-`: paths come from standard input, ended by NUL. */
const check = async (call: Call, engine: Engine, lane: string, words: readonly string[]): Promise<Answer> => {
  const lanes = lanesNamed(engine.state(), [lane]);
  if (isNo(lanes)) return lanes;
  if (words.length === 0) return no("the paths are missing", `lanes lock check ${lane} src/a.ts`, exit.usage);
  const piped = words.includes("-") ? await readNames(call.shell.stdin) : [];
  const paths = [...words.filter((word) => word !== "-"), ...piped];
  const met = trespass(lane, paths, claimsOf(engine.state()));
  if (met) {
    const { path, claim } = met;
    return no(
      `${path} is leased to ${claim.lane} (${claim.paths.join(", ")}, claim ${claim.id})`,
      `queue for it: lanes lock acquire ${lane} '${path}'; nothing that others have leased lands`,
      exit.refused,
    );
  }
  return tell(call, {
    code: exit.done,
    lines: [`lane ${lane} may change ${paths.length === 1 ? "this path" : `these ${paths.length} paths`}`],
    json: { lane, paths, free: true },
  });
};

const renew = async (call: Call, engine: Engine, lane: string, more: readonly string[]): Promise<Answer> => {
  const given = textOf(call, "token");
  if (more.length > 0) return surplus("renew");
  const token = given === undefined ? undefined : positionOf(given, "a token");
  if (typeof token === "object") return token;
  const refused = await wish(call, engine, { type: "renew", lane, ...(token === undefined ? {} : { token }) });
  return refused ?? show(call, engine, exit.done, lane);
};

const release = async (
  call: Call,
  engine: Engine,
  lane: string,
  [given, ...more]: readonly string[],
): Promise<Answer> => {
  if (more.length > 0) return surplus("release");
  const claim = given === undefined ? undefined : positionOf(given, "a claim");
  if (typeof claim === "object") return claim;
  const refused = await wish(call, engine, { type: "release", lane, ...(claim === undefined ? {} : { claim }) });
  return refused ?? show(call, engine, exit.done, lane);
};

const breakClaim = async (call: Call, engine: Engine, given: string | undefined): Promise<Answer> => {
  const why = textOf(call, "why");
  if (given === undefined) return no("the number of the claim is missing", "lanes lock list shows it", exit.usage);
  const claim = positionOf(given, "a claim");
  if (typeof claim === "object") return claim;
  if (why === undefined || why.trim() === "")
    return no("the reason is missing", `lanes lock break ${claim} --why TEXT`, exit.usage);
  return (await wish(call, engine, { type: "break", claim, why })) ?? show(call, engine, exit.done);
};

const positionOf = (text: string, what: string): number | No =>
  /^[1-9]\d{0,14}$/.test(text)
    ? Number(text)
    : no(`${quote(text)} is no number of ${what}`, "lanes lock list shows them", exit.usage);

const units: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

const timeOf = (text: string | undefined): number | No => {
  if (text === undefined) return ttlDefaultMs;
  const [, digits = "", unit = ""] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const ms = Number(digits) * (units[unit] ?? 0);
  return ms >= ttlMs.least && ms <= ttlMs.most
    ? ms
    : no(`--ttl ${quote(text)} is no time from 1s to 7d`, "90s, 30m, 2h, 1d", exit.usage);
};

const show = (call: Call, engine: Engine, code: number, lane?: string): number => {
  const rows = claimRows(engine.state()).filter((row) => lane === undefined || row.lane === lane);
  const lines = rows.map((row) => lineOf(row, call.shell.now()));
  const none = lane === undefined ? "no paths are leased" : `lane ${lane} has no lease`;
  return tell(call, { code, lines: lines.length > 0 ? lines : [none], json: { leases: rows.map(claimJson) } });
};

const lineOf = ({ id, lane, paths, shared, token, at, ttlMs: ttl, behind }: ClaimRow, now: number): string => {
  const what = `${id}  ${lane}  ${paths.join(", ")}${shared ? " (shared)" : ""}`;
  if (token === undefined) return `${what}: waits behind ${behind.join(", ")}, asked ${agoOf(at, now)}`;
  const left = at + ttl - now;
  const time = left > 0 ? `${ageOf(now - left, now)} left` : `its time is over`;
  return `${what}: granted with token ${token} ${agoOf(at, now)}, ${time}`;
};
