/** The layout of an ordinary repository by reading a few small files: no git is started. */
import { existsSync, lstatSync, readFileSync, realpathSync } from "node:fs";
import type { Stats } from "node:fs";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";

import { idFault } from "../core/id.ts";
import type { Layout } from "../port.ts";

/** The layout around `cwd`, or undefined when only git can tell (`findLayout`). Reads small regular files only. */
export const findLayoutFast = (cwd: string): Layout | undefined => {
  const here = existsSync(cwd) ? realpathSync(cwd) : undefined;
  const device = here === undefined ? undefined : seen(here)?.dev;
  for (let folder = here; folder !== undefined; folder = folder === "/" ? undefined : dirname(folder)) {
    const lane = laneAt(folder);
    if (lane !== undefined) return lane;
    const entry = seen(join(folder, ".git"));
    // Inside a git directory, or beyond the file system that git would search: git's own rules decide.
    if (entry === undefined && (existsSync(join(folder, "HEAD")) || seen(folder)?.dev !== device)) return undefined;
    if (entry !== undefined) return isOurs(entry) ? layoutAt(folder, entry) : undefined;
  }
  return undefined;
};

/** The layout of a common directory. `top`: the worktree that the caller stands in. */
export const layoutOf = (common: string, checkout: string | undefined, top: string | undefined): Layout => {
  const natural = [".git", ".bare"].includes(basename(common));
  const home = natural ? dirname(common) : join(common, "lanekeeper");
  const worktrees = join(home, ".worktrees");
  const inside = top !== undefined && dirname(top) === worktrees && idFault(basename(top)) === undefined;
  const insideLane = inside ? basename(top) : undefined;
  return { home, state: natural ? join(home, ".orchestration") : home, worktrees, common, checkout, insideLane };
};

/** Top of the main worktree as the configuration and the place of the common directory say; undefined when bare or unknown. */
export const mainTree = (common: string): string | undefined => {
  const config = configText(common);
  if (/^\s*bare\s*(=\s*(true|yes|on|1)\s*)?$/im.test(config)) return undefined;
  const worktree = /^\s*worktree\s*=\s*"?([^"\n]+?)"?\s*$/im.exec(config)?.[1];
  if (worktree !== undefined) return realIfThere(resolve(common, worktree));
  return basename(common) === ".git" ? dirname(common) : notedTree(common);
};

/** Where the main worktree of a separate git directory is, as noted by `noteCheckout`: git itself does not know. */
const notedTree = (common: string): string | undefined => {
  const noted = smallText(checkoutNote(common))?.replace(/\n$/, "");
  if (noted === undefined || !isAbsolute(noted)) return undefined;
  const named = /^gitdir: (.+)\n$/s.exec(smallText(join(noted, ".git")) ?? "")?.[1];
  // Believed only while the worktree says the same: it may have been moved since.
  return named !== undefined && realIfThere(resolve(noted, named)) === common ? noted : undefined;
};

/** The file that says where the main worktree of a separate git directory is: its path and a line break. */
export const checkoutNote = (common: string): string => join(common, "lanekeeper", "checkout");

const configText = (common: string): string =>
  `${smallText(join(common, "config")) ?? ""}\n${smallText(join(common, "config.worktree")) ?? ""}`;

const realIfThere = (path: string): string | undefined => unlessNowhere(() => realpathSync(path));

/** A lane by its place, `<home>/.worktrees/<id>`, when the admin folder points back: its `.git` file is not asked. */
const laneAt = (folder: string): Layout | undefined => {
  if (basename(dirname(folder)) !== ".worktrees" || idFault(basename(folder)) !== undefined) return undefined;
  const home = dirname(dirname(folder));
  const likely = basename(home) === "lanekeeper" ? [dirname(home)] : [join(home, ".git"), join(home, ".bare")];
  for (const common of likely) {
    const entry = seen(common);
    if (entry?.isDirectory() !== true || !isOurs(entry)) continue;
    if (pointsBack(join(common, "worktrees", basename(folder)), folder))
      return layoutOf(common, mainTree(common), folder);
  }
  return undefined;
};

const layoutAt = (folder: string, entry: Stats): Layout | undefined => {
  const path = join(folder, ".git");
  if (entry.isDirectory()) return layoutIn(path, folder, folder);
  const admin = entry.isFile() ? /^gitdir: (.+)\n$/.exec(smallText(path) ?? "")?.[1] : undefined;
  if (admin === undefined) return undefined;
  const gitDir = resolve(folder, admin);
  const common = smallText(join(gitDir, "commondir"))?.trimEnd();
  if (common === undefined || !pointsBack(gitDir, folder)) return undefined;
  const realCommon = realIfThere(resolve(gitDir, common));
  return realCommon === undefined ? undefined : layoutIn(realCommon, undefined, folder);
};

/** `checkout`: where the main worktree has to be, when that is known. */
const layoutIn = (common: string, checkout: string | undefined, top: string): Layout | undefined => {
  const whole = ["HEAD", "objects", "refs", "config"].every((name) => existsSync(join(common, name)));
  if (!whole || /^\s*\[include/im.test(configText(common))) return undefined;
  const main = mainTree(common);
  if (checkout !== undefined && main !== checkout) return undefined;
  if (main === undefined && basename(common) !== ".bare") return undefined;
  return layoutOf(common, main, top);
};

const pointsBack = (admin: string, folder: string): boolean => {
  const text = smallText(join(admin, "gitdir"));
  return text !== undefined && resolve(admin, text.trimEnd()) === join(folder, ".git");
};

/** Git refuses repositories of other users: it shall say so itself. */
const isOurs = (entry: Stats): boolean => entry.uid === process.getuid?.() && process.env["SUDO_UID"] === undefined;

/** Undefined where nothing is, or nothing can be: what a file of git names may be no path at all. */
const seen = (path: string): Stats | undefined => unlessNowhere(() => lstatSync(path, { throwIfNoEntry: false }));

const nowhere: ReadonlySet<unknown> = new Set([
  "ENOENT",
  "ENOTDIR",
  "ENAMETOOLONG",
  "ELOOP",
  "EACCES",
  "ERR_INVALID_ARG_VALUE",
]);

const unlessNowhere = <T>(look: () => T): T | undefined => {
  try {
    return look();
  } catch (error) {
    if (error instanceof Error && "code" in error && nowhere.has(error.code)) return undefined;
    throw error;
  }
};

/** Files of git that name a path or hold a configuration are small; devices and pipes are never opened. */
const textBytesMax = 256 * 1024;

const smallText = (path: string): string | undefined => {
  const entry = seen(path);
  if (entry?.isFile() !== true || entry.size > textBytesMax) return undefined;
  return unlessNowhere(() => readFileSync(path, "utf8"));
};
