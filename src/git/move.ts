/** Moving the files of a checkout from one commit to another without losing anything of the user's. */
import type { No } from "../core/observed.ts";
import { call, must } from "./call.ts";
import type { Context } from "./call.ts";
import type { Checkout } from "./checkout.ts";
import { obstacles } from "./obstacle.ts";
import { treePlace } from "./place.ts";
import { uncommitted } from "./status.ts";

/** From which commit to which the files go. */
export interface Move {
  readonly onto: string;
  readonly commit: string;
}

/** Would moving this checkout's files lose or mix up anything of the user's? Then a No that says what, and nothing has changed. */
export const preflight = async (context: Context, checkout: Checkout, move: Move): Promise<No | undefined> => {
  const { path, busy, present } = checkout;
  if (!present) return { refused: `the checkout ${path} cannot be reached`, hint: "start lanes in it", code: 4 };
  if (busy !== undefined) {
    return { refused: `a ${busy} is in progress in ${path}`, hint: `finish or abort it in ${path}`, code: 4 };
  }
  await refreshed(context, checkout);
  const blocked = await obstacles(context, checkout, move.onto, move.commit);
  if (blocked.length > 0) {
    const refused = `${count(blocked.length)} in ${path} that git does not track ${blocked.length === 1 ? "is" : "are"} in the way`;
    return { refused, hint: `move ${blocked.length === 1 ? "it" : "them"} away`, code: 4, paths: blocked };
  }
  const place = treePlace(context.layout, path, checkout.admin);
  const dry = await call(context, place, ["read-tree", "-n", "-m", "-u", move.onto, move.commit]);
  return dry.code === 0 ? undefined : overlap(context, checkout, move, dry.stderr);
};

/** Take the files and the index of this checkout from `onto` to `commit`; edits elsewhere stay. Repeating it changes nothing. */
export const moveCheckout = async (context: Context, checkout: Checkout, move: Move): Promise<No | undefined> => {
  const place = treePlace(context.layout, checkout.path, checkout.admin);
  const args = ["read-tree", "-m", "-u", move.onto, move.commit];
  const ran = await call(context, place, args, { writes: checkout.path });
  return ran.code === 0 ? undefined : overlap(context, checkout, move, ran.stderr);
};

/** Make the index agree with files that were touched but not changed: `read-tree` takes every touched file for an edit. */
export const refreshed = async (context: Context, checkout: Checkout): Promise<void> => {
  const place = treePlace(context.layout, checkout.path, checkout.admin);
  // It says "needs update" by exit code 1: those are the user's edits.
  await call(context, place, ["update-index", "-q", "--refresh"]);
};

/** Git names only the first file: the user gets all. */
const overlap = async (context: Context, checkout: Checkout, move: Move, stderr: string): Promise<No> => {
  const { path } = checkout;
  if (stderr.includes("index.lock")) {
    return { refused: `another git process is at work in ${path}`, hint: "try again when it is done", code: 75 };
  }
  const place = treePlace(context.layout, path, checkout.admin);
  const args = ["diff-tree", "-r", "-z", "--name-only", "--no-renames", move.onto, move.commit];
  const landing = new Set((await must(context, place, args)).toString().split("\0"));
  const dirty = await uncommitted(context, place);
  const paths = dirty.map((entry) => entry.path).filter((name) => landing.has(name));
  return {
    refused: `your edits in ${path} overlap with what lands: ${paths.length === 0 ? stderr.trim() : count(paths.length)}`,
    hint: "commit or undo them, then it lands by itself",
    code: 4,
    paths,
  };
};

const count = (files: number): string => `${files} file${files === 1 ? "" : "s"}`;
