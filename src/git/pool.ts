/**
 * Idle worktrees that wait for a lane: parked on no branch at the target's tip, seen to be clean. A lane takes one over by three
 * changes that do not depend on the number of files, and gives one back when it goes (git.md section 1).
 */
import { mkdir, rm, rmdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";

import { refOf } from "../core/id.ts";
import { isDirectory, missing, namesIn, smallText } from "./absent.ts";
import { call, endOf, must } from "./call.ts";
import type { Context } from "./call.ts";
import { dropDeadLocks } from "./dead-lock.ts";
import { furnishedMark, setupMark } from "./furnish.ts";
import { stampOf } from "./guard.ts";
import { seeAdmin } from "./head.ts";
import { adminOf, adminsIn, pointsTo, refsPlace, treePlace } from "./place.ts";
import { commitOf } from "./ref.ts";
import { hiddenIn } from "./snapshot.ts";
import type { Tree } from "./snapshot.ts";
import { uncommitted } from "./status.ts";
import { endWriters } from "./writer.ts";

/** In the admin folder of an idle worktree: the commit that it is at, and the stamp of the index by which it was seen to be clean. */
const idleMark = "lanekeeper-idle";
/** In that of one which is being taken: the lane, and the commit that it was at. */
const claimMark = "lanekeeper-claimed";
/** In that of one which a lane gives back. */
const returnMark = "lanekeeper-returned";

/** A worktree of the pool. */
interface Entry extends Tree {
  /** Commit that it is parked at; undefined when nobody has seen yet that it is clean. */
  readonly idle: string | undefined;
  readonly claim: { readonly lane: string; readonly commit: string } | undefined;
}

const folderOf = (context: Context): string => join(context.layout.state, "pool");

/** Is there any worktree in the pool? */
export const hasPool = (context: Context): boolean => namesIn(folderOf(context)).length > 0;

/** Worktrees of the pool that git knows. */
const entriesOf = async (context: Context): Promise<readonly Entry[]> => {
  const folder = folderOf(context);
  const found: Entry[] = [];
  for (const name of namesIn(folder).toSorted()) {
    const path = join(folder, name);
    const admin = isDirectory(path) ? await adminOf(context.layout.common, path) : undefined;
    if (admin !== undefined) found.push(entryAt(path, admin));
  }
  return found;
};

const entryAt = (path: string, admin: string): Entry => {
  const [commit, stamp] = (smallText(join(admin, idleMark)) ?? "").split(" ");
  const [lane = "", at = ""] = (smallText(join(admin, claimMark)) ?? "").split(" ");
  const idle = commit !== undefined && commit !== "" && stamp === stampOf(join(admin, "index")) ? commit : undefined;
  return { path, admin, idle, claim: lane === "" ? undefined : { lane, commit: at } };
};

/**
 * Take an idle worktree for a lane and bring its files to `head`; one that an earlier, killed call took for it is taken again. Undefined
 * when there is none. It stays in the pool's folder until `moveIn`.
 */
export const takeIdle = async (context: Context, lane: string, head: string): Promise<Tree | undefined> => {
  const entries = await entriesOf(context);
  const again = entries.find(({ claim }) => claim?.lane === lane);
  if (again) return (await brought(context, lane, again, head)) ? again : undefined;
  const idle = entries.filter(
    (entry) => entry.idle !== undefined && entry.claim === undefined && isAsSparse(context, entry),
  );
  const entry = idle.find((one) => one.idle === head) ?? idle[0];
  if (entry?.idle === undefined) return undefined;
  await writeFile(join(entry.admin, claimMark), `${lane} ${entry.idle}`);
  await rm(join(entry.admin, idleMark), { force: true });
  await context.step("pool:claimed");
  if (entry.idle === head) return entry;
  const place = treePlace(context.layout, entry.path, entry.admin);
  const ran = await call(context, place, ["read-tree", "-m", "-u", entry.idle, head], { writes: entry.path });
  if (ran.code === 0) return entry;
  context.note(`an idle worktree could not be brought to ${head}: ${endOf(ran)}`);
  return (await brought(context, lane, entry, head)) ? entry : undefined;
};

/** Does it have the files that the user's checkout wants now, where that is sparse? */
const isAsSparse = ({ layout: { common } }: Context, { admin }: Entry): boolean =>
  smallText(join(admin, "info", "sparse-checkout")) === smallText(join(common, "info", "sparse-checkout"));

/** Nobody works in the pool, and it was clean when it was taken: whatever a killed call left there is ours to set right. */
const brought = async (context: Context, lane: string, { path, admin }: Entry, head: string): Promise<boolean> => {
  if (seeAdmin(admin).head === refOf(lane)) return true;
  await endWriters(path);
  await dropDeadLocks([join(admin, "index"), join(admin, "HEAD")], [path]);
  const place = treePlace(context.layout, path, admin);
  const steps = [
    ["update-ref", "--no-deref", "HEAD", head],
    ["reset", "--hard", "--quiet"],
    ["clean", "-ffdq"],
  ];
  for (const args of steps) if ((await call(context, place, args, { writes: path })).code !== 0) return false;
  return true;
};

/** Put a worktree that was taken onto the lane's branch and into its place. False: git would not; it is in the pool again. */
export const moveIn = async (context: Context, lane: string, tree: Tree, path: string): Promise<boolean> => {
  const place = treePlace(context.layout, tree.path, tree.admin);
  await must(context, place, ["symbolic-ref", "-m", `lanes: open ${lane}`, "HEAD", refOf(lane)]);
  await context.step("pool:headed");
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  // Git would move it into a folder that is there.
  await missing(rmdir(path), undefined);
  const ran = await call(context, refsPlace(context.layout), ["worktree", "move", tree.path, path], { writes: path });
  if (ran.code === 0) {
    await context.step("pool:moved");
    await rm(join(tree.admin, claimMark), { force: true });
    return true;
  }
  context.note(`an idle worktree could not be moved: ${endOf(ran)}`);
  await release(context, entryAt(tree.path, tree.admin));
  return false;
};

/** A worktree that was taken for a lane which does not come for it. */
const release = async (context: Context, { path, admin, claim }: Entry): Promise<void> => {
  const { detached } = seeAdmin(admin);
  const place = treePlace(context.layout, path, admin);
  if (detached === undefined && claim !== undefined)
    await must(context, place, ["update-ref", "--no-deref", "HEAD", claim.commit]);
  await rm(join(admin, claimMark), { force: true });
};

/**
 * A worktree that was moved by a call which was killed before git noted where to: git is told. Answers nothing: whoever asks next where
 * it is hears the truth.
 */
export const settleMoves = async (context: Context, path?: string): Promise<void> => {
  const { common } = context.layout;
  const folder = folderOf(context);
  const places = [...namesIn(folder).map((name) => join(folder, name)), ...(path === undefined ? [] : [path])];
  if (places.length === 0) return;
  const moved = new Set(adminsIn(common).filter((admin) => isMoving(admin) && !isAt(pointsTo(admin))));
  if (moved.size === 0) return;
  for (const at of places) {
    const link = /^gitdir: (.+)\n?$/.exec(smallText(join(at, ".git")) ?? "")?.[1];
    if (link !== undefined && moved.has(resolve(at, link)))
      await must(context, refsPlace(context.layout), ["worktree", "repair", at]);
  }
};

const isMoving = (admin: string): boolean => {
  const { names } = seeAdmin(admin);
  return names.has(claimMark) || names.has(returnMark);
};

const isAt = (link: string | undefined): boolean => link !== undefined && isDirectory(dirname(link));

/**
 * Give a lane's worktree, which is on no branch and seen to be clean, to the pool when that has fewer than `size`. Its ignored files
 * stay in it. False when it is not wanted there: remove it.
 */
export const giveBack = async (context: Context, tree: Tree, size: number): Promise<boolean> => {
  const folder = folderOf(context);
  const names = new Set(namesIn(folder));
  if (names.size >= size) return false;
  let n = 1;
  while (names.has(String(n))) n += 1;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(join(tree.admin, returnMark), "");
  const args = ["worktree", "move", tree.path, join(folder, String(n))];
  const ran = await call(context, refsPlace(context.layout), args, { writes: tree.path });
  if (ran.code !== 0) {
    await rm(join(tree.admin, returnMark), { force: true });
    return false;
  }
  await context.step("pool:returned");
  const moved = { path: join(folder, String(n)), admin: tree.admin };
  if ((await uncommitted(context, treePlace(context.layout, moved.path, moved.admin))).length === 0) return true;
  // Somebody wrote in the last moment: it is a lane's still.
  const back = ["worktree", "move", moved.path, tree.path];
  await must(context, refsPlace(context.layout), back, { writes: moved.path });
  await rm(join(tree.admin, returnMark), { force: true });
  return false;
};

/**
 * Make the pool as it should be: `size` worktrees parked at `commit`. Sets right what killed calls left; one in which somebody wrote
 * something is left alone. One caller at a time; for idle time.
 */
export const fillPool = async (context: Context, size: number, commit: string): Promise<void> => {
  await context.alone(() => settleMoves(context));
  for (const entry of await entriesOf(context)) await tend(context, entry, commit);
  const idle = (await entriesOf(context)).filter((entry) => entry.idle !== undefined && entry.claim === undefined);
  for (const { path } of [...idle.slice(size), ...idle.slice(0, size).filter((one) => !isAsSparse(context, one))])
    await context.alone(() => call(context, refsPlace(context.layout), ["worktree", "remove", path], { writes: path }));
  for (let have = namesIn(folderOf(context)).length; have < size; have += 1)
    if (!(await addIdle(context, commit))) return;
};

/** Bring one that is here to `commit`, when nobody has it, and note that it is clean. */
const tend = async (context: Context, entry: Entry, commit: string): Promise<void> => {
  const { path, admin, claim, idle } = entry;
  if (claim !== undefined) {
    // Its lane may come for it still: its branch says so.
    if ((await commitOf(context, refOf(claim.lane))) !== undefined) return;
    await context.alone(() => release(context, entry));
  }
  if (idle === commit) return;
  await endWriters(path);
  await dropDeadLocks([join(admin, "index"), join(admin, "HEAD")], [path]);
  const place = treePlace(context.layout, path, admin);
  const at = seeAdmin(admin).detached;
  const filled = seeAdmin(admin).names.has("index");
  if (at === undefined) return;
  if (!filled) await must(context, place, ["reset", "--hard", "--quiet"], { writes: path });
  else if ((await uncommitted(context, place)).length > 0 || (await hiddenIn(context, { path, admin })).length > 0) {
    context.note(`${path} is not clean: it is left alone`);
    return;
  }
  await context.alone(async () => {
    if (entryAt(path, admin).claim !== undefined) return;
    await rm(join(admin, idleMark), { force: true });
    if (at !== commit) {
      await must(context, place, ["read-tree", "-m", "-u", at, commit], { writes: path });
      await must(context, place, ["update-ref", "--no-deref", "HEAD", commit]);
    }
    for (const mark of marksOfOthers) await rm(join(admin, mark), { force: true });
    await context.step("pool:parked");
    await writeFile(join(admin, idleMark), `${commit} ${stampOf(join(admin, "index"))}`);
  });
};

/** What a removal or a restoring noted in the admin folder of a worktree that came from a lane. */
const marksOfOthers: readonly string[] = [
  returnMark,
  "lanekeeper-removing",
  "lanekeeper-index",
  "lanekeeper-restored",
  furnishedMark,
  setupMark,
];

/** One more, filled. False when git does not make it. */
const addIdle = async (context: Context, commit: string): Promise<boolean> => {
  const folder = folderOf(context);
  const names = new Set(namesIn(folder));
  let n = 1;
  while (names.has(String(n))) n += 1;
  const path = join(folder, String(n));
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const args = ["worktree", "add", "--detach", "--no-checkout", path, commit];
  const ran = await context.alone(() => call(context, refsPlace(context.layout), args, { writes: path }));
  if (ran.code !== 0) {
    context.note(`no idle worktree could be made: ${endOf(ran)}`);
    return false;
  }
  await context.step("pool:listed");
  const admin = await adminOf(context.layout.common, path);
  if (admin === undefined) return false;
  await tend(context, entryAt(path, admin), commit);
  return true;
};
