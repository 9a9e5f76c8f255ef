/** What the repository's own configuration holds: its settings, those of single worktrees, and its hooks. */
import { createHash } from "node:crypto";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

import type { Configured } from "../core/observed.ts";
import { missing } from "./absent.ts";
import type { Context } from "./call.ts";
import { cleanEnvironment } from "./environment.ts";
import { stampOf } from "./guard.ts";
import { git } from "./run.ts";

/**
 * Every setting with a digest of its value, and every hook with a stamp of its file. Files that did not change are not read
 * again. A file that git cannot read counts as one setting: that it changed is still seen.
 */
export const configured = async (context: Context): Promise<Configured> => {
  const { common } = context.layout;
  const worktrees = (await missing(readdir(join(common, "worktrees")), [])).slice(0, worktreesMax);
  const files = [
    { path: join(common, "config"), where: "git's shared configuration" },
    { path: join(common, "config.worktree"), where: "the main worktree's own configuration" },
    ...worktrees.map((name) => ({
      path: join(common, "worktrees", name, "config.worktree"),
      where: `the worktree ${name}'s own configuration`,
    })),
  ];
  const settings = await Promise.all(files.map(({ path, where }) => settingsIn(context, path, where)));
  const attributes = stampOf(join(common, "info", "attributes"));
  return Object.fromEntries([
    ...settings.flat(),
    ...(attributes === "none" ? [] : [["info/attributes", attributes]]),
    ...(await hooksIn(join(common, "hooks"))),
  ]) as Configured;
};

/** Worktrees whose own configuration is looked at. */
const worktreesMax = 1000;
/** A configuration is small; more is not read in one look. */
const timeoutMs = 10_000;

type Entries = readonly (readonly [name: string, digest: string])[];

/** What git writes by itself: where branches push to. */
const passing = /^branch\./;

const settingsIn = async (context: Context, path: string, where: string): Promise<Entries> => {
  const stamp = stampOf(path);
  if (stamp === "none") return [];
  const known = context.settings.get(path);
  if (known?.stamp === stamp) return known.entries;
  const options = { cwd: context.layout.common, env: cleanEnvironment(context.env), timeoutMs };
  const args = ["config", "--file", path, "--no-includes", "--list", "-z"];
  const ran = await context.wide(() => git(args, options));
  const entries: Entries =
    ran.code === 0 ? parse(ran.stdout.toString(), where) : [[`${where}, which git cannot read,`, stamp]];
  context.settings.set(path, { stamp, entries });
  return entries;
};

/** `key LF value NUL`, again and again; a key may have several values. */
const parse = (text: string, where: string): Entries => {
  const values = new Map<string, string>();
  for (const field of text.split("\0")) {
    const key = field.split("\n", 1)[0] ?? "";
    if (key !== "" && !passing.test(key)) values.set(key, `${values.get(key) ?? ""}${field}\0`);
  }
  if (values.size > settingsMax) return [[`${where} with its ${values.size} settings`, digestOf(text)]];
  return [...values].map(([key, value]) => [`${key} in ${where}`, digestOf(value)] as const);
};

/** A file with more settings is compared as a whole. */
const settingsMax = 500;

const digestOf = (text: string): string => createHash("sha256").update(text).digest("base64url").slice(0, 16);

const hooksIn = async (folder: string): Promise<Entries> => {
  const names = (await missing(readdir(folder), [])).filter((name) => !name.endsWith(".sample"));
  const found = await Promise.all(
    names.map(async (name) => {
      const seen = await missing(stat(join(folder, name)), undefined);
      const stamp = `${seen?.ino}.${seen?.size}.${seen?.mtimeMs}`;
      return seen === undefined || (seen.mode & 0o111) === 0 ? [] : [[`the hook ${name}`, stamp] as const];
    }),
  );
  return found.flat();
};
