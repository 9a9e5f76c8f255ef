/** One look at every branch. */
import { time } from "../core/foreign.ts";
import { call, must } from "./call.ts";
import type { Context } from "./call.ts";
import { refsPlace } from "./place.ts";

/** A branch as `for-each-ref` shows it. `committedAt`: 0 when its commit names a time that no calendar has. `worktree`: where it is checked out. */
export interface RefSeen {
  readonly ref: string;
  readonly head: string;
  readonly committedAt: number;
  readonly worktree: string | undefined;
  readonly subject: string;
}

/** All branches, in the order of their names, by one call. When an object is missing: names and commits alone. */
export const allBranches = async (context: Context): Promise<readonly RefSeen[]> => {
  const place = refsPlace(context.layout);
  const ran = await call(context, place, ["for-each-ref", `--format=${format}`, "refs/heads"]);
  if (ran.code === 0) return parseRefs(ran.stdout.toString());
  // A ref to a lost object makes git give up on the dates and subjects of all.
  return parseRefs((await must(context, place, ["for-each-ref", `--format=${bareFormat}`, "refs/heads"])).toString());
};

const format = "%(refname)%00%(objectname)%00%(committerdate:unix)%00%(worktreepath)%00%(contents:subject)%00";
const bareFormat = "%(refname)%00%(objectname)%000%00%00%00";
const fieldCount = 5;

/** Fields end with NUL, records with NUL and LF: a worktree's path may hold line breaks. */
export const parseRefs = (text: string): readonly RefSeen[] => {
  const fields = text.split("\0");
  const found: RefSeen[] = [];
  for (let at = 0; at + fieldCount < fields.length; at += fieldCount) {
    const [ref = "", head = "", date = "", worktree = "", subject = ""] = fields.slice(at, at + fieldCount);
    found.push({
      ref: ref.replace(/^\n/, ""),
      head,
      committedAt: time(Number(date) * 1000, 0),
      worktree: worktree === "" ? undefined : worktree,
      subject,
    });
  }
  return found;
};
