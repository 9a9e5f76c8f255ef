/** Refs: their names, reading them, and changing several at once. */
import { existsSync } from "node:fs";
import { join } from "node:path";

import { branchOf } from "../core/id.ts";
import type { No } from "../core/observed.ts";
import { smallText } from "./absent.ts";
import { call, durable, endOf, must } from "./call.ts";
import type { Context } from "./call.ts";
import { refsPlace } from "./place.ts";
import type { Ran } from "./run.ts";

/** Commit of a full ref name, or undefined when there is no such ref. Never a revision expression. */
export const commitOf = async (context: Context, ref: string): Promise<string | undefined> => {
  const loose = looseCommit(context.layout.common, ref);
  if (loose !== undefined) return loose;
  const ran = await call(context, refsPlace(context.layout), ["show-ref", "--verify", "--hash", "--", ref]);
  return ran.code === 0 ? ran.stdout.toString().trim() : undefined;
};

/**
 * The commit of a ref whose file and whose object's file are there: what git looks for first too, without a process. Not so
 * what is packed, in a reftable, or has to do with another ref.
 */
const looseCommit = (common: string, ref: string): string | undefined => {
  if (!ref.startsWith("refs/") || ref.split("/").includes("..")) return undefined;
  const name = /^([0-9a-f]{40}|[0-9a-f]{64})\n?$/.exec(smallText(join(common, ref)) ?? "")?.[1];
  return name !== undefined && existsSync(objectFile(common, name)) ? name : undefined;
};

/** Where a loose object is, or would be. */
export const objectFile = (common: string, name: string): string =>
  join(common, "objects", name.slice(0, 2), name.slice(2));

/** One change of one ref. `from`: the value it must have; undefined means that it must not exist. */
export interface RefChange {
  readonly ref: string;
  readonly from: string | undefined;
  /** New value; undefined deletes; equal to `from` only verifies. */
  readonly to: string | undefined;
}

/** All changes or none, on disk when it resolves with exit code 0. `writes`: the worktree that they are made for. */
export const changeRefs = (
  context: Context,
  message: string,
  changes: readonly RefChange[],
  writes?: string,
): Promise<Ran> =>
  call(context, refsPlace(context.layout), ["update-ref", "-m", message, "--stdin", "-z"], {
    input: changes.map(changeText).join(""),
    settings: durable,
    ...(writes === undefined ? {} : { writes }),
  });

const changeText = ({ ref, from, to }: RefChange): string => {
  if (to === undefined) return `delete ${ref}\0${from ?? ""}\0`;
  if (from === undefined) return `create ${ref}\0${to}\0`;
  return from === to ? `verify ${ref}\0${from}\0` : `update ${ref}\0${to}\0${from}\0`;
};

/** Names and commits of all refs that are one of `patterns` or below it. */
export const refsBelow = async (
  context: Context,
  ...patterns: readonly string[]
): Promise<ReadonlyMap<string, string>> => {
  const args = ["for-each-ref", "--format=%(refname)%00%(objectname)", ...patterns];
  const text = (await must(context, refsPlace(context.layout), args)).toString();
  const pairs = text.split("\n").filter((row) => row !== "");
  return new Map(pairs.map((row) => row.split("\0") as [string, string]));
};

/** Our refs of a lane, outside `refs/heads`: they keep commits alive and say what happened. */
export const laneRefs = {
  /** The commit that the lane's branch was made at. */
  base: (lane: string): string => `refs/lanes/base/${lane}`,
  /** A verified merge that waits for the user's checkout. */
  candidate: (lane: string): string => `refs/lanes/candidate/${lane}`,
  /** The lane's tip that landed last: by it, work that came as other commits is known to be on the target. */
  landed: (lane: string): string => `refs/lanes/landed/${lane}`,
  /** The target before the n-th landing is `<this>/<n>`. */
  backup: (lane: string): string => `refs/lanes/backup/${lane}`,
  /** What was kept of the lane the n-th time is `<this>/<n>`. */
  trash: (lane: string): string => `refs/lanes/trash/${lane}`,
} as const;

/** The name of the next backup of the target for this lane, counted over those in `refs`. */
export const nextBackup = (lane: string, refs: Iterable<string>): string => {
  const numbers = [...refs].map((name) => Number(/\/backup\/[^/]+\/(\d+)$/.exec(name)?.[1] ?? 0));
  return `${laneRefs.backup(lane)}/${Math.max(0, ...numbers) + 1}`;
};

/** A branch whose name shuts out the branch of this lane: git keeps `a` and `a/b` apart. A No that says how to rename it. */
export const branchInTheWay = (lane: string, refs: Iterable<string>): No | undefined => {
  const wanted = branchOf(lane);
  for (const ref of refs) {
    const name = ref.slice("refs/heads/".length);
    if (!wanted.startsWith(`${name}/`) && !name.startsWith(`${wanted}/`)) continue;
    return {
      refused: `the branch ${name} is in the way of ${wanted}`,
      hint: `rename it: git branch -m ${name} ${name.replaceAll("/", "-")}-old`,
      code: 4,
    };
  }
  return undefined;
};

/** A No for a git call that should have worked here but did not; git's own words are kept. */
export const failedTo = (what: string, ran: Ran): No => ({
  refused: `git could not ${what}: ${endOf(ran)}`,
  hint: "see `git status` and the free space, then try again",
  code: 73,
});

/** Checks that text from a journal is an object name before git sees it. */
export const objectName = (text: string): string => {
  if (!/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(text)) throw new Error(`not an object name: ${JSON.stringify(text)}`);
  return text;
};
