/** The person's own hooks, as far as they have a say in a merge: run in a worktree of ours, never in theirs. */
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import type { No } from "../core/observed.ts";
import { call, must } from "./call.ts";
import type { Context } from "./call.ts";
import { commitIn } from "./candidate.ts";
import { controlPlace } from "./control.ts";
import type { Setting } from "./environment.ts";
import { adminOf, treePlace } from "./place.ts";
import { userIdentity } from "./porcelain.ts";
import { verification } from "./verification.ts";

/** A commit that is about to be made. */
export interface HookAsk {
  readonly onto: string;
  readonly tree: string;
  readonly parents: readonly string[];
  readonly message: string;
}

/** The worktree in which hooks look at a merge and remembered resolutions are replayed; checks have the low numbers. */
export const hookSlot = 900;
const timeoutMs = 120_000;

/** The setting that names the person's hooks, as a pattern. */
export const hooksKey: string = String.raw`^core\.hookspath$`;

/**
 * The folder of the person's own hooks by their own settings: one that is absolute or below `~/`. Any other path would be looked for in
 * the tree that is about to land, which an agent wrote.
 */
export const hooksBy = (own: ReadonlyMap<string, string>): string | undefined => {
  const path = own.get("core.hookspath");
  return path === undefined || path === "/dev/null" || !/^~?\//.test(path) ? undefined : path;
};

/** The message as the `commit-msg` hook in a folder leaves it, after `pre-merge-commit` had nothing against the files. A No when one refuses. */
export const hooked = (context: Context, hooksPath: string, ask: HookAsk): Promise<string | No> =>
  context.hooks(() => askHooks(context, ask, hooksPath));

const askHooks = async (context: Context, ask: HookAsk, hooksPath: string): Promise<string | No> => {
  const [control, person] = await Promise.all([controlPlace(context), userIdentity(context)]);
  const { commit } = await commitIn(context, control, person, { ...ask, at: 0 });
  const top = await verification(context, hookSlot, commit);
  const admin = await adminOf(context.layout.common, top);
  if (admin === undefined) throw new Error(`git does not list ${top}`);
  const place = treePlace(context.layout, top, admin);
  // As in a merge that waits for its commit: the files and the index are merged, HEAD is not.
  await must(context, place, ["update-ref", "--no-deref", "HEAD", ask.onto]);
  const settings: readonly Setting[] = [["core.hooksPath", hooksPath]];
  const env = { GIT_EDITOR: ":", GIT_INDEX_FILE: join(admin, "index") };
  const run = async (name: string, ...words: readonly string[]): Promise<No | undefined> => {
    const args = ["hook", "run", "--ignore-missing", name, "--", ...words];
    const ran = await call(context, place, args, { settings, env, timeoutMs });
    return ran.code === 0 ? undefined : refusal(name, ran.stderr);
  };
  const file = join(admin, "LANES_MSG");
  try {
    await writeFile(file, ask.message);
    const merges = ask.parents.length > 1 ? await run("pre-merge-commit") : undefined;
    return merges ?? (await run("commit-msg", file)) ?? (await readFile(file, "utf8"));
  } finally {
    await rm(file, { force: true });
  }
};

const refusal = (name: string, stderr: string): No => {
  const said = stderr.split("\n").find((line) => line.trim() !== "") ?? "it says nothing";
  return {
    refused: `your ${name} hook refuses it: ${said.trim().slice(0, 300)}`,
    hint: "do what it asks for in the lane, or change the hook, then merge again",
    code: 4,
  };
};
