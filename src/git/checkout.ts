/** The worktrees of the repository, and which of them have the target checked out. */
import { must } from "./call.ts";
import type { Context } from "./call.ts";
import { seeAdmin } from "./head.ts";
import { adminOf, isFolder, refsPlace } from "./place.ts";

/** A worktree with files: where it is, and what it is on. `head`: full ref, also the one that is being rebased. */
export interface Checkout {
  readonly path: string;
  readonly admin: string;
  readonly head: string | undefined;
  readonly busy: string | undefined;
}

/** Every worktree of the repository whose folder is there, the main one first. Source: `worktree list` and the admin folders. */
export const worktrees = async (context: Context): Promise<readonly Checkout[]> => {
  const { layout } = context;
  const text = (await must(context, refsPlace(layout), ["worktree", "list", "--porcelain", "-z"])).toString();
  const paths = text
    .split("\0")
    .filter((field) => field.startsWith("worktree "))
    .slice(1);
  const linked = await Promise.all(paths.map((field) => linkedAt(context, field.slice("worktree ".length))));
  const main = layout.checkout === undefined ? undefined : await seen(layout.checkout, layout.common);
  return [main, ...linked].filter((checkout) => checkout !== undefined);
};

const linkedAt = async (context: Context, path: string): Promise<Checkout | undefined> => {
  const admin = await adminOf(context.layout.common, path);
  return admin === undefined ? undefined : seen(path, admin);
};

const seen = async (path: string, admin: string): Promise<Checkout | undefined> => {
  if (!(await isFolder(path))) return undefined;
  const { head, busy } = await seeAdmin(admin);
  return { path, admin, head, busy };
};

/** Those that are on `ref`. */
export const checkoutsOf = (all: readonly Checkout[], ref: string): readonly Checkout[] =>
  all.filter((checkout) => checkout.head === ref);
