/** Getting a repository ready without touching a file of the project or a setting of git. */
import { randomBytes } from "node:crypto";
import { appendFile, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import type { Layout } from "../port.ts";
import { missing } from "./absent.ts";
import { checkoutNote, mainTree } from "./layout-fast.ts";

/** Paths of ours in the user's checkout, as ignore patterns. */
const ours: readonly string[] = ["/.orchestration/", "/.worktrees/", "/docs/_generated/execution_plan.json"];

/** Append the lines that `info/exclude` does not have. True when there was one. `.gitignore` is never touched. */
export const exclude = async (layout: Layout): Promise<boolean> => {
  const folder = join(layout.common, "info");
  const file = join(folder, "exclude");
  const text = await missing(readFile(file, "utf8"), "");
  const absent = absentIn(text);
  if (absent.length === 0) return false;
  await mkdir(folder, { recursive: true });
  const start = text === "" || text.endsWith("\n") ? "" : "\n";
  await appendFile(file, `${start}${absent.join("\n")}\n`);
  return true;
};

/** Are all our folders kept out of git by `info/exclude`? */
export const isExcluded = async (layout: Layout): Promise<boolean> =>
  absentIn(await missing(readFile(join(layout.common, "info", "exclude"), "utf8"), "")).length === 0;

const absentIn = (text: string): readonly string[] => {
  const present = new Set(text.split(/\r?\n/).map((row) => row.trim()));
  return ours.filter((row) => !present.has(row));
};

/**
 * Note where the main checkout is when neither git's configuration nor the place of its folder says so (`git init
 * --separate-git-dir`): the engine and linked worktrees find it so. Needs the state folder.
 */
export const noteCheckout = async ({ common, checkout, state }: Layout): Promise<void> => {
  const note = checkoutNote(common);
  if (checkout === undefined || dirname(note) !== state || mainTree(common) === checkout) return;
  const fresh = `${note}.${randomBytes(8).toString("hex")}.new`;
  await writeFile(fresh, `${checkout}\n`, { flag: "wx", mode: 0o600 });
  await rename(fresh, note);
};
