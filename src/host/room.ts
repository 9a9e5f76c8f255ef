/** Room on a disk. */
import { statfsSync } from "node:fs";

import type { Room } from "../port.ts";

/** What an unprivileged process may still use of the disk that holds `path`; undefined when that cannot be seen. */
export const roomAt = (path: string): Room | undefined => {
  try {
    const seen = statfsSync(path);
    return { freeBytes: seen.bavail * seen.bsize, ...(seen.files > 0 ? { freeFiles: seen.ffree } : {}) };
  } catch (error) {
    if (unseen.has((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
};

const unseen: ReadonlySet<string> = new Set(["EACCES", "ENOENT", "ENOSYS"]);
