/** Worktrees in which checks run on a merge before it lands. */
import { mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";

import { isNo } from "../core/observed.ts";
import { must } from "./call.ts";
import type { Context } from "./call.ts";
import { publish } from "./control.ts";
import { seeAdmin } from "./head.ts";
import { clearLocks, repairAdmin } from "./leftover.ts";
import { adminOf, isFolder, refsPlace, treePlace } from "./place.ts";
import { objectName } from "./ref.ts";
import { endWriters } from "./writer.ts";

/**
 * The worktree of a slot with exactly `commit` checked out, on no branch. Ignored files of earlier checks stay, all others
 * go. One caller at a time per slot. Repairs what a killed call or a careless check left.
 */
export const verification = async (context: Context, slot: number, commit: string): Promise<string> => {
  const path = join(context.layout.state, "verify", String(slot));
  // HEAD and index may name nothing that the user's objects do not have: their git would stop at it.
  const [isThere] = await Promise.all([publish(context, objectName(commit)), endWriters(path)]);
  if (!isThere) throw new Error(`the merge ${commit} is lost`);
  const admin = await context.alone(() => usable(context, path, commit));
  await context.step("verify:listed");
  await clearLocks([join(admin, "index"), join(admin, "HEAD")]);
  const place = treePlace(context.layout, path, admin);
  // A check may have gone to a branch here: without this, `reset` would move that branch.
  if (seeAdmin(admin, []).detached === undefined)
    await must(context, place, ["update-ref", "--no-deref", "HEAD", commit]);
  await must(context, place, ["reset", "--hard", "--quiet", commit], { writes: path });
  await context.step("verify:written");
  await must(context, place, ["clean", "-ffdq"], { writes: path });
  return path;
};

/** The admin folder of a worktree at `path`, which is ours alone: what cannot be repaired is made anew. */
const usable = async (context: Context, path: string, commit: string): Promise<string> => {
  const { common } = context.layout;
  let no = await repairAdmin(context, path.slice(path.lastIndexOf("/") + 1), path);
  let admin = await adminOf(common, path);
  if (admin !== undefined && no === undefined && (await isFolder(path))) return admin;
  await rm(path, { recursive: true, force: true });
  if (no !== undefined) no = await repairAdmin(context, path.slice(path.lastIndexOf("/") + 1), path);
  if (no !== undefined && isNo(no)) throw new Error(`the worktree for checks cannot be made: ${no.refused}`);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const args = ["worktree", "add", "--detach", "--no-checkout", path, commit];
  await must(context, refsPlace(context.layout), args, { writes: path });
  admin = await adminOf(common, path);
  if (admin === undefined) throw new Error(`git made ${path} but does not list it`);
  return admin;
};
