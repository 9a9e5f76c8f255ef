/** Settings of the repository itself that make the user's own git run programs (trust.md 1.2). Values are never told: they may be secrets. */
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";

import type { RepositoryFacts } from "../core/health.ts";
import { missing } from "./absent.ts";
import { call } from "./call.ts";
import type { Context } from "./call.ts";
import { refsPlace } from "./place.ts";

/** Keys whose values are programs, as `git config --get-regexp` takes them. */
const keys: string = [
  String.raw`^core\.(fsmonitor|hookspath|sshcommand|pager|editor|askpass|alternaterefscommand|gitproxy)$`,
  String.raw`^(sequence\.editor|diff\.external|interactive\.difffilter|uploadpack\.packobjectshook)$`,
  String.raw`^diff\..*\.(command|textconv)$`,
  String.raw`^(filter\..*\.(clean|smudge|process)|merge\..*\.driver)$`,
  String.raw`^gpg(\..*)?\.program$`,
  String.raw`^(credential(\..*)?\.helper|alias\..*|pager\..*)$`,
  String.raw`^remote\..*\.(uploadpack|receivepack|vcs)$`,
].join("|");

/** What the shared configuration and those of single worktrees would run. */
export const programsIn = async (context: Context): Promise<RepositoryFacts["programs"]> => {
  const { common } = context.layout;
  const admins = (await missing(readdir(join(common, "worktrees")), [])).map((name) => join(common, "worktrees", name));
  const files = [join(common, "config"), ...[common, ...admins].map((folder) => join(folder, "config.worktree"))];
  const found = await Promise.all(
    files.filter((file) => existsSync(file)).map((file) => context.wide(() => programsOf(context, file))),
  );
  return found.flat();
};

const programsOf = async (context: Context, file: string): Promise<RepositoryFacts["programs"]> => {
  const args = ["config", "--file", file, "--includes", "-z", "--get-regexp", keys];
  const ran = await call(context, refsPlace(context.layout), args);
  const rows = ran.stdout
    .toString()
    .split("\0")
    .filter((row) => row !== "")
    .map((row) => [row.split("\n", 1)[0] ?? "", row.slice(row.indexOf("\n") + 1)] as const);
  const named = new Set(rows.filter(([key, value]) => runsProgram(key, value)).map(([key]) => key));
  return [...named].map((key) => ({
    key,
    file,
    unset: `git config --file ${quoted(file)} --unset-all ${quoted(key)}`,
  }));
};

const words = new Set(["", "true", "false", "yes", "no", "on", "off", "0", "1"]);

/** Does this value name a program that git's own defaults would not run? */
const runsProgram = (key: string, value: string): boolean => {
  if (key === "core.fsmonitor" || key.startsWith("pager.")) return !words.has(value.toLowerCase());
  if (key === "core.hookspath") return value !== "/dev/null" && value !== "";
  if (key.startsWith("alias.")) return value.startsWith("!");
  if (key.startsWith("filter.lfs.")) return !/^git-lfs (?:clean|smudge|filter-process)(?: -- %f)?$/.test(value);
  // A plain word is one of git's own helpers: cache, store, osxkeychain.
  if (key.startsWith("credential")) return !/^[\w-]*$/.test(value);
  return value !== "";
};

const quoted = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
