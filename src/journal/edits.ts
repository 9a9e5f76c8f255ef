/** Noticing that somebody else wrote a published file. A hint only: whoever is told looks at the file itself. */
import type { FSWatcher } from "chokidar";

import type { Release } from "../port.ts";

/**
 * Call `changed` soon after the file at `path` was changed, replaced or removed, by us or by others; sometimes for nothing.
 * chokidar does not tell the last change of a burst for sure (journal.md): nothing may rely on it alone.
 */
export const followFile = (path: string, changed: () => void): Release => {
  let watcher: FSWatcher | undefined;
  let over = false;
  const arm = async (): Promise<void> => {
    const { watch } = await import("chokidar");
    if (over) return;
    watcher = watch(path, { ignoreInitial: true, followSymlinks: false });
    for (const event of ["add", "change", "unlink"] as const) watcher.on(event, changed);
    // No watches left, or no folder: the file is published anew at the next change of the state all the same.
    watcher.on("error", () => undefined);
  };
  void arm();
  return () => {
    over = true;
    void watcher?.close();
  };
};
