/** The note that a worktree's files are being moved by a landing, and what follows from one that a crash left. */
import { open, readFile, rm } from "node:fs/promises";
import { join } from "node:path";

import type { No } from "../core/observed.ts";
import { missing } from "./absent.ts";
import { call, line } from "./call.ts";
import type { Context } from "./call.ts";
import type { Checkout } from "./checkout.ts";
import { mend } from "./mend.ts";
import type { Move } from "./move.ts";
import { obstacles } from "./obstacle.ts";
import { treePlace } from "./place.ts";
import { contains } from "./read.ts";

/** Where a worktree goes. `back`: to a commit that its branch had before, which it therefore has already. */
export type Going = Move & { readonly back?: boolean };

/** Note on disk, before the first file changes, that this worktree goes from `onto` to `commit`. */
export const markLanding = async (checkout: Checkout, move: Going): Promise<void> => {
  const file = await open(markOf(checkout), "w");
  try {
    await file.writeFile(`${move.onto} ${move.commit}${move.back === true ? " back" : ""}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
};

/** The landing of this worktree is over. */
export const clearMark = async (checkout: Checkout): Promise<undefined> => {
  await rm(markOf(checkout), { force: true });
  return undefined;
};

/**
 * End a landing that was interrupted in this worktree by taking its files to what its HEAD says: back, when the target did
 * not get the merge; nowhere, when the user committed it. `going`: the landing that is being repeated is left to go on. A No
 * when files were changed since so that this would lose something.
 */
export const settle = async (
  context: Context,
  checkout: Checkout,
  going: (Move & { readonly ref: string }) | undefined,
): Promise<No | undefined> => {
  const text = await missing(readFile(markOf(checkout), "utf8"), undefined);
  if (text === undefined || !checkout.present) return undefined;
  const [, onto, commit, back] = /^([0-9a-f]+) ([0-9a-f]+)( back)?\n$/.exec(text) ?? [];
  const place = treePlace(context.layout, checkout.path, checkout.admin);
  const head = await line(context, place, ["rev-parse", "--verify", "HEAD^{commit}"]);
  // A note that was cut short: nothing followed it. A head that has the merge, or no longer has what is taken back: everything did, and what changed since is the user's.
  if (onto === undefined || commit === undefined) return clearMark(checkout);
  const over = back === undefined ? await contains(context, head, commit) : !(await contains(context, head, onto));
  if (over) return clearMark(checkout);
  const foreign = await mend(context, checkout, { onto, commit });
  if (foreign.length > 0) return halfLanded(checkout, foreign);
  if (going?.onto === onto && going.commit === commit && checkout.head === going.ref) return undefined;
  const blocked = await obstacles(context, checkout, commit, head);
  if (blocked.length > 0) return halfLanded(checkout, blocked);
  const ran = await call(context, place, ["read-tree", "-m", "-u", commit, head], { writes: checkout.path });
  return ran.code === 0 ? clearMark(checkout) : halfLanded(checkout, []);
};

const halfLanded = (checkout: Checkout, paths: readonly string[]): No => ({
  refused: `an interrupted landing is still half in ${checkout.path}, and files were changed since`,
  hint: `commit or undo your changes in ${checkout.path}`,
  code: 4,
  paths,
});

const markOf = (checkout: Checkout): string => join(checkout.admin, "lanekeeper-landing");
