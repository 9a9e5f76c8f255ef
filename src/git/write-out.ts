/** Generated files in the user's checkout, such as the execution plan. */
import { randomBytes } from "node:crypto";
import { lstat, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";

import type { Layout } from "../port.ts";

/**
 * Write `text` to `path` (relative, our own name) below the checkout: readers see the old or the new file. A folder on the
 * way that is a link is refused: the file would land elsewhere.
 */
export const writeOut = async (layout: Layout, path: string, text: string): Promise<void> => {
  const top = layout.checkout ?? layout.home;
  const file = join(top, path);
  for (const folder of foldersTo(top, file)) {
    await makeIfMissing(folder);
    if (!(await lstat(folder)).isDirectory()) throw new Error(`${folder} is not a folder: ${path} was not written`);
  }
  const fresh = `${file}.${randomBytes(8).toString("hex")}.new`;
  try {
    await writeFile(fresh, text, { flag: "wx" });
    await rename(fresh, file);
  } finally {
    await rm(fresh, { force: true });
  }
};

/** The folders between `top` and a file below it, outermost first. */
const foldersTo = (top: string, file: string): readonly string[] => {
  const parts = relative(top, dirname(file))
    .split(sep)
    .filter((part) => part !== "");
  return parts.map((_, index) => join(top, ...parts.slice(0, index + 1)));
};

const makeIfMissing = async (folder: string): Promise<void> => {
  try {
    await mkdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
};
