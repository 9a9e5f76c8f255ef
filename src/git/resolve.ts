/** A conflict with the target, put where it can be resolved: into the lane's own worktree. */
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { branchOf, refOf } from "../core/id.ts";
import { isNo } from "../core/observed.ts";
import type { No } from "../core/observed.ts";
import { smallText } from "./absent.ts";
import { call, must } from "./call.ts";
import type { Context } from "./call.ts";
import { seeAdmin } from "./head.ts";
import { adminOf, lanePath, treePlace } from "./place.ts";
import type { Place } from "./place.ts";
import { userIdentity } from "./porcelain.ts";
import { contains } from "./read.ts";
import { commitOf, failedTo, objectName } from "./ref.ts";
import { saveLane } from "./save.ts";
import { uncommitted } from "./status.ts";
import { openLane } from "./worktree.ts";

/** What stands in a lane's worktree now. */
export interface Conflicting {
  readonly onto: string;
  readonly paths: readonly string[];
  readonly saved: string;
}

/** Merge the target's tip in the lane's worktree, uncommitted. Repeated, it answers what stands there. */
export const putConflict = async (
  context: Context,
  lane: string,
  { target, since }: { readonly target: string; readonly since?: string | undefined },
): Promise<Conflicting | No> => {
  const head = await commitOf(context, refOf(lane));
  const tip = await commitOf(context, `refs/heads/${target}`);
  if (head === undefined || tip === undefined) {
    const gone = head === undefined ? branchOf(lane) : target;
    return { refused: `there is no branch ${gone}`, hint: "make it again", code: 4 };
  }
  const opened = await openLane(context, lane, head);
  if (isNo(opened)) return opened;
  const { path } = opened;
  const admin = await adminOf(context.layout.common, path);
  if (admin === undefined) throw new Error(`git does not list ${path}`);
  const place = treePlace(context.layout, path, admin);
  const { busy } = seeAdmin(admin);
  const standing = smallText(join(admin, "MERGE_HEAD"))?.trim();
  // A killed call merged, and did not say so yet: what it left is kept, and merged anew.
  const half = busy === undefined && smallText(join(admin, beginMark))?.trim() === head;
  if (half) {
    const saved = await saveLane(context, lane);
    if (isNo(saved)) return saved;
    await must(context, place, ["read-tree", "--reset", "-u", head], { writes: path });
  }
  if (busy === undefined) {
    const dirty = (await uncommitted(context, place)).filter(({ index }) => index !== "?").map((entry) => entry.path);
    if (dirty.length > 0) {
      return { refused: `lane ${lane} has uncommitted files`, hint: `commit them in ${path}`, code: 4, paths: dirty };
    }
  } else if (busy !== "merge") {
    return { refused: `a ${busy} is in progress in ${path}`, hint: "finish or abort it", code: 4 };
  }
  if (busy !== undefined) await rm(join(admin, beginMark), { force: true });
  const saved = await saveLane(context, lane);
  if (isNo(saved)) return saved;
  if (busy === undefined) {
    const again = since !== undefined && (await contains(context, tip, head)) ? since : undefined;
    const no = await begin(context, place, { lane, target, head, tip, since: again });
    if (no) return no;
  }
  const paths = await unmerged(context, place);
  if (paths.length === 0 && busy === undefined) await abort(context, place);
  return { onto: busy === undefined ? tip : (standing ?? tip), paths, saved: saved.ref };
};

/** Names the lane's tip while our merge of it is made, until git knows of that merge. */
const beginMark = "lanekeeper-resolving";

interface Sides {
  readonly lane: string;
  readonly target: string;
  readonly head: string;
  readonly tip: string;
  readonly since: string | undefined;
}

const begin = async (context: Context, place: Place, sides: Sides): Promise<No | undefined> => {
  const { lane, target, head, tip, since } = sides;
  const message = `Merge branch '${target}' into ${branchOf(lane)}`;
  const { name, email } = await userIdentity(context);
  const person = {
    GIT_AUTHOR_NAME: name,
    GIT_AUTHOR_EMAIL: email,
    GIT_COMMITTER_NAME: name,
    GIT_COMMITTER_EMAIL: email,
  };
  const more = { writes: place.cwd, env: person };
  if (since === undefined) {
    const ran = await call(context, place, ["merge", "--no-commit", "--no-ff", "--quiet", "-m", message, tip], more);
    return ran.code === 0 || ran.code === 1 ? undefined : failedTo(`merge ${target} into ${branchOf(lane)}`, ran);
  }
  // Git takes the lane for merged already: its work is merged over where it left the target, and the commit will be a merge all the same.
  const bases = await must(context, place, ["merge-base", objectName(since), head]);
  const mark = join(place.gitDir, beginMark);
  const base = bases.toString().split("\n", 1)[0] ?? "";
  const env = { ...person, [`GITHEAD_${head}`]: branchOf(lane), [`GITHEAD_${tip}`]: target };
  await writeFile(mark, head);
  const ran = await call(context, place, ["merge-recursive", base, "--", head, tip], { ...more, env });
  const merged = ran.code === 0 || ran.code === 1;
  await context.step("resolve:merged");
  // Last of all what makes it a merge: a commit before the files are merged would drop all that the target has.
  const files: readonly (readonly [string, string])[] = [
    ["MERGE_MSG", `${message}\n`],
    ["MERGE_MODE", "no-ff"],
    ["MERGE_HEAD", `${tip}\n`],
  ];
  if (merged) for (const [file, text] of files) await writeFile(join(place.gitDir, file), text);
  await rm(mark, { force: true });
  return merged ? undefined : failedTo(`merge ${target} into ${branchOf(lane)}`, ran);
};

const unmerged = async (context: Context, place: Place): Promise<readonly string[]> => {
  const text = (await must(context, place, ["ls-files", "-u", "-z"])).toString();
  return [...new Set(text.split("\0").flatMap((row) => /\t(.+)$/s.exec(row)?.[1] ?? []))];
};

/** The worktree as it was before the merge, which began on a clean one. */
const abort = async (context: Context, place: Place): Promise<void> => {
  await must(context, place, ["merge", "--abort"], { writes: place.cwd });
};

/** Take the conflict out of the lane's worktree. What was resolved so far is kept first. False: none stands there. */
export const dropConflict = async (
  context: Context,
  lane: string,
): Promise<{ readonly saved: string } | false | No> => {
  const path = lanePath(context.layout, lane);
  const admin = await adminOf(context.layout.common, path);
  if (admin === undefined || seeAdmin(admin).busy !== "merge") return false;
  const saved = await saveLane(context, lane);
  if (isNo(saved)) return saved;
  await context.step("resolve:saved");
  await abort(context, treePlace(context.layout, path, admin));
  return { saved: saved.ref };
};
