/** The worktrees of the repository, and which of them have the target checked out. */
import { must } from "./call.ts";
import type { Context } from "./call.ts";
import { seeAdmin } from "./head.ts";
import { adminOf, isFolder, refsPlace } from "./place.ts";

/** A worktree: where it is, and what it is on. */
export interface Checkout {
  readonly path: string;
  readonly admin: string;
  /** Full ref of its HEAD, or the one that is being rebased in it. */
  readonly head: string | undefined;
  readonly busy: string | undefined;
  /** Is its folder there? */
  readonly present: boolean;
}

/**
 * Every worktree of the repository, the main one first unless that is bare. One whose folder is gone is left out, unless it
 * is locked (it may be on another disk) or the main one. Source: `git worktree list` and the admin folders.
 */
export const worktrees = async (context: Context): Promise<readonly Checkout[]> => {
  const { layout } = context;
  const text = (await must(context, refsPlace(layout), ["worktree", "list", "--porcelain", "-z"])).toString();
  const [first, ...rest] = text
    .split("\0\0")
    .filter((record) => record !== "")
    .map(parseRecord);
  const linked = await Promise.all(rest.map((record) => linkedAt(layout.common, record)));
  const main = first === undefined || first.bare ? undefined : await seen(first, layout.checkout, layout.common);
  return [main, ...linked].filter((checkout) => checkout !== undefined);
};

/** A record of `git worktree list --porcelain -z`: `worktree PATH`, then one attribute a field. */
interface Listed {
  readonly path: string;
  readonly branch: string | undefined;
  readonly bare: boolean;
  readonly locked: boolean;
}

const parseRecord = (record: string): Listed => {
  const fields = record.split("\0");
  const valueOf = (name: string): string | undefined =>
    fields.find((field) => field.startsWith(`${name} `))?.slice(name.length + 1);
  const locked = fields.some((field) => field === "locked" || field.startsWith("locked "));
  return { path: valueOf("worktree") ?? "", branch: valueOf("branch"), bare: fields.includes("bare"), locked };
};

const linkedAt = async (common: string, record: Listed): Promise<Checkout | undefined> => {
  const admin = await adminOf(common, record.path);
  const found = admin === undefined ? undefined : await seen(record, record.path, admin);
  return found?.present === true || record.locked ? found : undefined;
};

const seen = async (record: Listed, path: string | undefined, admin: string): Promise<Checkout> => {
  const { head, busy } = seeAdmin(admin);
  const present = path !== undefined && (await isFolder(path));
  return { path: path ?? record.path, admin, head: record.branch ?? head, busy, present };
};

/** Those that are on `ref`. */
export const checkoutsOf = (all: readonly Checkout[], ref: string): readonly Checkout[] =>
  all.filter((checkout) => checkout.head === ref);
