/** Keeping our folders out of git without touching a file of the project. */
import { appendFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import type { Layout } from "../port.ts";
import { missing } from "./absent.ts";

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
