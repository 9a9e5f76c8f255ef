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

/** Note on disk, before the first file changes, that this worktree goes from `onto` to `commit`. */
export const markLanding = async (checkout: Checkout, move: Move): Promise<void> => {
  const file = await open(markOf(checkout), "w");
  try {
    await file.writeFile(`${move.onto} ${move.commit}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
};

/** The landing of this worktree is over. */
export const clearMark = (checkout: Checkout): Promise<void> => rm(markOf(checkout), { force: true });

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
  const [onto, commit] = text.trim().split(" ");
  if (onto === undefined || commit === undefined) return clearTorn(checkout);
  const foreign = await mend(context, checkout, { onto, commit });
  if (foreign.length > 0) return halfLanded(checkout, foreign);
  const same = going?.onto === onto && going.commit === commit && checkout.head === going.ref;
  if (same) return undefined;
  const place = treePlace(context.layout, checkout.path, checkout.admin);
  const head = await line(context, place, ["rev-parse", "--verify", "HEAD^{commit}"]);
  const blocked = await obstacles(context, checkout, commit, head);
  const dry = await call(context, place, ["read-tree", "-n", "-m", "-u", commit, head]);
  if (dry.code !== 0 || blocked.length > 0) return halfLanded(checkout, blocked);
  const ran = await call(context, place, ["read-tree", "-m", "-u", commit, head], { writes: checkout.path });
  if (ran.code !== 0) return halfLanded(checkout, []);
  await clearMark(checkout);
  return undefined;
};

/** The note was cut short, so nothing that follows it has happened. */
const clearTorn = async (checkout: Checkout): Promise<undefined> => {
  await clearMark(checkout);
  return undefined;
};

const halfLanded = (checkout: Checkout, paths: readonly string[]): No => ({
  refused: `an interrupted landing is still half in ${checkout.path}, and files were changed since`,
  hint: `commit or undo your changes in ${checkout.path}`,
  code: 4,
  paths,
});

const markOf = (checkout: Checkout): string => join(checkout.admin, "lanekeeper-landing");
