/** Committing for an agent that did not. */
import { refOf } from "../core/id.ts";
import { call, durable, endOf, must } from "./call.ts";
import type { Context } from "./call.ts";
import { seeAdmin } from "./head.ts";
import { adminOf, isFolder, lanePath, treePlace } from "./place.ts";
import { identity } from "./porcelain.ts";
import { uncommitted } from "./status.ts";

/**
 * Commit everything that is uncommitted in a lane, or only what is below the folder `within`; ignored files stay out. No
 * hook runs. False when there was nothing, or when a merge or rebase is in progress, whose conflicts would be committed.
 */
export const commitAll = async (context: Context, lane: string, message: string, within?: string): Promise<boolean> => {
  const { layout } = context;
  const path = lanePath(layout, lane);
  const admin = (await isFolder(path)) ? await adminOf(layout.common, path) : undefined;
  if (admin === undefined) throw new Error(`the worktree of ${lane} is gone`);
  const seen = seeAdmin(admin);
  if (seen.busy !== undefined || seen.head !== refOf(lane)) return false;
  const place = treePlace(layout, path, admin);
  const only = within === undefined ? [] : [within];
  if ((await uncommitted(context, place, ...only)).length === 0) return false;
  await must(context, place, ["--literal-pathspecs", "add", "--all", "--", ...(within === undefined ? ["."] : only)]);
  await context.step("commit:staged");
  const args = ["--literal-pathspecs", "commit", "--quiet", "--no-verify", "--cleanup=verbatim", "-F", "-"];
  if (within !== undefined) args.push("--only", "--", ...only);
  const more = { input: message, env: await identity(context), settings: durable };
  const ran = await call(context, place, args, more);
  // Exit code 1 is git's "nothing to commit": adding changed nothing, for example in line ends alone.
  if (ran.code > 1 || ran.code < 0) throw new Error(`git could not commit in ${path}: ${endOf(ran)}`);
  return ran.code === 0;
};
