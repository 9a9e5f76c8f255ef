/** A lane at its beginning again, with everything that was done in it kept. */
import { refOf } from "../core/id.ts";
import { isNo } from "../core/observed.ts";
import type { No } from "../core/observed.ts";
import { must } from "./call.ts";
import type { Context } from "./call.ts";
import { seeAdmin } from "./head.ts";
import { adminOf, isFolder, lanePath, treePlace } from "./place.ts";
import { commitOf, objectName } from "./ref.ts";
import { saveLane } from "./save.ts";
import { uncommitted } from "./status.ts";
import { endWriters } from "./writer.ts";

/** Keep all of the lane's work, then take its branch, index and files to `base`. Ignored files stay. Idempotent. */
export const rollBack = async (
  context: Context,
  lane: string,
  base: string,
): Promise<{ readonly saved?: string } | No> => {
  const { layout } = context;
  const path = lanePath(layout, lane);
  const admin = (await isFolder(path)) ? await adminOf(layout.common, path) : undefined;
  if (admin === undefined) return {};
  await endWriters(path);
  const { head, busy } = seeAdmin(admin);
  const place = treePlace(layout, path, admin);
  const isThere = head === refOf(lane) && busy === undefined && (await commitOf(context, refOf(lane))) === base;
  if (isThere && (await uncommitted(context, place)).length === 0) return {};
  const saved = await saveLane(context, lane);
  if (isNo(saved)) return saved;
  if (saved.nested.length > 0) {
    const hint = "move it away, or do without rollback for this lane";
    return { refused: `the repository ${saved.nested[0] ?? ""} stands in ${path}`, hint, code: 4, paths: saved.nested };
  }
  await context.step("rollback:saved");
  // Whatever was in progress ends with this; what it was is kept.
  await must(context, place, ["symbolic-ref", "HEAD", refOf(lane)]);
  await must(context, place, ["reset", "--hard", "--quiet", objectName(base)], { writes: path });
  await context.step("rollback:reset");
  await must(context, place, ["clean", "-ffdq"], { writes: path });
  return { saved: saved.ref };
};
