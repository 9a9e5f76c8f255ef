/** Conflicts that the person has resolved before: git's own memory of them (`git rerere`), replayed in a worktree of ours. */
import { join } from "node:path";

import { namesIn, smallText } from "./absent.ts";
import { call, line, must } from "./call.ts";
import type { Context } from "./call.ts";
import type { Setting } from "./environment.ts";
import { hookSlot } from "./hook.ts";
import { adminOf, treePlace } from "./place.ts";
import { userIdentity } from "./porcelain.ts";
import { verification } from "./verification.ts";

/** The tree of the merge, when every conflict in it is one that git remembers how to resolve; undefined when not. It still has to be tested. */
export const replayed = async (context: Context, onto: string, head: string): Promise<string | undefined> => {
  if (namesIn(join(context.layout.common, "rr-cache")).length === 0) return undefined;
  return context.hooks(async () => {
    const top = await verification(context, hookSlot, onto);
    const admin = await adminOf(context.layout.common, top);
    if (admin === undefined) throw new Error(`git does not list ${top}`);
    const place = treePlace(context.layout, top, admin);
    const { name, email } = await userIdentity(context);
    const env = {
      GIT_AUTHOR_NAME: name,
      GIT_AUTHOR_EMAIL: email,
      GIT_COMMITTER_NAME: name,
      GIT_COMMITTER_EMAIL: email,
    };
    const more = { env, settings, writes: top };
    const ran = await call(context, place, ["merge", "--no-commit", "--no-ff", "--quiet", "-m", "replay", head], more);
    const unmerged = await must(context, place, ["ls-files", "-u", "-z"]);
    const isWhole = (ran.code === 0 || ran.code === 1) && unmerged.length === 0;
    // Other programs can reach this worktree: it has to be this very merge, before and after its tree is taken.
    const stands = (): boolean =>
      smallText(join(admin, "MERGE_HEAD"))?.trim() === head && smallText(join(admin, "HEAD"))?.trim() === onto;
    const written = isWhole && stands() ? await line(context, place, ["write-tree"]) : undefined;
    const tree = stands() ? written : undefined;
    // What it does not know yet is not to be remembered as begun.
    await call(context, place, ["rerere", "clear"], more);
    await call(context, place, ["merge", "--abort"], more);
    return tree;
  });
};

const settings: readonly Setting[] = [
  ["rerere.enabled", "true"],
  ["rerere.autoUpdate", "true"],
];
