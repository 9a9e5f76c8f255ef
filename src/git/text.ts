/** Text of files, few of them open at once however many are asked for: who runs us may allow 64 (`ulimit -n`). */
import { readFile } from "node:fs/promises";

import { limit } from "./limit.ts";

/** A whole file as text. Rejects like `readFile`. */
export const readText = (path: string, encoding: "utf8" | "latin1" = "utf8"): Promise<string> =>
  few(() => readFile(path, encoding));

/** As many at once as Node has threads for files; for the whole process, since the limit is. */
const few = limit(4);
