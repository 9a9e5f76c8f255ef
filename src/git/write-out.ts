/** Generated files in the user's checkout, such as the execution plan. */
import { lstat, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";

import type { Layout } from "../port.ts";
import { missing } from "./absent.ts";

/**
 * Write `text` to `path` (relative, our own name) below the checkout: readers see the old or the new file. A folder on the
 * way that is a link is refused: the file would land elsewhere.
 */
export const writeOut = async (layout: Layout, path: string, text: string): Promise<void> => {
  const top = layout.checkout ?? layout.home;
  const file = join(top, path);
  await mkdir(dirname(file), { recursive: true });
  for (let folder = dirname(file); relative(top, folder) !== ""; folder = dirname(folder)) {
    const seen = await missing(lstat(folder), undefined);
    if (!seen?.isDirectory()) throw new Error(`${folder} is not a folder: ${path} was not written`);
  }
  const fresh = `${file}.${process.pid}.new`;
  try {
    await writeFile(fresh, text, { flag: "wx" });
    await rename(fresh, file);
  } finally {
    await rm(fresh, { force: true });
  }
};
